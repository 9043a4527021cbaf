package surehook

import (
	"encoding/json"
	"time"
)

// EndpointFields are the fields of an endpoint that can be set. Fields that are left out keep their value, or their default.
type EndpointFields struct {
	URL               string            `json:"url,omitempty"`
	EventTypes        []string          `json:"event_types,omitempty"`
	Description       *string           `json:"description,omitempty"`
	Enabled           *bool             `json:"enabled,omitempty"`
	Headers           map[string]string `json:"headers,omitempty"`
	ContentType       string            `json:"content_type,omitempty"`
	BasicAuth         map[string]string `json:"basic_auth,omitempty"`
	ClientCertificate map[string]string `json:"client_certificate,omitempty"`
	CA                string            `json:"ca,omitempty"`
	ExtraSignature    map[string]any    `json:"extra_signature,omitempty"`
	TimeoutMs         int               `json:"timeout_ms,omitempty"`
	RetrySchedule     []int             `json:"retry_schedule,omitempty"`
	RetryOn           string            `json:"retry_on,omitempty"`
	PermanentStatuses []any             `json:"permanent_statuses,omitempty"`
	Filter            map[string]any    `json:"filter,omitempty"`
	Body              string            `json:"body,omitempty"`
	Metadata          map[string]string `json:"metadata,omitempty"`

	// Of a new endpoint only.
	ID        string `json:"id,omitempty"`
	Tenant    string `json:"tenant,omitempty"`
	Signature string `json:"signature,omitempty"`
	Secret    string `json:"secret,omitempty"`

	// Clear names fields that an update takes away, as they are named in JSON: "filter", "headers", "retry_schedule".
	Clear []string `json:"-"`
}

// The others are cleared by null.
var emptyFields = map[string]json.RawMessage{
	"headers":            json.RawMessage("{}"),
	"metadata":           json.RawMessage("{}"),
	"permanent_statuses": json.RawMessage("[]"),
}

// MarshalJSON adds the fields of Clear.
func (f EndpointFields) MarshalJSON() ([]byte, error) {
	type plain EndpointFields
	text, err := encode(plain(f))
	if err != nil || len(f.Clear) == 0 {
		return text, err
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	for _, name := range f.Clear {
		// A nil json.RawMessage is null.
		fields[name] = emptyFields[name]
	}
	return encode(fields)
}

// SecretRotation chooses the new secret of an endpoint; where it is left out, the server makes one of the same kind.
type SecretRotation struct {
	Secret string `json:"secret,omitempty"`
	// Signature is hmac or ed25519.
	Signature string `json:"signature,omitempty"`
	// OverlapSeconds is how long the older secrets sign, too. Nil: a day.
	OverlapSeconds *int `json:"overlap_seconds,omitempty"`
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

// TestSample is what a test of an endpoint sends. The server has a type and a payload for those that are left out.
type TestSample struct {
	EventType string `json:"event_type,omitempty"`
	Payload   any    `json:"payload,omitempty"`
	// Preview makes the request, and does not send it.
	Preview bool `json:"preview,omitempty"`
}

// EndpointTest is how a test of an endpoint went.
type EndpointTest struct {
	Sent           bool           `json:"sent"`
	Diagnosis      string         `json:"diagnosis"`
	EndpointStatus string         `json:"endpoint_status"`
	EventType      string         `json:"event_type"`
	Request        TestRequest    `json:"request"`
	Attempt        *Attempt       `json:"attempt"`
	TLS            map[string]any `json:"tls"`
}

// TestRequest is the request of a test, with masked credentials.
type TestRequest struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}
