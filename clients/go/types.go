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

// EndpointFields are the fields of an endpoint that can be set. Fields that are left out keep their value, or their default.
type EndpointFields struct {
	URL               string            `json:"url,omitempty"`
	EventTypes        []string          `json:"event_types,omitempty"`
	Tenant            string            `json:"tenant,omitempty"`
	Description       *string           `json:"description,omitempty"`
	Enabled           *bool             `json:"enabled,omitempty"`
	Headers           map[string]string `json:"headers,omitempty"`
	TimeoutMs         int               `json:"timeout_ms,omitempty"`
	RetrySchedule     []int             `json:"retry_schedule,omitempty"`
	RetryOn           string            `json:"retry_on,omitempty"`
	PermanentStatuses []any             `json:"permanent_statuses,omitempty"`
	Filter            map[string]any    `json:"filter,omitempty"`
	Body              string            `json:"body,omitempty"`
	Signature         string            `json:"signature,omitempty"`
	Secret            string            `json:"secret,omitempty"`
	Metadata          map[string]string `json:"metadata,omitempty"`
}

// Endpoint is a URL that receives events of some types.
type Endpoint struct {
	ID                string            `json:"id"`
	Tenant            string            `json:"tenant"`
	URL               string            `json:"url"`
	EventTypes        []string          `json:"event_types"`
	Description       *string           `json:"description"`
	Signature         string            `json:"signature"`
	PublicKey         *string           `json:"public_key"`
	Headers           map[string]string `json:"headers"`
	BasicAuth         map[string]string `json:"basic_auth"`
	ClientCertificate map[string]string `json:"client_certificate"`
	CA                *string           `json:"ca"`
	ExtraSignature    map[string]any    `json:"extra_signature"`
	ContentType       *string           `json:"content_type"`
	Body              string            `json:"body"`
	TimeoutMs         int               `json:"timeout_ms"`
	RetryOn           string            `json:"retry_on"`
	Filter            map[string]any    `json:"filter"`
	RetrySchedule     []int             `json:"retry_schedule"`
	PermanentStatuses []any             `json:"permanent_statuses"`
	Metadata          map[string]string `json:"metadata"`
	Status            string            `json:"status"`
	StatusReason      *string           `json:"status_reason"`
	FailingSince      *time.Time        `json:"failing_since"`
	CreatedAt         time.Time         `json:"created_at"`
	UpdatedAt         time.Time         `json:"updated_at"`
}

// EndpointWithSecret is a new endpoint.
type EndpointWithSecret struct {
	Endpoint
	Secret string `json:"secret"`
}

// EndpointSecrets are the secrets that requests are signed with now.
type EndpointSecrets struct {
	Secret    string           `json:"secret"`
	Signature string           `json:"signature"`
	PublicKey *string          `json:"public_key"`
	Secrets   []EndpointSecret `json:"secrets"`
}

// EndpointSecret is one of them; while secrets are rotated there are several.
type EndpointSecret struct {
	Secret    string     `json:"secret"`
	Signature string     `json:"signature"`
	PublicKey *string    `json:"public_key"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"`
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
	DryRun      bool           `json:"dry_run"`
	// RatePerSecond is the server's default where it is nil; 0: no limit.
	RatePerSecond *float64 `json:"rate_per_second,omitempty"`
	Note          string   `json:"note,omitempty"`
}
