package watest

import (
	"context"
	"sync"
)

// feed keeps everything that happened, in order, and lets a test wait for what it expects. What happened before the wait counts too, so a
// test never has to be early.
type feed[T any] struct {
	mu      sync.Mutex
	items   []T
	changed chan struct{} // closed with the next item; nil while nobody waits
}

func (f *feed[T]) add(item T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.items = append(f.items, item)
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}

func (f *feed[T]) all() []T {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]T(nil), f.items...)
}

// after returns the items from index on, and a channel that is closed when there are more.
func (f *feed[T]) after(index int) ([]T, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed == nil {
		f.changed = make(chan struct{})
	}
	return append([]T(nil), f.items[index:]...), f.changed
}

// wait returns the first item that matches, from the beginning, or ctx's error.
func (f *feed[T]) wait(ctx context.Context, match func(T) bool) (T, error) {
	for index := 0; ; {
		items, changed := f.after(index)
		for _, item := range items {
			if match(item) {
				return item, nil
			}
		}
		index += len(items)
		select {
		case <-changed:
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
	}
}
