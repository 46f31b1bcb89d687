package wordpressorg_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/testenv"
)

const posts = "POST /wp-json/wp/v2/posts"

func TestAPostWithAPictureIsOnTheSite(t *testing.T) {
	t.Parallel()
	wp := testenv.WordPress(t)
	post, began := newPost(t, "Größe & \"Maß\" <b> 日本", "Hello")
	post.HTML = "<h2>Hello</h2>\n<p>a <strong>bold</strong> &lt;word&gt; &amp; <a href=\"https://example.test/?a=1&amp;b=2\">a link</a></p>"
	post.Media = []connectors.PostMedia{
		media("cat.png", "image/png", `A "grey" cat & <tail>`, picture(t)), media("dog.png", "image/png", `A "dog" & <bone>`, picture(t)),
	}
	published, err := publish(t, config(wp.URL, wp.Admin), post)
	require.NoError(t, err)
	require.Empty(t, published.Warnings)
	require.Equal(t, 1, *began)

	var got wpPost
	read(t, wp, "/wp-json/wp/v2/posts/"+published.ProviderID+"?context=edit", &got)
	require.Equal(t, published.URL, got.Link)
	require.Equal(t, "publish", got.Status)
	require.Contains(t, got.Content.Raw, post.HTML)
	var featured struct {
		Alt  string `json:"alt_text"`
		Mime string `json:"mime_type"`
	}
	read(t, wp, fmt.Sprintf("/wp-json/wp/v2/media/%d", got.Featured), &featured)
	require.Equal(t, "image/png", featured.Mime)
	require.Contains(t, featured.Alt, `A "grey" cat`)

	var page string
	read(t, wp, strings.TrimPrefix(published.URL, wp.URL), &page)
	require.Contains(t, page, "<strong>bold</strong> &lt;word&gt;")
	require.Contains(t, page, "&lt;b&gt; 日本</h1>")
	require.Contains(t, page, `alt="A &quot;grey&quot; cat &amp; &lt;tail&gt;"`, "the featured image's description")
	require.Contains(t, page, `alt="A &#34;dog&#34; &amp; &lt;bone&gt;"`, "the other one stands below the text")
}

func TestMarkdownGoesOutAsItIs(t *testing.T) {
	t.Parallel()
	wp := testenv.WordPress(t)
	post, _ := newPost(t, "In Markdown", "**bold** [a](https://example.test/)")
	settings := config(wp.URL, wp.Author)
	settings["bodyFormat"] = "markdown"
	post.Media = []connectors.PostMedia{media("a.png", "image/png", "Alt", picture(t))}
	post.Options["featuredImage"] = "no"
	published, err := publish(t, settings, post)
	require.NoError(t, err)
	var got wpPost
	read(t, wp, "/wp-json/wp/v2/posts/"+published.ProviderID+"?context=edit", &got)
	require.Zero(t, got.Featured)
	require.Regexp(t, `^\*\*bold\*\* \[a\]\(https://example\.test/\)\n\n<figure class="wp-block-image"><img src="http://[^"]+\.png" alt="Alt" class="wp-image-\d+" ?/></figure>$`, got.Content.Raw)
}

func TestAllOptionsAreKept(t *testing.T) {
	t.Parallel()
	wp := testenv.WordPress(t)
	post, _ := newPost(t, "With options", "Text")
	post.Options = map[string]string{
		"status": "draft", "slug": "my-own-slug", "excerpt": "Short & sweet", "categories": "News, R&D ,news", "tags": "Alpha,beta", "bodyFormat": "markdown",
	}
	published, err := publish(t, config(wp.URL, wp.Admin), post)
	require.NoError(t, err)
	require.Empty(t, published.URL, "nobody can see a draft")
	var got wpPost
	read(t, wp, "/wp-json/wp/v2/posts/"+published.ProviderID+"?context=edit", &got)
	require.Equal(t, []string{"draft", "my-own-slug", "Short &amp; sweet", "Text"}, []string{got.Status, got.Slug, got.Excerpt.Raw, got.Content.Raw})
	require.Len(t, got.Category, 2)
	require.Len(t, got.Tags, 2)

	again, _ := newPost(t, "With the same tags", "Text")
	again.Options = map[string]string{"categories": "r&d,News", "tags": "ALPHA"}
	published, err = publish(t, config(wp.URL, wp.Admin), again)
	require.NoError(t, err)
	var second wpPost
	read(t, wp, "/wp-json/wp/v2/posts/"+published.ProviderID+"?context=edit", &second)
	require.ElementsMatch(t, got.Category, second.Category, "categories that are there are used")
	require.Subset(t, got.Tags, second.Tags)

	missing, began := newPost(t, "A category that an author may not make", "Text")
	missing.Options["categories"] = "Nowhere"
	_, err = publish(t, config(wp.URL, wp.Author), missing)
	failed := requireKind(t, err, connectors.KindRejected, connectors.CodeScopeMissing)
	require.Contains(t, failed.Message, `"Nowhere"`)
	require.Zero(t, *began)
}

func TestAPostThatIsRefusedSaysWhy(t *testing.T) {
	t.Parallel()
	wp := testenv.WordPress(t)
	for name, test := range map[string]struct {
		account testenv.WordPressAccount
		change  func(*connectors.OutPost)
		kind    connectors.Kind
		code    string
		began   int
	}{
		"a wrong password": {
			testenv.WordPressAccount{User: wp.Admin.User, Password: "wrong wrong wrong"}, func(*connectors.OutPost) {}, connectors.KindUnlinked, connectors.CodeAuthFailed, 1,
		},
		"a wrong password with a file": {
			testenv.WordPressAccount{User: wp.Admin.User, Password: "wrong wrong wrong"},
			func(post *connectors.OutPost) {
				post.Media = []connectors.PostMedia{media("a.png", "image/png", "", picture(t))}
			}, connectors.KindUnlinked, connectors.CodeAuthFailed, 0,
		},
		"an unknown user":        {testenv.WordPressAccount{User: "nobody", Password: "wrong wrong wrong"}, func(*connectors.OutPost) {}, connectors.KindUnlinked, connectors.CodeAuthFailed, 1},
		"a contributor":          {wp.Contributor, func(*connectors.OutPost) {}, connectors.KindRejected, connectors.CodeScopeMissing, 1},
		"no status of WordPress": {wp.Admin, func(post *connectors.OutPost) { post.Options["status"] = "loud" }, connectors.KindRejected, connectors.CodeInvalidContent, 1},
		"nothing in it":          {wp.Admin, func(post *connectors.OutPost) { post.Title, post.Text = " ", "" }, connectors.KindRejected, connectors.CodeInvalidContent, 0},
		"a type of file that the site does not take": {
			wp.Admin, func(post *connectors.OutPost) {
				post.Media = []connectors.PostMedia{media("a.xyz", "application/octet-stream", "", []byte("x"))}
			}, connectors.KindRejected, connectors.CodeMediaRejected, 0,
		},
		"a file that is too large for PHP": {
			wp.Admin, func(post *connectors.OutPost) {
				post.Media = []connectors.PostMedia{media("a.png", "image/png", "", append(picture(t), make([]byte, 3<<20)...))}
			}, connectors.KindRejected, connectors.CodeMediaRejected, 0,
		},
		"a body that is too large for PHP": {
			wp.Admin, func(post *connectors.OutPost) {
				post.Media = []connectors.PostMedia{media("a.png", "image/png", "Alt", append(picture(t), make([]byte, 5<<20)...))}
			}, connectors.KindRejected, connectors.CodeMediaRejected, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			post, began := newPost(t, "Refused: "+name, "Text")
			test.change(&post)
			_, err := publish(t, config(wp.URL, test.account), post)
			failed := requireKind(t, err, test.kind, test.code)
			require.NotContains(t, err.Error()+failed.Message, test.account.Password)
			require.Equal(t, test.began, *began)
			require.Empty(t, called(t, wp, "Refused: "+name))
		})
	}
}

func TestWhatIsNoAnswerAfterBeginIsLookedUp(t *testing.T) {
	t.Parallel()
	wp := testenv.WordPress(t)
	for name, test := range map[string]struct {
		after bool // the site has the post
		cut   bool
		code  int
		body  string
	}{
		"a line cut after it":             {after: true, cut: true},
		"a line cut before it":            {cut: true},
		"a page of HTML with 200":         {after: true, code: 200, body: "<html>hello</html>"},
		"half an answer":                  {after: true, code: 201, body: `{"id":12,"link":"http`},
		"an answer without an id":         {after: true, code: 201, body: `{}`},
		"a gateway":                       {after: true, code: 504, body: "<html>"},
		"a gateway that had no site":      {code: 502, body: "<html>"},
		"a plugin that fails after it":    {after: true, code: 500, body: `{"code":"internal_server_error","message":"There has been a critical error","data":{"status":500}}`},
		"a slug of the user's, cut after": {after: true, cut: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, wp)
			handler := answering(test.code, test.body)
			if test.cut {
				handler = cut
			}
			p.once(posts, test.after, handler)
			title := "No answer: " + name
			post, began := newPost(t, title, "Text")
			if strings.Contains(name, "slug") {
				post.Options["slug"] = "Given-Slug_1"
			}
			conn := open(t, config(p.URL, wp.Author))
			_, err := conn.(connectors.Publisher).Publish(t.Context(), post)
			requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
			require.Equal(t, 1, *began)

			found, ok, err := conn.(connectors.PostFinder).FindPost(t.Context(), post)
			require.NoError(t, err)
			require.Equal(t, test.after, ok)
			there := called(t, wp, title)
			if !test.after {
				require.Empty(t, there)
				return
			}
			require.Len(t, there, 1, "never twice")
			require.Equal(t, strconv.FormatInt(there[0].ID, 10), found.ProviderID)
			require.Equal(t, there[0].Link, found.URL)
		})
	}
}

func TestAPostIsNotFoundWhereAnotherHasItsTitleOrItsSlug(t *testing.T) {
	t.Parallel()
	wp := testenv.WordPress(t)
	first, _ := newPost(t, "The same title", "Text")
	_, err := publish(t, config(wp.URL, wp.Author), first)
	require.NoError(t, err)
	second := first
	second.ID = "tgt_another-0"
	finder := open(t, config(wp.URL, wp.Author)).(connectors.PostFinder)
	_, ok, err := finder.FindPost(t.Context(), second)
	require.NoError(t, err)
	require.False(t, ok, "the mark of its slug is another")

	second.Options = map[string]string{"slug": "of-the-user"}
	_, _, err = finder.FindPost(t.Context(), second)
	requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
	second.StartedAt = time.Now().Add(time.Hour)
	_, ok, err = finder.FindPost(t.Context(), second)
	require.NoError(t, err)
	require.False(t, ok, "the one with the title is older")

	wrong := config(wp.URL, wp.Author)
	wrong["applicationPassword"] = "wrong wrong"
	_, _, err = open(t, wrong).(connectors.PostFinder).FindPost(t.Context(), second)
	requireKind(t, err, connectors.KindUnlinked, connectors.CodeAuthFailed)
}

func TestWhatFailsBeforeBeginMayBeTriedAgain(t *testing.T) {
	t.Parallel()
	wp := testenv.WordPress(t)
	const media1 = "POST /wp-json/wp/v2/media"
	for name, test := range map[string]struct {
		path    string
		status  int // 0: the line is cut
		body    string
		kind    connectors.Kind
		code    string
		twice   bool
		options map[string]string
	}{
		"a cut upload":              {path: media1, kind: connectors.KindRetryable, code: "provider_unavailable"},
		"an upload in trouble":      {path: media1, status: 503, body: "<html>", kind: connectors.KindRetryable, code: "provider_unavailable"},
		"an upload too large":       {path: media1, status: 413, body: "<html>", kind: connectors.KindRejected, code: connectors.CodeMediaRejected},
		"a page in place of it":     {path: media1, status: 200, body: "<html>", kind: connectors.KindRetryable, code: "provider_unavailable"},
		"too many uploads":          {path: media1, status: 429, body: "<html>", kind: connectors.KindRateLimited, code: "provider_rate_limited"},
		"a firewall":                {path: media1, status: 403, body: "<html>", kind: connectors.KindRejected, code: "provider_rejected"},
		"tags that are no list":     {path: "GET /wp-json/wp/v2/tags", status: 200, body: "<html>", kind: connectors.KindRetryable, code: "provider_unavailable", options: map[string]string{"tags": "a"}},
		"a tag that is cut":         {path: "POST /wp-json/wp/v2/tags", kind: connectors.KindRetryable, code: "provider_unavailable", options: map[string]string{"tags": "cut"}},
		"a tag without an id":       {path: "POST /wp-json/wp/v2/tags", status: 201, body: "{}", kind: connectors.KindRetryable, code: "provider_unavailable", options: map[string]string{"tags": "without"}},
		"a tag in trouble":          {path: "POST /wp-json/wp/v2/tags", status: 500, body: "{}", kind: connectors.KindRetryable, code: "provider_unavailable", options: map[string]string{"tags": "trouble"}},
		"a site that is in trouble": {path: "GET /wp-json/", status: 503, body: "<html>", kind: connectors.KindRetryable, code: "provider_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, wp)
			handler := answering(test.status, test.body)
			if test.status == 0 {
				handler = cut
			}
			p.once(test.path, false, handler)
			post, began := newPost(t, "Before: "+name, "Text")
			post.Options = test.options
			post.Media = []connectors.PostMedia{media("a.png", "image/png", "", picture(t))}
			conn := open(t, config(p.URL, wp.Admin))
			_, err := conn.(connectors.Publisher).Publish(t.Context(), post)
			requireKind(t, err, test.kind, test.code)
			require.Zero(t, *began)
			_, err = conn.(connectors.Publisher).Publish(t.Context(), post)
			require.NoError(t, err)
			require.Len(t, called(t, wp, "Before: "+name), 1)
		})
	}
}

func TestAPostThatWasCancelledIsNotMade(t *testing.T) {
	t.Parallel()
	wp := testenv.WordPress(t)
	post, _ := newPost(t, "Cancelled", "Text")
	stop := errors.New("the post was cancelled")
	post.Begin = func(context.Context) error { return stop }
	_, err := publish(t, config(wp.URL, wp.Admin), post)
	require.ErrorIs(t, err, stop)
	require.Empty(t, called(t, wp, "Cancelled"))
}

func TestATagThatSomebodyMakesAtTheSameTimeIsUsed(t *testing.T) {
	t.Parallel()
	wp := testenv.WordPress(t)
	first, _ := newPost(t, "First with the tag", "Text")
	first.Options["tags"] = "Raced"
	_, err := publish(t, config(wp.URL, wp.Admin), first)
	require.NoError(t, err)

	p := newProxy(t, wp)
	p.once("GET /wp-json/wp/v2/tags", false, answering(200, "[]"))
	second, _ := newPost(t, "Second with the tag", "Text")
	second.ID, second.Options["tags"] = "tgt_second-0", "raced"
	_, err = publish(t, config(p.URL, wp.Admin), second)
	require.NoError(t, err)
	require.Equal(t, called(t, wp, "First with the tag")[0].Tags, called(t, wp, "Second with the tag")[0].Tags)
}
