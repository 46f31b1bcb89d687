package authorize

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

// The codes of failures, beside those of connectors and of package problem.
const (
	CodeUnknown      = "unknown_state"  // nobody was sent to the network with this state
	CodeUsed         = "state_used"     // the browser came back with it before
	CodeExpired      = "expired"        // the user took more than Lifetime
	CodeDenied       = "access_denied"  // the user did not grant access
	CodeRefused      = "refused"        // the network reports an error of its own
	CodeOtherAccount = "other_identity" // what was granted is not the channel to connect again
)

const (
	exchangeWithin = 12 * time.Second // these three together stay below what a request may take
	checkWithin    = 8 * time.Second
	storeWithin    = 5 * time.Second
	checkAtOnce    = 4
	maxName        = 100 // characters of a channel's name
)

// Failure says why nothing, or not everything, was connected.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"` // a sentence that says what to do
}

// Connected is a channel as it was when it was connected.
type Connected struct {
	ID      string              `json:"id"`
	Name    string              `json:"name"`
	Address string              `json:"address"`
	Created bool                `json:"created"` // false: the channel was there, and has new credentials now
	Status  store.ChannelStatus `json:"status"`
	Message string              `json:"message"` // why the status is so, or empty
	Scopes  []string            `json:"scopes"`  // what was granted
}

// Outcome is how an authorization ended, or that it has not.
type Outcome struct {
	ID, AccountID string // empty where the state is unknown
	Connector     string
	ChannelID     string // the channel to connect again, or empty
	Status        store.AuthorizationStatus
	Channels      []Connected
	Failure       *Failure // with AuthorizationFailed; with AuthorizationDone where some of what was granted could not be connected
	CreatedAt     time.Time
	ExpiresAt     time.Time
}

// result is what is stored of an outcome.
type result struct {
	Channels []Connected `json:"channels"`
	Failure  *Failure    `json:"error,omitempty"`
}

// Get returns how an authorization of an account is going; another account's is a problem NotFound. One whose user never came back has failed.
func (s *Service) Get(ctx context.Context, accountID, authorizationID string) (*Outcome, error) {
	a, err := s.Store.Authorization(ctx, accountID, authorizationID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, problem.NotFoundOf("connection")
	}
	if err != nil {
		return nil, fmt.Errorf("read authorization: %w", err)
	}
	var r result
	if a.Result != "" {
		if err := json.Unmarshal([]byte(a.Result), &r); err != nil {
			return nil, fmt.Errorf("decode result of authorization %s: %w", a.ID, err)
		}
	}
	if a.Status == store.AuthorizationPending && !s.Now().Before(a.ExpiresAt) {
		a.Status, r.Failure = store.AuthorizationFailed, expired()
	}
	return outcomeOf(a, r), nil
}

func outcomeOf(a *store.Authorization, r result) *Outcome {
	return &Outcome{
		ID: a.ID, AccountID: a.AccountID, Connector: a.Connector, ChannelID: a.ChannelID, Status: a.Status, Channels: r.Channels, Failure: r.Failure,
		CreatedAt: a.CreatedAt, ExpiresAt: a.ExpiresAt,
	}
}

func expired() *Failure {
	return &Failure{CodeExpired, fmt.Sprintf("Nobody came back within %d minutes. Begin again.", int(Lifetime/time.Minute))}
}

// Finish takes what a browser brought back from a network: its state, once, and the rest of the query. It connects what the user granted: one channel for
// each identity, or the account's channel of that identity with new credentials. What the user can see and mend is an Outcome of status failed; an
// error is trouble of this server's. It may block for half a minute.
func (s *Service) Finish(ctx context.Context, state string, query map[string]string) (*Outcome, error) {
	hash := secret.HashAPIKey(secret.String(state))
	a, err := s.Store.UseAuthorizationAny(ctx, hash, s.Now())
	if errors.Is(err, store.ErrNotFound) {
		return s.refuse(ctx, hash)
	}
	if err != nil {
		return nil, problem.Unavailable(fmt.Errorf("use authorization: %w", err))
	}
	// The code is used up by the exchange: from here on, what was granted is stored whatever ends ctx.
	ctx = context.WithoutCancel(ctx)
	r := s.connect(ctx, a, query)
	a.Status = store.AuthorizationDone
	if len(r.Channels) == 0 {
		a.Status = store.AuthorizationFailed
	}
	encoded, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	storing, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	if err := s.Store.FinishAuthorization(storing, a.AccountID, a.ID, a.Status, string(encoded)); err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("store result of authorization %s: %w", a.ID, err)
	}
	return outcomeOf(a, r), nil
}

// refuse says why a state is not taken. It tells nothing else of the authorization.
func (s *Service) refuse(ctx context.Context, hash string) (*Outcome, error) {
	a, err := s.Store.AuthorizationByStateAny(ctx, hash)
	failed := &Outcome{Status: store.AuthorizationFailed}
	switch {
	case errors.Is(err, store.ErrNotFound):
		failed.Failure = &Failure{CodeUnknown, "This address was not made by this server, or is too old. Begin again."}
	case err != nil:
		return nil, problem.Unavailable(fmt.Errorf("find authorization: %w", err))
	case !a.UsedAt.IsZero():
		failed.Failure = &Failure{CodeUsed, "This address was opened before, and counts once. Look at your channels; if the one that you want is not there, begin again."}
	default:
		failed.Failure = expired()
	}
	return failed, nil
}

// connect exchanges what came back and makes channels of it.
func (s *Service) connect(ctx context.Context, a *store.Authorization, query map[string]string) result {
	failed := denied(query)
	var granted []connectors.AuthorizedChannel
	if failed == nil {
		granted, failed = s.exchange(ctx, a, query)
	}
	if failed == nil && a.ChannelID != "" {
		granted, failed = s.only(ctx, a, granted)
	}
	r := result{Channels: []Connected{}, Failure: failed}
	storing, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	for _, one := range granted {
		connected, err := s.store(storing, a, one)
		if err != nil {
			r.Failure = s.failure(storing, a, err)
			continue
		}
		r.Channels = append(r.Channels, *connected)
	}
	s.check(ctx, a.AccountID, r.Channels)
	return r
}

// denied reads what networks say of a user who did not grant access, and of errors of their own (RFC 6749, 4.1.2.1). Their words are not repeated: anybody
// can write them into an address.
func denied(query map[string]string) *Failure {
	code := query["error"]
	switch {
	case code == "":
		return nil
	case code == "access_denied", strings.HasPrefix(code, "user_cancelled"): // the latter are LinkedIn's
		return &Failure{CodeDenied, "Access was not granted on the network's page, and nothing was connected. Begin again if that was not meant."}
	case len(code) > 64 || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") != "":
		code = "an error"
	}
	return &Failure{CodeRefused, "The network did not grant access; it says: " + code + ". Begin again; if it stays so, tell the operator of this server, whose app there may be set up wrongly."}
}

func (s *Service) exchange(ctx context.Context, a *store.Authorization, query map[string]string) ([]connectors.AuthorizedChannel, *Failure) {
	authorizer, ok := s.Connectors[a.Connector].(connectors.Authorizer)
	if !ok {
		return nil, &Failure{problem.Unsupported, "This server has no such kind of channel any more."}
	}
	k, err := s.unseal(a)
	if err != nil {
		return nil, s.failure(ctx, a, err)
	}
	rest := maps.Clone(query)
	delete(rest, "state")
	ctx, cancel := context.WithTimeout(ctx, exchangeWithin)
	defer cancel()
	granted, err := authorizer.Exchange(ctx, connectors.ExchangeRequest{
		Code: query["code"], CodeVerifier: k.Verifier, RedirectURL: k.Redirect, Keep: k.Keep, Query: rest,
	}, s.Channels.Host())
	if err != nil {
		return nil, s.failure(ctx, a, err)
	}
	if len(granted) == 0 {
		return nil, &Failure{connectors.CodeScopeMissing, "Access was granted to nothing that can be a channel here. Begin again, and choose what is to be connected on the network's page."}
	}
	return granted, nil
}

// only returns what was granted of the channel that is to be connected again.
func (s *Service) only(ctx context.Context, a *store.Authorization, granted []connectors.AuthorizedChannel) ([]connectors.AuthorizedChannel, *Failure) {
	c, err := s.Channels.Get(ctx, a.AccountID, a.ChannelID)
	if err != nil {
		return nil, s.failure(ctx, a, err)
	}
	for _, one := range granted {
		if key, err := s.Channels.Key(a.Connector, one.Config); err == nil && key == c.ChannelKey {
			return []connectors.AuthorizedChannel{one}, nil
		}
	}
	return nil, &Failure{CodeOtherAccount, "Access was granted to another identity than the channel's, which is " + c.Address + ". Nothing was changed. Log in as that one on the network, and begin again."}
}

// store puts one identity into its channel.
func (s *Service) store(ctx context.Context, a *store.Authorization, one connectors.AuthorizedChannel) (*Connected, error) {
	c, created, err := s.Channels.Connect(ctx, channel.Draft{
		ID: s.Channels.IDs().New("chan"), AccountID: a.AccountID, Connector: a.Connector, Name: cleanName(one.Name), Config: one.Config,
	})
	if err != nil {
		return nil, err
	}
	s.Logger.InfoContext(ctx, "authorization.connected", "authorization_id", a.ID, "channel_id", c.ID, "connector", c.Connector, "created", created)
	return &Connected{
		ID: c.ID, Name: c.Name, Address: c.Address, Created: created, Status: c.Status, Message: c.StatusMessage, Scopes: append([]string{}, one.Scopes...),
	}, nil
}

// cleanName makes a stranger's name fit to be a channel's; where nothing is left, the channel gets one of its own.
func cleanName(name string) string {
	name = strings.Join(strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if runes := []rune(name); len(runes) > maxName {
		name = string(runes[:maxName])
	}
	return strings.TrimSpace(strings.ToValidUTF8(name, ""))
}

// check asks the network whether the new credentials work, a few at a time. Where it gives no answer, the channel stays as it is: its first use will tell.
func (s *Service) check(ctx context.Context, accountID string, channels []Connected) {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	var checks sync.WaitGroup
	for some := range slices.Chunk(channels, max(1, (len(channels)+checkAtOnce-1)/checkAtOnce)) {
		checks.Go(func() {
			for i := range some {
				if some[i].Status == store.ChannelDisabled {
					continue
				}
				c, err := s.Channels.Check(ctx, accountID, some[i].ID)
				if err != nil {
					s.Logger.WarnContext(ctx, "authorization.check_failed", "channel_id", some[i].ID, "error", err)
					continue
				}
				some[i].Status, some[i].Message = c.Status, c.StatusMessage
			}
		})
	}
	checks.Wait()
}

// failure says to the user what went wrong, and the rest to the log.
func (s *Service) failure(ctx context.Context, a *store.Authorization, err error) *Failure {
	f := explain(err)
	s.Logger.WarnContext(ctx, "authorization.failed", "authorization_id", a.ID, "connector", a.Connector, "code", f.Code, "error", err)
	return f
}

func explain(err error) *Failure {
	var p *problem.Error
	if errors.As(err, &p) {
		return &Failure{p.Code, p.Message}
	}
	var failed *connectors.Error
	if !errors.As(err, &failed) {
		return &Failure{problem.InternalError, "Something went wrong on this server. Begin again; if it stays so, tell its operator."}
	}
	switch failed.Kind {
	case connectors.KindRejected, connectors.KindUnlinked, connectors.KindUnsupported:
		return &Failure{failed.Code, failed.Message}
	case connectors.KindRateLimited:
		return &Failure{failed.Code, "The network lets nobody connect from this server for the moment, and nothing was connected. Begin again later."}
	}
	return &Failure{problem.ProviderUnavailable, "The network could not be reached, or did not answer as it should, and nothing was connected. Begin again in a moment."}
}
