package surehook

import (
	"encoding/base64"
	"errors"
	"net/http"
	"testing"
	"time"
)

// The example of the specification's reference libraries (standardwebhooks).
const (
	secret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	other     = "whsec_YW5vdGhlciBzZWNyZXQgb2YgZW5vdWdoIGJ5dGVz"
	body      = `{"test": 2432232314}`
	signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	// test/webhook/sign.test.ts has the server make the same signature.
	publicKey        = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
	ed25519Signature = "v1a,yoUrgEkc12aGqm0n4Sydmdz55xJfTz4AsAgieHFjmkR7LJtqVCZOQYzvvHjI5kAey+r4iaBGxTFRrl2iBQxtDQ=="
)

var at = time.Unix(1614265330, 0)

func headers(changed map[string]string) http.Header {
	header := http.Header{}
	for name, value := range map[string]string{
		"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330", "webhook-signature": signature,
	} {
		header.Set(name, value)
	}
	for name, value := range changed {
		header.Set(name, value)
	}
	return header
}

func TestTheExampleOfStandardWebhooksIsVerified(t *testing.T) {
	for _, one := range []struct {
		header  http.Header
		secrets []string
	}{
		{headers(nil), []string{secret}},
		{headers(nil), []string{other, secret}},
		{headers(map[string]string{"webhook-signature": "v1,AAAA " + signature}), []string{secret}},
	} {
		webhook, err := verifyAt(at, []byte(body), one.header, one.secrets)
		if err != nil || webhook.ID != "msg_p5jXN8AQM9LWM0D4loKWxJek" || string(webhook.Payload) != body {
			t.Errorf("%v: %v, %v", one, webhook, err)
		}
	}
}

func TestAnEd25519SignatureIsVerifiedWithThePublicKeyOnly(t *testing.T) {
	keyed, err := base64.StdEncoding.DecodeString(publicKey[5:])
	if err != nil {
		t.Fatal(err)
	}
	hmacOfKey := "v1," + base64.StdEncoding.EncodeToString(hmacOf(keyed, []byte("msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330."+body)))
	for name, one := range map[string]struct {
		body, signature string
		secrets         []string
		want            bool
	}{
		"its key":              {body, ed25519Signature, []string{publicKey}, true},
		"a key among others":   {body, signature + " " + ed25519Signature, []string{other, "whpk_AAAA", publicKey}, true},
		"an older HMAC secret": {body, ed25519Signature + " " + signature, []string{secret}, true},
		"another body":         {body + " ", ed25519Signature, []string{publicKey}, false},
		"a short signature":    {body, "v1a,AAAA", []string{publicKey}, false},
		"another version":      {body, "v1" + ed25519Signature[3:], []string{publicKey}, false},
		"a short key":          {body, ed25519Signature, []string{"whpk_AAAA"}, false},
		"the key as a secret":  {body, ed25519Signature, []string{"whsec_" + publicKey[5:]}, false},
		"HMAC of the key":      {body, hmacOfKey, []string{publicKey}, false},
	} {
		_, err := verifyAt(at, []byte(one.body), headers(map[string]string{"webhook-signature": one.signature}), one.secrets)
		if (err == nil) != one.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnythingElseIsRefused(t *testing.T) {
	for name, one := range map[string]struct {
		body, secret string
		changed      map[string]string
		now          time.Time
	}{
		"another body":      {body + " ", secret, nil, at},
		"another secret":    {body, other, nil, at},
		"no secret":         {body, "", nil, at},
		"an empty key":      {body, "whsec_", map[string]string{"webhook-signature": signatureOfEmptyKey()}, at},
		"another id":        {body, secret, map[string]string{"webhook-id": "x"}, at},
		"a changed time":    {body, secret, map[string]string{"webhook-timestamp": "1614265331"}, at},
		"no number":         {body, secret, map[string]string{"webhook-timestamp": "1e9"}, at},
		"no signature":      {body, secret, map[string]string{"webhook-signature": ""}, at},
		"another version":   {body, secret, map[string]string{"webhook-signature": "v2" + signature[2:]}, at},
		"too old":           {body, secret, nil, at.Add(301 * time.Second)},
		"too far ahead":     {body, secret, nil, at.Add(-301 * time.Second)},
		"a huge number":     {body, secret, map[string]string{"webhook-timestamp": "99999999999999999999"}, at},
		"a negative number": {body, secret, map[string]string{"webhook-timestamp": "-1614265330"}, at},
	} {
		if _, err := verifyAt(one.now, []byte(one.body), headers(one.changed), []string{one.secret}); !errors.Is(err, ErrVerification) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func signatureOfEmptyKey() string {
	content := "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." + body
	return "v1," + base64.StdEncoding.EncodeToString(hmacOf(nil, []byte(content)))
}
