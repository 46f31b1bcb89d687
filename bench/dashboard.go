//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/switchhook/switchhook/internal/store"
)

const (
	// pageTimes is how often each page is asked for in one round.
	pageTimes = 200
	// pageWarmup is how often it is asked for before.
	pageWarmup = 5
	// pageGoal is what a page may take, and bytesGoal what a browser may load for the first one.
	pageGoal  = 20 * time.Millisecond
	bytesGoal = 60_000
	// profileLength is how long each page is asked for under a profile.
	profileLength = 2 * time.Second
)

// pageRow is what is known of one page on one engine.
type pageRow struct {
	name, address string
	key           bool // it is a call of the API with a key, and no page
	status        int  // other than 200: the rest is not known
	bytes         int  // of the page as it travels
	first         int  // with all that it loads, by a browser that has nothing yet
	rounds        []pageRound
}

// pageRound is one round of a page: times of the whole answer, and processor time for each.
type pageRound struct {
	p50, p95, least time.Duration
	raw             time.Duration // median of an answer that asks no database, just before
	product, engine time.Duration // processor time per page
}

// dashRow is what is known of one engine.
type dashRow struct {
	engine string
	pages  []*pageRow
}

// dashBench measures pages on one engine.
type dashBench struct {
	settings
	stack   *stack
	browser *browser
	known   *stored
	row     dashRow
}

// runDashboard measures the dashboard of an account that has stored much, and prints a table.
func runDashboard(ctx context.Context, s settings, r *receiver, folder string) error {
	var rows []dashRow
	for _, engine := range s.engines {
		one, err := measureDashboard(ctx, s, r, folder, engine)
		if err != nil {
			return fmt.Errorf("measure the dashboard on %s: %w", engine, err)
		}
		rows = append(rows, one)
	}
	fmt.Print(reportDashboard(rows))
	return nil
}

func measureDashboard(ctx context.Context, s settings, r *receiver, parent, engine string) (row dashRow, err error) {
	folder, err := newFolder(parent, "dashboard-"+engine)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	started, err := startStack(ctx, s.binary, folder, engine, "API_RATE_LIMIT=1000000")
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, started.stop()) }()
	b := &dashBench{settings: s, stack: started, row: dashRow{engine: engine}}
	err = b.measure(ctx, r)
	return b.row, err
}

func (b *dashBench) measure(ctx context.Context, r *receiver) error {
	callback, err := b.stack.api.prepare(ctx, signingSecret, r.url, storedWebhooks)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "bench: %s, storing %d deliveries\n", b.row.engine, storedDeliveries)
	if b.known, err = b.fill(ctx, filepath.Base(callback), r.url); err != nil {
		return fmt.Errorf("fill the database: %w", err)
	}
	// The product begins anew, as it does on a full database.
	if err := b.stack.restart(ctx); err != nil {
		return err
	}
	if err := b.stack.awaitProduct(ctx); err != nil {
		return err
	}
	if b.browser, err = logIn(ctx, b.stack.api.base, b.stack.api.credential); err != nil {
		return err
	}
	b.row.pages = b.known.pages()
	for _, one := range b.row.pages {
		if err := b.look(ctx, one); err != nil {
			return err
		}
	}
	for i := range b.rounds {
		fmt.Fprintf(os.Stderr, "bench: %s, round %d of %d\n", b.row.engine, i+1, b.rounds)
		for _, one := range b.row.pages {
			if err := b.round(ctx, one); err != nil {
				return err
			}
		}
	}
	return b.profileAll(ctx)
}

// fill stores what the pages show, while the product runs: nothing of it is due.
func (b *dashBench) fill(ctx context.Context, channelID, receiverURL string) (known *stored, err error) {
	s, err := store.Open(ctx, store.Options{URL: b.stack.database, DataDir: b.stack.dataDir, Logger: quietLogger()})
	if err != nil {
		return nil, fmt.Errorf("open the product's database: %w", err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	f, err := newFiller(ctx, s, b.stack.api, channelID, receiverURL)
	if err != nil {
		return nil, err
	}
	if err := f.fill(ctx); err != nil {
		return nil, err
	}
	if b.row.engine == enginePostgres {
		// As its autovacuum would within a minute. The product never does so itself, and SQLite goes without.
		if _, err := s.Database().Exec(ctx, "VACUUM ANALYZE"); err != nil {
			return nil, fmt.Errorf("read statistics: %w", err)
		}
	}
	return &f.stored, nil
}

// look asks for a page once, for its status and its size.
func (b *dashBench) look(ctx context.Context, one *pageRow) error {
	answer, err := b.browser.get(ctx, one.address, one.key)
	if err != nil {
		return err
	}
	one.status, one.bytes = answer.status, len(answer.body)
	if one.status != http.StatusOK || one.key {
		return nil
	}
	loaded, err := b.browser.load(ctx, answer)
	one.first = one.bytes + loaded
	return err
}

// round asks for a page again and again over one connection, after as many answers that ask no database.
func (b *dashBench) round(ctx context.Context, one *pageRow) error {
	if one.status != http.StatusOK {
		return nil
	}
	if _, err := b.times(ctx, one, pageWarmup); err != nil {
		return err
	}
	var raws []time.Duration
	for range pageTimes {
		began := time.Now()
		if _, err := b.browser.get(ctx, "/healthz", false); err != nil {
			return err
		}
		raws = append(raws, time.Since(began))
	}
	before, err := b.cpu()
	if err != nil {
		return err
	}
	took, err := b.times(ctx, one, pageTimes)
	if err != nil {
		return err
	}
	after, err := b.cpu()
	slices.Sort(took)
	slices.Sort(raws)
	one.rounds = append(one.rounds, pageRound{
		p50: percentile(took, 50), p95: percentile(took, 95), least: took[0], raw: percentile(raws, 50),
		product: (after[nameProduct] - before[nameProduct]) / pageTimes, engine: (after[namePostgres] - before[namePostgres]) / pageTimes,
	})
	return err
}

// times asks for a page so many times, one after the other, and returns how long each took until its last byte.
func (b *dashBench) times(ctx context.Context, one *pageRow, count int) ([]time.Duration, error) {
	took := make([]time.Duration, 0, count)
	for range count {
		began := time.Now()
		answer, err := b.browser.get(ctx, one.address, one.key)
		took = append(took, time.Since(began))
		if err == nil && answer.status != http.StatusOK {
			err = errors.New("get " + one.address + ": " + strconv.Itoa(answer.status))
		}
		if err != nil {
			return nil, err
		}
	}
	return took, nil
}

// cpu reads the processor time of the product and of its database, by name.
func (b *dashBench) cpu() (map[string]time.Duration, error) {
	used := map[string]time.Duration{}
	for _, m := range b.stack.members {
		if m.name == nameProduct {
			m.pid = b.stack.product.pid() // it was restarted
		}
		one, err := cpuOf(m.pid)
		if err != nil {
			return nil, err
		}
		used[m.name] = one
	}
	return used, nil
}

// profileAll writes a CPU profile of the product for each page, where a folder is given.
func (b *dashBench) profileAll(ctx context.Context) error {
	if b.profile == "" {
		return nil
	}
	if err := os.MkdirAll(b.profile, 0o750); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	for i, one := range b.row.pages {
		if one.status != http.StatusOK {
			continue
		}
		done := make(chan error, 1)
		file := filepath.Join(b.profile, fmt.Sprintf("dashboard-%s-%02d-%s.pprof", b.row.engine, i, url.PathEscape(one.name)))
		go func() {
			done <- b.stack.api.saveProfile(ctx, b.stack.pprof, fmt.Sprintf("profile?seconds=%d", int(profileLength.Seconds())), file)
		}()
		for began := time.Now(); time.Since(began) < profileLength; {
			if _, err := b.times(ctx, one, 1); err != nil {
				return errors.Join(err, <-done)
			}
		}
		if err := <-done; err != nil {
			return err
		}
	}
	return nil
}
