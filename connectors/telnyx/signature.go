package telnyx

import (
	"crypto/ed25519"
	"encoding/base64"
	"strconv"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

const (
	signatureHeader = "Telnyx-Signature-Ed25519"
	timestampHeader = "Telnyx-Timestamp"
	window          = 5 * time.Minute // how far the timestamp may be from our clock, as in Telnyx's own libraries
)

// verify checks a callback's signature, which covers the timestamp, a bar and the raw body, and that it is not stale.
func verify(key ed25519.PublicKey, request connectors.CallbackRequest) bool {
	given, stamp := request.Header.Get(signatureHeader), request.Header.Get(timestampHeader)
	if len(key) != ed25519.PublicKeySize || len(given) != base64.StdEncoding.EncodedLen(ed25519.SignatureSize) {
		return false
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(given) // strict: one signature has one spelling
	if err != nil {
		return false
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || request.ReceivedAt.Sub(time.Unix(seconds, 0)).Abs() > window {
		return false
	}
	signed := append([]byte(stamp+"|"), request.Body...)
	return ed25519.Verify(key, signed, signature)
}
