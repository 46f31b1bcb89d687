package secret

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// LoadOrCreateKey reads the sealing key in the file at path. Where there is no such file it makes one with a random key
// and mode 0600, and its folder with mode 0700. The file appears whole or not at all, also when several processes start
// together: all get the same key.
func LoadOrCreateKey(path string) (String, error) {
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("make folder of secret key: %w", err)
	}
	if err := createKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make secret key: %w", err)
	}
	return readKey(path) // another process may have been first
}

func readKey(path string) (String, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return "", fmt.Errorf("read secret key: %w", err)
	}
	key := strings.TrimSpace(string(text))
	if len(key) < MinKeyLength {
		return "", fmt.Errorf("read secret key: %s holds %d bytes, want at least %d; put the right key back from a backup", path, len(key), MinKeyLength)
	}
	return String(key), nil
}

// createKey writes a new key beside path and links it there: unlike a rename, a link never replaces a key that exists.
func createKey(path string) error {
	var key [keySize]byte
	_, _ = rand.Read(key[:]) // never fails, see crypto/rand
	file, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.WriteString(hex.EncodeToString(key[:]) + "\n")
	err = errors.Join(err, file.Chmod(0o600), file.Sync(), file.Close())
	if err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	if err := os.Link(file.Name(), path); err != nil {
		return fmt.Errorf("put file in place: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(path string) error {
	folder, err := os.Open(path) //nolint:gosec // the operator names the folder
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	defer func() { _ = folder.Close() }()
	if err := folder.Sync(); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
