package richtext_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"github.com/switchhook/switchhook/internal/richtext"
)

func FuzzParse(f *testing.F) {
	for _, input := range hostile(200) {
		f.Add(input)
	}
	f.Add("<p>a <b>b</b><ul><li>c<table><tr><td>d</table></ul><pre>e</pre><a href=//e.com>f</a>")
	f.Fuzz(func(t *testing.T, input string) {
		doc := richtext.Parse(input)
		document := richtext.HTML(doc)
		requireAllowed(t, document)
		for _, out := range []string{richtext.Plain(doc, richtext.PlainOptions{}), richtext.Markdown(doc), document} {
			require.True(t, utf8.ValidString(out))
			require.False(t, hasControl(out))
		}
		require.NotContains(t, richtext.StripTitle(input), "\n")
	})
}

func FuzzCountX(f *testing.F) {
	for _, text := range []string{"https://e.com/a(b)?c", family, "🇩🇪1️⃣", "e.com日本x@e.com", "http://http://e.com", "a\u0301\u0323"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n := richtext.Count(text, richtext.X())
		require.GreaterOrEqual(t, n, 0)
		require.LessOrEqual(t, n, max(2*utf8.RuneCountInString(norm.NFC.String(text)), 23*utf8.RuneCountInString(text)))
	})
}

func FuzzFit(f *testing.F) {
	f.Add("go to https://example.com/a/b, now. And "+family, uint8(40), uint8(3))
	f.Add("日本https://e.com/日本語@a@b.example", uint8(24), uint8(4))
	f.Add("a\u0301\u0301\u0301 e.com", uint8(3), uint8(0))
	f.Add("xxxxxxxxxx@e.com", uint8(11), uint8(3))
	f.Add(" \u0301a", uint8(2), uint8(0))
	modes := []richtext.Mode{richtext.ModeSplit, richtext.ModeSplitNumbered, richtext.ModeTruncate}
	f.Fuzz(func(t *testing.T, text string, limit, choice uint8) {
		if limit == 0 {
			limit = 1
		}
		list := []richtext.Counter{richtext.Runes(), richtext.UTF16(), richtext.Graphemes(), richtext.X(), richtext.Mastodon(23)}
		counter := list[int(choice)%len(list)]
		for _, mode := range modes {
			parts, err := richtext.Fit(text, counter, int(limit), mode)
			if err != nil {
				var unbreakable *richtext.UnbreakableError
				require.ErrorAs(t, err, &unbreakable)
				require.Greater(t, unbreakable.Length, unbreakable.Limit)
				continue
			}
			requireWholeParts(t, parts, counter, int(limit), "")
			if mode == richtext.ModeSplit {
				require.Equal(t, withoutSpace(strings.ToValidUTF8(text, "\uFFFD")), withoutSpace(strings.Join(parts, "\n")))
			}
		}
	})
}

func BenchmarkHostileInputs(b *testing.B) {
	for _, size := range []int{100_000, 1_000_000} {
		for name, input := range hostile(size) {
			b.Run(name+"/"+map[int]string{100_000: "100k", 1_000_000: "1M"}[size], func(b *testing.B) {
				b.SetBytes(int64(len(input)))
				for b.Loop() {
					doc := richtext.Parse(input)
					_ = richtext.Plain(doc, richtext.PlainOptions{})
					_ = richtext.Markdown(doc)
					_ = richtext.HTML(doc)
				}
			})
		}
	}
}

func BenchmarkFitHostileTexts(b *testing.B) {
	for _, size := range []int{20_000, 200_000} {
		for name, input := range hostile(size) {
			b.Run(name+"/"+map[int]string{20_000: "20k", 200_000: "200k"}[size], func(b *testing.B) {
				b.SetBytes(int64(len(input)))
				for b.Loop() {
					_, _ = richtext.Fit(input, richtext.X(), 280, richtext.ModeSplitNumbered)
				}
			})
		}
	}
}
