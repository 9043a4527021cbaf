package surehook_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	surehook "github.com/surehook/surehook/clients/go"
)

func TestRegisteringEnablesAnEndpointThatFailuresDisabledAndNoOther(t *testing.T) {
	var logged bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	defer slog.SetDefault(before)
	for _, one := range []struct {
		status, reason  string
		enabled, warned bool
	}{
		{"disabled", "failing", true, false},
		{"disabled", "gone", true, false},
		{"disabled", "manual", false, true},
		{"paused", "manual", false, false},
	} {
		calls := []string{}
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			calls = append(calls, r.Method+" "+r.URL.Path)
			fmt.Fprintf(w, `{"data":[{"id":"ep_1","url":"http://app/hooks/ship","event_types":["order.*"],"metadata":{"listener":"ship"},
				"status":%q,"status_reason":%q}],"next_cursor":null,"secrets":[{"secret":"whsec_AAAA"}]}`, one.status, one.reason)
		})
		logged.Reset()
		listeners := surehook.New(surehook.WithURL(url)).NewListeners()
		listeners.On("ship", ignore, "order.*")
		if err := listeners.Register(context.Background(), "http://app/hooks", ""); err != nil {
			t.Fatal(err)
		}
		warned := strings.Contains(logged.String(), "disabled by hand")
		if slices.Contains(calls, "POST /v1/endpoints/ep_1/enable") != one.enabled || warned != one.warned {
			t.Errorf("%s, %s: %v, warned %v", one.status, one.reason, calls, warned)
		}
	}
}

func TestAListenerTakesThePublicKeyAfterARotationToEd25519(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	secrets := `[{"secret":"whsec_AAAA","signature":"hmac","public_key":null}]`
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"data":[{"id":"ep_1","metadata":{"listener":"ship"}}],"next_cursor":null,"secrets":%s}`, secrets)
	})
	listeners := surehook.New(surehook.WithURL(url)).NewListeners()
	listeners.On("ship", ignore, "order.*")
	if err := listeners.Register(context.Background(), "http://app/hooks", ""); err != nil {
		t.Fatal(err)
	}
	secrets = fmt.Sprintf(`[{"secret":"whsk_AAAA","signature":"ed25519","public_key":"whpk_%s"}]`, base64.StdEncoding.EncodeToString(public))
	request := httptest.NewRequest(http.MethodPost, "/ship", strings.NewReader("{}"))
	now := fmt.Sprint(time.Now().Unix())
	request.Header.Set("Webhook-Id", "evt_1")
	request.Header.Set("Webhook-Timestamp", now)
	signature := ed25519.Sign(private, []byte("evt_1."+now+".{}"))
	request.Header.Set("Webhook-Signature", "v1a,"+base64.StdEncoding.EncodeToString(signature))
	answer := httptest.NewRecorder()
	listeners.ServeHTTP(answer, request)
	if answer.Code != http.StatusNoContent {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
}
