package surehook_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	surehook "github.com/surehook/surehook/clients/go"
)

// The tests need a real server, which may call 127.0.0.1.
func TestMain(m *testing.M) {
	if os.Getenv("SUREHOOK_URL") == "" {
		fmt.Println("Set SUREHOOK_URL and SUREHOOK_API_KEY: the tests need a real server.")
		os.Exit(2)
	}
	os.Exit(m.Run())
}

func newTenant() string {
	id := make([]byte, 6)
	_, _ = rand.Read(id)
	return "go-" + hex.EncodeToString(id)
}

func serve(t *testing.T, handle http.HandlerFunc) string {
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

func eventually(t *testing.T, check func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !check(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in time")
		}
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func statuses(t *testing.T, client *surehook.Client, eventID string) []string {
	t.Helper()
	found := []string{}
	for delivery, err := range client.Deliveries.List(context.Background(), surehook.Filters{"event_id": eventID}) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, delivery.Status)
	}
	slices.Sort(found)
	return found
}

func TestAnEventIsPublishedDeliveredAndVerified(t *testing.T) {
	ctx, client, tenant := context.Background(), surehook.New(), newTenant()
	type got struct {
		header http.Header
		body   []byte
	}
	received := make(chan got, 1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		received <- got{r.Header, body}
		w.WriteHeader(204)
	})
	endpoint := must[*surehook.EndpointWithSecret](t)(client.Endpoints.Create(ctx, surehook.EndpointFields{
		URL: url, EventTypes: []string{"order.*"}, Tenant: tenant,
	}))
	event := must[*surehook.AcceptedEvent](t)(client.Publish(ctx, "order.created", map[string]float64{"total": 49.9}, surehook.Tenant(tenant)))
	one := <-received
	webhook := must[*surehook.Webhook](t)(surehook.VerifyWebhook(one.body, one.header, endpoint.Secret))
	if webhook.ID != event.ID || webhook.Type != "order.created" || string(webhook.Payload) != `{"total":49.9}` {
		t.Fatalf("got %+v", webhook)
	}
	eventually(t, func() bool { return slices.Equal(statuses(t, client, event.ID), []string{"DELIVERED"}) })
}

func TestAWebhookIsSentToAURLThatNobodyRegistered(t *testing.T) {
	received := make(chan string, 1)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		received <- string(body)
	})
	must[*surehook.AcceptedEvent](t)(surehook.New().Send(context.Background(), url, map[string]string{"hello": "world"}))
	if got := <-received; got != `{"hello":"world"}` {
		t.Fatal(got)
	}
}

func TestAListIsReadWholePageAfterPage(t *testing.T) {
	ctx, client, tenant := context.Background(), surehook.New(), newTenant()
	off := false
	want := []string{}
	for n := range 7 {
		url := fmt.Sprintf("https://example.com/%d", n)
		want = append(want, url)
		must[*surehook.EndpointWithSecret](t)(client.Endpoints.Create(ctx, surehook.EndpointFields{
			URL: url, EventTypes: []string{"*"}, Tenant: tenant, Enabled: &off,
		}))
	}
	got := []string{}
	for endpoint, err := range client.Endpoints.List(ctx, surehook.Filters{"tenant": tenant, "limit": "3"}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, endpoint.URL)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("got %v", got)
	}
}

func TestARefusalIsAnErrorOfItsStatusAndIsNotTriedAgain(t *testing.T) {
	ctx := context.Background()
	_, err := surehook.New().Endpoints.Create(ctx, surehook.EndpointFields{URL: "nonsense", EventTypes: []string{"*"}})
	var refused *surehook.APIError
	if !errors.As(err, &refused) || !errors.Is(err, surehook.ErrBadRequest) || refused.Errors[0].Path != "url" || refused.RequestID == "" {
		t.Fatalf("got %v", err)
	}
	if _, err := surehook.New().Events.Get(ctx, "evt_"+hex.EncodeToString(make([]byte, 16))); !errors.Is(err, surehook.ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	if _, err := surehook.New(surehook.WithAPIKey("wrong")).Publish(ctx, "a.b", 1); !errors.Is(err, surehook.ErrUnauthorized) {
		t.Fatalf("got %v", err)
	}
	tries := 0
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		tries++
		w.WriteHeader(418)
	})
	if _, err := surehook.New(surehook.WithURL(url)).Publish(ctx, "a.b", 1); err == nil || tries != 1 {
		t.Fatalf("%d tries, %v", tries, err)
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	hang := make(chan struct{})
	url := serve(t, func(http.ResponseWriter, *http.Request) { <-hang })
	// Before the server is closed, which waits for its requests.
	defer close(hang)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := surehook.New(surehook.WithURL(url)).Publish(ctx, "a.b", 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
}

func TestABatchIsChosenByAFilterWithListsAndHasNoRateLimit(t *testing.T) {
	ctx, client, tenant, unlimited := context.Background(), surehook.New(), newTenant(), 0.0
	batch := must[*surehook.Batch](t)(client.Batches.Create(ctx, surehook.NewBatch{
		Filter:        map[string]any{"tenant": tenant, "status": []string{"FAILED", "CANCELLED"}},
		DryRun:        true,
		RatePerSecond: &unlimited,
	}))
	if batch.RatePerSecond != 0 || !bytes.Contains(batch.Selection, []byte("CANCELLED")) {
		t.Fatalf("rate %v, selection %s", batch.RatePerSecond, batch.Selection)
	}
	usual := must[*surehook.Batch](t)(client.Batches.Create(ctx, surehook.NewBatch{
		Filter: map[string]any{"tenant": tenant}, DryRun: true,
	}))
	if usual.RatePerSecond == 0 {
		t.Fatal("without a rate, the server's default does not apply")
	}
}
