package store

import (
	"context"
	"errors"
	"time"
)

const (
	claimRenewalQuery = `UPDATE channels SET renewing_until = $3 WHERE id = $1 AND renewing_until <= $2`
	endRenewalQuery   = `UPDATE channels SET renewing_until = 0 WHERE id = $1 AND renewing_until = $2`
	// What the network has confirmed stays confirmed: the identity is the same under the new token.
	renewedQuery = `UPDATE channels SET config = $3, version = version + 1, updated_at = $4,
		verified_version = CASE WHEN verified_version = version THEN version + 1 ELSE verified_version END WHERE id = $1 AND version = $2`
)

// ClaimRenewalAny takes the only right to renew a channel's credentials until a time, and reports whether it got it: another process may have it.
func (s *Store) ClaimRenewalAny(ctx context.Context, channelID string, now, until time.Time) (bool, error) {
	err := oneChanged(s.db.Exec(ctx, claimRenewalQuery, channelID, Millis(now), Millis(until)))
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// EndRenewalAny gives back the right that was taken until a time.
func (s *Store) EndRenewalAny(ctx context.Context, channelID string, until time.Time) error {
	_, err := s.db.Exec(ctx, endRenewalQuery, channelID, Millis(until))
	return err
}

// RenewedChannelAny stores a sealed configuration with new credentials for a channel that was read as c.Version, and raises the version. ErrNotFound where
// the channel was changed or deleted since.
func (s *Store) RenewedChannelAny(ctx context.Context, c *Channel, now time.Time) error {
	err := oneChanged(s.db.Exec(ctx, renewedQuery, c.ID, c.Version, c.Config, Millis(now)))
	if err == nil {
		c.Version++
	}
	return err
}
