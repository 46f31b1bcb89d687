package linkedin_test

import (
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
	"github.com/switchhook/switchhook/connectors/linkedin"
	"github.com/switchhook/switchhook/connectors/linkedin/linkedintest"
)

const (
	posts  = "/rest/posts"
	images = "/rest/images"
	videos = "/rest/videos"
)

func TestATextIsPostedOnce(t *testing.T) {
	t.Parallel()
	fake, b := newFake(t), &begun{}
	published, err := publish(t, fake, post(b, "Hello (world) #News"))
	require.NoError(t, err)
	require.Equal(t, connectors.Published{ProviderID: "urn:li:share:7000", URL: "https://www.linkedin.com/feed/update/urn:li:share:7000/"}, published)
	require.Equal(t, 1, b.times)
	require.Len(t, fake.Posts(), 1)
	require.JSONEq(t, `{
		"author":"urn:li:person:AbC-1_x","commentary":"Hello \\(world\\) #News","visibility":"PUBLIC","lifecycleState":"PUBLISHED","isReshareDisabledByAuthor":false,
		"distribution":{"feedDistribution":"MAIN_FEED","targetEntities":[],"thirdPartyDistributionChannels":[]}}`, fake.Posts()[0].Body)
	require.Equal(t, "Hello (world) #News", fake.Posts()[0].Text)
	require.Equal(t, []string{"POST " + posts}, fake.Seen(), "no address holds a token")
}

func TestAPageHasItsOwnPostsAndVisibility(t *testing.T) {
	t.Parallel()
	fake, page := newFake(t), config()
	page["author"] = linkedintest.Page
	out := post(&begun{}, "Hello")
	out.Options = map[string]string{"visibility": "LOGGED_IN"}
	_, err := open(t, fake, page, nil).(connectors.Publisher).Publish(t.Context(), out)
	require.NoError(t, err)
	require.Contains(t, fake.Posts()[0].Body, `"author":"urn:li:organization:42"`)
	require.Contains(t, fake.Posts()[0].Body, `"visibility":"LOGGED_IN"`)
}

func TestAPictureStandsAloneAndSeveralStandTogether(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files []connectors.PostMedia
		want  string
	}{
		"one": {
			[]connectors.PostMedia{media("a.png", "image/png", "A \"grey\" cat\nasleep", 70_000)},
			`{"media":{"id":"urn:li:image:C4-0_x","altText":"A \"grey\" cat\nasleep"}}`,
		},
		"three": {
			[]connectors.PostMedia{media("a.png", "image/png", "A cat", 9), media("b.gif", "image/gif", "", 8), media("c.jpg", "image/jpeg", "Two [cats]", 7)},
			`{"multiImage":{"images":[{"id":"urn:li:image:C4-0_x","altText":"A cat"},{"id":"urn:li:image:C4-1_x"},{"id":"urn:li:image:C4-2_x","altText":"Two [cats]"}]}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, b := newFake(t), &begun{}
			out := post(b, "")
			out.Media = test.files
			_, err := publish(t, fake, out)
			require.NoError(t, err)
			require.Contains(t, fake.Posts()[0].Body, `"content":`+test.want)
			require.Equal(t, 1, b.times)
			for i, upload := range fake.Uploads() {
				require.Equal(t, []int{int(test.files[i].Size)}, upload.Pieces)
				require.JSONEq(t, `{"initializeUploadRequest":{"owner":"urn:li:person:AbC-1_x"}}`, upload.Begun)
			}
			for _, seen := range fake.Seen() {
				requireNoSecret(t, seen)
			}
		})
	}
}

func TestAFilmGoesInPiecesEachToItsAddressAndIsWaitedFor(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.Process(2, false)
	out := post(&begun{}, "A film")
	out.Media = []connectors.PostMedia{media("a.mp4", "video/mp4", "A boat", 2500)}
	_, err := publish(t, fake, out)
	require.NoError(t, err)
	require.Equal(t, []linkedintest.Upload{{
		URN: "urn:li:video:D5-0_x", Pieces: []int{1000, 1000, 500}, Ended: true,
		Begun: `{"initializeUploadRequest":{"fileSizeBytes":2500,"owner":"urn:li:person:AbC-1_x","uploadCaptions":false,"uploadThumbnail":false}}`,
	}}, fake.Uploads())
	require.Contains(t, fake.Posts()[0].Body, `"content":{"media":{"id":"urn:li:video:D5-0_x","altText":"A boat"}}`)
	put, look := "PUT /dms-uploads/0/", "GET "+videos+"/urn%3Ali%3Avideo%3AD5-0_x"
	require.Equal(t, []string{
		"POST " + videos + "?action=initializeUpload", put + "0?ca=vector", put + "1?ca=vector", put + "2?ca=vector", "POST " + videos + "?action=finalizeUpload",
		look, look, look, "POST " + posts,
	}, fake.Seen())
}

func TestAPieceThatIsLostIsSentAgain(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.Once("/dms-uploads/0/1", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	fake.Answer("/dms-uploads/0/1", 200, "") // without an ETag
	out := post(&begun{}, "")
	out.Media = []connectors.PostMedia{media("a.mp4", "video/mp4", "", 2500)}
	_, err := publish(t, fake, out)
	require.NoError(t, err)
	require.Len(t, fake.Posts(), 1)
}

func TestAnAppThatMayNotLookAtFilmsWaitsAndPosts(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.Answer(videos+"/urn:li:video:D5-0_x", 403, `{"message":"Not enough permissions"}`)
	out := post(&begun{}, "")
	out.Media = []connectors.PostMedia{media("a.mp4", "video/mp4", "", 5)}
	_, err := publish(t, fake, out)
	require.NoError(t, err)
}

func TestATokenGoesToNoOtherHost(t *testing.T) {
	t.Parallel()
	for address, kind := range map[string]connectors.Kind{
		"http://www.linkedin.com/dms-uploads/1": connectors.KindRetryable, "ftp://a.example/": connectors.KindRetryable, "": connectors.KindRetryable,
		"https://user:word@www.linkedin.com/": connectors.KindRetryable, "%zz": connectors.KindRetryable,
	} {
		fake, b := newFake(t), &begun{}
		fake.Answer(images, 200, `{"value":{"uploadUrl":"`+address+`","image":"urn:li:image:a"}}`)
		out := post(b, "")
		out.Media = []connectors.PostMedia{media("a.png", "image/png", "", 5)}
		_, err := publish(t, fake, out)
		require.Equal(t, kind, connectors.AsError(err).Kind, address)
		require.Equal(t, [2]int{1, 0}, [2]int{fake.Requests(), b.times}, address)
	}
	for address, want := range map[string]string{
		"https://www.linkedin.com/dms-uploads/1": "Bearer " + linkedintest.Token, "https://linkedin.com.a.example/1": "", "https://notlinkedin.com/1": "",
	} {
		var sent []string
		answer := func(r *http.Request) *http.Response {
			body, header := "", http.Header{}
			if r.URL.Path == images {
				body = `{"value":{"uploadUrl":"` + address + `","image":"urn:li:image:a"}}`
			}
			if r.URL.Path == posts {
				header.Set("X-Restli-Id", "urn:li:share:1")
			}
			if r.Method == http.MethodPut {
				sent = append(sent, r.Header.Get("Authorization"))
			}
			return &http.Response{StatusCode: http.StatusCreated, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}
		}
		conn, err := linkedin.New(linkedin.Options{Wait: atOnce}).Open(connectors.Channel{Config: config()}, connectors.Host{HTTP: &http.Client{Transport: roundTripper(answer)}, Now: clock})
		require.NoError(t, err)
		out := post(&begun{}, "")
		out.Media = []connectors.PostMedia{media("a.png", "image/png", "", 5)}
		_, err = conn.(connectors.Publisher).Publish(t.Context(), out)
		require.NoError(t, err)
		require.Equal(t, []string{want}, sent, address)
	}
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func TestWhatLinkedInWouldRefuseIsRefusedBeforeAnyUpload(t *testing.T) {
	t.Parallel()
	picture, film := media("a.png", "image/png", "", 1), media("a.mp4", "video/mp4", "", 1)
	many := make([]connectors.PostMedia, 21)
	for i := range many {
		many[i] = picture
	}
	for name, files := range map[string][]connectors.PostMedia{"nothing": {}, "21 pictures": many, "a film and a picture": {film, picture}, "two films": {film, film}} {
		fake, b := newFake(t), &begun{}
		out := post(b, " \n")
		out.Media = files
		_, err := publish(t, fake, out)
		requireKind(t, err, connectors.KindRejected, connectors.CodeInvalidContent)
		require.Zero(t, fake.Requests()+b.times, name)
	}
	out := post(&begun{}, "2/2")
	out.ReplyTo = "urn:li:share:1"
	_, err := publish(t, newFake(t), out)
	requireKind(t, err, connectors.KindUnsupported, "unsupported")
}

func TestWhatGoesWrongWithAFileIsNeverAPost(t *testing.T) {
	t.Parallel()
	answer := func(path string, status int, body string) func(*linkedintest.Server) {
		return func(fake *linkedintest.Server) { fake.Answer(path, status, body) }
	}
	words, piece, look := `{"message":"no `+linkedintest.Token+`","status":1}`, "/dms-uploads/0/0", videos+"/urn:li:video:D5-0_x"
	instructions := func(list string) string {
		return `{"value":{"video":"urn:li:video:a","uploadInstructions":[` + list + `]}}`
	}
	for name, test := range map[string]struct {
		arrange func(*linkedintest.Server)
		kind    connectors.Kind
		code    string
	}{
		"400":                    {answer(videos, 400, words), connectors.KindRejected, connectors.CodeMediaRejected},
		"401":                    {answer(videos, 401, words), connectors.KindUnlinked, connectors.CodeAuthFailed},
		"403":                    {answer(videos, 403, words), connectors.KindRejected, connectors.CodeScopeMissing},
		"413 of a piece":         {answer(piece, 413, "<html>"), connectors.KindRejected, connectors.CodeMediaRejected},
		"426":                    {answer(videos, 426, ""), connectors.KindRejected, "api_version_ended"},
		"429":                    {answer(videos, 429, words), connectors.KindRateLimited, "provider_rate_limited"},
		"500":                    {answer(videos, 500, words), connectors.KindRetryable, "provider_unavailable"},
		"an HTML page":           {answer(videos, 200, "<html>"), connectors.KindRetryable, "provider_unavailable"},
		"a URN of another kind":  {answer(videos, 200, `{"value":{"video":"urn:li:image:a"}}`), connectors.KindRetryable, "provider_unavailable"},
		"pieces with a gap":      {answer(videos, 200, instructions(`{"uploadUrl":"/a","firstByte":0,"lastByte":1},{"uploadUrl":"/a","firstByte":3,"lastByte":4}`)), connectors.KindRetryable, "provider_unavailable"},
		"pieces backwards":       {answer(videos, 200, instructions(`{"uploadUrl":"/a","firstByte":0,"lastByte":-9}`)), connectors.KindRetryable, "provider_unavailable"},
		"too few pieces":         {answer(videos, 200, instructions(`{"uploadUrl":"/a","firstByte":0,"lastByte":1}`)), connectors.KindRetryable, "provider_unavailable"},
		"never done":             {func(f *linkedintest.Server) { f.Process(100_000, false) }, connectors.KindRetryable, "provider_unavailable"},
		"failed in the end":      {func(f *linkedintest.Server) { f.Process(2, true) }, connectors.KindRejected, connectors.CodeMediaRejected},
		"a state that is new":    {answer(look, 200, `{"status":"?"}`), connectors.KindRetryable, "provider_unavailable"},
		"a look that is refused": {answer(look, 401, words), connectors.KindUnlinked, connectors.CodeAuthFailed},
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
	t.Run("a file that cannot be opened", func(t *testing.T) {
		t.Parallel()
		fake := newFake(t)
		picture := media("a.png", "image/png", "", 5)
		picture.Open = func() (io.ReadSeekCloser, error) { return nil, errors.New("gone") }
		out := post(&begun{}, "")
		out.Media = []connectors.PostMedia{picture}
		_, err := publish(t, fake, out)
		requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
		require.Empty(t, fake.Posts())
	})
}

// TestEveryAnswerHasItsMeaning has a row for each class of error that LinkedIn documents, and for what is no answer.
func TestEveryAnswerHasItsMeaning(t *testing.T) {
	t.Parallel()
	words := func(text string) string { return `{"message":"` + text + `","serviceErrorCode":100,"status":1}` }
	page := strings.Repeat("<html>", 3)
	const unconfirmed = "unconfirmed"
	for name, test := range map[string]struct {
		status int
		body   string
		kind   connectors.Kind
		code   string
		after  time.Duration
	}{
		"400":                            {400, words("bad field"), connectors.KindRejected, connectors.CodeInvalidContent, 0},
		"401":                            {401, `{"message":"revoked","serviceErrorCode":65601,"status":401}`, connectors.KindUnlinked, connectors.CodeAuthFailed, 0},
		"403":                            {403, words("Not enough permissions"), connectors.KindRejected, connectors.CodeScopeMissing, 0},
		"404":                            {404, words("no"), connectors.KindRejected, httpcall.CodeProviderRejected, 0},
		"409":                            {409, words("duplicate"), connectors.KindRejected, connectors.CodeDuplicatePost, 0},
		"422 duplicate":                  {422, `{"code":"DUPLICATE_POST","message":"Content is a duplicate of urn:li:share:1","status":422}`, connectors.KindRejected, connectors.CodeDuplicatePost, 0},
		"422 by its code":                {422, `{"code":"DUPLICATE_POST","errorDetails":{"a":1}}`, connectors.KindRejected, connectors.CodeDuplicatePost, 0},
		"422 of something else":          {422, words("no"), connectors.KindRejected, connectors.CodeInvalidContent, 0},
		"426":                            {426, words("not active"), connectors.KindRejected, "api_version_ended", 0},
		"429":                            {429, words("slow down"), connectors.KindRateLimited, "provider_rate_limited", 5 * time.Minute},
		"429 of a gateway":               {429, page, connectors.KindRateLimited, "provider_rate_limited", 5 * time.Minute},
		"429 of the day":                 {429, words("Resource level throttle MEMBER DAY limit is reached"), connectors.KindRateLimited, connectors.CodeQuotaExceeded, 15 * time.Hour},
		"503 of LinkedIn":                {503, words("no"), connectors.KindRetryable, "provider_unavailable", 0},
		"503 of a gateway":               {503, page, connectors.KindUnconfirmed, unconfirmed, 0},
		"500 of LinkedIn":                {500, words("no"), connectors.KindUnconfirmed, unconfirmed, 0},
		"504":                            {504, words("no"), connectors.KindUnconfirmed, unconfirmed, 0},
		"408":                            {408, page, connectors.KindUnconfirmed, unconfirmed, 0},
		"a redirect":                     {302, page, connectors.KindUnconfirmed, unconfirmed, 0},
		"a page in place of an answer":   {200, page, connectors.KindUnconfirmed, unconfirmed, 0},
		"a post without an id":           {201, "", connectors.KindUnconfirmed, unconfirmed, 0},
		"a token in the refusal's words": {400, words("bad " + linkedintest.Token), connectors.KindRejected, connectors.CodeInvalidContent, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, b := newFake(t), &begun{}
			fake.Answer(posts, test.status, test.body)
			_, err := publish(t, fake, post(b, "Hello"))
			require.Equal(t, test.after, requireKind(t, err, test.kind, test.code).After)
			require.Equal(t, 1, b.times)
			require.Equal(t, 1, fake.Requests(), "the one request was made more than once")
		})
	}
	t.Run("an id that is none", func(t *testing.T) {
		t.Parallel()
		fake := newFake(t)
		fake.Once(posts, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("x-restli-id", "../evil")
			w.WriteHeader(http.StatusCreated)
		})
		_, err := publish(t, fake, post(&begun{}, "Hello"))
		requireKind(t, err, connectors.KindUnconfirmed, unconfirmed)
	})
}

func TestAnOldVersionNamesTheSetting(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	old := options(fake)
	old.Version = "202501"
	conn, err := linkedin.New(old).Open(connectors.Channel{Config: config()}, host(t, nil))
	require.NoError(t, err)
	_, err = conn.(connectors.Publisher).Publish(t.Context(), post(&begun{}, "Hello"))
	require.Contains(t, requireKind(t, err, connectors.KindRejected, "api_version_ended").Message, "LINKEDIN_API_VERSION")
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
