package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const (
	// MinKeyLength is the least number of bytes of a sealing key: 32 characters, as `openssl rand -hex 16` prints them.
	MinKeyLength = 32

	recordVersion = "v1"
	keySize       = 32 // AES-256
	keyIDSize     = 6
	checkAAD      = "secret/check"
	checkText     = "this key is the right one"
)

// ErrUnsealable is returned for a record that no active key opens: another key sealed it, it was altered, or it
// belongs to another row.
var ErrUnsealable = errors.New("the sealed record does not open: SECRET_KEY differs from the one that sealed it, or the record was altered or moved")

// Sealer encrypts what must be stored and used again. It is safe for concurrent use.
//
// A record is "v1.<key id>.<base64url of nonce, ciphertext and tag>". The caller's AAD (table, column and row id) is
// bound to it, so that a record copied to another row does not open.
type Sealer struct {
	keys []sealingKey // the first seals, all open
}

type sealingKey struct {
	id     string
	secret []byte
	aead   cipher.AEAD
}

// NewSealer returns a Sealer for one key, or for two while rotating: the first seals, both open. A key is any text of at
// least MinKeyLength bytes; the AES keys are derived from it with HKDF-SHA256.
func NewSealer(keys ...String) (*Sealer, error) {
	if len(keys) < 1 || len(keys) > 2 {
		return nil, fmt.Errorf("make sealer: %d keys given, want one, or two while rotating", len(keys))
	}
	sealer := &Sealer{}
	for _, key := range keys {
		made, err := newSealingKey(key)
		if err != nil {
			return nil, fmt.Errorf("make sealer: %w", err)
		}
		sealer.keys = append(sealer.keys, made)
	}
	return sealer, nil
}

func newSealingKey(key String) (sealingKey, error) {
	if len(key) < MinKeyLength {
		return sealingKey{}, fmt.Errorf("a key has %d bytes, want at least %d", len(key), MinKeyLength)
	}
	secret := []byte(key.Reveal())
	block, err := aes.NewCipher(derive(secret, "seal", keySize))
	if err != nil {
		return sealingKey{}, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return sealingKey{}, fmt.Errorf("make GCM: %w", err)
	}
	return sealingKey{id: hex.EncodeToString(derive(secret, "key-id", keyIDSize)), secret: secret, aead: aead}, nil
}

// Check returns a record that CheckKey later opens with the same key. Store it beside the first sealed data.
func (s *Sealer) Check() (string, error) {
	return s.Seal([]byte(checkText), checkAAD)
}

// CheckKey tells whether one of the keys is the one that made the record with Check; if not, the error is ErrUnsealable
// and the process must not go on to seal under another key.
func (s *Sealer) CheckKey(record string) error {
	plain, err := s.Open(record, checkAAD)
	if err != nil {
		return fmt.Errorf("check key: %w", err)
	}
	if string(plain) != checkText {
		return fmt.Errorf("check key: %w", ErrUnsealable)
	}
	return nil
}

// Derive returns 32 bytes that belong to a purpose, such as "jwt", made of the first key with HKDF-SHA256. They change
// when the key is rotated.
func (s *Sealer) Derive(purpose string) []byte {
	return derive(s.keys[0].secret, "purpose/"+purpose, keySize)
}

// NeedsReseal reports whether a record was sealed with a key other than the first, and is to be sealed again before the
// older key is taken away.
func (s *Sealer) NeedsReseal(record string) bool {
	return !strings.HasPrefix(record, recordVersion+"."+s.keys[0].id+".")
}

// Open returns what was sealed under the same AAD, or ErrUnsealable.
func (s *Sealer) Open(record, aad string) ([]byte, error) {
	version, rest, _ := strings.Cut(record, ".")
	keyID, body, found := strings.Cut(rest, ".")
	if version != recordVersion || !found {
		return nil, fmt.Errorf("open record: %w", ErrUnsealable)
	}
	ciphertext, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return nil, fmt.Errorf("open record: %w", ErrUnsealable)
	}
	for _, key := range s.keys {
		if key.id != keyID {
			continue
		}
		if plain, err := key.aead.Open(nil, nil, ciphertext, bind(keyID, aad)); err == nil {
			return plain, nil
		}
	}
	return nil, fmt.Errorf("open record: %w", ErrUnsealable)
}

// Seal encrypts plain with the first key and a fresh random nonce, bound to aad: table, column and row id.
func (s *Sealer) Seal(plain []byte, aad string) (string, error) {
	if aad == "" {
		return "", errors.New("seal: the AAD is empty, it must name the table, column and row")
	}
	key := s.keys[0]
	ciphertext := key.aead.Seal(nil, nil, plain, bind(key.id, aad)) //nolint:gosec // nil: this AEAD makes a random nonce itself
	return recordVersion + "." + key.id + "." + base64.RawURLEncoding.EncodeToString(ciphertext), nil
}

// bind makes the clear parts of the record part of what is authenticated.
func bind(keyID, aad string) []byte {
	return []byte(recordVersion + "." + keyID + "." + aad)
}

func derive(secret []byte, purpose string, size int) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, "switchhook/"+purpose, size)
	if err != nil {
		panic("secret: HKDF refused a constant size: " + err.Error()) // only for more than 8160 bytes
	}
	return key
}
