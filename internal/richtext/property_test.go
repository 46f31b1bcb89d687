package richtext_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
	"golang.org/x/text/unicode/norm"

	"github.com/switchhook/switchhook/internal/richtext"
)

// rounds is how many random documents and texts each property is tried on.
const rounds = 400

func generator(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 5)) }

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// words returns random words; each is unique in its text, so that order and loss can be seen.
func words(r *rand.Rand, n int) []string {
	list := make([]string, n)
	for i := range list {
		stem := pick(r, "a", "Wort", "слово", "日本語", "ไทย", "한국어", "שלום", "é", family, "👍🏽", "🇩🇪", "x_y", "3.14", "don't", "e\u0301\u0323")
		switch r.IntN(12) {
		case 0:
			list[i] = fmt.Sprintf("https://example.com/%s?n=%d", strings.Repeat("p/", r.IntN(8)), i)
		case 1:
			list[i] = fmt.Sprintf("e%d.example.com", i)
		case 2:
			list[i] = fmt.Sprintf("@n%d@example.social", i)
		case 3:
			list[i] = fmt.Sprintf("%s%d", strings.Repeat(stem, 1+r.IntN(60)), i)
		default:
			list[i] = fmt.Sprintf("%s%d", stem, i)
		}
	}
	return list
}

// randomText joins words with what stands between words, sentences and paragraphs.
func randomText(r *rand.Rand) (text string, list []string) {
	list = words(r, 1+r.IntN(80))
	var out strings.Builder
	for _, word := range list {
		out.WriteString(word)
		out.WriteString(pick(r, " ", " ", " ", "  ", "\n", "\n\n", ". ", "! ", ", ", "\r\n", "\t"))
	}
	return out.String(), list
}

func counters() map[string]richtext.Counter {
	return map[string]richtext.Counter{
		"runes": richtext.Runes(), "utf16": richtext.UTF16(), "graphemes": richtext.Graphemes(),
		"x": richtext.X(), "mastodon": richtext.Mastodon(23),
	}
}

// withoutSpace drops white space: all that splitting may lose.
func withoutSpace(s string) string { return strings.Join(strings.Fields(s), "") }

func TestPartsHoldTheWholeTextWithinTheirLimit(t *testing.T) {
	t.Parallel()
	r := generator(1)
	for range rounds / 4 {
		text, list := randomText(r)
		limit := 60 + r.IntN(400)
		for name, counter := range counters() {
			parts, err := richtext.Fit(text, counter, limit, richtext.ModeSplit)
			require.NoError(t, err)
			require.Equal(t, withoutSpace(text), withoutSpace(strings.Join(parts, "\n")), name)
			requireWholeParts(t, parts, counter, limit, text)
			requireWholeLinks(t, parts, list)

			numbered, err := richtext.Fit(text, counter, limit, richtext.ModeSplitNumbered)
			require.NoError(t, err)
			requireWholeParts(t, numbered, counter, limit, "")
			for i := range numbered {
				if len(numbered) > 1 {
					end := fmt.Sprintf(" (%d/%d)", i+1, len(numbered))
					require.True(t, strings.HasSuffix(numbered[i], end), "%q ends with %q", numbered[i], end)
					numbered[i] = strings.TrimSuffix(numbered[i], end)
				}
			}
			require.Equal(t, withoutSpace(text), withoutSpace(strings.Join(numbered, "\n")), name)
			requireWholeLinks(t, numbered, list)
		}
	}
}

// requireWholeParts checks that parts fit, are not blank and, where their text is given, start and end between its grapheme clusters.
func requireWholeParts(t *testing.T, parts []string, counter richtext.Counter, limit int, text string) {
	t.Helper()
	boundaries := boundariesOf(text)
	at := 0
	for _, part := range parts {
		require.LessOrEqual(t, richtext.Count(part, counter), limit)
		require.NotEmpty(t, strings.TrimSpace(part))
		require.Equal(t, strings.TrimRightFunc(part, unicode.IsSpace), part)
		first, _, _, _ := uniseg.FirstGraphemeClusterInString(part, -1)
		require.NotEmpty(t, strings.TrimSpace(first))
		if text != "" {
			at += strings.Index(text[at:], part)
			require.Contains(t, boundaries, at)
			at += len(part)
			require.Contains(t, boundaries, at)
		}
	}
}

// boundariesOf returns the places between grapheme clusters.
func boundariesOf(text string) map[int]bool {
	places := map[int]bool{0: true}
	at, state := 0, -1
	for text != "" {
		var cluster string
		cluster, text, _, state = uniseg.FirstGraphemeClusterInString(text, state)
		at += len(cluster)
		places[at] = true
	}
	return places
}

func requireWholeLinks(t *testing.T, parts, list []string) {
	t.Helper()
	all := strings.Join(parts, "\x00")
	for _, word := range list {
		if strings.Contains(word, "example.com") {
			require.Contains(t, all, word)
		}
	}
}

func TestATruncatedTextIsAStartOfTheText(t *testing.T) {
	t.Parallel()
	r := generator(2)
	for range rounds / 4 {
		text, list := randomText(r)
		limit := 60 + r.IntN(200)
		for name, counter := range counters() {
			parts, err := richtext.Fit(text, counter, limit, richtext.ModeTruncate)
			require.NoError(t, err)
			require.Len(t, parts, 1)
			require.LessOrEqual(t, richtext.Count(parts[0], counter), limit, name)
			start, isCut := strings.CutSuffix(parts[0], "…")
			require.Equal(t, isCut, richtext.Count(strings.TrimSpace(text), counter) > limit)
			start = strings.TrimSpace(start)
			require.NotEmpty(t, start)
			require.True(t, strings.HasPrefix(text, start))
			require.Contains(t, boundariesOf(text), len(start))
			for _, word := range list {
				if from := strings.Index(text, word); strings.Contains(word, "example.com") && from < len(start) {
					require.LessOrEqual(t, from+len(word), len(start), "%q is cut", word)
				}
			}
		}
	}
}

// randomHTML makes a document, often broken, of elements of all kinds around the words that it returns.
func randomHTML(r *rand.Rand) (input string, list []string) {
	list = make([]string, 1+r.IntN(60))
	var out strings.Builder
	out.WriteString("<p>")
	for i := range list {
		for range r.IntN(4) {
			name := pick(r, "p", "div", "h2", "ul", "ol", "li", "li", "blockquote", "table", "tr", "td", "th", "b", "i", "u", "s", "code", "br", "hr",
				"span", "pre", "x-y", "caption", "dl", "dd")
			out.WriteString(pick(r, "<"+name+">", "</"+name+">", "<"+name+" class='a>b'>", " ", "\n", "<a href='https://example.com/l'>", "</a>",
				"<!-- c -->", "<script>var script = '<p>'</script>", "<img src='https://example.com/i.png' alt=''>", "&nbsp;"))
		}
		list[i] = fmt.Sprintf("%s%d", pick(r, "w", "Ü", "字", "*", "_x", "`", "[", "#", "1.", "&lt;", "|", "~~", "-", "!", "\\", "&amp;amp;"), i)
		out.WriteString(" " + list[i] + pick(r, " ", " ", "\n", "<br>"))
	}
	for i := range list {
		list[i] = html.UnescapeString(list[i])
	}
	return out.String(), list
}

func requireInOrder(t *testing.T, text string, list []string, input string) {
	t.Helper()
	rest := text
	for _, word := range list {
		at := strings.Index(rest, word)
		require.GreaterOrEqual(t, at, 0, "%q is missing or not in order in %q, written of %q", word, text, input)
		rest = rest[at+len(word):]
	}
}

func TestAllWordsOfADocumentAreInItsPlainTextInOrder(t *testing.T) {
	t.Parallel()
	r := generator(3)
	for range rounds {
		input, list := randomHTML(r)
		text := richtext.Plain(richtext.Parse(input), richtext.PlainOptions{})
		requireInOrder(t, text, list, input)
		for _, markup := range []string{"<p", "</", "<b", "<!--", "class=", "script", "&nbsp;"} {
			require.NotContains(t, text, markup, input)
		}
		require.True(t, norm.NFC.IsNormalString(text))
	}
}

func TestAnHTMLOfADocumentIsReadAsTheSameWords(t *testing.T) {
	t.Parallel()
	r := generator(4)
	for range rounds {
		input, list := randomHTML(r)
		doc := richtext.Parse(input)
		again := richtext.Parse(richtext.HTML(doc))
		options := richtext.PlainOptions{NoImages: true}
		requireInOrder(t, richtext.Plain(again, options), list, input)
		require.Equal(t, withoutSpace(richtext.Plain(doc, options)), withoutSpace(richtext.Plain(again, options)), input)
		requireAllowed(t, richtext.HTML(doc))
	}
}

// requireAllowed checks that an HTML has only elements and attributes of the model.
func requireAllowed(t *testing.T, document string) {
	t.Helper()
	tokens := html.NewTokenizer(strings.NewReader(document))
	for kind := tokens.Next(); kind != html.ErrorToken; kind = tokens.Next() {
		token := tokens.Token()
		require.NotContains(t, []html.TokenType{html.CommentToken, html.DoctypeToken}, kind)
		if kind == html.TextToken {
			continue
		}
		require.Contains(t, []string{
			"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "hr", "img", "table", "tr",
			"td", "th", "br", "strong", "em", "u", "del", "a",
		}, token.Data)
		for _, attr := range token.Attr {
			require.Contains(t, []string{"href", "src", "alt", "start"}, attr.Key)
			if attr.Key == "href" || attr.Key == "src" {
				require.Regexp(t, `^(https?://|mailto:|tel:)`, attr.Val)
			}
		}
	}
}

func TestMarkdownOfPlainTextHasNoMarkup(t *testing.T) {
	t.Parallel()
	r := generator(5)
	for range rounds {
		var in strings.Builder
		for range 1 + r.IntN(40) {
			in.WriteString(pick(r, "a", "b", "1", "*", "_", "`", "[", "]", "(", ")", "#", "+", "-", ".", "!", "~", "|", "=", ":", "\\", "\n", " ", "<3", ">", "&"))
		}
		out := richtext.Markdown(richtext.Parse(in.String()))
		unescaped := strings.NewReplacer(`\\`, "", `\*`, "", `\_`, "", "\\`", "", `\[`, "", `\]`, "", `\#`, "", `\+`, "", `\-`, "", `\.`, "", `\)`, "", `\!`, "").Replace(out)
		require.False(t, strings.ContainsAny(unescaped, "*_`[]<>~|\\"), "%q of %q", out, in.String())
		for line := range strings.SplitSeq(out, "\n") {
			require.False(t, line != "" && strings.ContainsAny(line[:1], "#+-=: "), "%q of %q", line, in.String())
			require.NotRegexp(t, `^[0-9]+[.)]`, line)
		}
	}
}

// hostile returns inputs of about a size that make naive parsers slow, deep or large.
func hostile(size int) map[string]string {
	times := func(s string) string { return strings.Repeat(s, size/len(s)+1) }
	long := "https://example.com/" + strings.Repeat("a", 4000)
	return map[string]string{
		"divs":            times("<div>"),
		"quotes":          times("<blockquote>a"),
		"lists":           times("<ul><li>a"),
		"tables":          times("<table><tr><td>a"),
		"items":           times("<li>"),
		"open styles":     strings.Repeat("<b><i><font color=x>", size/40) + strings.Repeat("<p>a", size/8),
		"styles":          times("<b>a</b>c"),
		"misnested":       times("<b><p></b><i></p></i>a"),
		"links":           times("<a href='https://e.com'>a"),
		"long link":       "<a href='" + long + "'>" + times("a<br>b<i>c</i>d"),
		"long links":      "<a href='" + long + "'>" + times("<p>a"),
		"breaks":          strings.Repeat("<ul><li><blockquote>", 30) + times("a<br>"),
		"rows":            "<table><tr>" + strings.Repeat("<td>a", size/20) + strings.Repeat("<tr><td>b", size/12),
		"attributes":      "<p " + times("a=b ") + ">",
		"less-than":       times("<"),
		"open tag":        "<p>" + times("<a "),
		"comments":        "<p>" + times("<!--"),
		"open scripts":    times("<script></scrip"),
		"svg":             times("<svg>"),
		"entities":        "<p>" + times("&amp;&#x1F600;&nosuch"),
		"plain entities":  times("&amp;&"),
		"marks":           "a" + times("\u0301"),
		"joiners":         times("👩\u200D"),
		"flags":           times("🇩"),
		"dots":            times("a."),
		"domains":         times("a.com"),
		"schemes":         times("http://"),
		"parentheses":     "https://e.com/" + times("("),
		"pairs":           "https://e.com/" + times("(a)"),
		"mentions":        times("@a@b.c"),
		"colons":          times("://"),
		"full stops":      times("."),
		"spaces":          "a" + times(" ") + "b",
		"newlines":        "a" + times("\n") + "b",
		"backticks":       "<p><code>" + times("` ") + "</code>",
		"emphasis":        times("*a_"),
		"one word":        times("a"),
		"links in a line": times("https://e.com/a "),
		"not UTF-8":       times("\xff<"),
	}
}

func TestHostileInputsStayBounded(t *testing.T) {
	t.Parallel()
	const size = 20_000
	for name, input := range hostile(size) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := richtext.Parse(input)
			require.LessOrEqual(t, depth(doc.Blocks), 40)
			for _, out := range []string{richtext.Plain(doc, richtext.PlainOptions{}), richtext.Markdown(doc), richtext.HTML(doc)} {
				require.True(t, utf8.ValidString(out))
				require.LessOrEqual(t, len(out), 30*len(input))
			}
			for _, counter := range counters() {
				_, err := richtext.Fit(input, counter, 280, richtext.ModeSplitNumbered)
				if err != nil {
					var unbreakable *richtext.UnbreakableError
					require.ErrorAs(t, err, &unbreakable)
				}
			}
		})
	}
}

func depth(blocks []richtext.Block) int {
	deepest := 0
	for _, block := range blocks {
		deepest = max(deepest, 1+depth(block.Blocks))
		for _, item := range block.Items {
			deepest = max(deepest, 1+depth(item))
		}
	}
	return deepest
}

func TestAnInputThatIsTooLongIsCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	doc := richtext.Parse("a" + strings.Repeat("日", richtext.MaxBytes/3+5))
	require.True(t, doc.Cut)
	text := richtext.Plain(doc, richtext.PlainOptions{})
	require.LessOrEqual(t, len(text), richtext.MaxBytes)
	require.True(t, strings.HasSuffix(text, "日"))
	require.False(t, richtext.Parse(strings.Repeat("a", richtext.MaxBytes)).Cut)
	require.True(t, richtext.Parse("").Empty())
	require.False(t, richtext.Parse("<hr>").Empty())
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' })
}
