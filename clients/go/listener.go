package surehook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"sync"
)

// A payload has at most 256 KiB; an envelope adds less than this.
const maxBody = 512 * 1024

// Handler handles an event. No error acknowledges the delivery; an error has it sent again later, one of
// RetryAfter after a delay, one of Permanent ends it.
type Handler func(ctx context.Context, event *Webhook) error

// Listeners are durable: functions of an application that receive events as webhooks, each by an endpoint of its own. Mount
// them as an http.Handler below the URL that Register is given.
type Listeners struct {
	// Application tells listeners of several applications in a tenant apart, which may have the same names. Set it before Register.
	Application string

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
		writeHandlerError(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
