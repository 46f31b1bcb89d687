package richtext_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/richtext"
)

const family = "👩‍👩‍👧‍👦"

func TestCountersCountTheirUnits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][3]int{
		"":             {0, 0, 0},
		"abc\n":        {4, 4, 4},
		"e\u0301":      {2, 2, 1},
		"😀":            {1, 2, 1},
		family:         {7, 11, 1},
		"🇩🇪🇫🇷":         {4, 8, 2},
		"日本":           {2, 2, 2},
		"a\r\nb":       {4, 4, 3},
		"https://e.co": {12, 12, 12},
	} {
		require.Equal(t, want, [3]int{
			richtext.Count(text, richtext.Runes()),
			richtext.Count(text, richtext.UTF16()),
			richtext.Count(text, richtext.Graphemes()),
		}, text)
	}
	var zero richtext.Counter
	require.Equal(t, 7, richtext.Count(family, zero), "code points")
}

func TestXWeighsCharacters(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"":                0,
		"This is a test.": 15,
		"é":               1,
		"e\u0301":         1,
		"\u1100\u1161":    2, // composes to one Hangul syllable
		"Ж":               1,
		"שלום":            4,
		"日本語":             6,
		"저찀쯿쿿":            8,
		"“a” – b’":        8,
		"…":               2,
		"€":               2,
		"\u10FF":          1,
		"\u1100":          2,
		"\u200D":          1,
		"\U00010000":      2,
		"a\nb":            3,
	} {
		require.Equal(t, want, richtext.Count(text, richtext.X()), "%q", text)
	}
}

func TestXCountsAnEmojiAsTwo(t *testing.T) {
	t.Parallel()
	for _, emoji := range []string{
		"😀", "☺", "☺️", "❤️", "©", "®️", "1️⃣", "#⃣", "🇩🇪", "👍", "👍🏽", "✌🏿", "👩‍🚀", "👩🏽‍🚀", "🏳️‍🌈", "🏴‍☠️", "👁️‍🗨️", "🐻‍❄️", "🧑‍🤝‍🧑",
		"🧑🏿‍❤️‍💋‍🧑🏻", "🏃🏽‍♀️‍➡️", "🏴\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F", family,
	} {
		require.Equal(t, 2, richtext.Count(emoji, richtext.X()), emoji)
		require.Equal(t, 4, richtext.Count(emoji+" x", richtext.X()), emoji)
	}
	for sequence, want := range map[string]int{
		"🇦🇦":       4, // no country
		"🇩":        2,
		"🐶\u200D🐶": 5, // joined, but not an emoji that exists
		"🍕🏽":       4, // takes no skin tone
		"★️":       4, // no emoji
		"☺︎":       4, // asked for as text
		"a️":       3,
		"😀😀😀":      6,
	} {
		require.Equal(t, want, richtext.Count(sequence, richtext.X()), sequence)
	}
}

func TestXCountsALinkAs23(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 300)
	for text, want := range map[string]int{
		"http://test.com":             23,
		"HTTPS://Test.COM":            23,
		"https://test.com/" + long:    23,
		"test.com":                    23,
		"t.co":                        23,
		"foo.co.jp":                   23,
		"www.example.com/a?b=c&d=e#f": 23,
		"https://xn--bcher-kva.example.com/ü/Русские_слова":         23,
		"https://xn--80ak6aa92e.xn--p1ai":                           23,
		"https://e.com:8080/a/(b)/c":                                23,
		"Test https://test.com test https://test.com test.com test": 86,
		"https://e.com.":        24,
		"(https://e.com/a)":     25,
		"https://e.com/a).":     25,
		"see:https://e.com, ok": 31,
		"日本e.com":               4 + 23,
		"https://e.comです":       23 + 4,
		"a https://e.com/a日本":   2 + 23 + 4,
		"e.com e.com":           47,
		"e.com,e.com":           47,
		"e.com_x":               25,
		"e.com.nosuchtld":       23 + 10,
		"e.com?x=1":             23,
	} {
		require.Equal(t, want, richtext.Count(text, richtext.X()), text)
	}
}

func TestXCountsWhatIsNoLinkByItsCharacters(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"a.b", "e.nosuchtld", "1.5", "v1.2.3", "a@e.com", "me@mail.example.com", "...", "e.com@x", "-e.com", "_e.com", "/e.com", ".e.com", "e-.com",
		"$e.com", "#e.com", "e.com-x", "://", "http://", "https:/e", "e..", "and/or",
	} {
		require.Equal(t, len(text), richtext.Count(text, richtext.X()), text)
	}
}

func TestXCountsWhatMayBeALinkAsTheLongerOfBoth(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 30)
	for text, want := range map[string]int{
		"http://localhost":                           23,
		"http://localhost/" + long:                   17 + 30,
		"http://127.0.0.1":                           23,
		"https://日本.jp":                              23,
		"https://user:pw@e.com":                      23,
		"xhttps://e.com":                             24,
		"@https://e.com":                             24,
		"https://e.nosuchtld/" + long:                20 + 30,
		"https://e.com/" + strings.Repeat("a", 5000): 14 + 5000,
	} {
		require.Equal(t, want, richtext.Count(text, richtext.X()), text)
	}
}

func TestMastodonCountsGraphemesLinksAndLocalNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 300)
	for text, want := range map[string]int{
		"héllo " + family:                 7,
		"日本":                              2,
		"https://example.com/" + long:     23,
		"http://e.co":                     23,
		"example.com":                     11,
		"@gargron@mastodon.social hi":     11,
		"(@a@b.example)":                  4,
		"@a_b.c@d-e.example.":             7,
		"@a@b.example @c@d.example":       5,
		"@local":                          6,
		"mail a@b.example":                16,
		"a@b@c.example":                   13,
		"@@a@b.example":                   13,
		"@a@b":                            4,
		"@a@":                             3,
		"@ @":                             3,
		"@a@b.example@c.example":          2 + 10,
		"https://e.com/@a@b.example next": 28,
		"http://localhost/" + long:        317,
	} {
		require.Equal(t, want, richtext.Count(text, richtext.Mastodon(0)), text)
	}
	require.Equal(t, 40, richtext.Count("https://example.com", richtext.Mastodon(40)))
}
