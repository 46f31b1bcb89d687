package richtext_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/richtext"
)

func TestATextThatFitsIsOneText(t *testing.T) {
	t.Parallel()
	for _, mode := range []richtext.Mode{richtext.ModeError, richtext.ModeTruncate, richtext.ModeSplit, richtext.ModeSplitNumbered} {
		require.True(t, mode.Valid())
		parts, err := richtext.Fit(" \n12345\n", richtext.Runes(), 5, mode)
		require.NoError(t, err)
		require.Equal(t, []string{"12345"}, parts)

		parts, err = richtext.Fit(" \n\t", richtext.Runes(), 5, mode)
		require.NoError(t, err)
		require.Empty(t, parts)
	}
}

func TestFitRefusesALimitOrModeThatIsNone(t *testing.T) {
	t.Parallel()
	_, err := richtext.Fit("a", richtext.Runes(), 0, richtext.ModeSplit)
	require.ErrorContains(t, err, "at least 1")
	_, err = richtext.Fit("ab", richtext.Runes(), 1, "cut")
	require.ErrorContains(t, err, `"cut" is no mode`)
	require.False(t, richtext.Mode("cut").Valid())
}

func TestATextThatIsTooLongSaysByHowMuch(t *testing.T) {
	t.Parallel()
	_, err := richtext.Fit(strings.Repeat("日", 150), richtext.X(), 280, richtext.ModeError)
	var tooLong *richtext.TooLongError
	require.ErrorAs(t, err, &tooLong)
	require.Equal(t, richtext.TooLongError{Length: 300, Limit: 280}, *tooLong)
	require.Equal(t, 20, tooLong.Over())
	require.EqualError(t, err, "the text counts 300 characters, 20 more than the 280 that fit: shorten it, or let it be truncated or split")
}

func TestTruncateCutsAtAWordThatIsNear(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"hello big world", 12, "hello big…"},
		{"hello big world", 14, "hello big…"},
		{"hello big world", 10, "hello big…"},
		{"hello big world", 9, "hello…"},
		{"hi incomprehensibilities", 20, "hi incomprehensibil…"},
		{"hello\n\n\nworld", 8, "hello…"},
		{"ab", 1, "…"},
		{"日本語のテキスト", 5, "日本語の…"},
		{"see https://example.com/abc now", 28, "see…"},
		{"see https://example.com/abc now", 29, "see https://example.com/abc …"},
		{family + family + family, 15, family + family + "…"},
		{family + family + family, 14, family + "…"},
	} {
		parts, err := richtext.Fit(c.text, richtext.Runes(), c.limit, richtext.ModeTruncate)
		if c.want == "…" {
			var unbreakable *richtext.UnbreakableError
			require.ErrorAs(t, err, &unbreakable, "an ellipsis alone is no text")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, []string{c.want}, parts)
	}
}

func TestTruncateLeavesRoomForTheWeightOfItsEllipsis(t *testing.T) {
	t.Parallel()
	parts, err := richtext.Fit(strings.Repeat("a", 300), richtext.X(), 280, richtext.ModeTruncate)
	require.NoError(t, err)
	require.Equal(t, []string{strings.Repeat("a", 278) + "…"}, parts)
}

func TestSplitPrefersParagraphsToSentencesToWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text  string
		limit int
		want  []string
	}{
		"paragraph":              {"One two. Three.\n\nFour five. Six seven.", 28, []string{"One two. Three.", "Four five. Six seven."}},
		"paragraph too early":    {"One.\n\nTwo three four. Five six seven.", 28, []string{"One.\n\nTwo three four.", "Five six seven."}},
		"line":                   {"one two\nthree four five", 14, []string{"one two", "three four", "five"}},
		"sentence":               {"One two three. Four five six.", 20, []string{"One two three.", "Four five six."}},
		"sentence in quotes":     {"He said “no!” And went away.", 20, []string{"He said “no!”", "And went away."}},
		"no sentence: a number":  {"It is 3.14159 or so, they say", 16, []string{"It is 3.14159 or", "so, they say"}},
		"sentence in Japanese":   {"これは文です。次の文です。", 10, []string{"これは文です。", "次の文です。"}},
		"words":                  {"one two three four", 9, []string{"one two", "three", "four"}},
		"word longer than limit": {"a bbbbbbbbbb c", 4, []string{"a", "bbbb", "bbbb", "bb c"}},
		"punctuation stays":      {"abcd, efgh", 5, []string{"abcd,", "efgh"}},
		"graphemes":              {family + family, 8, []string{family, family}},
		"link":                   {"go to https://example.com/a/b/c now", 25, []string{"go to", "https://example.com/a/b/c", "now"}},
		"link in brackets":       {"go (https://example.com/a/b/c) now", 27, []string{"go", "(https://example.com/a/b/c)", "now"}},
		"domain":                 {"go to example.com/a-b now", 15, []string{"go to", "example.com/a-b", "now"}},
		"text that touches a link": {
			"日https://example.com/a日本語日本語日本語日本語日本語", 24,
			[]string{"日https://example.com/a日本", "語日本語日本語日本語日本語"},
		},
	} {
		parts, err := richtext.Fit(c.text, richtext.Runes(), c.limit, richtext.ModeSplit)
		require.NoError(t, err, name)
		require.Equal(t, c.want, parts, name)
	}
}

func TestANumberIsCountedIn(t *testing.T) {
	t.Parallel()
	parts, err := richtext.Fit("one two three four", richtext.Runes(), 15, richtext.ModeSplitNumbered)
	require.NoError(t, err)
	require.Equal(t, []string{"one two (1/3)", "three (2/3)", "four (3/3)"}, parts)

	parts, err = richtext.Fit(strings.Repeat("word ", 30), richtext.Runes(), 13, richtext.ModeSplitNumbered)
	require.NoError(t, err)
	require.Len(t, parts, 30, "with two digits only one word fits")
	require.Equal(t, "word (1/30)", parts[0])
	require.Equal(t, "word (30/30)", parts[29])
}

func TestALinkThatDoesNotFitIsAnError(t *testing.T) {
	t.Parallel()
	link := "https://example.com/" + strings.Repeat("a", 40)
	for _, mode := range []richtext.Mode{richtext.ModeSplit, richtext.ModeSplitNumbered, richtext.ModeTruncate} {
		_, err := richtext.Fit(link+" and more text", richtext.Runes(), 50, mode)
		var unbreakable *richtext.UnbreakableError
		require.ErrorAs(t, err, &unbreakable, mode)
		require.True(t, unbreakable.Link)
		require.NotContains(t, err.Error(), "example.com", "a link may hold a secret")
		require.Contains(t, err.Error(), "a link that counts")
	}
	parts, err := richtext.Fit(link+" "+link, richtext.X(), 25, richtext.ModeSplit)
	require.NoError(t, err, "where a link counts 23 it fits")
	require.Equal(t, []string{link, link}, parts)
}

func TestACharacterThatDoesNotFitIsAnError(t *testing.T) {
	t.Parallel()
	_, err := richtext.Fit("a"+strings.Repeat("\u0301", 50), richtext.Runes(), 20, richtext.ModeSplit)
	var unbreakable *richtext.UnbreakableError
	require.ErrorAs(t, err, &unbreakable)
	require.Equal(t, richtext.UnbreakableError{Length: 51, Limit: 20}, *unbreakable)
}

func TestAPartThatCountsMoreThanItsPiecesIsMadeShorter(t *testing.T) {
	t.Parallel()
	// Behind its @ the domain is no link for X; at the start of a part it is one, of 23.
	parts, err := richtext.Fit("xxxxxxxxxx@e.com", richtext.X(), 11, richtext.ModeSplit)
	require.NoError(t, err)
	require.Equal(t, []string{"xxxxxxxxxx@", "e.", "com"}, parts)
}
