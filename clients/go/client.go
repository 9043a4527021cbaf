package surehook

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Client makes requests to the API. Its zero value is not usable: see New.
type Client struct {
	Endpoints  Endpoints
	EventTypes EventTypes
	Events     Events
	Deliveries Deliveries
	Batches    Batches

	url        string
	apiKey     string
	http       *http.Client
	maxRetries int
	// Why no request can be made with these options: each call returns it.
	misconfigured error
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

// New makes a client. Where the URL or the key cannot be used, each call returns why, at once.
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
	c.misconfigured = checkOptions(c.url, c.apiKey)
	own := *c.http
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &own
	c.Endpoints, c.Events, c.EventTypes, c.Deliveries, c.Batches = Endpoints{c}, Events{c}, EventTypes{c}, Deliveries{c}, Batches{c}
	return c
}

func checkOptions(server, apiKey string) error {
	// Neither value is part of the error: both may be secret.
	if parsed, err := url.Parse(server); err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" {
		return errors.New("surehook: the URL of the server is not an http:// or https:// URL")
	}
	if strings.ContainsFunc(apiKey, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("surehook: the API key has a space, a line break or another character that no key has")
	}
	return nil
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

// ContentType is that of a payload, a string then, that is not JSON.
func ContentType(name string) EventOption {
	return func(body map[string]any) { body["content_type"] = name }
}

// EndpointIDs delivers a published event to exactly these endpoints, whatever they subscribe to.
func EndpointIDs(ids ...string) EventOption {
	return func(body map[string]any) { body["endpoint_ids"] = ids }
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
