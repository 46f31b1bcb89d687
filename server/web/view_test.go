package web

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestCharactersThatHideOrTurnTextAreShown(t *testing.T) {
	t.Parallel()
	require.Equal(t, "plain\ntext\tÄ 🎉", visible("plain\ntext\tÄ 🎉"))
	require.Equal(t, `a\u202egpj.exe`, visible("a\u202egpj.exe"))
	require.Equal(t, `\u0000\u001b[31m\u2066x\u2069`, visible("\x00\x1b[31m\u2066x\u2069"))
	require.Equal(t, "family 👩‍👩‍👧", visible("family 👩‍👩‍👧"), "joiners of pictures stay")
}

func TestJSONIsIndentedAndAnythingElseStays(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"{", `  "a": "<b>"`, "}"}, strings.Split(prettyJSON(`{"a":"<b>"}`), "\n"))
	require.Equal(t, "not json", prettyJSON("not json"))
	require.Contains(t, prettyJSON(`{"n":12345678901234567890}`), "12345678901234567890", "numbers keep their digits")
}

func TestTimesAreReadFromAllThatHoldsOne(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	text := at.Format(time.RFC3339)
	for _, value := range []any{at, text, &text} {
		got, err := parseTime(value)
		require.NoError(t, err)
		require.True(t, at.Equal(got))
	}
	for _, value := range []any{nil, "", (*string)(nil), time.Time{}} {
		got, err := parseTime(value)
		require.NoError(t, err)
		require.True(t, got.IsZero())
	}
	_, err := parseTime("yesterday")
	require.Error(t, err)
}

func TestAMaskedTokenIsAnotherEachTimeAndTheSameInside(t *testing.T) {
	t.Parallel()
	mask := func(token, noise string) string {
		raw := []byte(noise)
		for i := range token {
			raw = append(raw, token[i]^noise[i])
		}
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	require.NotEqual(t, mask("secret", "abcdef"), mask("secret", "ghijkl"))
	require.Equal(t, "secret", unmask(mask("secret", "abcdef")))
	require.Empty(t, unmask("%%%"))
	require.Empty(t, unmask("YWJj"), "an odd number of bytes is no masked token")
}

func FuzzUnmask(f *testing.F) {
	f.Add("")
	f.Add("YWJjZA")
	f.Fuzz(func(t *testing.T, given string) {
		token := unmask(given)
		require.LessOrEqual(t, len(token)*2, len(given))
	})
}

func FuzzVisible(f *testing.F) {
	f.Add("a\u202eb")
	f.Add("\xff\x00")
	f.Fuzz(func(t *testing.T, text string) {
		shown := visible(text)
		require.False(t, strings.ContainsFunc(shown, hides))
		if utf8.ValidString(text) {
			require.True(t, utf8.ValidString(shown))
		}
	})
}

func TestFaultsStandBesideTheirFields(t *testing.T) {
	t.Parallel()
	w, err := readTexts()
	require.NoError(t, err)
	p := &page{web: &Web{texts: w}, form: url.Values{"url": {"x"}}}
	refusal := &failure{Status: 400, Code: "invalid_field", Message: "2 fields are wrong.", Faults: map[string]string{"url": "No.", "headers[0].name": "Not this."}}
	f := p.wrong(refusal, "url", "headers=header")
	require.Equal(t, map[string]string{"url": "No.", "header": "Not this."}, f.Faults)
	require.Empty(t, f.Message)
	require.Equal(t, "x", f.Value("url"), "what was typed stays")

	f = p.wrong(refusal, "url")
	require.Equal(t, "Not this.", f.Message, "a fault of no field of the form stands above it")
	f = p.wrong(&failure{Status: 409, Code: "conflict", Message: "Too late."}, "url")
	require.Equal(t, "Too late.", f.Message)
}

func TestANoticeInAHeaderIsASCII(t *testing.T) {
	t.Parallel()
	require.Equal(t, `\u00c4 \ud83c\udf89`, ascii("Ä 🎉"))
}
