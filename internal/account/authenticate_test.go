package account

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

// knownKey gives an account a key whose text is known beforehand.
func (w *world) knownKey(t *testing.T, accountID string, text secret.String) {
	t.Helper()
	k := &store.APIKey{ID: w.IDs().New("key"), AccountID: accountID, Name: "known", Hash: secret.HashAPIKey(text), Hint: secret.HintAPIKey(text)}
	sealed, err := w.options.Sealer.Seal([]byte(text.Reveal()), keyAAD(k.ID))
	require.NoError(t, err)
	k.Sealed = sealed
	require.NoError(t, w.options.Store.InsertAPIKey(t.Context(), k, maxKeys))
}

func TestTheContractsOwnExamplesVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.register(t, "ann")
	w.knownKey(t, token.Account.ID, "sk_live_000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	timestamp := strconv.FormatInt(w.clock().Unix(), 10)
	require.Equal(t, "1782741600", timestamp)
	for name, c := range map[string]struct{ body, signature string }{
		"cURL, as openssl signs it": {
			`{"platform":"whatsapp","to":"447911123456","message_text":"Hello!"}`,
			"347d0e66c0ea8e69cf1b190daee1ee767fa2e89f4fbd28846a1cc9d090f11181",
		},
		"Node.js, as its crypto signs it": {
			`{"platform":"whatsapp","to":"447911123456","message_text":"Hello from your SocialHook integration!"}`,
			"fed28bc28a2854f0da28e48a0471622613426a737692e7433605453c5e6aecfb",
		},
	} {
		p, err := w.VerifySignature(t.Context(), token.Account.ID, timestamp, "sha256="+c.signature, []byte(c.body))
		require.NoError(t, err, name)
		require.Equal(t, KindKey, p.Kind)
		require.Equal(t, token.Account.ID, p.AccountID)
	}
}

func signature(key secret.String, timestamp, body string) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	_, _ = fmt.Fprintf(mac, "%s.%s", timestamp, body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func TestAWrongSignatureIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.register(t, "ann"), w.register(t, "bob")
	_, key := w.key(t, ann.Account.ID)
	_, theirs := w.key(t, bob.Account.ID)
	empty := w.register(t, "keyless")
	now, body := strconv.FormatInt(w.clock().Unix(), 10), `{"to":"1"}`
	good := signature(key, now, body)
	_, err := w.VerifySignature(t.Context(), ann.Account.ID, now, good, []byte(body))
	require.NoError(t, err)

	for name, c := range map[string]struct{ account, timestamp, signature, body string }{
		"none":                        {ann.Account.ID, now, "", body},
		"no timestamp":                {ann.Account.ID, "", good, body},
		"a timestamp of zero":         {ann.Account.ID, "-0", signature(key, "-0", body), body},
		"a timestamp with a sign":     {ann.Account.ID, "+" + now, signature(key, "+"+now, body), body},
		"a timestamp with a space":    {ann.Account.ID, now + " ", signature(key, now+" ", body), body},
		"a timestamp with a fraction": {ann.Account.ID, now + ".5", signature(key, now+".5", body), body},
		"an endless timestamp":        {ann.Account.ID, strings.Repeat("9", 40), good, body},
		"no prefix":                   {ann.Account.ID, now, strings.TrimPrefix(good, "sha256="), body},
		"another prefix":              {ann.Account.ID, now, "sha1=" + strings.TrimPrefix(good, "sha256="), body},
		"the prefix alone":            {ann.Account.ID, now, "sha256=", body},
		"upper case":                  {ann.Account.ID, now, "sha256=" + strings.ToUpper(strings.TrimPrefix(good, "sha256=")), body},
		"a digit missing":             {ann.Account.ID, now, good[:len(good)-1], body},
		"a digit too many":            {ann.Account.ID, now, good + "0", body},
		"not hex":                     {ann.Account.ID, now, good[:len(good)-1] + "g", body},
		"a body altered by a byte":    {ann.Account.ID, now, good, `{"to":"2"}`},
		"a body with a space":         {ann.Account.ID, now, good, body + " "},
		"no body":                     {ann.Account.ID, now, good, ""},
		"another timestamp":           {ann.Account.ID, strconv.FormatInt(w.clock().Unix()+1, 10), good, body},
		"the point moved":             {ann.Account.ID, now[:9], good, now[9:] + "." + body},
		"an empty key":                {ann.Account.ID, now, signature("", now, body), body},
		"another account's key":       {ann.Account.ID, now, signature(theirs, now, body), body},
		"on another account's path":   {bob.Account.ID, now, good, body},
		"an unknown account":          {"acct_nobody", now, good, body},
		"an account without keys":     {empty.Account.ID, now, signature("", now, body), body},
	} {
		p, err := w.VerifySignature(t.Context(), c.account, c.timestamp, c.signature, []byte(c.body))
		var want string
		if name == "the point moved" { // a timestamp of nine digits is long ago
			want = problem.TimestampExpired
		} else {
			want = problem.InvalidSignature
		}
		requireCode(t, want, err)
		require.Zero(t, p, name)
	}
}

func TestASignedTimestampIsGoodForFiveMinutesBothWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.register(t, "ann")
	_, key := w.key(t, token.Account.ID)
	for off, fine := range map[time.Duration]bool{
		-5 * time.Minute: true, 5 * time.Minute: true, -5*time.Minute - time.Second: false, 5*time.Minute + time.Second: false,
		-10 * 365 * 24 * time.Hour: false, 10 * time.Minute: false,
	} {
		timestamp := strconv.FormatInt(w.clock().Add(off).Unix(), 10)
		_, err := w.VerifySignature(t.Context(), token.Account.ID, timestamp, signature(key, timestamp, "{}"), []byte("{}"))
		if fine {
			require.NoError(t, err, off)
		} else {
			requireCode(t, problem.TimestampExpired, err)
		}
	}
	milliseconds := strconv.FormatInt(w.clock().UnixMilli(), 10)
	_, err := w.VerifySignature(t.Context(), token.Account.ID, milliseconds, signature(key, milliseconds, "{}"), []byte("{}"))
	require.Contains(t, requireCode(t, problem.TimestampExpired, err).Message, "seconds")
}

func TestAnyLiveKeySignsAndARevokedOneDoesNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.register(t, "ann")
	now := strconv.FormatInt(w.clock().Unix(), 10)
	verify := func(key secret.String) (Principal, error) {
		return w.VerifySignature(t.Context(), token.Account.ID, now, signature(key, now, "{}"), []byte("{}"))
	}
	one, first := w.key(t, token.Account.ID)
	two, second := w.key(t, token.Account.ID)
	for k, text := range map[*store.APIKey]secret.String{one: first, two: second} {
		p, err := verify(text)
		require.NoError(t, err)
		require.Equal(t, k.ID, p.KeyID)
	}
	require.NoError(t, w.RevokeKey(t.Context(), token.Account.ID, one.ID))
	_, err := verify(first)
	requireCode(t, problem.InvalidSignature, err)
	_, err = verify(second)
	require.NoError(t, err)
}

func FuzzParseSignature(f *testing.F) {
	for _, seed := range []string{"", "sha256=", signature("k", "1", "{}"), "sha256=" + strings.Repeat("F", 64), "sha256=" + strings.Repeat("0", 65)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		mac, err := parseSignature(text)
		if err == nil && text != "sha256="+hex.EncodeToString(mac) {
			t.Fatalf("%q was read as %x", text, mac)
		}
	})
}

func FuzzParseTimestamp(f *testing.F) {
	for _, seed := range []string{"", "0", "1782741600", "-1", "1e9", "９", "999999999999999", "0x10"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := parseTimestamp(text)
		if err == nil && strings.TrimLeft(text, "0") != strings.TrimLeft(strconv.FormatInt(at.Unix(), 10), "0") {
			t.Fatalf("%q was read as %s", text, at)
		}
	})
}
