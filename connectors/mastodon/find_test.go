package mastodon_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest/standin"
	"github.com/switchhook/switchhook/connectors/mastodon/mastodontest"
)

func find(t *testing.T, fake *mastodontest.Server, out connectors.OutPost) (connectors.Published, bool, error) {
	t.Helper()
	return open(t, config(fake.URL)).(connectors.PostFinder).FindPost(t.Context(), out)
}

func TestAPostWhoseAnswerWasLostIsFound(t *testing.T) {
	t.Parallel()
	const text = "Hello <all> & @bob@other.example\nread https://example.com/a_b?c=1&d=2\n\n#launch"
	fake := newFake(t)
	fake.Add(mastodontest.Status{Text: text, CreatedAt: clock().Add(-time.Hour)})
	out := post(&begun{}, text)
	_, found, err := find(t, fake, out)
	require.NoError(t, err)
	require.False(t, found, "one of an hour before is another")

	fake.Fail(standin.Trouble{Cut: true})
	_, err = open(t, config(fake.URL)).(connectors.Publisher).Publish(t.Context(), out)
	requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
	fake.Add(mastodontest.Status{Text: "A later one", CreatedAt: clock().Add(time.Minute)})
	published, found, err := find(t, fake, out)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, connectors.Published{ProviderID: "101", URL: "https://social.example/@alice/101"}, published)
}

func TestWhatMastodonMakesOfATextIsTheSameText(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.Add(mastodontest.Status{CreatedAt: clock().Add(-30 * time.Second), Content: `<p>See <span class="h-card"><a href="https://other.example/@bob" class="u-url mention">@<span>bob</span></a></span>: ` +
		`<a href="https://example.com/a/long/way"><span class="invisible">https://</span><span class="ellipsis">example.com/a/lo</span><span class="invisible">ng/way</span></a><br>` +
		`<a href="https://social.example/tags/tea">#<span>tea</span></a> &amp; caf&eacute;</p><p>Bye</p>`})
	_, found, err := find(t, fake, post(&begun{}, "See @bob@other.example: https://example.com/a/long/way\n#tea & café\n\nBye"))
	require.NoError(t, err)
	require.True(t, found)
	_, found, err = find(t, fake, post(&begun{}, "Bye"))
	require.NoError(t, err)
	require.False(t, found)
}

func TestPartsAndPicturesAreToldApart(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.Add(mastodontest.Status{Text: "The same", InReplyTo: "98", CreatedAt: clock()})
	fake.Add(mastodontest.Status{MediaIDs: []string{"500", "501"}, CreatedAt: clock()})
	_, found, err := find(t, fake, post(&begun{}, "The same"))
	require.NoError(t, err)
	require.False(t, found, "an answer is no post of its own")
	part := post(&begun{}, "The same")
	part.ReplyTo = "98"
	published, found, err := find(t, fake, part)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "100", published.ProviderID)

	pictures := post(&begun{}, "")
	pictures.Media = make([]connectors.PostMedia, 2)
	published, found, err = find(t, fake, pictures)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "101", published.ProviderID)
}

func TestWhatIsUnsureIsAnErrorAndNotNo(t *testing.T) {
	t.Parallel()
	t.Run("a text with other signs", func(t *testing.T) {
		t.Parallel()
		fake := newFake(t)
		fake.Add(mastodontest.Status{Content: "<p><strong>Hello</strong>, world</p>", CreatedAt: clock()})
		_, found, err := find(t, fake, post(&begun{}, "**Hello**, world!"))
		requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
		require.False(t, found)
	})
	t.Run("more posts than are looked at", func(t *testing.T) {
		t.Parallel()
		fake := newFake(t)
		for i := range 201 {
			fake.Add(mastodontest.Status{Text: fmt.Sprint("no. ", i), CreatedAt: clock()})
		}
		_, _, err := find(t, fake, post(&begun{}, "Hello"))
		requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
		require.Equal(t, 1+5, fake.Requests())
		published, found, err := find(t, fake, post(&begun{}, "no. 50"))
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, "150", published.ProviderID)
	})
	for name, body := range map[string]string{
		"a page": "<html>", "a cut list": `[{"id":"1"`, "a status without a time": `[{"id":"1"}]`, "a status without an id": `[{"created_at":"2026-11-21T09:00:00Z"}]`,
		"a time that is none": `[{"id":"1","created_at":"yesterday"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := newFake(t)
			fake.Once("/api/v1/accounts/7/statuses", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
			_, _, err := find(t, fake, post(&begun{}, "Hello"))
			requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
		})
	}
	t.Run("a refusal", func(t *testing.T) {
		t.Parallel()
		fake := newFake(t)
		fake.Refuse("/api/v1/accounts/verify_credentials", http.StatusUnauthorized, "no")
		_, _, err := find(t, fake, post(&begun{}, "Hello"))
		requireKind(t, err, connectors.KindUnlinked, connectors.CodeAuthFailed)
	})
}

func FuzzAnswersOfAStranger(f *testing.F) {
	for _, seed := range []string{
		`{"id":"1","url":"https://a.example/1"}`, `{"id":"1","url":"javascript:alert(1)"}`, `[{"id":"1","created_at":"2026-11-21T09:00:00Z","content":"<p>a<br"}]`,
		`{"configuration":{"statuses":{"max_characters":1e99}}}`, `{"error":"a\u0000\nb"}`, `null`, `<p>`, "",
	} {
		f.Add(200, seed)
		f.Add(422, seed)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		conn := openOver(t, func(*http.Request) *http.Response {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
		})
		published, err := conn.(connectors.Publisher).Publish(t.Context(), post(&begun{}, "Hello"))
		require.Equal(t, err == nil, published.ProviderID != "")
		if published.URL != "" {
			require.Regexp(t, `^https?://`, strings.ToLower(published.URL))
		}
		_, _, _ = conn.(connectors.PostFinder).FindPost(t.Context(), post(&begun{}, "Hello"))
		limits, _ := conn.(connectors.PostLimiter).PostLimits(t.Context())
		require.GreaterOrEqual(t, limits.TextLength, 0)
		require.GreaterOrEqual(t, limits.ImageBytes, int64(0))
	})
}
