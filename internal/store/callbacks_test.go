package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// calledBack is a callback that chan_1 of acct_1 got.
func calledBack(i int, refused bool) *Callback {
	c := &Callback{
		ID: fmt.Sprintf("cb_%05d", i), AccountID: "acct_1", ChannelID: "chan_1", Connector: "sandbox", Refused: refused, Method: "POST", Path: "/callbacks/sandbox/chan_1",
		Headers: `{"A":"b"}`, Body: "hi", Size: 2, Status: 200, Signature: SignatureOK, Messages: 1, Statuses: 2, Duration: 1500 * time.Microsecond, CreatedAt: noon,
	}
	if refused {
		c.Status, c.Signature, c.Code, c.Message = 401, SignatureWrong, "invalid_signature", "Why."
	}
	return c
}

func TestWhatIsForgedPushesOutNoGoodCallback(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		good := calledBack(0, false)
		other := calledBack(1, true)
		other.AccountID, other.ChannelID = "acct_2", "chan_2"
		require.NoError(t, s.InsertCallbacksAny(ctx, []*Callback{good, other}))
		for from := 10; from < 110; from += 10 {
			var some []*Callback
			for i := range 10 {
				some = append(some, calledBack(from+i, true))
			}
			require.NoError(t, s.InsertCallbacksAny(ctx, some))
		}
		all, err := s.Callbacks(ctx, "acct_1", CallbackFilter{ChannelID: "chan_1"}, Page{Limit: 100})
		require.NoError(t, err)
		require.Len(t, all, CallbacksKept+1)
		require.Equal(t, "cb_00109", all[0].ID)
		require.Empty(t, all[0].Body, "a list has none")
		require.Equal(t, good.ID, all[CallbacksKept].ID)
		ok, err := s.Callbacks(ctx, "acct_1", CallbackFilter{Signature: SignatureOK}, Page{Limit: 100})
		require.NoError(t, err)
		require.Len(t, ok, 1)
		found, err := s.Callback(ctx, "acct_1", good.ID)
		require.NoError(t, err)
		require.Equal(t, good, found)
		_, err = s.Callback(ctx, "acct_1", other.ID)
		require.ErrorIs(t, err, ErrNotFound)

		var many []*Callback
		for i := range 100 {
			many = append(many, calledBack(200+i, false))
		}
		many[99].CreatedAt = noon.Add(time.Hour)
		require.NoError(t, s.InsertCallbacksAny(ctx, many))
		ok, err = s.Callbacks(ctx, "acct_1", CallbackFilter{Signature: SignatureOK}, Page{Before: "cb_00299", Limit: 100})
		require.NoError(t, err)
		require.Len(t, ok, CallbacksKept-1)
		require.NoError(t, s.PurgeAny(ctx, noon.Add(time.Minute)))
		all, err = s.Callbacks(ctx, "acct_1", CallbackFilter{}, Page{Limit: 100})
		require.NoError(t, err)
		require.Len(t, all, 1)
		_, err = s.Callback(ctx, "acct_2", other.ID)
		require.ErrorIs(t, err, ErrNotFound, "too old")
	})
}
