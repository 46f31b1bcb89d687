package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// folder is a Storage on this disk.
type folder struct{ dir string }

// path returns where a file is. The last two characters of an id, which are random, spread the files over folders.
func (f folder) path(name string) string { return filepath.Join(f.dir, name[len(name)-2:], name) }

// Put moves the file, which must be on the same disk, to its place when its bytes are safe.
func (f folder) Put(_ context.Context, name string, file *os.File, _ int64, _ string) error {
	final := f.path(name)
	if err := errors.Join(file.Sync(), os.MkdirAll(filepath.Dir(final), 0o700)); err != nil {
		return fmt.Errorf("write media file: %w", err)
	}
	if err := os.Rename(file.Name(), final); err != nil {
		return fmt.Errorf("write media file: %w", err)
	}
	return nil
}

// Open opens a file.
func (f folder) Open(_ context.Context, name string) (io.ReadSeekCloser, int64, error) {
	file, err := os.Open(f.path(name))
	if err != nil {
		return nil, 0, fmt.Errorf("open media file: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, 0, fmt.Errorf("look at media file: %w", err)
	}
	return file, info.Size(), nil
}

// Remove deletes a file.
func (f folder) Remove(_ context.Context, name string) error {
	if err := os.Remove(f.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete media file: %w", err)
	}
	return nil
}
