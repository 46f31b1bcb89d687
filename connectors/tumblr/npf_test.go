package tumblr

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestHTMLBecomesBlocks(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"":                             `null`,
		"<p></p><hr>":                  `null`,
		"<p>a\n b<br>c</p>\n<p>d </p>": `[{"type":"text","text":"a b\nc"},{"type":"text","text":"d"}]`,
		"<h1>A</h1><h3>B</h3>":         `[{"type":"text","subtype":"heading1","text":"A"},{"type":"text","subtype":"heading2","text":"B"}]`,
		`<p>日本 <a href="https://a.example/?b=1&amp;c=2"><em>x</em> y</a>!</p>`: `[{"type":"text","text":"日本 x y!","formatting":[
			{"start":3,"end":4,"type":"italic"},{"start":3,"end":6,"type":"link","url":"https://a.example/?b=1&c=2"}]}]`,
		"<p><del>a</del> <strong>b </strong></p>": `[{"type":"text","text":"a b","formatting":[{"start":0,"end":1,"type":"strikethrough"},{"start":2,"end":3,"type":"bold"}]}]`,
		"<ul><li>a<ol><li>b</li></ol></li><li><p>c</p></li></ul>": `[{"type":"text","subtype":"unordered-list-item","text":"a"},
			{"type":"text","subtype":"ordered-list-item","text":"b","indent_level":1},{"type":"text","subtype":"unordered-list-item","text":"c"}]`,
		"<blockquote><p>q</p></blockquote>":                               `[{"type":"text","subtype":"indented","text":"q"}]`,
		"<pre><code>a  b\n  c</code></pre>":                               `[{"type":"text","text":"a  b\n  c"}]`,
		"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>": `[{"type":"text","text":"a | b"},{"type":"text","text":"c"}]`,
		`<p><img src="https://a.example/a.png" alt="cat"></p>`:            `[{"type":"text","text":"cat","formatting":[{"start":0,"end":3,"type":"link","url":"https://a.example/a.png"}]}]`,
	} {
		got, err := json.Marshal(blocksOf(source))
		require.NoError(t, err)
		require.JSONEq(t, want, string(got), source)
	}
}

func TestALongParagraphIsDividedBetweenWords(t *testing.T) {
	t.Parallel()
	blocks := blocksOf("<p><strong>" + strings.Repeat("wörd ", 2000) + "</strong></p>")
	require.Len(t, blocks, 3)
	words := 0
	for _, b := range blocks {
		length := utf8.RuneCountInString(b.Text)
		require.LessOrEqual(t, length, maxBlock)
		require.Equal(t, []formatting{{Start: 0, End: length, Type: "bold"}}, b.Formatting)
		for _, word := range strings.Fields(b.Text) {
			require.Equal(t, "wörd", word)
			words++
		}
	}
	require.Equal(t, 2000, words)
}

func FuzzBlocksAreWithinTumblrsLimits(f *testing.F) {
	for _, seed := range []string{"<p>a</p>", "<ul><li>a<b>c</b></ul>", "<pre> a\n", "<a href=x>y<br>", "\xff<p", strings.Repeat("a ", 5000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		for _, b := range blocksOf(source) {
			length := utf8.RuneCountInString(b.Text)
			require.Positive(t, length)
			require.LessOrEqual(t, length, maxBlock)
			for _, r := range b.Formatting {
				require.True(t, 0 <= r.Start && r.Start < r.End && r.End <= length, r)
			}
		}
	})
}
