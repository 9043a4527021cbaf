package surehook

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"
)

func TestAnErrorOfAHandlerSaysWhetherAndWhenToSendAgain(t *testing.T) {
	away := errors.New("the database is away")
	for name, one := range map[string]struct {
		err    error
		status int
		after  string
	}{
		"an error":            {away, 500, ""},
		"a permanent error":   {Permanent(away), 422, ""},
		"a delay":             {RetryAfter(90*time.Second, away), 500, "90"},
		"a fraction":          {fmt.Errorf("shop: %w", RetryAfter(1500*time.Millisecond, away)), 500, "2"},
		"a delay in the past": {RetryAfter(-time.Second, away), 500, "0"},
	} {
		answer := httptest.NewRecorder()
		writeHandlerError(answer, one.err)
		if answer.Code != one.status || answer.Header().Get("Retry-After") != one.after || !errors.Is(one.err, away) {
			t.Errorf("%s: %d, Retry-After %q", name, answer.Code, answer.Header().Get("Retry-After"))
		}
	}
}

func TestNoErrorStaysNone(t *testing.T) {
	for _, err := range []error{Permanent(nil), RetryAfter(time.Second, nil)} {
		if err != nil {
			t.Errorf("got %#v", err)
		}
	}
}
