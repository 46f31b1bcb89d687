package bearer

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// lead is how long before its end an access token is renewed: longer than any single call takes.
const lead = 5 * time.Minute

// Options configures a Source. HTTP and Now are required.
type Options struct {
	App    App
	Config connectors.Config // of the channel
	HTTP   *http.Client
	Now    func() time.Time
	Keeper connectors.TokenKeeper // nil: the access token is used until the network refuses it
}

// Source makes calls with the access token of one channel. It is safe for concurrent use.
type Source struct {
	o Options

	mu     sync.Mutex
	config connectors.Config
}

// New returns a Source.
func New(o Options) *Source { return &Source{o: o, config: maps.Clone(o.Config)} }

// Do makes a call with the channel's access token. Where the token is about to end, or the network refuses it (401), it is renewed if it can be, and the
// call that was refused is made once more: a 401 says that it had no effect. build makes the request, which must be a new one each time, with its
// body at the beginning; its error is returned. Do blocks for up to three calls. Errors are those of httpcall.Do, of build and of Renew;
// an answer of any status is no error.
func (s *Source) Do(ctx context.Context, build func() (httpcall.Request, error)) (httpcall.Response, error) {
	token, err := s.fresh(ctx)
	if err != nil {
		return httpcall.Response{}, err
	}
	response, err := s.once(ctx, token, build)
	if err != nil || response.Status != http.StatusUnauthorized || !s.renewable() {
		return response, err
	}
	if token, err = s.renew(ctx, token); err != nil {
		return httpcall.Response{}, err
	}
	return s.once(ctx, token, build)
}

// Token returns the access token as it is at the moment, so that it can be kept out of what is shown.
func (s *Source) Token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config[FieldAccess]
}

// Prepare renews the access token where it is about to end. It is for right before the one request that should not be refused. It may block for a call.
func (s *Source) Prepare(ctx context.Context) error {
	_, err := s.fresh(ctx)
	return err
}

func (s *Source) once(ctx context.Context, token string, build func() (httpcall.Request, error)) (httpcall.Response, error) {
	request, err := build()
	if err != nil {
		return httpcall.Response{}, err
	}
	request.Bearer = token
	return httpcall.Do(ctx, s.o.HTTP, request)
}

func (s *Source) renewable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.o.Keeper != nil && s.config[FieldRefresh] != ""
}

// fresh returns an access token that does not end during the next call, as far as that is known.
func (s *Source) fresh(ctx context.Context) (string, error) {
	s.mu.Lock()
	token, expires := s.config[FieldAccess], s.config[FieldExpires]
	s.mu.Unlock()
	end, err := time.Parse(time.RFC3339, expires)
	if err != nil || s.o.Now().Add(lead).Before(end) || !s.renewable() {
		return token, nil // an end that is not known shows as 401
	}
	renewed, err := s.renew(ctx, token)
	if err != nil && s.o.Now().Before(end) && connectors.AsError(err).Kind != connectors.KindUnlinked {
		return token, nil // trouble that may pass before the token ends
	}
	return renewed, err
}

// renew has the keeper renew the token that is stale, and returns the one in its place. None of its errors is Unconfirmed.
func (s *Source) renew(ctx context.Context, stale string) (string, error) {
	config, err := s.o.Keeper.Renew(ctx, stale, func(ctx context.Context, present connectors.Config) (connectors.Config, error) {
		if present[FieldRefresh] == "" {
			return nil, connectors.Unlinked(connectors.CodeAuthFailed, "The access has ended. Connect the channel again.")
		}
		grant, err := s.o.App.Of(present).Renew(ctx, s.o.HTTP, s.o.Now(), present[FieldRefresh])
		if err != nil {
			return nil, err
		}
		return grant.Config(), nil
	})
	if err != nil {
		var known *connectors.Error
		if !errors.As(err, &known) {
			return "", connectors.Retryable(err) // the keeper's own: nothing was sent with a token
		}
		return "", connectors.Harmless(known)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.config = maps.Clone(config)
	return config[FieldAccess], nil
}
