package mastodon_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest"
	"github.com/switchhook/switchhook/connectors/mastodon"
	"github.com/switchhook/switchhook/connectors/mastodon/mastodontest"
	"github.com/switchhook/switchhook/internal/safehttp"
)

// clock is when everything in these tests happens.
func clock() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }

// atOnce is a wait that takes no time, but ends with its context.
func atOnce(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func config(baseURL string) connectors.Config {
	return connectors.Config{"instanceUrl": baseURL, "username": "@Alice@social.example", "accessToken": mastodontest.Token}
}

// host has no HTTP: requests to addresses that users give must not use it.
func host(public *http.Client) connectors.Host {
	return connectors.Host{Public: public, Logger: slog.New(slog.DiscardHandler), Now: clock}
}

func newFake(t *testing.T) *mastodontest.Server {
	t.Helper()
	return mastodontest.New(t, clock())
}

func open(t *testing.T, settings connectors.Config) connectors.Conn {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	conn, err := mastodon.New(mastodon.Options{Wait: atOnce}).Open(connectors.Channel{Config: settings}, host(&http.Client{Transport: transport}))
	require.NoError(t, err)
	return conn
}

// begun counts the calls of OutPost.Begin.
type begun struct{ times int }

func (b *begun) begin(context.Context) error { b.times++; return nil }

func post(b *begun, text string) connectors.OutPost {
	return connectors.OutPost{ID: "tgt_1-0", Text: text, StartedAt: clock(), Begin: b.begin}
}

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

func media(name, contentType, alt string, size int) connectors.PostMedia {
	kind, _, _ := strings.Cut(contentType, "/")
	return connectors.PostMedia{
		Kind: kind, ContentType: contentType, FileName: name, Alt: alt, Size: int64(size),
		Open: func() (io.ReadSeekCloser, error) { return file{bytes.NewReader(make([]byte, size))}, nil },
	}
}

func requireKind(t *testing.T, err error, kind connectors.Kind, code string) *connectors.Error {
	t.Helper()
	require.Error(t, err)
	failed := connectors.AsError(err)
	require.Equal(t, kind, failed.Kind, err.Error())
	require.Equal(t, code, failed.Code, err.Error())
	require.NotContains(t, err.Error(), mastodontest.Token)
	require.NotContains(t, failed.Message, mastodontest.Token)
	if failed.Provider != nil {
		require.NotContains(t, failed.Provider.Message, mastodontest.Token)
	}
	return failed
}

func TestConformance(t *testing.T) {
	bad := func(name, key, value string) connectortest.BadConfig {
		return connectortest.BadConfig{Name: name, Change: connectors.Config{key: value}, Field: key}
	}
	connectortest.Run(t, connectortest.Suite{
		New:    func(string) connectors.Connector { return mastodon.New(mastodon.Options{}) },
		Config: config("https://Social.Example/"), Address: "alice@social.example",
		BadConfigs: []connectortest.BadConfig{
			bad("the address of a profile", "instanceUrl", "https://social.example/@alice"),
			bad("an address with a query", "instanceUrl", "https://social.example/?a=b"),
			bad("an address with a user", "instanceUrl", "https://a:b@social.example"),
			bad("an address of another kind", "instanceUrl", "ftp://social.example"),
			bad("an address without a host", "instanceUrl", "https://:443"),
			bad("a name with a space", "username", "my name"),
			bad("a name of signs alone", "username", "@."),
			bad("a token with a line break", "accessToken", "a\nb"),
		},
	})
}

func TestOpenNeedsTheGuardedDoor(t *testing.T) {
	t.Parallel()
	_, err := mastodon.New(mastodon.Options{}).Open(connectors.Channel{Config: config("https://social.example")}, connectors.Host{HTTP: &http.Client{}, Now: clock})
	require.ErrorContains(t, err, "Host.Public")
}

func TestAnInstanceInAPrivateNetworkIsNeverCalled(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	guarded, err := safehttp.New(safehttp.Options{Timeout: 10 * time.Second, UserAgent: "Switchhook"})
	require.NoError(t, err)
	t.Cleanup(guarded.Close)
	conn, err := mastodon.New(mastodon.Options{}).Open(connectors.Channel{Config: config(fake.URL)}, host(guarded.PublicHTTP()))
	require.NoError(t, err)
	_, err = conn.(connectors.Publisher).Publish(t.Context(), post(&begun{}, "Hello"))
	requireKind(t, err, connectors.KindRejected, "invalid_address")
	requireKind(t, conn.(connectors.Checker).Check(t.Context()), connectors.KindRejected, "invalid_address")
	_, err = conn.(connectors.PostLimiter).PostLimits(t.Context())
	requireKind(t, err, connectors.KindRejected, "invalid_address")
	_, err = mastodon.New(mastodon.Options{}).AuthorizeURL(t.Context(), connectors.AuthorizeRequest{
		RedirectURL: "https://hooks.example/back", Input: map[string]string{"instanceUrl": fake.URL},
	}, host(guarded.PublicHTTP()))
	requireKind(t, err, connectors.KindRejected, "invalid_address")
	require.Zero(t, fake.Requests())
}

func TestCheckTellsWhoseTokenItIs(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	require.NoError(t, open(t, config(fake.URL)).(connectors.Checker).Check(t.Context()))

	other := config(fake.URL)
	other["username"] = "bob"
	failed := requireKind(t, open(t, other).(connectors.Checker).Check(t.Context()), connectors.KindUnlinked, connectors.CodeAuthFailed)
	require.Contains(t, failed.Message, "alice")

	wrong := config(fake.URL)
	wrong["accessToken"] = "another"
	requireKind(t, open(t, wrong).(connectors.Checker).Check(t.Context()), connectors.KindUnlinked, connectors.CodeAuthFailed)

	path := "/api/v1/accounts/verify_credentials"
	for status, want := range map[int]connectors.Kind{
		403: connectors.KindUnlinked, 404: connectors.KindUnlinked, 429: connectors.KindRateLimited, 503: connectors.KindRetryable,
	} {
		fake.Refuse(path, status, "no")
		require.Equal(t, want, connectors.AsError(open(t, config(fake.URL)).(connectors.Checker).Check(t.Context())).Kind, status)
	}
	for _, body := range []string{"<html>hello</html>", `{"id":"7"`, `{"id":""}`} {
		fake.Once(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		failed := requireKind(t, open(t, config(fake.URL)).(connectors.Checker).Check(t.Context()), connectors.KindRetryable, "provider_unavailable")
		require.ErrorContains(t, failed, connectors.CodeUnexpected)
	}
}

func TestTheLimitsAreThoseOfTheInstance(t *testing.T) {
	t.Parallel()
	const v2 = `{"domain":"social.example","configuration":{"statuses":{"max_characters":5000,"max_media_attachments":16,"characters_reserved_per_url":30},
		"media_attachments":{"supported_mime_types":["image/png","video/mp4","audio/ogg","image/webp"],"image_size_limit":1000,"video_size_limit":2000,"description_limit":1400}}}`
	told := connectors.PostLimits{
		Counter: connectors.CountMastodon, TextLength: 5000, URLLength: 30, AltLength: 1400, Images: 16, ImageBytes: 1000, VideoBytes: 2000,
		ImageTypes: []string{"image/png", "image/webp"}, VideoTypes: []string{"video/mp4"},
	}
	plain := connectors.PostLimits{Counter: connectors.CountMastodon}
	toots := connectors.PostLimits{Counter: connectors.CountMastodon, TextLength: 700}
	for name, test := range map[string]struct {
		path, body string
		want       connectors.PostLimits
	}{
		"the present version":       {"/api/v2/instance", v2, told},
		"the version before":        {"/api/v1/instance", v2, told},
		"a server of another make":  {"/api/v1/instance", `{"max_toot_chars":700}`, toots},
		"numbers without sense":     {"/api/v2/instance", `{"configuration":{"statuses":{"max_characters":-1,"characters_reserved_per_url":-3,"max_media_attachments":1000000},"media_attachments":{"image_size_limit":-5}}}`, plain},
		"nothing about limits":      {"/api/v2/instance", `{}`, plain},
		"an empty configuration":    {"/api/v2/instance", `{"configuration":null}`, plain},
		"fields that are not known": {"/api/v2/instance", `{"configuration":{"polls":{"max_options":4}}}`, plain},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := newFake(t)
			fake.Tell(test.path, test.body)
			limits, err := open(t, config(fake.URL)).(connectors.PostLimiter).PostLimits(t.Context())
			require.NoError(t, err)
			require.Equal(t, test.want, limits)
		})
	}
	fake := newFake(t)
	_, err := open(t, config(fake.URL)).(connectors.PostLimiter).PostLimits(t.Context())
	requireKind(t, err, connectors.KindRejected, "provider_rejected")
	fake.Tell("/api/v2/instance", "<html></html>")
	fake.Tell("/api/v1/instance", "[")
	_, err = open(t, config(fake.URL)).(connectors.PostLimiter).PostLimits(t.Context())
	requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
}

// errStop is what Begin returns where a post was cancelled.
var errStop = errors.New("the post was cancelled")
