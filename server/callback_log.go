package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// callbackBody is how much of a callback's body is kept, in bytes.
	callbackBody = 16 << 10
	// callbackQueue is how many callbacks of a kind wait to be written; there are two kinds, so that they take at most 4 MiB.
	callbackQueue = 128
	// callbackPause is between two writes: what comes in meanwhile is written together.
	callbackPause = 300 * time.Millisecond
	// warnEvery is the least time between two warnings: anybody can cause them.
	warnEvery = time.Minute
	// shownSignature is how many characters of a signature are kept, to tell one from another.
	shownSignature = 12
	// maxShown is how many bytes of a header or of a query are kept.
	maxShown = 1 << 10
)

// seenCallback is what is known of a callback when it is answered.
type seenCallback struct {
	started            time.Time
	channel            *store.Channel
	request            connectors.CallbackRequest
	verified           bool // its signature was looked at and is right
	shared             bool // it holds what is other accounts' too
	messages, statuses int
}

// noted is a callback on its way to the database. Its body is a copy.
type noted struct {
	seenCallback
	callback store.Callback
}

// callbackLog writes callbacks down after they are answered. It delays nobody: what it cannot keep up with is dropped and counted.
type callbackLog struct {
	store  *store.Store
	ids    *id.Generator
	logger *slog.Logger
	now    func() time.Time
	bell   *live.Bell

	taken, refused chan noted
	begin, end     sync.Once
	stop           chan struct{}
	work           sync.WaitGroup
	dropped        atomic.Int64
	warned         atomic.Int64
}

func newCallbackLog(options Options) *callbackLog {
	return &callbackLog{
		store: options.Store, ids: options.Accounts.IDs(), logger: options.Logger, now: options.Now, bell: options.Bell,
		taken: make(chan noted, callbackQueue), refused: make(chan noted, callbackQueue), stop: make(chan struct{}),
	}
}

// note takes down how a callback of a channel was answered. It does not block.
func (l *callbackLog) note(seen seenCallback, channel *store.Channel, failure error, status int) {
	select {
	case <-l.stop:
		return // its writer has ended
	default:
	}
	n := noted{seenCallback: seen, callback: store.Callback{
		ID: l.ids.New("cb"), AccountID: channel.AccountID, ChannelID: channel.ID, Connector: channel.Connector, Refused: failure != nil,
		Status: status, Messages: seen.messages, Statuses: seen.statuses, Duration: l.now().Sub(seen.started), CreatedAt: seen.started,
	}}
	if failure != nil {
		p := asProblem(failure)
		n.callback.Code, n.callback.Message = p.Code, p.Message
	}
	if !seen.shared {
		n.callback.Size = int64(len(seen.request.Body))
		n.request.Body = bytes.Clone(seen.request.Body[:min(len(seen.request.Body), callbackBody)])
	} else {
		n.request.Body = nil
	}
	queue := l.taken
	if n.callback.Refused {
		queue = l.refused
	}
	select {
	case queue <- n:
		l.begin.Do(func() { l.work.Go(l.run) })
	default:
		l.dropped.Add(1)
	}
}

// run writes what comes in until close.
func (l *callbackLog) run() {
	for {
		var first noted
		select {
		case first = <-l.taken:
		case first = <-l.refused:
		case <-l.stop:
			l.write(nil)
			return
		}
		l.write([]noted{first})
		select {
		case <-time.After(callbackPause):
		case <-l.stop:
		}
	}
}

// write stores some callbacks and all that wait.
func (l *callbackLog) write(some []noted) {
	for _, queue := range []chan noted{l.taken, l.refused} {
		for range len(queue) {
			some = append(some, <-queue)
		}
	}
	if n := l.dropped.Swap(0); n > 0 {
		l.warn("callback.not_recorded", "count", n)
	}
	rows := newestOfEach(some)
	if len(rows) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), handlerTimeout)
	defer cancel()
	if err := l.store.InsertCallbacksAny(ctx, rows); err != nil {
		l.warn("callback.not_recorded", "count", len(rows), "error", err)
		return
	}
	for _, row := range rows {
		l.bell.Ring(row.AccountID, live.Callback, row.ID, row.ChannelID)
	}
}

// newestOfEach makes rows of callbacks, but for those that would be deleted at once because their channel has newer ones.
func newestOfEach(some []noted) []*store.Callback {
	slices.SortFunc(some, func(x, y noted) int { return strings.Compare(y.callback.ID, x.callback.ID) })
	type side struct {
		channelID string
		refused   bool
	}
	count := map[side]int{}
	rows := make([]*store.Callback, 0, len(some))
	for _, n := range some {
		of := side{n.callback.ChannelID, n.callback.Refused}
		if count[of]++; count[of] <= store.CallbacksKept {
			rows = append(rows, n.row())
		}
	}
	return rows
}

// warn logs at most one warning a minute.
func (l *callbackLog) warn(message string, args ...any) {
	now, last := l.now().UnixMilli(), l.warned.Load()
	if now-last >= warnEvery.Milliseconds() && l.warned.CompareAndSwap(last, now) {
		l.logger.Warn(message, args...) //nolint:sloglint // the callers' messages are constants
	}
}

// close writes what waits and ends. Nothing may be noted any more. It returns when ctx ends at the latest.
func (l *callbackLog) close(ctx context.Context) {
	l.end.Do(func() { close(l.stop) })
	done := make(chan struct{})
	go func() {
		l.work.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// row completes what is stored: masked, cut, and as text that every database takes.
func (n noted) row() *store.Callback {
	c := n.callback
	c.Method = storableText(n.request.Method)
	address, _, _ := strings.Cut(n.request.URL, "?")
	if u, err := url.Parse(address); err == nil {
		c.Path = storableText(u.Path)
	}
	headers, signed := shownHeaders(n.request.Header)
	c.Headers = headers
	query, credential := shownQuery(n.request.Query)
	c.Query = query
	switch {
	case n.verified:
		c.Signature = store.SignatureOK
	case signed || credential:
		c.Signature = store.SignatureWrong
	default:
		c.Signature = store.SignatureNone
	}
	if n.shared {
		c.Query, c.Encoding = "", store.BodyNone
		return &c
	}
	c.Body, c.Encoding = shownBody(n.request.Body, c.Size)
	return &c
}

// shownHeaders chooses the headers that help and give nothing away, as a JSON object, and tells whether there is a signature among them.
func shownHeaders(header map[string][]string) (text string, signed bool) {
	shown := map[string]string{}
	for name, values := range header {
		lower, value := strings.ToLower(name), strings.Join(values, ", ")
		switch {
		case strings.Contains(lower, "signature") && !strings.Contains(lower, "timestamp"):
			signed = true
			shown[storableText(name)] = start(value, shownSignature) + "…"
		case lower == "content-type", lower == "content-length", lower == "content-encoding", lower == "user-agent", strings.HasSuffix(lower, "timestamp"):
			shown[storableText(name)] = start(value, maxShown)
		}
	}
	raw, err := json.Marshal(shown)
	if err != nil {
		return "{}", signed // texts can always be written
	}
	return string(raw), signed
}

// shownQuery writes a query with its credentials masked, and tells whether there are any.
func shownQuery(query url.Values) (text string, credential bool) {
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	slices.Sort(names)
	var parts []string
	for _, name := range names {
		for _, value := range query[name] {
			if secretName(name) {
				credential = true
				value = "********"
			} else {
				value = url.QueryEscape(value)
			}
			parts = append(parts, url.QueryEscape(name)+"="+value)
		}
	}
	return start(strings.Join(parts, "&"), maxShown), credential
}

// secretName tells of a parameter's name whether its value may be a credential.
func secretName(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"token", "secret", "sig", "key", "pass", "pwd", "auth", "hash", "hmac", "code"}, func(part string) bool {
		return strings.Contains(name, part)
	})
}

// shownBody writes a body, which is the beginning of one of size bytes, as text where it is text.
func shownBody(body []byte, size int64) (text, encoding string) {
	if int64(len(body)) < size { // cut, perhaps within a character
		for cut := 0; cut < utf8.UTFMax && len(body) > 0 && !utf8.Valid(body); cut++ {
			if utf8.Valid(body[:len(body)-cut]) {
				body = body[:len(body)-cut]
			}
		}
	}
	if utf8.Valid(body) && !bytes.ContainsRune(body, 0) {
		return string(body), store.BodyText
	}
	return base64.StdEncoding.EncodeToString(body), store.BodyBase64
}

// start returns the first bytes of a text, as text that every database takes.
func start(text string, most int) string {
	return storableText(text[:min(len(text), most)])
}

func storableText(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// answeredStatus is the status that is answered to a callback.
func answeredStatus(a answer, err error) int {
	if err != nil {
		return asProblem(err).Status()
	}
	return max(a.status, fiber.StatusOK)
}

// callbackView is a callback as answers show it. Headers and body stand only where one is asked for.
type callbackView struct {
	ID         string             `json:"id"`
	ChannelID  string             `json:"channelId"`
	Connector  string             `json:"connector"`
	At         timestamp          `json:"at"`
	Method     string             `json:"method"`
	Path       string             `json:"path"`
	Query      string             `json:"query"`
	Status     int                `json:"status"`
	Signature  string             `json:"signature"`
	Error      *failureView       `json:"error"`
	Messages   int                `json:"messages"`
	Statuses   int                `json:"statuses"`
	DurationMS int64              `json:"durationMs"`
	Size       int64              `json:"size"`
	Headers    *map[string]string `json:"headers,omitempty"`
	Body       *callbackBodyView  `json:"body,omitempty"`
}

type callbackBodyView struct {
	Encoding  string `json:"encoding"`
	Content   string `json:"content"`
	Truncated bool   `json:"truncated"`
}

func showCallback(c *store.Callback) callbackView {
	view := callbackView{
		ID: c.ID, ChannelID: c.ChannelID, Connector: c.Connector, At: timestamp(c.CreatedAt), Method: c.Method, Path: c.Path, Query: c.Query, Status: c.Status,
		Signature: c.Signature, Messages: c.Messages, Statuses: c.Statuses, DurationMS: c.Duration.Milliseconds(), Size: c.Size,
	}
	if c.Code != "" {
		view.Error = &failureView{c.Code, c.Message}
	}
	return view
}

func (s *Server) listCallbacks(r *request) (answer, error) {
	page, err := r.page("cb")
	if err != nil {
		return answer{}, err
	}
	signature, err := r.oneOf("signature", store.SignatureOK, store.SignatureWrong, store.SignatureNone)
	if err != nil {
		return answer{}, err
	}
	rows, err := s.Store.Callbacks(r.ctx, r.account(), store.CallbackFilter{ChannelID: r.Query("channelId"), Signature: signature}, page)
	if err != nil {
		return answer{}, err
	}
	return listOf(rows, page, showCallback, func(c *store.Callback) string { return c.ID })
}

func (s *Server) getCallback(r *request) (answer, error) {
	c, err := s.Store.Callback(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, found(err, "callback")
	}
	view := showCallback(c)
	headers := map[string]string{}
	if err := json.Unmarshal([]byte(c.Headers), &headers); err != nil {
		return answer{}, errors.Join(errors.New("read headers of callback"), err)
	}
	view.Headers = &headers
	kept := int64(len(c.Body))
	body := callbackBodyView{Encoding: "text", Content: c.Body}
	switch c.Encoding {
	case store.BodyBase64:
		raw, _ := base64.StdEncoding.DecodeString(c.Body) // written by us
		body.Encoding, kept = "base64", int64(len(raw))
	case store.BodyNone:
		body.Encoding = "none"
	}
	body.Truncated = kept < c.Size
	view.Body = &body
	return ok(view)
}
