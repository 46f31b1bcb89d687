package event

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/store"
)

// overtaken publishes one status of a message while another commits: between that one's reading of the message and its writing.
func (f *fixture) overtaken(t *testing.T, messageID string, slow, fast store.MessageStatus) (slowDraft, fastDraft *Draft) {
	t.Helper()
	out := f.inbound(messageID)
	out.Message.Direction, out.Message.Status, out.Message.ProviderID = store.Outbound, store.MessageSending, ""
	require.NoError(t, f.Publish(t.Context(), out))
	news := func(status store.MessageStatus) *Draft {
		return &Draft{
			AccountID: "acct_a", Type: MessageStatus, Dedupe: "status:" + messageID + ":" + string(status),
			Change: &store.StatusChange{AccountID: "acct_a", MessageID: "msg_" + messageID, Status: status},
			DataOf: func(m *store.Message) any { return map[string]any{"status": m.Status} },
		}
	}
	slowDraft, fastDraft = news(slow), news(fast)
	made := 0
	slowDraft.DataOf = func(m *store.Message) any {
		if made++; made == 1 {
			require.NoError(t, f.Publish(t.Context(), fastDraft))
		}
		return map[string]any{"status": m.Status, "try": made}
	}
	require.NoError(t, f.Publish(t.Context(), slowDraft))
	return slowDraft, fastDraft
}

func TestAStatusThatIsOvertakenBetweenReadingAndWritingIsNotTold(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.webhook(t, "acct_a", "wh_1", func(w *store.Webhook) { w.Events = []string{MessageStatus} })
		steps := []store.MessageStatus{store.MessageUnconfirmed, store.MessageSent, store.MessageFailed, store.MessageDelivered, store.MessageRead}
		told := 0
		for i, lower := range steps {
			for j, higher := range steps[i+1:] {
				name := fmt.Sprintf("down_%d_%d", i, j)
				slow, fast := f.overtaken(t, name, lower, higher)
				require.False(t, slow.Fresh(), "%s after %s", lower, higher)
				require.True(t, fast.Fresh())
				m, err := f.store.Message(t.Context(), "acct_a", "msg_"+name)
				require.NoError(t, err)
				require.Equal(t, higher, m.Status)
				told++
			}
		}
		require.Len(t, f.deliveries(t, store.DeliveryFilter{}), told)
	})
}

func TestAStatusThatFollowsAnotherSortsBehindItHoweverTheyMeet(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		slow, fast := f.overtaken(t, "1", store.MessageRead, store.MessageDelivered)
		require.True(t, slow.Fresh())
		require.True(t, fast.Fresh())
		require.JSONEq(t, `{"status":"read","try":2}`, string(slow.Event().Data), "made of what the message is then")
		ids := []string{fast.Event().ID, slow.Event().ID}
		require.True(t, slices.IsSorted(ids), "%v", ids)
		m, err := f.store.Message(t.Context(), "acct_a", "msg_1")
		require.NoError(t, err)
		require.Equal(t, store.MessageRead, m.Status)
	})
}
