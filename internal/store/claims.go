package store

import (
	"context"
	"time"

	"go.mau.fi/util/dbutil"
)

// Place is a seat of a slot.
type Place struct {
	At   time.Time // the slot
	Seat int64     // from 0
}

// Time is when the post that has the place is due: at the slot, and a millisecond later for each seat before it, so that the posts of one
// slot go out in their order.
func (p Place) Time() time.Time { return p.At.Add(time.Duration(p.Seat) * time.Millisecond) }

// Claim is a post's place in a queue.
type Claim struct {
	Place
	PostID  string
	Title   string
	Status  PostStatus
	Movable bool // nobody has begun to publish the post on any of its channels
}

const (
	// started_at tells it: tries begins anew with a retry, and a target that waits for its next try is queued again.
	untouched        = waiting + ` AND started_at = 0`
	selectClaimQuery = `SELECT c.slot_at, c.seat, c.post_id, p.title, p.status,
			NOT EXISTS (SELECT 1 FROM targets WHERE post_id = c.post_id AND NOT (` + untouched + `))
		FROM slot_claims c JOIN posts p ON p.id = c.post_id
		WHERE p.account_id = $1 AND c.queue_id = $2 AND (c.slot_at >= $3 OR p.status IN ('queued', 'scheduled', 'publishing')) ORDER BY c.slot_at, c.seat`
	// An update that changes nothing, because that locks rows on both engines.
	holdClaimsQuery = `UPDATE targets SET updated_at = updated_at WHERE account_id = $1 AND ` + untouched + `
		AND post_id IN (SELECT post_id FROM slot_claims WHERE queue_id = $2)`
	insertClaimPrefix = `INSERT INTO slot_claims (queue_id, slot_at, seat, post_id)`
	claimWidth        = 4
	lastPlaceQuery    = `SELECT slot_at, seat FROM slot_claims WHERE queue_id = $1 ORDER BY slot_at DESC, seat DESC LIMIT 1`
	countClaimsQuery  = `SELECT COUNT(*) FROM slot_claims WHERE queue_id = $1 AND slot_at >= $2`
	purgeClaimsQuery  = `DELETE FROM slot_claims WHERE post_id IN (SELECT c.post_id FROM slot_claims c JOIN posts p ON p.id = c.post_id
		WHERE c.slot_at < $1 AND p.status IN ('published', 'failed', 'unconfirmed', 'cancelled', 'partial') LIMIT $2)`
)

func scanPlace(row dbutil.Scannable) (p Place, err error) {
	var at int64
	err = row.Scan(&at, &p.Seat)
	p.At = FromMillis(at)
	return p, err
}

func scanClaim(row dbutil.Scannable) (*Claim, error) {
	var c Claim
	var at int64
	err := row.Scan(&at, &c.Seat, &c.PostID, &c.Title, &c.Status, &c.Movable)
	c.At = FromMillis(at)
	return &c, err
}

// InsertClaim gives a place of a queue, which LockQueue has locked, to a post. A place that is taken, or a post that has one, is ErrExists.
func (s *Store) InsertClaim(ctx context.Context, q *Queue, postID string, place Place) error {
	_, err := s.db.Exec(ctx, insertClaimPrefix+` VALUES `+placeholders(claimWidth, 1), q.ID, Millis(place.At), place.Seat, postID)
	return exists(err)
}

// LastPlace returns the last place of a queue that is claimed, also when its time has passed; the zero Place where there is none.
func (s *Store) LastPlace(ctx context.Context, q *Queue) (Place, error) {
	places, err := queryAll(ctx, s.reader(ctx), scanPlace, lastPlaceQuery, q.ID)
	if err != nil || len(places) == 0 {
		return Place{}, err
	}
	return places[0], nil
}

// CountClaims returns how many places of a queue are claimed from a time on.
func (s *Store) CountClaims(ctx context.Context, q *Queue, from time.Time) (int, error) {
	var n int
	err := s.reader(ctx).QueryRowContext(ctx, countClaimsQuery, q.ID, Millis(from)).Scan(&n)
	return n, err
}

// Claims returns, in their order, a queue's claims from a time on, and those before it whose posts still wait or are being published.
func (s *Store) Claims(ctx context.Context, q *Queue, from time.Time) ([]*Claim, error) {
	return queryAll(ctx, s.reader(ctx), scanClaim, selectClaimQuery, q.AccountID, q.ID, Millis(from))
}

// LockClaims is Claims for a change: until the transaction ends, nobody begins to publish a post that is Movable. It must be called after LockQueue.
func (s *Store) LockClaims(ctx context.Context, q *Queue, from time.Time) ([]*Claim, error) {
	if _, err := s.db.Exec(ctx, holdClaimsQuery, q.AccountID, q.ID); err != nil {
		return nil, err
	}
	return s.Claims(ctx, q, from)
}

// MoveClaims gives posts the places that claims name, in place of those that they have, and makes them due then; webhooks get an event of the
// given type about each of their targets. The posts must be Movable by LockClaims, and the places free or those of posts that move too.
func (s *Store) MoveClaims(ctx context.Context, q *Queue, claims []*Claim, event string, now time.Time) error {
	ids := make([]string, len(claims))
	rows := make([]any, 0, len(claims)*claimWidth)
	for i, c := range claims {
		ids[i] = c.PostID
		rows = append(rows, q.ID, Millis(c.At), c.Seat, c.PostID)
	}
	return s.InTransaction(ctx, func(ctx context.Context) error {
		// All are taken out before the first is put back: neither engine waits with the primary key until the end.
		err := chunks(ids, func(ids []string) error {
			list, args := inList(1, ids)
			_, err := s.db.Exec(ctx, `DELETE FROM slot_claims WHERE queue_id = $1 AND post_id IN (`+list+`)`, append([]any{q.ID}, args...)...)
			return err
		})
		if err != nil {
			return err
		}
		b := &batch{}
		b.insert(insertClaimPrefix, "", claimWidth, rows)
		if err := s.send(ctx, b); err != nil {
			return exists(err)
		}
		return s.followClaims(ctx, q.AccountID, ids, event, now)
	})
}

// followClaims makes posts due at their places. A target's time of change grows in any case: it tells one event about the target from the next.
func (s *Store) followClaims(ctx context.Context, accountID string, postIDs []string, event string, now time.Time) error {
	const (
		posts = `UPDATE posts SET slot_at = (SELECT c.slot_at + c.seat FROM slot_claims c WHERE c.post_id = posts.id), version = version + 1, updated_at = $2
			WHERE account_id = $1 AND id IN (`
		targets = `UPDATE targets SET due_at = (SELECT c.slot_at + c.seat FROM slot_claims c WHERE c.post_id = targets.post_id), event = $3,
			updated_at = CASE WHEN updated_at < $2 THEN $2 ELSE updated_at + 1 END WHERE account_id = $1 AND post_id IN (`
	)
	return chunks(postIDs, func(ids []string) error {
		list, args := inList(2, ids)
		if _, err := s.db.Exec(ctx, posts+list+`)`, append([]any{accountID, Millis(now)}, args...)...); err != nil {
			return err
		}
		list, args = inList(3, ids)
		_, err := s.db.Exec(ctx, targets+list+`)`, append([]any{accountID, Millis(now), event}, args...)...)
		return err
	})
}

// PurgeClaimsAny deletes at most limit claims of slots before a time whose posts have ended, and returns how many.
func (s *Store) PurgeClaimsAny(ctx context.Context, before time.Time, limit int) (int64, error) {
	result, err := s.db.Exec(ctx, purgeClaimsQuery, Millis(before), limit)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
