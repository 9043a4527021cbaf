package surehook_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	surehook "github.com/surehook/surehook/clients/go"
)

func TestAContextThatEndsDuringABackOffKeepsTheLastErrorOfTheAPI(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	limited := roundTrip(func(*http.Request) (*http.Response, error) {
		header := http.Header{"Retry-After": {"30"}}
		return &http.Response{StatusCode: 429, Header: header, Body: endingBody{strings.NewReader(""), cancel}}, nil
	})
	client := surehook.New(surehook.WithHTTPClient(&http.Client{Transport: limited}))
	_, err := client.Publish(ctx, "a.b", 1)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, surehook.ErrRateLimited) {
		t.Fatalf("got %v", err)
	}
}

// endingBody ends a context when the answer has been read.
type endingBody struct {
	io.Reader
	end context.CancelFunc
}

func (b endingBody) Close() error {
	b.end()
	return nil
}

func TestAPayloadKeepsItsCharacters(t *testing.T) {
	bodies := make(chan string, 1)
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		bodies <- string(text)
	})
	client := surehook.New(surehook.WithURL(url))
	must[*surehook.AcceptedEvent](t)(client.Publish(context.Background(), "a.b", "<a href='?b&c'>", surehook.IdempotencyKey("k")))
	if got := <-bodies; got != `{"idempotency_key":"k","payload":"<a href='?b&c'>","type":"a.b"}` {
		t.Fatal(got)
	}
}
