//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

const (
	signingSecret = "bench-signing-secret"

	warmUp      = time.Second
	rawLength   = 2 * time.Second        // of the raw load in one round
	settle      = 500 * time.Millisecond // for what follows the last arrival
	quiet       = 2 * time.Second        // before the idle time is measured
	idle        = 10 * time.Second
	drain       = 60 * time.Second // how long accepted events may take to arrive
	singles     = 200              // events of "one at a time"
	singleEvery = 10 * time.Millisecond
	sampleEvery = time.Second // of memory

	nameReceiver = "receiver"
	nameLoad     = "load"
)

// round is one load on the product.
type round struct {
	accepted, delivered float64 // per second
	ofRaw               float64 // delivered, as a share of the raw load just before
	p50, p95, p99       time.Duration
	cpu                 map[string]float64 // seconds per 1,000 deliveries, by process
	servers             float64            // the same, of all servers together
}

// rawRound is one load straight on the receiver.
type rawRound struct {
	rate, cpu float64 // posts per second; the client's CPU seconds per 1,000
}

// row is everything that is known of one case.
type row struct {
	engine                  string
	fanout                  int
	rounds                  []round
	raws                    []rawRound
	single, rawSingle       time.Duration
	idle                    map[string]float64 // share of a core, by process
	memory                  map[string]int64   // bytes by process, when all together had most
	lost, repeated, refused int
}

// bencher measures one case.
type bencher struct {
	settings
	row      row
	stack    *stack
	receiver *receiver
	product  []poster
	raw      []poster
}

// measure starts the product on fresh engines, measures it, and stops all of it.
func measure(ctx context.Context, s settings, r *receiver, parent, engine string, fanout int) (result row, err error) {
	folder, err := newFolder(parent, fmt.Sprintf("%s-%d", engine, fanout))
	if err != nil {
		return row{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	started, err := startStack(ctx, s.binary, folder, engine)
	if err != nil {
		return row{}, err
	}
	defer func() { err = errors.Join(err, started.stop()) }()
	b := &bencher{settings: s, stack: started, receiver: r, row: row{engine: engine, fanout: fanout}}
	watch := watchMemory(started.members)
	err = b.measure(ctx)
	b.row.memory = watch()
	if err != nil {
		return row{}, err
	}
	return b.row, nil
}

func (b *bencher) measure(ctx context.Context) error {
	callback, err := b.stack.api.prepare(ctx, signingSecret, b.receiver.url, b.row.fanout)
	if err != nil {
		return err
	}
	b.product = callbackPosters(callback, signingSecret, b.connections)
	if err := b.warm(ctx); err != nil {
		return err
	}
	if err := b.measureIdle(ctx); err != nil {
		return err
	}
	if b.row.rawSingle, err = b.oneAtATime(ctx, b.raw[0], 1); err != nil {
		return err
	}
	if b.row.single, err = b.oneAtATime(ctx, b.product[0], b.row.fanout); err != nil {
		return err
	}
	for i := range b.rounds {
		if err := b.rawRound(ctx); err != nil {
			return err
		}
		if err := b.productRound(ctx, i == 0 && b.profile != ""); err != nil {
			return err
		}
	}
	return nil
}

// warm opens the connections, and learns from a delivery how the raw load has to look.
func (b *bencher) warm(ctx context.Context) error {
	_, seen, err := b.load(ctx, b.product, warmUp, b.row.fanout)
	if err != nil {
		return err
	}
	if b.raw, err = rawPosters(b.receiver.url+"0", signingSecret, seen.Sample, b.connections); err != nil {
		return err
	}
	_, _, err = b.load(ctx, b.raw, warmUp, 1)
	return err
}

// load drives a load and waits until everything that was accepted has arrived at all webhooks.
func (b *bencher) load(ctx context.Context, posters []poster, length time.Duration, fanout int) (loaded, arrivals, error) {
	run, err := b.receiver.begin()
	if err != nil {
		return loaded{}, arrivals{}, err
	}
	sent := drive(ctx, posters, run, length)
	if err := ctx.Err(); err != nil {
		return sent, arrivals{}, fmt.Errorf("load: %w", err)
	}
	if len(sent.accepted) == 0 {
		return sent, arrivals{}, fmt.Errorf("load: nothing was accepted: %w", sent.complaint)
	}
	if sent.refused > 0 {
		fmt.Fprintf(os.Stderr, "bench: %d were refused, the first one: %v\n", sent.refused, sent.complaint)
	}
	if _, err := b.receiver.await(len(sent.accepted)*fanout, drain); err != nil {
		return sent, arrivals{}, err
	}
	if err := connectors.Wait(ctx, settle); err != nil {
		return sent, arrivals{}, err
	}
	seen, err := b.receiver.show()
	return sent, seen, err
}

func (b *bencher) rawRound(ctx context.Context) error {
	before := ownCPU()
	sent, _, err := b.load(ctx, b.raw, rawLength, 1)
	if err != nil {
		return err
	}
	count := float64(len(sent.accepted))
	b.row.raws = append(b.row.raws, rawRound{rate: count / sent.took.Seconds(), cpu: (ownCPU() - before).Seconds() / count * 1000})
	return nil
}

func (b *bencher) productRound(ctx context.Context, profiled bool) error {
	before, err := b.cpu()
	if err != nil {
		return err
	}
	finish := func() error { return nil }
	if profiled {
		finish = b.profileCPU(ctx)
	}
	sent, seen, err := b.load(ctx, b.product, b.length, b.row.fanout)
	if err := errors.Join(err, finish()); err != nil {
		return err
	}
	after, err := b.cpu()
	if err != nil {
		return err
	}
	b.row.lost += missing(sent.accepted, seen.Counts, b.row.fanout)
	b.row.repeated += seen.Repeated
	b.row.refused += sent.refused
	one := round{
		accepted: float64(len(sent.accepted)) / sent.took.Seconds(),
		p50:      time.Duration(seen.P50), p95: time.Duration(seen.P95), p99: time.Duration(seen.P99),
		cpu: map[string]float64{},
	}
	one.delivered = float64(seen.Arrived) / time.Duration(seen.Last-sent.began.UnixNano()).Seconds()
	one.ofRaw = one.delivered / b.row.raws[len(b.row.raws)-1].rate
	for name, spent := range after {
		one.cpu[name] = (spent - before[name]).Seconds() / float64(seen.Arrived) * 1000
	}
	for _, m := range b.stack.members {
		one.servers += one.cpu[m.name]
	}
	b.row.rounds = append(b.row.rounds, one)
	return nil
}

// missing counts the deliveries of accepted events that did not arrive.
func missing(accepted []int, counts []uint8, fanout int) int {
	lost := 0
	for _, seq := range accepted {
		got := 0
		if seq < len(counts) {
			got = int(counts[seq])
		}
		lost += fanout - got
	}
	return lost
}

// cpu returns the processor time of every process that takes part, so far.
func (b *bencher) cpu() (map[string]time.Duration, error) {
	spent := map[string]time.Duration{nameLoad: ownCPU()}
	for _, m := range append([]member{{nameReceiver, b.receiver.pid}}, b.stack.members...) {
		var err error
		if spent[m.name], err = cpuOf(m.pid); err != nil {
			return nil, err
		}
	}
	return spent, nil
}

// profileCPU profiles the product while the load runs. The function that it returns waits for the profile, and takes
// one of what was allocated as well.
func (b *bencher) profileCPU(ctx context.Context) func() error {
	name := filepath.Join(b.profile, fmt.Sprintf("%s-fanout%d", b.row.engine, b.row.fanout))
	done := make(chan error, 1)
	go func() {
		if err := os.MkdirAll(b.profile, 0o750); err != nil {
			done <- fmt.Errorf("make folder: %w", err)
			return
		}
		done <- b.stack.api.saveProfile(ctx, b.stack.pprof, fmt.Sprintf("profile?seconds=%d", int(b.length.Seconds())), name+"-cpu.pprof")
	}()
	return func() error {
		return errors.Join(<-done, b.stack.api.saveProfile(ctx, b.stack.pprof, "allocs", name+"-allocs.pprof"))
	}
}

// oneAtATime posts events one by one, each after the one before has arrived everywhere, and returns the median latency
// from the start of the POST to the arrival.
func (b *bencher) oneAtATime(ctx context.Context, one poster, fanout int) (time.Duration, error) {
	run, err := b.receiver.begin()
	if err != nil {
		return 0, err
	}
	ticker := time.NewTicker(singleEvery)
	defer ticker.Stop()
	for seq := range singles {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return 0, fmt.Errorf("post one at a time: %w", ctx.Err())
		}
		if err := one.post(ctx, mark{run: run, seq: seq, started: time.Now().UnixNano()}); err != nil {
			return 0, err
		}
		complete, err := b.receiver.await((seq+1)*fanout, drain)
		if err != nil {
			return 0, err
		}
		if !complete {
			return 0, errors.New("post one at a time: an event did not arrive")
		}
	}
	seen, err := b.receiver.show()
	return time.Duration(seen.P50), err
}

// measureIdle measures what the servers do while there is nothing to do.
func (b *bencher) measureIdle(ctx context.Context) error {
	if err := connectors.Wait(ctx, quiet); err != nil {
		return err
	}
	began := time.Now()
	before, err := b.cpu()
	if err != nil {
		return err
	}
	if err := connectors.Wait(ctx, idle); err != nil {
		return err
	}
	after, err := b.cpu()
	if err != nil {
		return err
	}
	b.row.idle = map[string]float64{}
	for _, m := range b.stack.members {
		b.row.idle[m.name] = (after[m.name] - before[m.name]).Seconds() / time.Since(began).Seconds()
	}
	return nil
}

// watchMemory samples the memory of servers until the function that it returns is called, which returns the sample of the
// moment at which all together had most.
func watchMemory(members []member) func() map[string]int64 {
	stop, done := make(chan struct{}), sync.WaitGroup{}
	var peak map[string]int64
	done.Go(func() {
		ticker := time.NewTicker(sampleEvery)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				now := map[string]int64{}
				for _, m := range members {
					now[m.name], _ = memoryOf(m.pid) // what has ended has none
				}
				if sum(now) > sum(peak) {
					peak = now
				}
			}
		}
	})
	return func() map[string]int64 {
		close(stop)
		done.Wait()
		return peak
	}
}
