package surehook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The sender waits meanwhile.
const secretsTimeout = 5 * time.Second

// Register registers an endpoint for each listener, at its name below base. tenant: "" is "default". An endpoint that failures
// have disabled meanwhile is enabled.
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

// register finds the endpoint that an earlier start made, by the names in its metadata.
func (l *Listeners) register(ctx context.Context, name string, types []string, target, tenant string) (*listenerSecrets, error) {
	endpoints := l.c.Endpoints
	for one, err := range endpoints.List(ctx, Filters{"tenant": tenant}) {
		if err != nil {
			return nil, err
		}
		if one.Metadata["listener"] != name || one.Metadata["application"] != l.Application {
			continue
		}
		if one.URL != target || !slices.Equal(one.EventTypes, types) {
			if _, err := endpoints.Update(ctx, one.ID, EndpointFields{URL: target, EventTypes: types}); err != nil {
				return nil, err
			}
		}
		if err := l.enable(ctx, one); err != nil {
			return nil, err
		}
		secrets, err := l.readSecrets(ctx, one.ID)
		if err != nil {
			return nil, err
		}
		return l.secretsOf(one.ID, secrets), nil
	}
	metadata := map[string]string{"listener": name}
	if l.Application != "" {
		metadata["application"] = l.Application
	}
	fields := EndpointFields{URL: target, EventTypes: types, Tenant: tenant, Metadata: metadata}
	// Two processes of an application that start at once make one endpoint.
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", target, types, tenant, l.Application))
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

// enable enables an endpoint that failures disabled, as while the application was down, and none that was disabled by hand.
func (l *Listeners) enable(ctx context.Context, endpoint Endpoint) error {
	if endpoint.Status != "disabled" {
		return nil
	}
	if reason := endpoint.StatusReason; reason == nil || *reason != "failing" && *reason != "gone" {
		slog.WarnContext(ctx, "surehook: the endpoint of a listener was disabled by hand: it receives nothing",
			"listener", endpoint.Metadata["listener"], "endpoint_id", endpoint.ID)
		return nil
	}
	_, err := l.c.Endpoints.Enable(ctx, endpoint.ID)
	return err
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
		if secret.PublicKey != nil {
			// Of ed25519.
			secrets[i] = *secret.PublicKey
		}
	}
	return secrets, nil
}
