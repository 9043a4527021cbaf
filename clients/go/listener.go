package surehook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// A payload has at most 256 KiB; an envelope adds less than this.
const maxBody = 512 * 1024

// The sender waits meanwhile.
const secretsTimeout = 5 * time.Second

// Handler handles an event. No error acknowledges the delivery; an error has it sent again later, one of Permanent ends it.
type Handler func(ctx context.Context, event *Webhook) error

type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// Permanent says that trying again would not help. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanentError{err}
}

// Listeners are durable: functions of an application that receive events as webhooks, each by an endpoint of its own. Mount
// them as an http.Handler below the URL that Register is given.
type Listeners struct {
	c     *Client
	mutex sync.RWMutex
	named map[string]*listener
}

type listener struct {
	types  []string
	handle Handler
	// Nil until it is registered.
	secrets *listenerSecrets
}

// NewListeners makes an empty set.
func (c *Client) NewListeners() *Listeners { return &Listeners{c: c, named: map[string]*listener{}} }

// On handles events of these types, such as link.clicked or link.*. name names the endpoint. Panics for a name that is taken.
func (l *Listeners) On(name string, handle Handler, types ...string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.named[name] != nil {
		panic(fmt.Sprintf("surehook: there are two listeners named %q", name))
	}
	l.named[name] = &listener{types: types, handle: handle}
}

// Register registers an endpoint for each listener, at its name below base. tenant: "" is "default".
func (l *Listeners) Register(ctx context.Context, base, tenant string) error {
	if tenant == "" {
		tenant = "default"
	}
	l.mutex.RLock()
	named := maps.Clone(l.named)
	l.mutex.RUnlock()
	for name, one := range named {
		secrets, err := l.register(ctx, name, one.types, strings.TrimRight(base, "/")+"/"+url.PathEscape(name), tenant)
		if err != nil {
			return fmt.Errorf("surehook: listener %q: %w", name, err)
		}
		l.mutex.Lock()
		l.named[name] = &listener{types: one.types, handle: one.handle, secrets: secrets}
		l.mutex.Unlock()
	}
	return nil
}

// register finds the endpoint that an earlier start made, by its name in the metadata.
func (l *Listeners) register(ctx context.Context, name string, types []string, target, tenant string) (*listenerSecrets, error) {
	endpoints := l.c.Endpoints
	for one, err := range endpoints.List(ctx, Filters{"tenant": tenant}) {
		if err != nil {
			return nil, err
		}
		if one.Metadata["listener"] != name {
			continue
		}
		if one.URL != target || !slices.Equal(one.EventTypes, types) {
			if _, err := endpoints.Update(ctx, one.ID, EndpointFields{URL: target, EventTypes: types}); err != nil {
				return nil, err
			}
		}
		secrets, err := l.readSecrets(ctx, one.ID)
		if err != nil {
			return nil, err
		}
		return l.secretsOf(one.ID, secrets), nil
	}
	fields := EndpointFields{URL: target, EventTypes: types, Tenant: tenant, Metadata: map[string]string{"listener": name}}
	// Two processes of an application that start at once make one endpoint.
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", target, types, tenant))
	made, err := do[EndpointWithSecret](ctx, l.c, request{
		method: http.MethodPost, path: "/v1/endpoints", body: fields, idempotencyKey: hex.EncodeToString(sum[:]),
	})
	var refused *APIError
	if errors.As(err, &refused) && refused.Code == "idempotency_conflict" {
		// The endpoint that this key made has been deleted since.
		made, err = endpoints.Create(ctx, fields)
	}
	if err != nil {
		return nil, err
	}
	return l.secretsOf(made.ID, []string{made.Secret}), nil
}

func (l *Listeners) secretsOf(endpointID string, first []string) *listenerSecrets {
	return newListenerSecrets(first, func() ([]string, error) {
		// Not the context of a webhook's request: other requests share the answer.
		ctx, cancel := context.WithTimeout(context.Background(), secretsTimeout)
		defer cancel()
		return l.readSecrets(ctx, endpointID)
	})
}

func (l *Listeners) readSecrets(ctx context.Context, endpointID string) ([]string, error) {
	answer, err := l.c.Endpoints.Secret(ctx, endpointID)
	if err != nil {
		return nil, err
	}
	secrets := make([]string, len(answer.Secrets))
	for i, secret := range answer.Secrets {
		secrets[i] = secret.Secret
	}
	return secrets, nil
}

// ServeHTTP verifies a webhook and calls its listener.
func (l *Listeners) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A name may have slashes, which are escaped in the path.
	name, err := url.PathUnescape(path.Base(r.URL.EscapedPath()))
	l.mutex.RLock()
	one := l.named[name]
	l.mutex.RUnlock()
	switch {
	case err != nil || one == nil || r.Method != http.MethodPost:
		http.Error(w, "Nothing listens here.", http.StatusNotFound)
		return
	case one.secrets == nil:
		http.Error(w, "This listener is being registered.", http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "The body cannot be read, or is too large.", http.StatusBadRequest)
		return
	}
	event, err := one.secrets.verify(body, r.Header)
	if errors.Is(err, errSecretsUnknown) {
		w.Header().Set("Retry-After", fmt.Sprint(int(rereadAfter.Seconds())))
		http.Error(w, errSecretsUnknown.Error(), http.StatusServiceUnavailable)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := one.handle(r.Context(), event); err != nil {
		status := http.StatusInternalServerError
		if errors.As(err, &permanentError{}) {
			status = http.StatusUnprocessableEntity
		}
		http.Error(w, err.Error(), status)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
