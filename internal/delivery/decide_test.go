package delivery

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/store"
)

func noon() time.Time { return time.Date(2026, 6, 29, 12, 0, 0, 0, time.UTC) }

// waits is the schedule of design.md.
func waits() []time.Duration {
	return []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

func TestEveryAnswerHasItsDecision(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		outcome     Outcome
		tries       int64
		status      store.DeliveryStatus
		least, most time.Duration // until the next try
		counts      bool
		unsubscribe bool
		reason      string // a part of it
	}{
		{outcome: Outcome{StatusCode: 200}, status: store.DeliveryDelivered, counts: true},
		{outcome: Outcome{StatusCode: 204}, tries: 9, status: store.DeliveryDelivered, counts: true},
		{outcome: Outcome{StatusCode: 299}, status: store.DeliveryDelivered, counts: true},
		{outcome: Outcome{StatusCode: 410}, status: store.DeliveryCancelled, counts: true, unsubscribe: true, reason: "410"},
		{outcome: Outcome{StatusCode: 429, RetryAfter: "17"}, status: store.DeliveryPending, least: 17 * time.Second, most: 17 * time.Second, reason: "429"},
		{outcome: Outcome{StatusCode: 503, RetryAfter: "17"}, tries: 9, status: store.DeliveryPending, least: 17 * time.Second, most: 17 * time.Second, reason: "503"},
		{outcome: Outcome{StatusCode: 429}, status: store.DeliveryPending, least: 5 * time.Second, most: 5500 * time.Millisecond, counts: true, reason: "429"},
		{outcome: Outcome{StatusCode: 503, RetryAfter: "soon"}, tries: 1, status: store.DeliveryPending, least: 5 * time.Minute, most: 330 * time.Second, counts: true},
		{outcome: Outcome{StatusCode: 500, RetryAfter: "17"}, tries: 2, status: store.DeliveryPending, least: 30 * time.Minute, most: 33 * time.Minute, counts: true, reason: "500"},
		{outcome: Outcome{StatusCode: 404}, status: store.DeliveryPending, least: 5 * time.Second, most: 5500 * time.Millisecond, counts: true, reason: "n8n"},
		{outcome: Outcome{StatusCode: 400}, status: store.DeliveryPending, least: 5 * time.Second, most: 5500 * time.Millisecond, counts: true, reason: "400"},
		{outcome: Outcome{StatusCode: 401}, status: store.DeliveryPending, least: 5 * time.Second, most: 5500 * time.Millisecond, counts: true, reason: "credential"},
		{outcome: Outcome{StatusCode: 307}, status: store.DeliveryPending, least: 5 * time.Second, most: 5500 * time.Millisecond, counts: true, reason: "redirect"},
		{outcome: Outcome{StatusCode: 199}, status: store.DeliveryPending, least: 5 * time.Second, most: 5500 * time.Millisecond, counts: true},
		{outcome: Outcome{ErrorCode: "timeout", ErrorMessage: "too slow"}, tries: 8, status: store.DeliveryPending, least: 24 * time.Hour, most: 27 * time.Hour, counts: true, reason: "too slow"},
		{outcome: Outcome{ErrorCode: "timeout", ErrorMessage: "too slow"}, tries: 9, status: store.DeliveryFailed, counts: true, reason: "too slow"},
		{outcome: Outcome{StatusCode: 500}, tries: 10, status: store.DeliveryFailed, counts: true, reason: "500"},
	} {
		d := Decide(c.outcome, c.tries, waits(), noon())
		require.Equal(t, c.status, d.Status, "%+v", c)
		require.Equal(t, c.counts, d.Counts, "%+v", c)
		require.Equal(t, c.unsubscribe, d.Unsubscribe, "%+v", c)
		require.Contains(t, d.Reason, c.reason)
		require.Equal(t, c.status == store.DeliveryDelivered, d.Reason == "")
		if c.status == store.DeliveryPending {
			require.GreaterOrEqual(t, d.DueAt.Sub(noon()), c.least, "%+v", c)
			require.LessOrEqual(t, d.DueAt.Sub(noon()), c.most, "%+v", c)
		}
	}
}

func TestTheWholeScheduleIsTriedWithJitter(t *testing.T) {
	t.Parallel()
	spread := map[time.Duration]bool{}
	for tries, wait := range waits() {
		for range 20 {
			d := Decide(Outcome{StatusCode: 500}, int64(tries), waits(), noon())
			got := d.DueAt.Sub(noon())
			require.GreaterOrEqual(t, got, wait)
			require.LessOrEqual(t, got, wait+wait/10)
			spread[got] = true
		}
	}
	require.Greater(t, len(spread), 2*len(waits()))
}

func TestRetryAfterIsClampedAndRubbishDoesNotCount(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"120": 2 * time.Minute, " 7 ": 7 * time.Second, "0": time.Second, "1000000000": 24 * time.Hour, "18446744073709551615": 24 * time.Hour,
		"Mon, 29 Jun 2026 12:01:00 GMT":    time.Minute,
		"Monday, 29-Jun-26 12:01:00 GMT":   time.Minute,
		"Mon Jun 29 12:01:00 2026":         time.Minute,
		"Mon, 29 Jun 2026 11:00:00 GMT":    time.Second,
		"Mon, 29 Jun 2126 12:00:00 GMT":    24 * time.Hour,
		"-5":                               -1,
		"":                                 -1,
		"soon":                             -1,
		"1.5":                              -1,
		"0x10":                             -1,
		"99999999999999999999999999":       -1,
		"Mon, 29 Jun 2026 12:01:00 +02:00": -1,
	} {
		wait, ok := parseRetryAfter(value, noon())
		require.Equal(t, want >= 0, ok, value)
		if ok {
			require.Equal(t, want, wait, value)
		}
	}
}

func TestRepliesAreReadFromWhatAReceiverMayAnswer(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", maxReplyLength)
	for body, want := range map[string][]string{
		`{"reply": "one"}`:                           {"one"},
		`{"replies": ["one", "two"]}`:                {"one", "two"},
		`{"reply": "one", "replies": ["two"]}`:       {"one", "two"},
		`{"reply": "one", "replies": null}`:          {"one"},
		`{"reply": "one", "replies": "two"}`:         {"one"},
		`{"reply": 5, "replies": ["two"]}`:           {"two"},
		`{"replies": ["one", 2, null, {}, "three"]}`: {"one", "three"},
		`{"reply": "  spaced \n"}`:                   {"spaced"},
		`{"reply": "nul\u0000l"}`:                    {"null"},
		`{"reply": ""}`:                              nil,
		`{"reply": "` + long + `"}`:                  {long},
		`{"reply": "` + long + `x"}`:                 nil,
		`{"other": "one"}`:                           nil,
		`["one"]`:                                    nil,
		`"one"`:                                      nil,
		`{"reply": "one"`:                            nil,
		"{\"reply\": \"\xff\"}":                      nil,
		``:                                           nil,
		`OK`:                                         nil,
	} {
		require.Equal(t, want, Replies([]byte(body)), body)
	}
	require.Len(t, Replies([]byte(`{"replies": [`+strings.TrimSuffix(strings.Repeat(`"x",`, 50), ",")+`]}`)), maxReplies)
}

func TestForeignTextIsMadeStorable(t *testing.T) {
	t.Parallel()
	require.Equal(t, "plain é", clean("plain é"))
	require.Equal(t, "a\uFFFDb\uFFFDc", clean("a\x00b\xff\xfec"))
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, seed := range []string{"1", "-1", "Mon, 29 Jun 2026 12:01:00 GMT", "9999999999999999999", "", "\x00"} {
		f.Add(seed, int64(0))
	}
	f.Fuzz(func(t *testing.T, value string, at int64) {
		now := time.Unix(at%math.MaxInt32, 0)
		wait, ok := parseRetryAfter(value, now)
		if ok && (wait < minWait || wait > maxWait) || !ok && wait != 0 {
			t.Fatalf("%q: %s, %v", value, wait, ok)
		}
		d := Decide(Outcome{StatusCode: 429, RetryAfter: value}, 0, waits(), now)
		if d.Counts == ok || d.Status != store.DeliveryPending || !d.DueAt.After(now) {
			t.Fatalf("%q: %+v", value, d)
		}
	})
}

func FuzzParseReplies(f *testing.F) {
	for _, seed := range []string{`{"reply": "one"}`, `{"replies": ["one", 2, "\u0000", "\ud800"]}`, `[`, "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		texts := Replies(body)
		if len(texts) > maxReplies {
			t.Fatal("too many")
		}
		for _, text := range texts {
			if text == "" || !utf8.ValidString(text) || strings.Contains(text, "\x00") || utf8.RuneCountInString(text) > maxReplyLength {
				t.Fatalf("unusable: %q", text)
			}
		}
		cleaned := clean(string(body))
		if !utf8.ValidString(cleaned) || strings.Contains(cleaned, "\x00") || len(cleaned) > 3*len(body) {
			t.Fatalf("not storable: %q", cleaned)
		}
	})
}
