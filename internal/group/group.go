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
	waiting chan entry[T]
	done    sync.WaitGroup

	closing sync.RWMutex
	closed  bool
}

type entry[T any] struct {
	item   T
	result chan error
}

// New starts a committer. commit gets at most limit items and is called by `parallel` goroutines; it must be atomic: on an
// error or a panic nothing of the group may have been stored. An item carries its own result, where it has one, by pointer.
func New[T any](limit, parallel int, commit func(context.Context, []T) error) *Committer[T] {
	c := &Committer[T]{commit: commit, limit: limit, waiting: make(chan entry[T], 4*limit)}
	for range parallel {
		c.done.Go(c.run)
	}
	return c
}

// Do commits one item together with others and returns when it is stored. When ctx ends first, Do returns its
// error although the item may still be stored.
func (c *Committer[T]) Do(ctx context.Context, item T) error {
	result, err := c.put(ctx, item)
	if err != nil {
		return err
	}
	return wait(ctx, result)
}

// DoAll commits several items, together where the limit allows, and returns when all are stored or refused: the first error. With
// one goroutine that commits they are stored in their order; with more, nearly. When ctx ends first it is as with Do.
func (c *Committer[T]) DoAll(ctx context.Context, items []T) error {
	results := make([]chan error, 0, len(items))
	var failure error
	for _, item := range items {
		result, err := c.put(ctx, item)
		if err != nil {
			failure = err
			break
		}
		results = append(results, result)
	}
	for i := range results {
		if err := wait(ctx, results[len(results)-1-i]); err != nil {
			failure = err // the earliest comes last
		}
	}
	return failure
}

func (c *Committer[T]) put(ctx context.Context, item T) (chan error, error) {
	e := entry[T]{item: item, result: make(chan error, 1)}
	c.closing.RLock()
	defer c.closing.RUnlock()
	if c.closed {
		return nil, ErrClosed
	}
	select {
	case c.waiting <- e:
		return e.result, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for room in group: %w", ctx.Err())
	}
}

func wait(ctx context.Context, result chan error) error {
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait for group: %w", ctx.Err())
	}
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
	batch := make([]entry[T], 0, c.limit)
	for first := range c.waiting {
		batch = append(batch[:0], first)
		for more := true; more && len(batch) < c.limit; {
			select {
			case next, ok := <-c.waiting:
				if more = ok; ok {
					batch = append(batch, next)
				}
			default:
				more = false
			}
		}
		c.flush(batch)
	}
}

// flush commits a batch. When a batch of several fails, each is committed alone, so that an item the database
// refuses fails by itself only. Failures that together take longer than patience mean that the database is the trouble, and
// end the tries.
func (c *Committer[T]) flush(batch []entry[T]) {
	items := make([]T, len(batch))
	for i, e := range batch {
		items[i] = e.item
	}
	failure := c.try(items)
	if failure == nil || len(batch) == 1 {
		for _, e := range batch {
			e.result <- failure
		}
		return
	}
	var lost time.Duration
	for i, e := range batch {
		if lost > patience {
			e.result <- failure
			continue
		}
		began := time.Now()
		err := c.try(items[i : i+1])
		if err != nil {
			failure = err
			lost += time.Since(began)
		}
		e.result <- err
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
