package surehook

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Anybody can send requests whose signature matches nothing: they must not become as many requests to the API.
const rereadAfter = time.Minute

// errSecretsUnknown says that it is not known now whether a request is signed: answer it with 503.
var errSecretsUnknown = errors.New("surehook: the secrets cannot be read now")

// listenerSecrets are the secrets of a listener's endpoint; they are read again when a signature matches none of them, as
// after a rotation.
type listenerSecrets struct {
	read func() ([]string, error)
	live atomic.Pointer[[]string]
	// Held while they are read: requests that wait for it share the answer.
	mutex  sync.Mutex
	readAt time.Time
}

func newListenerSecrets(first []string, read func() ([]string, error)) *listenerSecrets {
	s := &listenerSecrets{read: read}
	s.live.Store(&first)
	return s
}

// verify returns an ErrVerification, or an errSecretsUnknown.
func (s *listenerSecrets) verify(body []byte, header http.Header) (*Webhook, error) {
	used := s.live.Load()
	webhook, err := VerifyWebhook(body, header, *used...)
	if !errors.Is(err, errMismatch) {
		return webhook, err
	}
	if err := s.readAgain(used); err != nil {
		return nil, err
	}
	return VerifyWebhook(body, header, *s.live.Load()...)
}

// readAgain does nothing where others have replaced the secrets that were used.
func (s *listenerSecrets) readAgain(used *[]string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.live.Load() != used {
		return nil
	}
	if time.Since(s.readAt) < rereadAfter {
		return fmt.Errorf("%w: they were read less than a minute ago", errSecretsUnknown)
	}
	s.readAt = time.Now()
	now, err := s.read()
	if err != nil {
		return fmt.Errorf("%w: %w", errSecretsUnknown, err)
	}
	s.live.Store(&now)
	return nil
}
