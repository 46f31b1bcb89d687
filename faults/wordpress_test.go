//go:build linux

package faults

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/testenv"
)

// blogPost is a post as a real WordPress tells its administrator.
type blogPost struct {
	ID      int64
	Link    string
	Status  string
	Title   struct{ Raw string }
	Content struct{ Raw string }
}

// blog is a real WordPress behind a line that can be held up.
type blog struct {
	*testenv.WordPressServer
	t    *testing.T
	line *httptest.Server

	mu   sync.Mutex
	held chan struct{} // closed when WordPress has made a post whose answer is held up; nil: none is
}

func newBlog(t *testing.T) *blog {
	t.Helper()
	b := &blog{WordPressServer: testenv.WordPress(t), t: t}
	target, err := url.Parse(b.URL)
	require.NoError(t, err)
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(response *http.Response) error {
			if response.StatusCode == http.StatusCreated && strings.HasSuffix(response.Request.URL.Path, "/wp/v2/posts") {
				b.wait(response.Request)
			}
			return nil
		},
	}
	b.line = httptest.NewServer(forward)
	t.Cleanup(func() {
		b.line.CloseClientConnections()
		b.line.Close()
	})
	return b
}

func (b *blog) wait(request *http.Request) {
	b.mu.Lock()
	held := b.held
	b.held = nil
	b.mu.Unlock()
	if held != nil {
		close(held)
		<-request.Context().Done()
	}
}

// hold keeps the answer to the next post that WordPress makes. The channel is closed when it is made.
func (b *blog) hold() (made <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = make(chan struct{})
	return b.held
}

// posts returns the posts with a title.
func (b *blog) posts(title string) (found []blogPost) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.URL+"/wp-json/wp/v2/posts?context=edit&status=any&per_page=100", nil)
	require.NoError(b.t, err)
	request.SetBasicAuth(b.Admin.User, b.Admin.Password)
	response, err := http.DefaultClient.Do(request)
	require.NoError(b.t, err)
	defer func() { _ = response.Body.Close() }()
	var all []blogPost
	require.NoError(b.t, json.NewDecoder(response.Body).Decode(&all))
	for _, p := range all {
		if p.Title.Raw == title {
			found = append(found, p)
		}
	}
	return found
}

// syncer is a receiver of the SocialSyncer contract.
type syncer struct {
	server *httptest.Server

	mu     sync.Mutex
	bodies [][]byte
	signed []string // X-SocialSyncerAPI-Signature of each
}

// syncer makes a webhook of the SocialSyncer format and returns its receiver and secret.
func (s *site) syncer(n *node) (r *syncer, secret string) {
	s.t.Helper()
	r = &syncer{}
	r.server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return // the sender died while it wrote
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bodies, r.signed = append(r.bodies, body), append(r.signed, request.Header.Get("X-SocialSyncerAPI-Signature"))
	}))
	s.t.Cleanup(r.server.Close)
	var made struct{ Secret string }
	settings := map[string]any{"url": r.server.URL, "format": "socialsyncer", "events": []string{"post.published", "post.failed"}}
	require.Equal(s.t, http.StatusCreated, s.call(n, http.MethodPost, "/v1/webhooks", settings, &made))
	s.secrets = append(s.secrets, made.Secret)
	return r, made.Secret
}

// requireTold waits until the receiver has the contract's post.published about a post, once, with the network's id and address, and verifies it.
func (r *syncer) requireTold(t *testing.T, secret, postID string, there blogPost) {
	t.Helper()
	told := func() (body []byte, signature string, times int) {
		r.mu.Lock()
		defer r.mu.Unlock()
		for i := range r.bodies {
			if strings.Contains(string(r.bodies[i]), postID) {
				body, signature = r.bodies[i], r.signed[i]
				times++
			}
		}
		return body, signature, times
	}
	await(t, patience, "post.published", func() bool { _, _, times := told(); return times > 0 })
	body, signature, times := told()
	require.Equal(t, 1, times)
	var envelope struct{ Event, Timestamp string }
	require.NoError(t, json.Unmarshal(body, &envelope))
	want := fmt.Sprintf(`{"event":"post.published","timestamp":%q,"data":{"postId":%q,"platform":"wordpress_org","platformPostId":"%d","platformPostUrl":%q,"status":"published",`,
		envelope.Timestamp, postID, there.ID, there.Link)
	require.True(t, strings.HasPrefix(string(body), want), "%s\nmust begin as\n%s", body, want)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	require.Equal(t, hex.EncodeToString(mac.Sum(nil)), signature)
}

// curl runs the real curl and returns the answer.
func curl(t *testing.T, arguments ...string) (status string, header http.Header, body []byte) {
	t.Helper()
	heads := filepath.Join(t.TempDir(), "head")
	command := exec.CommandContext(t.Context(), "curl", append([]string{"-sS", "--max-time", "60", "-D", heads, "-w", "\n%{http_code}"}, arguments...)...)
	output, err := command.Output()
	require.NoError(t, err)
	end := strings.LastIndex(string(output), "\n")
	raw, err := os.ReadFile(heads)
	require.NoError(t, err)
	header = http.Header{}
	for line := range strings.Lines(string(raw)) {
		if name, value, found := strings.Cut(line, ":"); found {
			header.Add(name, strings.TrimSpace(value))
		}
	}
	return string(output[end+1:]), header, output[:end]
}

// takenByCurl requires that curl's post is taken, with the limits of the contract.
func takenByCurl(t *testing.T, remaining int, arguments ...string) (postID string) {
	t.Helper()
	status, header, body := curl(t, arguments...)
	require.Equal(t, "202", status, "%s", body)
	require.Equal(t, "60", header.Get("X-RateLimit-Limit"))
	require.Equal(t, strconv.Itoa(remaining), header.Get("X-RateLimit-Remaining"))
	reset, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64)
	require.NoError(t, err)
	require.InDelta(t, time.Now().Add(time.Hour).Unix(), reset, 90)
	var made post
	require.NoError(t, json.Unmarshal(body, &made))
	return made.ID
}

// The requests of the SocialOomph contract, by the real curl, to a real WordPress. During the last one the process dies when WordPress has made the post.
func TestTheContractsRequestsReachARealWordPressOnce(t *testing.T) {
	t.Parallel()
	s, b := newSite(t), newBlog(t)
	n := s.up()
	r, secret := s.syncer(n)
	s.secrets = append(s.secrets, b.Admin.Password)
	channel := s.addChannel(n, "wordpress_org", map[string]string{"siteUrl": b.line.URL, "username": b.Admin.User, "applicationPassword": b.Admin.Password})
	var hook struct{ ID, URL string }
	settings := map[string]any{"name": "curl", "channelIds": []string{channel}, "rateLimit": map[string]any{"limit": 60, "period": "1h"}}
	require.Equal(t, http.StatusCreated, s.call(n, http.MethodPost, "/v1/incoming-webhooks", settings, &hook))
	s.secrets = append(s.secrets, hook.URL[strings.LastIndex(hook.URL, "/")+1:])
	there := func(postID, title string) blogPost {
		p := s.awaitPost(n, postID, "published")
		found := b.posts(title)
		require.Len(t, found, 1)
		require.Equal(t, strconv.FormatInt(found[0].ID, 10), p.Targets[0].PlatformPostID)
		require.Equal(t, found[0].Link, p.Targets[0].URL)
		require.Equal(t, "publish", found[0].Status)
		r.requireTold(t, secret, postID, found[0])
		return found[0]
	}

	text := takenByCurl(t, 59, hook.URL, "-H", "Content-Type: application/json", "-d", `{
  "title": "Nam <i>auctor</i> porta nisi, ut rutrum enim dignissim et.",
  "body": "<p>Lorem <strong>ipsum</strong> <a href=\"https://example.com/dolor\">dolor</a></p><ul><li>sit</li><li>amet</li></ul>"
}`)
	found := there(text, "Nam auctor porta nisi, ut rutrum enim dignissim et.")
	require.Equal(t, "Lorem **ipsum** [dolor](https://example.com/dolor)\n\n-   sit\n-   amet", found.Content.Raw)

	file := filepath.Join(t.TempDir(), "file_name.png")
	require.NoError(t, os.WriteFile(file, picture(t), 0o600))
	form := func(title string) []string {
		return []string{hook.URL, "-F", "media_file=@" + file, "-F", `json_payload={"title":"` + title + `", "body":"The <b>post</b> body"}`}
	}
	found = there(takenByCurl(t, 58, form("The post title")...), "The post title")
	require.True(t, strings.HasPrefix(found.Content.Raw, "The **post** body"), found.Content.Raw)

	made := b.hold()
	killed := takenByCurl(t, 57, form("The last title")...)
	arrive(t, "WordPress's post", made)
	n.kill()
	n.start()
	there(killed, "The last title")

	require.Equal(t, http.StatusNoContent, s.call(n, http.MethodDelete, "/v1/incoming-webhooks/"+hook.ID, nil, nil))
	status, _, _ := curl(t, form("Too late")...)
	require.Equal(t, "404", status)
	for _, word := range s.secrets {
		require.NotContains(t, s.log.String(), word)
	}
}
