package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"go.mau.fi/util/dbutil"
)

// Lease names a session and how often its owner had changed when it was read.
type Lease struct {
	SessionID string
	Count     int64
}

func (l Lease) key() string { return l.SessionID + ":" + strconv.FormatInt(l.Count, 10) }

func scanLease(row dbutil.Scannable) (Lease, error) {
	var l Lease
	return l, row.Scan(&l.SessionID, &l.Count)
}

// FreeSessionsAny returns at most limit sessions that should be held and are held by nobody who lives.
func (s *Store) FreeSessionsAny(ctx context.Context, now time.Time, limit int) ([]Lease, error) {
	return queryAll(ctx, s.reader(ctx), scanLease, freeSessionsQuery, aliveSince(now), limit)
}

// FreeSessionAny returns the lease of one session; ErrNotFound where there is none, or somebody who lives holds it.
func (s *Store) FreeSessionAny(ctx context.Context, id string, now time.Time) (Lease, error) {
	lease, err := scanLease(s.reader(ctx).QueryRowContext(ctx, freeSessionQuery, aliveSince(now), id))
	return lease, notFound(err)
}

// ClaimSessionsAny makes a worker the owner of those sessions whose leases are as they were read, and returns their ids. Of several workers
// that claim the same lease, one gets it; and an owner that has confirmed its lease in between keeps it.
func (s *Store) ClaimSessionsAny(ctx context.Context, worker string, leases []Lease) ([]string, error) {
	if len(leases) == 0 {
		return nil, nil
	}
	ids, keys := make([]string, len(leases)), make([]string, len(leases))
	for i, lease := range leases {
		ids[i], keys[i] = lease.SessionID, lease.key()
	}
	idList, args := inList(1, ids)
	keyList, keyArgs := inList(1+len(args), keys)
	query := `UPDATE sessions SET owner = $1, lease = lease + 1 WHERE id IN (` + idList + `) AND id || ':' || lease IN (` + keyList + `) RETURNING id`
	args = slices.Concat([]any{worker}, args, keyArgs)
	var claimed []string
	err := s.outOfDeadlocks(ctx, func() (err error) {
		claimed, err = queryStrings(ctx, s.db.Execable(ctx), query, args...)
		return err
	})
	return claimed, err
}

// ConfirmLeasesAny returns the ids of the sessions that a worker owns, and makes claims void that others have decided on before. A worker that
// may have counted as dead calls it after it has been seen again.
func (s *Store) ConfirmLeasesAny(ctx context.Context, worker string) ([]string, error) {
	return queryStrings(ctx, s.db.Execable(ctx), confirmLeasesQuery, worker)
}

// ReleaseSessionAny gives a session up, so that another worker can have it at once. Giving up what a worker does not own changes nothing.
func (s *Store) ReleaseSessionAny(ctx context.Context, worker, id string) error {
	err := oneChanged(s.db.Exec(ctx, releaseQuery, id, worker))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// OwnSession is what an owner has to know of a session that it holds.
type OwnSession struct {
	ID             string
	Version        int64 // of the session
	ChannelVersion int64
	Wanted         bool // it should go on being held
	ChannelStatus  ChannelStatus
}

// OwnSessionsAny returns the sessions that a worker owns.
func (s *Store) OwnSessionsAny(ctx context.Context, worker string) ([]OwnSession, error) {
	return queryAll(ctx, s.reader(ctx), func(row dbutil.Scannable) (OwnSession, error) {
		var own OwnSession
		return own, row.Scan(&own.ID, &own.Version, &own.ChannelVersion, &own.Wanted, &own.ChannelStatus)
	}, ownSessionsQuery, worker)
}
