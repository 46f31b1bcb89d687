package whatsapp

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/store"

	"github.com/switchhook/switchhook/connectors/whatsapp/archived"
)

// ratchet keeps a device's encrypted sessions whole. Each message that is encrypted or decrypted reads the session with the other side's device,
// turns it one step further and writes it back. The library does that for sending and for receiving at once, without a lock: then one step is
// lost, the next message is encrypted with a key that was used before, and the other side takes it for one that it has seen. So there is one turn for both
// here. Nothing is written without the lease: what a paused process has read is outdated when it wakes up.
//
// A step that the database did not take is no message that cannot be read: the library would ask its sender for it again and acknowledge it, and a
// process that ends then has lost it. The connection is cut before that, so that the message comes again as it is.
type ratchet struct {
	turn chan struct{} // full while somebody has it; a channel, so that waiting ends with a context
	held func() bool
	cut  func() // ends the connection
}

func newRatchet(held func() bool, cut func()) *ratchet {
	return &ratchet{turn: make(chan struct{}, 1), held: held, cut: cut}
}

// guard puts the ratchet between a device and its stores, once the device has any.
func (r *ratchet) guard(device *store.Device) {
	if _, done := device.Sessions.(*turnedSessions); done || device.Sessions == nil {
		return
	}
	device.Sessions = &turnedSessions{device.Sessions, r}
	device.EventBuffer = &turnedBuffer{device.EventBuffer, r}
	device.SenderKeys = &watchedSenderKeys{device.SenderKeys}
	device.PreKeys = &watchedPreKeys{device.PreKeys}
	device.Identities = &watchedIdentities{device.Identities}
}

func (r *ratchet) begin(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // the library compares it
	}
}

func (r *ratchet) end() { <-r.turn }

type (
	sendingKey    struct{}
	decryptingKey struct{}
)

// sending is the turn of one message that goes out; it belongs to one goroutine.
type sending struct{ holds *ratchet }

// withTurn returns a context for sending one message. The turn begins when the library reads the sessions for it and ends when it has written them; done
// ends it where the library does not come so far.
func withTurn(ctx context.Context) (turned context.Context, done func()) {
	s := &sending{}
	return context.WithValue(ctx, sendingKey{}, s), s.end
}

func (s *sending) begin(ctx context.Context, r *ratchet) error {
	if s == nil || s.holds != nil {
		return nil
	}
	if err := r.begin(ctx); err != nil {
		return err
	}
	s.holds = r
	return nil
}

func (s *sending) end() {
	if s != nil && s.holds != nil {
		s.holds.end()
		s.holds = nil
	}
}

// decrypting is what is known of one message that comes in; it belongs to one goroutine.
type decrypting struct {
	failed bool              // the database has refused something
	before map[string][]byte // sessions as they were, by address
}

// watch notes an error of the database, and returns it.
func watch(ctx context.Context, err error) error {
	if d, ok := ctx.Value(decryptingKey{}).(*decrypting); ok && err != nil {
		d.failed = true
	}
	return err
}

// turnedSessions are a device's encrypted sessions.
type turnedSessions struct {
	store.SessionStore
	ratchet *ratchet
}

// GetManySessions begins the turn of a message that goes out.
func (s *turnedSessions) GetManySessions(ctx context.Context, addresses []string) (map[string][]byte, error) {
	turn, _ := ctx.Value(sendingKey{}).(*sending)
	if err := turn.begin(ctx, s.ratchet); err != nil {
		return nil, err
	}
	return s.SessionStore.GetManySessions(ctx, addresses) //nolint:wrapcheck // a store of the library's
}

// PutManySessions ends it.
func (s *turnedSessions) PutManySessions(ctx context.Context, sessions map[string][]byte) error {
	turn, _ := ctx.Value(sendingKey{}).(*sending)
	defer turn.end()
	if !s.ratchet.held() {
		return errNoLease
	}
	return s.SessionStore.PutManySessions(ctx, sessions) //nolint:wrapcheck // a store of the library's
}

// GetSession reads one session.
func (s *turnedSessions) GetSession(ctx context.Context, address string) ([]byte, error) {
	session, err := s.SessionStore.GetSession(ctx, address)
	if d, ok := ctx.Value(decryptingKey{}).(*decrypting); ok && err == nil {
		if _, known := d.before[address]; !known {
			d.before[address] = session
		}
	}
	return session, watch(ctx, err)
}

// PutSession writes one session.
func (s *turnedSessions) PutSession(ctx context.Context, address string, session []byte) error {
	if !s.ratchet.held() {
		return errNoLease
	}
	if d, ok := ctx.Value(decryptingKey{}).(*decrypting); ok {
		session = archived.Mend(d.before[address], session)
	}
	return watch(ctx, s.SessionStore.PutSession(ctx, address, session))
}

// turnedBuffer is where decrypted messages lie until the listener has taken them.
type turnedBuffer struct {
	store.EventBuffer
	ratchet *ratchet
}

// DoDecryptionTxn decrypts one message.
func (b *turnedBuffer) DoDecryptionTxn(ctx context.Context, decrypt func(context.Context) error) error {
	if err := b.ratchet.begin(ctx); err != nil {
		return err
	}
	defer b.ratchet.end()
	d := &decrypting{before: map[string][]byte{}}
	decided := false
	err := b.EventBuffer.DoDecryptionTxn(context.WithValue(ctx, decryptingKey{}, d), func(ctx context.Context) error {
		err := decrypt(ctx)
		if err == nil && !b.ratchet.held() {
			d.failed, err = true, errNoLease
		}
		decided = err != nil
		return err
	})
	if err != nil && (d.failed || !decided) { // not decided: the transaction itself could not begin or end
		b.ratchet.cut()
	}
	return err //nolint:wrapcheck // the library compares it
}

// GetBufferedEvent looks for a message that was decrypted before.
func (b *turnedBuffer) GetBufferedEvent(ctx context.Context, hash [32]byte) (*store.BufferedEvent, error) {
	event, err := b.EventBuffer.GetBufferedEvent(ctx, hash)
	if err != nil {
		b.ratchet.cut()
	}
	return event, err //nolint:wrapcheck // a store of the library's
}

// PutBufferedEvent keeps a message that was decrypted.
func (b *turnedBuffer) PutBufferedEvent(ctx context.Context, hash [32]byte, plaintext []byte, at time.Time) error {
	return watch(ctx, b.EventBuffer.PutBufferedEvent(ctx, hash, plaintext, at))
}

// watchedSenderKeys are the keys of groups.
type watchedSenderKeys struct{ store.SenderKeyStore }

// GetSenderKey reads a key.
func (s *watchedSenderKeys) GetSenderKey(ctx context.Context, group, user string) ([]byte, error) {
	key, err := s.SenderKeyStore.GetSenderKey(ctx, group, user)
	return key, watch(ctx, err)
}

// PutSenderKey writes a key.
func (s *watchedSenderKeys) PutSenderKey(ctx context.Context, group, user string, key []byte) error {
	return watch(ctx, s.SenderKeyStore.PutSenderKey(ctx, group, user, key))
}

// watchedPreKeys are the keys with which others begin a session.
type watchedPreKeys struct{ store.PreKeyStore }

// RemovePreKey forgets a key that was used.
func (s *watchedPreKeys) RemovePreKey(ctx context.Context, id uint32) error {
	return watch(ctx, s.PreKeyStore.RemovePreKey(ctx, id))
}

// watchedIdentities are the keys of other devices.
type watchedIdentities struct{ store.IdentityStore }

// PutIdentity notes a key.
func (s *watchedIdentities) PutIdentity(ctx context.Context, address string, key [32]byte) error {
	return watch(ctx, s.IdentityStore.PutIdentity(ctx, address, key))
}

// IsTrustedIdentity compares a key.
func (s *watchedIdentities) IsTrustedIdentity(ctx context.Context, address string, key [32]byte) (bool, error) {
	trusted, err := s.IdentityStore.IsTrustedIdentity(ctx, address, key)
	return trusted, watch(ctx, err)
}
