package channel_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

func TestAChannelIsMadeOfItsSettings(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.create(t, "+1 (631) 111-3333")
	require.Equal(t, "16311113333", c.Address)
	require.Equal(t, "exmp_16311113333", c.ChannelKey)
	require.Equal(t, "Example 16311113333", c.Name)
	require.Equal(t, store.ChannelNew, c.Status)
	require.Equal(t, "https://hooks.example/callbacks/example/"+c.ID, f.CallbackURL(c))
	info, known := f.Info("example")
	require.True(t, known)
	require.Equal(t, "Example", info.Name)

	got, err := f.Get(t.Context(), "acct_a", c.ID)
	require.NoError(t, err)
	require.Equal(t, c, got)
	require.NotContains(t, got.Config, "s3cr3t")
	config, err := f.MaskedConfig(got)
	require.NoError(t, err)
	require.Equal(t, connectors.Config{"number": "16311113333", "authToken": connectors.Mask, "region": "eu"}, config)
}

func TestEverythingWrongWithAChannelIsToldAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.Create(t.Context(), channel.Draft{
		ID: "chan_1", AccountID: "acct_a", Connector: "example", Name: "two\nlines",
		Config: connectors.Config{"number": "abc", "region": "mars", "note": connectors.Mask, "authtoken": "x"},
	})
	p := problemOf(t, err, problem.InvalidField)
	codes := map[string]string{}
	for _, field := range p.Fields {
		codes[field.Field] = field.Code
		require.NotEmpty(t, field.Message)
	}
	require.Equal(t, map[string]string{
		"name": problem.InvalidField, "config.number": problem.InvalidField, "config.authToken": problem.RequiredField,
		"config.region": problem.InvalidField, "config.note": problem.InvalidField, "config.authtoken": problem.UnknownField,
	}, codes)
	_, err = f.store.Channel(t.Context(), "acct_a", "chan_1")
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestAKindOrAnAddressThatDoesNotExistIsNamed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.Create(t.Context(), channel.Draft{ID: "chan_1", AccountID: "acct_a", Connector: "pigeon"})
	require.Equal(t, "connector", problemOf(t, err, problem.InvalidField).Field)
	require.Contains(t, err.Error(), "example, sandbox")
	_, err = f.Create(t.Context(), channel.Draft{ID: "chan_1", AccountID: "acct_a"})
	require.Equal(t, "connector", problemOf(t, err, problem.RequiredField).Field)
	_, err = f.Create(t.Context(), channel.Draft{
		ID: "chan_1", AccountID: "acct_a", Connector: "example", Config: connectors.Config{"number": "999999", "authToken": "x"},
	})
	require.Equal(t, "config.number", problemOf(t, err, problem.InvalidField).Field)
	_, err = f.Create(t.Context(), channel.Draft{ID: "chan_1", AccountID: "acct_a", Connector: "sandbox", Name: strings.Repeat("ä", 101)})
	require.Equal(t, "name", problemOf(t, err, problem.InvalidField).Field)
}

func TestAnAddressIsOneChannelOfAnAccount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.create(t, "16311113333")
	draft := channel.Draft{AccountID: "acct_a", Connector: "example", Config: connectors.Config{"number": "16311113333", "authToken": "x"}}
	draft.ID = "chan_other"
	_, err := f.Create(t.Context(), draft)
	problemOf(t, err, problem.ChannelExists)
	draft.ID = c.ID
	again, err := f.Create(t.Context(), draft)
	require.NoError(t, err, "the same request again is answered with what the first one made")
	require.Equal(t, c, again)
	draft.ID, draft.AccountID = "chan_b", "acct_b"
	_, err = f.Create(t.Context(), draft)
	require.NoError(t, err)
}

func TestAnAccountHasABoundedNumberOfChannels(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	err := f.store.InTransaction(t.Context(), func(ctx context.Context) error {
		for range channel.Most {
			id := f.IDs().New("chan")
			c := &store.Channel{ID: id, AccountID: "acct_a", Connector: "sandbox", ChannelKey: id, Status: store.ChannelNew, CreatedAt: f.now}
			if err := f.store.InsertChannel(ctx, c, channel.Most); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, err)
	_, err = f.Create(t.Context(), channel.Draft{ID: "chan_1", AccountID: "acct_a", Connector: "sandbox"})
	problemOf(t, err, problem.TooMany)
}

func TestAChangeKeepsWhatItDoesNotNameAndWhatIsMasked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.create(t, "16311113333")
	name := "Support"
	change := channel.Change{Name: &name, Config: connectors.Config{"authToken": connectors.Mask, "region": "us", "note": "private"}}
	changed, err := f.Change(t.Context(), "acct_a", c.ID, change)
	require.NoError(t, err)
	require.Equal(t, "Support", changed.Name)
	require.EqualValues(t, 2, changed.Version)
	conn, err := f.Open(t.Context(), changed)
	require.NoError(t, err)
	require.Equal(t, connectors.Config{"number": "16311113333", "authToken": "s3cr3t-token", "region": "us", "note": "private"},
		conn.(*exampleConn).channel.Config)

	changed, err = f.Change(t.Context(), "acct_a", c.ID, channel.Change{Config: connectors.Config{"note": "", "region": ""}})
	require.NoError(t, err)
	config, err := f.MaskedConfig(changed)
	require.NoError(t, err)
	require.Equal(t, connectors.Config{"number": "16311113333", "authToken": connectors.Mask}, config)

	_, err = f.Change(t.Context(), "acct_a", c.ID, channel.Change{Config: connectors.Config{"authToken": "", "note": connectors.Mask, "colour": "red"}})
	require.Len(t, problemOf(t, err, problem.InvalidField).Fields, 3)
	same, err := f.Change(t.Context(), "acct_a", c.ID, channel.Change{Config: connectors.Config{"authToken": connectors.Mask}})
	require.NoError(t, err)
	require.EqualValues(t, 3, same.Version, "a change that changes nothing makes no version")
	_, err = f.Change(t.Context(), "acct_b", c.ID, change)
	problemOf(t, err, problem.NotFound)
}

func TestAChangedNumberMovesTheKeyUnlessItIsTaken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.create(t, "16311113333")
	f.create(t, "16311114444")
	_, err := f.Change(t.Context(), "acct_a", c.ID, channel.Change{Config: connectors.Config{"number": "16311114444"}})
	problemOf(t, err, problem.ChannelExists)
	changed, err := f.Change(t.Context(), "acct_a", c.ID, channel.Change{Config: connectors.Config{"number": "16311115555"}})
	require.NoError(t, err)
	require.Equal(t, "exmp_16311115555", changed.ChannelKey)
}

func TestConcurrentChangesAllTakePlace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.create(t, "16311113333")
	name := "Support"
	var all sync.WaitGroup
	for _, change := range []channel.Change{{Name: &name}, {Config: connectors.Config{"region": "us"}}, {Config: connectors.Config{"note": "n"}}} {
		all.Go(func() {
			if _, err := f.Change(t.Context(), "acct_a", c.ID, change); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := f.Get(t.Context(), "acct_a", c.ID)
	require.NoError(t, err)
	config, err := f.MaskedConfig(got)
	require.NoError(t, err)
	require.Equal(t, "Support", got.Name)
	require.Equal(t, "us", config["region"])
	require.Equal(t, connectors.Mask, config["note"])
}

func TestAConnIsSharedUntilItsChannelChanges(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.create(t, "16311113333")
	first, err := f.Open(t.Context(), c)
	require.NoError(t, err)
	row, err := f.ByIDAny(t.Context(), c.ID)
	require.NoError(t, err)
	again, err := f.Open(t.Context(), row)
	require.NoError(t, err)
	require.Same(t, first, again)
	// Another process changes the channel: this one has an open Conn of the version before.
	other := *c
	other.Name = "Changed elsewhere"
	require.NoError(t, f.store.UpdateChannel(t.Context(), &other))
	row, err = f.ByIDAny(t.Context(), c.ID)
	require.NoError(t, err)
	second, err := f.Open(t.Context(), row)
	require.NoError(t, err)
	require.NotSame(t, first, second)
	require.Equal(t, "Changed elsewhere", row.Name)
	require.EqualValues(t, 1, f.closed.Load())
	behind, err := f.Open(t.Context(), c)
	require.NoError(t, err)
	require.Same(t, second, behind, "who holds an older row gets the newer Conn")
	require.EqualValues(t, 2, f.opened.Load())

	require.NoError(t, f.store.DeleteChannel(t.Context(), "acct_a", c.ID))
	_, err = f.ByIDAny(t.Context(), c.ID)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.EqualValues(t, 2, f.closed.Load())
}

func TestADeletedChannelIsClosedAndGone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.create(t, "16311113333")
	_, err := f.Open(t.Context(), c)
	require.NoError(t, err)
	problemOf(t, f.Delete(t.Context(), "acct_b", c.ID), problem.NotFound)
	require.NoError(t, f.Delete(t.Context(), "acct_a", c.ID))
	require.EqualValues(t, 1, f.closed.Load())
	_, err = f.Get(t.Context(), "acct_a", c.ID)
	problemOf(t, err, problem.NotFound)
}

func TestCloseClosesEveryConnOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, number := range []string{"16311113331", "16311113332", "16311113333"} {
		_, err := f.Open(t.Context(), f.create(t, number))
		require.NoError(t, err)
	}
	c := f.create(t, "16311113334")
	require.NoError(t, f.Close())
	require.NoError(t, f.Close())
	require.EqualValues(t, 3, f.closed.Load())
	_, err := f.Open(t.Context(), c)
	require.ErrorContains(t, err, "stopping")
}

func TestAConfigMovedToAnotherChannelDoesNotOpen(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	mine, other := f.create(t, "16311113333"), f.create(t, "16311114444")
	mine.Config = other.Config
	_, err := f.Open(t.Context(), mine)
	require.Error(t, err)
	_, err = f.MaskedConfig(mine)
	require.Error(t, err)
}

func TestAChannelOfAKindThatIsNotBuiltInIsShownButNotOpened(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := &store.Channel{
		ID: "chan_w", AccountID: "acct_a", Connector: "whatsapp", ChannelKey: "wa_1", Config: "x", Status: store.ChannelNew,
		StatusAt: f.now, CreatedAt: f.now, UpdatedAt: f.now,
	}
	require.NoError(t, f.store.InsertChannel(t.Context(), c, channel.Most))
	config, err := f.MaskedConfig(c)
	require.NoError(t, err)
	require.Empty(t, config)
	_, known := f.Info(c.Connector)
	require.False(t, known)
	_, err = f.Open(t.Context(), c)
	require.Equal(t, connectors.KindUnsupported, connectors.AsError(err).Kind)
	_, err = f.Check(t.Context(), "acct_a", "chan_w")
	problemOf(t, err, problem.Unsupported)
}

func TestListsAreOfTheAccountOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.create(t, "16311113333")
	mine, err := f.List(t.Context(), "acct_a", store.ChannelFilter{}, store.Page{Limit: 10})
	require.NoError(t, err)
	require.Equal(t, []*store.Channel{c}, mine)
	others, err := f.List(t.Context(), "acct_b", store.ChannelFilter{}, store.Page{Limit: 10})
	require.NoError(t, err)
	require.Empty(t, others)
}

func TestAMissingPartIsNamed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := channel.New(channel.Options{Store: f.store, Now: time.Now})
	require.ErrorContains(t, err, "Options.")
}
