package server_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// browser is somebody who looks at the dashboard, without scripts.
type browser struct {
	w      *world
	client *http.Client
	csrf   string // of the page that was seen last
}

// shown is a page as it came.
type shown struct {
	status int
	header http.Header
	body   string
}

// newBrowser is a browser of a new account's owner, who is logged in. key is an API key of the same account.
func (w *world) newBrowser(t *testing.T, name string) (b *browser, key string) {
	t.Helper()
	b = w.guest(t)
	b.get(t, "/app/welcome")
	page := b.post(t, "/app/welcome", "organization", name, "email", name+"@example.com", "password", "correct horse battery")
	require.Equal(t, http.StatusSeeOther, page.status, page.body)
	b.get(t, "/app")
	login := w.call(t, "POST", "/v1/auth/login", `{"email":"`+name+`@example.com","password":"correct horse battery"}`)
	made := w.call(t, "POST", "/v1/keys", `{"name":"test"}`, "Authorization: Bearer "+login.text(t, "token"))
	return b, made.text(t, "key")
}

// guest is a browser of somebody who is not logged in.
func (w *world) guest(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{w: w, client: &http.Client{
		Jar: jar, Timeout: patience, Transport: w.client.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// get opens a page, or with a header HX-Request a part of one.
func (b *browser) get(t *testing.T, path string, headers ...string) shown {
	t.Helper()
	return b.send(t, "GET", path, nil, headers...)
}

// post sends a form, names and values in turn, from the page that was seen last.
func (b *browser) post(t *testing.T, path string, pairs ...string) shown {
	t.Helper()
	form := url.Values{"csrf": {b.csrf}}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.send(t, "POST", path, strings.NewReader(form.Encode()), "Content-Type: application/x-www-form-urlencoded")
}

func (b *browser) send(t *testing.T, method, path string, body io.Reader, headers ...string) shown {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, b.w.url+path, body)
	require.NoError(t, err)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := b.client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	if found := regexp.MustCompile(`name="csrf" (?:content|value)="([^"]+)"`).FindSubmatch(raw); found != nil {
		b.csrf = string(found[1])
	}
	return shown{response.StatusCode, response.Header, string(raw)}
}

// follow opens the page that an answer leads to.
func (b *browser) follow(t *testing.T, page shown) shown {
	t.Helper()
	require.Equal(t, http.StatusSeeOther, page.status, page.body)
	return b.get(t, page.header.Get("Location"))
}
