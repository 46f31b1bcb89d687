package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gabriel-vasile/mimetype"

	"github.com/switchhook/switchhook/internal/id"
)

const (
	temporary = "fetch-"  // begins the names of unfinished files
	leftAfter = time.Hour // an unfinished file as old as this belongs to nobody
)

// spooled is a file that is complete on this disk and not in the storage yet.
type spooled struct {
	*os.File
	size        int64
	contentType string // that its bytes show
}

// discard removes what the storage has not taken away.
func (f *spooled) discard() {
	_ = f.Close()
	_ = os.Remove(f.Name())
}

// spool writes a body of at most most bytes to an unfinished file. After an error there is none.
func (s *Service) spool(body io.Reader, most int64) (*spooled, error) {
	file, err := os.CreateTemp(s.o.Dir, temporary+"*")
	if err != nil {
		return nil, &failure{reason: reasonDisk, err: err}
	}
	f := &spooled{File: file}
	if f.size, err = copyBody(file, body, most); err != nil {
		f.discard()
		return nil, err
	}
	found, err := mimetype.DetectFile(file.Name())
	if err != nil {
		f.discard()
		return nil, &failure{reason: reasonDisk, err: err}
	}
	f.contentType = found.String()
	return f, nil
}

// put hands a file to the storage.
func (s *Service) put(ctx context.Context, mediaID string, f *spooled) error {
	err := checkID(mediaID)
	if err == nil {
		err = s.o.Storage.Put(ctx, mediaID, f.File, f.size, f.contentType)
	}
	if err != nil {
		return &failure{reason: reasonDisk, err: err}
	}
	return nil
}

func (s *Service) remove(ctx context.Context, mediaID string) error {
	if err := checkID(mediaID); err != nil {
		return err
	}
	return s.o.Storage.Remove(ctx, mediaID)
}

// checkID lets only well-formed ids of ours become names in the storage, so that nothing from outside becomes a path.
func checkID(mediaID string) error {
	if !id.Valid("med", mediaID) {
		return errors.New("the media id is malformed")
	}
	return nil
}

// copyBody tells apart what the network and what the disk got wrong.
func copyBody(file io.Writer, body io.Reader, most int64) (int64, error) {
	in := &watched{Reader: io.LimitReader(body, most+1)}
	size, err := io.Copy(file, in)
	switch {
	case in.err != nil:
		return 0, &failure{reason: reasonBroken, err: in.err}
	case err != nil:
		return 0, &failure{reason: reasonDisk, err: err}
	case size > most:
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
