package media_test

import (
	"mime"
	"path"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/media"
)

func TestNamesFromOutsideBecomeHarmless(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"cat.png":                        "cat.png",
		"../../etc/passwd":               "passwd.png",
		`C:\Windows\system32\evil.exe`:   "evil.exe",
		"":                               "file.png",
		"...":                            "file.png",
		"a\r\nSet-Cookie: x=1.png":       "aSet-Cookie_ x=1.png",
		`say "hi".png`:                   "say _hi_.png",
		"photo\u202egnp.exe":             "photognp.exe",
		"Überraschung für Zoë – 猫.jpg":   "Überraschung für Zoë – 猫.jpg",
		"name.":                          "name.png",
		"bad\xffutf8.gif":                "badutf8.gif",
		"100% sure; really.pdf":          "100% sure; really.pdf",
		strings.Repeat("x", 300) + ".gz": strings.Repeat("x", 97) + ".gz",
	} {
		header := media.Disposition(given, "image/png")
		kind, params, err := mime.ParseMediaType(header)
		require.NoError(t, err, header)
		require.Equal(t, "attachment", kind)
		require.Equal(t, want, params["filename"], header)
	}
	require.Contains(t, media.Disposition("", "text/plain; charset=utf-8"), `"file.txt"`)
	require.Contains(t, media.Disposition("", "nonsense"), `"file"`)
}

func FuzzDispositionIsAlwaysOneSafeHeader(f *testing.F) {
	for _, seed := range []string{"cat.png", "../x", "a\"b\r\nc", "\u202e", "%00", "'';filename=x", strings.Repeat("é", 200) + ".tar.gz"} {
		f.Add(seed, "image/png")
	}
	f.Fuzz(func(t *testing.T, name, contentType string) {
		header := media.Disposition(name, contentType)
		for _, r := range header {
			require.True(t, r >= ' ' && r <= '~', header)
		}
		kind, params, err := mime.ParseMediaType(header)
		require.NoError(t, err, header)
		require.Equal(t, "attachment", kind)
		given := params["filename"]
		require.NotEmpty(t, given)
		require.Equal(t, path.Base(given), given)
		require.LessOrEqual(t, utf8.RuneCountInString(given), 120)
		require.False(t, strings.ContainsFunc(given, unicode.IsControl))
	})
}
