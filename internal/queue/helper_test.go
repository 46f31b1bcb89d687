package queue_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/post"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/queue"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/testenv"
)

var _ post.Slots = (*queue.Service)(nil) // what posts need of queues

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// kinds are those of channels: "blog" publishes posts and "phone" does not.
type kinds struct{}

func (kinds) Info(kind string) (connectors.Info, bool) {
	switch kind {
	case "blog":
		return connectors.Info{Kind: kind, Post: &connectors.PostInfo{}}, true
	case "phone":
		return connectors.Info{Kind: kind}, true
	}
	return connectors.Info{}, false
}

// fixture is a service on a database of its own. Its clock stands still at a Monday's noon, UTC, until a test sets it.
type fixture struct {
	*queue.Service
	store *store.Store
	now   time.Time
}

// eachEngine runs a test on an empty database of each engine, with channels chan_1 and chan_2, which publish posts, and chan_phone of acct_a, and chan_b of acct_b.
func eachEngine(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			options := store.Options{DataDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}
			if engine == "postgres" {
				options.URL = testenv.Postgres(t)
			}
			s, err := store.Open(t.Context(), options)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			require.NoError(t, s.Migrate(t.Context()))
			f := &fixture{store: s, now: time.Date(2026, 6, 29, 12, 0, 0, 0, time.UTC)}
			for _, accountID := range []string{"acct_a", "acct_b"} {
				_, err := s.CreateAccount(t.Context(), &store.Account{ID: accountID, Name: "Test", CreatedAt: f.now},
					&store.User{ID: "usr_" + accountID, AccountID: accountID, Email: accountID + "@example.com", CreatedAt: f.now})
				require.NoError(t, err)
			}
			for _, c := range [][3]string{{"chan_1", "acct_a", "blog"}, {"chan_2", "acct_a", "blog"}, {"chan_phone", "acct_a", "phone"}, {"chan_gone", "acct_a", "gone"}, {"chan_b", "acct_b", "blog"}} {
				require.NoError(t, s.InsertChannel(t.Context(), &store.Channel{
					ID: c[0], AccountID: c[1], Connector: c[2], Name: c[0], ChannelKey: c[0], Status: store.ChannelConnected, StatusAt: f.now, CreatedAt: f.now, UpdatedAt: f.now,
				}, 100))
			}
			f.Service, err = queue.New(queue.Options{Store: s, Kinds: kinds{}, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return f.now }})
			require.NoError(t, err)
			test(t, f)
		})
	}
}

func ptr[T any](value T) *T { return &value }

// make makes the queue que_1 with slots every day at the given times, UTC.
func (f *fixture) make(t *testing.T, seats int, times ...string) *store.Queue {
	t.Helper()
	q, err := f.Create(t.Context(), "acct_a", "que_1", queue.Settings{
		Name: ptr("Daily"), TimeZone: ptr("UTC"), Slots: ptr(daily(times...)), ChannelIDs: &[]string{"chan_1", "chan_2"}, PostsPerSlot: &seats,
	})
	require.NoError(t, err)
	return q
}

// add stores a post with a target on both channels, at the end of the queue.
func (f *fixture) add(ctx context.Context, postID string) error {
	return f.store.InTransaction(ctx, func(ctx context.Context) error {
		p := &store.Post{ID: postID, AccountID: "acct_a", Status: store.PostQueued, Title: postID, QueueID: "que_1", Origin: "api", CreatedAt: f.now, UpdatedAt: f.now}
		var targets []*store.Target
		for i, channelID := range []string{"chan_1", "chan_2"} {
			targets = append(targets, &store.Target{
				ID: fmt.Sprintf("tgt_%s_%d", postID, i), PostID: postID, AccountID: "acct_a", ChannelID: channelID, Position: int64(i),
				Status: store.PostQueued, DueAt: f.now.AddDate(1, 0, 0), CreatedAt: f.now, UpdatedAt: f.now,
			})
		}
		if err := f.store.InsertPost(ctx, p, targets); err != nil {
			return err
		}
		at, err := f.Claim(ctx, "acct_a", "que_1", postID, f.now)
		if err != nil {
			return err
		}
		if _, err := f.store.Database().Exec(ctx, `UPDATE posts SET slot_at = $1 WHERE id = $2`, store.Millis(at), postID); err != nil {
			return fmt.Errorf("plan post: %w", err)
		}
		_, err = f.store.Database().Exec(ctx, `UPDATE targets SET due_at = $1 WHERE post_id = $2`, store.Millis(at), postID)
		return err
	})
}

func (f *fixture) addAll(t *testing.T, postIDs ...string) {
	t.Helper()
	for _, postID := range postIDs {
		require.NoError(t, f.add(t.Context(), postID))
	}
}

// waiting is the next n slots of the queue: "30 09:00 a b" for the 30th at nine o'clock with posts a and b, and a "!" behind it where it is not planned any more.
// It checks that posts and targets are due when their places are.
func (f *fixture) waiting(t *testing.T, n int) []string {
	t.Helper()
	turns, err := f.Preview(t.Context(), "acct_a", "que_1", n)
	require.NoError(t, err)
	var list []string
	for _, turn := range turns {
		line := []string{turn.At.Format("02 15:04")}
		for _, c := range turn.Posts {
			line = append(line, c.PostID)
			p, err := f.store.Post(t.Context(), "acct_a", c.PostID)
			require.NoError(t, err)
			require.Equal(t, turn.At.Add(time.Duration(c.Seat)*time.Millisecond), p.SlotAt)
			for _, target := range f.targets(t, c.PostID) {
				require.Equal(t, p.SlotAt, target.DueAt)
			}
		}
		if !turn.Planned {
			line = append(line, "!")
		}
		list = append(list, strings.Join(line, " "))
	}
	return list
}

func (f *fixture) targets(t *testing.T, postID string) []*store.Target {
	t.Helper()
	targets, err := f.store.Targets(t.Context(), "acct_a", []string{postID})
	require.NoError(t, err)
	return targets[postID]
}

// told are the posts about which webhooks are to get post.scheduled.
func (f *fixture) told(t *testing.T) map[string]int {
	t.Helper()
	untold, err := f.store.UntoldTargetsAny(t.Context(), 1000)
	require.NoError(t, err)
	told := map[string]int{}
	for _, target := range untold {
		require.Equal(t, "post.scheduled", target.Event)
		told[target.PostID]++
	}
	return told
}

// at sets the clock to a day of June or, from 1 on, July 2026.
func (f *fixture) at(day int, clock string) {
	minutes, _ := queue.ParseTime(clock)
	month := time.July
	if day > 28 {
		month = time.June
	}
	f.now = time.Date(2026, month, day, 0, minutes, 0, 0, time.UTC)
}

// problemOf requires that err is a problem with a code, and returns it.
func problemOf(t *testing.T, err error, code string) *problem.Error {
	t.Helper()
	var p *problem.Error
	require.ErrorAs(t, err, &p)
	require.Equal(t, code, p.Code, p.Message)
	return p
}
