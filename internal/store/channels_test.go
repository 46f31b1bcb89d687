package store

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// testTime is a whole number of milliseconds, as the database keeps it.
func testTime() time.Time { return time.Date(2026, 6, 29, 14, 21, 7, 345e6, time.UTC) }

// addAccounts makes rows that others refer to.
func addAccounts(t *testing.T, s *Store, ids ...string) {
	t.Helper()
	for _, id := range ids {
		_, err := s.db.Exec(t.Context(), `INSERT INTO accounts (id, name, created_at) VALUES ($1, 'Test', 0)`, id)
		require.NoError(t, err)
	}
}

func someChannel(id, account, key string) *Channel {
	return &Channel{
		ID: id, AccountID: account, Connector: "twilio_sms", Name: "Support", Address: "16311113333", ChannelKey: key,
		Config: "sealed", Status: ChannelNew, StatusAt: testTime(), CreatedAt: testTime(), UpdatedAt: testTime(),
	}
}

func TestChannelsAreStoredAndReadBackWhole(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		addAccounts(t, s, "acct_a", "acct_b")
		c := someChannel("chan_1", "acct_a", "twlo_1")
		c.StatusCode, c.StatusMessage = "code", "A sentence."
		require.NoError(t, s.InsertChannel(ctx, c, 200))
		got, err := s.Channel(ctx, "acct_a", "chan_1")
		require.NoError(t, err)
		require.Equal(t, c, got)
		require.EqualValues(t, 1, got.Version)

		require.ErrorIs(t, s.InsertChannel(ctx, someChannel("chan_2", "acct_a", "twlo_1"), 200), ErrExists)
		require.ErrorIs(t, s.InsertChannel(ctx, someChannel("chan_1", "acct_a", "twlo_9"), 200), ErrExists)
		require.NoError(t, s.InsertChannel(ctx, someChannel("chan_3", "acct_b", "twlo_1"), 200), "another account may have the same number")

		_, err = s.Channel(ctx, "acct_b", "chan_1")
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorIs(t, s.DeleteChannel(ctx, "acct_b", "chan_1"), ErrNotFound)
		foreign := *got
		foreign.AccountID = "acct_b"
		require.ErrorIs(t, s.UpdateChannel(ctx, &foreign), ErrNotFound)

		anyone, err := s.ChannelAny(ctx, "chan_3")
		require.NoError(t, err)
		require.Equal(t, "acct_b", anyone.AccountID)
		require.NoError(t, s.DeleteChannel(ctx, "acct_a", "chan_1"))
		_, err = s.ChannelAny(ctx, "chan_1")
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestAChannelsChangeNeedsTheVersionThatWasRead(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		addAccounts(t, s, "acct_a")
		require.NoError(t, s.InsertChannel(ctx, someChannel("chan_1", "acct_a", "twlo_1"), 200))
		require.NoError(t, s.InsertChannel(ctx, someChannel("chan_2", "acct_a", "twlo_2"), 200))
		first, err := s.Channel(ctx, "acct_a", "chan_1")
		require.NoError(t, err)
		second := *first
		first.Name, first.Config, first.Status = "Sales", "sealed anew", ChannelDisabled
		require.NoError(t, s.UpdateChannel(ctx, first))
		require.EqualValues(t, 2, first.Version)
		require.ErrorIs(t, s.UpdateChannel(ctx, &second), ErrNotFound)
		got, err := s.Channel(ctx, "acct_a", "chan_1")
		require.NoError(t, err)
		require.Equal(t, first, got)
		got.ChannelKey = "twlo_2"
		require.ErrorIs(t, s.UpdateChannel(ctx, got), ErrExists)
	})
}

func TestANetworksWordNeitherSwitchesAChannelOnNorOutlivesItsVersion(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		addAccounts(t, s, "acct_a")
		c := someChannel("chan_1", "acct_a", "twlo_1")
		require.NoError(t, s.InsertChannel(ctx, c, 200))
		said := *c
		said.Status, said.StatusCode, said.StatusMessage, said.StatusAt = ChannelNeedsLink, "auth_failed", "Link again.", testTime().Add(time.Second)
		set, err := s.SetChannelStatusAny(ctx, &said, ChannelNew)
		require.NoError(t, err)
		require.True(t, set)
		set, err = s.SetChannelStatusAny(ctx, &said, ChannelNew)
		require.NoError(t, err)
		require.False(t, set, "the second bringer of the same news")
		got, err := s.ChannelAny(ctx, "chan_1")
		require.NoError(t, err)
		require.Equal(t, ChannelNeedsLink, got.Status)
		require.Equal(t, "Link again.", got.StatusMessage)
		require.EqualValues(t, 1, got.Version)

		got.Status = ChannelDisabled
		require.NoError(t, s.UpdateChannel(ctx, got))
		for _, version := range []int64{1, 2} {
			said.Version, said.Status = version, ChannelConnected
			set, err = s.SetChannelStatusAny(ctx, &said, ChannelDisabled)
			require.NoError(t, err)
			require.False(t, set, version)
		}
		counts, err := s.CountChannelsAny(ctx)
		require.NoError(t, err)
		require.Equal(t, []ChannelCount{{"twilio_sms", ChannelDisabled, 1}}, counts)
	})
}

func TestChannelsAreListedNewestFirstInPages(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		addAccounts(t, s, "acct_a", "acct_b")
		for _, id := range []string{"1", "2", "3"} {
			require.NoError(t, s.InsertChannel(ctx, someChannel("chan_"+id, "acct_a", "twlo_"+id), 200))
		}
		require.NoError(t, s.InsertChannel(ctx, someChannel("chan_4", "acct_b", "twlo_4"), 200))
		page, err := s.Channels(ctx, "acct_a", ChannelFilter{}, Page{Limit: 2})
		require.NoError(t, err)
		require.Equal(t, []string{"chan_3", "chan_2"}, []string{page[0].ID, page[1].ID})
		page, err = s.Channels(ctx, "acct_a", ChannelFilter{}, Page{Limit: 2, Before: "chan_2"})
		require.NoError(t, err)
		require.Len(t, page, 1)
		n, err := s.CountChannels(ctx, "acct_a")
		require.NoError(t, err)
		require.Equal(t, 3, n)
		require.ErrorIs(t, s.InsertChannel(ctx, someChannel("chan_5", "acct_a", "twlo_5"), 3), ErrTooMany)
		require.ErrorIs(t, s.InsertChannel(ctx, someChannel("chan_5", "acct_nobody", "twlo_5"), 3), ErrNotFound)
	})
}

func someContact(account, name, phone string) *Contact {
	return &Contact{
		AccountID: account, Name: name, PhoneNumber: phone, PhoneNumberCC: "1", ExtraFields: `{"city":"Ahmedabad"}`,
		IsBlocked: true, CreatedAt: testTime(), UpdatedAt: testTime(),
	}
}

func TestContactsAreStoredChangedAndDeletedInTheirAccountOnly(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		addAccounts(t, s, "acct_a", "acct_b")
		c := someContact("acct_a", "Emily Johnson", "16311112222")
		require.NoError(t, s.InsertContact(ctx, c))
		require.Positive(t, c.ID)
		got, err := s.Contact(ctx, "acct_a", c.ID)
		require.NoError(t, err)
		require.Equal(t, c, got)
		require.ErrorIs(t, s.InsertContact(ctx, someContact("acct_a", "Other", "16311112222")), ErrExists)
		other := someContact("acct_b", "Emily elsewhere", "16311112222")
		require.NoError(t, s.InsertContact(ctx, other))

		_, err = s.Contact(ctx, "acct_b", c.ID)
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorIs(t, s.DeleteContact(ctx, "acct_b", c.ID), ErrNotFound)
		got, err = s.ContactByPhone(ctx, "acct_b", "16311112222")
		require.NoError(t, err)
		require.Equal(t, other, got)

		c.Name, c.IsBlocked, c.PhoneNumber, c.UpdatedAt = "Emily J.", false, "16311119999", testTime().Add(time.Minute)
		require.NoError(t, s.UpdateContact(ctx, c))
		got, err = s.Contact(ctx, "acct_a", c.ID)
		require.NoError(t, err)
		require.Equal(t, c, got)
		second := someContact("acct_a", "Second", "16311118888")
		require.NoError(t, s.InsertContact(ctx, second))
		second.PhoneNumber = c.PhoneNumber
		require.ErrorIs(t, s.UpdateContact(ctx, second), ErrExists)
		require.NoError(t, s.DeleteContact(ctx, "acct_a", c.ID))
		require.ErrorIs(t, s.UpdateContact(ctx, c), ErrNotFound)
	})
}

func TestContactsAreFoundByNumberAndByPartsWithoutWildcards(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		addAccounts(t, s, "acct_a", "acct_b")
		for phone, name := range map[string]string{"16311112222": "Emily Johnson", "16311113333": `100% _sure\`, "4930123456": "ÄRGER"} {
			require.NoError(t, s.InsertContact(ctx, someContact("acct_a", name, phone)))
		}
		require.NoError(t, s.InsertContact(ctx, someContact("acct_b", "Emily", "16311112222")))
		names := func(filter ContactFilter) []string {
			contacts, err := s.Contacts(ctx, "acct_a", filter, 0, 10)
			require.NoError(t, err)
			found := make([]string, len(contacts))
			for i, c := range contacts {
				found[i] = c.Name
			}
			return found
		}
		require.Equal(t, []string{"Emily Johnson"}, names(ContactFilter{PhoneNumber: "16311112222"}))
		require.Equal(t, []string{"Emily Johnson"}, names(ContactFilter{Search: "eMILY"}))
		require.Equal(t, []string{"Emily Johnson"}, names(ContactFilter{Search: "12222"}))
		require.Equal(t, []string{"ÄRGER"}, names(ContactFilter{Search: "ÄRG"}))
		for _, wildcard := range []string{"%", "_", `\`} {
			require.Equal(t, []string{`100% _sure\`}, names(ContactFilter{Search: wildcard}), wildcard)
		}
		require.Empty(t, names(ContactFilter{Search: "' OR 1=1 --"}))
		require.Len(t, names(ContactFilter{}), 3)

		first, err := s.Contacts(ctx, "acct_a", ContactFilter{}, 0, 2)
		require.NoError(t, err)
		require.Greater(t, first[0].ID, first[1].ID)
		rest, err := s.Contacts(ctx, "acct_a", ContactFilter{}, first[1].ID, 2)
		require.NoError(t, err)
		require.Len(t, rest, 1)
	})
}

func TestACancelledContextStopsAQuery(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Channels(ctx, "acct_a", ChannelFilter{}, Page{Limit: 1})
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestChannelsAreFoundByTheirAddressInAllAccounts(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		addAccounts(t, s, "acct_a", "acct_b")
		other := someChannel("chan_3", "acct_a", "twlo_3")
		other.Address = "16311114444"
		whatsapp := someChannel("chan_4", "acct_a", "twlowa_1")
		whatsapp.Connector = "twilio_whatsapp"
		for _, c := range []*Channel{someChannel("chan_1", "acct_a", "twlo_1"), someChannel("chan_2", "acct_b", "twlo_1"), other, whatsapp} {
			require.NoError(t, s.InsertChannel(ctx, c, 200))
		}
		got, err := s.ChannelsByAddressAny(ctx, "twilio_sms", "16311113333")
		require.NoError(t, err)
		require.Len(t, got, 2)
		require.Equal(t, []string{"acct_a", "acct_b"}, []string{got[0].AccountID, got[1].AccountID})
		got, err = s.ChannelsByAddressAny(ctx, "twilio_sms", "1631111333")
		require.NoError(t, err)
		require.Empty(t, got)
	})
}
