package surehook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"

	surehook "github.com/surehook/surehook/clients/go"
)

func TestARequestWhoseAnswerWasLostIsMadeAgainWithTheSameKey(t *testing.T) {
	tenant := newTenant()
	var mutex sync.Mutex
	keys := []string{}
	lossy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		defer mutex.Unlock()
		body, _ := io.ReadAll(r.Body)
		var fields struct {
			IdempotencyKey string `json:"idempotency_key"`
		}
		_ = json.Unmarshal(body, &fields)
		keys = append(keys, fields.IdempotencyKey)
		request, _ := http.NewRequest(r.Method, os.Getenv("SUREHOOK_URL")+r.URL.Path, bytes.NewReader(body))
		request.Header.Set("Authorization", r.Header.Get("Authorization"))
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Error(err)
			return
		}
		defer answer.Body.Close()
		switch len(keys) {
		case 1:
			panic(http.ErrAbortHandler)
		case 2:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(503)
		default:
			w.WriteHeader(answer.StatusCode)
			_, _ = io.Copy(w, answer.Body)
		}
	})
	client := surehook.New(surehook.WithURL(lossy))
	event := must[*surehook.AcceptedEvent](t)(client.Publish(context.Background(), "lost.answer", 1, surehook.Tenant(tenant)))
	if !event.Duplicate || len(keys) != 3 || keys[0] == "" || keys[0] != keys[2] {
		t.Fatalf("duplicate %v, keys %v", event.Duplicate, keys)
	}
}

// roundTrip is an http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestADeletionWhoseAnswerWasLostSucceedsAndOneOfNothingDoesNot(t *testing.T) {
	ctx, tries := context.Background(), 0
	endpoint := must[*surehook.EndpointWithSecret](t)(surehook.New().Endpoints.Create(ctx, surehook.EndpointFields{
		URL: "https://example.com/", EventTypes: []string{"*"}, Tenant: newTenant(),
	}))
	lossy := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		answer, err := http.DefaultTransport.RoundTrip(r)
		if tries++; tries == 1 && err == nil {
			answer.Body.Close()
			return nil, errors.New("the answer is lost")
		}
		return answer, err
	})}
	if err := surehook.New(surehook.WithHTTPClient(lossy)).Endpoints.Delete(ctx, endpoint.ID); err != nil || tries != 2 {
		t.Fatalf("%d tries, %v", tries, err)
	}
	if err := surehook.New().Endpoints.Delete(ctx, endpoint.ID); !errors.Is(err, surehook.ErrNotFound) {
		t.Fatalf("got %v", err)
	}
}

func TestARedirectIsAnErrorAndIsNotFollowed(t *testing.T) {
	followed := false
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			followed = true
			_, _ = io.WriteString(w, "{}")
			return
		}
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	given := &http.Client{}
	for _, client := range []*surehook.Client{
		surehook.New(surehook.WithURL(url)),
		surehook.New(surehook.WithURL(url), surehook.WithHTTPClient(given)),
	} {
		_, err := client.Publish(context.Background(), "a.b", 1)
		var refused *surehook.APIError
		if !errors.As(err, &refused) || refused.Status != http.StatusFound || followed {
			t.Fatalf("followed: %v, %v", followed, err)
		}
	}
	if given.CheckRedirect != nil {
		t.Fatal("the given client was changed")
	}
}

func TestAnAnswerThatIsNotJSONIsAnError(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") })
	if event, err := surehook.New(surehook.WithURL(url)).Publish(context.Background(), "a.b", 1); err == nil || event != nil {
		t.Fatalf("got %v, %v", event, err)
	}
}
