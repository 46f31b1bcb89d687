package richtext_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/richtext"
)

// TestOneDocumentWithEverythingIsWrittenInEachForm compares with files: testdata/everything.html is the input.
func TestOneDocumentWithEverythingIsWrittenInEachForm(t *testing.T) {
	t.Parallel()
	doc := richtext.Parse(read(t, "everything.html"))
	require.Equal(t, read(t, "everything.txt"), richtext.Plain(doc, richtext.PlainOptions{})+"\n")
	require.Equal(t, read(t, "everything.md"), richtext.Markdown(doc)+"\n")
	require.Equal(t, read(t, "everything.clean.html"), richtext.HTML(doc)+"\n")
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return string(content)
}

func TestWhatIsWrittenAsHTMLIsReadAsTheSameDocument(t *testing.T) {
	t.Parallel()
	doc := richtext.Parse(read(t, "everything.html"))
	require.Equal(t, doc, richtext.Parse(richtext.HTML(doc)))
}

func TestPlainTextIsKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"newlines":             {"one\ntwo\r\nthree\r\r\n\n\nfour", "one\ntwo\nthree\n\nfour"},
		"spaces":               {"a  b   c \n  d", "a  b   c\n  d"},
		"no tag":               {"1 < 2 > 0, I <3 you, </3, <- ->", "1 < 2 > 0, I <3 you, </3, <- ->"},
		"placeholder":          {"Dear <name>, <your@mail.example>", "Dear <name>, <your@mail.example>"},
		"entities":             {"Tom &amp; Jerry &lt;b&gt; &#128512;", "Tom & Jerry <b> 😀"},
		"entities of entities": {"&amp;amp;", "&amp;"},
		"no entity":            {"https://e.com/?a=1&copy=2&reg AT&T &nosuch; &", "https://e.com/?a=1&copy=2&reg AT&T &nosuch; &"},
		"controls":             {"a\x00b\x07c\u0085d\u2028e\ufefff", "abc\nd\nef"},
		"not UTF-8":            {"a\xffb", "a\uFFFDb"},
		"NFC":                  {"e\u0301", "é"},
		"blank":                {" \n\t\u00a0\u200b\n", ""},
	} {
		require.Equal(t, c.want, richtext.Plain(richtext.Parse(c.in), richtext.PlainOptions{}), name)
	}
}

func TestHTMLBecomesPlainText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"newlines between inline elements":   {"one\n<b>two</b>\n\nthree", "one\ntwo\n\nthree"},
		"newlines between block elements":    {"<p>one\ntwo</p>\n<p>three</p>", "one two\n\nthree"},
		"blocks do not touch":                {"<div>a</div>b<h2>c</h2>d<p>e", "a\n\nb\n\nc\n\nd\n\ne"},
		"breaks":                             {"a<br>b<br/><br>c</br>d", "a\nb\n\nc\nd"},
		"entities":                           {"<p>a &lt;b&gt; &amp;amp; &copy;&nbsp;c</p>", "a <b> &amp; © c"},
		"unknown elements":                   {"<p>a <o:p>b</o:p> <my-thing>c</my-thing></p>", "a b c"},
		"comment":                            {"a<!-- b -->c", "ac"},
		"script and style":                   {"<style>p{}</style>a<script>alert('</b>')</script>b<iframe src=x>c</iframe>", "ab"},
		"script that nobody closes":          {"<p>a<script>b<p>c", "a"},
		"svg":                                {"<p>a<svg><title>t</title><svg><text>b</text></svg>c</svg>d</p><svg/>e", "ad\n\ne"},
		"javascript":                         {`<a href="javascript:alert(1)">a</a> <a href="java&#10;script:x">b</a> <a href=" data:text/html,x">c</a>`, "a b c"},
		"javascript with a control":          {"<a href='\x01java\x00script:x'>a</a>", "a"},
		"relative link":                      {`<a href="/about">a</a> <a href="#x">b</a> <a name=x>c</a>`, "a b c"},
		"link":                               {`<a href="https://e.com/x">text</a>.`, "text (https://e.com/x)."},
		"link that is its text":              {`<a href="https://e.com/">e.com</a>`, "https://e.com/"},
		"link that would touch words":        {`see<a href="https://e.com">https://e.com</a>now`, "see https://e.com now"},
		"link without scheme":                {`<a href="//e.com">a</a>`, "a (https://e.com)"},
		"link with space and quote":          {`<a href='https://e.com/a b"c'>a</a>`, "a (https://e.com/a%20b%22c)"},
		"mail and telephone":                 {`<a href="mailto:a@e.com">write</a> <a href="tel:+491">+491</a>`, "write (a@e.com) +491"},
		"link around blocks":                 {`<a href="https://e.com"><h3>a</h3><p>b</p></a>`, "a (https://e.com)\n\nb"},
		"link that nobody closes":            {`<p><a href="https://e.com">a<p>b`, "a (https://e.com)\n\nb"},
		"styles inside of a link":            {`<a href="https://e.com">a <b>b</b> c</a>`, "a b c (https://e.com)"},
		"lines of one link":                  {`<a href="https://e.com">a<br>b</a>`, "a\nb (https://e.com)"},
		"link over two lines":                {`<a href="https://e.com">a<br></a>b`, "a (https://e.com)\nb"},
		"image":                              {`a<img src="https://e.com/i.png" alt="cat">b`, "a cat b"},
		"image that is an emoji":             {`a<img src="https://e.com/i.png" alt="😀">b`, "a😀b"},
		"linked image":                       {`<a href="https://e.com"><img src="data:x"></a>`, ""},
		"lists that nobody closes":           {"<ul><li>a<ul><li>b<li>c</ul><li>d<ol><li>e", "• a\n  • b\n  • c\n• d\n  1. e"},
		"items without a list":               {"<li>a<li>b", "• a\n• b"},
		"text in a list":                     {"<ul>a<li>b</ul>c", "• a\n• b\n\nc"},
		"ordered from":                       {"<ol start=9><li>a<li>b</ol>", "9. a\n10. b"},
		"ordered from nonsense":              {"<ol start=-99999999999999999999><li>a</ol>", "1. a"},
		"quote":                              {"<blockquote>a<p>b</blockquote>c", "> a\n>\n> b\n\nc"},
		"code":                               {"<pre>\n a\n  <b>b</b>\n</pre>c", " a\n  b\n\nc"},
		"table":                              {"<table><caption>c<tr><th>a<th>b<tbody><tr><td>1<td><p>2<p>3</table>", "c\na | b\n1 | 2 / 3"},
		"table in a table":                   {"<table><tr><td>a<table><tr><td>b<td>c</table>d<td>e</table>f", "a / b / c / d | e\n\nf"},
		"list in a table":                    {"<table><tr><td><ul><li>a<li>b</ul><td>c</table>", "• a / • b | c"},
		"text in a table":                    {"<table>a<tr>b<td>c</table>", "a\nb | c"},
		"end tags alone":                     {"a</p></ul></li></blockquote></table></td></b></a></h1></pre>b", "a\n\nb"},
		"tag that never ends":                {"<p>a<b", "a"},
		"heading that nobody closes":         {"<h1>a<p>b", "a\n\nb"},
		"definitions":                        {"<dl><dt>a<dd>b<dt>c</dl>", "a\n\nb\n\nc"},
		"rule":                               {"a<hr>b", "a\n\n———\n\nb"},
		"white space":                        {"<p>  a <b> b </b>\n c  </p>", "a b c"},
		"only white space":                   {"<p> &nbsp; </p><p><br></p><ul><li></li></ul><table><tr><td></table>", ""},
		"newline as an entity":               {"<p>a&#10;b&#0;&#7;c</p>", "a b\uFFFDc"},
		"composed over a tag":                {"<b>e</b>&#x301;", "é"},
		"everything else in upper case, too": {"<P>a<BR>b<SCRIPT>x</SCRIPT></P>", "a\nb"},
	} {
		require.Equal(t, c.want, richtext.Plain(richtext.Parse(c.in), richtext.PlainOptions{}), name)
	}
}

func TestPlainTextLeavesOutWhatItIsTold(t *testing.T) {
	t.Parallel()
	doc := richtext.Parse(`<a href="https://e.com">text</a> <img src="https://e.com/i.png" alt="cat">end`)
	require.Equal(t, "text end", richtext.Plain(doc, richtext.PlainOptions{NoLinks: true, NoImages: true}))
	require.Equal(t, "text cat end", richtext.Plain(doc, richtext.PlainOptions{NoLinks: true}))
}

func TestATitleIsOneLine(t *testing.T) {
	t.Parallel()
	require.Equal(t, "A & B C link <x>", richtext.StripTitle(" <h1>A &amp; <b>B</b></h1>\n<p>C <a href='https://e.com'>link</a>\n&lt;x&gt;<img src=https://e.com/i alt=no>"))
	require.Equal(t, "a b c", richtext.StripTitle("a\n\nb\tc"))
	require.Empty(t, richtext.StripTitle("<p> </p>"))
}

func TestMarkdownEscapesWhatWouldBeMarkup(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"# a":                                    `\# a`,
		"- a\n+ b\n* c":                          "\\- a  \n\\+ b  \n\\* c",
		"1. a\n12) b":                            "1\\. a  \n12\\) b",
		"a\n===\nb\n---":                         "a  \n&#61;==  \nb  \n\\---",
		"> a":                                    "&gt; a",
		"*a* _b_ `c` [d](e) ![f](g) <i":          "\\*a\\* \\_b\\_ \\`c\\` \\[d\\](e) !\\[f\\](g) &lt;i",
		"&amp;copy; ~~a~~ a|b \\*":               "&amp;copy; &#126;&#126;a&#126;&#126; a&#124;b \\\\\\*",
		"    code\n\tcode":                       "code  \ncode",
		"~~~":                                    "&#126;&#126;&#126;",
		"see https://e.com/a_b*c&d.":             "see <https://e.com/a_b*c&d>.",
		"<p>a *<b>b</b>*</p>":                    `a \*<strong>b</strong>\*`,
		"<p>wow!<a href=https://e.com>x</a></p>": `wow\![x](https://e.com)`,
		"<a href=https://e.com>see https://e.com/a_b here</a>": `[see https://e.com/a\_b here](https://e.com)`,
		"<p>a<b>b</b>c</p>":              "a<strong>b</strong>c",
		"<p><b>a</b><i>b</i></p>":        "<strong>a</strong><em>b</em>",
		"<p><b><i>a</i></b> b</p>":       "***a*** b",
		"<p><b> a </b>b</p>":             "**a** b",
		"<p><code>``</code></p>":         "``` `` ```",
		"<h2>a # b #</h2>":               `## a \# b \#`,
		"<ul><li><hr>a</ul>":             "-   ***\n\n    a",
		"<pre>a<br> </pre>":              "```\na\n```",
		"<pre>a\n```\nb</pre>":           "````\na\n```\nb\n````",
		"<ul><li>a</ul><ul><li>b</ul>":   "-   a\n\n<!-- -->\n\n-   b",
		"<ul><li>a<pre>b\n c</pre></ul>": "-   a\n\n    ```\n    b\n     c\n    ```",
	} {
		require.Equal(t, want, richtext.Markdown(richtext.Parse(in)), in)
	}
}

func TestHTMLIsOnlyWhatIsAllowed(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a < b & \"c\"\nd":                                             "<p>a &lt; b &amp; &#34;c&#34;<br>d</p>",
		`<p onclick="x" style="y" class=z>a</p>`:                       "<p>a</p>",
		`<a href="https://e.com/?a=1&amp;b='2" target=_blank>a</a>`:    `<p><a href="https://e.com/?a=1&amp;b=&#39;2">a</a></p>`,
		`<img src="https://e.com/i.png" onerror=alert(1) alt='"><b>'>`: `<p><img src="https://e.com/i.png" alt="&#34;&gt;&lt;b&gt;"></p>`,
		`<img src="javascript:x" alt=a><img src="data:x">`:             "<p>a</p>",
		`<p>&lt;script&gt;</p>`:                                        "<p>&lt;script&gt;</p>",
		"<form><input value=x><button>b</button></form>":               "<p>b</p>",
	} {
		require.Equal(t, want, richtext.HTML(richtext.Parse(in)), in)
	}
}

func TestALinkThatIsFarTooLongIsItsText(t *testing.T) {
	t.Parallel()
	doc := richtext.Parse(`<a href="https://e.com/` + strings.Repeat("a", 4096) + `">text</a>`)
	require.Equal(t, "text", richtext.Plain(doc, richtext.PlainOptions{}))
}
