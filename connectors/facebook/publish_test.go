package facebook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
)

const (
	feed   = "/" + page + "/feed"
	photos = "/" + page + "/photos"
	videos = "/" + page + "/videos"
)

// begun counts how often a post was begun.
type begun struct{ times int }

func post(b *begun, text string, media ...connectors.PostMedia) connectors.OutPost {
	return connectors.OutPost{
		ID: "tgt_1-0", Text: text, Media: media, StartedAt: metatest.Now(),
		Begin: func(context.Context) error { b.times++; return nil },
	}
}

type content struct{ *bytes.Reader }

func (content) Close() error { return nil }

func media(name, kind, contentType, alt, bytesOf string) connectors.PostMedia {
	return connectors.PostMedia{
		Kind: kind, ContentType: contentType, FileName: name, Size: int64(len(bytesOf)), Alt: alt,
		Open: func() (io.ReadSeekCloser, error) { return content{bytes.NewReader([]byte(bytesOf))}, nil },
	}
}

func picture() connectors.PostMedia { return media("a.png", "image", "image/png", "", "picture") }

func film() connectors.PostMedia {
	return media("a.mp4", "video", "video/mp4", "", strings.Repeat("film", metatest.Chunk*5/8))
}

// opts waits in no time.
func opts(address string) meta.Options {
	return meta.Options{BaseURL: address, Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
}

func publish(t *testing.T, fake *metatest.Server, out connectors.OutPost) (connectors.Published, error) {
	t.Helper()
	published, err := open(t, opts(fake.URL), nil).(connectors.Publisher).Publish(t.Context(), out)
	if err != nil {
		require.NotContains(t, fmt.Sprintf("%v %+v", err, connectors.AsError(err).Provider), metatest.Token)
	}
	for _, request := range fake.Requests() {
		require.NotContains(t, request.Path+"?"+request.Query, metatest.Token)
		require.NotContains(t, request.Query, "access_token")
	}
	return published, err
}

func requireKind(t *testing.T, err error, kind connectors.Kind, code string) *connectors.Error {
	t.Helper()
	require.Error(t, err)
	failed := connectors.AsError(err)
	require.Equal(t, [2]string{string(kind), code}, [2]string{string(failed.Kind), failed.Code}, err.Error())
	return failed
}

func TestATextIsPublishedWithItsLink(t *testing.T) {
	t.Parallel()
	fake, b := metatest.New(t), &begun{}
	out := post(b, "Hello\n#tea")
	out.Options = map[string]string{"link": "https://example.com/a"}
	published, err := publish(t, fake, out)
	require.NoError(t, err)
	require.Equal(t, connectors.Published{ProviderID: page + "_501", URL: "https://www.facebook.com/shop/posts/" + page + "_501"}, published)
	require.Equal(t, 1, b.times)
	requests := fake.Requests()
	require.Len(t, requests, 1)
	require.JSONEq(t, `{"message":"Hello\n#tea","link":"https://example.com/a"}`, string(requests[0].Body))
	require.Equal(t, "fields=id,permalink_url", requests[0].Query)
}

func TestPicturesAreUploadedUnseenAndPublishedTogether(t *testing.T) {
	t.Parallel()
	fake, b := metatest.New(t), &begun{}
	published, err := publish(t, fake, post(b, "Two", media("a.png", "image", "image/png", "A cat", "one"), media("ä\".gif", "gif", "image/gif", "", "two")))
	require.NoError(t, err)
	require.Equal(t, page+"_503", published.ProviderID)
	require.Equal(t, []metatest.Photo{
		{ID: "501", Alt: "A cat", Type: "image/png", Content: []byte("one")}, {ID: "502", Type: "image/gif", Content: []byte("two")},
	}, fake.Photos())
	require.JSONEq(t, `{"message":"Two","attached_media":[{"media_fbid":"501"},{"media_fbid":"502"}]}`, string(fake.Requests()[2].Body))

	_, err = publish(t, fake, post(b, "", picture()))
	require.NoError(t, err, "a picture needs no text")
	require.Equal(t, 2, b.times)
}

func TestAFilmGoesUpInPiecesAndIsPublishedByItsLastRequest(t *testing.T) {
	t.Parallel()
	fake, b := metatest.New(t), &begun{}
	fake.SetStates("processing", "processing")
	fake.TroubleAt(videos, metatest.Trouble{}) // the start goes well
	fake.TroubleAt(videos, metatest.Trouble{Cut: true})
	fake.TroubleAt(videos, metatest.Trouble{Status: http.StatusServiceUnavailable})
	out := post(b, "A film", film())
	out.Media[0].Alt = "A cat runs"
	begin := out.Begin
	out.Begin = func(ctx context.Context) error {
		require.Empty(t, fake.Posts())
		require.Len(t, fake.Film(), 2500)
		return begin(ctx)
	}
	published, err := publish(t, fake, out)
	require.NoError(t, err)
	require.Equal(t, connectors.Published{
		ProviderID: "501", URL: "https://www.facebook.com/shop/videos/501/", Warnings: []string{"Facebook takes no description of a film, so it was left out."},
	}, published)
	require.Equal(t, 1, b.times)
	require.Equal(t, strings.Repeat("film", 625), string(fake.Film()))
	require.Equal(t, "A film", fake.Posts()[0].Text)
}

func TestFilmsGoToAHostOfTheirOwn(t *testing.T) {
	t.Parallel()
	fake, films := metatest.New(t), metatest.New(t)
	options := opts(fake.URL)
	options.VideoBaseURL = films.URL
	_, err := open(t, options, nil).(connectors.Publisher).Publish(t.Context(), post(&begun{}, "A film", film()))
	require.NoError(t, err)
	require.Len(t, films.Posts(), 1)
	for _, request := range fake.Requests() {
		require.Equal(t, http.MethodGet, request.Method)
	}
}

func TestAFilmThatFacebookCannotWorkOnIsRefusedAndOneThatTakesLongIsOut(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	fake.SetStates("processing", "error")
	_, err := publish(t, fake, post(&begun{}, "A film", film()))
	require.Equal(t, "media", requireKind(t, err, connectors.KindRejected, connectors.CodeMediaRejected).Field)

	slow := metatest.New(t)
	slow.SetStates(strings.Split(strings.TrimSpace(strings.Repeat("processing,", 200)), ",")...)
	published, err := publish(t, slow, post(&begun{}, "A film", film()))
	require.NoError(t, err)
	require.Equal(t, []string{"Facebook is still working on the film. It appears on the Page when that is done."}, published.Warnings)
	require.Less(t, slow.Count(), 30)
}

func TestWhatFacebookCannotTakeIsRefusedBeforeAnyCall(t *testing.T) {
	t.Parallel()
	fake, b := metatest.New(t), &begun{}
	linked := post(b, "A", picture())
	linked.Options = map[string]string{"link": "https://example.com"}
	large := picture()
	large.Size = 4<<20 + 1
	for name, test := range map[string]struct {
		post  connectors.OutPost
		code  string
		field string
	}{
		"nothing":            {post(b, " \n"), connectors.CodeInvalidContent, "body"},
		"a link and a file":  {linked, connectors.CodeInvalidContent, "options.link"},
		"a film and another": {post(b, "A", film(), picture()), connectors.CodeMediaRejected, "media"},
		"a large picture":    {post(b, "A", picture(), large), connectors.CodeMediaRejected, "media[1]"},
	} {
		_, err := publish(t, fake, test.post)
		require.Equal(t, test.field, requireKind(t, err, connectors.KindRejected, test.code).Field, name)
	}
	require.Zero(t, fake.Count())
	require.Zero(t, b.times)
}

type row struct {
	code, subcode int
	kind          connectors.Kind
	name          string
}

// rows has a row for each class of error of publishing on a Page. Those of trouble may come before or after what is public was made.
func rows() []row {
	const rejected, unlinked, limited, retryable = connectors.KindRejected, connectors.KindUnlinked, connectors.KindRateLimited, connectors.KindRetryable
	const refused, down, slow = connectors.CodeInvalidContent, "provider_unavailable", "provider_rate_limited"
	return []row{
		{100, 1366046, rejected, connectors.CodeMediaRejected},
		{100, 1366051, rejected, connectors.CodeDuplicatePost},
		{506, 0, rejected, connectors.CodeDuplicatePost},
		{200, 1390008, limited, slow},
		{368, 1390008, limited, slow},
		{100, 1346003, rejected, refused},
		{368, 1404102, rejected, refused},
		{200, 1404078, unlinked, connectors.CodeAuthFailed},
		{100, 1609008, rejected, refused},
		{100, 2061006, rejected, refused},
		{1, 1349125, rejected, refused},
		{368, 1404006, unlinked, connectors.CodeAccountSuspended},
		{368, 1404112, unlinked, connectors.CodeAccountSuspended},
		{190, 4854002, unlinked, connectors.CodeAccountSuspended},
		{2, 1363047, retryable, down},
		{1, 1609010, retryable, down},
		{1363047, 0, retryable, down},
		{190, 0, unlinked, connectors.CodeAuthFailed},
		{190, 460, unlinked, connectors.CodeAuthFailed},
		{102, 0, unlinked, connectors.CodeAuthFailed},
		{190, 459, unlinked, connectors.CodeAccountSuspended},
		{10, 0, rejected, connectors.CodeScopeMissing},
		{200, 0, rejected, connectors.CodeScopeMissing},
		{299, 0, rejected, connectors.CodeScopeMissing},
		{4, 0, limited, slow},
		{17, 0, limited, slow},
		{32, 0, limited, slow},
		{613, 0, limited, slow},
		{80001, 0, limited, slow},
		{341, 0, limited, slow},
		{368, 0, limited, slow},
		{100, 0, rejected, refused},
		{100, 33, rejected, connectors.CodeInvalidSender},
		{999999, 0, rejected, httpcall.CodeProviderRejected},
	}
}

func TestEveryErrorOfPublishingHasItsMeaning(t *testing.T) {
	t.Parallel()
	fake, b := metatest.New(t), &begun{}
	for _, want := range rows() {
		fake.FailNext(want.code, want.subcode)
		_, err := publish(t, fake, post(b, "Hello"))
		failed := connectors.AsError(err)
		require.Equal(t, want, row{want.code, want.subcode, failed.Kind, failed.Code}, "%d/%d", want.code, want.subcode)
		require.NotEmpty(t, failed.Message)

		fake.FailNext(want.code, want.subcode)
		_, err = publish(t, fake, post(&begun{}, "Hello", picture()))
		failed = connectors.AsError(err)
		require.Equal(t, want, row{want.code, want.subcode, failed.Kind, failed.Code}, "an upload: %d/%d", want.code, want.subcode)
	}
	require.Equal(t, len(rows()), b.times)
	require.Empty(t, fake.Posts())
}

func TestTroubleIsUnconfirmedAfterBeginAndRetryableBefore(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]metatest.Trouble{
		"an unknown error":        {Status: 500, Code: 1},
		"a service that is away":  {Status: 503, Code: 2, Transient: true},
		"a code that is nobody's": {Status: 500, Code: 7777},
		"a refusal that passes":   {Status: 400, Code: 100, Transient: true},
		"a gateway":               {Status: 502},
		"a page with 200":         {Status: 200},
		"a cut line":              {Cut: true},
		"a cut answer":            {BrokenBody: true},
		"an answer without an id": {Body: `{"success":true}`},
		"no object":               {Body: `[]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, b := metatest.New(t), &begun{}
			fake.TroubleAt(feed, trouble)
			_, err := publish(t, fake, post(b, "Hello"))
			requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
			require.Equal(t, 1, b.times)
			require.Equal(t, 1, fake.Count(), "the one request is made once")
			require.LessOrEqual(t, len(fake.Posts()), 1)

			fake.TroubleAt(photos, trouble)
			_, err = publish(t, fake, post(b, "Hello", picture()))
			requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
			for range 4 {
				fake.TroubleAt(videos, trouble)
			}
			_, err = publish(t, fake, post(b, "Hello", film()))
			requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
			require.Equal(t, 1, b.times)
		})
	}
}

func TestTheEndOfAFilmsUploadMayHavePublishedIt(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]metatest.Trouble{"a cut line": {Cut: true}, "a page with 200": {Status: 200}, "no success": {Body: `{"success":false}`}} {
		fake, b := metatest.New(t), &begun{}
		out := post(b, "A film", film())
		out.Begin = func(context.Context) error {
			fake.TroubleAt(videos, trouble)
			return nil
		}
		_, err := publish(t, fake, out)
		requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
		require.LessOrEqual(t, len(fake.Posts()), 1, name)
	}
}

func TestOffsetsThatLeadNowhereEndAnUpload(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"back":         `{"start_offset":"0","end_offset":"1000"}`,
		"past the end": `{"start_offset":"1000","end_offset":"99999"}`,
		"too early":    `{"start_offset":"1000","end_offset":"1000"}`,
		"no offsets":   `{}`, "null": `null`, "rubbish": `{"start_offset":"x","end_offset":"y"}`, "below zero": `{"start_offset":-5,"end_offset":-5}`,
	} {
		fake, b := metatest.New(t), &begun{}
		fake.TroubleAt(videos, metatest.Trouble{})
		for range 3 {
			fake.TroubleAt(videos, metatest.Trouble{Body: body})
		}
		_, err := publish(t, fake, post(b, "A film", film()))
		requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
		require.Zero(t, b.times, name)
		require.LessOrEqual(t, fake.Count(), 4, name)
	}
}

func TestAPostThatIsCancelledOrWhoseFileIsGoneIsNotPublished(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	stop := errors.New("cancelled")
	for _, media := range [][]connectors.PostMedia{nil, {picture()}, {film()}} {
		out := post(&begun{}, "Hello", media...)
		out.Begin = func(context.Context) error { return stop }
		_, err := publish(t, fake, out)
		require.Equal(t, stop, err)
	}
	for _, file := range []connectors.PostMedia{picture(), film()} {
		file.Open = func() (io.ReadSeekCloser, error) { return nil, errors.New("gone") }
		_, err := publish(t, fake, post(&begun{}, "Hello", file))
		requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
	}
	short := picture()
	short.Size += 5
	_, err := publish(t, fake, post(&begun{}, "Hello", short))
	requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
	require.Empty(t, fake.Posts())
}

func TestPublishReturnsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	arrived := fake.TroubleNext(metatest.Trouble{Delay: time.Hour})
	go func() {
		<-arrived
		cancel()
	}()
	_, err := open(t, opts(fake.URL), nil).(connectors.Publisher).Publish(ctx, post(&begun{}, "Hello"))
	requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
}

func TestAFirstCommentStandsBelowThePost(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	commenter := open(t, opts(fake.URL), nil).(connectors.Commenter)
	id, err := commenter.Comment(t.Context(), connectors.Published{ProviderID: page + "_7"}, "First")
	require.NoError(t, err)
	require.Equal(t, page+"_7_501", id)
	require.Equal(t, []metatest.Comment{{On: page + "_7", Text: "First"}}, fake.Comments())

	fake.TroubleNext(metatest.Trouble{Cut: true})
	_, err = commenter.Comment(t.Context(), connectors.Published{ProviderID: "1"}, "First")
	requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
	fake.FailNext(200, 0)
	_, err = commenter.Comment(t.Context(), connectors.Published{ProviderID: "1"}, "First")
	requireKind(t, err, connectors.KindRejected, connectors.CodeScopeMissing)
	for _, on := range []connectors.Published{{}, {ProviderID: "1"}} {
		_, err = commenter.Comment(t.Context(), on, strings.Repeat(" ", len(on.ProviderID)))
		requireKind(t, err, connectors.KindRejected, connectors.CodeInvalidContent)
	}
}
