package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

// lookAgain is how often Open looks whether another process has fetched the file.
const lookAgain = 250 * time.Millisecond

const reasonGone = "The file is not on this server any more. Upload it again."

// File is a stored file, open for reading. The caller closes it.
type File struct {
	io.ReadSeekCloser
	Size        int64
	ContentType string // found in its bytes
	Disposition string // the Content-Disposition header that it is served with
}

// Open returns the file of a token. One that is not here yet is fetched now, once however many ask for it, and Open waits for it at
// most 10 seconds. A token that belongs to nothing is a problem NotFound; a file that cannot be had, or not yet, is MediaUnavailable.
func (s *Service) Open(ctx context.Context, token string) (*File, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	hash := secret.HashAPIKey(secret.String(token))
	for {
		m, err := s.o.Store.MediaByTokenAny(ctx, hash)
		if errors.Is(err, store.ErrNotFound) {
			return nil, problem.New(problem.NotFound, "There is no such file. It may have been deleted because it was old.")
		}
		if err != nil {
			return nil, unlessWaiting(ctx, fmt.Errorf("read media: %w", err))
		}
		switch m.Status {
		case store.MediaFailed:
			return nil, unavailable(m.Reason+" It is not tried again.", 0)
		case store.MediaStored:
			file, err := s.openStored(ctx, m)
			if !errors.Is(err, fs.ErrNotExist) {
				return file, err
			}
			if m.Source == "" {
				return nil, unavailable(reasonGone, 0)
			}
			if err := s.o.Store.MediaLostAny(ctx, m.ID, s.o.Now()); err != nil {
				return nil, fmt.Errorf("note lost media: %w", err)
			}
			continue
		}
		if err := s.await(ctx, m); err != nil {
			return nil, err
		}
	}
}

// await begins to fetch a file that is due, and returns when it is worth looking at its row again.
func (s *Service) await(ctx context.Context, m *store.Media) error {
	now := s.o.Now()
	if wait := m.DueAt.Sub(now); m.Reason != "" && wait > 0 {
		return unavailable(m.Reason+" It is tried again.", wait)
	}
	if !m.DueAt.After(now) {
		if err := s.fetchNow(ctx, m.ID, now); err != nil {
			return err
		}
	}
	again := time.NewTimer(lookAgain)
	defer again.Stop()
	done := s.underWay(m.ID)
	if done != nil {
		again.Stop()
	}
	select {
	case <-done:
		return nil
	case <-again.C:
		return nil
	case <-ctx.Done():
		return unlessWaiting(ctx, ctx.Err())
	}
}

// fetchNow claims a file and begins to fetch it. Where somebody else has claimed it, or there is no room, it does nothing.
func (s *Service) fetchNow(ctx context.Context, mediaID string, now time.Time) error {
	if !take(s.open) {
		return nil
	}
	m, err := s.o.Store.ClaimOneMediaAny(ctx, mediaID, now, now.Add(claimFor))
	if err == nil {
		if claims := s.begin(m); len(claims) == 1 {
			s.start(claims[0], s.open) //nolint:contextcheck // others may wait for this try when its first caller has gone
			return nil
		}
	}
	<-s.open
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return unlessWaiting(ctx, fmt.Errorf("claim media: %w", err))
	}
	return nil
}

// unlessWaiting turns an error that only says that the waiting has ended into the answer for that.
func unlessWaiting(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return unavailable("The file is still being fetched from the network.", 5*time.Second)
	}
	return err
}

func (s *Service) openStored(ctx context.Context, m *store.Media) (*File, error) {
	if err := checkID(m.ID); err != nil {
		return nil, err
	}
	file, size, err := s.o.Storage.Open(ctx, m.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, problem.Unavailable(err)
	}
	return &File{ReadSeekCloser: file, Size: size, ContentType: m.ContentType, Disposition: Disposition(m.FileName, m.ContentType)}, nil
}

// Read opens a stored file of an account from its beginning. The end of ctx does not end the reading; the caller closes it. A file that is not
// there is a problem NotFound, one whose bytes are gone MediaUnavailable. It may block.
func (s *Service) Read(ctx context.Context, accountID, mediaID string) (io.ReadSeekCloser, error) {
	m, err := s.o.Store.Media(ctx, accountID, mediaID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, problem.NotFoundOf("file")
	}
	if err != nil {
		return nil, fmt.Errorf("read media: %w", err)
	}
	if m.Status != store.MediaStored {
		return nil, unavailable("The file is not on this server.", 0)
	}
	file, err := s.openStored(ctx, m)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, unavailable(reasonGone, 0)
	}
	if err != nil {
		return nil, err
	}
	return file, nil
}

func unavailable(message string, wait time.Duration) error {
	return &problem.Error{Code: problem.MediaUnavailable, Message: message, RetryAfter: wait}
}
