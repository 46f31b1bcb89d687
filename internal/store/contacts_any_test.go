package store

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestContactsOfManyAccountsAreFoundAtOnceAndNeverMixed(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		var keys []ContactKey
		for _, account := range []string{"ann", "bob"} {
			a := makeAccount(t, s, account)
			for i := range 70 {
				c := &Contact{AccountID: a.ID, Name: account, PhoneNumber: fmt.Sprintf("1555%03d", i), IsBlocked: account == "bob", ExtraFields: "{}", CreatedAt: noon, UpdatedAt: noon}
				require.NoError(t, s.InsertContact(t.Context(), c))
				if account == "ann" || i >= 60 {
					keys = append(keys, ContactKey{a.ID, c.PhoneNumber})
				}
			}
		}
		found, err := s.ContactsAny(t.Context(), append(keys, ContactKey{"acct_ann", "none"}))
		require.NoError(t, err)
		require.Len(t, found, 80)
		for key, c := range found {
			require.Equal(t, ContactKey{c.AccountID, c.PhoneNumber}, key)
			require.Equal(t, key.AccountID == "acct_bob", c.IsBlocked)
		}
		none, err := s.ContactsAny(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, none)
	})
}
