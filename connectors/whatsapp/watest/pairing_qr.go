package watest

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mau.fi/libsignal/ecc"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// Errors of a pairing.
var (
	ErrNoQR           = errors.New("no client shows this QR code now")
	ErrPairingRefused = errors.New("the client refused the pairing") // its answer was an error, as after a wrong HMAC
	ErrPairingRunning = errors.New("this client is being paired already")
	ErrSignature      = errors.New("the client's signature of its device identity is wrong")
)

// Signatures of device identities begin with two bytes that say whose they are.
const (
	accountSignature = "\x06\x00"
	deviceSignature  = "\x06\x01"
)

// pairingData is what a client that has no account told about itself; a pairing makes a companion of it.
type pairingData struct {
	identity     [32]byte
	registration uint32
	signed       publicKey
	attempt      *attempt // guarded by the server's lock; nil while nobody scanned
}

// attempt is a phone linking a device.
type attempt struct {
	user    *User
	number  uint16
	id      string     // of the pair-success query
	details []byte     // the marshalled device identity
	done    chan error // gets how it ended, once
	code    *codePairing
	passkey *passkeyPairing
}

func (a *attempt) end(err error) {
	select {
	case a.done <- err:
	default: // it has ended already
	}
}

// qr is what a QR code says.
type qr struct {
	ref      string
	noise    []byte
	identity []byte
	adv      []byte
}

// parseQR reads both forms: ref, noise key, identity key and secret separated by commas, and since 2026 the same behind a link's #
// with one part more.
func parseQR(text string) (qr, error) {
	if _, after, found := strings.Cut(text, "#"); found {
		text = after
	}
	parts := strings.Split(text, ",")
	if len(parts) < 4 || parts[0] == "" {
		return qr{}, fmt.Errorf("read QR code: %d parts", len(parts))
	}
	var decoded [3][]byte
	for i, part := range parts[1:4] {
		raw, err := base64.StdEncoding.DecodeString(part)
		if err != nil || len(raw) != keyLength {
			return qr{}, fmt.Errorf("read QR code: part %d is no key", i+2)
		}
		decoded[i] = raw
	}
	return qr{ref: parts[0], noise: decoded[0], identity: decoded[1], adv: decoded[2]}, nil
}

// beginPairing gives a client that has no account its QR codes, one per ref.
func (s *Server) beginPairing(c *conn) {
	data, err := readPairingData(c.line.payload.GetDevicePairingData())
	s.mu.Lock()
	c.pair = data
	end, refused := s.switches.refuse(&s.switches.RefusePairings)
	if refused {
		s.counters.Refused++
	}
	refs := make([]waBinary.Node, 0, s.options.Refs)
	for range s.options.Refs {
		ref := "2@" + rand.Text()
		s.refs[ref] = c
		refs = append(refs, waBinary.Node{Tag: "ref", Content: []byte(ref)})
	}
	s.mu.Unlock()
	if err != nil {
		s.log.Warn("pairing refused", "error", err)
		end, refused = FailureBadRequest, true
	}
	if refused {
		c.finish(end)
		return
	}
	c.send(waBinary.Node{
		Tag:     "iq",
		Attrs:   waBinary.Attrs{"from": types.ServerJID, "type": "set", "xmlns": "md", "id": s.newID()},
		Content: []waBinary.Node{{Tag: "pair-device", Content: refs}},
	})
}

func readPairingData(d *waWa6.ClientPayload_DevicePairingRegistrationData) (*pairingData, error) {
	if len(d.GetERegid()) != 4 || len(d.GetEIdent()) != 32 || len(d.GetESkeyID()) != 3 || len(d.GetESkeyVal()) != 32 || len(d.GetESkeySig()) != 64 {
		return &pairingData{}, errors.New("read pairing data: it is not whole")
	}
	return &pairingData{
		registration: binary.BigEndian.Uint32(d.GetERegid()), identity: [32]byte(d.GetEIdent()),
		signed: publicKey{id: keyID(d.GetESkeyID()), value: [32]byte(d.GetESkeyVal()), signature: [64]byte(d.GetESkeySig())},
	}, nil
}

// Scan links the client that shows the code, and returns the number of the new device when the client has confirmed. If the switch
// DemandPasskey is on, that is after the client has gone through the passkey steps. It errs with ErrNoQR, ErrPairingRefused,
// ErrPairingRunning, ErrSignature, or when the client goes away or ctx ends.
func (u *User) Scan(ctx context.Context, text string) (uint16, error) {
	code, err := parseQR(text)
	if err != nil {
		return 0, err
	}
	s := u.server
	s.mu.Lock()
	c := s.refs[code.ref]
	demand := s.switches.DemandPasskey
	if c == nil || !bytesEqual(code.identity, c.pair.identity) || !bytesEqual(code.noise, c.line.client) {
		s.mu.Unlock()
		return 0, ErrNoQR
	}
	a, err := u.startLocked(c)
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if demand {
		err = c.demandPasskey(a)
	} else {
		err = c.sendIdentity(a, code.adv)
	}
	if err != nil {
		c.finishAttempt(a, err)
	}
	return a.wait(ctx)
}

// finishAttempt says how an attempt ended, nil for well. After a failure the client can be linked again.
func (c *conn) finishAttempt(a *attempt, err error) {
	c.server.mu.Lock()
	c.pair.attempt = nil
	c.server.mu.Unlock()
	a.end(err)
}

func bytesEqual(a []byte, b [32]byte) bool {
	return hmac.Equal(a, b[:])
}

// startLocked begins to link the client of a connection. It needs the server's lock.
func (u *User) startLocked(c *conn) (*attempt, error) {
	if c.pair.attempt != nil {
		return nil, ErrPairingRunning
	}
	u.last++
	c.pair.attempt = &attempt{user: u, number: u.last, id: u.server.newID(), done: make(chan error, 1)}
	return c.pair.attempt, nil
}

func (a *attempt) wait(ctx context.Context) (uint16, error) {
	select {
	case err := <-a.done:
		if err != nil {
			return 0, fmt.Errorf("link device: %w", err)
		}
		return a.number, nil
	case <-ctx.Done():
		return 0, fmt.Errorf("link device: %w", ctx.Err())
	}
}

// sendIdentity gives the client its account: the device's identity, signed by the phone, and with an HMAC by the secret that only the
// client and the phone know.
func (c *conn) sendIdentity(a *attempt, adv []byte) error {
	identity, err := signIdentity(a, c.pair.identity)
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, adv)
	mac.Write(identity)
	container, err := proto.Marshal(&waAdv.ADVSignedDeviceIdentityHMAC{Details: identity, HMAC: mac.Sum(nil)})
	if err != nil {
		return fmt.Errorf("marshal device identity: %w", err)
	}
	device := &companion{user: a.user, number: a.number}
	c.send(waBinary.Node{
		Tag: "iq",
		// The client sets its clock by t.
		Attrs: waBinary.Attrs{"from": types.ServerJID, "type": "set", "xmlns": "md", "id": a.id, "t": time.Now().Unix()},
		Content: []waBinary.Node{{Tag: "pair-success", Content: []waBinary.Node{
			{Tag: "device-identity", Content: container},
			{Tag: "biz", Attrs: waBinary.Attrs{"name": ""}},
			{Tag: "device", Attrs: waBinary.Attrs{"jid": device.jid(), "lid": device.lid()}},
			{Tag: "platform", Attrs: waBinary.Attrs{"name": "android"}},
		}}},
	})
	return nil
}

func signIdentity(a *attempt, companion [32]byte) ([]byte, error) {
	details, err := proto.Marshal(&waAdv.ADVDeviceIdentity{
		RawID: proto.Uint32(uint32(a.number)), Timestamp: proto.Uint64(uint64(time.Now().Unix())), KeyIndex: proto.Uint32(uint32(a.number)),
	})
	if err != nil {
		return nil, fmt.Errorf("marshal device identity: %w", err)
	}
	a.details = details
	pair := a.user.phone.identity
	identity, err := proto.Marshal(&waAdv.ADVSignedDeviceIdentity{
		Details: details, AccountSignatureKey: pair.Pub[:],
		AccountSignature: sign(pair, slices.Concat([]byte(accountSignature), details, companion[:])),
	})
	if err != nil {
		return nil, fmt.Errorf("marshal signed device identity: %w", err)
	}
	return identity, nil
}

// handlePairing is handle for a client that has no account.
func (c *conn) handlePairing(_ context.Context, node *waBinary.Node) {
	if node.Tag != "iq" {
		return
	}
	kind, _ := node.Attrs["type"].(string)
	if kind == "get" || kind == "set" {
		c.handlePairingQuery(node)
		return
	}
	c.server.mu.Lock()
	a := c.pair.attempt
	c.server.mu.Unlock()
	if a == nil || node.Attrs["id"] != a.id {
		return // the receipt of pair-device
	}
	c.finishAttempt(a, c.completePairing(a, node))
}

// completePairing checks the client's signature, remembers the device and sends the client to log in.
func (c *conn) completePairing(a *attempt, node *waBinary.Node) error {
	if node.Attrs["type"] == "error" {
		failure := node.GetChildByTag("error")
		return fmt.Errorf("%w: %v %v", ErrPairingRefused, failure.Attrs["code"], failure.Attrs["text"])
	}
	raw, _ := node.GetChildByTag("pair-device-sign", "device-identity").Content.([]byte)
	identity := &waAdv.ADVSignedDeviceIdentity{}
	if err := proto.Unmarshal(raw, identity); err != nil {
		return fmt.Errorf("unmarshal device identity: %w", err)
	}
	phone := a.user.phone.identity
	signed := slices.Concat([]byte(deviceSignature), a.details, c.pair.identity[:], phone.Pub[:])
	if len(identity.GetDeviceSignature()) != 64 ||
		!ecc.VerifySignature(ecc.NewDjbECPublicKey(c.pair.identity), signed, [64]byte(identity.GetDeviceSignature())) {
		return ErrSignature
	}
	c.server.mu.Lock()
	a.user.devices[a.number] = &companion{
		user: a.user, number: a.number, noise: c.line.client,
		identity: c.pair.identity, registration: c.pair.registration, signed: c.pair.signed,
	}
	c.server.counters.Pairings++
	c.server.mu.Unlock()
	c.finish(StreamRestart)
	return nil
}

func (c *conn) handlePairingQuery(node *waBinary.Node) {
	child := waBinary.Node{}
	if children := node.GetChildren(); len(children) > 0 {
		child = children[0]
	}
	switch child.Tag {
	case "link_code_companion_reg":
		c.handleLinkCode(node, child)
	case "ref", "passkey_prologue", "companion_nonce", "encrypted_pairing_request":
		c.handlePasskey(node, child)
	default:
		c.answer(node)
	}
}

// keyID reads the three bytes of a prekey's id.
func keyID(raw []byte) uint32 {
	return uint32(raw[0])<<16 | uint32(raw[1])<<8 | uint32(raw[2])
}
