package media

import (
	"context"
	"errors"
	"fmt"

	"github.com/switchhook/switchhook/internal/store"
)

// Discard deletes uploads of an account by id, because the post that they came for was refused or does without them. Ids of other files and of
// none are passed over. What a failure leaves behind, the purge deletes later where it belongs to no post.
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
