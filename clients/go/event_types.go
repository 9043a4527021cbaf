package surehook

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"time"
)

// EventTypes describe the events of each type, and may have a schema that payloads must match.
type EventTypes struct{ c *Client }

func (e EventTypes) Create(ctx context.Context, fields NewEventType) (*EventType, error) {
	return post[EventType](ctx, e.c, "/v1/event-types", fields)
}

func (e EventTypes) Get(ctx context.Context, name string) (*EventType, error) {
	return get[EventType](ctx, e.c, "/v1/event-types/"+url.PathEscape(name))
}

func (e EventTypes) List(ctx context.Context, filters Filters) iter.Seq2[ListedEventType, error] {
	return all[ListedEventType](ctx, e.c, "/v1/event-types", filters)
}

// NewEventType describes a type.
type NewEventType struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Example is a payload.
	Example any `json:"example,omitempty"`
	// Schema is JSON Schema 2020-12.
	Schema   map[string]any `json:"schema,omitempty"`
	Archived bool           `json:"archived,omitempty"`
}

// ListedEventType is an event type without its example and schema.
type ListedEventType struct {
	Name        string    `json:"name"`
	Description *string   `json:"description"`
	Archived    bool      `json:"archived"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	HasSchema   bool      `json:"has_schema"`
}

// EventType is one with its example and schema.
type EventType struct {
	Name        string          `json:"name"`
	Description *string         `json:"description"`
	Archived    bool            `json:"archived"`
	CreatedAt   time.Time       `json:"created_at"`
	UpdatedAt   time.Time       `json:"updated_at"`
	Example     json.RawMessage `json:"example"`
	Schema      map[string]any  `json:"schema"`
}
