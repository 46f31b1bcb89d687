package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/session"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/testenv"
)

// fromEach runs a test where the session's owner is asked directly, and where another process asks it over Redis.
func fromEach(t *testing.T, test func(t *testing.T, w *world, owner, asked *node)) {
	t.Helper()
	eachEngine(t, func(t *testing.T, w *world) {
		owner := w.node(t, "wrk_a")
		test(t, w, owner, owner)
	})
	t.Run("from another process", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "postgres")
		test(t, w, w.node(t, "wrk_a"), w.node(t, "wrk_b"))
	})
}

func TestCommandsReachTheLink(t *testing.T) {
	t.Parallel()
	fromEach(t, func(t *testing.T, w *world, owner, asked *node) {
		made := owner.session(t, nil)
		l := w.network.link(t, made.ID)
		_, err := asked.CheckNumbers(t.Context(), tenant, made.ID, []string{"15550001111"})
		requireProblem(t, err, problem.SessionNotConnected)
		requireProblem(t, asked.MarkRead(t.Context(), tenant, made.ID, nil), problem.SessionNotConnected)

		l.become(t, qr("code"))
		step, err := asked.Pair(t.Context(), tenant, made.ID, "15551234567")
		require.NoError(t, err)
		require.Equal(t, connectors.LinkStep{Kind: connectors.StepPairingCode, Code: "ABCD-EFGH", ExpiresAt: start(), Message: "Type."}, step)
		require.NoError(t, asked.AnswerPasskey(t.Context(), tenant, made.ID, json.RawMessage(`{"id":"x"}`)))
		requireProblem(t, asked.AnswerPasskey(t.Context(), tenant, made.ID, json.RawMessage(`{`)), problem.InvalidJSON)
		require.NoError(t, asked.ConfirmPasskey(t.Context(), tenant, made.ID))
		l.connect(t, "15551234567")
		_, err = asked.Pair(t.Context(), tenant, made.ID, "15551234567")
		requireProblem(t, err, problem.Conflict)
		checks, err := asked.CheckNumbers(t.Context(), tenant, made.ID, []string{"15550001111"})
		require.NoError(t, err)
		require.Equal(t, []connectors.NumberCheck{{Number: "15550001111", Exists: true, Address: "15550001111"}}, checks)
		_, err = asked.CheckNumbers(t.Context(), tenant, made.ID, make([]string, 51))
		requireProblem(t, err, problem.InvalidField)
		require.Equal(t, []string{"pair 15551234567", `passkey {"id":"x"}`, "confirm", "check [15550001111]"}, l.asked())

		for failure, code := range map[*connectors.Error]string{
			connectors.Rejected("invalid", "Wrong number.", "phone"):                                 problem.InvalidField,
			connectors.Rejected("no_link", "Not now.", ""):                                           problem.Conflict,
			connectors.Retryable(errors.New("away")):                                                 problem.ProviderUnavailable,
			connectors.RateLimited(0):                                                                problem.ProviderRateLimited,
			connectors.Unlinked("gone", "Linked no more."):                                           problem.SessionNotConnected,
			connectors.Unsupported("that"):                                                           problem.Unsupported,
			connectors.Unconfirmed(nil):                                                              problem.Unconfirmed,
			{Kind: connectors.KindRetryable, Code: connectors.CodeNotConnected, Message: "Offline."}: problem.SessionNotConnected,
		} {
			l.fail(failure)
			_, err = asked.CheckNumbers(t.Context(), tenant, made.ID, []string{"15550001111"})
			p := requireProblem(t, err, code)
			require.Equal(t, failure.Message, p.Message)
			require.Equal(t, failure.Field, p.Field)
		}
	})
}

func TestMessagesAreMarkedAsReadBySenderInOneChat(t *testing.T) {
	t.Parallel()
	fromEach(t, func(t *testing.T, w *world, owner, asked *node) {
		made, l := owner.online(t, "15551234567", nil)
		require.NoError(t, l.host.Listener.LinkReceived(t.Context(), connectors.CallbackResult{Messages: []connectors.InMessage{
			{ProviderID: "WA1", From: "15550001111", Type: "text", Text: "one", Timestamp: start()},
			{ProviderID: "WA2", From: "15550001111", Type: "text", Text: "two", Timestamp: start()},
			{ProviderID: "WA3", From: "15550002222", Type: "text", Text: "three", Timestamp: start()},
		}}))
		rows, err := w.store.Messages(t.Context(), tenant, store.MessageFilter{}, store.Page{Limit: 10})
		require.NoError(t, err)
		ids := map[string]string{}
		for _, m := range rows {
			ids[m.Text] = m.ID
		}
		read := func(messageIDs ...string) error {
			return asked.MarkRead(t.Context(), tenant, made.ID, messageIDs)
		}
		require.NoError(t, read(ids["one"], ids["two"]))
		require.Equal(t, []string{"read 15550001111 of 15550001111 [WA1 WA2]"}, l.asked())
		requireProblem(t, read(ids["one"], ids["three"]), problem.InvalidField)
		requireProblem(t, read("msg_unknown"), problem.InvalidField)
		requireProblem(t, read(), problem.InvalidField)
		other, _ := owner.online(t, "15559990000", nil)
		requireProblem(t, asked.MarkRead(t.Context(), tenant, other.ID, []string{ids["one"]}), problem.InvalidField)
	})
}

func TestALogoutUnlinksAndASessionThatIsNotLinkedIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	fromEach(t, func(t *testing.T, w *world, owner, asked *node) {
		made, l := owner.online(t, "15551234567", nil)
		l.fail(connectors.Retryable(nil))
		_, err := asked.Logout(t.Context(), tenant, made.ID)
		requireProblem(t, err, problem.ProviderUnavailable)
		require.True(t, l.live(), "the device is linked still")
		l.fail(nil)
		got, err := asked.Logout(t.Context(), tenant, made.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"LOGGED_OUT", "unlinked", "", ""}, []string{got.Status, got.Reason, got.Device, got.Owner})
		require.False(t, l.live())
		require.Equal(t, store.ChannelNeedsLink, got.Channel.Status)
		again, err := asked.Logout(t.Context(), tenant, made.ID)
		require.NoError(t, err)
		require.Equal(t, got, again)
		require.Len(t, l.asked(), 2)

		waiting := owner.session(t, nil)
		w.network.link(t, waiting.ID).become(t, qr("code"))
		got, err = asked.Logout(t.Context(), tenant, waiting.ID)
		require.NoError(t, err)
		require.Equal(t, []any{"LOGGED_OUT", false}, []any{got.Status, got.Linking})
		require.Empty(t, w.network.link(t, waiting.ID).asked(), "there is nothing to unlink")
		_, err = asked.Logout(t.Context(), "acct_b", made.ID)
		requireProblem(t, err, problem.NotFound)
	})
}

func TestADeletedSessionIsUnlinkedAndItsKeysAreForgotten(t *testing.T) {
	t.Parallel()
	fromEach(t, func(t *testing.T, w *world, owner, asked *node) {
		gone := func(sessionID string) {
			t.Helper()
			_, err := asked.Get(t.Context(), tenant, sessionID)
			requireProblem(t, err, problem.NotFound)
			_, err = w.store.ChannelAny(t.Context(), sessionID)
			require.ErrorIs(t, err, store.ErrNotFound)
		}
		made, l := owner.online(t, "15551234567", nil)
		requireProblem(t, asked.Delete(t.Context(), "acct_b", made.ID), problem.NotFound)
		l.fail(connectors.Retryable(nil))
		require.NoError(t, asked.Delete(t.Context(), tenant, made.ID), "also where the network cannot be told")
		gone(made.ID)
		require.Equal(t, []string{"logout"}, l.asked())
		require.False(t, l.live())
		require.Equal(t, []string{"device of 15551234567"}, w.network.forgotten)
		requireProblem(t, asked.Delete(t.Context(), tenant, made.ID), problem.NotFound)

		held := owner.session(t, nil)
		require.NoError(t, asked.Delete(t.Context(), tenant, held.ID))
		gone(held.ID)
		free, err := asked.Create(t.Context(), session.Draft{ID: w.ids.New("sess"), AccountID: tenant})
		require.NoError(t, err)
		require.NoError(t, asked.Delete(t.Context(), tenant, free.ID), "one that nobody holds yet")
		gone(free.ID)
		owner.tick(t)
		require.Zero(t, w.network.opened(free.ID))
	})
}

func TestAnOwnerThatDoesNotAnswerIsToBeAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "postgres")
	a, b := w.node(t, "wrk_a"), w.node(t, "wrk_b")
	made, _ := a.online(t, "15551234567", nil)
	for _, owner := range []string{"wrk_c", "wrk_b"} { // one that nobody hears of, and the asked process itself, which has not opened it yet
		row, err := w.store.SessionAny(t.Context(), made.ID)
		require.NoError(t, err)
		_, err = w.store.ClaimSessionsAny(t.Context(), owner, []store.Lease{{SessionID: made.ID, Count: row.Lease}})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err = b.CheckNumbers(ctx, tenant, made.ID, []string{"15550001111"})
		cancel()
		p := requireProblem(t, err, problem.ServiceUnavailable)
		require.NotZero(t, p.RetryAfter)
	}
}

func TestWithoutRedisAProcessServesItsOwnSessionsAndMessagesOfOthersWaitAMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "postgres")
	server := testenv.Redis(t)
	w.useRedis(t, server.URL)
	a, b := w.node(t, "wrk_a"), w.node(t, "wrk_b")
	made, _ := a.online(t, "15551234567", nil)
	server.Kill()
	_, err := a.CheckNumbers(t.Context(), tenant, made.ID, []string{"15550001111"})
	require.NoError(t, err)
	_, err = b.CheckNumbers(t.Context(), tenant, made.ID, []string{"15550001111"})
	requireProblem(t, err, problem.ServiceUnavailable)
	b.queue(t, made.ID, "late")
	b.Kick(made.ID)
	a.tick(t)
	require.Equal(t, "late", w.next(t))
	server.Start()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // a call that is lost is not waited for
		defer cancel()
		_, err := b.CheckNumbers(ctx, tenant, made.ID, []string{"15550001111"})
		return err == nil
	}, patience, 10*time.Millisecond)
}

func TestASessionThatNobodyHoldsSaysSo(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		made, err := n.Create(t.Context(), session.Draft{ID: w.ids.New("sess"), AccountID: tenant})
		require.NoError(t, err)
		p := requireProblem(t, n.ConfirmPasskey(t.Context(), tenant, made.ID), problem.ServiceUnavailable)
		require.NotZero(t, p.RetryAfter)
		_, err = n.Pair(t.Context(), tenant, made.ID, "15551234567")
		requireProblem(t, err, problem.ServiceUnavailable)
		require.NotEmpty(t, w.clock.slept, "it has waited for an owner")
		n.beat(t) // the wait took longer than the lease
		n.tick(t)
		w.network.link(t, made.ID).become(t, connectors.LinkState{Status: connectors.LinkDisconnected, Reason: connectors.ReasonQRTimeout, Message: "Nobody scanned."})
		n.tick(t)
		requireProblem(t, n.ConfirmPasskey(t.Context(), tenant, made.ID), problem.SessionNotConnected)
	})
}
