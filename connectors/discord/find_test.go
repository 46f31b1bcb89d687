package discord_test

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
	"github.com/switchhook/switchhook/connectors/discord"
	"github.com/switchhook/switchhook/connectors/discord/discordtest"
)

func find(t *testing.T, fake *discordtest.Server, config connectors.Config, out connectors.OutPost) (connectors.Published, bool, error) {
	t.Helper()
	conn, _ := open(t, fake.URL, config)
	return conn.(connectors.PostFinder).FindPost(t.Context(), out)
}

func TestAPostWhoseAnswerWasLostIsFound(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]connectors.Config{"a bot's": byBot(), "a webhook's, by a bot": byBoth()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := newFake(t)
			out := post(&begun{}, "Hello &lt;all&gt;\n\n#### Bye")
			fake.Add(discordtest.Message{Room: discordtest.ChannelID, Content: "Hello \\<all\\>\n\n### Bye", AuthorID: discordtest.BotID, At: clock().Add(-time.Hour)})
			fake.Add(discordtest.Message{Room: discordtest.ChannelID, Content: "Hello \\<all\\>\n\n### Bye", AuthorID: "7", At: clock()})
			_, found, err := find(t, fake, config, out)
			require.NoError(t, err)
			require.False(t, found, "one of an hour before is another, and so is somebody else's")

			fake.Fail(standin.Trouble{Cut: true})
			_, err = publisher(t, fake, config).Publish(t.Context(), out)
			requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
			fake.Add(discordtest.Message{Room: discordtest.ChannelID, Content: "A later one", AuthorID: discordtest.BotID, At: clock().Add(time.Minute)})
			published, found, err := find(t, fake, config, out)
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, connectors.Published{ProviderID: "900002", URL: address + discordtest.ChannelID + "/900002"}, published)
		})
	}
}

func TestAThreadIsLookedThroughInPlaceOfItsChannel(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	out := post(&begun{}, "Hello")
	out.Options = map[string]string{"threadId": discordtest.ThreadID}
	fake.Add(discordtest.Message{Room: discordtest.ThreadID, Content: " Hello\n", AuthorID: discordtest.BotID, At: clock().Add(-30 * time.Second)})
	published, found, err := find(t, fake, byBot(), out)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, address+discordtest.ThreadID+"/900000", published.URL)
	_, found, err = find(t, fake, byBot(), post(&begun{}, "Hello"))
	require.NoError(t, err)
	require.False(t, found)
}

func TestTheSameTextUnderAnotherNonceIsAnotherPost(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	earlier := post(&begun{}, "Hello")
	_, err := publisher(t, fake, byBot()).Publish(t.Context(), earlier)
	require.NoError(t, err)
	later := post(&begun{}, "Hello")
	later.ID = "tgt_2-0"
	_, found, err := find(t, fake, byBot(), later)
	require.NoError(t, err)
	require.False(t, found)
	_, found, err = find(t, fake, byBot(), earlier)
	require.NoError(t, err)
	require.True(t, found)
}

func TestFilesAloneAreToldByTheirNumber(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.Add(discordtest.Message{Room: discordtest.ChannelID, Files: make([]discordtest.File, 2), AuthorID: discordtest.BotID, At: clock()})
	out := post(&begun{}, "")
	out.Media = make([]connectors.PostMedia, 3)
	_, found, err := find(t, fake, byBot(), out)
	require.NoError(t, err)
	require.False(t, found)
	out.Media = make([]connectors.PostMedia, 2)
	_, found, err = find(t, fake, byBot(), out)
	require.NoError(t, err)
	require.True(t, found)
}

func TestWhatIsUnsureIsAnErrorAndNotNo(t *testing.T) {
	t.Parallel()
	t.Run("a webhook alone", func(t *testing.T) {
		t.Parallel()
		fake := newFake(t)
		_, _, err := find(t, fake, byWebhook(), post(&begun{}, "Hello"))
		requireKind(t, err, connectors.KindUnsupported, "unsupported")
		require.Zero(t, fake.Requests())
	})
	t.Run("texts that the bot may not read", func(t *testing.T) {
		t.Parallel()
		fake := newFake(t)
		fake.Add(discordtest.Message{Room: discordtest.ChannelID, Content: "Hello", WebhookID: discordtest.WebhookID, Hidden: true, At: clock()})
		_, _, err := find(t, fake, byBoth(), post(&begun{}, "Hello"))
		requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
	})
	t.Run("more messages than are looked at", func(t *testing.T) {
		t.Parallel()
		fake := newFake(t)
		for i := range 501 {
			fake.Add(discordtest.Message{Room: discordtest.ChannelID, Content: fmt.Sprint("no. ", i), AuthorID: discordtest.BotID, At: clock()})
		}
		_, _, err := find(t, fake, byBot(), post(&begun{}, "Hello"))
		requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
		require.Equal(t, 2+5, fake.Requests())
		_, found, err := find(t, fake, byBot(), post(&begun{}, "no. 50"))
		require.NoError(t, err)
		require.True(t, found)
	})
	for name, body := range map[string]string{
		"a page": "<html>", "a cut list": `[{"id":"1"`, "a message without a time": `[{"id":"1"}]`, "a message without an id": `[{"timestamp":"2026-11-21T09:00:00Z"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := newFake(t)
			fake.Once("GET "+channelPath+"/messages", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
			_, _, err := find(t, fake, byBot(), post(&begun{}, "Hello"))
			requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
		})
	}
	for _, path := range []string{"GET " + channelPath, "GET /api/v10/users/@me", "GET " + channelPath + "/messages"} {
		t.Run("a refusal of "+path, func(t *testing.T) {
			t.Parallel()
			fake := newFake(t)
			fake.Once(path, discordtest.Refuse(403, 50001, "Missing Access"))
			_, _, err := find(t, fake, byBot(), post(&begun{}, "Hello"))
			requireKind(t, err, connectors.KindRejected, connectors.CodeScopeMissing)
		})
	}
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := f(r)
	answer.Request = r
	return answer, nil
}

func FuzzAnswersOfDiscord(f *testing.F) {
	for _, seed := range []string{
		`{"id":"1","channel_id":"2"}`, `{"id":1}`, `[{"id":"1","timestamp":"2026-11-21T09:00:00Z","nonce":7}]`, `null`, "",
		`{"code":50035,"message":"a","errors":{"a":{"b":{"_errors":[{"message":"c"}]}}}}`, `{"message":"a","retry_after":1e308}`, `{"code":10015,"message":"\u0000"}`,
	} {
		f.Add(200, seed, "1.5")
		f.Add(429, seed, "-1")
		f.Add(400, seed, "1e400")
	}
	f.Fuzz(func(t *testing.T, status int, body, after string) {
		if status < 200 || status > 599 {
			return
		}
		transport := roundTripper(func(*http.Request) *http.Response {
			return &http.Response{StatusCode: status, Header: http.Header{"X-Ratelimit-Reset-After": {after}}, Body: io.NopCloser(strings.NewReader(body))}
		})
		conn, err := discord.New(discord.Options{}).Open(connectors.Channel{Config: byBot()}, connectors.Host{HTTP: &http.Client{Transport: transport}, Now: clock})
		require.NoError(t, err)
		published, err := conn.(connectors.Publisher).Publish(t.Context(), post(&begun{}, "Hello"))
		require.Equal(t, err == nil, published.ProviderID != "")
		if err != nil {
			require.GreaterOrEqual(t, connectors.AsError(err).After, time.Duration(0))
			require.LessOrEqual(t, connectors.AsError(err).After, 24*time.Hour)
		}
		_, _, _ = conn.(connectors.PostFinder).FindPost(t.Context(), post(&begun{}, "Hello"))
	})
}
