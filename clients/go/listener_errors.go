package surehook

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"
)

type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// Permanent says that trying again would not help. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanentError{err}
}

type delayedError struct {
	error
	delay time.Duration
}

func (e delayedError) Unwrap() error { return e.error }

// RetryAfter asks for the event again after a delay, in whole seconds. RetryAfter(delay, nil) is nil.
func RetryAfter(delay time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return delayedError{err, delay}
}

// writeHandlerError answers the sender with what a handler returned.
func writeHandlerError(w http.ResponseWriter, err error) {
	var delayed delayedError
	if errors.As(err, &delayed) {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(max(0, delayed.delay.Seconds())))))
	}
	status := http.StatusInternalServerError
	if errors.As(err, &permanentError{}) {
		status = http.StatusUnprocessableEntity
	}
	http.Error(w, err.Error(), status)
}
