package message

import (
	"context"
	"errors"
	"fmt"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/store"
)

// meet makes contacts of people who write for the first time, where the operator wants that. It comes before the
// message is stored, so that its event already carries the contact. Only phone numbers make contacts: other networks' ids say nothing to a person.
func (s *Service) meet(ctx context.Context, accountID string, messages []connectors.InMessage) error {
	if !s.AutoContacts {
		return nil
	}
	for i := range messages {
		in := &messages[i]
		if connectors.Digits(in.From) != in.From || in.From == "" || in.FromMe {
			continue
		}
		_, err := s.Store.ContactByPhone(ctx, accountID, in.From)
		if errors.Is(err, store.ErrNotFound) {
			err = s.Store.InsertContact(ctx, &store.Contact{
				AccountID: accountID, Name: in.FromName, PhoneNumber: in.From, ExtraFields: "{}", CreatedAt: s.Now(), UpdatedAt: s.Now(),
			})
		}
		if err != nil && !errors.Is(err, store.ErrExists) { // somebody else has met them in between
			return fmt.Errorf("make contact: %w", err)
		}
	}
	return nil
}
