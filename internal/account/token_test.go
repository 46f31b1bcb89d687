package account

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
)

func TestAForgedTokenIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.register(t, "ann"), w.register(t, "bob")
	good := func() claims {
		return claims{
			RegisteredClaims: jwt.RegisteredClaims{
				Issuer: tokenIssuer, Subject: ann.User.ID, ExpiresAt: jwt.NewNumericDate(w.clock().Add(time.Hour)),
			},
			AccountID: ann.Account.ID,
		}
	}
	sign := func(method jwt.SigningMethod, key any, change func(*claims)) string {
		c := good()
		change(&c)
		text, err := jwt.NewWithClaims(method, c).SignedString(key)
		require.NoError(t, err)
		return text
	}
	same := func(*claims) {}
	_, err := w.Authenticate(t.Context(), sign(jwt.SigningMethodHS256, w.tokenKey, same))
	require.NoError(t, err, "the forger's tools work")

	otherSealer, err := secret.NewSealer("another key of at least 32 bytes!")
	require.NoError(t, err)
	parts := strings.Split(ann.Text.Reveal(), ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"NonE","typ":"JWT"}`))
	for name, text := range map[string]string{
		"no algorithm":            sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, same),
		"no algorithm, disguised": none + "." + parts[1] + ".",
		"no signature":            parts[0] + "." + parts[1] + ".",
		"another algorithm":       sign(jwt.SigningMethodHS384, w.tokenKey, same),
		"another server's key":    sign(jwt.SigningMethodHS256, otherSealer.Derive("jwt"), same),
		"a key of another use":    sign(jwt.SigningMethodHS256, w.options.Sealer.Derive("cookie"), same),
		"an empty key":            sign(jwt.SigningMethodHS256, []byte{}, same),
		"expired":                 sign(jwt.SigningMethodHS256, w.tokenKey, func(c *claims) { c.ExpiresAt = jwt.NewNumericDate(w.clock()) }),
		"never expires":           sign(jwt.SigningMethodHS256, w.tokenKey, func(c *claims) { c.ExpiresAt = nil }),
		"another issuer":          sign(jwt.SigningMethodHS256, w.tokenKey, func(c *claims) { c.Issuer = "somebody" }),
		"another account":         sign(jwt.SigningMethodHS256, w.tokenKey, func(c *claims) { c.AccountID = bob.Account.ID }),
		"no user":                 sign(jwt.SigningMethodHS256, w.tokenKey, func(c *claims) { c.Subject = "" }),
		"another version":         sign(jwt.SigningMethodHS256, w.tokenKey, func(c *claims) { c.Version = 1 }),
		"other claims":            parts[0] + "." + strings.Split(bob.Text.Reveal(), ".")[1] + "." + parts[2],
		"not a token":             "abc",
		"nothing":                 "",
	} {
		p, err := w.Authenticate(t.Context(), text)
		require.NotContains(t, requireCode(t, problem.Unauthorized, err).Message, "signature", name)
		require.Zero(t, p, name)
	}
}

func TestATokenLivesADayAndEndsWithItsVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.register(t, "ann")
	other := w.another(t)
	w.pass(24*time.Hour - time.Second)
	_, err := other.Authenticate(t.Context(), token.Text.Reveal())
	require.NoError(t, err)

	fresh, err := w.Login(t.Context(), "ann@example.com", goodPassword, clientNumber(1))
	require.NoError(t, err)
	w.pass(time.Second)
	_, err = other.Authenticate(t.Context(), token.Text.Reveal())
	requireCode(t, problem.Unauthorized, err)

	_, err = other.Authenticate(t.Context(), fresh.Text.Reveal())
	require.NoError(t, err)
	require.NoError(t, w.options.Store.RaiseTokenVersion(t.Context(), token.Account.ID, token.User.ID))
	_, err = other.Authenticate(t.Context(), fresh.Text.Reveal())
	requireCode(t, problem.Unauthorized, err)
}
