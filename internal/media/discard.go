package media

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/switchhook/switchhook/internal/store"
)

// Discard deletes uploads of an account by id, because the post or message that they came for was refused or does without them. Ids of other files and
// of none are passed over, and so are files that a stored post has, or a message that has not failed: who takes it for refused, because the answer of the database was lost, may be wrong. What a failure leaves behind, the purge deletes later where it belongs to no post.
func (s *Service) Discard(ctx context.Context, accountID string, ids []string) error {
	var gone []string
	for _, mediaID := range ids {
		m, err := s.o.Store.Media(ctx, accountID, mediaID)
		if errors.Is(err, store.ErrNotFound) || (err == nil && m.ChannelID != "") {
			continue
		}
		if err != nil {
			return fmt.Errorf("read media: %w", err)
		}
		used, err := s.used(ctx, m)
		if err != nil {
			return err
		}
		if used {
			continue
		}
		if err := s.remove(ctx, m.ID); err != nil {
			return fmt.Errorf("delete media file: %w", err)
		}
		gone = append(gone, m.ID)
	}
	if err := s.o.Store.DeleteMediaAny(ctx, gone); err != nil {
		return fmt.Errorf("delete media rows: %w", err)
	}
	return nil
}

// used tells whether the post or message that a file belongs to has it.
func (s *Service) used(ctx context.Context, m *store.Media) (bool, error) {
	if m.PostID == "" {
		return false, nil
	}
	if strings.HasPrefix(m.PostID, "msg_") {
		sent, err := s.o.Store.Message(ctx, m.AccountID, m.PostID)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read message: %w", err)
		}
		return sent.Status != store.MessageFailed && strings.Contains(sent.Content, m.ID), nil
	}
	p, err := s.o.Store.Post(ctx, m.AccountID, m.PostID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read post: %w", err)
	}
	return strings.Contains(p.Media, m.ID), nil
}
