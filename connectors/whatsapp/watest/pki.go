package watest

import (
	"crypto/sha256"
	"fmt"
	"time"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/libsignal/logger"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waCert"
	"go.mau.fi/whatsmeow/util/keys"
	"google.golang.org/protobuf/proto"
)

const (
	intermediateSerial = 1
	leafSerial         = 2
	certificateMargin  = 24 * time.Hour // validity before and after now: wide enough for any test, with a clock that is a little off
)

// Root signs the certificate that a server shows in the Noise handshake. whatsmeow knows one root for the whole process
// (whatsmeow.WACertPubKey), so all servers of one test process must be given the same Root.
type Root struct {
	pair *keys.KeyPair
}

// NewRoot makes a root with a random key.
func NewRoot() *Root {
	return &Root{pair: keys.NewKeyPair()}
}

// SharedRoot is the root that all servers of a test process use. Its key is derived from a constant, so that every call returns the same
// key and no state is shared; it protects nothing, and nobody may trust it for another address than a loopback one.
func SharedRoot() *Root {
	return &Root{pair: keys.NewKeyPairFromPrivateKey(sha256.Sum256([]byte("switchhook watest shared root")))}
}

// Prepare makes the whatsmeow of this process trust the root, and libsignal silent, which otherwise writes to standard output. Both are variables that
// those packages read without a lock, so call it once, before the first server and the first client: in TestMain.
func Prepare(root *Root) {
	whatsmeow.WACertPubKey = root.PublicKey()
	var silent logger.Loggable = quiet{}
	logger.Setup(&silent)
}

// quiet is a libsignal logger that drops everything: what failed is returned as an error too.
type quiet struct{}

// The methods below implement logger.Loggable.

func (quiet) Debug(string, string)   {}
func (quiet) Info(string, string)    {}
func (quiet) Warning(string, string) {}
func (quiet) Error(string, string)   {}
func (quiet) Configure(string)       {}

// PublicKey is what whatsmeow.WACertPubKey has to be set to before the first client connects.
func (r *Root) PublicKey() [32]byte {
	return *r.pair.Pub
}

// certificate returns the marshalled chain for a server's static key: the root signs the intermediate certificate, which signs the leaf, and
// the leaf carries the static key. The signatures are XEdDSA over the marshalled details; the intermediate's issuer has serial 0.
func (r *Root) certificate(static [32]byte, now time.Time) ([]byte, error) {
	intermediate := keys.NewKeyPair()
	first, err := signCertificate(r.pair, details(intermediateSerial, 0, *intermediate.Pub, now))
	if err != nil {
		return nil, err
	}
	leaf, err := signCertificate(intermediate, details(leafSerial, intermediateSerial, static, now))
	if err != nil {
		return nil, err
	}
	chain, err := proto.Marshal(&waCert.CertChain{Intermediate: first, Leaf: leaf})
	if err != nil {
		return nil, fmt.Errorf("marshal certificate chain: %w", err)
	}
	return chain, nil
}

func details(serial, issuer uint32, key [32]byte, now time.Time) *waCert.CertChain_NoiseCertificate_Details {
	return &waCert.CertChain_NoiseCertificate_Details{
		Serial:       proto.Uint32(serial),
		IssuerSerial: proto.Uint32(issuer),
		Key:          key[:],
		NotBefore:    proto.Uint64(uint64(now.Add(-certificateMargin).Unix())),
		NotAfter:     proto.Uint64(uint64(now.Add(certificateMargin).Unix())),
	}
}

func signCertificate(issuer *keys.KeyPair, d *waCert.CertChain_NoiseCertificate_Details) (*waCert.CertChain_NoiseCertificate, error) {
	raw, err := proto.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("marshal certificate: %w", err)
	}
	signature := sign(issuer, raw)
	return &waCert.CertChain_NoiseCertificate{Details: raw, Signature: signature}, nil
}

// sign makes an XEdDSA signature of message with a Curve25519 key.
func sign(pair *keys.KeyPair, message []byte) []byte {
	signature := ecc.CalculateSignature(ecc.NewDjbECPrivateKey(*pair.Priv), message)
	return signature[:]
}
