package surehook

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	firstDelay = 250 * time.Millisecond
	maxDelay   = 8 * time.Second
	// A longer Retry-After is for the caller to decide on.
	maxAsked = time.Minute
)

// Statuses after which the same request may succeed.
var transient = map[int]bool{408: true, 425: true, 429: true, 500: true, 502: true, 503: true, 504: true}

// retryDelay is the time until the next try; no response: the connection failed. A Retry-After (RFC 9110 section 10.2.3) is
// honoured up to a minute.
func retryDelay(response *http.Response, tries int) (time.Duration, bool) {
	if response != nil {
		if !transient[response.StatusCode] {
			return 0, false
		}
		if asked, given := askedDelay(response.Header.Get("Retry-After")); given {
			return asked, asked <= maxAsked
		}
	}
	delay := min(firstDelay<<min(tries-1, 10), maxDelay)
	return delay - time.Duration(rand.Float64()*0.25*float64(delay)), true
}

func askedDelay(header string) (time.Duration, bool) {
	if seconds, err := strconv.Atoi(header); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 86_400)) * time.Second, true
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, time.Until(at)), true
	}
	return 0, false
}
