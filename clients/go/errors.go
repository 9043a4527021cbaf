package surehook

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Errors by status: errors.Is(err, surehook.ErrNotFound).
var (
	ErrBadRequest       = errors.New("bad request")
	ErrUnauthorized     = errors.New("unauthorized")
	ErrPermissionDenied = errors.New("permission denied")
	ErrNotFound         = errors.New("not found")
	ErrConflict         = errors.New("conflict")
	ErrPayloadTooLarge  = errors.New("payload too large")
	ErrUnprocessable    = errors.New("unprocessable")
	ErrRateLimited      = errors.New("rate limited")
)

var byStatus = map[int]error{
	400: ErrBadRequest,
	401: ErrUnauthorized,
	403: ErrPermissionDenied,
	404: ErrNotFound,
	409: ErrConflict,
	413: ErrPayloadTooLarge,
	422: ErrUnprocessable,
	429: ErrRateLimited,
}

// APIError is an answer that is not 2xx: application/problem+json (RFC 9457).
type APIError struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	// Code is the stable name of the problem, such as address_blocked.
	Code string `json:"code"`
	// Errors names each field that was refused, and why.
	Errors []FieldError `json:"errors"`
	// RequestID names the request in the logs of the server.
	RequestID string `json:"-"`
}

// FieldError says why a field was refused.
type FieldError struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

func (e *APIError) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("surehook: the answer has status %d", e.Status)
	}
	return fmt.Sprintf("surehook: %d: %s", e.Status, e.Detail)
}

// Is tells whether target is the error of this status.
func (e *APIError) Is(target error) bool { return byStatus[e.Status] == target }

func apiError(response *http.Response, body []byte) error {
	problem := &APIError{}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/problem+json") {
		// A body that cannot be read leaves the status to say it.
		_ = json.Unmarshal(body, problem)
	}
	problem.Status = response.StatusCode
	problem.RequestID = response.Header.Get("X-Request-Id")
	return problem
}
