package secret

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// OWASP's password storage cheat sheet: argon2id with 19 MiB, 2 passes and 1 thread.
const (
	argonMemory  = 19 * 1024 // KiB
	argonPasses  = 2
	argonThreads = 1
	argonSalt    = 16
	argonHash    = 32
)

// ErrPassword is returned when a password does not match, or when there is no such user.
var ErrPassword = errors.New("wrong password")

// ErrPasswordHash is returned for a stored hash that is not one of argon2id, or asks for unreasonable work.
var ErrPasswordHash = errors.New("not a usable argon2id hash")

// Passwords hashes and verifies passwords with argon2id. It is safe for concurrent use; at most a fixed number of
// computations run at a time, each of 19 MiB, so that a flood of logins cannot exhaust the memory.
type Passwords struct {
	turns chan struct{}
	dummy argonHashed
}

// argonHashed is a parsed PHC string.
type argonHashed struct {
	memory, passes uint32
	threads        uint8
	salt, hash     []byte
}

// NewPasswords returns a Passwords that computes at most concurrent hashes at a time (at least 1).
func NewPasswords(concurrent int) *Passwords {
	return &Passwords{
		turns: make(chan struct{}, max(1, concurrent)),
		dummy: argonHashed{argonMemory, argonPasses, argonThreads, random(argonSalt), random(argonHash)},
	}
}

// Hash returns the PHC string of a password, which holds the parameters, a random salt and the hash. It takes some 20 to
// 50 ms of CPU, and waits for its turn until ctx ends.
func (p *Passwords) Hash(ctx context.Context, password String) (string, error) {
	fresh := argonHashed{argonMemory, argonPasses, argonThreads, random(argonSalt), make([]byte, argonHash)}
	hash, err := p.compute(ctx, password, fresh)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, argonMemory, argonPasses, argonThreads, encode(fresh.salt), encode(hash)), nil
}

// Verify compares a password with a PHC string in constant time. Pass an empty phc for a user that does not exist: it
// does the same work and returns ErrPassword. The other errors are ErrPasswordHash and ctx's.
func (p *Passwords) Verify(ctx context.Context, password String, phc string) error {
	want := p.dummy
	if phc != "" {
		parsed, err := parsePHC(phc)
		if err != nil {
			return fmt.Errorf("verify password: %w", err)
		}
		want = parsed
	}
	got, err := p.compute(ctx, password, want)
	if err != nil {
		return fmt.Errorf("verify password: %w", err)
	}
	if subtle.ConstantTimeCompare(got, want.hash) != 1 || phc == "" {
		return ErrPassword
	}
	return nil
}

func (p *Passwords) compute(ctx context.Context, password String, like argonHashed) ([]byte, error) {
	if err := ctx.Err(); err != nil { // a select alone would choose at random when a turn is free as well
		return nil, fmt.Errorf("wait for a turn: %w", err)
	}
	select {
	case p.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a turn: %w", ctx.Err())
	}
	defer func() { <-p.turns }()
	size := uint32(len(like.hash)) //nolint:gosec // at most 64, see parsePHC
	return argon2.IDKey([]byte(password.Reveal()), like.salt, like.passes, like.memory, like.threads, size), nil
}

// parsePHC reads "$argon2id$v=19$m=19456,t=2,p=1$salt$hash" and refuses parameters that would cost more than about four
// times our own.
func parsePHC(phc string) (argonHashed, error) {
	var parsed argonHashed
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return parsed, ErrPasswordHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &parsed.memory, &parsed.passes, &parsed.threads); err != nil {
		return parsed, ErrPasswordHash
	}
	if parts[3] != fmt.Sprintf("m=%d,t=%d,p=%d", parsed.memory, parsed.passes, parsed.threads) {
		return parsed, ErrPasswordHash
	}
	var saltErr, hashErr error
	parsed.salt, saltErr = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	parsed.hash, hashErr = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if saltErr != nil || hashErr != nil || !parsed.reasonable() {
		return parsed, ErrPasswordHash
	}
	return parsed, nil
}

func (h argonHashed) reasonable() bool {
	within := func(value, least, most int) bool { return value >= least && value <= most }
	return within(int(h.memory), 8, 4*argonMemory) && within(int(h.passes), 1, 4) && within(int(h.threads), 1, 4) &&
		within(len(h.salt), 8, 64) && within(len(h.hash), 16, 64)
}
