package store

import "context"

// ContactKey names a contact by who it is.
type ContactKey struct{ AccountID, PhoneNumber string }

// ContactsAny finds contacts of several accounts at once; it serves the group commit of events.
func (s *Store) ContactsAny(ctx context.Context, keys []ContactKey) (map[ContactKey]*Contact, error) {
	wanted := make(map[ContactKey]bool, len(keys))
	accounts, phones := map[string]bool{}, map[string]bool{}
	for _, key := range keys {
		wanted[key], accounts[key.AccountID], phones[key.PhoneNumber] = true, true, true
	}
	found := map[ContactKey]*Contact{}
	return found, chunks(setOf(accounts), func(accounts []string) error {
		accountList, accountArgs := inList(0, accounts)
		return chunks(setOf(phones), func(phones []string) error {
			phoneList, phoneArgs := inList(len(accountArgs), phones)
			contacts, err := queryAll(ctx, s.reader(ctx), scanContact,
				selectContact+`WHERE account_id IN (`+accountList+`) AND phone_number IN (`+phoneList+`)`, append(accountArgs, phoneArgs...)...)
			for _, c := range contacts {
				if key := (ContactKey{c.AccountID, c.PhoneNumber}); wanted[key] {
					found[key] = c
				}
			}
			return err
		})
	})
}

func setOf(set map[string]bool) []string {
	values := make([]string, 0, len(set))
	for value := range set {
		values = append(values, value)
	}
	return values
}
