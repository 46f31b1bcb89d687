package instagram_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/instagram"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
)

const (
	containers = "/" + account + "/media"
	publishing = "/" + account + "/media_publish"
	quota      = "/" + account + "/content_publishing_limit"
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

// picture is a JPEG of a size.
func picture(t *testing.T, name string, width, height int) connectors.PostMedia {
	t.Helper()
	var encoded bytes.Buffer
	require.NoError(t, jpeg.Encode(&encoded, image.NewGray(image.Rect(0, 0, width, height)), nil))
	return connectors.PostMedia{
		Kind: "image", ContentType: "image/jpeg", FileName: name, Size: int64(encoded.Len()), URL: "https://hooks.example/media/" + name,
		Open: func() (io.ReadSeekCloser, error) { return content{bytes.NewReader(encoded.Bytes())}, nil },
	}
}

func film(name string) connectors.PostMedia {
	return connectors.PostMedia{Kind: "video", ContentType: "video/mp4", FileName: name, Size: 5, URL: "https://hooks.example/media/" + name}
}

// publisher waits in no time.
func publisher(t *testing.T, fake *metatest.Server) connectors.Conn {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	options := meta.Options{BaseURL: fake.URL, Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	conn, err := instagram.New(options).Open(connectors.Channel{ID: "chan_1", Address: account, Config: config()}, connectors.Host{HTTP: client, Now: metatest.Now})
	require.NoError(t, err)
	return conn
}

func publish(t *testing.T, fake *metatest.Server, out connectors.OutPost) (connectors.Published, error) {
	t.Helper()
	published, err := publisher(t, fake).(connectors.Publisher).Publish(t.Context(), out)
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

// calls returns the method and path of every request.
func calls(fake *metatest.Server) []string {
	var list []string
	for _, request := range fake.Requests() {
		list = append(list, request.Method+" "+strings.Replace(request.Path, account, "me", 1))
	}
	return list
}

func TestAPictureIsFetchedThenPublished(t *testing.T) {
	t.Parallel()
	fake, b := metatest.New(t), &begun{}
	fake.SetStates("IN_PROGRESS", "IN_PROGRESS")
	one := picture(t, "a.jpg", 400, 500)
	one.Alt = "A cat"
	out := post(b, "Hello #tea", one)
	begin := out.Begin
	out.Begin = func(ctx context.Context) error {
		require.Equal(t, 5, fake.Count(), "the quota, the container and three looks come first")
		return begin(ctx)
	}
	published, err := publish(t, fake, out)
	require.NoError(t, err)
	require.Equal(t, connectors.Published{ProviderID: "502", URL: "https://www.instagram.com/p/502/"}, published)
	require.Equal(t, 1, b.times)
	require.Equal(t, []map[string]any{{"image_url": "https://hooks.example/media/a.jpg", "caption": "Hello #tea", "alt_text": "A cat"}}, fake.Posted(containers))
	require.Equal(t, []map[string]any{{"creation_id": "501"}}, fake.Posted(publishing))
	require.Equal(t, []string{
		"GET /me/content_publishing_limit", "POST /me/media", "GET /501", "GET /501", "GET /501", "POST /me/media_publish", "GET /502",
	}, calls(fake))
}

func TestAFilmIsAReelAndSeveralFilesAreACarousel(t *testing.T) {
	t.Parallel()
	fake, b := metatest.New(t), &begun{}
	reel := post(b, "A reel", film("a.mp4"))
	reel.Options = map[string]string{"shareToFeed": "no", "thumbOffset": "1500"}
	reel.Media[0].Alt = "A cat runs"
	published, err := publish(t, fake, reel)
	require.NoError(t, err)
	require.Equal(t, []string{"Instagram takes no descriptions of films, so they were left out."}, published.Warnings)
	one := picture(t, "b.jpg", 500, 500)
	one.Alt = "A dog"
	_, err = publish(t, fake, post(b, "A carousel", one, film("c.mp4")))
	require.NoError(t, err)
	require.Equal(t, []map[string]any{
		{"media_type": "REELS", "video_url": "https://hooks.example/media/a.mp4", "caption": "A reel", "share_to_feed": false, "thumb_offset": 1500.0},
		{"image_url": "https://hooks.example/media/b.jpg", "alt_text": "A dog", "is_carousel_item": true},
		{"media_type": "VIDEO", "video_url": "https://hooks.example/media/c.mp4", "is_carousel_item": true},
		{"media_type": "CAROUSEL", "children": "503,504", "caption": "A carousel"},
	}, fake.Posted(containers))
	posts := fake.Posts()
	require.Equal(t, [2]string{"VIDEO", "CAROUSEL_ALBUM"}, [2]string{posts[0].Type, posts[1].Type})
}

func TestWhatInstagramCannotTakeInAPostIsRefusedBeforeAnyCall(t *testing.T) {
	t.Parallel()
	fake, b := metatest.New(t), &begun{}
	fine := picture(t, "a.jpg", 500, 500)
	change := func(change func(*connectors.PostMedia)) connectors.PostMedia {
		changed := fine
		change(&changed)
		return changed
	}
	many := make([]connectors.PostMedia, 11)
	for i := range many {
		many[i] = fine
	}
	const media, refused = connectors.CodeMediaRejected, connectors.CodeInvalidContent
	for name, test := range map[string]struct {
		post  connectors.OutPost
		code  string
		field string
	}{
		"no file":                 {post(b, "Hello"), media, "media"},
		"eleven files":            {post(b, "Hello", many...), media, "media"},
		"a PNG":                   {post(b, "", fine, change(func(m *connectors.PostMedia) { m.ContentType = "image/png" })), media, "media[1]"},
		"a large picture":         {post(b, "", change(func(m *connectors.PostMedia) { m.Size = 8<<20 + 1 })), media, "media[0]"},
		"a large film":            {post(b, "", change(func(m *connectors.PostMedia) { m.Kind, m.Size = "video", 300<<20+1 })), media, "media[0]"},
		"no public address":       {post(b, "", change(func(m *connectors.PostMedia) { m.URL = "" })), media, "media[0]"},
		"a panorama":              {post(b, "", picture(t, "p.jpg", 600, 300)), media, "media[0]"},
		"a strip":                 {post(b, "", picture(t, "p.jpg", 100, 300)), media, "media[0]"},
		"thirty-one hashtags":     {post(b, strings.Repeat("#a ", 31), fine), refused, "body"},
		"twenty-one mentions":     {post(b, strings.Repeat("@bob\n", 21), fine), refused, "body"},
		"hashtags of all scripts": {post(b, strings.Repeat("(#茶), ", 31), fine), refused, "body"},
	} {
		_, err := publish(t, fake, test.post)
		require.Equal(t, test.field, requireKind(t, err, connectors.KindRejected, test.code).Field, name)
	}
	require.Zero(t, fake.Count())

	unreadable := change(func(m *connectors.PostMedia) {
		m.Open = func() (io.ReadSeekCloser, error) { return nil, errors.New("gone") }
	})
	for name, out := range map[string]connectors.OutPost{
		"thirty and twenty":   post(b, strings.Repeat("#a @b ", 20)+strings.Repeat("#a ", 10), fine),
		"no tags":             post(b, strings.Repeat("https://a.example/#top a@b.example 1#2 # @ #1 ", 40), fine),
		"the widest":          post(b, "", picture(t, "w.jpg", 191, 100)),
		"what is turned":      post(b, "", picture(t, "t.jpg", 300, 400)),
		"what cannot be read": post(b, "", unreadable),
	} {
		_, err := publish(t, fake, out)
		require.NoError(t, err, name)
	}
}

func TestAUsedUpQuotaRestsTheChannel(t *testing.T) {
	t.Parallel()
	fake, b := metatest.New(t), &begun{}
	fake.SetQuota(25, 25)
	_, err := publish(t, fake, post(b, "", film("a.mp4")))
	failed := requireKind(t, err, connectors.KindRateLimited, connectors.CodeQuotaExceeded)
	require.Equal(t, 5*time.Hour, failed.After)
	require.Contains(t, failed.Message, "25 posts")
	require.Equal(t, 1, fake.Count())

	fake.SetQuota(24, 25)
	for _, trouble := range []metatest.Trouble{{}, {Status: 502}, {Body: "<html>"}, {Status: 400, Code: 100}, {Body: `{"data":[]}`}} {
		fake.TroubleAt(quota, trouble)
		_, err = publish(t, fake, post(b, "", film("a.mp4")))
		require.NoError(t, err, "the answer that cannot be had decides nothing")
	}
	for code, kind := range map[int]connectors.Kind{190: connectors.KindUnlinked, 4: connectors.KindRateLimited} {
		fake.TroubleAt(quota, metatest.Trouble{Status: 400, Code: code})
		_, err = publish(t, fake, post(b, "", film("a.mp4")))
		require.Equal(t, kind, connectors.AsError(err).Kind)
	}
	require.Equal(t, 5, b.times)
}

func TestALookThatFailsIsFollowedByAnotherAndAContainerThatIsGoneIsMadeAnew(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	for _, trouble := range []metatest.Trouble{{Cut: true}, {Status: 502}, {Body: "<html>"}} {
		fake.TroubleAt("/501", trouble)
	}
	_, err := publish(t, fake, post(&begun{}, "", film("a.mp4")))
	require.NoError(t, err)
	fake.TroubleAt("/503", metatest.Trouble{Status: 400, Code: 100, Subcode: 33})
	_, err = publish(t, fake, post(&begun{}, "", film("a.mp4")))
	requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
	fake.TroubleAt("/504", metatest.Trouble{Status: 400, Code: 190})
	_, err = publish(t, fake, post(&begun{}, "", film("a.mp4")))
	requireKind(t, err, connectors.KindUnlinked, connectors.CodeAuthFailed)
}

func troubles() map[string]metatest.Trouble {
	return map[string]metatest.Trouble{
		"an unknown error": {Status: 500, Code: 1}, "a service that is away": {Status: 503, Code: 2, Transient: true}, "a gateway": {Status: 502},
		"a page with 200": {Status: 200}, "a cut line": {Cut: true}, "a cut answer": {BrokenBody: true}, "an answer without an id": {Body: `{}`}, "no object": {Body: `[]`},
	}
}

func TestTroubleBeforeBeginIsRetryable(t *testing.T) {
	t.Parallel()
	for name, trouble := range troubles() {
		fake, b := metatest.New(t), &begun{}
		fake.TroubleAt(containers, trouble)
		_, err := publish(t, fake, post(b, "", film("a.mp4")))
		requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
		require.Zero(t, b.times, name)
	}
}

// TestTroubleAfterBeginIsUnconfirmedUnlessTheContainerTells: a container that was published says so, and its post is found.
func TestTroubleAfterBeginIsUnconfirmedUnlessTheContainerTells(t *testing.T) {
	t.Parallel()
	for name, trouble := range troubles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, b := metatest.New(t), &begun{}
			fake.TroubleAt(publishing, trouble)
			published, err := publish(t, fake, post(b, "Hello", film("a.mp4")))
			require.Equal(t, 1, b.times)
			require.Len(t, fake.Posted(publishing), 1, "the one request is made once")
			if len(fake.Posts()) == 0 {
				requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
				return
			}
			require.NoError(t, err)
			require.Equal(t, connectors.Published{ProviderID: "502", URL: "https://www.instagram.com/p/502/"}, published)
		})
	}
	fake := metatest.New(t)
	fake.TroubleAt(publishing, metatest.Trouble{Cut: true})
	_, err := publish(t, fake, post(&begun{}, "", film("a.mp4")))
	requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed") // it is out, but without a caption nobody can say which it is
}

func TestAPostWithoutAnAddressIsOutAllTheSame(t *testing.T) {
	t.Parallel()
	for _, trouble := range []metatest.Trouble{{Status: 502}, {Status: 400, Code: 100}, {Body: `{"permalink":"javascript:1"}`}} {
		fake := metatest.New(t)
		fake.TroubleAt("/502", trouble)
		published, err := publish(t, fake, post(&begun{}, "", film("a.mp4")))
		require.NoError(t, err)
		require.Equal(t, connectors.Published{ProviderID: "502"}, published)
	}
}

func TestAPostThatIsCancelledIsNotPublished(t *testing.T) {
	t.Parallel()
	fake, stop := metatest.New(t), errors.New("cancelled")
	out := post(&begun{}, "", film("a.mp4"))
	out.Begin = func(context.Context) error { return stop }
	_, err := publish(t, fake, out)
	require.Equal(t, stop, err)
	require.Empty(t, fake.Posts())

	ctx, cancel := context.WithCancel(t.Context())
	out.Begin = func(context.Context) error { cancel(); return nil }
	_, err = publisher(t, fake).(connectors.Publisher).Publish(ctx, out)
	require.Error(t, err, "it returns when its context ends")
	require.Empty(t, fake.Posts())
}

func TestAFirstCommentStandsBelowThePost(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	commenter := publisher(t, fake).(connectors.Commenter)
	id, err := commenter.Comment(t.Context(), connectors.Published{ProviderID: "7"}, "First")
	require.NoError(t, err)
	require.Equal(t, "7_501", id)
	require.Equal(t, []metatest.Comment{{On: "7", Text: "First"}}, fake.Comments())
	fake.TroubleNext(metatest.Trouble{Body: `{}`})
	_, err = commenter.Comment(t.Context(), connectors.Published{ProviderID: "7"}, "First")
	requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
}
