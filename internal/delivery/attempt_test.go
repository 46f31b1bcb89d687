package delivery

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/safehttp"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/webhook"
)

// signature is the Standard Webhooks signature of a request with a secret as it is shown.
func signature(t *testing.T, r received, shown string) string {
	t.Helper()
	key, err := secret.WebhookKeyBytes(secret.String(shown))
	require.NoError(t, err)
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", r.header.Get("webhook-id"), r.header.Get("webhook-timestamp"), r.body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestADeliveryIsSignedAndItsAttemptIsKept(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		r := newReceiver(t, says(201, "thanks"))
		id, shown := w.subscribe(t, r.URL, func(s *webhook.Settings) { s.Headers = &map[string]string{"X-Token": "very secret", "X-Other": "too"} })
		k := w.worker(t, "wrk_1")
		eventID := k.publish(t)
		k.settle(t)

		require.Len(t, r.requests(), 1)
		got := r.requests()[0]
		d := w.only(t, id)
		require.Equal(t, eventID, got.header.Get("webhook-id"))
		require.Equal(t, signature(t, got, shown), got.header.Get("webhook-signature"))
		require.Equal(t, d.ID, got.header.Get("X-Switchhook-Delivery"))
		require.Equal(t, "very secret", got.header.Get("X-Token"))
		require.Contains(t, got.body, `"hi <there>"`)
		require.Equal(t, store.DeliveryDelivered, d.Status)
		require.Empty(t, d.Owner)
		require.EqualValues(t, 1, d.Attempts)

		log := w.attempts(t, d.ID)
		require.Len(t, log, 1)
		require.Equal(t, 201, log[0].StatusCode)
		require.Equal(t, "thanks", log[0].ResponseBody)
		require.NotContains(t, log[0].RequestHeaders, "secret")
		var headers map[string]string
		require.NoError(t, json.Unmarshal([]byte(log[0].RequestHeaders), &headers))
		require.Equal(t, "***", headers["X-Token"])
		require.Equal(t, "***", headers["X-Other"])
		require.Equal(t, got.header.Get("webhook-signature"), headers["webhook-signature"])
		require.Equal(t, []string{"delivered"}, k.bells.results)
	})
}

func TestARotatedSecretSignsForADayMore(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		r := newReceiver(t, status(200))
		id, old := w.subscribe(t, r.URL, nil)
		k := w.worker(t, "wrk_1")
		_, fresh, err := w.webhooks.Rotate(t.Context(), tenant, id)
		require.NoError(t, err)
		for _, at := range []time.Duration{0, 24*time.Hour - time.Millisecond, 24 * time.Hour} {
			w.clock.set(noon().Add(at))
			k.publish(t)
			k.settle(t)
		}
		for i, got := range r.requests() {
			want := []string{signature(t, got, fresh), signature(t, got, old)}
			if i == 2 {
				want = want[:1]
			}
			require.Equal(t, strings.Join(want, " "), got.header.Get("webhook-signature"))
		}
	})
}

func TestAnyAnswerIsKeptBoundedAndClean(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(make([]byte, 50<<20))
	require.NoError(t, z.Close())
	endless := func(w http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat("é", 32<<10))
		for range 1 << 30 / len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
	answers := map[string]http.HandlerFunc{
		"a gigabyte": endless,
		"a gzip bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zipped.Bytes())
		},
		"no text": says(200, "a\x00b\xff\xfec\xed\xa0\x80"),
		"every byte": func(w http.ResponseWriter, _ *http.Request) {
			all := make([]byte, 20<<10)
			for i := range all {
				all[i] = byte(i)
			}
			_, _ = w.Write(all)
		},
		"an odd type":  status(200, "Content-Type", "text/\xff\xfe plain"),
		"an empty one": status(204),
	}
	eachEngine(t, func(t *testing.T, w *world) {
		k := w.worker(t, "wrk_1")
		ids := map[string]string{}
		for name, answer := range answers {
			ids[name], _ = w.subscribe(t, newReceiver(t, answer).URL, nil)
		}
		k.publish(t)
		k.settle(t)
		for name, id := range ids {
			d := w.only(t, id)
			require.Equal(t, store.DeliveryDelivered, d.Status, "%s: %s", name, d.Reason)
			log := w.attempts(t, d.ID)
			require.Len(t, log, 1, name)
			require.LessOrEqual(t, len(log[0].ResponseBody), 3*safehttp.MaxAnswer, name)
			require.NotContains(t, log[0].ResponseBody, "\x00")
			if name == "no text" {
				require.Equal(t, "a\uFFFDb\uFFFDc\uFFFD", log[0].ResponseBody)
			}
		}
	})
}

func TestRepliesOfAnAnswerAreQueuedOnceAlsoWhenTheDeliveryRepeats(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		r := newReceiver(t, says(500, `{"reply": "not from a failure"}`))
		id, _ := w.subscribe(t, r.URL, nil)
		k := w.worker(t, "wrk_1")
		k.publish(t)
		k.settle(t)
		queued := func() []string {
			all, err := w.store.Messages(t.Context(), tenant, store.MessageFilter{Direction: store.Outbound}, store.Page{Limit: 99})
			require.NoError(t, err)
			var texts []string
			for _, m := range all {
				require.Equal(t, store.MessageQueued, m.Status)
				require.Equal(t, "15550001", m.Peer)
				require.Equal(t, "chan_1", m.ChannelID)
				require.Equal(t, w.only(t, id).ID, m.Origin)
				texts = append([]string{fmt.Sprint(m.OriginSeq, " ", m.Text)}, texts...)
			}
			return texts
		}
		require.Empty(t, queued())
		r.turn(says(200, `{"replies": ["one", "two"]}`))
		w.clock.advance(time.Hour)
		k.sweep(t)
		require.Equal(t, []string{"0 one", "1 two"}, queued())
		require.Equal(t, 1, k.bells.kicks)

		r.turn(says(200, `{"replies": ["one", "two", "three"]}`))
		require.NoError(t, k.Replay(t.Context(), w.only(t, id)))
		k.sweep(t)
		require.EqualValues(t, 3, w.only(t, id).Attempts)
		require.Equal(t, []string{"0 one", "1 two"}, queued())
	})
}

func TestAFormatThatPanicsEndsNeitherTheWorkerNorTheWebhook(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		r := newReceiver(t, status(200))
		bad, _ := w.subscribe(t, r.URL, nil)
		good, _ := w.subscribe(t, r.URL, nil)
		broken := w.webhook(t, bad)
		broken.Format = "boom"
		require.NoError(t, w.store.UpdateWebhook(t.Context(), broken))
		lost, _ := w.subscribe(t, r.URL, nil)
		unknownFormat := w.webhook(t, lost)
		unknownFormat.Format = "of a newer version"
		require.NoError(t, w.store.UpdateWebhook(t.Context(), unknownFormat))
		k := w.worker(t, "wrk_1")
		k.formats["boom"] = webhook.Format{Name: "boom"} // has no functions
		k.publish(t)
		k.settle(t)
		k.publish(t)
		k.settle(t)
		require.Len(t, r.requests(), 2)
		require.Len(t, w.deliveries(t, good), 2)
		require.True(t, w.webhook(t, bad).FailingSince.IsZero(), "no fault of its receiver's")
		for _, id := range []string{bad, lost} {
			for _, d := range w.deliveries(t, id) {
				require.Equal(t, store.DeliveryPending, d.Status)
				require.EqualValues(t, 1, d.Attempts)
				require.Equal(t, "internal", w.attempts(t, d.ID)[0].ErrorCode)
			}
		}
	})
}
