package store

import (
	"context"

	"go.mau.fi/util/dbutil"
)

// EventHead is what names an event, without what it says.
type EventHead struct{ ID, Type, ChannelID string }

// EventHeads lists an account's events behind an id, newest first and at most limit.
func (s *Store) EventHeads(ctx context.Context, accountID, afterID string, limit int) ([]EventHead, error) {
	return queryAll(ctx, s.reader(ctx), scanEventHead,
		`SELECT id, type, channel_id FROM events WHERE account_id = $1 AND id > $2 ORDER BY id DESC LIMIT $3`, accountID, afterID, limit)
}

func scanEventHead(row dbutil.Scannable) (EventHead, error) {
	var h EventHead
	return h, row.Scan(&h.ID, &h.Type, &h.ChannelID)
}
