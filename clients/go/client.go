package surehook

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Client makes requests to the API. Its zero value is not usable: see New.
type Client struct {
	Endpoints  Endpoints
	Events     Events
	Deliveries Deliveries
	Batches    Batches

	url        string
	apiKey     string
	http       *http.Client
	maxRetries int
}

// Option changes a new client.
type Option func(*Client)

// WithURL names the server. Default: SUREHOOK_URL of the environment, else http://127.0.0.1:8080.
func WithURL(url string) Option { return func(c *Client) { c.url = url } }

// WithAPIKey sets the key. Default: SUREHOOK_API_KEY of the environment.
func WithAPIKey(key string) Option { return func(c *Client) { c.apiKey = key } }

// WithHTTPClient replaces the default, which gives each try 30 seconds. Redirects are
// not followed: a POST would become a GET.
func WithHTTPClient(client *http.Client) Option { return func(c *Client) { c.http = client } }

// WithMaxRetries sets how many tries may follow a failed one. Default: 4.
func WithMaxRetries(count int) Option { return func(c *Client) { c.maxRetries = count } }

// New makes a client.
func New(options ...Option) *Client {
	c := &Client{
		url:        cmp.Or(os.Getenv("SUREHOOK_URL"), "http://127.0.0.1:8080"),
		apiKey:     os.Getenv("SUREHOOK_API_KEY"),
		http:       &http.Client{Timeout: 30 * time.Second},
		maxRetries: 4,
	}
	for _, option := range options {
		option(c)
	}
	c.url = strings.TrimRight(c.url, "/")
	own := *c.http
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &own
	c.Endpoints, c.Events, c.Deliveries, c.Batches = Endpoints{c}, Events{c}, Deliveries{c}, Batches{c}
	return c
}

// EventOption sets a field of an event, or of a webhook that is sent.
type EventOption func(map[string]any)

// IdempotencyKey makes repetitions of the same event have no further effect for 72 hours. Default: a new one for each call.
func IdempotencyKey(key string) EventOption {
	return func(body map[string]any) { body["idempotency_key"] = key }
}

// Tenant names the customer that the event is for. Default: "default".
func Tenant(id string) EventOption { return func(body map[string]any) { body["tenant"] = id } }

// Headers are sent with each request.
func Headers(headers map[string]string) EventOption {
	return func(body map[string]any) { body["headers"] = headers }
}

// Type names the event of a webhook that is sent.
func Type(name string) EventOption { return func(body map[string]any) { body["type"] = name } }

// Send sends one durable webhook to any URL: it is stored when this returns, then sent until it is delivered or has failed for good.
func (c *Client) Send(ctx context.Context, url string, payload any, options ...EventOption) (*AcceptedEvent, error) {
	return c.postEvent(ctx, "/v1/send", map[string]any{"url": url, "payload": payload}, options)
}

// Publish states a fact: each endpoint that subscribes to its type gets it. It is stored when this returns.
func (c *Client) Publish(ctx context.Context, eventType string, payload any, options ...EventOption) (*AcceptedEvent, error) {
	return c.postEvent(ctx, "/v1/events", map[string]any{"type": eventType, "payload": payload}, options)
}

func (c *Client) postEvent(ctx context.Context, path string, body map[string]any, options []EventOption) (*AcceptedEvent, error) {
	body["idempotency_key"] = newKey()
	for _, option := range options {
		option(body)
	}
	return do[AcceptedEvent](ctx, c, request{method: http.MethodPost, path: path, body: body})
}

type request struct {
	method string
	path   string
	query  map[string]string
	body   any
	// Default: a new one, the same for all tries.
	idempotencyKey string
}

// do makes a request, again while that may help, and decodes its answer.
func do[T any](ctx context.Context, c *Client, r request) (*T, error) {
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return nil, fmt.Errorf("surehook: the body is no JSON: %w", err)
		}
	}
	if r.idempotencyKey == "" {
		r.idempotencyKey = newKey()
	}
	for tries := 1; ; tries++ {
		response, text, err := c.try(ctx, r, body)
		if err == nil && response.StatusCode < 300 {
			answer := new(T)
			if len(text) > 0 {
				if err := json.Unmarshal(text, answer); err != nil {
					return nil, fmt.Errorf("surehook: the answer is not JSON of this type: %w", err)
				}
			}
			return answer, nil
		}
		if err == nil && r.method == http.MethodDelete && response.StatusCode == http.StatusNotFound && tries > 1 {
			// An earlier try has deleted it, and its answer was lost.
			return new(T), nil
		}
		if err == nil {
			err = apiError(response, text)
		}
		delay, again := retryDelay(response, tries)
		if !again || tries > c.maxRetries || ctx.Err() != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(delay):
		}
	}
}

// try makes one request; the response is nil where none came whole.
func (c *Client) try(ctx context.Context, r request, body []byte) (*http.Response, []byte, error) {
	target := c.url + r.path
	if query := queryOf(r.query); query != "" {
		target += "?" + query
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	if c.apiKey != "" {
		req.Header.Set("Authorization", "Bearer "+c.apiKey)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if fields, isMap := r.body.(map[string]any); r.method == http.MethodPost && !(isMap && fields["idempotency_key"] != nil) {
		req.Header.Set("Idempotency-Key", r.idempotencyKey)
	}
	response, err := c.http.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("surehook: no answer: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("surehook: the answer broke off: %w", err)
	}
	return response, text, nil
}

func queryOf(values map[string]string) string {
	query := url.Values{}
	for name, value := range values {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query.Encode()
}

func newKey() string {
	key := make([]byte, 16)
	// Never fails (since Go 1.24 it would crash the program).
	_, _ = rand.Read(key)
	return hex.EncodeToString(key)
}
