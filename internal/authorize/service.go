// Package authorize connects channels on the networks' own pages (OAuth 2.0): it sends a user there with a state that nobody can guess, and turns
// what their browser brings back into channels.
package authorize

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// CallbackPath is where browsers come back to. Operators register it with each network, behind their BASE_URL.
	CallbackPath = "/oauth/callback"
	// Lifetime is how long a user has to come back.
	Lifetime = 15 * time.Minute
	// KeptFor is how long it can be asked how an authorization ended, after its end.
	KeptFor = 24 * time.Hour

	mostOpen    = 100              // authorizations of an account that wait for their users
	secretBytes = 32               // of a state and a PKCE verifier; RFC 7636 asks for 32
	startWithin = 15 * time.Second // for what a network is asked before the user goes there
)

// Options wires a Service. Every field is required.
type Options struct {
	Store      *store.Store
	Sealer     *secret.Sealer
	Channels   *channel.Service
	Connectors map[string]connectors.Connector // by kind
	IDs        *id.Generator
	Logger     *slog.Logger
	Now        func() time.Time
	BaseURL    string // what we are reached at, without a slash at its end
}

// Service is safe for concurrent use.
type Service struct{ Options }

// New wires a Service. A missing part is an error that names it.
func New(o Options) (*Service, error) {
	for name, missing := range map[string]bool{
		"Store": o.Store == nil, "Sealer": o.Sealer == nil, "Channels": o.Channels == nil, "Connectors": len(o.Connectors) == 0, "IDs": o.IDs == nil,
		"Logger": o.Logger == nil, "Now": o.Now == nil, "BaseURL": o.BaseURL == "",
	} {
		if missing {
			return nil, fmt.Errorf("make authorization service: Options.%s is missing", name)
		}
	}
	return &Service{o}, nil
}

// Fields returns what a kind of channel asks before its user goes to the network's page. The second result is false where the kind is not connected
// in that way.
func Fields(connector connectors.Connector) ([]connectors.Field, bool) {
	if _, able := connector.(connectors.Authorizer); !able {
		return nil, false
	}
	asker, asks := connector.(connectors.AuthorizeAsker)
	if !asks {
		return nil, true
	}
	return asker.AuthorizeFields(), true
}

// Wish is what a user wants to connect.
type Wish struct {
	AccountID string
	Connector string            // the kind
	ChannelID string            // a channel to connect again; empty: a new one
	Input     map[string]string // by Fields
}

// Started is an authorization that waits for its user.
type Started struct {
	ID        string // "auth_…"
	URL       string // the network's page
	ExpiresAt time.Time
}

// kept is what stands sealed in a row until the exchange.
type kept struct {
	Verifier string            `json:"verifier"`
	Redirect string            `json:"redirect"`
	Input    map[string]string `json:"input"`
	Keep     map[string]string `json:"keep"`
}

// Start begins to connect a channel and returns where its user grants access. It may ask the network, for at most 15 seconds. All that is wrong
// with the input is reported at once; another account's channel is a problem NotFound.
func (s *Service) Start(ctx context.Context, wish Wish) (*Started, error) {
	authorizer, ok := s.Connectors[wish.Connector].(connectors.Authorizer)
	if !ok {
		return nil, s.notConnectable(wish.Connector)
	}
	input, err := s.input(ctx, authorizer, wish)
	if err != nil {
		return nil, err
	}
	state, verifier, redirect := secret.NewToken(secretBytes), secret.NewToken(secretBytes), s.BaseURL+CallbackPath
	asking, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	answer, err := authorizer.AuthorizeURL(asking, connectors.AuthorizeRequest{
		State: state.Reveal(), CodeVerifier: verifier.Reveal(), RedirectURL: redirect, Input: input,
	}, s.Channels.Host())
	if err != nil {
		return nil, startProblem(err)
	}
	now := s.Now()
	a := &store.Authorization{
		ID: s.IDs.New("auth"), AccountID: wish.AccountID, Connector: wish.Connector, ChannelID: wish.ChannelID, StateHash: secret.HashAPIKey(state),
		Status: store.AuthorizationPending, CreatedAt: now, ExpiresAt: now.Add(Lifetime),
	}
	if a.Sealed, err = s.seal(a.ID, kept{verifier.Reveal(), redirect, input, answer.Keep}); err != nil {
		return nil, err
	}
	err = s.Store.InsertAuthorization(ctx, a, mostOpen)
	if errors.Is(err, store.ErrTooMany) {
		return nil, problem.New(problem.TooMany, fmt.Sprintf("%d channels are being connected in this account already. Finish one, or wait until they expire.", mostOpen))
	}
	if err != nil {
		return nil, fmt.Errorf("store authorization: %w", err)
	}
	s.Logger.InfoContext(ctx, "authorization.started", "authorization_id", a.ID, "connector", a.Connector)
	return &Started{ID: a.ID, URL: answer.URL, ExpiresAt: a.ExpiresAt}, nil
}

func (s *Service) notConnectable(kind string) error {
	if _, known := s.Connectors[kind]; !known {
		return problem.New(problem.NotFound, "There is no such kind of channel here. GET /v1/connectors lists them.")
	}
	return problem.New(problem.Unsupported, "Channels of this kind are not connected on a page of the network. Give their settings to POST /v1/channels.")
}

// input checks what the user gave. Where a channel is connected again, what it has counts where they gave nothing.
func (s *Service) input(ctx context.Context, authorizer connectors.Authorizer, wish Wish) (map[string]string, error) {
	fields, _ := Fields(authorizer)
	given := connectors.Config{}
	if wish.ChannelID != "" {
		c, err := s.Channels.Get(ctx, wish.AccountID, wish.ChannelID)
		if err != nil {
			return nil, err
		}
		if c.Connector != wish.Connector {
			return nil, problem.InvalidOne("channelId", "This channel is of the kind "+c.Connector+". Connect it again by that kind's address.")
		}
		present, err := s.Channels.Config(c)
		if err != nil {
			return nil, err
		}
		for _, field := range fields {
			given[field.Key] = present[field.Key]
		}
	}
	for key, value := range wish.Input {
		given[key] = value
	}
	input, problems := connectors.ValidateConfig(fields, given)
	known := map[string]bool{}
	for _, field := range fields {
		known[field.Key] = true
	}
	var wrong []problem.Field
	for _, p := range problems {
		f := problem.Field{Field: p.Key, Code: problem.InvalidField, Message: p.Message}
		switch {
		case !known[p.Key]:
			f.Code, f.Message = problem.UnknownField, "Connecting this kind of channel asks for no such thing. GET /v1/connectors says what it asks for."
		case given[p.Key] == "":
			f.Code = problem.RequiredField
		}
		wrong = append(wrong, f)
	}
	return input, problem.Invalid(wrong...)
}

// startProblem is what users see where a network gives no page to send them to.
func startProblem(err error) error {
	failed := connectors.AsError(err)
	switch failed.Kind {
	case connectors.KindRejected, connectors.KindUnlinked:
		if failed.Field != "" {
			p := problem.InvalidOne(failed.Field, failed.Message)
			p.Err = err
			return p
		}
		return &problem.Error{Code: problem.InvalidField, Message: failed.Message, Err: err}
	case connectors.KindUnsupported:
		return &problem.Error{Code: problem.Unsupported, Message: failed.Message, Err: err}
	case connectors.KindRateLimited:
		return &problem.Error{
			Code: problem.ProviderRateLimited, RetryAfter: failed.After, Err: err,
			Message: "The network lets nobody connect from this server for the moment. Try again later.",
		}
	}
	return &problem.Error{
		Code: problem.ProviderUnavailable, Err: err, Message: "The network could not be reached, or did not answer as it should. Try again in a moment.",
	}
}

func sealedAs(authorizationID string) string { return "authorizations/sealed/" + authorizationID }

func (s *Service) seal(authorizationID string, k kept) (string, error) {
	plain, err := json.Marshal(k)
	if err != nil {
		return "", fmt.Errorf("encode authorization: %w", err)
	}
	return s.Sealer.Seal(plain, sealedAs(authorizationID))
}

func (s *Service) unseal(a *store.Authorization) (kept, error) {
	var k kept
	plain, err := s.Sealer.Open(a.Sealed, sealedAs(a.ID))
	if err != nil {
		return k, fmt.Errorf("unseal authorization %s: %w", a.ID, err)
	}
	if err := json.Unmarshal(plain, &k); err != nil {
		return k, fmt.Errorf("decode authorization %s: it is not what was stored", a.ID) // err could quote it
	}
	return k, nil
}
