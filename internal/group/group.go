// Package group commits the work of many callers together: one transaction and one wait for the disk serve all that
// wait at that moment.
package group

import (
	"context"
	"errors"
	"sync"
)

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
// error nothing of the group may have been stored. An item carries its own result, where it has one, by pointer.
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
	e := entry[T]{item: item, result: make(chan error, 1)}
	c.closing.RLock()
	if c.closed {
		c.closing.RUnlock()
		return ErrClosed
	}
	select {
	case c.waiting <- e:
		c.closing.RUnlock()
	case <-ctx.Done():
		c.closing.RUnlock()
		return ctx.Err()
	}
	select {
	case err := <-e.result:
		return err
	case <-ctx.Done():
		return ctx.Err()
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
// refuses fails by itself only. Two failures in a row mean that the database is the trouble, and end the tries.
func (c *Committer[T]) flush(batch []entry[T]) {
	items := make([]T, len(batch))
	for i, e := range batch {
		items[i] = e.item
	}
	err := c.commit(context.Background(), items)
	if err == nil || len(batch) == 1 {
		for _, e := range batch {
			e.result <- err
		}
		return
	}
	inRow := 0
	for _, e := range batch {
		if inRow < 2 {
			if err = c.commit(context.Background(), []T{e.item}); err != nil {
				inRow++
			} else {
				inRow = 0
			}
		}
		e.result <- err
	}
}
