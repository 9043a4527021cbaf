package surehook

import (
	"encoding/json"
	"time"
)

// Types of the API, named as in its OpenAPI document.

// AcceptedEvent is the answer to a published event, or to a sent webhook.
type AcceptedEvent struct {
	ID             string          `json:"id"`
	Type           string          `json:"type"`
	Tenant         string          `json:"tenant"`
	IdempotencyKey string          `json:"idempotency_key"`
	CreatedAt      time.Time       `json:"created_at"`
	DeliveryCount  *int            `json:"delivery_count"`
	Duplicate      bool            `json:"duplicate"`
	Deliveries     []EventDelivery `json:"deliveries"`
}

// EventDelivery is a delivery as an event shows it.
type EventDelivery struct {
	ID         string `json:"id"`
	EndpointID string `json:"endpoint_id"`
	Status     string `json:"status"`
}

// ListedEvent is an event in a list.
type ListedEvent struct {
	ID             string    `json:"id"`
	Type           string    `json:"type"`
	Tenant         string    `json:"tenant"`
	IdempotencyKey string    `json:"idempotency_key"`
	CreatedAt      time.Time `json:"created_at"`
	DeliveryCount  *int      `json:"delivery_count"`
	WorkflowID     string    `json:"workflow_id"`
}

// Event has its payload as it was posted, to the byte.
type Event struct {
	ListedEvent
	Headers     map[string]string `json:"headers"`
	ContentType *string           `json:"content_type"`
	Deliveries  []EventDelivery   `json:"deliveries"`
	Payload     json.RawMessage   `json:"payload"`
}

// Delivery is one event to one endpoint.
type Delivery struct {
	ID                 string     `json:"id"`
	EventID            string     `json:"event_id"`
	EndpointID         string     `json:"endpoint_id"`
	Tenant             string     `json:"tenant"`
	EventType          string     `json:"event_type"`
	Status             string     `json:"status"`
	StatusReason       *string    `json:"status_reason"`
	AttemptCount       int        `json:"attempt_count"`
	MaxAttempts        int        `json:"max_attempts"`
	NextAttemptAt      *time.Time `json:"next_attempt_at"`
	LastClassification *string    `json:"last_classification"`
	SourceDeliveryID   *string    `json:"source_delivery_id"`
	BatchID            *string    `json:"batch_id"`
	WorkflowID         string     `json:"workflow_id"`
	WorkflowURL        *string    `json:"workflow_url"`
	CreatedAt          time.Time  `json:"created_at"`
	CompletedAt        *time.Time `json:"completed_at"`
}

// DeliveryWithAttempts has each request that was made.
type DeliveryWithAttempts struct {
	Delivery
	Attempts []Attempt `json:"attempts"`
}

// Attempt is one HTTP request of a delivery.
type Attempt struct {
	ID              string         `json:"id"`
	Number          int            `json:"number"`
	StartedAt       time.Time      `json:"started_at"`
	LatencyMs       float64        `json:"latency_ms"`
	Timings         map[string]any `json:"timings"`
	RemoteAddress   *string        `json:"remote_address"`
	HTTPStatus      *int           `json:"http_status"`
	Classification  string         `json:"classification"`
	Error           *string        `json:"error"`
	RequestHeaders  map[string]any `json:"request_headers"`
	ResponseHeaders map[string]any `json:"response_headers"`
	ResponseBody    *string        `json:"response_body"`
	Truncated       bool           `json:"truncated"`
	RetryAfter      *string        `json:"retry_after"`
	NextAttemptAt   *time.Time     `json:"next_attempt_at"`
	StopReason      *string        `json:"stop_reason"`
}

// Batch is a set of re-deliveries.
type Batch struct {
	ID                 string          `json:"id"`
	Tenant             *string         `json:"tenant"`
	Status             string          `json:"status"`
	StatusReason       *string         `json:"status_reason"`
	DryRun             bool            `json:"dry_run"`
	SourceBatchID      *string         `json:"source_batch_id"`
	Selection          json.RawMessage `json:"selection"`
	RatePerSecond      float64         `json:"rate_per_second"`
	Note               *string         `json:"note"`
	CreatedBy          string          `json:"created_by"`
	CreatedAt          time.Time       `json:"created_at"`
	StartedAt          *time.Time      `json:"started_at"`
	CompletedAt        *time.Time      `json:"completed_at"`
	Plan               json.RawMessage `json:"plan"`
	PlannedCount       int             `json:"planned_count"`
	RemainingCount     int             `json:"remaining_count"`
	SkippedAtTurnCount int             `json:"skipped_at_turn_count"`
	CreatedCount       int             `json:"created_count"`
	DeliveredCount     int             `json:"delivered_count"`
	FailedCount        int             `json:"failed_count"`
	CancelledCount     int             `json:"cancelled_count"`
	OpenCount          int             `json:"open_count"`
	WorkflowID         string          `json:"workflow_id"`
	WorkflowURL        *string         `json:"workflow_url"`
}

// NewBatch chooses deliveries by id or by a filter, as in POST /v1/batches.
type NewBatch struct {
	DeliveryIDs []string       `json:"delivery_ids,omitempty"`
	Filter      map[string]any `json:"filter,omitempty"`
	// Tenant skips deliveries of others that are chosen by id.
	Tenant string `json:"tenant,omitempty"`
	// IncludeDelivered delivers again what was delivered, too.
	IncludeDelivered bool `json:"include_delivered,omitempty"`
	DryRun           bool `json:"dry_run"`
	// RatePerSecond is the server's default where it is nil; 0: no limit.
	RatePerSecond *float64 `json:"rate_per_second,omitempty"`
	Note          string   `json:"note,omitempty"`
}
