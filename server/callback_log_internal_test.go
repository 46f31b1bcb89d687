package server

import (
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/store"
)

// idleLog is a log whose writer never begins.
func idleLog(write func(string)) *callbackLog {
	l := &callbackLog{
		ids: id.NewGenerator(time.Now), logger: slog.New(slog.NewTextHandler(writerFunc(write), nil)), now: time.Now,
		taken: make(chan noted, callbackQueue), refused: make(chan noted, callbackQueue), stop: make(chan struct{}),
	}
	l.begin.Do(func() {})
	return l
}

type writerFunc func(string)

func (w writerFunc) Write(p []byte) (int, error) {
	w(string(p))
	return len(p), nil
}

func TestWhatCannotBeRecordedInTimeIsCountedAndDelaysNobody(t *testing.T) {
	t.Parallel()
	var logged []string
	l := idleLog(func(line string) { logged = append(logged, line) })
	channel := &store.Channel{ID: "chan_1", AccountID: "acct_1"}
	body := make([]byte, 2*callbackBody)
	seen := seenCallback{started: time.Now(), channel: channel, request: connectors.CallbackRequest{Body: body}}
	for range callbackQueue + 30 {
		l.note(seen, channel, connectors.ErrSignature, 401)
	}
	l.note(seen, channel, nil, 200)
	require.Equal(t, int64(30), l.dropped.Load())
	require.Len(t, l.taken, 1, "what is forged takes no place of what is good")
	body[0] = 'x'
	n := <-l.taken
	require.Len(t, n.request.Body, callbackBody)
	require.Zero(t, n.request.Body[0], "a copy: the server uses its buffer again")
	waiting := make([]noted, 0, callbackQueue)
	for range callbackQueue {
		waiting = append(waiting, <-l.refused)
	}
	rows := newestOfEach(waiting)
	require.Len(t, rows, store.CallbacksKept, "what would be deleted at once is not written")
	l.write(nil)
	l.dropped.Add(1)
	l.write(nil)
	require.Len(t, logged, 1, "at most one warning a minute")
	require.Contains(t, logged[0], "count=30")
}

func TestAQueryKeepsNoCredential(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"hub.verify_token", "token", "Sig", "signature", "api_key", "apikey", "password", "auth", "X-Hmac", "code", "client_secret"} {
		text, credential := shownQuery(map[string][]string{name: {"hidden", "hidden"}, "a": {"b c"}})
		require.True(t, credential, name)
		require.NotContains(t, text, "hidden")
		require.Contains(t, text, "a=b+c")
	}
	text, credential := shownQuery(map[string][]string{"hub.challenge": {"1"}, "hub.mode": {"\x00\xff"}})
	require.False(t, credential)
	require.Equal(t, "hub.challenge=1&hub.mode=%00%FF", text)
}

func TestCallbacksAreShownAsTheDocumentDescribesThem(t *testing.T) {
	t.Parallel()
	doc := loadDocument(t)
	fields := fieldsOf(reflect.TypeOf(callbackView{}))
	requireSameFields(t, "CallbackWithBody", doc.Components.Schemas["CallbackWithBody"].Value, fields)
	delete(fields, "headers")
	delete(fields, "body")
	requireSameFields(t, "Callback", doc.Components.Schemas["Callback"].Value, fields)
}

func FuzzAnyCallbackBecomesTextThatEveryDatabaseTakes(f *testing.F) {
	for _, seed := range []string{"", "a", "ä", "\xff\x00", strings.Repeat("ä", callbackBody), "sha256=0"} {
		f.Add(seed, seed, seed)
	}
	f.Fuzz(func(t *testing.T, method, value, body string) {
		n := noted{seenCallback: seenCallback{request: connectors.CallbackRequest{
			Method: method, URL: "http://x.example/" + value + "?" + value, Query: map[string][]string{value: {value}},
			Header: map[string][]string{"X-Signature": {value}, "User-Agent": {value}, value: {value}}, Body: []byte(body[:min(len(body), callbackBody)]),
		}}, callback: store.Callback{Size: int64(len(body))}}
		c := n.row()
		for _, text := range []string{c.Method, c.Path, c.Query, c.Headers, c.Body} {
			require.True(t, utf8.ValidString(text) && !strings.Contains(text, "\x00"), "%q", text)
		}
		require.LessOrEqual(t, len(c.Body), callbackBody*4/3+4)
	})
}

// BenchmarkNote measures what recording costs the request that a provider waits for.
func BenchmarkNote(b *testing.B) {
	for _, size := range []int{400, callbackBody} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			l := idleLog(func(string) {})
			channel := &store.Channel{ID: "chan_1", AccountID: "acct_1"}
			seen := seenCallback{started: time.Now(), channel: channel, verified: true, request: connectors.CallbackRequest{Body: make([]byte, size)}}
			b.ReportAllocs()
			for b.Loop() {
				l.note(seen, channel, nil, 200)
				<-l.taken
			}
		})
	}
}
