package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gabriel-vasile/mimetype"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	temporary = "fetch-"  // begins the names of unfinished files
	leftAfter = time.Hour // an unfinished file as old as this belongs to nobody

	reasonDeleted  = "The channel was deleted before the file was fetched."
	reasonTooLarge = "The file is larger than this server takes."
	reasonDisk     = "The file could not be stored on this server."
	reasonBroken   = "The file did not arrive completely."
	reasonOther    = "The file could not be fetched from the network."
)

// waits are the times from the first, second, … failed try to the next one. After the last the file is given up.
func waits() []time.Duration {
	return []time.Duration{10 * time.Second, time.Minute, 10 * time.Minute, time.Hour}
}

// failure is a try that failed, with a sentence for users.
type failure struct {
	reason string
	final  bool // trying again cannot help
	err    error
}

// Error returns the sentence and the cause, for logs.
func (f *failure) Error() string {
	if f.err == nil {
		return f.reason
	}
	return f.reason + ": " + f.err.Error()
}

// Unwrap returns the cause.
func (f *failure) Unwrap() error { return f.err }

// try fetches a claimed file and notes what became of it.
func (s *Service) try(m *store.Media) {
	ctx, cancel := context.WithTimeout(s.ctx, fetchTimeout)
	defer cancel()
	err := s.fetch(ctx, m)
	// What became of the try is stored also while the service stops.
	ctx, cancelNote := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancelNote()
	if err == nil {
		s.o.Logger.DebugContext(ctx, "media.stored", "media_id", m.ID, "channel_id", m.ChannelID)
		return
	}
	f := asFailure(err)
	status, due := store.MediaRemote, s.o.Now()
	switch retry := waits(); {
	case s.ctx.Err() != nil: // broken off by Close: due again at once
	case f.final || int(m.Tries) > len(retry):
		status = store.MediaFailed
	default:
		due = due.Add(retry[max(0, m.Tries-1)])
	}
	s.o.Logger.LogAttrs(ctx, slog.LevelWarn, "media.fetch_failed", slog.String("media_id", m.ID), slog.String("channel_id", m.ChannelID),
		slog.Int64("attempt", m.Tries), slog.String("status", string(status)), slog.String("error", f.Error()))
	if err := s.o.Store.MediaMissedAny(ctx, m.ID, status, f.reason, due); err != nil {
		s.o.Logger.ErrorContext(ctx, "media.note_failed", "media_id", m.ID, "error", err) // the claim runs out by itself
	}
}

func asFailure(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	var e *connectors.Error
	if errors.As(err, &e) && (e.Kind == connectors.KindUnlinked || e.Code == "media_unavailable") {
		return &failure{reason: e.Message, err: err}
	}
	return &failure{reason: reasonOther, err: err}
}

// fetch brings one file here and marks its row.
func (s *Service) fetch(ctx context.Context, m *store.Media) error {
	source, err := s.o.Sealer.Open(m.Source, sealedAs(m.ID))
	if err != nil {
		return fmt.Errorf("unseal media source: %w", err)
	}
	body, err := s.openRemote(ctx, m, string(source))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = body.Close() })() // a body that drips ends with the try
	defer func() { _ = body.Close() }()
	contentType, size, err := s.keep(m.ID, body)
	if err != nil {
		return err
	}
	err = s.o.Store.MediaStoredAny(ctx, m.ID, contentType, size)
	if errors.Is(err, store.ErrNotFound) {
		_ = s.remove(m.ID) // purged while it was fetched
		return nil
	}
	if err != nil {
		return &failure{reason: reasonDisk, err: err}
	}
	return nil
}

// openRemote begins to read a file, with the channel's credentials where its kind needs them.
func (s *Service) openRemote(ctx context.Context, m *store.Media, source string) (io.ReadCloser, error) {
	channel, err := s.o.Channels.ByIDAny(ctx, m.ChannelID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &failure{reason: reasonDeleted, final: true}
	}
	if err != nil {
		return nil, fmt.Errorf("read channel: %w", err)
	}
	conn, err := s.o.Channels.Open(ctx, channel)
	if err != nil {
		return nil, fmt.Errorf("open channel: %w", err)
	}
	ref := connectors.MediaRef{URL: source, ContentType: m.ContentType, FileName: m.FileName}
	if fetcher, ok := conn.(connectors.MediaFetcher); ok {
		body, _, err := fetcher.FetchMedia(ctx, ref)
		return body, err
	}
	// Plain http is refused by the client itself, except into networks that the operator has opened.
	body, _, err := httpcall.Fetch(ctx, s.o.HTTP, httpcall.Request{URL: source}, httpcall.FetchOptions{AllowHTTP: true, Now: s.o.Now()})
	return body, err
}

// keep writes a body to the file of an id, which appears only when it is complete and on disk. It returns the type that its
// bytes show and its size.
func (s *Service) keep(mediaID string, body io.Reader) (contentType string, size int64, err error) {
	final, err := s.path(mediaID)
	if err != nil {
		return "", 0, err
	}
	file, err := os.CreateTemp(s.o.Dir, temporary+"*")
	if err != nil {
		return "", 0, &failure{reason: reasonDisk, err: err}
	}
	defer func() {
		_ = file.Close()
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	if size, err = s.copyBody(file, body); err != nil {
		return "", 0, err
	}
	found, err := mimetype.DetectFile(file.Name())
	if err == nil {
		err = errors.Join(file.Sync(), file.Close(), os.MkdirAll(filepath.Dir(final), 0o700))
	}
	if err == nil {
		err = os.Rename(file.Name(), final)
	}
	if err != nil {
		return "", 0, &failure{reason: reasonDisk, err: err}
	}
	return found.String(), size, nil
}

// copyBody tells apart what the network and what the disk got wrong.
func (s *Service) copyBody(file io.Writer, body io.Reader) (int64, error) {
	in := &watched{Reader: io.LimitReader(body, s.o.MaxBytes+1)}
	size, err := io.Copy(file, in)
	switch {
	case in.err != nil:
		return 0, &failure{reason: reasonBroken, err: in.err}
	case err != nil:
		return 0, &failure{reason: reasonDisk, err: err}
	case size > s.o.MaxBytes:
		return 0, &failure{reason: reasonTooLarge, final: true}
	}
	return size, nil
}

// watched remembers a reader's error.
type watched struct {
	io.Reader
	err error
}

// Read reads on.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err //nolint:wrapcheck // an io.Reader must return io.EOF as it is
}

// path returns where the file of an id is. Only a well-formed id of ours gets one, so that no name from outside becomes a path.
// The last two characters, which are random, spread the files over folders.
func (s *Service) path(mediaID string) (string, error) {
	if !id.Valid("med", mediaID) {
		return "", &failure{reason: reasonDisk, final: true, err: errors.New("the media id is malformed")}
	}
	return filepath.Join(s.o.Dir, mediaID[len(mediaID)-2:], mediaID), nil
}

func (s *Service) remove(mediaID string) error {
	path, err := s.path(mediaID)
	if err != nil {
		return err
	}
	return os.Remove(path) //nolint:wrapcheck // both callers look for os.ErrNotExist or ignore it
}

// removeLeftovers deletes the unfinished files of tries that were killed.
func (s *Service) removeLeftovers() error {
	entries, err := os.ReadDir(s.o.Dir)
	if err != nil {
		return fmt.Errorf("read media folder: %w", err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || entry.IsDir() || !strings.HasPrefix(entry.Name(), temporary) || s.o.Now().Sub(info.ModTime()) < leftAfter {
			continue
		}
		if err := os.Remove(filepath.Join(s.o.Dir, entry.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("delete unfinished media file: %w", err)
		}
	}
	return nil
}
