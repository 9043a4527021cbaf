package surehook

import (
	"context"
	"iter"
	"net/http"
	"net/url"
)

// Filters of a list, as in the query of its request.
type Filters map[string]string

type page[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"next_cursor"`
}

type none struct{}

// all reads a list, page after page. An error ends it.
func all[T any](ctx context.Context, c *Client, path string, filters Filters) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := map[string]string{}
		for name, value := range filters {
			query[name] = value
		}
		for {
			answer, err := do[page[T]](ctx, c, request{method: http.MethodGet, path: path, query: query})
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, row := range answer.Data {
				if !yield(row, nil) {
					return
				}
			}
			if answer.NextCursor == nil {
				return
			}
			query["cursor"] = *answer.NextCursor
		}
	}
}

func get[T any](ctx context.Context, c *Client, path string) (*T, error) {
	return do[T](ctx, c, request{method: http.MethodGet, path: path})
}

func post[T any](ctx context.Context, c *Client, path string, body any) (*T, error) {
	return do[T](ctx, c, request{method: http.MethodPost, path: path, body: body})
}

// Events are facts that were published.
type Events struct{ c *Client }

func (e Events) Get(ctx context.Context, id string) (*Event, error) {
	return get[Event](ctx, e.c, "/v1/events/"+url.PathEscape(id))
}

func (e Events) List(ctx context.Context, filters Filters) iter.Seq2[ListedEvent, error] {
	return all[ListedEvent](ctx, e.c, "/v1/events", filters)
}

// Endpoints are receivers.
type Endpoints struct{ c *Client }

func (e Endpoints) Create(ctx context.Context, fields EndpointFields) (*EndpointWithSecret, error) {
	return post[EndpointWithSecret](ctx, e.c, "/v1/endpoints", fields)
}

func (e Endpoints) Get(ctx context.Context, id string) (*Endpoint, error) {
	return get[Endpoint](ctx, e.c, endpoint(id))
}

func (e Endpoints) List(ctx context.Context, filters Filters) iter.Seq2[Endpoint, error] {
	return all[Endpoint](ctx, e.c, "/v1/endpoints", filters)
}

// Update changes the fields that are set, and takes away those that Clear names.
func (e Endpoints) Update(ctx context.Context, id string, fields EndpointFields) (*Endpoint, error) {
	return do[Endpoint](ctx, e.c, request{method: http.MethodPatch, path: endpoint(id), body: fields})
}

func (e Endpoints) Delete(ctx context.Context, id string) error {
	_, err := do[none](ctx, e.c, request{method: http.MethodDelete, path: endpoint(id)})
	return err
}

func (e Endpoints) Pause(ctx context.Context, id, reason string) (*Endpoint, error) {
	return post[Endpoint](ctx, e.c, endpoint(id)+"/pause", reasoned(reason))
}

func (e Endpoints) Resume(ctx context.Context, id string) (*Endpoint, error) {
	return post[Endpoint](ctx, e.c, endpoint(id)+"/resume", nil)
}

func (e Endpoints) Enable(ctx context.Context, id string) (*Endpoint, error) {
	return post[Endpoint](ctx, e.c, endpoint(id)+"/enable", nil)
}

func (e Endpoints) Disable(ctx context.Context, id, reason string) (*Endpoint, error) {
	return post[Endpoint](ctx, e.c, endpoint(id)+"/disable", reasoned(reason))
}

func (e Endpoints) Secret(ctx context.Context, id string) (*EndpointSecrets, error) {
	return get[EndpointSecrets](ctx, e.c, endpoint(id)+"/secret")
}

// RotateSecret adds a secret; the older ones sign for a day, or as long as the rotation says.
func (e Endpoints) RotateSecret(ctx context.Context, id string, rotation SecretRotation) (*EndpointSecrets, error) {
	return post[EndpointSecrets](ctx, e.c, endpoint(id)+"/rotate-secret", rotation)
}

// Test sends one signed sample, and returns the whole attempt with a diagnosis. It is not tried again: each try sends one.
func (e Endpoints) Test(ctx context.Context, id string, sample TestSample) (*EndpointTest, error) {
	return do[EndpointTest](ctx, e.c, request{method: http.MethodPost, path: endpoint(id) + "/test", body: sample, once: true})
}

// reasoned is a body with a reason; the API refuses an empty one.
func reasoned(reason string) any {
	if reason == "" {
		return nil
	}
	return map[string]any{"reason": reason}
}

func endpoint(id string) string { return "/v1/endpoints/" + url.PathEscape(id) }

// Deliveries are events on their way to endpoints.
type Deliveries struct{ c *Client }

func (d Deliveries) Get(ctx context.Context, id string) (*DeliveryWithAttempts, error) {
	return get[DeliveryWithAttempts](ctx, d.c, delivery(id))
}

func (d Deliveries) List(ctx context.Context, filters Filters) iter.Seq2[Delivery, error] {
	return all[Delivery](ctx, d.c, "/v1/deliveries", filters)
}

// Retry makes the next attempt now; of a delivery that has ended it makes a new one.
func (d Deliveries) Retry(ctx context.Context, id string) (*Delivery, error) {
	return post[Delivery](ctx, d.c, delivery(id)+"/retry", nil)
}

func (d Deliveries) Cancel(ctx context.Context, id string) (*Delivery, error) {
	return post[Delivery](ctx, d.c, delivery(id)+"/cancel", nil)
}

func delivery(id string) string { return "/v1/deliveries/" + url.PathEscape(id) }

// Batches deliver again what was delivered before.
type Batches struct{ c *Client }

func (b Batches) Create(ctx context.Context, batch NewBatch) (*Batch, error) {
	return post[Batch](ctx, b.c, "/v1/batches", batch)
}

func (b Batches) Get(ctx context.Context, id string) (*Batch, error) {
	return get[Batch](ctx, b.c, "/v1/batches/"+url.PathEscape(id))
}

func (b Batches) List(ctx context.Context, filters Filters) iter.Seq2[Batch, error] {
	return all[Batch](ctx, b.c, "/v1/batches", filters)
}

// Start carries out the plan of a dry run, as a new batch.
func (b Batches) Start(ctx context.Context, id string) (*Batch, error) {
	return post[Batch](ctx, b.c, "/v1/batches/"+url.PathEscape(id)+"/start", nil)
}

func (b Batches) Cancel(ctx context.Context, id string) (*Batch, error) {
	return post[Batch](ctx, b.c, "/v1/batches/"+url.PathEscape(id)+"/cancel", nil)
}
