package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

// signatureWindow is how far a signed timestamp may be from our time, in both directions (the SocialHook contract).
const signatureWindow = 5 * time.Minute

const (
	touchEvery   = time.Minute     // how exactly the last use of a key is known
	touchTimeout = 5 * time.Second // for storing it
)

// Authenticate tells whom an API key or a login token belongs to. It asks the database each time, so that what was revoked
// a moment ago is refused. The errors for users are unauthorized, and service_unavailable when the database is down.
func (s *Service) Authenticate(ctx context.Context, credential string) (Principal, error) {
	if !strings.HasPrefix(credential, "sk_") {
		return s.authenticateToken(ctx, credential)
	}
	refused := problem.New(problem.Unauthorized, "The API key is wrong or was revoked. Make a new one with POST /v1/keys.")
	if !secret.IsAPIKey(credential) {
		return Principal{}, refused
	}
	k, err := s.o.Store.APIKeyByHashAny(ctx, secret.HashAPIKey(secret.String(credential)))
	if errors.Is(err, store.ErrNotFound) {
		return Principal{}, refused
	}
	if err != nil {
		return Principal{}, problem.Unavailable(fmt.Errorf("find key: %w", err))
	}
	return s.used(ctx, k), nil
}

// VerifySignature tells which key of an account has signed a request: signature is "sha256=" and the lower-case hex of the
// HMAC-SHA256 of timestamp, a point and the raw body, made with the key's own text. The errors for users are invalid_signature,
// also for an account that there is not, timestamp_expired, and service_unavailable when the database is down.
func (s *Service) VerifySignature(ctx context.Context, accountID, timestamp, signature string, body []byte) (Principal, error) {
	refused := problem.New(problem.InvalidSignature,
		"The signature does not match. Sign <timestamp>.<raw body> with the API key and HMAC-SHA256, and send sha256=<lower-case hex>.")
	mac, err := parseSignature(signature)
	if err != nil {
		return Principal{}, refused
	}
	at, err := parseTimestamp(timestamp)
	if err != nil {
		return Principal{}, refused
	}
	if off := s.o.Now().Sub(at); off > signatureWindow || off < -signatureWindow {
		return Principal{}, problem.New(problem.TimestampExpired,
			"The signed timestamp is more than 5 minutes from the server's time. Sign with the present Unix time in seconds.")
	}
	keys, err := s.o.Store.LiveAPIKeys(ctx, accountID)
	if err != nil {
		return Principal{}, problem.Unavailable(fmt.Errorf("find keys: %w", err))
	}
	var match *store.APIKey
	for _, k := range keys { // all of them, so that the time does not tell which one it was
		text, err := s.openKey(k)
		if err != nil {
			return Principal{}, err
		}
		if subtle.ConstantTimeCompare(sign(text, timestamp, body), mac) == 1 {
			match = k
		}
	}
	if match == nil {
		return Principal{}, refused
	}
	return s.used(ctx, match), nil
}

var errMalformed = errors.New("malformed")

func parseSignature(text string) ([]byte, error) {
	digits, found := strings.CutPrefix(text, "sha256=")
	if !found || len(digits) != 2*sha256.Size || strings.Trim(digits, "0123456789abcdef") != "" {
		return nil, errMalformed
	}
	mac, err := hex.DecodeString(digits)
	if err != nil {
		return nil, errMalformed
	}
	return mac, nil
}

// parseTimestamp reads Unix seconds. Milliseconds are a number too and turn out to be far in the future.
func parseTimestamp(text string) (time.Time, error) {
	if text == "" || len(text) > 15 || strings.Trim(text, "0123456789") != "" {
		return time.Time{}, errMalformed
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, errMalformed
	}
	return time.Unix(seconds, 0), nil
}

func sign(key secret.String, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(timestamp))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return mac.Sum(nil)
}

// used notes that a key was used, about once a minute and without keeping the request waiting.
func (s *Service) used(ctx context.Context, k *store.APIKey) Principal {
	now := s.o.Now()
	if now.Sub(k.LastUsedAt) >= touchEvery && s.startTouch(k.ID) {
		ctx := context.WithoutCancel(ctx)
		s.touching.Go(func() { s.touch(ctx, k, now) })
	}
	return Principal{Kind: KindKey, AccountID: k.AccountID, KeyID: k.ID}
}

func (s *Service) startTouch(keyID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.touched[keyID] {
		return false
	}
	s.touched[keyID] = true
	return true
}

func (s *Service) touch(ctx context.Context, k *store.APIKey, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, touchTimeout)
	defer cancel()
	if err := s.o.Store.TouchAPIKey(ctx, k.AccountID, k.ID, now); err != nil {
		s.o.Logger.WarnContext(ctx, "key.touch_failed", "key_id", k.ID, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.touched, k.ID)
}
