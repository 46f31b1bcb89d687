package watest

import (
	"context"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/coder/websocket"
	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/socket"
	"go.mau.fi/whatsmeow/util/gcmutil"
	"go.mau.fi/whatsmeow/util/keys"
	"golang.org/x/crypto/curve25519"
	"google.golang.org/protobuf/proto"
)

const keyLength = 32

var errHeader = errors.New("read connection header: not WhatsApp's")

// frames reads and writes WhatsApp's frames, three bytes of length and a body, on a websocket. The client's first frame has the four bytes of
// socket.WAConnHeader in front of it. The client may cut its frames over several websocket messages; the server must not: a client
// loses a frame that came in two messages.
type frames struct {
	ws     *websocket.Conn
	buffer []byte
	greet  bool // the header was read
}

func (f *frames) read(ctx context.Context) ([]byte, error) {
	for {
		rest, ok, err := cutHeader(f.buffer, f.greet)
		if err != nil {
			return nil, err
		}
		if ok {
			f.buffer, f.greet = rest, true
			if body, tail, ok := cutFrame(f.buffer); ok {
				f.buffer = tail
				return body, nil
			}
		}
		_, data, err := f.ws.Read(ctx)
		if err != nil {
			return nil, fmt.Errorf("read websocket: %w", err)
		}
		f.buffer = append(f.buffer, data...)
	}
}

func (f *frames) write(ctx context.Context, body []byte) error {
	frame := make([]byte, socket.FrameLengthSize, socket.FrameLengthSize+len(body))
	frame[0], frame[1], frame[2] = byte(len(body)>>16), byte(len(body)>>8), byte(len(body))
	if err := f.ws.Write(ctx, websocket.MessageBinary, append(frame, body...)); err != nil {
		return fmt.Errorf("write websocket: %w", err)
	}
	return nil
}

// cutHeader takes the connection header off; ok is false while too few bytes are there.
func cutHeader(buffer []byte, done bool) (rest []byte, ok bool, err error) {
	size := len(socket.WAConnHeader)
	switch {
	case done:
		return buffer, true, nil
	case len(buffer) < size:
		return buffer, false, nil
	case string(buffer[:size]) != string(socket.WAConnHeader):
		return nil, false, errHeader
	}
	return buffer[size:], true, nil
}

// cutFrame takes the first whole frame off; ok is false while it is not whole.
func cutFrame(buffer []byte) (body, rest []byte, ok bool) {
	if len(buffer) < socket.FrameLengthSize {
		return nil, buffer, false
	}
	end := socket.FrameLengthSize + int(buffer[0])<<16 + int(buffer[1])<<8 + int(buffer[2])
	if len(buffer) < end {
		return nil, buffer, false
	}
	return buffer[socket.FrameLengthSize:end], buffer[end:], true
}

// noiseLine is what a handshake ends with.
type noiseLine struct {
	client  [32]byte             // the client's static key: what a device logs in with
	payload *waWa6.ClientPayload // which conversation it is: a pairing or a login
	read    *oneWay
	write   *oneWay
}

// oneWay is one direction of the line: AES-256-GCM without additional data, the nonce is a counter in the last four of twelve bytes.
type oneWay struct {
	aead    cipher.AEAD
	counter uint32
}

func newOneWay(key []byte) (*oneWay, error) {
	aead, err := gcmutil.Prepare(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return &oneWay{aead: aead}, nil
}

func (o *oneWay) nonce() []byte {
	nonce := make([]byte, 12)
	binary.BigEndian.PutUint32(nonce[8:], o.counter)
	o.counter++
	return nonce
}

func (o *oneWay) seal(plain []byte) []byte {
	return o.aead.Seal(nil, o.nonce(), plain, nil)
}

func (o *oneWay) open(sealed []byte) ([]byte, error) {
	plain, err := o.aead.Open(nil, o.nonce(), sealed, nil)
	if err != nil {
		return nil, fmt.Errorf("decrypt frame: %w", err)
	}
	return plain, nil
}

// responder is the server's half of Noise_XX_25519_AESGCM_SHA256 as WhatsApp does it: the empty payload of the first message is not
// hashed. whatsmeow's NoiseHandshake keeps its chaining key to itself, and the last step needs it, so it is followed here too.
type responder struct {
	noise *socket.NoiseHandshake
	chain []byte
}

func newResponder() *responder {
	r := &responder{noise: socket.NewNoiseHandshake(), chain: []byte(socket.NoiseStartPattern)}
	r.noise.Start(socket.NoiseStartPattern, socket.WAConnHeader)
	return r
}

func (r *responder) mix(private *[32]byte, public []byte) error {
	shared, err := curve25519.X25519(private[:], public)
	if err != nil {
		return fmt.Errorf("agree on key: %w", err)
	}
	if err := r.noise.MixIntoKey(shared); err != nil {
		return fmt.Errorf("mix key: %w", err)
	}
	both, err := hkdf.Key(sha256.New, shared, r.chain, "", 2*keyLength)
	if err != nil {
		return fmt.Errorf("derive chaining key: %w", err)
	}
	r.chain = both[:keyLength]
	return nil
}

// lines derives the two directions: the first half is what the client writes with.
func (r *responder) lines() (read, write *oneWay, err error) {
	both, err := hkdf.Key(sha256.New, nil, r.chain, "", 2*keyLength)
	if err != nil {
		return nil, nil, fmt.Errorf("derive line keys: %w", err)
	}
	if read, err = newOneWay(both[:keyLength]); err != nil {
		return nil, nil, err
	}
	if write, err = newOneWay(both[keyLength:]); err != nil {
		return nil, nil, err
	}
	return read, write, nil
}

// handshake answers a client's hello, and reads its key and its payload. static and chain are the server's key and its certificate.
func handshake(ctx context.Context, f *frames, static *keys.KeyPair, chain []byte) (*noiseLine, error) {
	r := newResponder()
	ephemeral, err := answerHello(ctx, f, r, static, chain)
	if err != nil {
		return nil, err
	}
	finish, err := readHandshake(ctx, f)
	if err != nil {
		return nil, err
	}
	key, err := r.noise.Decrypt(finish.GetClientFinish().GetStatic())
	if err != nil || len(key) != keyLength {
		return nil, fmt.Errorf("decrypt client key of %d bytes: %w", len(key), err)
	}
	if err := r.mix(ephemeral.Priv, key); err != nil {
		return nil, err
	}
	raw, err := r.noise.Decrypt(finish.GetClientFinish().GetPayload())
	if err != nil {
		return nil, fmt.Errorf("decrypt client payload: %w", err)
	}
	s := &noiseLine{client: [32]byte(key), payload: &waWa6.ClientPayload{}}
	if err := proto.Unmarshal(raw, s.payload); err != nil {
		return nil, fmt.Errorf("unmarshal client payload: %w", err)
	}
	s.read, s.write, err = r.lines()
	return s, err
}

func answerHello(ctx context.Context, f *frames, r *responder, static *keys.KeyPair, chain []byte) (*keys.KeyPair, error) {
	hello, err := readHandshake(ctx, f)
	if err != nil {
		return nil, err
	}
	theirs := hello.GetClientHello().GetEphemeral()
	if len(theirs) != keyLength {
		return nil, fmt.Errorf("read client hello: a key of %d bytes", len(theirs))
	}
	ephemeral := keys.NewKeyPair()
	r.noise.Authenticate(theirs)
	r.noise.Authenticate(ephemeral.Pub[:])
	if err := r.mix(ephemeral.Priv, theirs); err != nil {
		return nil, err
	}
	sealedKey := r.noise.Encrypt(static.Pub[:])
	if err := r.mix(static.Priv, theirs); err != nil {
		return nil, err
	}
	answer, err := proto.Marshal(&waWa6.HandshakeMessage{ServerHello: &waWa6.HandshakeMessage_ServerHello{
		Ephemeral: ephemeral.Pub[:], Static: sealedKey, Payload: r.noise.Encrypt(chain),
	}})
	if err != nil {
		return nil, fmt.Errorf("marshal server hello: %w", err)
	}
	return ephemeral, f.write(ctx, answer)
}

func readHandshake(ctx context.Context, f *frames) (*waWa6.HandshakeMessage, error) {
	raw, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	message := &waWa6.HandshakeMessage{}
	if err := proto.Unmarshal(raw, message); err != nil {
		return nil, fmt.Errorf("unmarshal handshake: %w", err)
	}
	return message, nil
}
