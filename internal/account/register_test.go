package account

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
)

func TestARegistrationMakesAnAccountAndLogsItsUserIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := wish("ann")
	r.Email, r.Organization = " Ann@Example.COM ", " Ann & Co "
	token, err := w.Register(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, "ann@example.com", token.User.Email)
	require.Equal(t, "Ann & Co", token.Account.Name)
	require.Equal(t, w.clock().Add(24*time.Hour), token.ExpiresAt)
	require.NotContains(t, token.User.PasswordHash, goodPassword)

	p, err := w.Authenticate(t.Context(), token.Text.Reveal())
	require.NoError(t, err)
	require.Equal(t, Principal{Kind: KindUser, AccountID: token.Account.ID, UserID: token.User.ID, Role: RoleOwner}, p)

	_, err = w.Register(t.Context(), wish("ANN"))
	requireCode(t, problem.EmailTaken, err)
}

func TestEveryWrongFieldOfARegistrationIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.Register(t.Context(), Registration{})
	p := requireCode(t, problem.InvalidField, err)
	require.Len(t, p.Fields, 3)
	for _, field := range p.Fields {
		require.Equal(t, problem.RequiredField, field.Code)
	}
	for name, c := range map[string]struct {
		field  string
		change func(*Registration)
	}{
		"nine characters":        {"password", func(r *Registration) { r.Password = "ninechars" }},
		"nine long characters":   {"password", func(r *Registration) { r.Password = "ääääääääß" }},
		"201 characters":         {"password", func(r *Registration) { r.Password = secret.String(strings.Repeat("a", 201)) }},
		"no at":                  {"email", func(r *Registration) { r.Email = "ann.example.com" }},
		"a name with an address": {"email", func(r *Registration) { r.Email = "Ann <ann@example.com>" }},
		"two addresses":          {"email", func(r *Registration) { r.Email = "a@example.com, b@example.com" }},
		"a line break":           {"email", func(r *Registration) { r.Email = "a@example.com\r\nBcc: b@example.com" }},
		"a long address":         {"email", func(r *Registration) { r.Email = strings.Repeat("a", 250) + "@example.com" }},
		"a name of two lines":    {"organization", func(r *Registration) { r.Organization = "one\ntwo" }},
		"a long name":            {"organization", func(r *Registration) { r.Organization = strings.Repeat("ä", 101) }},
	} {
		r := wish("ann")
		c.change(&r)
		_, err := w.Register(t.Context(), r)
		require.Equal(t, c.field, requireCode(t, problem.InvalidField, err).Field, name)
	}
	n, err := w.options.Store.CountAccountsAny(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
	for _, password := range []string{"ten chars!", strings.Repeat("ä", 200)} {
		r := wish(fmt.Sprint("user", len(password)))
		r.Password = secret.String(password)
		_, err := w.Register(t.Context(), r)
		require.NoError(t, err)
	}
}

func TestWhoMayMakeAnAccount(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		registration     string
		local            bool
		code, configured secret.String
		first, second    string // code of the error; empty: it is made
	}{
		"first, from this machine":                  {RegistrationFirst, true, "", "the code", "", problem.RegistrationClosed},
		"first, from elsewhere with the code":       {RegistrationFirst, false, "the code", "the code", "", problem.RegistrationClosed},
		"first, from elsewhere without":             {RegistrationFirst, false, "", "the code", problem.SetupCodeRequired, problem.SetupCodeRequired},
		"first, from elsewhere with another":        {RegistrationFirst, false, "the cod3", "the code", problem.SetupCodeRequired, problem.SetupCodeRequired},
		"first, from elsewhere where there is none": {RegistrationFirst, false, "", "", problem.SetupCodeRequired, problem.SetupCodeRequired},
		"open, from this machine":                   {RegistrationOpen, true, "", "the code", "", ""},
		"open, from elsewhere with the code":        {RegistrationOpen, false, "the code", "the code", "", ""},
		"open, the first from elsewhere without":    {RegistrationOpen, false, "", "the code", problem.SetupCodeRequired, problem.SetupCodeRequired},
		"closed, from this machine":                 {RegistrationClosed, true, "", "the code", "", problem.RegistrationClosed},
		"closed, from elsewhere with the code":      {RegistrationClosed, false, "the code", "the code", "", problem.RegistrationClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *Options) { o.Registration, o.SetupCode = c.registration, c.configured })
			for i, code := range []string{c.first, c.second} {
				r := wish(fmt.Sprint("user", i))
				r.Local, r.SetupCode = c.local, c.code
				_, err := w.Register(t.Context(), r)
				if code == "" {
					require.NoError(t, err)
				} else {
					requireCode(t, code, err)
				}
			}
		})
	}
}

func TestALaterAccountOfAnOpenServerNeedsNoSetupCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, "ann")
	r := wish("bob")
	r.Local, r.Client = false, netip.MustParseAddr("203.0.113.7")
	_, err := w.Register(t.Context(), r)
	require.NoError(t, err)
}

func TestOfManyFirstRegistrationsAtOnceOneSucceeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.Registration = RegistrationFirst })
	processes := []*Service{w.Service, w.another(t)}
	var made atomic.Int64
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			_, err := processes[i%2].Register(t.Context(), wish(fmt.Sprint("user", i)))
			var p *problem.Error
			switch {
			case err == nil:
				made.Add(1)
			case !errors.As(err, &p) || p.Code != problem.RegistrationClosed:
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, made.Load())
	n, err := w.options.Store.CountAccountsAny(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestGuessesOfTheSetupCodeAreThrottled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := wish("ann")
	r.Local, r.Client = false, netip.MustParseAddr("203.0.113.7")
	for i := range registerPerClient {
		r.SetupCode = secret.String(strconv.Itoa(i))
		_, err := w.Register(t.Context(), r)
		requireCode(t, problem.SetupCodeRequired, err)
	}
	r.SetupCode = w.options.SetupCode
	_, err := w.Register(t.Context(), r)
	require.Positive(t, requireCode(t, problem.RateLimited, err).RetryAfter)
}
