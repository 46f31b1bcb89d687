package linkedin

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/linkedin/linkedintest"
)

func TestPlainTextIsEscapedButForHashtagsAndMentions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`a\b|c{d}e@f[g](h)<i>#*_~`:              `a\\b\|c\{d\}e\@f\[g\]\(h\)\<i\>\#\*\_\~`,
		"#News and #Neuigkeiten2 (#c)":          `#News and #Neuigkeiten2 \(#c\)`,
		"#हिन्दी #日本語":                          "#हिन्दी #日本語",
		"#snake_case":                           `{hashtag|\#|snake\_case}`,
		"no#tag #1 ##two #_":                    `no\#tag \#1 \#\#two \#\_`,
		"line\n#two":                            "line\n#two",
		"@[A_b (c)](urn:li:organization:12) hi": `@[A\_b \(c\)](urn:li:organization:12) hi`,
		"@[x](https://a.example)":               `\@\[x\]\(https://a.example\)`,
		"See https://a.example/b_c?d=~e#f":      `See https://a.example/b\_c?d=\~e\#f`,
		"mail@a.example":                        `mail\@a.example`,
		"":                                      "",
	} {
		require.Equal(t, want, little(text), text)
	}
}

// FuzzNothingIsCutOff checks with the stand-in's reader of little text that people see all of what was written.
func FuzzNothingIsCutOff(f *testing.F) {
	for _, seed := range []string{
		"Hello", `\|{}@[]()<>#*_~`, "#a #b_c #", "@[A](urn:li:organization:1)", "@[A_b](urn:li:person:x-_) #d", "{hashtag|\\#|x}", "#a#b", "\\", "(#a_b)", "é#ü", "@[[a]](urn:li:organization:1)",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		want := text
		for _, m := range marks().FindAllStringSubmatch(text, -1) {
			if m[1] != "" {
				want = strings.Replace(want, m[0], m[1], 1) // a mention is seen as its name
			}
		}
		require.Equal(t, want, linkedintest.Shown(little(text)))
	})
}
