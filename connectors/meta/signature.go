package meta

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"

	"github.com/switchhook/switchhook/connectors"
)

// SignatureHeader holds a callback's signature.
const SignatureHeader = "X-Hub-Signature-256"

const signaturePrefix = "sha256="

// Verify tells whether a callback's body is signed with an app's secret: HMAC-SHA256 over the raw bytes, compared in constant time. An
// empty secret signs nothing.
func Verify(secret string, request connectors.CallbackRequest) bool {
	if secret == "" {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(request.Body)
	// Compared as text: decoding would let several spellings of one signature pass.
	want := hex.AppendEncode([]byte(signaturePrefix), mac.Sum(nil))
	return hmac.Equal([]byte(request.Header.Get(SignatureHeader)), want)
}

// Answer takes the first steps of a callback. For a GET, by which Meta verifies an address, it is the answer, or ErrSignature where
// the verify token is not the right one; for a POST it checks the signature. body is nil where there is nothing more to do. An empty secret or
// token refuses everything.
func Answer(secret, verifyToken string, request connectors.CallbackRequest) (body []byte, response connectors.CallbackResponse, err error) {
	if request.Method == http.MethodGet {
		response, err = challenge(verifyToken, request)
		return nil, response, err
	}
	if !Verify(secret, request) {
		return nil, connectors.CallbackResponse{}, connectors.ErrSignature
	}
	return request.Body, connectors.CallbackResponse{}, nil
}

// challenge answers the verification of an address with the challenge as it came.
func challenge(token string, request connectors.CallbackRequest) (connectors.CallbackResponse, error) {
	query := request.Query
	same := subtle.ConstantTimeCompare([]byte(query.Get("hub.verify_token")), []byte(token)) == 1
	if token == "" || !same || query.Get("hub.mode") != "subscribe" {
		return connectors.CallbackResponse{}, connectors.ErrSignature
	}
	return connectors.CallbackResponse{ContentType: "text/plain; charset=utf-8", Body: query.Get("hub.challenge")}, nil
}
