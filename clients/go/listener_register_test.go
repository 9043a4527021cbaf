package surehook_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	surehook "github.com/surehook/surehook/clients/go"
)

func TestRegisteringEnablesAnEndpointThatFailuresDisabledAndNoOther(t *testing.T) {
	var logged bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	defer slog.SetDefault(before)
	for _, one := range []struct {
		status, reason  string
		enabled, warned bool
	}{
		{"disabled", "failing", true, false},
		{"disabled", "gone", true, false},
		{"disabled", "manual", false, true},
		{"paused", "manual", false, false},
	} {
		calls := []string{}
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			calls = append(calls, r.Method+" "+r.URL.Path)
			fmt.Fprintf(w, `{"data":[{"id":"ep_1","url":"http://app/hooks/ship","event_types":["order.*"],"metadata":{"listener":"ship"},
				"status":%q,"status_reason":%q}],"next_cursor":null,"secrets":[{"secret":"whsec_AAAA"}]}`, one.status, one.reason)
		})
		logged.Reset()
		listeners := surehook.New(surehook.WithURL(url)).NewListeners()
		listeners.On("ship", ignore, "order.*")
		if err := listeners.Register(context.Background(), "http://app/hooks", ""); err != nil {
			t.Fatal(err)
		}
		warned := strings.Contains(logged.String(), "disabled by hand")
		if slices.Contains(calls, "POST /v1/endpoints/ep_1/enable") != one.enabled || warned != one.warned {
			t.Errorf("%s, %s: %v, warned %v", one.status, one.reason, calls, warned)
		}
	}
}
