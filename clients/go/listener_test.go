package surehook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	surehook "github.com/surehook/surehook/clients/go"
)

func TestListenersReceiveRetryAndEnd(t *testing.T) {
	ctx, client, tenant := context.Background(), surehook.New(), newTenant()
	var mutex sync.Mutex
	calls := map[string]int{}
	count := func(name string) int {
		mutex.Lock()
		defer mutex.Unlock()
		calls[name]++
		return calls[name]
	}
	listeners := client.NewListeners()
	listeners.On("log", func(context.Context, *surehook.Webhook) error { count("log"); return nil }, "link.clicked")
	listeners.On("shaky", func(_ context.Context, event *surehook.Webhook) error {
		if count("shaky") < 3 {
			return errors.New("the database is away")
		}
		return nil
	}, "link.*")
	listeners.On("broken", func(context.Context, *surehook.Webhook) error {
		count("broken")
		return surehook.Permanent(errors.New("no such account"))
	}, "*")
	url := serve(t, http.StripPrefix("/hooks", listeners).ServeHTTP)
	for range 2 {
		if err := listeners.Register(ctx, url+"/hooks", tenant); err != nil {
			t.Fatal(err)
		}
	}
	event := must[*surehook.AcceptedEvent](t)(client.Publish(ctx, "link.clicked", 1, surehook.Tenant(tenant)))
	want := []string{"DELIVERED", "DELIVERED", "FAILED"}
	eventually(t, func() bool { return slices.Equal(statuses(t, client, event.ID), want) })
	if calls["log"] != 1 || calls["shaky"] != 3 || calls["broken"] != 1 {
		t.Fatalf("calls: %v", calls)
	}
	answer := must[*http.Response](t)(http.Post(url+"/hooks/log", "application/json", nil))
	answer.Body.Close()
	if answer.StatusCode != 400 {
		t.Fatalf("an unsigned request was answered with %d", answer.StatusCode)
	}
}

// listen serves one listener of a tenant, and returns the URL of its base and its endpoint.
func listen(t *testing.T, client *surehook.Client, tenant, name string, handle surehook.Handler) (string, surehook.Endpoint) {
	t.Helper()
	listeners := client.NewListeners()
	listeners.On(name, handle, "order.*")
	base := serve(t, http.StripPrefix("/hooks", listeners).ServeHTTP) + "/hooks"
	if err := listeners.Register(context.Background(), base, tenant); err != nil {
		t.Fatal(err)
	}
	return base, onlyEndpoint(t, tenant)
}

func onlyEndpoint(t *testing.T, tenant string) surehook.Endpoint {
	t.Helper()
	found := []surehook.Endpoint{}
	for one, err := range surehook.New().Endpoints.List(context.Background(), surehook.Filters{"tenant": tenant}) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, one)
	}
	if len(found) != 1 {
		t.Fatalf("%d endpoints", len(found))
	}
	return found[0]
}

func ignore(context.Context, *surehook.Webhook) error { return nil }

func TestAListenerWhoseEndpointWasDeletedGetsAnother(t *testing.T) {
	ctx, client, tenant := context.Background(), surehook.New(), newTenant()
	base, before := listen(t, client, tenant, "kept", ignore)
	if err := client.Endpoints.Delete(ctx, before.ID); err != nil {
		t.Fatal(err)
	}
	again := client.NewListeners()
	again.On("kept", ignore, "order.*")
	if err := again.Register(ctx, base, tenant); err != nil {
		t.Fatal(err)
	}
	if after := onlyEndpoint(t, tenant); after.URL != before.URL || after.ID == before.ID {
		t.Fatalf("got %+v", after)
	}
}

func TestANameMayHaveCharactersThatAreEscapedInAURL(t *testing.T) {
	client, tenant, calls := surehook.New(), newTenant(), make(chan string, 1)
	listen(t, client, tenant, "orders/EU 100%", func(_ context.Context, event *surehook.Webhook) error {
		calls <- event.Type
		return nil
	})
	event := must[*surehook.AcceptedEvent](t)(client.Publish(context.Background(), "order.made", 1, surehook.Tenant(tenant)))
	eventually(t, func() bool { return slices.Equal(statuses(t, client, event.ID), []string{"DELIVERED"}) })
	if got := <-calls; got != "order.made" {
		t.Fatal(got)
	}
}

func TestListenersOfTheSameNameInTwoApplicationsHaveAnEndpointEach(t *testing.T) {
	ctx, client, tenant := context.Background(), surehook.New(), newTenant()
	for _, application := range []string{"shop", "billing", "", "shop"} {
		listeners := client.NewListeners()
		listeners.Application = application
		listeners.On("book", ignore, "order.*")
		if err := listeners.Register(ctx, "http://127.0.0.1:1/"+application, tenant); err != nil {
			t.Fatal(err)
		}
	}
	found := []string{}
	for one, err := range client.Endpoints.List(ctx, surehook.Filters{"tenant": tenant}) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, fmt.Sprint(one.URL, " ", one.Metadata))
	}
	slices.Sort(found)
	want := []string{
		"http://127.0.0.1:1/billing/book map[application:billing listener:book]",
		"http://127.0.0.1:1/book map[listener:book]",
		"http://127.0.0.1:1/shop/book map[application:shop listener:book]",
	}
	if !slices.Equal(found, want) {
		t.Fatalf("got %q", found)
	}
}
