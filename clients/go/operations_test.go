package surehook

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func readAll[T any](rows iter.Seq2[T, error]) error {
	for _, err := range rows {
		if err != nil {
			return err
		}
	}
	return nil
}

func only[T any](_ *T, err error) error { return err }

// A call of each method, with every field that it can send.
var calls = map[string]func(context.Context, *Client) error{
	"Send": func(ctx context.Context, c *Client) error {
		return only(c.Send(ctx, "https://a.test", 1, Type("a.b"), Tenant("t"), Headers(nil), ContentType("text/plain"), IdempotencyKey("k")))
	},
	"Publish": func(ctx context.Context, c *Client) error {
		return only(c.Publish(ctx, "a.b", 1, EndpointIDs("ep_1"), Tenant("t"), Headers(nil), ContentType("text/plain")))
	},
	"NewListeners":           func(context.Context, *Client) error { return nil },
	"Events.Get":             func(ctx context.Context, c *Client) error { return only(c.Events.Get(ctx, "a/b")) },
	"Events.List":            func(ctx context.Context, c *Client) error { return readAll(c.Events.List(ctx, listed)) },
	"Endpoints.Create":       func(ctx context.Context, c *Client) error { return only(c.Endpoints.Create(ctx, created)) },
	"Endpoints.Get":          func(ctx context.Context, c *Client) error { return only(c.Endpoints.Get(ctx, "a/b")) },
	"Endpoints.List":         func(ctx context.Context, c *Client) error { return readAll(c.Endpoints.List(ctx, listed)) },
	"Endpoints.Update":       func(ctx context.Context, c *Client) error { return only(c.Endpoints.Update(ctx, "a/b", changed)) },
	"Endpoints.Delete":       func(ctx context.Context, c *Client) error { return c.Endpoints.Delete(ctx, "a/b") },
	"Endpoints.Pause":        func(ctx context.Context, c *Client) error { return only(c.Endpoints.Pause(ctx, "a/b", "r")) },
	"Endpoints.Resume":       func(ctx context.Context, c *Client) error { return only(c.Endpoints.Resume(ctx, "a/b")) },
	"Endpoints.Enable":       func(ctx context.Context, c *Client) error { return only(c.Endpoints.Enable(ctx, "a/b")) },
	"Endpoints.Disable":      func(ctx context.Context, c *Client) error { return only(c.Endpoints.Disable(ctx, "a/b", "r")) },
	"Endpoints.Secret":       func(ctx context.Context, c *Client) error { return only(c.Endpoints.Secret(ctx, "a/b")) },
	"Endpoints.RotateSecret": func(ctx context.Context, c *Client) error { return only(c.Endpoints.RotateSecret(ctx, "a/b", rotated)) },
	"Endpoints.Test": func(ctx context.Context, c *Client) error {
		return only(c.Endpoints.Test(ctx, "a/b", TestSample{EventType: "a.b", Payload: 1, Preview: true}))
	},
	"EventTypes.Create": func(ctx context.Context, c *Client) error { return only(c.EventTypes.Create(ctx, described)) },
	"EventTypes.Get":    func(ctx context.Context, c *Client) error { return only(c.EventTypes.Get(ctx, "a/b")) },
	"EventTypes.List": func(ctx context.Context, c *Client) error {
		return readAll(c.EventTypes.List(ctx, Filters{"archived": "all"}))
	},
	"Deliveries.Get":    func(ctx context.Context, c *Client) error { return only(c.Deliveries.Get(ctx, "a/b")) },
	"Deliveries.List":   func(ctx context.Context, c *Client) error { return readAll(c.Deliveries.List(ctx, listed)) },
	"Deliveries.Retry":  func(ctx context.Context, c *Client) error { return only(c.Deliveries.Retry(ctx, "a/b")) },
	"Deliveries.Cancel": func(ctx context.Context, c *Client) error { return only(c.Deliveries.Cancel(ctx, "a/b")) },
	"Batches.Create":    func(ctx context.Context, c *Client) error { return only(c.Batches.Create(ctx, batch)) },
	"Batches.Get":       func(ctx context.Context, c *Client) error { return only(c.Batches.Get(ctx, "a/b")) },
	"Batches.List":      func(ctx context.Context, c *Client) error { return readAll(c.Batches.List(ctx, listed)) },
	"Batches.Start":     func(ctx context.Context, c *Client) error { return only(c.Batches.Start(ctx, "a/b")) },
	"Batches.Cancel":    func(ctx context.Context, c *Client) error { return only(c.Batches.Cancel(ctx, "a/b")) },
}

var (
	overlap, listed = 0, Filters{"limit": "1", "from": "2026-01-01T00:00:00Z"}
	created         = EndpointFields{URL: "https://a.test", EventTypes: []string{"*"}, Tenant: "t", ID: "ep_1", Secret: "s", CA: "c"}
	changed         = EndpointFields{URL: "https://a.test", Clear: []string{"filter", "headers", "retry_schedule", "ca"}}
	rotated         = SecretRotation{Signature: "ed25519", OverlapSeconds: &overlap}
	described       = NewEventType{Name: "a.b", Description: "d", Example: 1, Schema: map[string]any{"type": "number"}, Archived: true}
	batch           = NewBatch{DeliveryIDs: []string{"del_1"}, Tenant: "t", IncludeDelivered: true}
)

func TestEachMethodMakesARequestOfTheOpenAPIDocument(t *testing.T) {
	read, name := readDocument(t), ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read.expectRequest(t, name, r)
		_, _ = w.Write([]byte(`{"data":[],"next_cursor":null}`))
	}))
	defer server.Close()
	client := New(WithURL(server.URL), WithMaxRetries(0))
	for _, name = range methods(reflect.ValueOf(client)) {
		call := calls[name]
		if call == nil {
			t.Errorf("%s is not called in this test", name)
		} else if err := call(context.Background(), client); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// methods of the client and its resources: Send, Events.Get, …
func methods(client reflect.Value) []string {
	names := []string{}
	for i := range client.NumMethod() {
		names = append(names, client.Type().Method(i).Name)
	}
	for _, field := range reflect.VisibleFields(client.Elem().Type()) {
		for i := range field.Type.NumMethod() {
			if field.IsExported() {
				names = append(names, field.Name+"."+field.Type.Method(i).Name)
			}
		}
	}
	return names
}

var inPath = regexp.MustCompile(`\{\w+\}`)

func (d *document) expectRequest(t *testing.T, name string, r *http.Request) {
	for path, operations := range d.Paths {
		of, isOperation := operations[strings.ToLower(r.Method)]
		if !isOperation || inPath.ReplaceAllString(path, "a%2Fb") != r.URL.EscapedPath() {
			continue
		}
		for given := range r.URL.Query() {
			if !slices.Contains(of.Parameters, parameter{given, "query"}) {
				t.Errorf("%s: the document has no parameter %s", name, given)
			}
		}
		d.expectBody(t, name, r, d.body(of))
		return
	}
	t.Errorf("%s: the document has no %s %s", name, r.Method, r.URL.EscapedPath())
}

func (d *document) expectBody(t *testing.T, name string, r *http.Request, allowed schema) {
	sent := map[string]json.RawMessage{}
	if text, _ := io.ReadAll(r.Body); len(text) > 0 {
		if err := json.Unmarshal(text, &sent); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for field := range sent {
		if allowed.Properties[field] == nil {
			t.Errorf("%s: the document has no field %s", name, field)
		}
	}
	for _, field := range allowed.Required {
		if sent[field] == nil {
			t.Errorf("%s: the field %s is missing", name, field)
		}
	}
}

func TestAnUpdateTakesFieldsAway(t *testing.T) {
	text, err := encode(EndpointFields{Body: "<>", Clear: []string{"filter", "headers", "metadata", "permanent_statuses"}})
	if want := `{"body":"<>","filter":null,"headers":{},"metadata":{},"permanent_statuses":[]}`; err != nil || string(text) != want {
		t.Fatalf("%s, %v", text, err)
	}
}
