//go:build linux

package main

import (
	"slices"
	"sync"
	"time"
)

const (
	// maxHooks is how many webhooks one event may have: the bits of a tally's mask.
	maxHooks = 16
	// maxSeq bounds the memory of a tally.
	maxSeq = 5_000_000
)

// tally counts what arrives of one load.
type tally struct {
	mu        sync.Mutex
	run       int
	masks     []uint16 // by sequence number: the webhooks that have had the event
	latencies []int64  // nanoseconds, of first arrivals
	repeated  int
	last      int64  // epoch nanoseconds of the last first arrival
	sample    []byte // the first body
	target    int    // what somebody waits for
	reached   chan struct{}
}

// arrivals is what a tally shows.
type arrivals struct {
	Arrived  int     // first arrivals, of all webhooks together
	Repeated int     // arrivals of what had arrived before, in whichever load
	Last     int64   // epoch nanoseconds of the last first arrival
	P50      int64   // nanoseconds from the start of the POST to the first arrival
	P95      int64   //
	P99      int64   //
	Counts   []uint8 // by sequence number: how many webhooks have had the event
	Sample   []byte  // one body
}

// begin forgets the load before and starts to count another one.
func (t *tally) begin(run int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.run, t.masks, t.latencies, t.last, t.sample = run, nil, nil, 0, nil
	t.target, t.repeated = 0, 0
}

// add counts an arrival at a webhook. What belongs to an earlier load counts as repeated: those have all been waited for.
func (t *tally) add(hook int, body []byte, now time.Time) {
	m, _, _, ok := findMark(body)
	if !ok || hook < 0 || hook >= maxHooks || m.seq >= maxSeq {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if m.run != t.run {
		t.repeated++
		return
	}
	if missing := m.seq + 1 - len(t.masks); missing > 0 {
		t.masks = append(t.masks, make([]uint16, missing)...)
	}
	bit := uint16(1) << hook
	if t.masks[m.seq]&bit != 0 {
		t.repeated++
		return
	}
	t.masks[m.seq] |= bit
	t.last = now.UnixNano()
	t.latencies = append(t.latencies, t.last-m.started)
	if t.sample == nil {
		t.sample = slices.Clone(body)
	}
	if t.target > 0 && len(t.latencies) >= t.target {
		t.target = 0
		close(t.reached)
	}
}

// await waits until so many have arrived. It reports whether they have before the patience is over.
func (t *tally) await(count int, patience time.Duration) bool {
	t.mu.Lock()
	if len(t.latencies) >= count {
		t.mu.Unlock()
		return true
	}
	reached := make(chan struct{})
	t.target, t.reached = count, reached
	t.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-reached:
		return true
	case <-timer.C:
		t.mu.Lock()
		defer t.mu.Unlock()
		t.target = 0
		return false
	}
}

// show sums up.
func (t *tally) show() arrivals {
	t.mu.Lock()
	defer t.mu.Unlock()
	sorted := slices.Sorted(slices.Values(t.latencies))
	a := arrivals{
		Arrived: len(sorted), Repeated: t.repeated, Last: t.last, Sample: t.sample, Counts: make([]uint8, len(t.masks)),
		P50: percentile(sorted, 50), P95: percentile(sorted, 95), P99: percentile(sorted, 99),
	}
	for seq, mask := range t.masks {
		for ; mask != 0; mask &= mask - 1 {
			a.Counts[seq]++
		}
	}
	return a
}
