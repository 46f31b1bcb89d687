package meta_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
)

func newGraph(tb testing.TB, address string, refusal func(code, subcode int) *connectors.Error) *meta.Graph {
	tb.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	tb.Cleanup(client.CloseIdleConnections)
	return meta.NewGraph(meta.GraphOptions{
		Options: meta.Options{BaseURL: address}, HTTP: client, Token: metatest.Token, Refusal: refusal,
		Now: func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) },
	})
}

type meaning struct {
	code, subcode int
	kind          connectors.Kind
	name          string
	after         time.Duration
}

// meanings has a row for each code of Meta's guide to errors.
func meanings() []meaning {
	down := func(code int) meaning {
		return meaning{code, 0, connectors.KindRetryable, "provider_unavailable", 0}
	}
	limited := func(code int) meaning {
		return meaning{code, 0, connectors.KindRateLimited, "provider_rate_limited", 0}
	}
	auth := func(code, subcode int) meaning {
		return meaning{code, subcode, connectors.KindUnlinked, connectors.CodeAuthFailed, 0}
	}
	rejected := func(code, subcode int, name string) meaning {
		return meaning{code, subcode, connectors.KindRejected, name, 0}
	}
	rows := []meaning{
		down(1), down(2), limited(4), limited(17), limited(32), limited(613),
		{341, 0, connectors.KindRateLimited, "provider_rate_limited", time.Hour},
		{368, 0, connectors.KindRateLimited, "provider_rate_limited", time.Hour},
		auth(102, 0), auth(190, 0), auth(190, 458), auth(190, 460), auth(190, 463), auth(190, 467), auth(190, 492),
		{190, 459, connectors.KindUnlinked, connectors.CodeAccountSuspended, 0},
		rejected(10, 0, meta.CodePermissionMissing), rejected(200, 0, meta.CodePermissionMissing), rejected(299, 0, meta.CodePermissionMissing),
		rejected(100, 0, httpcall.CodeProviderRejected), rejected(100, 33, connectors.CodeInvalidSender), rejected(506, 0, meta.CodeDuplicate),
		rejected(300, 0, httpcall.CodeProviderRejected), rejected(999999, 0, httpcall.CodeProviderRejected), // nobody's: the status decides
	}
	for code := 80001; code <= 80014; code++ {
		rows = append(rows, limited(code))
	}
	return rows
}

func TestEveryErrorCodeHasItsMeaning(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	graph := newGraph(t, fake.URL, nil)
	for _, want := range meanings() {
		fake.FailNext(want.code, want.subcode)
		failed := connectors.AsError(graph.Post(t.Context(), "/1/messages", map[string]any{}, &struct{}{}))
		require.Equal(t, want, meaning{want.code, want.subcode, failed.Kind, failed.Code, failed.After}, "%d/%d", want.code, want.subcode)
		require.Equal(t, want.code, failed.Provider.Code)
		require.Equal(t, "as the test wants it", failed.Provider.Message)
		require.Regexp(t, `^\{"code":.*"fbtrace_id"`, string(failed.Provider.Raw))
	}
}

func TestTransienceStatusAndANetworksOwnCodes(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	graph := newGraph(t, fake.URL, func(code, subcode int) *connectors.Error {
		if code == 2 && subcode == 7 {
			return connectors.Rejected(connectors.CodeWindowExpired, "Closed.", "to")
		}
		return nil
	})
	for name, test := range map[string]struct {
		trouble metatest.Trouble
		kind    connectors.Kind
	}{
		"a code of the network's own":       {metatest.Trouble{Status: 400, Code: 2, Subcode: 7}, connectors.KindRejected},
		"the same code otherwise":           {metatest.Trouble{Status: 400, Code: 2}, connectors.KindRetryable},
		"a refusal that is transient":       {metatest.Trouble{Status: 400, Code: 100, Transient: true}, connectors.KindRetryable},
		"an unknown code that is":           {metatest.Trouble{Status: 400, Code: 7777, Transient: true}, connectors.KindRetryable},
		"a limit that is":                   {metatest.Trouble{Status: 400, Code: 4, Transient: true}, connectors.KindRateLimited},
		"a dead token that is":              {metatest.Trouble{Status: 400, Code: 190, Transient: true}, connectors.KindUnlinked},
		"a dead token with 500":             {metatest.Trouble{Status: 500, Code: 190}, connectors.KindUnlinked},
		"an unknown code with 500":          {metatest.Trouble{Status: 500, Code: 7777}, connectors.KindRetryable},
		"an unknown code with 401":          {metatest.Trouble{Status: 401, Code: 7777}, connectors.KindUnlinked},
		"a gateway's 502":                   {metatest.Trouble{Status: 502}, connectors.KindUnconfirmed},
		"a success that cannot be read":     {metatest.Trouble{BrokenBody: true}, connectors.KindUnconfirmed},
		"a line that is cut":                {metatest.Trouble{Cut: true}, connectors.KindUnconfirmed},
		"a late answer is one all the same": {metatest.Trouble{Delay: 10 * time.Millisecond}, ""},
	} {
		fake.TroubleNext(test.trouble)
		body := map[string]any{"recipient": map[string]any{"id": "2"}, "message": map[string]any{"text": "Hi"}}
		err := graph.Post(t.Context(), "/1/messages", body, &struct{}{})
		if test.kind == "" {
			require.NoError(t, err, name)
			continue
		}
		require.Error(t, err, name)
		require.Equal(t, test.kind, connectors.AsError(err).Kind, name)
	}
}

func TestALimitSaysHowLongToWait(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	graph := newGraph(t, fake.URL, nil)
	for header, want := range map[string]time.Duration{
		`{"1":[{"type":"messenger","call_count":100,"estimated_time_to_regain_access":19}],"2":[{"estimated_time_to_regain_access":3}]}`: 19 * time.Minute,
		`{"1":[{"estimated_time_to_regain_access":9999999999}]}`:                                                                         24 * time.Hour,
		`{"1":[{"estimated_time_to_regain_access":-5}]}`:                                                                                 0,
		`{"1":[]}`: 0, `[`: 0, ``: 0,
	} {
		fake.TroubleNext(metatest.Trouble{Status: 400, Code: 80006, Header: map[string]string{"X-Business-Use-Case-Usage": header}})
		err := graph.Get(t.Context(), "/me", &struct{}{})
		require.Equal(t, want, connectors.AsError(err).After, header)
	}
}

func TestTheTokenStandsInTheHeaderAndNowhereElse(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	fake.SetObject("/me", map[string]any{"id": "1"})
	var me struct{ ID string }
	require.NoError(t, newGraph(t, fake.URL+"/", nil).Get(t.Context(), "/me?fields=id", &me))
	require.Equal(t, "1", me.ID)
	request := fake.Requests()[0]
	require.Equal(t, "fields=id", request.Query)
	require.Equal(t, "Bearer "+metatest.Token, request.Header.Get("Authorization"))

	other := meta.NewGraph(meta.GraphOptions{
		Options: meta.Options{BaseURL: fake.URL, Version: "26.0"}, HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, Token: metatest.Token, Now: time.Now,
	})
	require.Error(t, other.Get(t.Context(), "/me", &me))
	require.Equal(t, "/v26.0/me", fake.Requests()[1].Path)
}

func TestACheckThatIsRefusedMeansTheCredentials(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	graph := newGraph(t, fake.URL, nil)
	for code, want := range map[int]connectors.Kind{100: connectors.KindUnlinked, 190: connectors.KindUnlinked, 4: connectors.KindRateLimited, 2: connectors.KindRetryable} {
		fake.FailNext(code, 0)
		err := graph.Check(t.Context(), "/me", &struct{}{})
		require.Equal(t, want, connectors.AsError(err).Kind, code)
		require.Equal(t, code, connectors.AsError(err).Provider.Code)
	}
}

func TestFilesOfOtherHostsAreFetchedWithoutTheToken(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	graph := newGraph(t, fake.URL, nil)
	body, _, err := graph.Fetch(t.Context(), fake.AddFile("image/png", []byte("picture")))
	require.NoError(t, err)
	content, err := io.ReadAll(body)
	require.NoError(t, err)
	require.NoError(t, body.Close())
	require.Equal(t, "picture", string(content))

	seen := make(chan string, 1)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header.Get("Authorization") }))
	t.Cleanup(other.Close)
	body, _, err = graph.Fetch(t.Context(), other.URL)
	require.NoError(t, err)
	require.NoError(t, body.Close())
	require.Empty(t, <-seen)
}

func TestTheProofOfTheAppsSecretGoesWithTheTokenWhereTheOperatorWantsIt(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	fake.SetObject("/me", map[string]any{"id": "1"})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	call := func(options meta.Options, token, secret string) string {
		options.BaseURL = fake.URL
		graph := meta.NewGraph(meta.GraphOptions{Options: options, HTTP: client, Token: token, AppSecret: secret, Now: time.Now})
		_ = graph.Get(t.Context(), "/me?fields=id", &struct{}{}) // refused without the token
		requests := fake.Requests()
		return requests[len(requests)-1].Query
	}
	// HMAC-SHA256 of the token with the secrets, computed with openssl.
	require.Equal(t, "fields=id&appsecret_proof=183996ad0ae8b48dd5146bc105da28668f4087fa4859841ec71e8f68412159c9", call(meta.Options{AppSecretProof: true, AppSecret: "app secret"}, metatest.Token, ""))
	require.Equal(t, "fields=id&appsecret_proof=cb329adfc3074f8ad16066334a8dc4c9a5eeca752d956a21e539780040d5c6a3", call(meta.Options{AppSecretProof: true, AppSecret: "app secret"}, metatest.Token, "own secret"))
	require.Equal(t, "fields=id", call(meta.Options{AppSecretProof: true}, metatest.Token, ""), "no secret")
	require.Equal(t, "fields=id", call(meta.Options{AppSecret: "app secret"}, metatest.Token, ""), "not wanted")
	require.Equal(t, "fields=id", call(meta.Options{AppSecretProof: true, AppSecret: "app secret"}, "", ""), "no token")
}

func TestATokenThatMetaRepeatsIsMasked(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	fake.TroubleNext(metatest.Trouble{Status: 400, Code: 190, Words: "Malformed access token " + metatest.Token})
	failed := connectors.AsError(newGraph(t, fake.URL, nil).Get(t.Context(), "/me", &struct{}{}))
	require.Equal(t, "Malformed access token "+connectors.Mask, failed.Provider.Message)
	require.NotContains(t, string(failed.Provider.Raw), metatest.Token)
}

func TestErrorsWithNegativeCodesAreReadByTheirSubcodes(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	graph := newGraph(t, fake.URL, func(_, subcode int) *connectors.Error {
		if subcode == 2207003 {
			return connectors.Retryable(nil)
		}
		return nil
	})
	fake.FailNext(-2, 2207003)
	failed := connectors.AsError(graph.Post(t.Context(), "/1/media", map[string]any{}, &struct{}{}))
	require.Equal(t, connectors.KindRetryable, failed.Kind)
	require.Equal(t, -2, failed.Provider.Code)
}
