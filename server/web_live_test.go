package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/live"
)

// heard is one event of a stream.
type heard struct {
	cursor         string
	Topic, ID, Ref string
}

// stream is a page's open stream.
type stream struct {
	signals chan heard // closed when the server has ended the stream
	leave   context.CancelFunc
}

// listen opens the stream of a page, after what it has heard last.
func (b *browser) listen(t *testing.T, last string) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, "GET", b.w.url+"/app/live", nil)
	require.NoError(t, err)
	if last != "" {
		request.Header.Set("Last-Event-ID", last)
	}
	patient := *b.client
	patient.Timeout = 0
	response, err := patient.Do(request)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	s := &stream{signals: make(chan heard, 10_000), leave: cancel}
	go func() {
		defer close(s.signals)
		defer response.Body.Close()
		var next heard
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				next.cursor = value
			case "data":
				if json.Unmarshal([]byte(value), &next) == nil {
					s.signals <- next
				}
				next = heard{}
			}
		}
	}()
	return s
}

// until waits for a signal and returns it; what comes before it is collected.
func (s *stream) until(t *testing.T, what string, is func(heard) bool) (before []heard, found heard) {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case signal, more := <-s.signals:
			require.True(t, more, "the stream ended before %s", what)
			if is(signal) {
				return before, signal
			}
			before = append(before, signal)
		case <-timeout:
			require.Fail(t, "waited in vain for "+what)
		}
	}
}

// ends waits until the server has ended the stream.
func (s *stream) ends(t *testing.T) {
	t.Helper()
	timeout := time.After(patience)
	for open := true; open; {
		select {
		case _, open = <-s.signals:
		case <-timeout:
			require.Fail(t, "the stream stayed open")
		}
	}
}

func of(topic string) func(heard) bool { return func(h heard) bool { return h.Topic == topic } }

// box makes a sandbox channel and returns its id.
func (b *browser) box(t *testing.T, key string) string {
	t.Helper()
	made := b.w.call(t, "POST", "/v1/channels", `{"connector":"sandbox","name":"Box","config":{"number":"+15550000001"}}`, "X-Api-Key: "+key)
	require.Equal(t, 201, made.status, "%s", made.body)
	return made.text(t, "id")
}

// writes has somebody write to a sandbox channel.
func (b *browser) writes(t *testing.T, key, channelID, from, text string) {
	t.Helper()
	came := b.w.call(t, "POST", "/v1/channels/"+channelID+"/simulate", fmt.Sprintf(`{"from":%q,"text":%q}`, from, text), "X-Api-Key: "+key)
	require.Equal(t, 201, came.status, "%s", came.body)
}

func TestAPageHearsWhatChangesAndNothingOfOtherAccounts(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		ann, annKey := w.newBrowser(t, "ann")
		bob, bobKey := w.newBrowser(t, "bob")
		annBox, bobBox := ann.box(t, annKey), bob.box(t, bobKey)
		annHears, bobHears := ann.listen(t, ""), bob.listen(t, "")
		for i := range 20 {
			ann.writes(t, annKey, annBox, fmt.Sprintf("+1555000%04d", i), "secret of ann")
			bob.writes(t, bobKey, bobBox, fmt.Sprintf("+1666000%04d", i), "secret of bob")
		}
		for _, c := range []struct {
			hears         *stream
			b             *browser
			key           string
			own, stranger string
		}{{annHears, ann, annKey, annBox, bobBox}, {bobHears, bob, bobKey, bobBox, annBox}} {
			// Of a burst not every message is named. One that comes alone is, as soon as the burst is over.
			for named := false; !named; {
				c.b.writes(t, c.key, c.own, "+15550001111", "secret")
				before, last := c.hears.until(t, "a message", of(live.Message))
				named = strings.HasPrefix(last.Ref, c.own+" ")
				for _, signal := range append(before, last) {
					all := signal.Topic + signal.ID + signal.Ref
					require.NotContains(t, all, c.stranger)
					require.NotContains(t, all, "secret")
				}
			}
		}
		require.Equal(t, http.StatusSeeOther, w.guest(t).get(t, "/app/live").status, "nobody hears without a login")
	})
}

func TestAStreamGoesOnWhereItWasCut(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		ann, key := w.newBrowser(t, "ann")
		box := ann.box(t, key)
		first := ann.listen(t, "")
		ann.writes(t, key, box, "+15550001111", "one")
		_, signal := first.until(t, "an event", of(live.Event))
		first.leave()
		for i := range 5 {
			ann.writes(t, key, box, "+15550001111", strconv.Itoa(i))
		}
		var events struct{ Data []struct{ ID string } }
		require.NoError(t, json.Unmarshal(w.call(t, "GET", "/v1/events?event=message.received&limit=5", "", "X-Api-Key: "+key).body, &events))
		missed := map[string]bool{}
		for _, event := range events.Data {
			missed[event.ID] = true
		}
		require.Len(t, missed, 5)
		again := ann.listen(t, signal.cursor)
		for len(missed) > 0 {
			_, came := again.until(t, "what was missed", func(h heard) bool { return h.Topic == live.Event || h.Topic == live.Reload })
			if came.Topic == live.Reload || came.ID == "" {
				break // says that all of it is to be fetched
			}
			delete(missed, came.ID)
		}
	})
}

func TestAPageHearsWhatAnotherProcessDid(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		ann, key := w.newBrowser(t, "ann")
		box := ann.box(t, key)
		there := *ann
		there.w = w.beside(t)
		hears := there.listen(t, "") // the cookie is for the host and not for a port
		// The first page anywhere is noticed by the other processes within a second; until then what they do is heard of without its name.
		for named := false; !named; {
			ann.writes(t, key, box, "+15550001111", "one")
			_, signal := hears.until(t, "the message", of(live.Message))
			named = strings.HasPrefix(signal.Ref, box+" ")
		}
	})
}

func TestWhoGoesFromPageToPageLeavesNoStreamBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	ann, _ := w.newBrowser(t, "ann")
	for range live.MaxStreams + 20 {
		ann.listen(t, "").leave()
		require.Eventually(t, func() bool { return w.parts.Live.Count() == 0 }, patience, time.Millisecond)
	}
	stays := ann.listen(t, "")
	require.Equal(t, 1, w.parts.Live.Count())
	w.parts.Live.Close()
	stays.ends(t)
}

func TestAPageHearsOfACallbackThatWasRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	ann, key := w.newBrowser(t, "ann")
	box := ann.box(t, key)
	hears := ann.listen(t, "")
	w.call(t, "POST", "/callbacks/sandbox/"+box, `{"from":"x"}`, "Content-Type: application/json")
	_, signal := hears.until(t, "the callback", of(live.Callback))
	require.Equal(t, box, signal.Ref)
	require.Contains(t, ann.get(t, "/app/callbacks").body, signal.ID)
}

func TestStreamsEndBeforeTheServerDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	ann, _ := w.newBrowser(t, "ann")
	hears := ann.listen(t, "")
	w.server.Drain()
	hears.ends(t)
}

func TestAStreamOfALoginThatHasEndedIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	ann, _ := w.newBrowser(t, "ann")
	other := w.guest(t)
	other.get(t, "/app/login")
	require.Equal(t, http.StatusSeeOther, other.post(t, "/app/login", "email", "ann@example.com", "password", "correct horse battery").status)
	require.Equal(t, http.StatusOK, other.get(t, "/app").status)
	ann.get(t, "/app")
	require.Equal(t, http.StatusNoContent, ann.send(t, "POST", "/app/api/v1/auth/logout-all", strings.NewReader("{}"), "Content-Type: application/json", "X-Csrf-Token: "+ann.csrf).status)
	require.Equal(t, http.StatusSeeOther, other.get(t, "/app/live").status)
	require.Equal(t, http.StatusSeeOther, ann.get(t, "/app").status)
}
