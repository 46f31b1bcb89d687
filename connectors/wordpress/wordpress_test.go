package wordpress_test

import (
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/wordpress"
)

func TestASlugIsWordsAndAMark(t *testing.T) {
	t.Parallel()
	mark := wordpress.Mark(connectors.OutPost{ID: "tgt_1-0"})
	require.Regexp(t, `^[0-9a-f]{10}$`, mark)
	require.NotEqual(t, mark, wordpress.Mark(connectors.OutPost{ID: "tgt_2-0"}))
	for title, want := range map[string]string{
		"Hello, World!":           "hello-world-",
		"  5 things – and more? ": "5-things-and-more-",
		"Größe 日本":                "größe-日本-",
		"<b>":                     "b-",
		"":                        "post-",
		"…":                       "post-",
		strings.Repeat("a", 300):  strings.Repeat("a", 150) + "-",
		strings.Repeat("日", 300):  strings.Repeat("日", 16) + "-",
	} {
		slug, marked := wordpress.Slug(connectors.OutPost{ID: "tgt_1-0", Title: title})
		require.True(t, marked)
		require.Equal(t, want+mark, slug)
	}
	slug, marked := wordpress.Slug(connectors.OutPost{ID: "tgt_1-0", Title: "Hello", Options: map[string]string{"slug": "mine"}})
	require.False(t, marked)
	require.Equal(t, "mine", slug)
}

func FuzzASlugIsNeverCutByWordPress(f *testing.F) {
	for _, seed := range []string{"Hello", "Größe", "日本", "a\xffb", "- -", strings.Repeat("é-", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, title string) {
		post := connectors.OutPost{ID: "tgt_1-0", Title: title}
		slug, _ := wordpress.Slug(post)
		require.True(t, strings.HasSuffix(slug, "-"+wordpress.Mark(post)), slug)
		require.LessOrEqual(t, len(url.QueryEscape(slug)), 200)
	})
}

func TestContentIsTheTextAndTheFilesBelow(t *testing.T) {
	t.Parallel()
	files := []wordpress.File{{ID: 3, URL: "https://a.example/a.png?a=1&b=2", Alt: `a "b" <c>`}, {ID: 4, URL: "https://a.example/a.mp4", Video: true}}
	const below = "\n\n" + `<figure class="wp-block-image"><img src="https://a.example/a.png?a=1&amp;b=2" alt="a &#34;b&#34; &lt;c&gt;" class="wp-image-3"/></figure>` +
		"\n\n" + `<figure class="wp-block-video"><video controls src="https://a.example/a.mp4"></video></figure>`
	post := connectors.OutPost{Text: "**a**\n", HTML: "<p><strong>a</strong></p>\n"}
	content, warnings := wordpress.Content(post, wordpress.FormatMarkdown, files)
	require.Equal(t, "**a**"+below, content)
	require.Empty(t, warnings)
	content, _ = wordpress.Content(post, wordpress.FormatHTML, files)
	require.Equal(t, "<p><strong>a</strong></p>"+below, content)
	post.Options = map[string]string{"bodyFormat": "markdown"}
	content, _ = wordpress.Content(post, wordpress.FormatHTML, nil)
	require.Equal(t, "**a**", content)
	content, _ = wordpress.Content(connectors.OutPost{}, wordpress.FormatHTML, files)
	require.Equal(t, strings.TrimPrefix(below, "\n\n"), content)
	content, warnings = wordpress.Content(connectors.OutPost{Text: "a <b>\n\nc"}, wordpress.FormatHTML, nil)
	require.Equal(t, "<p>a &lt;b&gt;</p>\n<p>c</p>", content)
	require.Len(t, warnings, 1)
}

func TestTheFirstPictureIsTheFeaturedImage(t *testing.T) {
	t.Parallel()
	film, first, second := wordpress.File{ID: 1, Video: true}, wordpress.File{ID: 2}, wordpress.File{ID: 3}
	featured, others := wordpress.Featured(connectors.OutPost{}, []wordpress.File{film, first, second})
	require.EqualValues(t, 2, featured)
	require.Equal(t, []wordpress.File{film, second}, others)
	featured, others = wordpress.Featured(connectors.OutPost{}, []wordpress.File{film})
	require.Zero(t, featured)
	require.Equal(t, []wordpress.File{film}, others)
	featured, others = wordpress.Featured(connectors.OutPost{Options: map[string]string{"featuredImage": "no"}}, []wordpress.File{first})
	require.Zero(t, featured)
	require.Equal(t, []wordpress.File{first}, others)
}

func TestNamesComeOnce(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"Big News", "R&D"}, wordpress.Names(" Big  News,, R&D ,big news,r&d"))
	require.Empty(t, wordpress.Names(" , "))
}

func TestAFormIsAsLongAsItSays(t *testing.T) {
	t.Parallel()
	file := connectors.PostMedia{FileName: `a "b".png`, ContentType: "image/png", Size: 5}
	stream, err := wordpress.Form(file, strings.NewReader("12345"), "file", wordpress.FormField{Name: "alt_text", Value: "é"})
	require.NoError(t, err)
	_, parameters, err := mime.ParseMediaType(stream.ContentType)
	require.NoError(t, err)
	var body strings.Builder
	length, err := io.Copy(&body, stream.Body)
	require.NoError(t, err)
	require.Equal(t, stream.Length, length)
	form, err := multipart.NewReader(strings.NewReader(body.String()), parameters["boundary"]).ReadForm(1 << 20)
	require.NoError(t, err)
	require.Equal(t, []string{"é"}, form.Value["alt_text"])
	require.EqualValues(t, 5, form.File["file"][0].Size)
	require.Equal(t, "image/png", form.File["file"][0].Header.Get("Content-Type"))
}
