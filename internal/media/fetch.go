package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/internal/store"
)

const (
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
	contentType, size, err := s.keep(ctx, m.ID, body)
	if err != nil {
		return err
	}
	err = s.o.Store.MediaStoredAny(ctx, m.ID, contentType, size)
	if errors.Is(err, store.ErrNotFound) {
		_ = s.remove(ctx, m.ID) // purged while it was fetched
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

// keep stores a body under an id. It returns the type that its bytes show and its size.
func (s *Service) keep(ctx context.Context, mediaID string, body io.Reader) (contentType string, size int64, err error) {
	f, err := s.spool(body, s.o.MaxBytes)
	if err != nil {
		return "", 0, err
	}
	defer f.discard()
	return f.contentType, f.size, s.put(ctx, mediaID, f)
}
