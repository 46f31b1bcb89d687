package x_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest/standin"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/connectors/x/xtest"
)

const (
	tweets   = "/2/tweets"
	uploads  = "/2/media/upload"
	pieces   = "/2/media/upload/500/append"
	metadata = "/2/media/metadata"
)

func TestATextIsPostedOnce(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]connectors.Config{"OAuth 2.0": config(), "OAuth 1.0a": signedConfig()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, b := newFake(t), &begun{}
			published, err := open(t, fake, settings, nil).(connectors.Publisher).Publish(t.Context(), post(b, "Hello\n<b> & \"so\""))
			require.NoError(t, err)
			require.Equal(t, connectors.Published{ProviderID: "100", URL: "https://x.com/alice/status/100"}, published)
			require.Equal(t, 1, b.times)
			require.Len(t, fake.Posts(), 1)
			require.JSONEq(t, `{"text":"Hello\n<b> & \"so\""}`, fake.Posts()[0].Body)
			require.Equal(t, []string{"POST " + tweets}, fake.Seen(), "no address holds a token")
		})
	}
}

func TestAPartAnswersTheOneBeforeAndTheFirstSaysWhoMayReply(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	out := post(&begun{}, "1/2")
	out.Options = map[string]string{"replySettings": "mentionedUsers"}
	first, err := publish(t, fake, out)
	require.NoError(t, err)
	out.Text, out.ReplyTo = "2/2", first.ProviderID
	_, err = publish(t, fake, out)
	require.NoError(t, err)
	require.JSONEq(t, `{"text":"1/2","reply_settings":"mentionedUsers"}`, fake.Posts()[0].Body)
	require.JSONEq(t, `{"text":"2/2","reply":{"in_reply_to_tweet_id":"100"}}`, fake.Posts()[1].Body)

	out.ReplyTo = "../7"
	_, err = publish(t, fake, out)
	requireKind(t, err, connectors.KindRejected, connectors.CodeInvalidContent)
}

func TestAFirstCommentIsAReply(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	commenter := open(t, fake, config(), nil).(connectors.Commenter)
	id, err := commenter.Comment(t.Context(), connectors.Published{ProviderID: "42"}, "More there")
	require.NoError(t, err)
	require.Equal(t, "100", id)
	require.JSONEq(t, `{"text":"More there","reply":{"in_reply_to_tweet_id":"42"}}`, fake.Posts()[0].Body)
	_, err = commenter.Comment(t.Context(), connectors.Published{}, "More there")
	requireKind(t, err, connectors.KindRejected, connectors.CodeInvalidContent)
	fake.Fail(standin.Trouble{Cut: true})
	_, err = commenter.Comment(t.Context(), connectors.Published{ProviderID: "42"}, "Still more")
	requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
}

func TestPicturesAreUploadedWithTheirDescriptionsFirst(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]connectors.Config{"OAuth 2.0": config(), "OAuth 1.0a": signedConfig()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, b := newFake(t), &begun{}
			out := post(b, "")
			out.Media = []connectors.PostMedia{media("a.png", "image/png", "A \"grey\" cat\nasleep", 70_000), media("b.jpg", "image/jpeg", "", 3)}
			_, err := open(t, fake, settings, nil).(connectors.Publisher).Publish(t.Context(), out)
			require.NoError(t, err)
			require.Equal(t, []xtest.Upload{
				{ID: "500", Category: "tweet_image", ContentType: "image/png", FileName: "a.png", Alt: "A \"grey\" cat\nasleep", Pieces: []int{70_000}},
				{ID: "501", Category: "tweet_image", ContentType: "image/jpeg", FileName: "b.jpg", Pieces: []int{3}},
			}, fake.Uploads())
			require.JSONEq(t, `{"media":{"media_ids":["500","501"]}}`, fake.Posts()[0].Body)
			require.Equal(t, []string{"POST " + uploads, "POST " + metadata, "POST " + uploads, "POST " + tweets}, fake.Seen())
			require.Equal(t, 1, b.times)
		})
	}
}

func TestAFilmGoesInPiecesAndIsWaitedFor(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.Process(2, "")
	out := post(&begun{}, "A film")
	out.Media = []connectors.PostMedia{media("a.mp4", "video/mp4", "A boat", 9<<20)}
	published, err := open(t, fake, signedConfig(), nil).(connectors.Publisher).Publish(t.Context(), out)
	require.NoError(t, err)
	require.Equal(t, []xtest.Upload{{
		ID: "500", Category: "tweet_video", ContentType: "video/mp4", FileName: "a.mp4", Pieces: []int{4 << 20, 4 << 20, 1 << 20}, Total: 9 << 20,
	}}, fake.Uploads())
	look := "GET " + uploads + "?command=STATUS&media_id=500"
	require.Equal(t, []string{
		"POST " + uploads + "/initialize", "POST " + pieces, "POST " + pieces, "POST " + pieces, "POST " + uploads + "/500/finalize", look, look, "POST " + tweets,
	}, fake.Seen())
	require.Len(t, published.Warnings, 1)
	require.Contains(t, published.Warnings[0], "description")
}

func TestAnAnimatedPictureGoesAsOne(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	out := post(&begun{}, "")
	out.Media = []connectors.PostMedia{media("a.gif", "image/gif", "Dancing", 10)}
	_, err := publish(t, fake, out)
	require.NoError(t, err)
	require.Equal(t, []xtest.Upload{{ID: "500", Category: "tweet_gif", ContentType: "image/gif", FileName: "a.gif", Alt: "Dancing", Pieces: []int{10}, Total: 10}}, fake.Uploads())
}

func TestAPieceThatIsLostIsSentAgain(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.Once(pieces, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	fake.Answer(pieces, 503, "<html>")
	out := post(&begun{}, "")
	out.Media = []connectors.PostMedia{media("a.mp4", "video/mp4", "", 5<<20)}
	_, err := publish(t, fake, out)
	require.NoError(t, err)
	require.Equal(t, []int{4 << 20, 1 << 20}, fake.Uploads()[0].Pieces)
}

func TestWhatXWouldRefuseIsRefusedBeforeAnyUpload(t *testing.T) {
	t.Parallel()
	picture, gif, film := media("a.png", "image/png", "", 1), media("a.gif", "image/gif", "", 1), media("a.mp4", "video/mp4", "", 1)
	for name, files := range map[string][]connectors.PostMedia{
		"nothing": {}, "five pictures": {picture, picture, picture, picture, picture}, "a film and a picture": {film, picture}, "two films": {film, film},
		"an animation and a picture": {gif, picture},
	} {
		fake, b := newFake(t), &begun{}
		out := post(b, " \n")
		out.Media = files
		_, err := publish(t, fake, out)
		requireKind(t, err, connectors.KindRejected, connectors.CodeInvalidContent)
		require.Zero(t, fake.Requests()+b.times, name)
	}
}

func TestALinkIsWarnedOf(t *testing.T) {
	t.Parallel()
	for text, answered := range map[string]string{"See https://a.example/b": "", "See a.example": `{"data":{"id":"5","text":"See https://t.co/abc"}}`} {
		fake := newFake(t)
		if answered != "" {
			fake.Answer(tweets, 201, answered)
		}
		published, err := publish(t, fake, post(&begun{}, text))
		require.NoError(t, err)
		require.Len(t, published.Warnings, 1, text)
		require.Contains(t, published.Warnings[0], "$0.20")
	}
	fake := newFake(t)
	fake.Answer(tweets, 201, `{"data":{"id":"5","text":"https://t.co/abc"}}`) // that of the picture
	out := post(&begun{}, "")
	out.Media = []connectors.PostMedia{media("a.png", "image/png", "", 1)}
	published, err := publish(t, fake, out)
	require.NoError(t, err)
	require.Empty(t, published.Warnings)
}

func TestWhatGoesWrongWithAFileIsNeverAPost(t *testing.T) {
	t.Parallel()
	answer := func(path string, status int, body string) func(*xtest.Server) {
		return func(fake *xtest.Server) { fake.Answer(path, status, body) }
	}
	problem := `{"title":"no","detail":"no ` + xtest.Token + `"}`
	abort := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, test := range map[string]struct {
		arrange func(*xtest.Server)
		kind    connectors.Kind
		code    string
	}{
		"401":                    {answer(uploads+"/initialize", 401, problem), connectors.KindUnlinked, connectors.CodeAuthFailed},
		"403 of the app":         {answer(uploads+"/initialize", 403, `{"type":"https://api.x.com/2/problems/client-forbidden","detail":"no"}`), connectors.KindRejected, connectors.CodeScopeMissing},
		"400":                    {answer(uploads+"/initialize", 400, problem), connectors.KindRejected, connectors.CodeMediaRejected},
		"413":                    {answer(pieces, 413, "<html>"), connectors.KindRejected, connectors.CodeMediaRejected},
		"429":                    {answer(pieces, 429, problem), connectors.KindRateLimited, "provider_rate_limited"},
		"500":                    {answer(uploads+"/500/finalize", 500, problem), connectors.KindRetryable, "provider_unavailable"},
		"a line that is cut":     {func(f *xtest.Server) { f.Once(uploads+"/500/finalize", abort) }, connectors.KindRetryable, "provider_unavailable"},
		"an HTML page":           {answer(uploads+"/initialize", 200, "<html>"), connectors.KindRetryable, "provider_unavailable"},
		"errors with 200":        {answer(uploads+"/initialize", 200, `{"errors":[{"message":"bad media","code":324}]}`), connectors.KindRejected, connectors.CodeMediaRejected},
		"an id of another kind":  {answer(uploads+"/initialize", 200, `{"data":{"id":"a/b"}}`), connectors.KindRetryable, "provider_unavailable"},
		"another file's state":   {answer(uploads+"/500/finalize", 200, `{"data":{"id":"7"}}`), connectors.KindRetryable, "provider_unavailable"},
		"a state that is new":    {answer(uploads+"/500/finalize", 200, `{"data":{"id":"500","processing_info":{"state":"?"}}}`), connectors.KindRetryable, "provider_unavailable"},
		"never done":             {func(f *xtest.Server) { f.Process(100_000, "") }, connectors.KindRetryable, "provider_unavailable"},
		"failed in the end":      {func(f *xtest.Server) { f.Process(2, "unsupported "+xtest.Token) }, connectors.KindRejected, connectors.CodeMediaRejected},
		"a look that is refused": {func(f *xtest.Server) { f.Process(2, ""); f.Answer(uploads, 401, problem) }, connectors.KindUnlinked, connectors.CodeAuthFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, b := newFake(t), &begun{}
			test.arrange(fake)
			out := post(b, "A film")
			out.Media = []connectors.PostMedia{media("a.mp4", "video/mp4", "", 5)}
			_, err := publish(t, fake, out)
			requireKind(t, err, test.kind, test.code)
			require.Zero(t, b.times)
			require.Empty(t, fake.Posts())
		})
	}
	t.Run("a description that is refused", func(t *testing.T) {
		t.Parallel()
		fake, b := newFake(t), &begun{}
		fake.Answer(metadata, 400, problem)
		out := post(b, "")
		out.Media = []connectors.PostMedia{media("a.png", "image/png", "A cat", 5)}
		_, err := publish(t, fake, out)
		requireKind(t, err, connectors.KindRejected, connectors.CodeInvalidContent)
		require.Zero(t, b.times)
	})
	t.Run("a file that cannot be opened", func(t *testing.T) {
		t.Parallel()
		fake := newFake(t)
		out := post(&begun{}, "")
		out.Media = []connectors.PostMedia{{Kind: "image", Open: func() (io.ReadSeekCloser, error) { return nil, errors.New("gone") }}}
		_, err := publish(t, fake, out)
		requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
		require.Zero(t, fake.Requests())
	})
}

// TestEveryAnswerHasItsMeaning has a row for each class of error that X documents, and for what is no answer.
func TestEveryAnswerHasItsMeaning(t *testing.T) {
	t.Parallel()
	problem := func(kind, detail string) string {
		return `{"type":"https://api.x.com/2/problems/` + kind + `","title":"A title","detail":"` + detail + `"}`
	}
	page := strings.Repeat("<html>", 3)
	const unconfirmed = "unconfirmed"
	for name, test := range map[string]struct {
		status int
		body   string
		kind   connectors.Kind
		code   string
	}{
		"400":                             {400, problem("invalid-request", "no"), connectors.KindRejected, connectors.CodeInvalidContent},
		"401":                             {401, `{"title":"Unauthorized","status":401}`, connectors.KindUnlinked, connectors.CodeAuthFailed},
		"402":                             {402, `{"title":"CreditsDepleted","detail":"no credits"}`, connectors.KindRateLimited, connectors.CodeQuotaExceeded},
		"402 without a body":              {402, "", connectors.KindRateLimited, connectors.CodeQuotaExceeded},
		"403 client-forbidden":            {403, problem("client-forbidden", "no"), connectors.KindRejected, connectors.CodeScopeMissing},
		"403 of a permission":             {403, problem("oauth1-permissions", "no"), connectors.KindRejected, connectors.CodeScopeMissing},
		"403 of a resource":               {403, problem("not-authorized-for-resource", "no"), connectors.KindRejected, httpcall.CodeProviderRejected},
		"403 not permitted":               {403, `{"detail":"You are not permitted to perform this action."}`, connectors.KindRejected, httpcall.CodeProviderRejected},
		"403 duplicate":                   {403, `{"detail":"You are not allowed to create a Tweet with duplicate content."}`, connectors.KindRejected, connectors.CodeDuplicatePost},
		"403 duplicate in a list":         {403, `{"errors":[{"code":187,"message":"Duplicate content."}]}`, connectors.KindRejected, connectors.CodeDuplicatePost},
		"403 with a code of another type": {403, `{"code":"DUPLICATE","errors":[{"code":{},"message":"Duplicate content."}]}`, connectors.KindRejected, connectors.CodeDuplicatePost},
		"403 cashtag":                     {403, `{"detail":"At most one cashtag."}`, connectors.KindRejected, connectors.CodeInvalidContent},
		"403 reply":                       {403, `{"detail":"Reply to this conversation is not allowed."}`, connectors.KindRejected, connectors.CodeInvalidContent},
		"403 locked":                      {403, `{"errors":[{"code":326,"message":"This account is temporarily locked."}]}`, connectors.KindUnlinked, connectors.CodeAccountSuspended},
		"403 usage-capped":                {403, problem("usage-capped", "no"), connectors.KindRateLimited, connectors.CodeQuotaExceeded},
		"403 of a gateway":                {403, page, connectors.KindRejected, httpcall.CodeProviderRejected},
		"404":                             {404, problem("resource-not-found", "no"), connectors.KindRejected, httpcall.CodeProviderRejected},
		"429":                             {429, problem("rate-limit-exceeded", "no"), connectors.KindRateLimited, "provider_rate_limited"},
		"429 usage-capped":                {429, problem("usage-capped", "no"), connectors.KindRateLimited, connectors.CodeQuotaExceeded},
		"503 of X":                        {503, problem("about", "over capacity"), connectors.KindRetryable, "provider_unavailable"},
		"503 of a gateway":                {503, page, connectors.KindUnconfirmed, unconfirmed},
		"500 of X":                        {500, problem("about", "no"), connectors.KindUnconfirmed, unconfirmed},
		"502":                             {502, page, connectors.KindUnconfirmed, unconfirmed},
		"408":                             {408, page, connectors.KindUnconfirmed, unconfirmed},
		"a redirect":                      {302, page, connectors.KindUnconfirmed, unconfirmed},
		"a page in place of an answer":    {200, page, connectors.KindUnconfirmed, unconfirmed},
		"an answer that is cut":           {201, `{"data":{"id":"1`, connectors.KindUnconfirmed, unconfirmed},
		"an answer without an id":         {201, `{"data":{"text":"Hello"}}`, connectors.KindUnconfirmed, unconfirmed},
		"an id that is none":              {201, `{"data":{"id":"1/../2"}}`, connectors.KindUnconfirmed, unconfirmed},
		"errors with success":             {200, `{"errors":[{"detail":"something"}]}`, connectors.KindUnconfirmed, unconfirmed},
		"a success that is another":       {202, `{"data":{"id":"1"}}`, connectors.KindUnconfirmed, unconfirmed},
		"a token in the refusal's words":  {400, problem("invalid-request", "bad "+xtest.Token+" "+xtest.Refresh), connectors.KindRejected, connectors.CodeInvalidContent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, b := newFake(t), &begun{}
			fake.Answer(tweets, test.status, test.body)
			_, err := publish(t, fake, post(b, "Hello"))
			failed := requireKind(t, err, test.kind, test.code)
			if test.code == connectors.CodeQuotaExceeded {
				require.Equal(t, time.Hour, failed.After)
			}
			require.Equal(t, 1, b.times)
			require.Equal(t, 1, fake.Requests(), "the one request was made more than once")
		})
	}
	t.Run("errors beside a post", func(t *testing.T) {
		t.Parallel()
		fake := newFake(t)
		fake.Answer(tweets, 201, `{"data":{"id":"77","text":"Hello"},"errors":[{"title":"Partial","detail":"A field is missing"}]}`)
		published, err := publish(t, fake, post(&begun{}, "Hello"))
		require.NoError(t, err)
		require.Equal(t, connectors.Published{
			ProviderID: "77", URL: "https://x.com/alice/status/77", Warnings: []string{"X posted it, but says: A field is missing"},
		}, published)
	})
}

func TestALineThatIsCutAfterBeginIsUnconfirmedAndMakesOnePost(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.Fail(standin.Trouble{Cut: true})
	_, err := publish(t, fake, post(&begun{}, "Hello"))
	requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
	require.Len(t, fake.Posts(), 1)
	require.Equal(t, 1, fake.Requests())
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
	_, err := open(t, fake, config(), nil).(connectors.Publisher).Publish(ctx, post(&begun{}, "Hello"))
	requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
}

func TestWhatIsCancelledAtBeginIsNotPosted(t *testing.T) {
	t.Parallel()
	fake, stop := newFake(t), errors.New("the post was cancelled")
	out := post(&begun{}, "Hello")
	out.Begin = func(context.Context) error { return stop }
	_, err := publish(t, fake, out)
	require.Equal(t, stop, err, "the error is returned as it is")
	require.Zero(t, fake.Requests())
}

func TestTheLimitsEndIsReadInSeconds(t *testing.T) {
	t.Parallel()
	in := func(d time.Duration) string { return strconv.FormatInt(clock().Add(d).Unix(), 10) }
	for header, want := range map[string]time.Duration{
		in(5 * time.Minute): 5 * time.Minute, in(-time.Minute): 0, in(48 * time.Hour): 24 * time.Hour, "-5": 0, "99999999999999999999": 0, "soon": 0, "": 0,
	} {
		fake := newFake(t)
		fake.Once(tweets, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("x-rate-limit-reset", header)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		_, err := publish(t, fake, post(&begun{}, "Hello"))
		require.Equal(t, want, requireKind(t, err, connectors.KindRateLimited, "provider_rate_limited").After, header)
	}
}

// watched is a film of a size that nobody would want to hold; it notes how much is asked for at once.
type watched struct {
	size, at int64
	large    *atomic.Bool // more than 1 MB
}

func (w *watched) Read(to []byte) (int, error) {
	if len(to) > 1<<20 {
		w.large.Store(true)
	}
	if w.at == w.size {
		return 0, io.EOF
	}
	n := copy(to, bytes.Repeat([]byte{'x'}, int(min(int64(len(to)), w.size-w.at))))
	w.at += int64(n)
	return n, nil
}

func (w *watched) Seek(offset int64, _ int) (int64, error) {
	w.at = offset
	return offset, nil
}

func (*watched) Close() error { return nil }

func TestAFilmIsReadWhileItIsSent(t *testing.T) {
	t.Parallel()
	const size = 22 << 20
	fake, large := newFake(t), &atomic.Bool{}
	out := post(&begun{}, "")
	out.Media = []connectors.PostMedia{{
		Kind: "video", ContentType: "video/mp4", FileName: "a.mp4", Size: size,
		Open: func() (io.ReadSeekCloser, error) { return &watched{size: size, large: large}, nil },
	}}
	_, err := publish(t, fake, out)
	require.NoError(t, err)
	require.Len(t, fake.Uploads()[0].Pieces, 6)
	require.False(t, large.Load(), "the film is asked for in large pieces")
}
