package surehook_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"testing"

	surehook "github.com/surehook/surehook/clients/go"
)

func TestTheExampleOfAnEventTypeIsSentToTestAnEndpoint(t *testing.T) {
	ctx, client, tenant := context.Background(), surehook.New(), newTenant()
	created := must[*surehook.EventType](t)(client.EventTypes.Create(ctx, surehook.NewEventType{
		Name: tenant + ".made", Description: "An order.", Example: map[string]int{"n": 1}, Schema: map[string]any{"type": "object"},
	}))
	found := must[*surehook.EventType](t)(client.EventTypes.Get(ctx, created.Name))
	if *found.Description != "An order." || string(found.Example) != `{"n":1}` || found.Schema["type"] != "object" {
		t.Fatalf("got %+v", found)
	}
	listed := false
	for one, err := range client.EventTypes.List(ctx, surehook.Filters{"limit": "250"}) {
		if err != nil {
			t.Fatal(err)
		}
		listed = listed || one.Name == created.Name && one.HasSchema
	}
	if !listed {
		t.Fatal("the event type is not in the list")
	}
	bodies := []string{}
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(text))
		w.WriteHeader(http.StatusTeapot)
	})
	endpoint := must[*surehook.EndpointWithSecret](t)(client.Endpoints.Create(ctx, surehook.EndpointFields{
		URL: url, EventTypes: []string{"*"}, Tenant: tenant,
	}))
	test := func(sample surehook.TestSample) *surehook.EndpointTest {
		return must[*surehook.EndpointTest](t)(client.Endpoints.Test(ctx, endpoint.ID, sample))
	}
	sample := surehook.TestSample{EventType: created.Name, Payload: found.Example, Preview: true}
	if got := test(sample); got.Sent || got.Attempt != nil || got.Request.Body != `{"n":1}` || got.Diagnosis == "" {
		t.Fatalf("a preview: %+v", got)
	}
	sample.Preview = false
	if got := test(sample); !got.Sent || *got.Attempt.HTTPStatus != http.StatusTeapot || !slices.Equal(bodies, []string{`{"n":1}`}) {
		t.Fatalf("a test: %+v, received %v", got, bodies)
	}
}
