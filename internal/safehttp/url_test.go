package safehttp

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckURLReturnsTheFormThatMayBeSaved(t *testing.T) {
	t.Parallel()
	public, open := newClient(t, closed), newClient(t)
	for raw, want := range map[string]string{
		"https://example.com":                      "https://example.com",
		"HTTPS://Example.COM:8443/A/b?c=D":         "https://example.com:8443/A/b?c=D",
		"https://example.com./hook":                "https://example.com./hook",
		"https://8.8.8.8/":                         "https://8.8.8.8/",
		"https://[2001:4860:4860:0::8888]:5678/x":  "https://[2001:4860:4860::8888]:5678/x",
		"https://bücher.example/ä?q=ö":             "https://xn--bcher-kva.example/%C3%A4?q=%C3%B6",
		"https://example.com/?name=Ada Lovelace":   "https://example.com/?name=Ada%20Lovelace",
		"https://my_service.internal-1.example:1/": "https://my_service.internal-1.example:1/",
	} {
		u, err := public.CheckURL(raw)
		require.NoError(t, err, raw)
		require.Equal(t, want, u.String())
	}
	for _, raw := range []string{"http://127.0.0.1:5678/x", "http://localhost:5678", "https://localhost", "http://n8n:5678/webhook/1"} {
		_, err := open.CheckURL(raw)
		require.NoError(t, err, raw)
	}
}

func TestCheckURLRefusesWhatCannotBeCalledSafely(t *testing.T) {
	t.Parallel()
	client := newClient(t, closed)
	refused := map[string][]string{
		CodeInvalidURL: {
			"", "example.com", "//example.com/x", "/hook", "https:", "https://", "https:///x", "https:example.com", "ftp://example.com", "file:///etc/passwd",
			"javascript:alert(1)", "gopher://example.com", "https://a.com@127.0.0.1/", "https://user:pass@example.com/", "https://@example.com/",
			"https://example.com/\r\nX: y", "https://example.com/\x00", "https://exa\x00mple.com/", "https://example.com/\x7f", "https://exam ple.com/",
			"https://example.com/#f", "https://example.com/#", "https://example.com:/", "https://example.com:0/", "https://example.com:65536/", "https://example.com:99999999999/",
			"https://example.com:-1/", "https://example.com:http/", "https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/", "https://[127.0.0.1]/", "https://[::1", "https://::1/",
			"https://a..b/", "https://.a/", "https://./", "https://a../", `https://example.com\@127.0.0.1/`, "https://exa$mple.com/", "https://" + strings.Repeat("a", 64) + ".com/",
			"https://" + strings.Repeat("a.", 127) + "com/", "https://example.com/" + strings.Repeat("a", 2048), "https://%31%32%37.0.0.1/",
			"https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://0x7f.0.0.1/", "https://127.0.0.1./", "https://127.0.0.0x1/",
			"https://1.2.3.4.5/", "https://256.1.1.1/", "https://127.0.0.0x/", "https://xn--a.1/", "https://\u200b.com/",
		},
		CodePrivateAddress: {
			"https://127.0.0.1/", "http://127.0.0.1/", "https://localhost/", "https://LOCALHOST./", "https://x.localhost/", "https://[::ffff:7f00:1]/", "https://[::FFFF:127.0.0.1]/",
			"https://１２７.0.0.1/", "https://127。0。0。1/", "https://①②⑦.⓪.⓪.①/", "https://127%E3%80%820%E3%80%820%E3%80%821/",
		},
		CodeHTTPSRequired: {"http://example.com/", "http://8.8.8.8/", "http://[2001:4860:4860::8888]/"},
	}
	for code, list := range refused {
		for _, raw := range list {
			u, err := client.CheckURL(raw)
			require.Nil(t, u, "%q", raw)
			fault := requireCode(t, code, err)
			require.NotEmpty(t, fault.Message)
			_, err = client.Post(t.Context(), Request{URL: raw})
			requireCode(t, code, err)
		}
	}
}

func TestPlainHTTPStaysInsideAllowedNetworks(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	for _, raw := range []string{"http://8.8.8.8/", "http://[2001:4860:4860::8888]/"} {
		_, err := client.CheckURL(raw)
		requireCode(t, CodeHTTPSRequired, err)
	}
	_, err := client.CheckURL("http://10.0.0.1/")
	requireCode(t, CodePrivateAddress, err)
}

func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{
		"https://example.com/a?b=c", "https://127.0.0.1", "https://[::1]:1/", "https://bücher.example/?q=ö x", "https://a@b/", "http://0x7f.1/",
		"https://127。0。0。1/", "https://example.com:65536", "https://[fe80::1%25eth0]/", "https://a/%zz", "https://a//b/../c?#", "https://%e2%91%a0.1",
	} {
		f.Add(seed)
	}
	client := newClient(f, closed)
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := client.CheckURL(raw)
		if err != nil {
			var fault *Error
			require.ErrorAs(t, err, &fault)
			return
		}
		require.Equal(t, "https", u.Scheme)
		require.Nil(t, u.User)
		line := u.Host + u.RequestURI()
		require.Equal(t, -1, strings.IndexFunc(line, func(r rune) bool { return r <= ' ' || r >= 0x7f }), "%q", line)
		if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
			require.NoError(t, client.guard.check(ip, false))
		}
		again, err := client.CheckURL(u.String())
		if len(u.String()) > maxURL {
			return
		}
		require.NoError(t, err, "%q became %q", raw, u)
		require.Equal(t, u.String(), again.String())
		plain, err := url.Parse(u.String())
		require.NoError(t, err)
		require.Equal(t, u.Host, plain.Host)
	})
}
