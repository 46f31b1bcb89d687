package watest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"go.mau.fi/libsignal/ecc"
	grouprecord "go.mau.fi/libsignal/groups/state/record"
	"go.mau.fi/libsignal/keys/identity"
	"go.mau.fi/libsignal/keys/prekey"
	"go.mau.fi/libsignal/protocol"
	"go.mau.fi/libsignal/session"
	"go.mau.fi/libsignal/state/record"
	"go.mau.fi/libsignal/state/store"
	"go.mau.fi/libsignal/util/optional"
	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/keys"

	"github.com/switchhook/switchhook/connectors/whatsapp/archived"
)

const (
	signedPreKeyID  = 1
	maxRegistration = 16380 // Signal's registration ids end there
	maxPadding      = 15    // a plaintext ends with n bytes of value n, from 1 to 15
)

// phone is the Signal side of a user: device 0. Its lock is held while a message is encrypted and handed over, so that messages leave in
// the order of their counters.
type phone struct {
	mu           sync.Mutex
	identity     *keys.KeyPair // also signs the devices that are linked
	registration uint32
	signed       *keys.PreKey
	lastPreKey   uint32
	oneTime      map[uint32]*keys.PreKey
	sessions     map[string][]byte
	senderKeys   map[string][]byte
	sent         map[string]sentMessage // for devices that ask again
}

func newPhone() *phone {
	pair := keys.NewKeyPair()
	return &phone{
		identity: pair, registration: rand.Uint32N(maxRegistration) + 1, signed: pair.CreateSignedPreKey(signedPreKeyID),
		oneTime: map[uint32]*keys.PreKey{}, sessions: map[string][]byte{}, senderKeys: map[string][]byte{}, sent: map[string]sentMessage{},
	}
}

// newPreKey makes a one-time prekey for one client's bundle.
func (p *phone) newPreKey() *keys.PreKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastPreKey++
	key := keys.NewPreKey(p.lastPreKey)
	p.oneTime[key.KeyID] = key
	return key
}

func (p *phone) cipher(device *companion) (*session.Builder, *session.Cipher) {
	address := device.jid().SignalAddress()
	builder := session.NewBuilderFromSignal(signalStore{phone: p}, address, wastore.SignalProtobufSerializer)
	return builder, session.NewCipher(builder, address)
}

// encrypt makes the enc of a message for a device: pkmsg until the phone has heard from the device, then msg. It needs the phone's lock.
func (p *phone) encrypt(ctx context.Context, device *companion, plain []byte) (kind string, sealed []byte, err error) {
	builder, cipher := p.cipher(device)
	if p.sessions[device.jid().SignalAddress().String()] == nil {
		if err := builder.ProcessBundle(ctx, device.bundle()); err != nil {
			return "", nil, fmt.Errorf("start session with %s: %w", device.jid(), err)
		}
	}
	message, err := cipher.Encrypt(ctx, plain)
	if err != nil {
		return "", nil, fmt.Errorf("encrypt for %s: %w", device.jid(), err)
	}
	if message.Type() == protocol.PREKEY_TYPE {
		return "pkmsg", message.Serialize(), nil
	}
	return "msg", message.Serialize(), nil
}

// decrypt opens an enc of a device, without its padding.
func (p *phone) decrypt(ctx context.Context, device *companion, kind string, sealed []byte) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	serializer := wastore.SignalProtobufSerializer
	_, cipher := p.cipher(device)
	var plain []byte
	if kind == "pkmsg" {
		message, err := protocol.NewPreKeySignalMessageFromBytes(sealed, serializer.PreKeySignalMessage, serializer.SignalMessage)
		if err != nil {
			return nil, fmt.Errorf("read pkmsg: %w", err)
		}
		if plain, err = cipher.DecryptMessage(ctx, message); err != nil {
			return nil, fmt.Errorf("decrypt pkmsg: %w", err)
		}
	} else {
		message, err := protocol.NewSignalMessageFromBytes(sealed, serializer.SignalMessage)
		if err != nil {
			return nil, fmt.Errorf("read msg: %w", err)
		}
		if plain, err = cipher.Decrypt(ctx, message); err != nil {
			return nil, fmt.Errorf("decrypt msg: %w", err)
		}
	}
	return unpad(plain)
}

// forget ends the session with a device; the next message starts another one.
func (p *phone) forget(jid types.JID) {
	delete(p.sessions, jid.SignalAddress().String())
}

// bundle is what a first message to the device needs: its last one-time prekey is used up, if it has one left.
func (c *companion) bundle() *prekey.Bundle {
	c.user.server.mu.Lock()
	defer c.user.server.mu.Unlock()
	id, oneTime := optional.NewEmptyUint32(), ecc.ECPublicKeyable(nil)
	if key, ok := c.popPreKey(); ok {
		id, oneTime = optional.NewOptionalUint32(key.id), ecc.NewDjbECPublicKey(key.value)
	}
	return prekey.NewBundle(c.registration, uint32(c.number), id, c.signed.id, oneTime, ecc.NewDjbECPublicKey(c.signed.value),
		c.signed.signature, identity.NewKey(ecc.NewDjbECPublicKey(c.identity)))
}

// popPreKey needs the server's lock.
func (c *companion) popPreKey() (publicKey, bool) {
	if len(c.oneTime) == 0 {
		return publicKey{}, false
	}
	key := c.oneTime[0]
	c.oneTime = c.oneTime[1:]
	return key, true
}

func pad(plain []byte) []byte {
	count := byte(rand.N(maxPadding) + 1)
	padded := append([]byte(nil), plain...)
	for range count {
		padded = append(padded, count)
	}
	return padded
}

func unpad(padded []byte) ([]byte, error) {
	if len(padded) == 0 {
		return nil, errors.New("take padding off: nothing is there")
	}
	count := int(padded[len(padded)-1])
	if count == 0 || count > len(padded) {
		return nil, fmt.Errorf("take padding off: %d bytes of %d", count, len(padded))
	}
	return padded[:len(padded)-count], nil
}

// signalStore is libsignal's view of a phone whose lock is held. It trusts every identity, as a phone without security notices does.
type signalStore struct {
	phone *phone
}

var _ store.SignalProtocol = signalStore{}

var errUnused = errors.New("not used by a phone")

// The methods below implement store.SignalProtocol.

func (s signalStore) GetIdentityKeyPair() *identity.KeyPair {
	pair := s.phone.identity
	return identity.NewKeyPair(identity.NewKey(ecc.NewDjbECPublicKey(*pair.Pub)), ecc.NewDjbECPrivateKey(*pair.Priv))
}

func (s signalStore) GetLocalRegistrationID() uint32 { return s.phone.registration }

func (signalStore) SaveIdentity(context.Context, *protocol.SignalAddress, *identity.Key) error {
	return nil
}

func (signalStore) IsTrustedIdentity(context.Context, *protocol.SignalAddress, *identity.Key) (bool, error) {
	return true, nil
}

func (s signalStore) LoadPreKey(_ context.Context, id uint32) (*record.PreKey, error) {
	key := s.phone.oneTime[id]
	if key == nil {
		return nil, fmt.Errorf("load prekey %d: it is not there", id)
	}
	return record.NewPreKey(id, ecPair(key.KeyPair), wastore.SignalProtobufSerializer.PreKeyRecord), nil
}

func (signalStore) StorePreKey(context.Context, uint32, *record.PreKey) error { return errUnused }

func (s signalStore) ContainsPreKey(_ context.Context, id uint32) (bool, error) {
	return s.phone.oneTime[id] != nil, nil
}

func (s signalStore) RemovePreKey(_ context.Context, id uint32) error {
	delete(s.phone.oneTime, id)
	return nil
}

// LoadSession returns an empty record when there is no session: libsignal does not expect nil.
func (s signalStore) LoadSession(_ context.Context, address *protocol.SignalAddress) (*record.Session, error) {
	serializer := wastore.SignalProtobufSerializer
	raw := s.phone.sessions[address.String()]
	if raw == nil {
		return record.NewSession(serializer.Session, serializer.State), nil
	}
	return record.NewSessionFromBytes(raw, serializer.Session, serializer.State)
}

func (signalStore) GetSubDeviceSessions(context.Context, string) ([]uint32, error) {
	return nil, errUnused
}

func (s signalStore) StoreSession(_ context.Context, address *protocol.SignalAddress, r *record.Session) error {
	key := address.String()
	s.phone.sessions[key] = archived.Mend(s.phone.sessions[key], r.Serialize())
	return nil
}

func (s signalStore) ContainsSession(_ context.Context, address *protocol.SignalAddress) (bool, error) {
	return s.phone.sessions[address.String()] != nil, nil
}

func (s signalStore) DeleteSession(_ context.Context, address *protocol.SignalAddress) error {
	delete(s.phone.sessions, address.String())
	return nil
}

func (signalStore) DeleteAllSessions(context.Context) error { return errUnused }

func (s signalStore) LoadSignedPreKey(_ context.Context, id uint32) (*record.SignedPreKey, error) {
	key := s.phone.signed
	if id != key.KeyID {
		return nil, fmt.Errorf("load signed prekey %d: it is not there", id)
	}
	return record.NewSignedPreKey(id, time.Now().Unix(), ecPair(key.KeyPair), *key.Signature, wastore.SignalProtobufSerializer.SignedPreKeyRecord), nil
}

func (signalStore) LoadSignedPreKeys(context.Context) ([]*record.SignedPreKey, error) {
	return nil, errUnused
}

func (signalStore) StoreSignedPreKey(context.Context, uint32, *record.SignedPreKey) error {
	return errUnused
}

func (s signalStore) ContainsSignedPreKey(_ context.Context, id uint32) (bool, error) {
	return id == s.phone.signed.KeyID, nil
}

func (signalStore) RemoveSignedPreKey(context.Context, uint32) error { return errUnused }

func (s signalStore) StoreSenderKey(_ context.Context, name *protocol.SenderKeyName, r *grouprecord.SenderKey) error {
	s.phone.senderKeys[name.GroupID()+" "+name.Sender().String()] = r.Serialize()
	return nil
}

func (s signalStore) LoadSenderKey(_ context.Context, name *protocol.SenderKeyName) (*grouprecord.SenderKey, error) {
	serializer := wastore.SignalProtobufSerializer
	raw := s.phone.senderKeys[name.GroupID()+" "+name.Sender().String()]
	if raw == nil {
		return grouprecord.NewSenderKey(serializer.SenderKeyRecord, serializer.SenderKeyState), nil
	}
	return grouprecord.NewSenderKeyFromBytes(raw, serializer.SenderKeyRecord, serializer.SenderKeyState)
}

func ecPair(pair keys.KeyPair) *ecc.ECKeyPair {
	return ecc.NewECKeyPair(ecc.NewDjbECPublicKey(*pair.Pub), ecc.NewDjbECPrivateKey(*pair.Priv))
}
