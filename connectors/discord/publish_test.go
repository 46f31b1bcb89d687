package discord_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest/standin"
	"github.com/switchhook/switchhook/connectors/discord/discordtest"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

const address = "https://discord.com/channels/" + discordtest.GuildID + "/"

func TestAWebhookPostsAndTellsWhere(t *testing.T) {
	t.Parallel()
	fake, b := newFake(t), &begun{}
	p := publisher(t, fake, byWebhook())
	out := post(b, "Hello **all** @everyone &lt;@1&gt;")
	published, err := p.Publish(t.Context(), out)
	require.NoError(t, err)
	require.Equal(t, connectors.Published{ProviderID: "900000", URL: address + discordtest.ChannelID + "/900000"}, published)
	require.JSONEq(t, `{"content":"Hello **all** @everyone \\<@1\\>","allowed_mentions":{"parse":[]}}`, fake.Messages()[0].Payload)

	out.ReplyTo = "900000"
	out.Options = map[string]string{"threadId": discordtest.ThreadID, "username": "News", "avatarUrl": "https://a.example/b.png", "silent": "yes", "suppressEmbeds": "yes"}
	published, err = p.Publish(t.Context(), out)
	require.NoError(t, err)
	require.Equal(t, address+discordtest.ThreadID+"/900001", published.URL)
	require.JSONEq(t, `{"content":"Hello **all** @everyone \\<@1\\>","allowed_mentions":{"parse":[]},"flags":4100,"username":"News","avatar_url":"https://a.example/b.png"}`,
		fake.Messages()[1].Payload)
	require.Equal(t, []string{
		postsByHook + "?wait=true", "GET " + webhookPath, postsByHook + "?thread_id=" + discordtest.ThreadID + "&wait=true",
	}, fake.Seen(), "where the webhook is, is asked once")
	require.Equal(t, 2, b.times)
}

func TestTheThreadOfAWebhooksAddressCounts(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	p := publisher(t, fake, connectors.Config{"webhookUrl": discordtest.WebhookURL + "?thread_id=" + discordtest.ThreadID})
	_, err := p.Publish(t.Context(), post(&begun{}, "Hello"))
	require.NoError(t, err)
	require.Equal(t, discordtest.ThreadID, fake.Messages()[0].Room)
}

func TestABotPostsOnceWithItsNonce(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	p := publisher(t, fake, byBot())
	out := post(&begun{}, "Hello")
	for range 2 {
		published, err := p.Publish(t.Context(), out)
		require.NoError(t, err)
		require.Equal(t, connectors.Published{ProviderID: "900000", URL: address + discordtest.ChannelID + "/900000"}, published)
	}
	require.Len(t, fake.Messages(), 1)
	nonce := fake.Messages()[0].Nonce
	require.LessOrEqual(t, len(nonce), 25)
	require.JSONEq(t, `{"content":"Hello","allowed_mentions":{"parse":[]},"nonce":"`+nonce+`","enforce_nonce":true}`, fake.Messages()[0].Payload)
	for _, seen := range fake.Seen() {
		require.NotContains(t, seen, discordtest.BotToken)
	}

	out.ID, out.ReplyTo, out.Options = "tgt_0123456789abcdefghijklmnop-1", "900000", map[string]string{"threadId": discordtest.ThreadID, "username": "News"}
	_, err := p.Publish(t.Context(), out)
	require.NoError(t, err)
	second := fake.Messages()[1]
	require.NotEqual(t, nonce, second.Nonce)
	require.Equal(t, discordtest.ThreadID, second.Room)
	require.JSONEq(t, `{"content":"Hello","allowed_mentions":{"parse":[]},"nonce":"`+second.Nonce+`","enforce_nonce":true,
		"message_reference":{"message_id":"900000","fail_if_not_exists":false}}`, second.Payload)
}

func TestFilesGoWithTheMessage(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]connectors.Config{"a webhook": byWebhook(), "a bot": byBot()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, b := newFake(t), &begun{}
			out := post(b, "")
			out.Media = []connectors.PostMedia{media("a.png", "image/png", "A \"grey\" cat", 70_000, 70_000), media("b.mp4", "video/mp4", "", 9<<20, 9<<20)}
			_, err := publisher(t, fake, config).Publish(t.Context(), out)
			require.NoError(t, err)
			require.Equal(t, []discordtest.File{{Field: "files[0]", Name: "a.png", ContentType: "image/png", Size: 70_000}, {Field: "files[1]", Name: "b.mp4", ContentType: "video/mp4", Size: 9 << 20}},
				fake.Messages()[0].Files)
			require.Contains(t, fake.Messages()[0].Payload, `"attachments":[{"id":0,"filename":"a.png","description":"A \"grey\" cat"},{"id":1,"filename":"b.mp4"}]`)
			require.Equal(t, 1, b.times)
		})
	}
}

func TestWhatCannotBeSentIsRefusedBeforeItBegins(t *testing.T) {
	t.Parallel()
	unopened := media("a.png", "image/png", "", 1, 1)
	unopened.Open = func() (io.ReadSeekCloser, error) { return nil, errors.New("gone") }
	large := media("a.mp4", "video/mp4", "", 9<<20, 1)
	eleven := make([]connectors.PostMedia, 11)
	for name, test := range map[string]struct {
		media []connectors.PostMedia
		kind  connectors.Kind
		code  string
	}{
		"nothing at all":                {nil, connectors.KindRejected, connectors.CodeInvalidContent},
		"too many files":                {eleven, connectors.KindRejected, connectors.CodeMediaRejected},
		"too many bytes":                {[]connectors.PostMedia{large, large, large}, connectors.KindRejected, connectors.CodeMediaRejected},
		"a file that cannot be opened":  {[]connectors.PostMedia{unopened}, connectors.KindRetryable, "provider_unavailable"},
		"one that cannot be opened too": {[]connectors.PostMedia{media("a.png", "image/png", "", 1, 1), unopened}, connectors.KindRetryable, "provider_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, b := newFake(t), &begun{}
			out := post(b, " \n")
			out.Media = test.media
			_, err := publisher(t, fake, byBot()).Publish(t.Context(), out)
			requireKind(t, err, test.kind, test.code)
			require.Zero(t, b.times)
			require.Zero(t, fake.Requests())
		})
	}
	stop := errors.New("the post was cancelled")
	fake := newFake(t)
	out := post(&begun{}, "Hello")
	out.Begin = func(context.Context) error { return stop }
	_, err := publisher(t, fake, byBot()).Publish(t.Context(), out)
	require.Equal(t, stop, err, "the error is returned as it is")
	require.Zero(t, fake.Requests())
}

func TestAFileThatEndsEarlyIsSurelyNoPost(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	out := post(&begun{}, "Hello")
	out.Media = []connectors.PostMedia{media("a.png", "image/png", "", 300_000, 200_000)}
	_, err := publisher(t, fake, byWebhook()).Publish(t.Context(), out)
	failed := requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
	require.ErrorIs(t, failed, io.ErrUnexpectedEOF)
	require.Empty(t, fake.Messages())
}

// TestEveryErrorCodeHasItsMeaning has a row for each code that the documentation gives a connector to know.
func TestEveryErrorCodeHasItsMeaning(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status, code int
		kind         connectors.Kind
		want         string
	}{
		{400, 50006, connectors.KindRejected, connectors.CodeInvalidContent},
		{400, 50035, connectors.KindRejected, connectors.CodeInvalidContent},
		{400, 50109, connectors.KindRejected, connectors.CodeInvalidContent},
		{400, 50046, connectors.KindRejected, connectors.CodeMediaRejected},
		{400, 20009, connectors.KindRejected, connectors.CodeMediaRejected},
		{400, 160002, connectors.KindRejected, connectors.CodeScopeMissing},
		{400, 200000, connectors.KindRejected, connectors.CodeInvalidContent},
		{400, 240000, connectors.KindRejected, connectors.CodeInvalidContent},
		{400, 19999, connectors.KindRejected, httpcall.CodeProviderRejected},
		{401, 0, connectors.KindUnlinked, connectors.CodeAuthFailed},
		{401, 40001, connectors.KindUnlinked, connectors.CodeAuthFailed},
		{401, 50027, connectors.KindUnlinked, connectors.CodeAuthFailed},
		{403, 0, connectors.KindRejected, httpcall.CodeProviderRejected},
		{403, 50001, connectors.KindRejected, connectors.CodeScopeMissing},
		{403, 50013, connectors.KindRejected, connectors.CodeScopeMissing},
		{403, 50007, connectors.KindRejected, connectors.CodeInvalidRecipient},
		{403, 50008, connectors.KindRejected, connectors.CodeInvalidRecipient},
		{403, 40002, connectors.KindRejected, connectors.CodeInvalidRecipient},
		{404, 0, connectors.KindRejected, httpcall.CodeProviderRejected},
		{404, 10003, connectors.KindRejected, connectors.CodeInvalidRecipient},
		{404, 10015, connectors.KindUnlinked, connectors.CodeAuthFailed},
		{413, 0, connectors.KindRejected, connectors.CodeMediaRejected},
		{413, 40005, connectors.KindRejected, connectors.CodeMediaRejected},
		{429, 0, connectors.KindRateLimited, "provider_rate_limited"},
		{429, 20016, connectors.KindRateLimited, "provider_rate_limited"},
		{400, 20016, connectors.KindRateLimited, "provider_rate_limited"},
		{429, 20028, connectors.KindRateLimited, "provider_rate_limited"},
		{503, 130000, connectors.KindRetryable, "provider_unavailable"},
		{503, 40006, connectors.KindRetryable, "provider_unavailable"},
		{500, 0, connectors.KindUnconfirmed, "unconfirmed"},
	} {
		t.Run(fmt.Sprintf("%d %d", test.status, test.code), func(t *testing.T) {
			t.Parallel()
			for request, config := range map[string]connectors.Config{postsByHook: byWebhook(), postsByBot: byBot()} {
				fake, b := newFake(t), &begun{}
				fake.Once(request, discordtest.Refuse(test.status, test.code, "no "+config["botToken"]+config["webhookUrl"]))
				_, err := publisher(t, fake, config).Publish(t.Context(), post(b, "Hello"))
				failed := requireKind(t, err, test.kind, test.want)
				require.Equal(t, test.code, failed.Provider.Code)
				require.Equal(t, 1, b.times)
				require.Equal(t, 1, fake.Requests(), "the one request was made more than once")
			}
		})
	}
}

func TestWhatIsNoAnswerAfterBeginIsUnconfirmed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		want   connectors.Kind
	}{
		"a page":                  {200, "<html>", connectors.KindUnconfirmed},
		"an answer that is cut":   {200, `{"id":"1`, connectors.KindUnconfirmed},
		"an answer without an id": {200, `{"channel_id":"1"}`, connectors.KindUnconfirmed},
		"no content":              {204, "", connectors.KindUnconfirmed},
		"a redirect":              {302, "<html>", connectors.KindUnconfirmed},
		"a gateway":               {502, "<html>", connectors.KindUnconfirmed},
		"a wall in front":         {403, "<html>error code: 1010</html>", connectors.KindRejected},
		"a wall's limit":          {429, "<html>error code: 1015</html>", connectors.KindRateLimited},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := newFake(t)
			fake.Once(postsByHook, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			_, err := publisher(t, fake, byWebhook()).Publish(t.Context(), post(&begun{}, "Hello"))
			require.Equal(t, test.want, connectors.AsError(err).Kind)
			require.Equal(t, 1, fake.Requests())
		})
	}
}

func TestALineThatIsCutAfterBeginIsUnconfirmedAndMakesOnePost(t *testing.T) {
	t.Parallel()
	for _, config := range []connectors.Config{byWebhook(), byBot()} {
		fake := newFake(t)
		fake.Fail(standin.Trouble{Cut: true})
		out := post(&begun{}, "Hello")
		out.Media = []connectors.PostMedia{media("a.png", "image/png", "", 3, 3)}
		_, err := publisher(t, fake, config).Publish(t.Context(), out)
		requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
		require.Len(t, fake.Messages(), 1)
		require.Equal(t, 1, fake.Requests())
	}
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
	_, err := publisher(t, fake, byWebhook()).Publish(ctx, post(&begun{}, "Hello"))
	requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
}

func TestThePostIsOutWhereItsAddressCannotBeHad(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.Once("GET "+webhookPath, discordtest.Refuse(500, 0, "no"))
	p := publisher(t, fake, byWebhook())
	published, err := p.Publish(t.Context(), post(&begun{}, "Hello"))
	require.NoError(t, err)
	require.Equal(t, connectors.Published{ProviderID: "900000"}, published)
	published, err = p.Publish(t.Context(), post(&begun{}, "Again"))
	require.NoError(t, err)
	require.Equal(t, address+discordtest.ChannelID+"/900001", published.URL)
}

func TestLimitsAreWaitedForAsDiscordSays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		header map[string]string
		body   string
		want   time.Duration
	}{
		"in whole seconds":         {map[string]string{"Retry-After": "3"}, `{"message":"slow","code":0}`, 3 * time.Second},
		"to the fraction":          {map[string]string{"Retry-After": "2"}, `{"message":"slow","retry_after":2.25,"global":true}`, 2250 * time.Millisecond},
		"in the body":              {nil, `{"message":"slow","retry_after":64.5}`, 64500 * time.Millisecond},
		"by the bucket":            {map[string]string{"X-RateLimit-Reset-After": "1.5"}, `{"message":"slow"}`, 1500 * time.Millisecond},
		"beyond all measure":       {map[string]string{"Retry-After": "99999999"}, `{"message":"slow","retry_after":1e300}`, 24 * time.Hour},
		"not at all":               {map[string]string{"X-RateLimit-Reset-After": "NaN"}, `{"message":"slow","retry_after":-1}`, 0},
		"in a fraction of seconds": {map[string]string{"Retry-After": "0.5"}, "<html>", 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := newFake(t)
			fake.Once(postsByBot, func(w http.ResponseWriter, _ *http.Request) {
				for key, value := range test.header {
					w.Header().Set(key, value)
				}
				w.WriteHeader(http.StatusTooManyRequests)
				_, _ = io.WriteString(w, test.body)
			})
			_, err := publisher(t, fake, byBot()).Publish(t.Context(), post(&begun{}, "Hello"))
			require.Equal(t, test.want, requireKind(t, err, connectors.KindRateLimited, "provider_rate_limited").After)
		})
	}
}

func TestAnEmptyBucketRestsTheChannel(t *testing.T) {
	t.Parallel()
	fake, b := newFake(t), &begun{}
	fake.Header("X-Ratelimit-Remaining", "0")
	fake.Header("X-Ratelimit-Reset-After", "1.5")
	conn, waited := open(t, fake.URL, byWebhook())
	p := conn.(connectors.Publisher)
	for range 2 {
		_, err := p.Publish(t.Context(), post(b, "Hello"))
		require.NoError(t, err)
	}
	require.Equal(t, 1500*time.Millisecond, *waited, "a short rest is waited for")

	fake.Header("X-Ratelimit-Reset-After", "60")
	_, err := p.Publish(t.Context(), post(b, "Hello"))
	require.NoError(t, err)
	before := fake.Requests()
	_, err = p.Publish(t.Context(), post(b, "Hello"))
	require.Equal(t, time.Minute, requireKind(t, err, connectors.KindRateLimited, "provider_rate_limited").After)
	require.Equal(t, before, fake.Requests(), "Discord is not asked for what it has refused already")
	require.Equal(t, 3, b.times)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fake.Header("X-Ratelimit-Reset-After", "1")
	other, _ := open(t, fake.URL, byWebhook())
	_, err = other.(connectors.Publisher).Publish(t.Context(), post(b, "Hello"))
	require.NoError(t, err)
	_, err = other.(connectors.Publisher).Publish(ctx, post(b, "Hello"))
	requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
}

func TestAWebhookThatIsGoneIsNotCalledAgain(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.Once(postsByHook, discordtest.Refuse(404, 10015, "Unknown Webhook"))
	conn, _ := open(t, fake.URL, byWebhook())
	for range 3 {
		_, err := conn.(connectors.Publisher).Publish(t.Context(), post(&begun{}, "Hello"))
		requireKind(t, err, connectors.KindUnlinked, connectors.CodeAuthFailed)
	}
	require.Equal(t, 1, fake.Requests())
	require.NoError(t, conn.(connectors.Checker).Check(t.Context()), "a check asks anew")
	_, err := conn.(connectors.Publisher).Publish(t.Context(), post(&begun{}, "Hello"))
	require.NoError(t, err)
}

func TestARefusedFormTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.Once(postsByHook, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"code":50035,"message":"Invalid Form Body","errors":{"content":{"_errors":[{"code":"BASE_TYPE_MAX_LENGTH","message":"Must be 2000 or fewer\nin length."}]},
			"attachments":{"0":{"description":{"_errors":[{"code":"X","message":"Too long."}]}}},"junk":7}}`)
	})
	_, err := publisher(t, fake, byWebhook()).Publish(t.Context(), post(&begun{}, "Hello"))
	failed := requireKind(t, err, connectors.KindRejected, connectors.CodeInvalidContent)
	require.Equal(t, "Invalid Form Body; attachments.0.description: Too long.; content: Must be 2000 or fewer in length.", failed.Provider.Message)
}

func TestManyPostsAtOnceAreAllOut(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	p := publisher(t, fake, byBot())
	errs := make(chan error)
	for i := range 20 {
		go func() {
			out := post(&begun{}, fmt.Sprint("no. ", i))
			out.ID = fmt.Sprintf("tgt_%d-0", i)
			_, err := p.Publish(context.WithoutCancel(t.Context()), out)
			errs <- err
		}()
	}
	for range 20 {
		require.NoError(t, <-errs)
	}
	require.Len(t, fake.Messages(), 20)
}
