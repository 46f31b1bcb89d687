package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const (
	apiKeyPrefix  = "sk_live_" // the API's contract: sk_live_ and 64 hex digits
	apiKeyBytes   = 32
	webhookPrefix = "whsec_" // Standard Webhooks 1.0.0
	webhookBytes  = 32       // Standard Webhooks allows 24 to 64
)

// ErrWebhookSecret is returned for text that is not a webhook secret.
var ErrWebhookSecret = errors.New(`a webhook secret is "whsec_" and the base64 of 24 to 64 bytes`)

// NewAPIKey returns a new random API key: "sk_live_" and 64 hex digits.
func NewAPIKey() String {
	return String(apiKeyPrefix + hex.EncodeToString(random(apiKeyBytes)))
}

// IsAPIKey reports whether text has the form of an API key, which tells it from a JWT and saves a query for typing errors.
func IsAPIKey(text string) bool {
	digits, found := strings.CutPrefix(text, apiKeyPrefix)
	return found && len(digits) == 2*apiKeyBytes && strings.Trim(digits, "0123456789abcdef") == ""
}

// HashAPIKey returns the SHA-256 of an API key or a token in hex: what is stored, and looked up by. A slow hash is not
// needed, because 256 random bits cannot be guessed.
func HashAPIKey(key String) string {
	sum := sha256.Sum256([]byte(key.Reveal()))
	return hex.EncodeToString(sum[:])
}

// HintAPIKey returns the part of an API key that lists may show: its prefix and its last 4 digits.
func HintAPIKey(key String) string {
	if !IsAPIKey(key.Reveal()) {
		return mask
	}
	return apiKeyPrefix + "…" + key.Reveal()[len(key)-4:]
}

// NewToken returns the base64url text (without padding) of n random bytes. Fewer than 16 bytes are raised to 16.
func NewToken(n int) String {
	return String(base64.RawURLEncoding.EncodeToString(random(max(n, 16))))
}

// NewWebhookSecret returns a new signing secret as Standard Webhooks shows it: "whsec_" and the base64 of 32 bytes.
func NewWebhookSecret() String {
	return String(webhookPrefix + base64.StdEncoding.EncodeToString(random(webhookBytes)))
}

// WebhookKeyBytes returns the bytes that Standard Webhooks signs with: the decoded part after "whsec_".
// The error is ErrWebhookSecret.
func WebhookKeyBytes(secret String) ([]byte, error) {
	code, found := strings.CutPrefix(secret.Reveal(), webhookPrefix)
	if !found {
		return nil, fmt.Errorf("read webhook secret: %w", ErrWebhookSecret)
	}
	key, err := base64.StdEncoding.Strict().DecodeString(code)
	if err != nil || len(key) < 24 || len(key) > 64 {
		return nil, fmt.Errorf("read webhook secret: %w", ErrWebhookSecret) // err would quote the secret's bytes
	}
	return key, nil
}

func random(n int) []byte {
	bytes := make([]byte, n)
	_, _ = rand.Read(bytes) // never fails, see crypto/rand
	return bytes
}
