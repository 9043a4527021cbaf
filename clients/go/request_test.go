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

func TestATestOfAnEndpointIsNotTriedAgain(t *testing.T) {
	tries := 0
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		tries++
		w.WriteHeader(503)
	})
	_, err := surehook.New(surehook.WithURL(url)).Endpoints.Test(context.Background(), "ep_1", surehook.TestSample{})
	if err == nil || tries != 1 {
		t.Fatalf("%d tries, %v", tries, err)
	}
}

func TestAReasonThatIsLeftOutIsNotSent(t *testing.T) {
	bodies := make(chan string, 1)
	client := surehook.New(surehook.WithURL(serve(t, func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		bodies <- string(text)
	})))
	for reason, want := range map[string]string{"": "", "moved": `{"reason":"moved"}`} {
		must[*surehook.Endpoint](t)(client.Endpoints.Disable(context.Background(), "ep_1", reason))
		if got := <-bodies; got != want {
			t.Errorf("%q sends %s", reason, got)
		}
	}
}

func TestAURLOrAKeyThatCannotBeUsedIsAnErrorAtOnce(t *testing.T) {
	tries := 0
	counted := surehook.WithHTTPClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		tries++
		return nil, errors.New("not to be made")
	})})
	for _, one := range []struct {
		option surehook.Option
		want   string
	}{
		{surehook.WithURL("surehook.example.com:8080"), "URL of the server"},
		{surehook.WithURL("ftp://surehook.example.com"), "URL of the server"},
		{surehook.WithURL("http://"), "URL of the server"},
		{surehook.WithURL("http://a\n"), "URL of the server"},
		{surehook.WithAPIKey("sk_1\n"), "API key"},
		{surehook.WithAPIKey("schlüssel"), "API key"},
	} {
		_, err := surehook.New(counted, one.option).Events.Get(context.Background(), "evt_1")
		if err == nil || tries > 0 || !strings.Contains(err.Error(), one.want) {
			t.Errorf("%d tries, %v", tries, err)
		}
	}
}
