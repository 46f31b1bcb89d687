package discord // the translation has no door of its own

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestMarkdownBecomesDiscords(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ markdown, want string }{
		"plain text":              {"Hello, world", "Hello, world"},
		"styles":                  {"**a** *b* ***c*** <u>d</u> <del>e</del> <strong>f</strong>g<em>h</em>", "**a** *b* ***c*** __d__ ~~e~~ **f**g*h*"},
		"escapes":                 {`2 \* 3 \_a\_ \[b\] 1\. \# \\`, `2 \* 3 \_a\_ \[b\] 1\. \# \\`},
		"entities":                {"&lt;@1&gt; &amp; &#126;&#126;a&#126;&#126; &#124;&#124;b &#58;x: &#61;", `\<@1\> & \~\~a\~\~ \|\|b \:x: =`},
		"an entity in a link":     {"[a](https://a.example/?b=1&amp;c=2)", "[a](https://a.example/?b=1&c=2)"},
		"a bare link":             {"See <https://a.example/b_c>", "See https://a.example/b_c"},
		"a link with an end":      {"(<https://a.example/b>) <https://a.example> x", "(<https://a.example/b>) https://a.example x"},
		"a picture":               {"![A cat](https://a.example/c.png) ![](https://a.example/?a=1&amp;d.png)", "[A cat](https://a.example/c.png) https://a.example/?a=1&d.png"},
		"headings":                {"# a\n\n### b\n\n#### c\n\n###### d\n\n####### e", "# a\n\n### b\n\n### c\n\n### d\n\n####### e"},
		"lists":                   {"-   a\n-   b\n    1.  c\n    2.  <u>d</u>", "- a\n- b\n    1. c\n    2. __d__"},
		"two lists":               {"-   a\n\n<!-- -->\n\n1.  b", "- a\n\n1. b"},
		"a quote":                 {"> a &amp; b\n>\n> #### c", "> a & b\n>\n> ### c"},
		"a hard break":            {"a  \nb", "a\nb"},
		"code is left alone":      {"`<u>&amp;` ``a_b`c&lt;`` &amp;", "`<u>&amp;` ``a_b`c&lt;`` &"},
		"a fence is left alone":   {"```\n#### a &amp;\n\n<!-- -->\n-   b  \n```\n#### c", "```\n#### a &amp;\n\n<!-- -->\n-   b  \n```\n### c"},
		"a longer fence":          {"````\n```\n&lt;\n````\n&lt;", "````\n```\n&lt;\n````\n\\<"},
		"a table":                 {"| a | b |\n| --- | --- |\n| 1&#124;2 | c<br>d |", "| a | b |\n| --- | --- |\n| 1\\|2 | c d |"},
		"signs that mean nothing": {"a < b & c ! `d \\", "a < b & c ! `d \\"},
		"an escaped backtick":     {"\\`a &amp; b\\`", "\\`a & b\\`"},
	} {
		require.Equal(t, test.want, dialect(test.markdown), name)
	}
}

func FuzzDialectIsNeverLonger(f *testing.F) {
	for _, seed := range []string{"#### a", "&#126;", "<https://a>", "![](a)", "```\n&amp;\n```", "-   > 1.  #### b", "``", "\\", "&#0;&#1114111;", "<!-- -->\n\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, markdown string) {
		if !utf8.ValidString(markdown) {
			return
		}
		text := dialect(markdown)
		require.True(t, utf8.ValidString(text))
		require.LessOrEqual(t, utf8.RuneCountInString(text), utf8.RuneCountInString(markdown))
		code := "```\n" + strings.ReplaceAll(markdown, "`", "") + "\n```"
		require.Equal(t, code, dialect(code))
	})
}
