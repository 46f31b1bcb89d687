//go:build linux

package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// startInside runs a receiver in this process, with the same orders over pipes.
func startInside(t *testing.T) *receiver {
	t.Helper()
	orders, ordersIn := io.Pipe()
	repliesOut, replies := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- receive(orders, replies) }()
	r := &receiver{orders: ordersIn, encoder: json.NewEncoder(ordersIn), decoder: json.NewDecoder(repliesOut), wait: func() error { return <-ended }}
	t.Cleanup(r.stop)
	var hello reply
	require.NoError(t, r.decoder.Decode(&hello))
	r.url = "http://" + hello.Address + hookPath
	return r
}

func TestTheRawLoadArrivesAtTheReceiverAsItWasAccepted(t *testing.T) {
	t.Parallel()
	r := startInside(t)
	posters, err := rawPosters(r.url+"0", "secret", body(mark{}), 4)
	require.NoError(t, err)
	b := &bencher{receiver: r}
	sent, seen, err := b.load(t.Context(), posters, 50*time.Millisecond, 1)
	require.NoError(t, err)
	require.Zero(t, sent.refused)
	require.Equal(t, len(sent.accepted), seen.Arrived)
	require.Zero(t, missing(sent.accepted, seen.Counts, 1))
	require.Len(t, seen.Sample, len(body(mark{})))
	require.Positive(t, seen.P50)

	latency, err := b.oneAtATime(t.Context(), posters[0], 1)
	require.NoError(t, err)
	require.Positive(t, latency)
}

func TestARawLoadNeedsASampleWithAMark(t *testing.T) {
	t.Parallel()
	_, err := rawPosters("http://127.0.0.1:1/", "secret", []byte("{}"), 1)
	require.ErrorContains(t, err, "no mark")
}

func TestCallbacksAreSignedAndHaveIdsOfTheirOwn(t *testing.T) {
	t.Parallel()
	var posts atomic.Int64
	product := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		raw, _ := io.ReadAll(request.Body)
		mac := hmac.New(sha256.New, []byte("secret"))
		mac.Write(raw)
		var message struct{ ID, From, Text string }
		if request.Header.Get("X-Sandbox-Signature") != "sha256="+hex.EncodeToString(mac.Sum(nil)) || json.Unmarshal(raw, &message) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if m, _, _, ok := findMark([]byte(message.Text)); !ok || message.ID != "bench-0007-0000000"+string(rune('0'+m.seq)) {
			w.WriteHeader(http.StatusConflict)
			return
		}
		if posts.Add(1) == 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer product.Close()
	one := callbackPosters(product.URL+"/callbacks/sandbox/chan_1", "secret", 1)[0]
	for seq := range 2 {
		require.NoError(t, one.post(t.Context(), mark{run: 7, seq: seq, started: 1}))
	}
	require.ErrorContains(t, one.post(t.Context(), mark{run: 7, seq: 2, started: 1}), "503")
}

// refusing takes every second event.
type refusing struct{}

func (refusing) post(_ context.Context, m mark) error {
	if m.seq%2 == 1 {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func TestALoadTellsAcceptedFromRefused(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sent := drive(ctx, []poster{refusing{}, refusing{}}, 1, 30*time.Millisecond)
	require.NotEmpty(t, sent.accepted)
	require.Positive(t, sent.refused)
	require.ErrorIs(t, sent.complaint, io.ErrUnexpectedEOF)
	require.GreaterOrEqual(t, sent.took, 30*time.Millisecond)
	cancel()
	require.Empty(t, drive(ctx, []poster{refusing{}}, 1, time.Hour).accepted)
}
