package authorize_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/mastodon/mastodontest"
	"github.com/switchhook/switchhook/internal/authorize"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/store"
)

func (f *fixture) mastodon() authorize.Wish {
	return authorize.Wish{AccountID: "acct_a", Connector: "mastodon", Input: map[string]string{"instanceUrl": f.fediverse.URL}}
}

func TestAServiceWithoutAPartIsNotMade(t *testing.T) {
	t.Parallel()
	_, err := authorize.New(authorize.Options{})
	require.ErrorContains(t, err, "is missing")
}

func TestAStateCountsOnceWhoeverBringsItFirst(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		started, state := f.begin(t, f.mastodon())
		outcomes := make([]*authorize.Outcome, 8)
		var all sync.WaitGroup
		for i := range outcomes {
			all.Go(func() {
				var err error
				outcomes[i], err = f.Finish(context.WithoutCancel(t.Context()), state, map[string]string{"code": mastodontest.Code})
				if err != nil {
					t.Errorf("finish: %v", err)
				}
			})
		}
		all.Wait()
		done := 0
		for _, o := range outcomes {
			if o.Status == store.AuthorizationDone {
				done++
				continue
			}
			require.Equal(t, authorize.CodeUsed, o.Failure.Code)
			require.Empty(t, o.AccountID, "a state that was used tells nothing")
			require.Empty(t, o.Channels)
		}
		require.Equal(t, 1, done)
		require.Len(t, f.fediverse.Forms(), 1, "one exchange")
		outcome, err := f.Get(t.Context(), "acct_a", started.ID)
		require.NoError(t, err)
		require.Equal(t, store.AuthorizationDone, outcome.Status)
		require.Equal(t, store.ChannelConnected, outcome.Channels[0].Status)
		_, err = f.Get(t.Context(), "acct_b", started.ID)
		problemOf(t, err, "not_found")
	})
}

func TestWhoComesTooLateBeginsAgain(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		started, state := f.begin(t, f.mastodon())
		f.pass(authorize.Lifetime)
		outcome, err := f.Get(t.Context(), "acct_a", started.ID)
		require.NoError(t, err)
		require.Equal(t, store.AuthorizationFailed, outcome.Status)
		require.Equal(t, authorize.CodeExpired, outcome.Failure.Code)
		outcome, err = f.Finish(t.Context(), state, map[string]string{"code": mastodontest.Code})
		require.NoError(t, err)
		require.Equal(t, authorize.CodeExpired, outcome.Failure.Code)
		require.Empty(t, f.fediverse.Forms(), "nothing was exchanged")

		n, err := f.store.PurgeAuthorizationsAny(t.Context(), f.clock(), 10)
		require.NoError(t, err)
		require.Zero(t, n)
		n, err = f.store.PurgeAuthorizationsAny(t.Context(), f.clock().Add(time.Millisecond), 10)
		require.NoError(t, err)
		require.EqualValues(t, 1, n)
		outcome, err = f.Finish(t.Context(), state, nil)
		require.NoError(t, err)
		require.Equal(t, authorize.CodeUnknown, outcome.Failure.Code)
	})
}

func TestWhatTheNetworkRefusesIsToldAndLeavesNoChannel(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "sqlite")
	for name, test := range map[string]struct {
		query  map[string]string
		broken func()
		code   string
	}{
		"denied":              {query: map[string]string{"error": "access_denied"}, code: authorize.CodeDenied},
		"cancelled":           {query: map[string]string{"error": "user_cancelled_login"}, code: authorize.CodeDenied},
		"the app is wrong":    {query: map[string]string{"error": "unauthorized_client", "error_description": "call 555"}, code: authorize.CodeRefused},
		"words":               {query: map[string]string{"error": "call 555 now"}, code: authorize.CodeRefused},
		"no code":             {query: map[string]string{}, code: connectors.CodeScopeMissing},
		"a code that is none": {query: map[string]string{"code": "guessed"}, code: connectors.CodeAuthFailed},
		"out of order": {
			query: map[string]string{"code": mastodontest.Code}, code: "provider_unavailable",
			broken: func() { f.fediverse.Refuse("/oauth/token", 503, "down") },
		},
		"too many": {
			query: map[string]string{"code": mastodontest.Code}, code: "provider_rate_limited",
			broken: func() { f.fediverse.Refuse("/oauth/token", 429, "slower") },
		},
	} {
		started, state := f.begin(t, f.mastodon())
		if test.broken != nil {
			test.broken()
		}
		outcome, err := f.Finish(t.Context(), state, test.query)
		require.NoError(t, err, name)
		require.Equal(t, store.AuthorizationFailed, outcome.Status, name)
		require.Equal(t, test.code, outcome.Failure.Code, name)
		require.NotContains(t, outcome.Failure.Message, "555", name)
		kept, err := f.Get(t.Context(), "acct_a", started.ID)
		require.NoError(t, err, name)
		require.Equal(t, outcome, kept, name)
	}
	n, err := f.store.CountChannels(t.Context(), "acct_a")
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestSecretsStandNowhereButSealed(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		started, state := f.begin(t, f.mastodon())
		var sealed, hash string
		read := func() {
			require.NoError(t, f.store.Database().QueryRow(t.Context(), `SELECT sealed, state_hash FROM authorizations WHERE id = $1`, started.ID).Scan(&sealed, &hash))
		}
		read()
		require.NotEmpty(t, sealed)
		require.NotContains(t, sealed+hash, state)
		require.NotContains(t, sealed, mastodontest.ClientSecret)
		_, err := f.Finish(t.Context(), state, map[string]string{"code": mastodontest.Code})
		require.NoError(t, err)
		read()
		require.Empty(t, sealed, "it is not needed any more")
		_, state = f.begin(t, f.mastodon())
		_, err = f.Finish(t.Context(), state, map[string]string{"code": "guessed"})
		require.NoError(t, err)
		logged := f.logged()
		for _, event := range []string{"authorization.started", "authorization.connected", "authorization.failed"} {
			require.Contains(t, logged, event)
		}
		for _, secret := range []string{state, mastodontest.Token, mastodontest.Code, mastodontest.ClientSecret, "guessed"} {
			require.NotContains(t, logged, secret)
		}
	})
}

func TestEachGrantedIdentityIsAChannel(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		rude := page("rude", "t2")
		rude.Name = "\x00\x1b[31m " + strings.Repeat("ü", 200) + "\xff"
		silent := page("silent", "t3")
		silent.Name, silent.Scopes = "", nil
		outcome := f.grantPages(t, "", page("one", "t1"), rude, page("NOT-ONE", "t"), silent)
		require.Equal(t, store.AuthorizationDone, outcome.Status)
		require.Equal(t, "invalid_field", outcome.Failure.Code, "one of them is none")
		require.Len(t, outcome.Channels, 3)
		require.Equal(t, "Page one", outcome.Channels[0].Name)
		require.Equal(t, []string{"write"}, outcome.Channels[0].Scopes)
		require.Len(t, []rune(outcome.Channels[1].Name), 100)
		require.Equal(t, "Pages silent", outcome.Channels[2].Name)
		require.Equal(t, []string{}, outcome.Channels[2].Scopes)
		for _, c := range outcome.Channels {
			require.True(t, c.Created)
			require.Equal(t, store.ChannelConnected, c.Status)
		}
		again := f.grantPages(t, "", page("one", "t4"))
		require.False(t, again.Channels[0].Created)
		require.Equal(t, outcome.Channels[0].ID, again.Channels[0].ID)
		require.Equal(t, "t4", f.config(t, again.Channels[0].ID)["accessToken"])

		none := f.grantPages(t, "")
		require.Equal(t, connectors.CodeScopeMissing, none.Failure.Code)
	})
}

func TestNewCredentialsTakeThePlaceOfAllOldOnes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "sqlite")
	old, err := f.channels.Create(t.Context(), channel.Draft{
		ID: "chan_1", AccountID: "acct_a", Connector: "pages", Config: connectors.Config{"page": "one", "accessToken": "t1", "refreshToken": "r1", "expiresAt": "soon", "clientId": "7", "format": "html"},
	})
	require.NoError(t, err)
	_, err = f.channels.Change(t.Context(), "acct_a", old.ID, channel.Change{Disabled: new(true)})
	require.NoError(t, err)
	granted := page("one", "t2")
	granted.Config["format"] = "markdown" // as every new channel has it
	outcome := f.grantPages(t, old.ID, page("two", "t9"), granted)
	require.Len(t, outcome.Channels, 1, "the other identity was not asked for")
	require.Equal(t, old.ID, outcome.Channels[0].ID)
	require.Equal(t, store.ChannelDisabled, outcome.Channels[0].Status, "it is switched on by its owner alone")
	require.Equal(t, connectors.Config{"page": "one", "accessToken": "t2", "format": "html"}, f.config(t, old.ID), "the old refresh token belongs to the old grant")

	outcome = f.grantPages(t, old.ID, page("two", "t3"))
	require.Equal(t, authorize.CodeOtherAccount, outcome.Failure.Code)
	f.pages.granted = func(connectors.ExchangeRequest) ([]connectors.AuthorizedChannel, error) {
		return []connectors.AuthorizedChannel{page("one", "t4")}, f.channels.Delete(t.Context(), "acct_a", old.ID)
	}
	_, state := f.begin(t, authorize.Wish{AccountID: "acct_a", Connector: "pages", ChannelID: old.ID})
	outcome, err = f.Finish(t.Context(), state, map[string]string{"code": "c"})
	require.NoError(t, err)
	require.Equal(t, "not_found", outcome.Failure.Code, "deleted meanwhile")
	n, err := f.store.CountChannels(t.Context(), "acct_a")
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestWhatANetworkSaysOfNewCredentialsIsShown(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "sqlite")
	f.pages.check = func(_ context.Context, config connectors.Config) error {
		switch config["page"] {
		case "refused":
			return connectors.Unlinked(connectors.CodeAuthFailed, "The page is closed.")
		case "silent":
			return connectors.Retryable(errors.New("no answer"))
		}
		return nil
	}
	outcome := f.grantPages(t, "", page("refused", "t"), page("silent", "t"), page("fine", "t"))
	require.Equal(t, store.AuthorizationDone, outcome.Status)
	var statuses []store.ChannelStatus
	for _, c := range outcome.Channels {
		statuses = append(statuses, c.Status)
	}
	require.Equal(t, []store.ChannelStatus{store.ChannelNeedsLink, store.ChannelNew, store.ChannelConnected}, statuses)
	require.Equal(t, "The page is closed.", outcome.Channels[0].Message)
}

func TestTheExchangeGetsWhatTheStartKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "sqlite")
	var got connectors.ExchangeRequest
	f.pages.granted = func(request connectors.ExchangeRequest) ([]connectors.AuthorizedChannel, error) {
		got = request
		return nil, errors.New("a failure that nobody knows, with s3cr3t")
	}
	_, state := f.begin(t, authorize.Wish{AccountID: "acct_a", Connector: "pages"})
	outcome, err := f.Finish(t.Context(), state, map[string]string{"state": state, "code": "c", "site": "x"})
	require.NoError(t, err)
	require.Equal(t, "internal_error", outcome.Failure.Code)
	require.NotContains(t, outcome.Failure.Message, "s3cr3t")
	require.Len(t, got.CodeVerifier, 43)
	require.NotEqual(t, state, got.CodeVerifier)
	got.CodeVerifier = ""
	require.Equal(t, connectors.ExchangeRequest{
		Code: "c", RedirectURL: "https://hooks.example/oauth/callback", Keep: map[string]string{"kept": "yes"}, Query: map[string]string{"code": "c", "site": "x"},
	}, got)
}

func TestAnAccountConnectsOnlySoMuchAtATime(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		wish := authorize.Wish{AccountID: "acct_a", Connector: "pages"}
		for range 100 {
			f.begin(t, wish)
		}
		_, err := f.Start(t.Context(), wish)
		problemOf(t, err, "too_many")
		f.begin(t, authorize.Wish{AccountID: "acct_b", Connector: "pages"})
		f.pass(authorize.Lifetime)
		f.begin(t, wish)
	})
}

func TestAnAccountThatIsFullGetsNoMoreChannels(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "sqlite")
	for i := range channel.Most - 1 {
		_, err := f.channels.Create(t.Context(), channel.Draft{
			ID: fmt.Sprint("chan_", i), AccountID: "acct_a", Connector: "sandbox", Config: connectors.Config{"number": strconv.Itoa(15550000000 + i)},
		})
		require.NoError(t, err)
	}
	outcome := f.grantPages(t, "", page("one", "t"), page("two", "t"))
	require.Equal(t, store.AuthorizationDone, outcome.Status)
	require.Len(t, outcome.Channels, 1)
	require.Equal(t, "too_many", outcome.Failure.Code)
}

func TestTheSameIdentityIsOneChannelHoweverOftenItIsGrantedAtOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.pages.granted = func(connectors.ExchangeRequest) ([]connectors.AuthorizedChannel, error) {
			return []connectors.AuthorizedChannel{page("one", "t")}, nil
		}
		var all sync.WaitGroup
		for range 6 {
			_, state := f.begin(t, authorize.Wish{AccountID: "acct_a", Connector: "pages"})
			all.Go(func() {
				outcome, err := f.Finish(context.WithoutCancel(t.Context()), state, map[string]string{"code": "c"})
				if err != nil || outcome.Status != store.AuthorizationDone {
					t.Errorf("finish: %v, %+v", err, outcome)
				}
			})
		}
		all.Wait()
		n, err := f.store.CountChannels(t.Context(), "acct_a")
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}
