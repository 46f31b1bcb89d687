// Package id makes and reads the ids of everything that is stored: a short prefix that names the kind, an underscore and
// a ULID in lower-case Crockford base32, such as "evt_01kaj5v0x7fm2zq4w9b3c8d6ea".
//
// Ids of one Generator grow strictly, whatever the clock does, so that sorting by id is sorting by age.
package id

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

const (
	// alphabet is Crockford's base32, in lower case; its characters are in ASCII order, which keeps the order of ids.
	alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	// seeded marks the first byte of an id that was made by FromSeed. A clock sets this bit in the year 6429.
	seeded = 0x80
)

// ErrMalformed is returned for a string that is not an id.
var ErrMalformed = errors.New("malformed id")

// ErrNoTime is returned by Time for an id that FromSeed made.
var ErrNoTime = errors.New("the id was made from a seed and carries no time")

// Generator makes ids. It is safe for concurrent use.
type Generator struct {
	now func() time.Time

	mu      sync.Mutex
	last    uint64    // milliseconds of the newest id
	value   ulid.ULID // the newest id; kept here so that a new one costs no allocation
	entropy *ulid.MonotonicEntropy
}

// NewGenerator returns a Generator that reads the given clock, usually time.Now.
func NewGenerator(now func() time.Time) *Generator {
	return &Generator{now: now, entropy: ulid.Monotonic(bufio.NewReader(rand.Reader), 0)}
}

// New returns a new id, greater than every id that this Generator has returned for the same prefix.
func (g *Generator) New(prefix string) string {
	return encode(prefix, g.next())
}

func (g *Generator) next() ulid.ULID {
	milliseconds := uint64(max(0, g.now().UnixMilli())) // never negative
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = max(g.last, milliseconds) // a clock that is set back must not break the order
	for g.entropy.MonotonicRead(g.last, g.value[6:]) != nil {
		// The random part is used up for this millisecond (crypto/rand itself never fails): borrow the next one.
		g.last++
	}
	_ = g.value.SetTime(g.last) // fails only in the year 10889
	return g.value
}

// FromSeed returns the id that belongs to a seed: the same prefix and seed give the same id, everywhere and always. It
// makes the creation of a row idempotent. The seed must name its tenant where seeds of two tenants could be equal.
// Such an id carries no time and sorts after every other.
func FromSeed(prefix, seed string) string {
	sum := sha256.Sum256([]byte(prefix + "\x00" + seed))
	value := ulid.ULID(sum[:16])
	value[0] |= seeded
	return encode(prefix, value)
}

// First returns the lowest id with this prefix that can be made at a time, to the millisecond. It belongs to no row: ids made since are not below it.
func First(prefix string, at time.Time) string {
	var value ulid.ULID
	_ = value.SetTime(min(uint64(max(0, at.UnixMilli())), ulid.MaxTime())) // never negative, and never too late
	return encode(prefix, value)
}

// Time returns when an id was made, to the millisecond, in UTC. The error is ErrMalformed or ErrNoTime.
func Time(id string) (time.Time, error) {
	prefix, _, _ := strings.Cut(id, "_")
	if !Valid(prefix, id) {
		return time.Time{}, fmt.Errorf("read time of id: %w", ErrMalformed)
	}
	value, err := ulid.Parse(id[len(prefix)+1:])
	if err != nil {
		return time.Time{}, fmt.Errorf("read time of id: %w", ErrMalformed)
	}
	if value[0]&seeded != 0 {
		return time.Time{}, fmt.Errorf("read time of id: %w", ErrNoTime)
	}
	return ulid.Time(value.Time()).UTC(), nil
}

// Valid reports whether s has the form of an id with this prefix. It says nothing about whether such a row exists.
func Valid(prefix, s string) bool {
	if prefix == "" || len(s) != len(prefix)+1+ulid.EncodedSize || s[:len(prefix)] != prefix || s[len(prefix)] != '_' {
		return false
	}
	code := s[len(prefix)+1:]
	if code[0] > '7' { // 26 characters hold 130 bits, an id has 128
		return false
	}
	for i := range len(code) {
		if strings.IndexByte(alphabet, code[i]) < 0 {
			return false
		}
	}
	return true
}

func encode(prefix string, value ulid.ULID) string {
	var buffer [64]byte
	text := append(buffer[:0], prefix...)
	text = append(text, '_')
	start := len(text)
	text = append(text, make([]byte, ulid.EncodedSize)...)
	code := text[start:]
	_ = value.MarshalTextTo(code) // fails only for a buffer of another size
	for i, c := range code {
		if 'A' <= c && c <= 'Z' {
			code[i] = c + ('a' - 'A')
		}
	}
	return string(text)
}
