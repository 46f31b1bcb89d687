package live

import "time"

// Remote reports whether the bell knows of an open page anywhere.
func (b *Bell) Remote() bool { return b.remote.Load() }

// Pending is for how many accounts and topics something has rung that is not handed over.
func (b *Bell) Pending() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.pending)
}

// Deaf reports whether the hub hears no other process.
func (h *Hub) Deaf() bool { return h.deaf.Load() }

// Take hands the hub one change, as a bell does.
func (h *Hub) Take(account, topic, id string) {
	h.take([]change{{account, topic, []name{{ID: id}}}})
}

// What tests of this package need of its inside.
const (
	RedisChannel = redisChannel
	OpenKey      = openKey
	Buffer       = buffer
	MaxNames     = maxNames
	MaxMissed    = maxMissed
	Window       = window
	PollEvery    = pollEvery
	KeptFor      = keptFor
)

// Cursor writes a cursor.
func Cursor(account string, at time.Time) string { return cursor(account, at, "") }

// ParseCursor reads a cursor.
func ParseCursor(account, text string) (time.Time, error) {
	at, _, err := parseCursor(account, text)
	return at, err
}

// RewriteCursor reads a cursor and writes it again.
func RewriteCursor(account, text string) (string, error) {
	at, clock, err := parseCursor(account, text)
	return cursor(account, at, clock), err
}

// ParseRing reads a Redis message and reports whether it was one.
func ParseRing(raw string) ([]string, bool) {
	r, err := parseRing(raw)
	var accounts []string
	for _, c := range r.Changes {
		accounts = append(accounts, c.Account)
	}
	return accounts, err == nil
}
