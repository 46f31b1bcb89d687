package channel

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// refusedFor is how long a channel that the network did not confirm is not asked about again: a claim of somebody
	// else's address must not cost a call for each message of its owner's.
	refusedFor = 10 * time.Minute
	// refusedMost bounds what is remembered of that.
	refusedMost = 1024
)

// refusals remembers which versions of channels the network has not confirmed.
type refusals struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func refusalKey(c *store.Channel) string { return c.ID + "/" + strconv.FormatInt(c.Version, 10) }

func (r *refusals) add(c *store.Channel, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, until := range r.until {
		if len(r.until) >= refusedMost || !now.Before(until) {
			delete(r.until, key)
		}
	}
	r.until[refusalKey(c)] = now.Add(refusedFor)
}

func (r *refusals) has(c *store.Channel, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Before(r.until[refusalKey(c)])
}

// Verified reports whether the network has confirmed that the channel's credentials are those of its address. It has to be asked before a channel
// gets what an app receives for an address: the address alone is only what somebody has written down. The answer is kept for the channel's version. Where
// there is none yet, Verified asks the network, for at most 15 seconds; an error means that the network gave no answer.
func (s *Service) Verified(ctx context.Context, c *store.Channel) (bool, error) {
	if c.VerifiedVersion == c.Version {
		return true, nil
	}
	if s.refused.has(c, s.o.Now()) {
		return false, nil
	}
	conn, err := s.Open(ctx, c)
	if err != nil {
		return false, err
	}
	checker, able := conn.(connectors.Checker)
	if !able {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if err := checker.Check(ctx); err != nil {
		switch connectors.AsError(err).Kind {
		case connectors.KindUnlinked, connectors.KindRejected, connectors.KindUnsupported:
			s.refused.add(c, s.o.Now())
			return false, nil
		}
		return false, err
	}
	return true, s.noteVerified(ctx, c)
}

// noteVerified keeps that the network has confirmed this version of the channel.
func (s *Service) noteVerified(ctx context.Context, c *store.Channel) error {
	if c.VerifiedVersion == c.Version {
		return nil
	}
	if err := s.o.Store.VerifyChannelAny(ctx, c.ID, c.Version); err != nil {
		return err
	}
	c.VerifiedVersion = c.Version
	return nil
}
