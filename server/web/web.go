// Package web is the dashboard: pages that the server writes, with a little JavaScript that comes from the same binary. It is the first client
// of the HTTP interface: whatever a page reads or does goes through the route table, as the user who is logged in (docs/adr/0012).
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/account"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

// API answers calls of the HTTP interface within the process.
type API interface {
	// Call makes one call as the principal, who is not asked for a credential and not counted against a rate limit, and gives the status and the
	// JSON of the answer. It blocks as long as the route's handler does.
	Call(ctx context.Context, as account.Principal, c Call) (status int, answer []byte)
}

// Call is one call of the HTTP interface.
type Call struct {
	Method, Target string // Target has the query
	ContentType    string // of Body
	Body           []byte
	Idempotency    string // sent as Idempotency-Key, or empty
}

// Accounts is what the dashboard asks about people.
type Accounts interface {
	Register(ctx context.Context, r account.Registration) (*account.LoginToken, error)
	Invite(ctx context.Context, token secret.String) (*account.Invitation, error)
	AcceptInvite(ctx context.Context, token secret.String, email string, password secret.String, client netip.Addr) (*account.LoginToken, error)
	StartLogin(ctx context.Context, email string, password secret.String, client netip.Addr, userAgent string) (*store.Login, secret.String, error)
	StartLoginFor(ctx context.Context, u *store.User, client netip.Addr, userAgent string) (*store.Login, secret.String, error)
	AuthenticateLogin(ctx context.Context, token secret.String) (account.LoginPrincipal, secret.String, error)
	EndLogin(ctx context.Context, accountID, userID, loginID string) error
	CheckCSRF(login account.LoginPrincipal, given string) bool
}

// Options is what the dashboard is wired from. Every field is required.
type Options struct {
	API      API
	Accounts Accounts
	Live     *live.Hub
	Logger   *slog.Logger
	BaseURL  string // what the server is reached at, without a slash at its end
	Version  string
	Now      func() time.Time
	// Account finds an account by its id.
	Account func(ctx context.Context, id string) (*store.Account, error)
	// FirstRun tells whether there is no account yet.
	FirstRun func(ctx context.Context) (bool, error)
	// Client tells who asks, and whether it is certainly somebody on this machine.
	Client func(*fiber.Ctx) (address netip.Addr, local bool)
}

func (o Options) check() error {
	for _, needed := range []struct {
		name    string
		missing bool
	}{
		{"API", o.API == nil},
		{"Accounts", o.Accounts == nil},
		{"Live", o.Live == nil},
		{"Logger", o.Logger == nil},
		{"BaseURL", o.BaseURL == ""},
		{"Now", o.Now == nil},
		{"Account", o.Account == nil},
		{"FirstRun", o.FirstRun == nil},
		{"Client", o.Client == nil},
	} {
		if needed.missing {
			return errors.New("make dashboard: Options." + needed.name + " is missing")
		}
	}
	return nil
}

// Web is the dashboard. Make it with New; the server asks it for Routes and gives it each request.
type Web struct {
	o         Options
	secure    bool // cookies are for https only
	texts     texts
	assets    *assets
	templates *templates
}

// New reads all templates and texts; one that is wrong is an error here and not on a page.
func New(o Options) (*Web, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	w := &Web{o: o, secure: strings.HasPrefix(o.BaseURL, "https://")}
	var err error
	if w.texts, err = readTexts(); err != nil {
		return nil, fmt.Errorf("make dashboard: %w", err)
	}
	if w.assets, err = readAssets(); err != nil {
		return nil, fmt.Errorf("make dashboard: %w", err)
	}
	if w.templates, err = w.readTemplates(); err != nil {
		return nil, fmt.Errorf("make dashboard: %w", err)
	}
	return w, nil
}
