package facebook_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
)

func find(t *testing.T, fake *metatest.Server, out connectors.OutPost) (connectors.Published, bool, error) {
	t.Helper()
	return open(t, opts(fake.URL), nil).(connectors.PostFinder).FindPost(t.Context(), out)
}

func TestAPostWhoseAnswerWasLostIsFound(t *testing.T) {
	t.Parallel()
	for name, out := range map[string]connectors.OutPost{
		"a text":    post(&begun{}, "Hello  you\n"),
		"a picture": post(&begun{}, "Hello you", picture()),
		"a film":    post(&begun{}, "Hello you", film()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := metatest.New(t)
			for _, edge := range []string{"feed", "videos"} {
				fake.Add(metatest.Post{Edge: edge, Text: "Hello you", At: metatest.Now().Add(-2 * time.Minute)})
			}
			_, found, err := find(t, fake, out)
			require.NoError(t, err)
			require.False(t, found, "one of before is another")

			out.Begin = func(context.Context) error {
				fake.TroubleAt(map[bool]string{true: videos, false: feed}[name == "a film"], metatest.Trouble{Cut: true})
				return nil
			}
			_, err = publish(t, fake, out)
			requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
			fake.Add(metatest.Post{Edge: "feed", Text: "A later one"})
			published, found, err := find(t, fake, out)
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, fake.Posts()[2].ID, published.ProviderID)
			require.Contains(t, published.URL, "https://www.facebook.com/shop/")
		})
	}
}

func TestWhatIsUnsureIsAnErrorAndNotNo(t *testing.T) {
	t.Parallel()
	full := metatest.New(t)
	for i := range 101 {
		full.Add(metatest.Post{Edge: "feed", Text: strconv.Itoa(i)})
	}
	_, _, err := find(t, full, post(&begun{}, "Hello"))
	requireKind(t, err, connectors.KindRetryable, "provider_unavailable")

	bare := metatest.New(t)
	_, found, err := find(t, bare, post(&begun{}, "", picture()))
	require.NoError(t, err)
	require.False(t, found, "nothing is there")
	bare.Add(metatest.Post{Edge: "feed"})
	_, _, err = find(t, bare, post(&begun{}, "", picture()))
	requireKind(t, err, connectors.KindRetryable, "provider_unavailable")

	for _, body := range []string{`<html>`, `{}`, `{"data":[{"id":"1"}]}`, `{"data":[{"created_time":"2026-11-21T09:00:00+0000"}]}`, `{"data":{}}`} {
		bare.TroubleNext(metatest.Trouble{Body: body})
		_, _, err = find(t, bare, post(&begun{}, "Hello"))
		requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
	}
}
