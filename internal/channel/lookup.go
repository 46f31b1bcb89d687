package channel

import (
	"context"

	"github.com/switchhook/switchhook/internal/store"
)

// lookupSize is how many callbacks' channels one query reads.
const lookupSize = 128

// lookup is one wish for a channel, and its answer.
type lookup struct {
	id    string
	found *store.Channel
}

// readChannels answers lookups that wait at the same moment with one query. It begins after each of them was asked for, so that none
// is answered with what was true before.
func (s *Service) readChannels(ctx context.Context, lookups []*lookup) error {
	ids := make([]string, len(lookups))
	for i, l := range lookups {
		ids[i] = l.id
	}
	found, err := s.o.Store.ChannelsByIDAny(ctx, ids)
	if err != nil {
		return err
	}
	for _, l := range lookups {
		if c := found[l.id]; c != nil {
			own := *c // callers bring theirs up to date
			l.found = &own
		}
	}
	return nil
}
