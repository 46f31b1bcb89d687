package message_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/sandbox"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/store"
)

func TestPeopleWhoWriteBecomeContactsOnlyWhereTheOperatorWantsIt(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, sandbox.Kind, nil)
		f.inbound(t, c, hello("before"))
		_, err := f.store.ContactByPhone(t.Context(), tenant, hello("").From)
		require.ErrorIs(t, err, store.ErrNotFound)

		f.AutoContacts = true
		f.inbound(t, c, hello("first"))
		f.inbound(t, c, hello("second"))
		named := hello("third")
		named.From = "a.page.scoped.id"
		f.inbound(t, c, named)
		made, err := f.store.Contacts(t.Context(), tenant, store.ContactFilter{}, 0, 10)
		require.NoError(t, err)
		require.Len(t, made, 1, "once, and numbers only")
		require.Equal(t, hello("").FromName, made[0].Name)
		told := events[event.MessageData](t, f, event.MessageReceived)
		require.Len(t, told, 4)
		with := 0
		for _, data := range told {
			if len(data.Contact) > 0 {
				with++
			}
		}
		require.Equal(t, 2, with, "the first message's event carries the contact already")
	})
}
