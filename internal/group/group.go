// Package group commits the work of many callers together: one transaction and one wait for the disk serve all that
// wait at that moment.
package group

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// patience is how long the items of a group may fail one by one. An item that a working database refuses fails in
// milliseconds, in a deadlock in seconds; a database that is down takes the committer's own timeout each time.
const patience = 5 * time.Second

// ErrClosed is returned by Do after Close.
var ErrClosed = errors.New("group is closed")

// Committer collects items from any number of callers and hands them to one function, many at a time.
type Committer[T any] struct {
	commit  func(context.Context, []T) error
	limit   int
	waiting chan *entry[T]
	done    sync.WaitGroup

	closing sync.RWMutex
	closed  bool
}

// entry is items that are committed in one group.
type entry[T any] struct {
	items  []T
	failed []error       // of each item
	done   chan struct{} // closed when failed is filled in
}

// New starts a committer. commit gets at most limit items and is called by `parallel` goroutines; it must be atomic: on an
// error or a panic nothing of the group may have been stored. An item carries its own result, where it has one, by pointer.
func New[T any](limit, parallel int, commit func(context.Context, []T) error) *Committer[T] {
	c := &Committer[T]{commit: commit, limit: limit, waiting: make(chan *entry[T], 4*limit)}
	for range parallel {
		c.done.Go(c.run)
	}
	return c
}

// Do commits one item together with others and returns when it is stored. When ctx ends first, Do returns its
// error although the item may still be stored.
func (c *Committer[T]) Do(ctx context.Context, item T) error { return c.DoAll(ctx, []T{item}) }

// DoAll commits several items in their order and returns when all are stored or refused: the first error. They are committed in
// one group, or, where the limit does not allow that, in several. When ctx ends first it is as with Do.
func (c *Committer[T]) DoAll(ctx context.Context, items []T) error {
	var entries []*entry[T]
	var failure error
	for len(items) > 0 && failure == nil {
		n := min(len(items), c.limit)
		e := &entry[T]{items: items[:n], failed: make([]error, n), done: make(chan struct{})}
		if failure = c.put(ctx, e); failure == nil {
			entries = append(entries, e)
		}
		items = items[n:]
	}
	for i := range entries {
		if err := entries[len(entries)-1-i].wait(ctx); err != nil {
			failure = err // the earliest comes last
		}
	}
	return failure
}

func (c *Committer[T]) put(ctx context.Context, e *entry[T]) error {
	c.closing.RLock()
	defer c.closing.RUnlock()
	if c.closed {
		return ErrClosed
	}
	select {
	case c.waiting <- e:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for room in group: %w", ctx.Err())
	}
}

// wait returns the first error of an entry's items when it is committed.
func (e *entry[T]) wait(ctx context.Context) error {
	select {
	case <-e.done:
	case <-ctx.Done():
		return fmt.Errorf("wait for group: %w", ctx.Err())
	}
	for _, err := range e.failed {
		if err != nil {
			return err
		}
	}
	return nil
}

// Close lets what waits be committed and then stops. Later calls of Do fail.
func (c *Committer[T]) Close() {
	c.closing.Lock()
	if !c.closed {
		c.closed = true
		close(c.waiting)
	}
	c.closing.Unlock()
	c.done.Wait()
}

func (c *Committer[T]) run() {
	var held *entry[T] // did not fit into the group before
	for {
		first := held
		if first == nil {
			var open bool
			if first, open = <-c.waiting; !open {
				return
			}
		}
		batch := []*entry[T]{first}
		batch, held = c.collect(batch, len(first.items))
		c.flush(batch)
	}
}

// collect takes what waits, up to the limit, and returns what does not fit any more.
func (c *Committer[T]) collect(batch []*entry[T], n int) (collected []*entry[T], held *entry[T]) {
	for n < c.limit {
		select {
		case next, open := <-c.waiting:
			if !open {
				return batch, nil
			}
			if n += len(next.items); n > c.limit {
				return batch, next
			}
			batch = append(batch, next)
		default:
			return batch, nil
		}
	}
	return batch, nil
}

// flush commits a batch. When a batch of several items fails, each is committed alone, so that an item the database
// refuses fails by itself only. Failures that together take longer than patience mean that the database is the trouble, and
// end the tries.
func (c *Committer[T]) flush(batch []*entry[T]) {
	var items []T
	for _, e := range batch {
		items = append(items, e.items...)
	}
	failure := c.try(items)
	var lost time.Duration
	for _, e := range batch {
		for i := range e.items {
			if failure == nil || len(items) == 1 || lost > patience {
				e.failed[i] = failure
				continue
			}
			began := time.Now()
			if e.failed[i] = c.try(e.items[i : i+1]); e.failed[i] != nil {
				lost += time.Since(began)
			}
		}
		close(e.done)
	}
}

// try commits items. A panic is an error like any other: one item that the code cannot stand must not end the process.
func (c *Committer[T]) try(items []T) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("commit group: panic: %v", p)
		}
	}()
	return c.commit(context.Background(), items)
}
