package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

const (
	// lateAfter is how many milliseconds late an untouched post of a queue may be begun; package queue gives later ones another slot (queue.Late).
	lateAfter = `600000`
	// held and heldEarlier are true of a target t or e whose post waits for its queue: while that is paused, or until the post has another slot.
	held        = `EXISTS (SELECT 1 FROM posts p JOIN queues q ON q.id = p.queue_id WHERE p.id = t.post_id AND ` + heldByQueue + `)`
	heldEarlier = `EXISTS (SELECT 1 FROM posts p JOIN queues q ON q.id = p.queue_id WHERE p.id = e.post_id AND ` + heldByQueue + `)`
	heldByQueue = `(q.status = 'paused' OR p.slot_at > 0 AND p.slot_at < $2 - ` + lateAfter + `
		AND NOT EXISTS (SELECT 1 FROM targets o WHERE o.post_id = p.id AND (o.started_at > 0 OR o.status NOT IN ('draft', 'queued', 'scheduled'))))`
	// One target of a channel at a time, so that posts appear in their order; those that their queue holds wait, and hold up no others. A target is taken where its
	// status is still the one that was read, and where it has not been given a later slot since.
	claimTargetsQuery = `UPDATE targets SET status = 'publishing', owner = $1, tries = tries + 1, began_at = 0, updated_at = $2,
			started_at = CASE WHEN started_at = 0 THEN $2 ELSE started_at END
		WHERE status IN ('queued', 'scheduled') AND due_at <= $2 AND id IN (SELECT t.id FROM targets t WHERE t.status IN ('queued', 'scheduled') AND t.due_at <= $2
			AND NOT EXISTS (SELECT 1 FROM targets b WHERE b.channel_id = t.channel_id AND b.status = 'publishing')
			AND NOT EXISTS (SELECT 1 FROM targets e WHERE e.channel_id = t.channel_id AND e.status IN ('queued', 'scheduled')
				AND e.due_at <= $2 AND (e.due_at < t.due_at OR e.due_at = t.due_at AND e.id < t.id) AND NOT ` + heldEarlier + `)
			AND NOT ` + held + `
			ORDER BY t.due_at, t.id LIMIT $3) RETURNING ` + targetColumns
	// Owner and try together are one claim: a process that seemed dead may meet its own target again, claimed anew by itself.
	beginTargetQuery = `UPDATE targets SET began_at = $4, updated_at = $4 WHERE id = $1 AND owner = $2 AND tries = $3 AND status = 'publishing'`
	lookupQuery      = `UPDATE targets SET lookups = lookups + 1, due_at = $2, updated_at = $1 WHERE status = 'unconfirmed' AND due_at > 0 AND due_at <= $1 AND id IN
		(SELECT id FROM targets WHERE status = 'unconfirmed' AND due_at > 0 AND due_at <= $1 ORDER BY due_at LIMIT $3) RETURNING ` + targetColumns
	progressTargetQuery = `UPDATE targets SET parts = $3, provider_id = $4, url = $5, warnings = $6, began_at = 0, updated_at = $7
		WHERE id = $1 AND owner = $2 AND tries = $8 AND status = 'publishing'`
	finishTargetQuery = `UPDATE targets SET status = $4, parts = $5, provider_id = $6, url = $7, error_code = $8, error_message = $9, warnings = $10, event = $11,
		due_at = $12, began_at = $13, published_at = $14, lookups = $15, owner = NULL, updated_at = $16
		WHERE id = $1 AND status = $2 AND COALESCE(owner, '') = $3 AND tries = $17`
	orphanedTargetsQuery = selectTarget + `WHERE status = 'publishing' AND ` + claimable + ` ORDER BY id LIMIT 100`
	untoldTargetsQuery   = selectTarget + `WHERE event <> '' ORDER BY updated_at, id LIMIT $1`
	retryTargetsQuery    = `UPDATE targets SET status = 'queued', due_at = $3, tries = 0, lookups = 0, error_code = '', error_message = '', event = '', updated_at = $3
		WHERE account_id = $1 AND post_id = $2 AND (status = 'failed' OR $4 AND status = 'unconfirmed')`
	purgePostsQuery = `DELETE FROM posts WHERE id IN (SELECT id FROM posts WHERE created_at < $1 AND updated_at < $1
		AND status IN ('published', 'failed', 'unconfirmed', 'cancelled', 'partial') ORDER BY created_at LIMIT $2)`
)

// ClaimTargetsAny takes at most limit targets that are due, at most one of each channel, and turns them to publishing.
func (s *Store) ClaimTargetsAny(ctx context.Context, worker string, now time.Time, limit int) ([]*Target, error) {
	var claimed []*Target
	err := s.InTransaction(ctx, func(ctx context.Context) (err error) {
		claimed, err = queryAll(ctx, s.db.Execable(ctx), scanTarget, claimTargetsQuery, worker, Millis(now), limit)
		if err != nil {
			return err
		}
		return s.settlePosts(ctx, claimed, now)
	})
	return claimed, err
}

// settlePosts gives the posts of targets that have changed the status that follows. Each row is locked by a statement of its own: one that waits for a lock goes on
// with what it saw of the targets before it, and would miss what another process has done to them meanwhile.
func (s *Store) settlePosts(ctx context.Context, targets []*Target, now time.Time) error {
	posts := map[string]string{} // accounts by post
	for _, t := range targets {
		posts[t.PostID] = t.AccountID
	}
	for _, postID := range slices.Sorted(maps.Keys(posts)) { // in one order for all, so that two claims do not wait for each other
		if _, err := s.db.Exec(ctx, holdPostQuery, posts[postID], postID); err != nil {
			return err
		}
		if _, err := s.db.Exec(ctx, settlePostQuery, posts[postID], postID, Millis(now)); err != nil {
			return err
		}
	}
	return nil
}

// BeginTargetAny notes that the one request which makes a target public is about to leave. It is ErrOutdated where the worker does not own the target any more, or
// owns it by another claim than the one that gave it t.
func (s *Store) BeginTargetAny(ctx context.Context, worker string, t *Target, now time.Time) error {
	err := oneChanged(s.db.Exec(ctx, beginTargetQuery, t.ID, worker, t.Tries, Millis(now)))
	if errors.Is(err, ErrNotFound) {
		return ErrOutdated
	}
	return err
}

// FinishTargetAny stores what became of a target that was in a status and had an owner (empty: nobody) before: its Status, Parts, ProviderID, URL, error,
// Warnings, Event, DueAt, BeganAt, PublishedAt and Lookups. Its post's status follows. ErrOutdated where the target has another status, owner or number of tries by now.
func (s *Store) FinishTargetAny(ctx context.Context, t *Target, before PostStatus, owner string, now time.Time) error {
	return s.InTransaction(ctx, func(ctx context.Context) error {
		err := oneChanged(s.db.Exec(ctx, finishTargetQuery, t.ID, before, owner, t.Status, t.Parts, t.ProviderID, t.URL, t.ErrorCode, t.ErrorMessage,
			t.Warnings, t.Event, Millis(t.DueAt), Millis(t.BeganAt), Millis(t.PublishedAt), t.Lookups, Millis(now), t.Tries))
		if errors.Is(err, ErrNotFound) {
			return ErrOutdated
		}
		if err != nil {
			return err
		}
		t.UpdatedAt = FromMillis(Millis(now))
		return s.settlePosts(ctx, []*Target{t}, now)
	})
}

// ProgressTargetAny stores the parts of a target that are out, while its owner goes on with the next one. ErrOutdated where the worker does not own it any more.
func (s *Store) ProgressTargetAny(ctx context.Context, worker string, t *Target, now time.Time) error {
	err := oneChanged(s.db.Exec(ctx, progressTargetQuery, t.ID, worker, t.Parts, t.ProviderID, t.URL, t.Warnings, Millis(now), t.Tries))
	if errors.Is(err, ErrNotFound) {
		return ErrOutdated
	}
	return err
}

// OrphanedTargetsAny returns targets whose process ended while it published them. The worker's own are not among them, also when its beat is late.
func (s *Store) OrphanedTargetsAny(ctx context.Context, worker string, now time.Time) ([]*Target, error) {
	return queryAll(ctx, s.reader(ctx), scanTarget, orphanedTargetsQuery, aliveSince(now), worker)
}

// ClaimLookupsAny takes at most limit unconfirmed targets that are due to be looked up at their networks. Each counts as one more lookup, and is not due
// again before until. Two processes never get the same one.
func (s *Store) ClaimLookupsAny(ctx context.Context, now, until time.Time, limit int) ([]*Target, error) {
	return queryAll(ctx, s.db.Execable(ctx), scanTarget, lookupQuery, Millis(now), Millis(until), limit)
}

// UntoldTargetsAny returns targets of which webhooks must still be told: Target.Event.
func (s *Store) UntoldTargetsAny(ctx context.Context, limit int) ([]*Target, error) {
	return queryAll(ctx, s.reader(ctx), scanTarget, untoldTargetsQuery, limit)
}

// ToldTargetAny notes that webhooks have been told of a target.
func (s *Store) ToldTargetAny(ctx context.Context, targetID, event string) error {
	_, err := s.db.Exec(ctx, `UPDATE targets SET event = '' WHERE id = $1 AND event = $2`, targetID, event)
	return err
}

// RetryPost queues the failed targets of a post anew, and on an explicit word the unconfirmed ones too, and returns how many.
func (s *Store) RetryPost(ctx context.Context, accountID, postID string, unconfirmed bool, now time.Time) (int64, error) {
	var n int64
	err := s.InTransaction(ctx, func(ctx context.Context) error {
		result, err := s.db.Exec(ctx, retryTargetsQuery, accountID, postID, Millis(now), unconfirmed)
		if err != nil {
			return err
		}
		if n, err = result.RowsAffected(); err != nil {
			return err
		}
		return s.settlePosts(ctx, []*Target{{AccountID: accountID, PostID: postID}}, now)
	})
	return n, err
}

// PurgePostsAny deletes at most limit posts that ended before a time, with their targets, and returns how many.
func (s *Store) PurgePostsAny(ctx context.Context, before time.Time, limit int) (int64, error) {
	result, err := s.db.Exec(ctx, purgePostsQuery, Millis(before), limit)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
