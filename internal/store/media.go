package store

import (
	"context"
	"slices"
	"time"

	"go.mau.fi/util/dbutil"
)

// MediaStatus says where a file is.
type MediaStatus string

// The statuses of a file.
const (
	MediaRemote MediaStatus = "remote" // still with the provider
	MediaStored MediaStatus = "stored" // on disk here
	MediaFailed MediaStatus = "failed" // the tries have ended
)

// Media is a file that came with an inbound message, or that was uploaded for a post or a message.
type Media struct {
	ID, AccountID, ChannelID string // an upload has no channel
	TokenHash                string // of the token in its public address
	Source                   string // sealed: where the provider has it; empty with an upload
	ContentType              string // as the provider told; once stored, as found in the bytes
	FileName                 string // as the provider told; never a path here
	Size                     int64  // bytes, once stored
	Status                   MediaStatus
	Reason                   string // why the last try failed; empty while one may be under way
	Tries                    int64
	DueAt                    time.Time // when a remote one may next be tried
	CreatedAt                time.Time
	PostID                   string // the post or outbound message that an upload belongs to; empty: none yet
}

const mediaColumns = `id, account_id, channel_id, token_hash, source, content_type, file_name, size, status, reason, tries, due_at, created_at, post_id`

const (
	mediaWidth        = 14
	selectMedia       = `SELECT ` + mediaColumns + ` FROM media `
	mediaByTokenQuery = selectMedia + `WHERE token_hash = $1`
	// Taking a file moves its due time behind the end of the try, so that a second process leaves it, and finds it if the first dies.
	takeMedia          = `UPDATE media SET due_at = $2, tries = tries + 1, reason = '' WHERE status = 'remote' AND due_at <= $1 AND `
	claimMediaQuery    = takeMedia + `id IN (SELECT id FROM media WHERE status = 'remote' AND due_at <= $1 ORDER BY due_at LIMIT $3) RETURNING ` + mediaColumns
	claimOneMediaQuery = takeMedia + `id = $3 RETURNING ` + mediaColumns
	storedMediaQuery   = `UPDATE media SET status = 'stored', content_type = $2, size = $3, reason = '' WHERE id = $1`
	missedMediaQuery   = `UPDATE media SET status = $2, reason = $3, due_at = $4 WHERE id = $1 AND status = 'remote'`
	lostMediaQuery     = `UPDATE media SET status = 'remote', tries = 0, due_at = $2, reason = '' WHERE id = $1 AND status = 'stored' AND source <> ''`
	attachMediaQuery   = `UPDATE media SET post_id = $2 WHERE account_id = $1 AND channel_id = '' AND status = 'stored' AND post_id IN ('', $2) AND id IN (`
	// What a post that waits, or that may be retried, needs stays. Marking it first keeps a file that is about to be deleted out of a new post.
	purgeable = `((created_at < $1 AND NOT EXISTS (SELECT 1 FROM posts p WHERE p.id = media.post_id
		AND p.status NOT IN ('published', 'cancelled'))) OR (created_at < $2 AND channel_id = '' AND post_id = ''))`
	claimOldMediaQuery = `UPDATE media SET status = 'failed', reason = $3 WHERE ` + purgeable + `
		AND id IN (SELECT id FROM media WHERE ` + purgeable + ` ORDER BY created_at LIMIT $4) RETURNING ` + mediaColumns
)

func scanMedia(row dbutil.Scannable) (*Media, error) {
	var m Media
	var due, created int64
	err := row.Scan(&m.ID, &m.AccountID, &m.ChannelID, &m.TokenHash, &m.Source, &m.ContentType, &m.FileName, &m.Size, &m.Status,
		&m.Reason, &m.Tries, &due, &created, &m.PostID)
	if err != nil {
		return nil, notFound(err)
	}
	m.DueAt, m.CreatedAt = FromMillis(due), FromMillis(created)
	return &m, nil
}

// mediaArgs returns the values of mediaColumns, row after row.
func mediaArgs(media []*Media) []any {
	args := make([]any, 0, len(media)*mediaWidth)
	for _, m := range media {
		args = append(args, m.ID, m.AccountID, m.ChannelID, m.TokenHash, m.Source, m.ContentType, m.FileName, m.Size, string(m.Status),
			m.Reason, m.Tries, Millis(m.DueAt), Millis(m.CreatedAt), m.PostID)
	}
	return args
}

// MediaByTokenAny returns the file of a token's hash. The token is the whole credential, so no account is asked for.
func (s *Store) MediaByTokenAny(ctx context.Context, tokenHash string) (*Media, error) {
	return scanMedia(s.reader(ctx).QueryRowContext(ctx, mediaByTokenQuery, tokenHash))
}

// ClaimMediaAny takes at most limit remote files that are due, oldest due time first. Each counts as one more try and
// is not due again before until. Two processes never get the same one.
func (s *Store) ClaimMediaAny(ctx context.Context, now, until time.Time, limit int) ([]*Media, error) {
	return queryAll(ctx, s.db.Execable(ctx), scanMedia, claimMediaQuery, Millis(now), Millis(until), limit)
}

// ClaimOneMediaAny is ClaimMediaAny for one file, which is ErrNotFound where it is not remote or not due.
func (s *Store) ClaimOneMediaAny(ctx context.Context, id string, now, until time.Time) (*Media, error) {
	return scanMedia(s.db.QueryRow(ctx, claimOneMediaQuery, Millis(now), Millis(until), id))
}

// MediaStoredAny notes that a file is on disk. A row that was purged in between is ErrNotFound.
func (s *Store) MediaStoredAny(ctx context.Context, id, contentType string, size int64) error {
	return oneChanged(s.db.Exec(ctx, storedMediaQuery, id, contentType, size))
}

// MediaMissedAny notes why a try failed: with MediaRemote the file is due again at due, with MediaFailed it is given up.
// A file that another process has stored meanwhile stays stored.
func (s *Store) MediaMissedAny(ctx context.Context, id string, status MediaStatus, reason string, due time.Time) error {
	_, err := s.db.Exec(ctx, missedMediaQuery, id, status, reason, Millis(due))
	return err
}

// MediaLostAny makes a stored file remote again, because it is not here any more. An upload stays: nobody else has it.
func (s *Store) MediaLostAny(ctx context.Context, id string, now time.Time) error {
	_, err := s.db.Exec(ctx, lostMediaQuery, id, Millis(now))
	return err
}

// Media returns one file of an account.
func (s *Store) Media(ctx context.Context, accountID, id string) (*Media, error) {
	return scanMedia(s.reader(ctx).QueryRowContext(ctx, selectMedia+`WHERE account_id = $1 AND id = $2`, accountID, id))
}

// InsertUpload stores the row of a file that is here already and came with no message.
func (s *Store) InsertUpload(ctx context.Context, m *Media) error {
	_, err := s.db.Exec(ctx, `INSERT INTO media (`+mediaColumns+`) VALUES `+placeholders(mediaWidth, 1), mediaArgs([]*Media{m})...)
	return exists(err)
}

// AttachMedia gives uploads to a post, which keeps them as long as it waits, or to a message. One that is not there, that is not the account's, or
// that belongs to another makes it ErrNotFound.
func (s *Store) AttachMedia(ctx context.Context, accountID string, ids []string, postID string) error {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	return s.InTransaction(ctx, func(ctx context.Context) error {
		return chunks(ids, func(ids []string) error {
			list, args := inList(2, ids)
			result, err := s.db.Exec(ctx, attachMediaQuery+list+`)`, append([]any{accountID, postID}, args...)...)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err == nil && int(n) != len(ids) {
				return ErrNotFound
			}
			return err
		})
	})
}

// ClaimOldMediaAny marks as failed and returns at most limit files that may be deleted: those made before a time, unless a post has
// them that waits or may be retried, and uploads made before the time unattached that belong to no post. It serves the purge; repeated, it returns the same.
func (s *Store) ClaimOldMediaAny(ctx context.Context, before, unattached time.Time, reason string, limit int) ([]*Media, error) {
	return queryAll(ctx, s.db.Execable(ctx), scanMedia, claimOldMediaQuery, Millis(before), Millis(unattached), reason, limit)
}

// DeleteMediaAny forgets files by id; it serves the purge.
func (s *Store) DeleteMediaAny(ctx context.Context, ids []string) error {
	return chunks(ids, func(ids []string) error {
		list, args := inList(0, ids)
		_, err := s.db.Exec(ctx, `DELETE FROM media WHERE id IN (`+list+`)`, args...)
		return err
	})
}
