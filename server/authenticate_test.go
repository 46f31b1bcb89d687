package server

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
)

func signed(key string, at time.Time, body string) (timestamp, signature string) {
	timestamp = strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = fmt.Fprintf(mac, "%s.%s", timestamp, body)
	return timestamp, "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func TestWhoMayUseARoute(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	for path, a := range map[string]access{"/public": public, "/any": userOrKey, "/user": userOnly, "/owner": ownerOnly, "/key": keyOnly, "/signed/:userID": keyOrSigned} {
		g.route(route{"POST", path, a, false, false, whoAmI})
	}
	own := "/signed/" + g.token.Account.ID
	token, key, member := g.token.Text.Reveal(), g.keyText, g.member(t, "sam").Text.Reveal()
	for _, c := range []struct {
		path, header string
		status       int
		code         string
	}{
		{"/public", "", 200, ""},
		{"/public", "X-Api-Key: wrong", 200, ""},
		{"/any", "", 401, problem.Unauthorized},
		{"/any", "X-Api-Key: " + key, 200, ""},
		{"/any", "x-API-key: " + key, 200, ""},
		{"/any", "Authorization: Bearer " + key, 200, ""},
		{"/any", "authorization: bearer " + token, 200, ""},
		{"/any", "X-Api-Key: " + token, 401, problem.Unauthorized},
		{"/any", "X-Api-Key: sk_live_" + strings.Repeat("0", 64), 401, problem.Unauthorized},
		{"/any", "X-Api-Key: wrong\r\nAuthorization: Bearer " + key, 401, problem.Unauthorized},
		{"/any", "Authorization: Basic " + key, 401, problem.Unauthorized},
		{"/any", "Authorization: " + key, 401, problem.Unauthorized},
		{"/any", "Authorization: Bearer", 401, problem.Unauthorized},
		{"/any", "Authorization: Bearer " + token + "x", 401, problem.Unauthorized},
		{"/user", "Authorization: Bearer " + token, 200, ""},
		{"/user", "Authorization: Bearer " + member, 200, ""},
		{"/user", "X-Api-Key: " + key, 403, problem.Forbidden},
		{"/owner", "Authorization: Bearer " + token, 200, ""},
		{"/owner", "Authorization: Bearer " + member, 403, problem.Forbidden},
		{"/owner", "X-Api-Key: " + key, 403, problem.Forbidden},
		{"/owner", "", 401, problem.Unauthorized},
		{"/user", "", 401, problem.Unauthorized},
		{"/key", "X-Api-Key: " + key, 200, ""},
		{"/key", "Authorization: Bearer " + key, 200, ""},
		{"/key", "Authorization: Bearer " + token, 401, problem.KeyRequired},
		{"/key", "", 401, problem.Unauthorized},
		{own, "X-Api-Key: " + key, 200, ""},
		{own, "Authorization: Bearer " + key, 200, ""},
		{own, "Authorization: Bearer " + token, 401, problem.KeyRequired},
		{own, "", 401, problem.Unauthorized},
		{"/signed/acct_nobody", "X-Api-Key: " + key, 401, problem.Unauthorized},
	} {
		response := g.call(t, "POST", c.path, "{}", c.header)
		requireAnswer(t, response, c.status, c.code)
		if c.status == 401 {
			require.NotEmpty(t, response.Header.Peek("WWW-Authenticate"))
		}
	}
	require.JSONEq(t, fmt.Sprintf(`{"account":%q,"user":"","key":%q}`, g.token.Account.ID, g.key.ID),
		string(g.call(t, "POST", "/any", "{}", "X-Api-Key: "+key).Body()))
	require.JSONEq(t, fmt.Sprintf(`{"account":%q,"user":%q,"key":""}`, g.token.Account.ID, g.token.User.ID),
		string(g.call(t, "POST", "/any", "{}", "Authorization: Bearer "+token).Body()))
}

func TestASignatureIsTakenInBothSpellings(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	g.route(route{"POST", "/signed/:userID", keyOrSigned, false, false, whoAmI})
	g.route(route{"POST", "/key/:userID", keyOnly, false, false, whoAmI})
	other, _, _ := g.tenant(t, "bob")
	own, body := "/signed/"+g.token.Account.ID, `{"text":"ä"}`
	timestamp, signature := signed(g.keyText, time.Now(), body)
	for _, brand := range []string{"Switchhook", "Socialhook", "SOCIALHOOK"} {
		response := g.call(t, "POST", own, body, "X-"+brand+"-Timestamp: "+timestamp, "X-"+brand+"-Signature: "+signature)
		requireAnswer(t, response, 200, "")
		require.Contains(t, string(response.Body()), g.key.ID)
	}
	stale, staleSignature := signed(g.keyText, time.Now().Add(-6*time.Minute), body)
	for name, c := range map[string]struct {
		path, body, timestamp, signature string
		status                           int
		code                             string
	}{
		"a body altered by a byte":  {own, `{"text":"b"}`, timestamp, signature, 401, problem.InvalidSignature},
		"no signature":              {own, body, timestamp, "", 401, problem.InvalidSignature},
		"no timestamp":              {own, body, "", signature, 401, problem.InvalidSignature},
		"replayed":                  {own, body, stale, staleSignature, 408, problem.TimestampExpired},
		"on another account's path": {"/signed/" + other.Account.ID, body, timestamp, signature, 401, problem.InvalidSignature},
		"where a key is asked for":  {"/key/" + g.token.Account.ID, body, timestamp, signature, 401, problem.Unauthorized},
	} {
		response := g.call(t, "POST", c.path, c.body, "X-Socialhook-Timestamp: "+c.timestamp, "X-Socialhook-Signature: "+c.signature)
		require.Equal(t, c.status, response.StatusCode(), name)
		requireAnswer(t, response, c.status, c.code)
	}
	response := g.call(t, "POST", own, body, "X-Socialhook-Timestamp: "+timestamp, "X-Socialhook-Signature: "+signature, "Content-Encoding: gzip")
	requireAnswer(t, response, 415, problem.EncodedBody)
}

func TestARevokedKeyIsRefusedAtTheNextRequest(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	g.route(route{"GET", "/any", userOrKey, false, false, whoAmI})
	requireAnswer(t, g.call(t, "GET", "/any", "", "X-Api-Key: "+g.keyText), 200, "")
	require.NoError(t, g.Accounts.RevokeKey(t.Context(), g.token.Account.ID, g.key.ID))
	requireAnswer(t, g.call(t, "GET", "/any", "", "X-Api-Key: "+g.keyText), 401, problem.Unauthorized)
}

func TestWrongCredentialsAreThrottledByClientAndRightOnesAreNot(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	g.route(route{"GET", "/any", userOrKey, false, false, whoAmI})
	for i := range guessLimit { // an untrusted peer's X-Forwarded-For and other addresses of its /64 change nothing
		response := g.call(t, "GET", "/any", "", fmt.Sprintf("X-Api-Key: sk_live_%064x", i), fmt.Sprintf("From: 2001:db8::%x", i), fmt.Sprintf("X-Forwarded-For: 198.51.100.%d", i%200))
		requireAnswer(t, response, 401, problem.Unauthorized)
	}
	response := g.call(t, "GET", "/any", "", "Authorization: Bearer guess", "From: 2001:db8::ffff")
	requireAnswer(t, response, 429, problem.RateLimited)
	require.NotEmpty(t, response.Header.Peek("Retry-After"))
	requireAnswer(t, g.call(t, "GET", "/any", "", "X-Api-Key: "+g.keyText, "From: 2001:db8::1"), 200, "")
	requireAnswer(t, g.call(t, "GET", "/any", "", "Authorization: Bearer guess", "From: 2001:db8:0:1::1"), 401, problem.Unauthorized)
	g.stopRedis()
	requireAnswer(t, g.call(t, "GET", "/any", "", "Authorization: Bearer guess", "From: 2001:db8::1"), 401, problem.Unauthorized)
}

func TestMetricsAreForTheTokenOrPrivateNetworks(t *testing.T) {
	t.Parallel()
	open, closed := newGate(t), newGate(t, func(o *Options) { o.MetricsToken = "the metrics token" })
	for _, g := range []*gate{open, closed} {
		g.route(route{"GET", "/metrics", metricsToken, false, false, whoAmI})
	}
	for _, c := range []struct {
		headers string
		open    int
	}{
		{"From: 127.0.0.1", 200},
		{"From: 10.1.2.3", 200},
		{"From: fd00::1", 200},
		{"From: 203.0.113.9", 403},
		{"From: ::ffff:203.0.113.9", 403},
		{"From: 127.0.0.1|X-Forwarded-For: 203.0.113.9", 403},
		{"From: 127.0.0.1|Forwarded: for=203.0.113.9", 403},
		{"From: 203.0.113.9|X-Forwarded-For: 127.0.0.1", 403},
	} {
		headers := strings.Split(c.headers, "|")
		require.Equal(t, c.open, open.call(t, "GET", "/metrics", "", headers...).StatusCode(), c.headers)
		requireAnswer(t, closed.call(t, "GET", "/metrics", "", headers...), 401, problem.Unauthorized)
		headers = append(headers, "Authorization: Bearer the metrics token")
		requireAnswer(t, closed.call(t, "GET", "/metrics", "", headers...), 200, "")
	}
	for _, wrong := range []string{"Bearer the metrics tokem", "Bearer", "Basic the metrics token", "Bearer " + closed.keyText} {
		requireAnswer(t, closed.call(t, "GET", "/metrics", "", "Authorization: "+wrong), 401, problem.Unauthorized)
	}
}
