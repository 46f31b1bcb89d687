//go:build linux

package faults

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/mastodon/mastodontest"
)

// statusesPath and filesPath are where Mastodon takes posts and files.
const (
	statusesPath = "/api/v1/statuses"
	filesPath    = "/api/v2/media"
)

// postTarget is what GET /v1/posts says of a post on one channel.
type postTarget struct {
	ChannelID, Status, PlatformPostID, URL string
}

// post is what GET /v1/posts says of one.
type post struct {
	ID, Status, Body, SlotAt string
	Targets                  []postTarget
}

// fediverse starts a stand-in for a Mastodon instance. Its clock is ahead, so that lookups never take its posts for older than the search for them.
func fediverse(t *testing.T) *mastodontest.Server {
	t.Helper()
	return mastodontest.New(t, time.Now().Add(time.Hour))
}

func (s *site) mastodon(n *node, fake *mastodontest.Server) (channel string) {
	s.t.Helper()
	s.secrets = append(s.secrets, mastodontest.Token)
	return s.addChannel(n, "mastodon", map[string]string{"instanceUrl": fake.URL, "username": "alice", "accessToken": mastodontest.Token})
}

// tellPosts subscribes the receiver to what becomes of posts.
func (s *site) tellPosts(n *node) {
	s.t.Helper()
	const path = "/posts"
	var webhook struct{ Secret string }
	body := map[string]any{"url": s.receiver.server.URL + path, "events": []string{"post.scheduled", "post.published", "post.failed"}}
	require.Equal(s.t, http.StatusCreated, s.call(n, http.MethodPost, "/v1/webhooks", body, &webhook))
	s.receiver.mu.Lock()
	s.receiver.secrets[path] = webhook.Secret
	s.receiver.mu.Unlock()
	s.secrets = append(s.secrets, webhook.Secret)
}

// incoming makes an incoming webhook and returns its path.
func (s *site) incoming(n *node, places map[string]any) string {
	s.t.Helper()
	places["name"], places["rateLimit"] = "Faults", map[string]any{"limit": 100_000, "period": "1h"}
	var made struct{ URL string }
	require.Equal(s.t, http.StatusCreated, s.call(n, http.MethodPost, "/v1/incoming-webhooks", places, &made))
	path, found := strings.CutPrefix(made.URL, n.url)
	require.True(s.t, found)
	s.secrets = append(s.secrets, strings.TrimPrefix(path, "/hooks/"))
	return path
}

// publish makes a post for channels and requires that it is taken.
func (s *site) publish(n *node, text string, channels ...string) (postID string) {
	s.t.Helper()
	var made post
	require.Equal(s.t, http.StatusAccepted, s.call(n, http.MethodPost, "/v1/posts", map[string]any{"body": text, "channelIds": channels}, &made))
	return made.ID
}

// picture is a PNG of one pixel.
func picture(t *testing.T) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
	require.NoError(t, err)
	return raw
}

// publishPicture posts to an incoming webhook as the contract's example does, and requires that the post is taken.
func (s *site) publishPicture(n *node, path, text string) (postID string) {
	s.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("media_file", "file_name.png")
	require.NoError(s.t, err)
	_, err = file.Write(picture(s.t))
	require.NoError(s.t, err)
	payload, err := json.Marshal(map[string]string{"title": "The post title", "body": text})
	require.NoError(s.t, err)
	require.NoError(s.t, form.WriteField("json_payload", string(payload)))
	require.NoError(s.t, form.Close())
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, n.url+path, &body)
	require.NoError(s.t, err)
	request.Header.Set("Content-Type", form.FormDataContentType())
	response, err := s.client.Do(request)
	require.NoError(s.t, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusAccepted, response.StatusCode, "%s", answer)
	var made post
	require.NoError(s.t, json.Unmarshal(answer, &made))
	return made.ID
}

// stallUpload begins a form whose file never ends, and returns when a part of it is on the disk.
func (s *site) stallUpload(n *node, path string) {
	s.t.Helper()
	reader, writer := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	s.t.Cleanup(cancel)
	form := multipart.NewWriter(writer)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url+path, reader)
	require.NoError(s.t, err)
	request.Header.Set("Content-Type", form.FormDataContentType())
	go func() {
		response, err := s.client.Do(request)
		if err == nil {
			_ = response.Body.Close()
		}
		_ = reader.Close()
	}()
	file, err := form.CreateFormFile("media_file", "endless.png")
	require.NoError(s.t, err)
	_, err = file.Write(append(picture(s.t), make([]byte, 1<<20)...))
	require.NoError(s.t, err)
	await(s.t, patience, "a part of the file to be on the disk", func() bool { return len(s.unfinished()) == 1 })
}

// unfinished returns the paths of files that are not complete.
func (s *site) unfinished() []string {
	return slices.DeleteFunc(s.files(), func(path string) bool { return !strings.HasPrefix(filepath.Base(path), "fetch-") })
}

// files returns the paths of all files of posts and messages.
func (s *site) files() []string {
	s.t.Helper()
	var paths []string
	err := filepath.WalkDir(filepath.Join(s.dataDir, "media"), func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			paths = append(paths, path)
		}
		return nil //nolint:nilerr // a file may go while we look
	})
	require.NoError(s.t, err)
	return paths
}

func (s *site) postOf(n *node, postID string) (p post) {
	s.t.Helper()
	require.Equal(s.t, http.StatusOK, s.call(n, http.MethodGet, "/v1/posts/"+postID, nil, &p))
	return p
}

// awaitPost waits until a post has a status, and returns it.
func (s *site) awaitPost(n *node, postID, status string) (p post) {
	s.t.Helper()
	defer func() {
		if s.t.Failed() {
			s.t.Logf("the post is: %+v", p)
		}
	}()
	await(s.t, settled, "a post to be "+status, func() bool {
		p = s.postOf(n, postID)
		return p.Status == status
	})
	return p
}

// requireTold waits until the receiver has been told of a post on one channel, and requires that this happened once.
func (s *site) requireTold(postID, kind, status string) {
	s.t.Helper()
	told := func() (n int) {
		for _, a := range s.receiver.seenOf(postID) {
			if a.kind == kind && a.status == status {
				n++
			}
		}
		return n
	}
	await(s.t, settled, kind+" "+status, func() bool { return told() > 0 })
	require.Equal(s.t, 1, told())
}

// texts returns what an instance shows, in its order.
func texts(fake *mastodontest.Server) []string {
	var shown []string
	for _, status := range fake.Statuses() {
		shown = append(shown, status.Text)
	}
	return shown
}

// asked counts the requests that an instance got, "METHOD path".
func asked(fake *mastodontest.Server, request string) (n int) {
	for _, seen := range fake.Seen() {
		if seen == request {
			n++
		}
	}
	return n
}

// hold keeps the next request at a path without an answer, after do was done; arrived is closed when it is there. It is answered with answer when release
// is called, or the line ends with the test.
func hold(t *testing.T, fake *mastodontest.Server, path, answer string, do func()) (arrived <-chan struct{}, release func()) {
	t.Helper()
	there, free := make(chan struct{}), make(chan struct{})
	fake.Once(path, func(w http.ResponseWriter, r *http.Request) {
		do()
		close(there)
		select {
		case <-free:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, answer) // the sender may be dead
		case <-r.Context().Done():
		}
	})
	return there, func() { close(free) }
}

// nothing is for requests of which a network keeps nothing.
func nothing() {}

func arrive(t *testing.T, what string, arrived <-chan struct{}) {
	t.Helper()
	select {
	case <-arrived:
	case <-time.After(patience):
		require.FailNow(t, "waited in vain", what)
	}
}
