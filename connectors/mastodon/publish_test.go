package mastodon_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest/standin"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/connectors/mastodon/mastodontest"
)

const statuses = "/api/v1/statuses"

func TestATextIsPostedOnceWithItsKey(t *testing.T) {
	t.Parallel()
	fake, b := newFake(t), &begun{}
	publisher := open(t, config(fake.URL)).(connectors.Publisher)
	out := post(b, "Hello\n\n@bob@other.example <b>")
	for range 2 { // a repeat with the same key is the same post
		published, err := publisher.Publish(t.Context(), out)
		require.NoError(t, err)
		require.Equal(t, connectors.Published{ProviderID: "100", URL: "https://social.example/@alice/100"}, published)
	}
	require.Equal(t, 2, b.times)
	require.Len(t, fake.Statuses(), 1)
	require.Equal(t, "tgt_1-0", fake.Statuses()[0].Key)
	require.JSONEq(t, `{"status":"Hello\n\n@bob@other.example <b>"}`, fake.Statuses()[0].Body)
	require.Equal(t, []string{"POST " + statuses, "POST " + statuses}, fake.Seen(), "no address holds a token")
}

func TestAPartAnswersTheOneBeforeWithAllOptions(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.HideURLs()
	out := post(&begun{}, "2/2")
	out.ReplyTo, out.Options = "99", map[string]string{"visibility": "private", "spoilerText": "Plot", "sensitive": "yes", "language": "de"}
	published, err := open(t, config(fake.URL)).(connectors.Publisher).Publish(t.Context(), out)
	require.NoError(t, err)
	require.Equal(t, "https://social.example/users/alice/statuses/100", published.URL, "uri stands in for a url that is null")
	require.JSONEq(t, `{"status":"2/2","in_reply_to_id":"99","visibility":"private","spoiler_text":"Plot","sensitive":true,"language":"de"}`, fake.Statuses()[0].Body)
}

func TestPicturesAreUploadedWithTheirDescriptionsFirst(t *testing.T) {
	t.Parallel()
	fake, b := newFake(t), &begun{}
	out := post(b, "")
	out.Media = []connectors.PostMedia{media("a.png", "image/png", "A \"grey\" cat\nasleep", 70_000), media("b.jpg", "image/jpeg", "", 3)}
	_, err := open(t, config(fake.URL)).(connectors.Publisher).Publish(t.Context(), out)
	require.NoError(t, err)
	require.Equal(t, []mastodontest.Upload{
		{ID: "500", FileName: "a.png", ContentType: "image/png", Alt: "A \"grey\" cat\nasleep", Size: 70_000},
		{ID: "501", FileName: "b.jpg", ContentType: "image/jpeg", Size: 3},
	}, fake.Uploads())
	require.JSONEq(t, `{"media_ids":["500","501"]}`, fake.Statuses()[0].Body)
	require.Equal(t, 1, b.times)
}

func TestAFilmIsWaitedFor(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.Process(3, false)
	out := post(&begun{}, "A film")
	out.Media = []connectors.PostMedia{media("a.mp4", "video/mp4", "", 5)}
	_, err := open(t, config(fake.URL)).(connectors.Publisher).Publish(t.Context(), out)
	require.NoError(t, err)
	look := "GET /api/v1/media/500"
	require.Equal(t, []string{"POST /api/v2/media", look, look, look, look, "POST " + statuses}, fake.Seen())
}

func TestWhatGoesWrongWithAFileIsNeverAPost(t *testing.T) {
	t.Parallel()
	upload, look := "/api/v2/media", "/api/v1/media/500"
	refuse := func(path string, status int) func(*mastodontest.Server) {
		return func(fake *mastodontest.Server) { fake.Refuse(path, status, "no "+mastodontest.Token) }
	}
	abort := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	page := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }
	for name, test := range map[string]struct {
		arrange func(*mastodontest.Server)
		kind    connectors.Kind
		code    string
	}{
		"401":                    {refuse(upload, 401), connectors.KindUnlinked, connectors.CodeAuthFailed},
		"403":                    {refuse(upload, 403), connectors.KindRejected, httpcall.CodeProviderRejected},
		"413":                    {refuse(upload, 413), connectors.KindRejected, connectors.CodeMediaRejected},
		"422":                    {refuse(upload, 422), connectors.KindRejected, connectors.CodeMediaRejected},
		"429":                    {refuse(upload, 429), connectors.KindRateLimited, "provider_rate_limited"},
		"502":                    {refuse(upload, 502), connectors.KindRetryable, "provider_unavailable"},
		"500 twice":              {func(f *mastodontest.Server) { refuse(upload, 500)(f); refuse(upload, 500)(f) }, connectors.KindRejected, connectors.CodeMediaRejected},
		"a line that is cut":     {func(f *mastodontest.Server) { f.Once(upload, abort) }, connectors.KindRetryable, "provider_unavailable"},
		"an HTML page":           {func(f *mastodontest.Server) { f.Once(upload, page) }, connectors.KindRetryable, "provider_unavailable"},
		"never done":             {func(f *mastodontest.Server) { f.Process(100_000, false) }, connectors.KindRetryable, "provider_unavailable"},
		"failed in the end":      {func(f *mastodontest.Server) { f.Process(2, true) }, connectors.KindRejected, connectors.CodeMediaRejected},
		"a look that is refused": {func(f *mastodontest.Server) { f.Process(2, false); refuse(look, 401)(f) }, connectors.KindUnlinked, connectors.CodeAuthFailed},
		// Twice, because net/http repeats a GET by itself once.
		"a look whose line is cut":  {func(f *mastodontest.Server) { f.Process(2, false); f.Once(look, abort); f.Once(look, abort) }, connectors.KindRetryable, "provider_unavailable"},
		"a look that is overloaded": {func(f *mastodontest.Server) { f.Process(2, false); refuse(look, 503)(f) }, connectors.KindRetryable, "provider_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, b := newFake(t), &begun{}
			test.arrange(fake)
			out := post(b, "A film")
			out.Media = []connectors.PostMedia{media("a.mp4", "video/mp4", "", 5)}
			_, err := open(t, config(fake.URL)).(connectors.Publisher).Publish(t.Context(), out)
			requireKind(t, err, test.kind, test.code)
			require.Zero(t, b.times)
			require.Empty(t, fake.Statuses())
		})
	}
	t.Run("500 once is tried again", func(t *testing.T) {
		t.Parallel()
		fake := newFake(t)
		refuse(upload, 500)(fake)
		out := post(&begun{}, "")
		out.Media = []connectors.PostMedia{media("a.png", "image/png", "", 5)}
		_, err := open(t, config(fake.URL)).(connectors.Publisher).Publish(t.Context(), out)
		require.NoError(t, err)
	})
	t.Run("a file that cannot be opened", func(t *testing.T) {
		t.Parallel()
		fake := newFake(t)
		out := post(&begun{}, "")
		out.Media = []connectors.PostMedia{{Open: func() (io.ReadSeekCloser, error) { return nil, errors.New("gone") }}}
		_, err := open(t, config(fake.URL)).(connectors.Publisher).Publish(t.Context(), out)
		requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
		require.Zero(t, fake.Requests())
	})
}

// TestEveryAnswerHasItsMeaning has a row for each class of error of Mastodon's documentation, and for what is no answer.
func TestEveryAnswerHasItsMeaning(t *testing.T) {
	t.Parallel()
	unconfirmed := func(t *testing.T, err error) { requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed") }
	is := func(kind connectors.Kind, code string) func(*testing.T, error) {
		return func(t *testing.T, err error) { requireKind(t, err, kind, code) }
	}
	page := strings.Repeat("<html>", 3)
	for name, test := range map[string]struct {
		status int
		body   string
		want   func(*testing.T, error)
	}{
		"401":                            {401, `{"error":"The access token is invalid"}`, is(connectors.KindUnlinked, connectors.CodeAuthFailed)},
		"401 without a body":             {401, "", is(connectors.KindUnlinked, connectors.CodeAuthFailed)},
		"403 of a scope":                 {403, `{"error":"This action is outside the authorized scopes"}`, is(connectors.KindRejected, connectors.CodeScopeMissing)},
		"403 of an account":              {403, `{"error":"Your login is currently disabled"}`, is(connectors.KindUnlinked, connectors.CodeAccountSuspended)},
		"403 of something else":          {403, `{"error":"This action is not allowed"}`, is(connectors.KindRejected, httpcall.CodeProviderRejected)},
		"403 of a gateway":               {403, page, is(connectors.KindRejected, httpcall.CodeProviderRejected)},
		"404":                            {404, `{"error":"Record not found"}`, is(connectors.KindRejected, httpcall.CodeProviderRejected)},
		"410":                            {410, `{"error":"Gone"}`, is(connectors.KindRejected, httpcall.CodeProviderRejected)},
		"422":                            {422, `{"error":"Validation failed: Text character limit of 500 exceeded"}`, is(connectors.KindRejected, connectors.CodeInvalidContent)},
		"429":                            {429, `{"error":"Too many requests"}`, is(connectors.KindRateLimited, "provider_rate_limited")},
		"503 of the instance":            {503, `{"error":"There was a temporary problem serving your request, please try again"}`, is(connectors.KindRetryable, "provider_unavailable")},
		"503 of a gateway":               {503, page, unconfirmed},
		"500 of the instance":            {500, `{"error":"Internal Server Error"}`, unconfirmed},
		"502 of a gateway":               {502, page, unconfirmed},
		"408":                            {408, page, unconfirmed},
		"a redirect":                     {302, page, unconfirmed},
		"a page in place of an answer":   {200, page, unconfirmed},
		"an answer that is cut":          {200, `{"id":"1`, unconfirmed},
		"an answer without an id":        {200, `{"url":"https://social.example/1"}`, unconfirmed},
		"an id of another type":          {200, `{"id":{}}`, unconfirmed},
		"a token in the refusal's words": {422, `{"error":"bad ` + mastodontest.Token + `"}`, is(connectors.KindRejected, connectors.CodeInvalidContent)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, b := newFake(t), &begun{}
			fake.Once(statuses, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			_, err := open(t, config(fake.URL)).(connectors.Publisher).Publish(t.Context(), post(b, "Hello"))
			test.want(t, err)
			require.Equal(t, 1, b.times)
			require.Equal(t, 1, fake.Requests(), "the one request was made more than once")
		})
	}
}

func TestALineThatIsCutAfterBeginIsUnconfirmedAndMakesOnePost(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	publisher := open(t, config(fake.URL)).(connectors.Publisher)
	fake.Fail(standin.Trouble{Cut: true})
	_, err := publisher.Publish(t.Context(), post(&begun{}, "Hello"))
	requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
	require.Len(t, fake.Statuses(), 1)
	require.Equal(t, 1, fake.Requests())

	fake.Once(statuses, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	other := post(&begun{}, "Another")
	other.ID = "tgt_2-0"
	_, err = publisher.Publish(t.Context(), other)
	requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
	require.Len(t, fake.Statuses(), 1)
}

func TestPublishReturnsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	arrived := fake.Fail(standin.Trouble{Hang: true})
	go func() {
		<-arrived
		cancel()
	}()
	_, err := open(t, config(fake.URL)).(connectors.Publisher).Publish(ctx, post(&begun{}, "Hello"))
	requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
}

func TestWhatIsCancelledAtBeginIsNotPosted(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	out := post(&begun{}, "Hello")
	out.Begin = func(context.Context) error { return errStop }
	_, err := open(t, config(fake.URL)).(connectors.Publisher).Publish(t.Context(), out)
	require.Equal(t, errStop, err, "the error is returned as it is")
	require.Zero(t, fake.Requests())

	_, err = open(t, config(fake.URL)).(connectors.Publisher).Publish(t.Context(), post(&begun{}, " \n"))
	requireKind(t, err, connectors.KindRejected, connectors.CodeInvalidContent)
	require.Zero(t, fake.Requests())
}

func TestTheLimitsEndIsReadAsATime(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"2026-11-21T09:05:00.000000Z": 5 * time.Minute, "2026-11-21T10:00:30+01:00": 30 * time.Second, "2026-11-21T08:00:00Z": 0,
		"2099-01-01T00:00:00Z": 24 * time.Hour, "1795248189": 0, "": 0,
	} {
		fake := newFake(t)
		fake.Once(statuses, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-RateLimit-Reset", header)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		_, err := open(t, config(fake.URL)).(connectors.Publisher).Publish(t.Context(), post(&begun{}, "Hello"))
		require.Equal(t, want, requireKind(t, err, connectors.KindRateLimited, "provider_rate_limited").After, header)
	}
}

// pattern is a file of a size that nobody would want to hold.
type pattern struct {
	io.ReadSeeker
	left int64
}

func (p *pattern) Read(to []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(to)), p.left))
	p.left -= int64(n)
	return copy(to, bytes.Repeat([]byte{'x'}, n)), nil
}

func (*pattern) Close() error { return nil }

func TestAFileIsReadWhileItIsSent(t *testing.T) {
	t.Parallel()
	const size = 40 << 20
	fake := newFake(t)
	largest := 0
	out := post(&begun{}, "")
	out.Media = []connectors.PostMedia{{
		Kind: "video", ContentType: "video/mp4", FileName: "a.mp4", Size: size,
		Open: func() (io.ReadSeekCloser, error) {
			return &watched{pattern: pattern{left: size}, largest: &largest}, nil
		},
	}}
	_, err := open(t, config(fake.URL)).(connectors.Publisher).Publish(t.Context(), out)
	require.NoError(t, err)
	require.Equal(t, size, fake.Uploads()[0].Size)
	require.LessOrEqual(t, largest, 1<<20, "the file is asked for in large pieces")
}

type watched struct {
	pattern
	largest *int
}

func (w *watched) Read(to []byte) (int, error) {
	*w.largest = max(*w.largest, len(to))
	return w.pattern.Read(to)
}
