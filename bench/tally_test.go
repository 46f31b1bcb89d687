//go:build linux

package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func body(m mark) []byte {
	return append(appendMark([]byte(`{"text":"`), m), `"}`...)
}

func TestAMarkComesBackOutOfABody(t *testing.T) {
	t.Parallel()
	want := mark{run: 12, seq: 345678, started: 1763718819000000123}
	whole := body(want)
	got, from, to, ok := findMark(whole)
	require.True(t, ok)
	require.Equal(t, want, got)
	require.Equal(t, `{"text":"`, string(whole[:from]))
	require.Equal(t, `"}`, string(whole[to:]))
}

func TestABodyWithoutAWholeMarkHasNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "#bench/", "#bench/0001/00000002/17;", "#bench/0001/00000002/0000000000000000017", "#bench/00x1/00000002/0000000000000000017;",
		"#bench/0001-00000002/0000000000000000017;", "#bench/0001/0000000x/0000000000000000017;", "#bench/0001/00000002/00000000000000000x7;",
	} {
		_, _, _, ok := findMark([]byte(text))
		require.False(t, ok, text)
	}
}

func FuzzFindMark(f *testing.F) {
	f.Add(body(mark{run: 1, seq: 2, started: 3}))
	f.Add([]byte("#bench/0001/00000002/-000000000000000017;"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if m, from, to, ok := findMark(text); ok {
			require.Equal(t, string(text[from:to]), string(appendMark(nil, m)))
		}
	})
}

func TestATallyTellsFirstArrivalsFromRepeatedOnes(t *testing.T) {
	t.Parallel()
	counted := &tally{}
	counted.begin(2)
	start := time.Unix(1000, 0)
	first, third := mark{run: 2, seq: 0, started: start.UnixNano()}, mark{run: 2, seq: 2, started: start.UnixNano()}
	counted.add(0, body(first), start.Add(3*time.Millisecond))
	counted.add(1, body(first), start.Add(5*time.Millisecond))
	counted.add(0, body(third), start.Add(4*time.Millisecond))
	counted.add(0, body(first), start.Add(time.Second))
	counted.add(0, body(mark{run: 1, seq: 9}), start)
	counted.add(0, []byte("hello"), start)
	counted.add(maxHooks, body(first), start)
	counted.add(0, body(mark{run: 2, seq: maxSeq}), start)
	require.Equal(t, arrivals{
		Arrived: 3, Repeated: 2, Last: start.Add(4 * time.Millisecond).UnixNano(), Counts: []uint8{2, 0, 1}, Sample: body(first),
		P50: int64(4 * time.Millisecond), P95: int64(5 * time.Millisecond), P99: int64(5 * time.Millisecond),
	}, counted.show())
	counted.begin(3)
	require.Equal(t, arrivals{Counts: []uint8{}}, counted.show())
}

func TestAwaitReturnsWithTheArrivalOrWhenPatienceIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		counted := &tally{}
		counted.begin(1)
		require.False(t, counted.await(1, time.Second))
		done := make(chan bool)
		go func() { done <- counted.await(1, time.Hour) }()
		synctest.Wait()
		counted.add(0, body(mark{run: 1}), time.Now())
		require.True(t, <-done)
		require.True(t, counted.await(1, 0))
	})
}

func TestMissingCountsEachWebhookOfAnAcceptedEvent(t *testing.T) {
	t.Parallel()
	require.Equal(t, 0, missing([]int{0, 2}, []uint8{2, 0, 2}, 2))
	require.Equal(t, 5, missing([]int{0, 1, 5}, []uint8{1, 0, 2}, 2))
}
