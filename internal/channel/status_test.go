package channel_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

func TestACheckStoresWhatTheNetworkSays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.create(t, "16311113333")
	checked, changed, err := f.Check(t.Context(), "acct_a", c.ID)
	require.NoError(t, err)
	require.Equal(t, store.ChannelConnected, checked.Status)
	require.True(t, changed)
	_, changed, err = f.Check(t.Context(), "acct_a", c.ID)
	require.NoError(t, err)
	require.False(t, changed)
	f.answer.Store(http.StatusUnauthorized)
	f.now = f.now.Add(time.Second)
	checked, changed, err = f.Check(t.Context(), "acct_a", c.ID)
	require.NoError(t, err)
	require.Equal(t, store.ChannelNeedsLink, checked.Status)
	require.True(t, changed)
	require.Equal(t, connectors.CodeAuthFailed, checked.StatusCode)
	require.NotEmpty(t, checked.StatusMessage)
	stored, err := f.Get(t.Context(), "acct_a", c.ID)
	require.NoError(t, err)
	require.Equal(t, checked, stored)
	_, _, err = f.Check(t.Context(), "acct_b", c.ID)
	problemOf(t, err, problem.NotFound)
}

func TestACheckWithoutAnAnswerLeavesTheStatus(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.create(t, "16311113333")
	for status, code := range map[int]string{
		http.StatusInternalServerError: problem.ProviderUnavailable, http.StatusTooManyRequests: problem.ProviderRateLimited,
		http.StatusBadRequest: problem.ChannelNotConnected,
	} {
		f.answer.Store(int64(status))
		_, _, err := f.Check(t.Context(), "acct_a", c.ID)
		p := problemOf(t, err, code)
		if code == problem.ProviderRateLimited {
			require.Equal(t, 7*time.Second, p.RetryAfter)
		}
	}
	f.network.Close()
	_, _, err := f.Check(t.Context(), "acct_a", c.ID)
	problemOf(t, err, problem.ProviderUnavailable)
	stored, err := f.Get(t.Context(), "acct_a", c.ID)
	require.NoError(t, err)
	require.Equal(t, store.ChannelNew, stored.Status)
}

func TestAChangeOfStatusIsReportedOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.create(t, "16311113333")
	say := func(status store.ChannelStatus, code string) bool {
		changed, err := f.SetStatusAny(t.Context(), c.ID, status, code, "Because.")
		require.NoError(t, err)
		return changed
	}
	require.True(t, say(store.ChannelConnected, ""))
	require.False(t, say(store.ChannelConnected, ""))
	require.True(t, say(store.ChannelNeedsLink, "auth_failed"))
	require.False(t, say(store.ChannelNeedsLink, "account_suspended"), "another reason is no other status")
	stored, err := f.Get(t.Context(), "acct_a", c.ID)
	require.NoError(t, err)
	require.Equal(t, "account_suspended", stored.StatusCode)
	changed, err := f.SetStatusAny(t.Context(), "chan_gone", store.ChannelConnected, "", "")
	require.NoError(t, err)
	require.False(t, changed)
	_, err = f.SetStatusAny(t.Context(), c.ID, store.ChannelDisabled, "", "")
	require.Error(t, err)
}

func TestOfSeveralWhoBringTheSameNewsOneIsTheFirst(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.create(t, "16311113333")
	var all sync.WaitGroup
	var first atomic.Int64
	for range 8 {
		all.Go(func() {
			changed, err := f.SetStatusAny(t.Context(), c.ID, store.ChannelNeedsLink, "auth_failed", "Link again.")
			if err != nil {
				t.Error(err)
			}
			if changed {
				first.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, first.Load())
}

func TestAUserSwitchesOffAndOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.create(t, "16311113333")
	switchTo := func(status store.ChannelStatus) (*store.Channel, error) {
		return f.Change(t.Context(), "acct_a", c.ID, channel.Change{Status: &status})
	}
	off, err := switchTo(store.ChannelDisabled)
	require.NoError(t, err)
	require.Equal(t, store.ChannelDisabled, off.Status)
	changed, err := f.SetStatusAny(t.Context(), c.ID, store.ChannelConnected, "", "")
	require.NoError(t, err)
	require.False(t, changed)
	_, _, err = f.Check(t.Context(), "acct_a", c.ID)
	problemOf(t, err, problem.ChannelNotConnected)
	recredited, err := f.Change(t.Context(), "acct_a", c.ID, channel.Change{Config: connectors.Config{"authToken": "new"}})
	require.NoError(t, err)
	require.Equal(t, store.ChannelDisabled, recredited.Status, "new credentials do not switch it on")
	_, err = switchTo(store.ChannelConnected)
	require.Equal(t, "status", problemOf(t, err, problem.InvalidField).Field)
	on, err := switchTo(store.ChannelNew)
	require.NoError(t, err)
	require.Equal(t, store.ChannelNew, on.Status)
}

func TestNewCredentialsAreTriedAfreshAndAnAnswerToTheOldOnesIsIgnored(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	before := f.create(t, "16311113333")
	_, err := f.SetStatusAny(t.Context(), before.ID, store.ChannelNeedsLink, "auth_failed", "Link again.")
	require.NoError(t, err)
	after, err := f.Change(t.Context(), "acct_a", before.ID, channel.Change{Config: connectors.Config{"authToken": "new"}})
	require.NoError(t, err)
	require.Equal(t, store.ChannelNew, after.Status)
	require.Empty(t, after.StatusCode)
	changed, err := f.SetStatusOf(t.Context(), before, store.ChannelNeedsLink, "auth_failed", "The old token.")
	require.NoError(t, err)
	require.False(t, changed)
	stored, err := f.Get(t.Context(), "acct_a", before.ID)
	require.NoError(t, err)
	require.Equal(t, store.ChannelNew, stored.Status)
}
