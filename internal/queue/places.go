package queue

import (
	"time"

	"github.com/switchhook/switchhook/internal/store"
)

// behind returns the place at the end of a queue: the seat after the last one that is claimed, or the first one of the next slot. It is never before
// earliest. Places before the last one that are free again stay so: who adds a post must be able to rely on its coming after those before it.
func (s *Schedule) behind(last store.Place, earliest time.Time, seats int64) store.Place {
	if last.At.Before(earliest) {
		return store.Place{At: s.Next(earliest.Add(-time.Nanosecond))}
	}
	if last.Seat+1 < seats && s.Has(last.At) {
		return store.Place{At: last.At, Seat: last.Seat + 1}
	}
	return store.Place{At: s.Next(last.At)}
}

// place is store.Place as the key of a map: a time.Time may be the same instant and yet another value.
type place struct {
	millis int64
	seat   int64
}

func keyOf(p store.Place) place { return place{store.Millis(p.At), p.Seat} }

// free returns the first n places from earliest on that are not taken.
func (s *Schedule) free(taken map[place]bool, earliest time.Time, seats int64, n int) []store.Place {
	places := make([]store.Place, 0, n)
	for at := range s.After(earliest.Add(-time.Nanosecond)) {
		for seat := range seats {
			if len(places) == n {
				return places
			}
			if p := (store.Place{At: at, Seat: seat}); !taken[keyOf(p)] {
				places = append(places, p)
			}
		}
	}
	return places
}

// give hands places, in their order, to claims in theirs, and returns those whose place is another one now.
func give(claims []*store.Claim, places []store.Place) []*store.Claim {
	var moved []*store.Claim
	for i, c := range claims {
		if keyOf(c.Place) != keyOf(places[i]) {
			changed := *c
			changed.Place = places[i]
			moved = append(moved, &changed)
		}
	}
	return moved
}

// anew returns the claims that get another place when those that leave give theirs up for the first free places from earliest on, in their order.
func (s *Schedule) anew(claims []*store.Claim, leaves func(*store.Claim) bool, earliest time.Time, seats int64) []*store.Claim {
	taken := map[place]bool{}
	var leaving []*store.Claim
	for _, c := range claims {
		if c.Movable && leaves(c) {
			leaving = append(leaving, c)
		} else {
			taken[keyOf(c.Place)] = true
		}
	}
	if len(leaving) == 0 {
		return nil
	}
	return give(leaving, s.free(taken, earliest, seats, len(leaving)))
}

// Turn is a slot to come and what waits in it.
type Turn struct {
	At time.Time
	// Planned is false where the queue has no such slot any more, or where its time has passed: a post still waits in it.
	Planned bool
	Posts   []*store.Claim // in their order
}

// turns returns the next n slots after now, and among them those in which posts wait though they are not of the schedule or have passed.
func (s *Schedule) turns(claims []*store.Claim, now time.Time, n int) []Turn {
	list := make([]Turn, 0, n)
	add := func(at time.Time, planned bool) {
		turn := Turn{At: at, Planned: planned}
		for len(claims) > 0 && claims[0].At.Equal(at) {
			turn.Posts, claims = append(turn.Posts, claims[0]), claims[1:]
		}
		list = append(list, turn)
	}
	for at := range s.After(now) {
		for len(list) < n && len(claims) > 0 && claims[0].At.Before(at) {
			add(claims[0].At, false)
		}
		if len(list) == n {
			break
		}
		add(at, true)
	}
	return list
}
