package store

import (
	"context"
	"errors"
	"time"

	"go.mau.fi/util/dbutil"
)

// PostStatus says how far a post, or one of its targets, has come.
type PostStatus string

// The statuses of posts and targets.
const (
	PostDraft       PostStatus = "draft"       // not to be published yet
	PostQueued      PostStatus = "queued"      // as soon as a worker has time, or at its slot of a queue
	PostScheduled   PostStatus = "scheduled"   // at its time
	PostPublishing  PostStatus = "publishing"  // the request to the network may be under way
	PostPublished   PostStatus = "published"   //
	PostFailed      PostStatus = "failed"      // surely not published
	PostUnconfirmed PostStatus = "unconfirmed" // whether the network took it is not known
	PostCancelled   PostStatus = "cancelled"   //
	PostPartial     PostStatus = "partial"     // of posts only: some targets are published and others ended otherwise
)

// Post is content to publish. Media is JSON, written and read by package post.
type Post struct {
	ID, AccountID        string
	Status               PostStatus
	Title, Body          string // as given, HTML or text
	Overflow             string // what becomes of a text that is too long: "error", "truncate" or "split"; empty: "error"
	FirstComment         string
	Media                string
	PublishAt            time.Time // zero: at once, or by its queue
	QueueID              string
	SlotAt               time.Time // its turn in the queue; zero without a queue
	Origin               string    // "api", or the id of the incoming webhook that it came by
	Version              int64     // grows with every edit
	CreatedAt, UpdatedAt time.Time
}

// Target is a channel that a post goes to.
type Target struct {
	ID, PostID, AccountID, ChannelID string
	Position                         int64 // its place in the list of targets, from 0
	Status                           PostStatus
	Override                         string // JSON of what is other than in the post
	Parts                            string // JSON of the parts that are out already
	ProviderID, URL                  string
	ErrorCode, ErrorMessage          string
	Warnings                         string // JSON
	Event                            string // the type of the event that is yet to be told; empty: none
	Tries, Lookups                   int64
	DueAt                            time.Time // when it may next be published or looked up
	StartedAt                        time.Time // when the first try began
	BeganAt                          time.Time // when the one request was about to leave; zero: it has not
	PublishedAt                      time.Time
	Owner                            string
	CreatedAt, UpdatedAt             time.Time
}

const (
	postColumns   = `id, account_id, status, title, body, overflow, first_comment, media, publish_at, queue_id, slot_at, origin, version, created_at, updated_at`
	postWidth     = 15
	targetColumns = `id, post_id, account_id, channel_id, position, status, override, parts, provider_id, url, error_code, error_message, warnings, event,
		tries, lookups, due_at, started_at, began_at, published_at, owner, created_at, updated_at`
	targetWidth  = 23
	selectPost   = `SELECT ` + postColumns + ` FROM posts `
	selectTarget = `SELECT ` + targetColumns + ` FROM targets `

	// waiting is true of a target that nobody has begun to publish.
	waiting = `status IN ('draft', 'queued', 'scheduled')`
	// An update that changes nothing, because that locks the row on both engines.
	holdPostQuery = `UPDATE posts SET updated_at = updated_at WHERE account_id = $1 AND id = $2`
	// A post's status follows from its targets': what is still open first, then partial where some are out and some are not.
	settlePostQuery = `UPDATE posts SET updated_at = $3, status = CASE
		WHEN EXISTS (SELECT 1 FROM targets t WHERE t.post_id = posts.id AND t.status = 'publishing') THEN 'publishing'
		WHEN EXISTS (SELECT 1 FROM targets t WHERE t.post_id = posts.id AND t.status = 'queued') THEN 'queued'
		WHEN EXISTS (SELECT 1 FROM targets t WHERE t.post_id = posts.id AND t.status = 'scheduled') THEN 'scheduled'
		WHEN EXISTS (SELECT 1 FROM targets t WHERE t.post_id = posts.id AND t.status = 'published')
			AND EXISTS (SELECT 1 FROM targets t WHERE t.post_id = posts.id AND t.status <> 'published') THEN 'partial'
		ELSE COALESCE((SELECT t.status FROM targets t WHERE t.post_id = posts.id
			ORDER BY CASE t.status WHEN 'unconfirmed' THEN 0 WHEN 'failed' THEN 1 ELSE 2 END, t.position LIMIT 1), 'draft') END
		WHERE account_id = $1 AND id = $2`
)

func scanPost(row dbutil.Scannable) (*Post, error) {
	var p Post
	var publish, slot, created, updated int64
	err := row.Scan(&p.ID, &p.AccountID, &p.Status, &p.Title, &p.Body, &p.Overflow, &p.FirstComment, &p.Media, &publish, &p.QueueID, &slot, &p.Origin,
		&p.Version, &created, &updated)
	if err != nil {
		return nil, notFound(err)
	}
	p.PublishAt, p.SlotAt, p.CreatedAt, p.UpdatedAt = FromMillis(publish), FromMillis(slot), FromMillis(created), FromMillis(updated)
	return &p, nil
}

func scanTarget(row dbutil.Scannable) (*Target, error) {
	var t Target
	var due, started, began, published, created, updated int64
	var owner *string
	err := row.Scan(&t.ID, &t.PostID, &t.AccountID, &t.ChannelID, &t.Position, &t.Status, &t.Override, &t.Parts, &t.ProviderID, &t.URL, &t.ErrorCode,
		&t.ErrorMessage, &t.Warnings, &t.Event, &t.Tries, &t.Lookups, &due, &started, &began, &published, &owner, &created, &updated)
	if err != nil {
		return nil, notFound(err)
	}
	t.DueAt, t.StartedAt, t.BeganAt, t.PublishedAt = FromMillis(due), FromMillis(started), FromMillis(began), FromMillis(published)
	t.Owner, t.CreatedAt, t.UpdatedAt = orEmpty(owner), FromMillis(created), FromMillis(updated)
	return &t, nil
}

func targetArgs(targets []*Target) []any {
	args := make([]any, 0, len(targets)*targetWidth)
	for _, t := range targets {
		args = append(args, t.ID, t.PostID, t.AccountID, t.ChannelID, t.Position, t.Status, t.Override, t.Parts, t.ProviderID, t.URL, t.ErrorCode,
			t.ErrorMessage, t.Warnings, t.Event, t.Tries, t.Lookups, Millis(t.DueAt), Millis(t.StartedAt), Millis(t.BeganAt), Millis(t.PublishedAt),
			nullable(t.Owner), Millis(t.CreatedAt), Millis(t.UpdatedAt))
	}
	return args
}

// InsertPost stores a post with its targets. Call it in a transaction together with ClaimSlot where the post goes to a queue. An id that is
// there already is ErrExists.
func (s *Store) InsertPost(ctx context.Context, p *Post, targets []*Target) error {
	return s.InTransaction(ctx, func(ctx context.Context) error {
		p.Version = 1
		_, err := s.db.Exec(ctx, `INSERT INTO posts (`+postColumns+`) VALUES `+placeholders(postWidth, 1), p.ID, p.AccountID, p.Status, p.Title, p.Body,
			p.Overflow, p.FirstComment, p.Media, Millis(p.PublishAt), p.QueueID, Millis(p.SlotAt), p.Origin, p.Version, Millis(p.CreatedAt), Millis(p.UpdatedAt))
		if err != nil {
			return exists(err)
		}
		return s.insertTargets(ctx, targets)
	})
}

func (s *Store) insertTargets(ctx context.Context, targets []*Target) error {
	b := &batch{}
	b.insert(`INSERT INTO targets (`+targetColumns+`)`, "", targetWidth, targetArgs(targets))
	return exists(s.send(ctx, b))
}

// ReplacePost stores an edit of a post that was read as p.Version, with its new targets in place of the old, and raises the version. It is
// ErrOutdated where the post was changed since or somebody has begun to publish it. Its place in a queue stays: FreeSlot gives it back.
func (s *Store) ReplacePost(ctx context.Context, p *Post, targets []*Target) error {
	return s.InTransaction(ctx, func(ctx context.Context) error {
		if err := s.holdPost(ctx, p.AccountID, p.ID, p.UpdatedAt); err != nil {
			return err
		}
		err := oneChanged(s.db.Exec(ctx, `UPDATE posts SET status = $4, title = $5, body = $6, overflow = $7, first_comment = $8, media = $9, publish_at = $10,
			queue_id = $11, slot_at = $12, version = version + 1, updated_at = $13 WHERE account_id = $1 AND id = $2 AND version = $3`,
			p.AccountID, p.ID, p.Version, p.Status, p.Title, p.Body, p.Overflow, p.FirstComment, p.Media, Millis(p.PublishAt), p.QueueID, Millis(p.SlotAt), Millis(p.UpdatedAt)))
		if errors.Is(err, ErrNotFound) {
			return ErrOutdated
		}
		if err != nil {
			return err
		}
		if _, err := s.db.Exec(ctx, `DELETE FROM targets WHERE post_id = $1`, p.ID); err != nil {
			return err
		}
		return s.insertTargets(ctx, targets)
	})
}

// FreeSlot gives the place of a post in a queue back; it may have none.
func (s *Store) FreeSlot(ctx context.Context, postID string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM slot_claims WHERE post_id = $1`, postID)
	return err
}

// holdPost locks the targets of a post until the transaction ends. ErrOutdated where one of them is not waiting any more.
func (s *Store) holdPost(ctx context.Context, accountID, postID string, now time.Time) error {
	held, err := s.db.Exec(ctx, `UPDATE targets SET updated_at = $3 WHERE account_id = $1 AND post_id = $2 AND `+waiting, accountID, postID, Millis(now))
	if err != nil {
		return err
	}
	n, err := held.RowsAffected()
	if err != nil {
		return err
	}
	var all int64
	if err := s.reader(ctx).QueryRowContext(ctx, `SELECT COUNT(*) FROM targets WHERE account_id = $1 AND post_id = $2`, accountID, postID).Scan(&all); err != nil {
		return err
	}
	if n != all {
		return ErrOutdated
	}
	return nil
}

// CancelPost ends a post that nobody has begun to publish, and gives its slot back. ErrOutdated where somebody has.
func (s *Store) CancelPost(ctx context.Context, accountID, postID string, now time.Time) error {
	return s.InTransaction(ctx, func(ctx context.Context) error {
		if err := s.holdPost(ctx, accountID, postID, now); err != nil {
			return err
		}
		_, err := s.db.Exec(ctx, `UPDATE targets SET status = 'cancelled', event = '' WHERE account_id = $1 AND post_id = $2`, accountID, postID)
		if err != nil {
			return err
		}
		if err := s.FreeSlot(ctx, postID); err != nil {
			return err
		}
		return oneChanged(s.db.Exec(ctx, settlePostQuery, accountID, postID, Millis(now)))
	})
}

// Post returns one post of an account.
func (s *Store) Post(ctx context.Context, accountID, id string) (*Post, error) {
	return scanPost(s.reader(ctx).QueryRowContext(ctx, selectPost+`WHERE account_id = $1 AND id = $2`, accountID, id))
}

// PostFilter narrows a list of posts. Zero fields do not.
type PostFilter struct {
	Status    PostStatus
	QueueID   string
	ChannelID string
	Origin    string    // the incoming webhook that they came by, or "api"
	From, To  time.Time // published, or to be, from From on and before To; drafts without a time are left out then
}

// appearsAt is when a post was published first, or will be by its slot or its time; one without either, when it was made. 0 is a draft without a time.
const appearsAt = `COALESCE((SELECT MIN(t.published_at) FROM targets t WHERE t.post_id = posts.id AND t.published_at > 0),
	CASE WHEN slot_at > 0 THEN slot_at WHEN publish_at > created_at OR status = 'draft' THEN publish_at ELSE created_at END)`

// Posts lists an account's posts. A page's Search looks in titles and bodies.
func (s *Store) Posts(ctx context.Context, accountID string, filter PostFilter, page Page) ([]*Post, error) {
	where := newWhere("account_id", accountID)
	where.equal("status", string(filter.Status))
	where.equal("queue_id", filter.QueueID)
	where.equal("origin", filter.Origin)
	if filter.ChannelID != "" {
		where.add("id IN (SELECT t.post_id FROM targets t WHERE t.channel_id = ", filter.ChannelID)
		where.conditions[len(where.conditions)-1] += ")"
	}
	if !filter.From.IsZero() || !filter.To.IsZero() {
		where.add(appearsAt+" >= ", max(1, Millis(filter.From)))
	}
	if !filter.To.IsZero() {
		where.add(appearsAt+" < ", Millis(filter.To))
	}
	where.contains(page.Search, "title", "body")
	query, args := where.page(page)
	return queryAll(ctx, s.reader(ctx), scanPost, selectPost+query, args...)
}

// Targets returns the targets of posts of an account, in their order, by the posts' ids.
func (s *Store) Targets(ctx context.Context, accountID string, postIDs []string) (map[string][]*Target, error) {
	found := map[string][]*Target{}
	return found, chunks(postIDs, func(ids []string) error {
		list, args := inList(1, ids)
		targets, err := queryAll(ctx, s.reader(ctx), scanTarget, selectTarget+`WHERE account_id = $1 AND post_id IN (`+list+`) ORDER BY post_id, position`,
			append([]any{accountID}, args...)...)
		for _, t := range targets {
			found[t.PostID] = append(found[t.PostID], t)
		}
		return err
	})
}
