package surehook_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	surehook "github.com/surehook/surehook/clients/go"
)

func TestAfterARotationDeliveriesThatArriveTogetherHaveTheSecretsReadOnce(t *testing.T) {
	for _, signature := range []string{"hmac", "ed25519"} {
		t.Run(signature, func(t *testing.T) { expectOneReadAfterARotation(t, signature) })
	}
}

func expectOneReadAfterARotation(t *testing.T, signature string) {
	ctx, tenant := context.Background(), newTenant()
	var reads, calls atomic.Int32
	client := surehook.New(surehook.WithHTTPClient(&http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/secret") {
			reads.Add(1)
		}
		return http.DefaultTransport.RoundTrip(r)
	})}))
	_, endpoint := listen(t, client, tenant, "turned", func(context.Context, *surehook.Webhook) error {
		calls.Add(1)
		return nil
	})
	rotate(t, endpoint.ID, signature)
	events := []string{}
	var mutex sync.Mutex
	var published sync.WaitGroup
	for n := range 5 {
		published.Add(1)
		go func() {
			defer published.Done()
			event, err := client.Publish(ctx, "order.made", n, surehook.Tenant(tenant))
			if err != nil {
				t.Error(err)
				return
			}
			mutex.Lock()
			defer mutex.Unlock()
			events = append(events, event.ID)
		}()
	}
	published.Wait()
	for _, id := range events {
		eventually(t, func() bool { return slices.Equal(statuses(t, client, id), []string{"DELIVERED"}) })
	}
	for delivery, err := range client.Deliveries.List(ctx, surehook.Filters{"tenant": tenant}) {
		if err != nil || delivery.AttemptCount != 1 {
			t.Fatalf("%d attempts, %v", delivery.AttemptCount, err)
		}
	}
	if calls.Load() != 5 || reads.Load() != 1 {
		t.Fatalf("%d calls, %d reads", calls.Load(), reads.Load())
	}
}

// rotate ends all secrets but a new one at once.
func rotate(t *testing.T, endpointID, signature string) {
	t.Helper()
	none := 0
	must[*surehook.EndpointSecrets](t)(surehook.New().Endpoints.RotateSecret(
		context.Background(), endpointID, surehook.SecretRotation{Signature: signature, OverlapSeconds: &none},
	))
}

func TestWhileTheSecretsCannotBeReadASignatureThatMatchesNoneIsAnsweredWith503(t *testing.T) {
	away, reads := atomic.Bool{}, atomic.Int32{}
	client := surehook.New(surehook.WithMaxRetries(0), surehook.WithHTTPClient(&http.Client{
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if away.Load() {
				reads.Add(1)
				return nil, errors.New("the API is away")
			}
			return http.DefaultTransport.RoundTrip(r)
		}),
	}))
	base, _ := listen(t, client, newTenant(), "cut", ignore)
	if status := forge(t, base+"/cut"); status != 400 {
		t.Fatalf("with the API there, %d", status)
	}
	base, _ = listen(t, client, newTenant(), "cut", ignore)
	away.Store(true)
	for range 2 {
		if status := forge(t, base+"/cut"); status != 503 {
			t.Fatalf("with the API away, %d", status)
		}
	}
	if reads.Load() != 1 {
		t.Fatalf("%d reads", reads.Load())
	}
}

// forge sends a request with a fresh timestamp and a signature of no secret.
func forge(t *testing.T, url string) int {
	t.Helper()
	request := must[*http.Request](t)(http.NewRequest(http.MethodPost, url, strings.NewReader("{}")))
	request.Header.Set("Webhook-Id", "evt_1")
	request.Header.Set("Webhook-Timestamp", strconv.FormatInt(time.Now().Unix(), 10))
	request.Header.Set("Webhook-Signature", "v1,AAAA")
	answer := must[*http.Response](t)(http.DefaultClient.Do(request))
	defer answer.Body.Close()
	return answer.StatusCode
}
