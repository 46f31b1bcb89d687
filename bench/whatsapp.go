//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

const (
	// mostSessions is how many channels an account may have.
	mostSessions = 200
	// busySessions is how many sessions send and receive in the measurement of rates.
	busySessions = 50
	// perSession is how many messages each of them has in one round, in each direction.
	perSession = 20
	// linkers is how many sessions are linked at a time.
	linkers = 8
	// linkPatience bounds the wait for sessions to be online.
	linkPatience = 2 * time.Minute
	// rest is how long a process is left alone before its memory is read: Go gives memory back by and by.
	rest = 12 * time.Second
	// watchEvery is how often the connections at WhatsApp are counted during a restart.
	watchEvery = 5 * time.Millisecond

	nameWhatsApp = "whatsapp"
	programWasim = "github.com/switchhook/switchhook/connectors/whatsapp/watest/wasim"
)

// linkedRow is what is known of one engine.
type linkedRow struct {
	engine   string
	sessions int
	alone    []int64 // memory of the product with one session, in bytes, after each restart
	all      []int64 // with all of them
	restarts []restart
	in, out  []rate
}

// restart is how all sessions came back.
type restart struct {
	took time.Duration // from the start of the process until the last was online
	peak int           // most connections at WhatsApp that were not yet online at a time
}

// rate is messages per second, and the product's processor seconds for 1,000.
type rate struct{ perSecond, cpu float64 }

// perSession returns the memory of each session beyond the first, in KiB.
func (r *linkedRow) perSession() float64 {
	own := func(bytes int64) int64 { return bytes }
	return float64(median(r.all, own)-median(r.alone, own)) / float64(r.sessions-1) / 1024
}

// linkedBench measures linked devices on one engine.
type linkedBench struct {
	settings
	row      linkedRow
	stack    *stack
	receiver *receiver
	whatsapp *api
	ids      []string // of the sessions
	friend   string   // a number that all write to, and that writes to all
}

// runWhatsApp measures linked devices against a WhatsApp of our own on loopback, and prints a table.
func runWhatsApp(ctx context.Context, s settings, r *receiver, folder string) error {
	wasim := filepath.Join(folder, "wasim")
	if err := build(ctx, wasim, programWasim); err != nil {
		return err
	}
	var rows []linkedRow
	for _, engine := range s.engines {
		fmt.Fprintf(os.Stderr, "bench: %s, %d sessions\n", engine, s.sessions)
		one, err := measureLinked(ctx, s, r, wasim, folder, engine)
		if err != nil {
			return fmt.Errorf("measure sessions on %s: %w", engine, err)
		}
		rows = append(rows, one)
	}
	fmt.Print(reportLinked(rows))
	return nil
}

func measureLinked(ctx context.Context, s settings, r *receiver, wasim, parent, engine string) (row linkedRow, err error) {
	folder, err := newFolder(parent, "linked-"+engine)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	whatsapp, environment, stop, err := startWhatsApp(ctx, wasim, folder)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	started, err := startStack(ctx, s.binary, folder, engine, append(environment, "API_RATE_LIMIT=1000000")...)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, started.stop()) }()
	b := &linkedBench{settings: s, stack: started, receiver: r, whatsapp: whatsapp, friend: "16320000000", row: linkedRow{engine: engine, sessions: s.sessions}}
	err = b.measure(ctx)
	return b.row, err
}

// startWhatsApp starts a WhatsApp and returns its control and what the product has to know of it.
func startWhatsApp(ctx context.Context, wasim, folder string) (control *api, environment []string, stop func() error, err error) {
	server, err := startProcess(ctx, folder, nameWhatsApp, nil, wasim)
	if err != nil {
		return nil, nil, nil, err
	}
	var ready struct{ Address, RootKey, Control string }
	err = server.awaitReady(ctx, func(context.Context) error {
		text, err := os.ReadFile(server.log)
		if err != nil {
			return fmt.Errorf("read where WhatsApp is: %w", err)
		}
		return json.Unmarshal(text, &ready)
	})
	if err != nil {
		return nil, nil, nil, errors.Join(err, server.stop())
	}
	control = newAPI("http://" + ready.Control)
	control.client = keptAlive()
	return control, []string{"WHATSAPP_TEST_SERVER=" + ready.Address, "WHATSAPP_TEST_ROOT_KEY=" + ready.RootKey}, server.stop, nil
}

// keptAlive is a client for many calls.
func keptAlive() *http.Client {
	return &http.Client{Timeout: 90 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: busySessions}}
}

func (b *linkedBench) measure(ctx context.Context) error {
	callback, err := b.stack.api.prepare(ctx, signingSecret, b.receiver.url, 0)
	if err != nil {
		return err
	}
	// The sandbox's channel would take the place of a session: an account has at most 200 channels.
	if err := b.stack.api.call(ctx, http.MethodDelete, "/v1/channels/"+path.Base(callback), nil, nil); err != nil {
		return err
	}
	webhook := map[string]any{"url": b.receiver.url + "0", "events": []string{"message.received"}}
	if err := b.stack.api.call(ctx, http.MethodPost, "/v1/webhooks", webhook, nil); err != nil {
		return err
	}
	if err := b.whatsapp.call(ctx, http.MethodPost, "/users", map[string]string{"pn": b.friend}, nil); err != nil {
		return err
	}
	if err := b.link(ctx, 1); err != nil {
		return err
	}
	for range b.rounds {
		if _, err := b.restart(ctx); err != nil {
			return err
		}
		if err := b.readMemory(ctx, &b.row.alone, ""); err != nil {
			return err
		}
	}
	if err := b.link(ctx, b.sessions); err != nil {
		return err
	}
	for i := range b.rounds {
		one, err := b.restart(ctx)
		if err != nil {
			return err
		}
		b.row.restarts = append(b.row.restarts, one)
		profile := ""
		if i == 0 && b.profile != "" {
			profile = filepath.Join(b.profile, "sessions-"+b.row.engine+".pprof")
		}
		if err := b.readMemory(ctx, &b.row.all, profile); err != nil {
			return err
		}
	}
	return b.measureRates(ctx)
}

// number returns the phone number of a session.
func number(i int) string { return "1631" + fmt.Sprintf("%07d", i) }

// link links further sessions until there are so many.
func (b *linkedBench) link(ctx context.Context, count int) error {
	first := len(b.ids)
	b.ids = append(b.ids, make([]string, count-first)...)
	if err := together(ctx, linkers, count-first, func(ctx context.Context, i int) (err error) {
		b.ids[first+i], err = b.linkOne(ctx, number(first+i))
		return err
	}); err != nil {
		return err
	}
	_, err := b.awaitOnline(ctx)
	return err
}

func (b *linkedBench) linkOne(ctx context.Context, phone string) (string, error) {
	if err := b.whatsapp.call(ctx, http.MethodPost, "/users", map[string]string{"pn": phone}, nil); err != nil {
		return "", err
	}
	var session struct {
		ID string
		QR *string
	}
	config := map[string]any{"name": phone, "config": map[string]string{"sendGap": "0", "typing": "false"}}
	if err := b.stack.api.call(ctx, http.MethodPost, "/v1/sessions", config, &session); err != nil {
		return "", err
	}
	for session.QR == nil {
		if err := connectors.Wait(ctx, 100*time.Millisecond); err != nil {
			return "", err
		}
		if err := b.stack.api.call(ctx, http.MethodGet, "/v1/sessions/"+session.ID, nil, &session); err != nil {
			return "", err
		}
	}
	return session.ID, b.whatsapp.call(ctx, http.MethodPost, "/scan", map[string]string{"pn": phone, "qr": *session.QR}, nil)
}

// awaitOnline waits until all sessions are online and returns the most connections that were there at a time and not yet online.
func (b *linkedBench) awaitOnline(ctx context.Context) (peak int, err error) {
	ctx, cancel := context.WithTimeout(ctx, linkPatience)
	defer cancel()
	for {
		var connections []struct{ Active bool }
		if err := b.whatsapp.call(ctx, http.MethodGet, "/connections", nil, &connections); err != nil {
			return peak, err
		}
		online := 0
		for _, c := range connections {
			if c.Active {
				online++
			}
		}
		peak = max(peak, len(connections)-online)
		if online == len(b.ids) {
			return peak, nil
		}
		if err := connectors.Wait(ctx, watchEvery); err != nil {
			return peak, fmt.Errorf("%d of %d sessions are online: %w", online, len(b.ids), err)
		}
	}
}

func (b *linkedBench) restart(ctx context.Context) (restart, error) {
	if err := b.stack.restart(ctx); err != nil {
		return restart{}, err
	}
	began := time.Now()
	peak, err := b.awaitOnline(ctx)
	if err != nil {
		return restart{}, err
	}
	return restart{took: time.Since(began), peak: peak}, b.stack.awaitProduct(ctx)
}

// readMemory reads the memory of the product when it has collected its garbage and rested. With profile, it keeps what lies on the heap.
func (b *linkedBench) readMemory(ctx context.Context, to *[]int64, profile string) error {
	if err := connectors.Wait(ctx, quiet); err != nil {
		return err
	}
	if profile == "" {
		profile = os.DevNull
	}
	for range 2 { // what has a finalizer goes with the second
		if err := b.stack.api.saveProfile(ctx, b.stack.pprof, "heap?gc=1", profile); err != nil {
			return err
		}
	}
	if err := connectors.Wait(ctx, rest); err != nil {
		return err
	}
	bytes, err := memoryOf(b.stack.product.pid())
	*to = append(*to, bytes)
	return err
}

// measureRates lets the busy sessions receive, and then send.
func (b *linkedBench) measureRates(ctx context.Context) error {
	b.stack.api.client = keptAlive()
	for i := range b.rounds + 1 {
		in, err := b.flow(ctx, b.comeIn)
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		out, err := b.flow(ctx, b.goOut)
		if err != nil {
			return fmt.Errorf("send: %w", err)
		}
		if i > 0 { // the first has begun the encrypted sessions
			b.row.in, b.row.out = append(b.row.in, in), append(b.row.out, out)
		}
	}
	return nil
}

// flow measures the messages of one round in one direction. move moves one message of a session and says whether it ends at the receiver.
func (b *linkedBench) flow(ctx context.Context, move func(ctx context.Context, session int, m mark) (arrives bool, err error)) (rate, error) {
	run, err := b.receiver.begin()
	if err != nil {
		return rate{}, err
	}
	before, err := cpuOf(b.stack.product.pid())
	if err != nil {
		return rate{}, err
	}
	began := time.Now()
	var next atomic.Int64
	var await atomic.Bool
	err = together(ctx, busySessions, busySessions, func(ctx context.Context, session int) error {
		for range perSession {
			arrives, err := move(ctx, session, mark{run: run, seq: int(next.Add(1) - 1), started: time.Now().UnixNano()})
			if err != nil {
				return err
			}
			await.Store(arrives)
		}
		return nil
	})
	if err != nil {
		return rate{}, err
	}
	const count = busySessions * perSession
	if await.Load() {
		if complete, err := b.receiver.await(count, drain); err != nil || !complete {
			return rate{}, errors.Join(err, errors.New("messages were lost"))
		}
	}
	took := time.Since(began)
	after, err := cpuOf(b.stack.product.pid())
	return rate{perSecond: count / took.Seconds(), cpu: (after - before).Seconds() * 1000 / count}, err
}

func (b *linkedBench) comeIn(ctx context.Context, session int, m mark) (bool, error) {
	text := string(appendMark(nil, m))
	return true, b.whatsapp.call(ctx, http.MethodPost, "/messages", map[string]string{"from": b.friend, "to": number(session), "text": text}, nil)
}

func (b *linkedBench) goOut(ctx context.Context, session int, m mark) (bool, error) {
	var sent struct{ Status string }
	body := map[string]string{"channelId": b.ids[session], "to": b.friend, "text": "message " + strconv.Itoa(m.seq)}
	err := b.stack.api.call(ctx, http.MethodPost, "/v1/messages", body, &sent)
	if err == nil && !slices.Contains([]string{"sent", "delivered"}, sent.Status) {
		err = fmt.Errorf("a message is %s", sent.Status)
	}
	return false, err
}

// together does something count times, so many at a time, and returns the first error.
func together(ctx context.Context, atOnce, count int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	turns := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i := range count {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			if err := do(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	return context.Cause(ctx) //nolint:wrapcheck // it is what do has returned
}
