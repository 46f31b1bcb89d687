package channel_test

import (
	"net/http"
	"slices"
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
	checked, err := f.Check(t.Context(), "acct_a", c.ID)
	require.NoError(t, err)
	require.Equal(t, store.ChannelConnected, checked.Status)
	require.Len(t, f.heard.dedupes, 1)
	_, err = f.Check(t.Context(), "acct_a", c.ID)
	require.NoError(t, err)
	require.Len(t, f.heard.dedupes, 1)
	f.answer.Store(http.StatusUnauthorized)
	f.now = f.now.Add(time.Second)
	checked, err = f.Check(t.Context(), "acct_a", c.ID)
	require.NoError(t, err)
	require.Equal(t, store.ChannelNeedsLink, checked.Status)
	require.Len(t, f.heard.dedupes, 2)
	require.Equal(t, connectors.CodeAuthFailed, checked.StatusCode)
	require.NotEmpty(t, checked.StatusMessage)
	stored, err := f.Get(t.Context(), "acct_a", c.ID)
	require.NoError(t, err)
	require.Equal(t, checked, stored)
	_, err = f.Check(t.Context(), "acct_b", c.ID)
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
		_, err := f.Check(t.Context(), "acct_a", c.ID)
		p := problemOf(t, err, code)
		if code == problem.ProviderRateLimited {
			require.Equal(t, 7*time.Second, p.RetryAfter)
		}
	}
	f.network.Close()
	_, err := f.Check(t.Context(), "acct_a", c.ID)
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
		f.now = f.now.Add(time.Second)
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
	require.True(t, say(store.ChannelConnected, ""))
	require.Len(t, f.heard.dedupes, 3)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(f.heard.dedupes))), 3)
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
	require.Len(t, slices.Compact(f.heard.dedupes), 1, "whoever told it, told the same event")
}

func TestAStatusThatNobodyCouldBeToldOfIsToldAgainUnderTheSameName(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.create(t, "16311113333")
	f.heard.broken = true
	_, err := f.SetStatusAny(t.Context(), c.ID, store.ChannelConnected, "", "")
	require.Error(t, err)
	stored, err := f.Get(t.Context(), "acct_a", c.ID)
	require.NoError(t, err)
	require.Equal(t, store.ChannelNew, stored.Status)
	f.heard.broken = false
	f.now = f.now.Add(time.Minute)
	changed, err := f.SetStatusAny(t.Context(), c.ID, store.ChannelConnected, "", "")
	require.NoError(t, err)
	require.True(t, changed)
	require.Equal(t, store.ChannelConnected, f.heard.last.Status)
	require.Len(t, f.heard.dedupes, 2)
	require.Equal(t, f.heard.dedupes[0], f.heard.dedupes[1])
}

func TestAUserSwitchesOffAndOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.create(t, "16311113333")
	disable := func(disabled bool) (*store.Channel, error) {
		return f.Change(t.Context(), "acct_a", c.ID, channel.Change{Disabled: &disabled})
	}
	off, err := disable(true)
	require.NoError(t, err)
	require.Equal(t, store.ChannelDisabled, off.Status)
	changed, err := f.SetStatusAny(t.Context(), c.ID, store.ChannelConnected, "", "")
	require.NoError(t, err)
	require.False(t, changed)
	_, err = f.Check(t.Context(), "acct_a", c.ID)
	problemOf(t, err, problem.ChannelNotConnected)
	recredited, err := f.Change(t.Context(), "acct_a", c.ID, channel.Change{Config: connectors.Config{"authToken": "new"}})
	require.NoError(t, err)
	require.Equal(t, store.ChannelDisabled, recredited.Status, "new credentials do not switch it on")
	on, err := disable(false)
	require.NoError(t, err)
	require.Equal(t, store.ChannelNew, on.Status)
	_, err = f.SetStatusAny(t.Context(), c.ID, store.ChannelConnected, "", "")
	require.NoError(t, err)
	same, err := disable(false)
	require.NoError(t, err)
	require.Equal(t, store.ChannelConnected, same.Status, "switching on what is on changes nothing")
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
	told := len(f.heard.dedupes)
	changed, err := f.SetStatusOf(t.Context(), before, store.ChannelNeedsLink, "auth_failed", "The old token.")
	require.NoError(t, err)
	require.False(t, changed)
	require.Len(t, f.heard.dedupes, told)
	stored, err := f.Get(t.Context(), "acct_a", before.ID)
	require.NoError(t, err)
	require.Equal(t, store.ChannelNew, stored.Status)
}
