package surehook

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

type request struct {
	method string
	path   string
	query  map[string]string
	body   any
	// Default: a new one, the same for all tries.
	idempotencyKey string
	// Is not tried again.
	once bool
}

// do makes a request, again while that may help, and decodes its answer.
func do[T any](ctx context.Context, c *Client, r request) (*T, error) {
	if c.misconfigured != nil {
		return nil, c.misconfigured
	}
	var body []byte
	if r.body != nil {
		var err error
		if body, err = encode(r.body); err != nil {
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
		if !again || r.once || tries > c.maxRetries || errors.Is(err, ctx.Err()) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), err)
		case <-time.After(delay):
		}
	}
}

// encode leaves <, > and & as they are, unlike json.Marshal: a receiver gets the characters that the application has.
func encode(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
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
