package channel_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/store"
)

// renewable makes a channel with tokens and returns what its connector renews them with.
func (f *fixture) renewable(t *testing.T) (*store.Channel, connectors.TokenKeeper) {
	t.Helper()
	c, err := f.Create(t.Context(), channel.Draft{ID: f.IDs().New("chan"), AccountID: "acct_a", Connector: "example", Config: connectors.Config{
		"number": "15551230000", "authToken": "s3cr3t-token", "accessToken": "access-0", "refreshToken": "refresh-0",
	}})
	require.NoError(t, err)
	conn, err := f.Open(t.Context(), c)
	require.NoError(t, err)
	return c, conn.(*exampleConn).tokens
}

func TestATokenIsRenewedOnceHoweverManyNeedIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c, keeper := f.renewable(t)
	var asked atomic.Int64
	renew := func(_ context.Context, present connectors.Config) (connectors.Config, error) {
		n := strconv.FormatInt(asked.Add(1), 10)
		if present["refreshToken"] != "refresh-0" {
			return nil, errors.New("a refresh token was used twice")
		}
		return connectors.Config{"accessToken": "access-" + n, "refreshToken": "refresh-" + n}, nil
	}
	var all sync.WaitGroup
	got := make(chan connectors.Config, 20)
	for range cap(got) {
		all.Go(func() {
			config, err := keeper.Renew(t.Context(), "access-0", renew)
			if err == nil {
				got <- config
			}
		})
	}
	all.Wait()
	close(got)
	n := 0
	for config := range got {
		n++
		require.Equal(t, [3]string{"access-1", "refresh-1", "s3cr3t-token"}, [3]string{config["accessToken"], config["refreshToken"], config["authToken"]})
	}
	require.Equal(t, 20, n)
	require.EqualValues(t, 1, asked.Load())

	row, err := f.store.ChannelAny(t.Context(), c.ID)
	require.NoError(t, err)
	require.Equal(t, c.Version+1, row.Version, "a change by somebody who has read the old tokens must not bring them back")
	stored, err := f.Config(row)
	require.NoError(t, err)
	require.Equal(t, "refresh-1", stored["refreshToken"])
}

func TestAnAbsentRefreshTokenKeepsTheOldOne(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c, keeper := f.renewable(t)
	config, err := keeper.Renew(t.Context(), "access-0", func(context.Context, connectors.Config) (connectors.Config, error) {
		return connectors.Config{"accessToken": "access-1"}, nil
	})
	require.NoError(t, err)
	require.Equal(t, "refresh-0", config["refreshToken"])
	row, err := f.store.ChannelAny(t.Context(), c.ID)
	require.NoError(t, err)
	stored, err := f.Config(row)
	require.NoError(t, err)
	require.Equal(t, config, stored)
}

func TestWhatAUserChangesWhileATokenIsRenewedHolds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c, keeper := f.renewable(t)
	config, err := keeper.Renew(t.Context(), "access-0", func(ctx context.Context, _ connectors.Config) (connectors.Config, error) {
		_, err := f.Change(ctx, "acct_a", c.ID, channel.Change{Config: connectors.Config{"region": "us"}})
		return connectors.Config{"accessToken": "access-1"}, err
	})
	require.NoError(t, err)
	require.Equal(t, [2]string{"us", "access-1"}, [2]string{config["region"], config["accessToken"]})

	config, err = keeper.Renew(t.Context(), "access-1", func(ctx context.Context, _ connectors.Config) (connectors.Config, error) {
		_, err := f.Change(ctx, "acct_a", c.ID, channel.Change{Config: connectors.Config{"accessToken": "the user's own"}})
		return connectors.Config{"accessToken": "access-2"}, err
	})
	require.NoError(t, err)
	require.Equal(t, "the user's own", config["accessToken"])
}

func TestAFailedRenewalChangesNothingAndGivesWay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, keeper := f.renewable(t)
	refused := connectors.Unlinked(connectors.CodeAuthFailed, "Connect the channel again.")
	_, err := keeper.Renew(t.Context(), "access-0", func(context.Context, connectors.Config) (connectors.Config, error) { return nil, refused })
	require.Equal(t, refused, err)
	config, err := keeper.Renew(t.Context(), "access-0", func(_ context.Context, present connectors.Config) (connectors.Config, error) {
		return connectors.Config{"accessToken": present["refreshToken"] + "!"}, nil
	})
	require.NoError(t, err)
	require.Equal(t, "refresh-0!", config["accessToken"])
}
