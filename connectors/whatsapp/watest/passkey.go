package watest

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waCompanionReg"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/gcmutil"
	"go.mau.fi/whatsmeow/util/keys"
	"golang.org/x/crypto/curve25519"
	"google.golang.org/protobuf/proto"
)

// ErrPasskey is a step of a pairing by passkey that does not fit the one before.
var ErrPasskey = errors.New("the client's passkey steps do not fit together")

// codeAlphabet writes pairing codes: digits and letters without those that are taken for others.
const codeAlphabet = "123456789ABCDEFGHJKLMNPQRSTVWXYZ"

// passkeyOptions is what the client's user is asked to sign. Nothing verifies the answer.
const passkeyOptions = `{"challenge":"d2F0ZXN0LWNoYWxsZW5nZQ","timeout":60000,"rpId":"whatsapp.com","allowCredentials":[],"userVerification":"required"}`

// passkeyPairing is a pairing that WhatsApp demands a passkey for.
type passkeyPairing struct {
	ref        string
	ephemeral  *keys.KeyPair // the phone's
	nonce      []byte        // the phone's
	identity   []byte        // the client's ephemeral identity, marshalled
	companion  *waCompanionReg.CompanionEphemeralIdentity
	commitment []byte
	code       chan string // what the phone shows, for the user to compare
}

// demandPasskey begins it: the client gets a WebAuthn challenge for its user.
func (c *conn) demandPasskey(a *attempt) error {
	nonce := make([]byte, keyLength)
	rand.Read(nonce)
	c.server.mu.Lock()
	a.passkey = &passkeyPairing{ref: "4@" + rand.Text(), ephemeral: keys.NewKeyPair(), nonce: nonce, code: make(chan string, 1)}
	c.server.mu.Unlock()
	c.notify("passkey_prologue_request", waBinary.Node{Tag: "passkey_request_options", Content: []byte(passkeyOptions)})
	return nil
}

func (c *conn) notify(kind string, child waBinary.Node) {
	c.send(waBinary.Node{
		Tag: "notification", Attrs: waBinary.Attrs{"from": types.ServerJID, "id": c.server.newID(), "t": time.Now().Unix(), "type": kind},
		Content: []waBinary.Node{child},
	})
}

// handlePasskey answers the client's steps, and goes on with the next of the phone's.
func (c *conn) handlePasskey(query *waBinary.Node, step waBinary.Node) {
	c.server.mu.Lock()
	a := c.pair.attempt
	c.server.mu.Unlock()
	if a == nil || a.passkey == nil {
		c.refuse(query, 400, "bad-request")
		return
	}
	if step.Tag == "ref" {
		c.answer(query, waBinary.Node{Tag: "ref", Content: []byte(a.passkey.ref)})
		return
	}
	raw, _ := step.Content.([]byte)
	var err error
	switch step.Tag {
	case "passkey_prologue":
		payload, _ := step.GetChildByTag("prologue_payload").Content.([]byte)
		err = a.passkey.prologue(payload)
	case "companion_nonce":
		err = a.passkey.reveal(raw)
	}
	if err != nil {
		c.refuse(query, 400, "bad-request")
		c.finishAttempt(a, err)
		return
	}
	c.answer(query)
	switch step.Tag {
	case "passkey_prologue":
		err = c.continuePasskey(a.passkey)
	case "encrypted_pairing_request":
		err = c.finishPasskey(a, raw)
	}
	if err != nil {
		c.finishAttempt(a, err)
	}
}

// prologue takes the client's ephemeral identity, and what it commits itself to without showing it: the hash of the identity and a nonce.
func (p *passkeyPairing) prologue(raw []byte) error {
	payload, identity := &waCompanionReg.ProloguePayload{}, &waCompanionReg.CompanionEphemeralIdentity{}
	if err := proto.Unmarshal(raw, payload); err != nil {
		return fmt.Errorf("unmarshal prologue: %w", err)
	}
	if err := proto.Unmarshal(payload.GetCompanionEphemeralIdentity(), identity); err != nil {
		return fmt.Errorf("unmarshal ephemeral identity: %w", err)
	}
	if identity.GetRef() != p.ref || len(identity.GetPublicKey()) != keyLength {
		return ErrPasskey
	}
	p.identity, p.companion, p.commitment = payload.GetCompanionEphemeralIdentity(), identity, payload.GetCommitment().GetHash()
	return nil
}

func (c *conn) continuePasskey(p *passkeyPairing) error {
	identity, err := proto.Marshal(&waCompanionReg.PrimaryEphemeralIdentity{PublicKey: p.ephemeral.Pub[:], Nonce: p.nonce})
	if err != nil {
		return fmt.Errorf("marshal ephemeral identity: %w", err)
	}
	c.notify("crsc_continuation", waBinary.Node{Tag: "primary_ephemeral_identity", Content: identity})
	return nil
}

// reveal takes the client's nonce, which must be the one that it committed itself to. Both sides can now show the same code.
func (p *passkeyPairing) reveal(nonce []byte) error {
	sum := sha256.Sum256(slices.Concat(p.identity, nonce))
	if p.companion == nil || len(nonce) != keyLength || !slices.Equal(sum[:], p.commitment) {
		return ErrPasskey
	}
	digest := sha256.Sum256(slices.Concat(nonce, p.ephemeral.Pub[:]))
	code := make([]byte, 5)
	for i := range code {
		code[i] = p.nonce[i] ^ digest[i]
	}
	shown := base32.NewEncoding(codeAlphabet).EncodeToString(code)
	select {
	case p.code <- shown[:4] + "-" + shown[4:]:
	default: // the client says it again
	}
	return nil
}

// finishPasskey opens the client's request, which has its secret, and gives it its account.
func (c *conn) finishPasskey(a *attempt, raw []byte) error {
	p, sealed := a.passkey, &waCompanionReg.EncryptedPairingRequest{}
	if p.companion == nil {
		return ErrPasskey
	}
	if err := proto.Unmarshal(raw, sealed); err != nil {
		return fmt.Errorf("unmarshal pairing request: %w", err)
	}
	shared, err := curve25519.X25519(p.ephemeral.Priv[:], p.companion.GetPublicKey())
	if err != nil {
		return fmt.Errorf("agree on key: %w", err)
	}
	salt := fmt.Sprintf("Companion Pairing %d with ref %s", p.companion.GetDeviceType(), p.ref)
	key, err := hkdf.Key(sha256.New, shared, []byte(salt), "Pairing Information Encryption Key", keyLength)
	if err != nil {
		return fmt.Errorf("derive key of pairing request: %w", err)
	}
	plain, err := gcmutil.Decrypt(key, sealed.GetIV(), sealed.GetEncryptedPayload(), nil)
	if err != nil {
		return fmt.Errorf("decrypt pairing request: %w", err)
	}
	request := &waCompanionReg.PairingRequest{}
	if err := proto.Unmarshal(plain, request); err != nil {
		return fmt.Errorf("unmarshal pairing request: %w", err)
	}
	if !bytesEqual(request.GetCompanionIdentityKey(), c.pair.identity) || !bytesEqual(request.GetCompanionPublicKey(), c.line.client) {
		return ErrPasskey
	}
	return c.sendIdentity(a, request.GetAdvSecret())
}

// PasskeyCode waits for the code that this phone shows while a client is being linked by passkey; the client shows the same. It errs
// if none is, or when ctx ends.
func (u *User) PasskeyCode(ctx context.Context) (string, error) {
	p := u.passkey()
	if p == nil {
		return "", ErrPasskey
	}
	select {
	case code := <-p.code:
		return code, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (u *User) passkey() *passkeyPairing {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	for c := range u.server.conns {
		if c.pair != nil && c.pair.attempt != nil && c.pair.attempt.user == u {
			return c.pair.attempt.passkey
		}
	}
	return nil
}
