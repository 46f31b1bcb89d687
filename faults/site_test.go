//go:build linux

package faults

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/testenv"
)

const (
	password      = "a long password of this test"
	email         = "you@example.com"
	signingSecret = "the-sandbox-signing-secret-of-this-test"
)

// site is one installation of the product, with an account on it, and the receiver of its webhooks.
type site struct {
	t        *testing.T
	dataDir  string
	database string               // "": SQLite
	redis    *testenv.RedisServer // nil: embedded
	settings []string             // of all its nodes
	log      *journal
	receiver *receiver
	client   *http.Client
	started  []*node

	key     string // API key
	channel string // id of the sandbox channel
	secrets []string
	hooks   []string // paths of the webhooks
}

// newSite makes an installation on SQLite and the embedded Redis. Nothing of it runs yet.
func newSite(t *testing.T, settings ...string) *site {
	t.Helper()
	sealing := randomText()
	s := &site{
		t: t, dataDir: t.TempDir(), log: &journal{}, receiver: newReceiver(t),
		client: &http.Client{Timeout: 40 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	s.secrets = []string{password, signingSecret, sealing}
	s.settings = append([]string{"DATA_DIR=" + s.dataDir, "SECRET_KEY=" + sealing, "WEBHOOK_SCHEDULE=1s,1s,1s,2s,2s,2s,2s,5s,5s,5s"}, settings...)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of what the product has logged:\n%s", s.log.tail())
		}
	})
	return s
}

// newSiteOnEngines makes an installation on a PostgreSQL database and a Redis of its own.
func newSiteOnEngines(t *testing.T, settings ...string) *site {
	t.Helper()
	return newSiteOn(t, testenv.Postgres(t), testenv.Redis(t), settings...)
}

func newSiteOn(t *testing.T, database string, redis *testenv.RedisServer, settings ...string) *site {
	t.Helper()
	s := newSite(t, append(settings, "DATABASE_URL="+database, "REDIS_URL="+redis.URL)...)
	s.database, s.redis = database, redis
	address, err := url.Parse(database)
	require.NoError(t, err)
	if word, ok := address.User.Password(); ok && len(word) >= 8 { // a shorter one may stand in a log by chance
		s.secrets = append(s.secrets, word)
	}
	return s
}

func randomText() string {
	var raw [24]byte
	_, _ = rand.Read(raw[:]) // never fails, see crypto/rand
	return hex.EncodeToString(raw[:])
}

// node makes a further node, with settings of its own. It is not started.
func (s *site) node(settings ...string) *node {
	s.t.Helper()
	n := newNode(s.t, s.log, append(append([]string{}, s.settings...), settings...)...)
	s.started = append(s.started, n)
	return n
}

// up makes a node and starts it; the first one gets the account, a sandbox channel and a webhook.
func (s *site) up(settings ...string) *node {
	s.t.Helper()
	n := s.node(settings...)
	n.start()
	if s.key == "" {
		s.settle(n)
	}
	return n
}

// settle makes the account with all that it needs.
func (s *site) settle(n *node) {
	s.t.Helper()
	var session struct{ Token string }
	account := map[string]string{"email": email, "password": password, "organization": "Faults"}
	// On a busy machine the limiter may not hear from Redis in time, and then registrations wait.
	await(s.t, patience, "an account", func() bool {
		return s.call(n, http.MethodPost, "/v1/auth/register", account, &session) == http.StatusCreated
	})
	s.key = session.Token
	var key struct{ Key string }
	require.Equal(s.t, http.StatusCreated, s.call(n, http.MethodPost, "/v1/keys", map[string]string{"name": "faults"}, &key))
	s.key = key.Key
	s.secrets = append(s.secrets, session.Token, key.Key)
	s.channel = s.addChannel(n, "sandbox", map[string]string{"number": "+15550000001", "signingSecret": signingSecret})
	s.addWebhook(n)
}

func (s *site) addChannel(n *node, connector string, config map[string]string) string {
	s.t.Helper()
	var channel struct{ ID string }
	body := map[string]any{"connector": connector, "name": "Faults", "config": config}
	require.Equal(s.t, http.StatusCreated, s.call(n, http.MethodPost, "/v1/channels", body, &channel))
	return channel.ID
}

// addWebhook subscribes the receiver, under a path of its own, to all messages and what becomes of them.
func (s *site) addWebhook(n *node) {
	s.t.Helper()
	path := "/hook/" + strconv.Itoa(len(s.hooks))
	var webhook struct{ Secret string }
	body := map[string]any{"url": s.receiver.server.URL + path, "events": []string{"message.received", "message.status"}}
	require.Equal(s.t, http.StatusCreated, s.call(n, http.MethodPost, "/v1/webhooks", body, &webhook))
	s.receiver.mu.Lock()
	s.receiver.secrets[path] = webhook.Secret
	s.receiver.mu.Unlock()
	s.secrets = append(s.secrets, webhook.Secret)
	s.hooks = append(s.hooks, path)
}

// call makes an API call and returns the status of its answer; a 2xx is read into result, where that is not nil.
func (s *site) call(n *node, method, path string, body, result any, header ...string) int {
	s.t.Helper()
	status, answer := s.try(n, method, path, body, header...)
	require.NotZero(s.t, status, "%s %s had no answer", method, path)
	if result != nil && status/100 == 2 {
		require.NoError(s.t, json.Unmarshal(answer, result), "%s %s: %s", method, path, answer)
	}
	return status
}

// try makes an API call that may have no answer; its status is 0 then.
func (s *site) try(n *node, method, path string, body any, header ...string) (int, []byte) {
	s.t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(s.t, err)
	request, err := http.NewRequestWithContext(context.Background(), method, n.url+path, bytes.NewReader(raw))
	require.NoError(s.t, err)
	if body == nil {
		request.Body, request.ContentLength = http.NoBody, 0
	} else {
		request.Header.Set("Content-Type", "application/json")
	}
	if s.key != "" {
		request.Header.Set("Authorization", "Bearer "+s.key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := s.client.Do(request)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, nil
	}
	return response.StatusCode, answer
}

// post makes a message with an id come in, as a provider does, and returns the status of the answer, or 0.
func (s *site) post(client *http.Client, n *node, id string) int {
	body := `{"id":"` + id + `","from":"+16315550001","name":"Emily","text":"Is the blue one still there?"}`
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, n.url+"/callbacks/sandbox/"+s.channel, strings.NewReader(body))
	if err != nil {
		return 0
	}
	mac := hmac.New(sha256.New, []byte(signingSecret))
	mac.Write([]byte(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Sandbox-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	response, err := client.Do(request)
	if err != nil {
		return 0
	}
	_, err = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	if err != nil {
		return 0
	}
	return response.StatusCode
}

// accept posts a number of messages, several at a time, and requires that each is taken. It returns their ids.
func (s *site) accept(n *node, name string, count int) []string {
	s.t.Helper()
	ids := make([]string, count)
	statuses := make(chan int, count)
	places := make(chan struct{}, 16)
	for i := range ids {
		ids[i] = name + "-" + strconv.Itoa(i)
		places <- struct{}{}
		go func() {
			statuses <- s.post(s.client, n, ids[i])
			<-places
		}()
	}
	for range ids {
		require.Equal(s.t, http.StatusOK, <-statuses)
	}
	return ids
}
