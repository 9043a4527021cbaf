package surehook

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Webhook is a request whose signature was verified.
type Webhook struct {
	// ID is the event's, the same on every retry and replay: deduplicate by it.
	ID string
	// Timestamp is when this attempt was signed.
	Timestamp time.Time
	// Type is the event's.
	Type string
	// Attempt is the position of this request among the attempts of its delivery, from 1.
	Attempt int
	// Payload is the body, as it was signed.
	Payload json.RawMessage
}

// ErrVerification says that a request is not a webhook of this endpoint: answer it with 400.
var ErrVerification = errors.New("surehook: not verified")

// The request is fresh, and signed with another secret, if at all: the secret may have been rotated.
var errMismatch = fmt.Errorf("%w: no signature is of this secret", ErrVerification)

// Tolerance is the greatest age of a webhook, and the greatest lead of its sender's clock.
const Tolerance = 5 * time.Minute

// VerifyWebhook verifies a request as Standard Webhooks says. body: the bytes as received; secrets: whsec_…, or the public key
// whpk_…; several while one is rotated. The error is an ErrVerification.
func VerifyWebhook(body []byte, header http.Header, secrets ...string) (*Webhook, error) {
	return verifyAt(time.Now(), body, header, secrets)
}

func verifyAt(now time.Time, body []byte, header http.Header, secrets []string) (*Webhook, error) {
	id, timestamp, signatures := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp"), header.Get("Webhook-Signature")
	if id == "" || timestamp == "" || signatures == "" {
		return nil, fmt.Errorf("%w: webhook-id, webhook-timestamp or webhook-signature is missing", ErrVerification)
	}
	seconds, err := strconv.ParseUint(timestamp, 10, 40)
	if err != nil {
		return nil, fmt.Errorf("%w: webhook-timestamp is no number of seconds", ErrVerification)
	}
	at := time.Unix(int64(seconds), 0)
	if math.Abs(float64(now.Sub(at))) > float64(Tolerance) {
		return nil, fmt.Errorf("%w: webhook-timestamp is more than %s from now", ErrVerification, Tolerance)
	}
	if !isSigned(id+"."+timestamp+".", body, signatures, secrets) {
		return nil, errMismatch
	}
	attempt, _ := strconv.Atoi(header.Get("Webhook-Attempt"))
	return &Webhook{ID: id, Timestamp: at, Type: header.Get("Webhook-Event-Type"), Attempt: max(attempt, 1), Payload: body}, nil
}

func isSigned(prefix string, body []byte, signatures string, secrets []string) bool {
	content := append([]byte(prefix), body...)
	for _, secret := range secrets {
		encoded, isPublic := strings.CutPrefix(secret, "whpk_")
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(encoded, "whsec_"))
		if err != nil || len(key) == 0 || isPublic && len(key) != ed25519.PublicKeySize {
			// Anybody can sign with an empty key, which is what an unset variable gives.
			continue
		}
		// Once for all signatures, of which a forged request may have many.
		expected := hmacOf(key, content)
		for _, signature := range strings.Split(signatures, " ") {
			version, value, _ := strings.Cut(signature, ",")
			given, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				continue
			}
			if isPublic && version == "v1a" && ed25519.Verify(key, content, given) ||
				!isPublic && version == "v1" && hmac.Equal(given, expected) {
				return true
			}
		}
	}
	return false
}

func hmacOf(key, content []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(content)
	return mac.Sum(nil)
}
