package account

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

// maxKeys is how many API keys an account may have. A signed request is tried with each of them.
const maxKeys = 50

// CreateKey makes an API key under the id and returns its text, which is never shown again. Where the account has a key with
// this id already, the call is a repeat of one whose answer was lost, and gives that key. The errors for users are
// those of a wrong name, and too_many.
func (s *Service) CreateKey(ctx context.Context, accountID, keyID, name string) (*store.APIKey, secret.String, error) {
	name = strings.TrimSpace(name)
	if err := report(checkName("name", name)); err != nil {
		return nil, "", err
	}
	k := &store.APIKey{ID: keyID, AccountID: accountID, Name: name, CreatedAt: s.o.Now()}
	text, err := s.renew(k)
	if err != nil {
		return nil, "", err
	}
	err = s.o.Store.InsertAPIKey(ctx, k, maxKeys)
	switch {
	case errors.Is(err, store.ErrExists):
		return s.existing(ctx, accountID, keyID)
	case errors.Is(err, store.ErrTooMany):
		return nil, "", problem.New(problem.TooMany, fmt.Sprintf("The account has %d API keys already. Delete one that is not used any more.", maxKeys))
	case err != nil:
		return nil, "", fmt.Errorf("store key: %w", err)
	}
	s.o.Logger.InfoContext(ctx, "key.created", "account_id", accountID, "key_id", keyID)
	return k, text, nil
}

func (s *Service) existing(ctx context.Context, accountID, keyID string) (*store.APIKey, secret.String, error) {
	k, err := s.o.Store.APIKey(ctx, accountID, keyID)
	if err != nil {
		return nil, "", fmt.Errorf("find key: %w", err)
	}
	text, err := s.openKey(k)
	return k, text, err
}

// RotateKey gives a key another text and returns it. The old one is refused from now on, by every process. The error is
// store.ErrNotFound where the account has no such key.
func (s *Service) RotateKey(ctx context.Context, accountID, keyID string) (*store.APIKey, secret.String, error) {
	k, err := s.o.Store.APIKey(ctx, accountID, keyID)
	if err != nil {
		return nil, "", fmt.Errorf("find key: %w", err)
	}
	text, err := s.renew(k)
	if err != nil {
		return nil, "", err
	}
	if err := s.o.Store.ReplaceAPIKey(ctx, k); err != nil {
		return nil, "", fmt.Errorf("replace key: %w", err)
	}
	s.o.Logger.InfoContext(ctx, "key.rotated", "account_id", accountID, "key_id", keyID)
	return k, text, nil
}

// RevokeKey makes a key void, in every process at once. The error is store.ErrNotFound where the account has no such key.
func (s *Service) RevokeKey(ctx context.Context, accountID, keyID string) error {
	if err := s.o.Store.DeleteAPIKey(ctx, accountID, keyID); err != nil {
		return fmt.Errorf("delete key: %w", err)
	}
	s.o.Logger.InfoContext(ctx, "key.revoked", "account_id", accountID, "key_id", keyID)
	return nil
}

// Keys lists an account's keys. Nothing of a key's text is in it but the hint.
func (s *Service) Keys(ctx context.Context, accountID string, page store.Page) ([]*store.APIKey, error) {
	keys, err := s.o.Store.APIKeys(ctx, accountID, page)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return keys, nil
}

// renew gives k a new text.
func (s *Service) renew(k *store.APIKey) (secret.String, error) {
	text := secret.NewAPIKey()
	sealed, err := s.o.Sealer.Seal([]byte(text.Reveal()), keyAAD(k.ID))
	if err != nil {
		return "", fmt.Errorf("seal key: %w", err)
	}
	k.Hash, k.Sealed, k.Hint = secret.HashAPIKey(text), sealed, secret.HintAPIKey(text)
	return text, nil
}

func (s *Service) openKey(k *store.APIKey) (secret.String, error) {
	text, err := s.o.Sealer.Open(k.Sealed, keyAAD(k.ID))
	if err != nil {
		return "", fmt.Errorf("open key %s: %w", k.ID, err)
	}
	return secret.String(text), nil
}

func keyAAD(keyID string) string { return "api_keys/sealed/" + keyID }
