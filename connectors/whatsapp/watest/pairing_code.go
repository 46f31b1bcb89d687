package watest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/gcmutil"
	"go.mau.fi/whatsmeow/util/keys"
	"golang.org/x/crypto/curve25519"
)

// Errors of a pairing by code.
var (
	ErrNoCode    = errors.New("no client waits for a code of this number")
	ErrWrongCode = errors.New("it is another code than the client's")
)

const (
	codeRounds = 2 << 16 // of PBKDF2
	codeSalt   = 32
	codeIV     = aes.BlockSize
	codeKey    = 80 // bytes of a wrapped key: salt, IV and the key
	bundleIV   = 12
)

// codePairing is a client that shows an eight-character code for a number.
type codePairing struct {
	conn      *conn
	ref       string
	wrapped   []byte        // the client's ephemeral key, encrypted with the code
	ephemeral *keys.KeyPair // the phone's
	companion []byte        // the client's ephemeral key
}

// handleLinkCode answers both stages of a client's pairing by code: companion_hello, when it has made a code, and companion_finish, when a
// phone's user has typed one.
func (c *conn) handleLinkCode(query *waBinary.Node, reg waBinary.Node) {
	if reg.Attrs["stage"] == "companion_finish" {
		c.answer(query)
		c.finishCode(reg)
		return
	}
	jid, _ := reg.Attrs["jid"].(types.JID)
	wrapped, _ := reg.GetChildByTag("link_code_pairing_wrapped_companion_ephemeral_pub").Content.([]byte)
	s := c.server
	if s.find(jid) == nil || len(wrapped) != codeKey {
		c.refuse(query, 400, "bad-request")
		return
	}
	code := &codePairing{conn: c, ref: "3@" + rand.Text(), wrapped: wrapped}
	s.mu.Lock()
	s.codes[jid.User] = code
	s.mu.Unlock()
	c.answer(query, waBinary.Node{Tag: "link_code_companion_reg", Content: []waBinary.Node{
		{Tag: "link_code_pairing_ref", Content: []byte(code.ref)},
	}})
}

// EnterCode links the client that shows the code for this number, with or without a dash, and returns the number of the new device when the
// client has confirmed. It errs with ErrNoCode, ErrWrongCode, the errors of Scan, or when the client goes away or ctx ends.
func (u *User) EnterCode(ctx context.Context, text string) (uint16, error) {
	s := u.server
	s.mu.Lock()
	code := s.codes[u.pn.User]
	if code == nil {
		s.mu.Unlock()
		return 0, ErrNoCode
	}
	a, err := u.startLocked(code.conn)
	if err == nil {
		a.code = code
	}
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if err := code.answerCode(u, strings.ReplaceAll(text, "-", "")); err != nil {
		code.conn.finishAttempt(a, err)
	}
	return a.wait(ctx)
}

// answerCode gives the client the phone's keys. Whether the code is right shows in the client's answer.
func (p *codePairing) answerCode(u *User, code string) error {
	companion, err := wrapKey(code, p.wrapped[:codeSalt], p.wrapped[codeSalt:codeSalt+codeIV], p.wrapped[codeSalt+codeIV:])
	if err != nil {
		return err
	}
	p.companion, p.ephemeral = companion, keys.NewKeyPair()
	fresh := make([]byte, codeSalt+codeIV)
	rand.Read(fresh)
	sealed, err := wrapKey(code, fresh[:codeSalt], fresh[codeSalt:], p.ephemeral.Pub[:])
	if err != nil {
		return err
	}
	p.conn.send(waBinary.Node{
		Tag: "notification",
		Attrs: waBinary.Attrs{
			"from": types.ServerJID, "id": u.server.newID(), "t": time.Now().Unix(), "type": "link_code_companion_reg",
		},
		Content: []waBinary.Node{{Tag: "link_code_companion_reg", Content: []waBinary.Node{
			{Tag: "link_code_pairing_ref", Content: []byte(p.ref)},
			{Tag: "link_code_pairing_wrapped_primary_ephemeral_pub", Content: append(fresh, sealed...)},
			{Tag: "primary_identity_pub", Content: u.phone.identity.Pub[:]},
		}}},
	})
	return nil
}

// wrapKey encrypts or decrypts a key with a code: AES-256-CTR, whose key is PBKDF2-SHA256 of the code.
func wrapKey(code string, salt, iv, key []byte) ([]byte, error) {
	derived, err := pbkdf2.Key(sha256.New, code, salt, codeRounds, keyLength)
	if err != nil {
		return nil, fmt.Errorf("derive key of code: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, fmt.Errorf("make cipher of code: %w", err)
	}
	wrapped := make([]byte, len(key))
	cipher.NewCTR(block, iv).XORKeyStream(wrapped, key)
	return wrapped, nil
}

// finishCode opens the client's bundle, which it can only have made for the phone if the code was right, and gives it its account.
func (c *conn) finishCode(reg waBinary.Node) {
	c.server.mu.Lock()
	a := c.pair.attempt
	c.server.mu.Unlock()
	if a == nil || a.code == nil {
		return
	}
	bundle, _ := reg.GetChildByTag("link_code_pairing_wrapped_key_bundle").Content.([]byte)
	adv, err := a.code.openBundle(a.user, bundle, c.pair.identity)
	if err == nil {
		err = c.sendIdentity(a, adv)
	}
	if err != nil {
		c.finishAttempt(a, err)
	}
}

// openBundle returns the secret that the client and the phone now share: the bundle is salt, nonce and AES-GCM of the client's identity, the
// phone's identity and random bytes.
func (p *codePairing) openBundle(u *User, bundle []byte, identity [32]byte) ([]byte, error) {
	if len(bundle) < codeSalt+bundleIV {
		return nil, errors.New("open key bundle: it is too short")
	}
	shared, err := curve25519.X25519(p.ephemeral.Priv[:], p.companion)
	if err != nil {
		return nil, fmt.Errorf("agree on key: %w", err)
	}
	key, err := hkdf.Key(sha256.New, shared, bundle[:codeSalt], "link_code_pairing_key_bundle_encryption_key", keyLength)
	if err != nil {
		return nil, fmt.Errorf("derive bundle key: %w", err)
	}
	plain, err := gcmutil.Decrypt(key, bundle[codeSalt:codeSalt+bundleIV], bundle[codeSalt+bundleIV:], nil)
	if err != nil || len(plain) != 3*keyLength {
		return nil, ErrWrongCode
	}
	ours := u.phone.identity
	if !bytesEqual(plain[:keyLength], identity) || !bytesEqual(plain[keyLength:2*keyLength], *ours.Pub) {
		return nil, ErrSignature
	}
	agreed, err := curve25519.X25519(ours.Priv[:], identity[:])
	if err != nil {
		return nil, fmt.Errorf("agree on identity key: %w", err)
	}
	adv, err := hkdf.Key(sha256.New, slices.Concat(shared, agreed, plain[2*keyLength:]), nil, "adv_secret", keyLength)
	if err != nil {
		return nil, fmt.Errorf("derive secret: %w", err)
	}
	return adv, nil
}
