package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/switchhook/switchhook/internal/store"
)

const (
	// lookEvery is how often a process looks for sessions that nobody holds, for what has changed of its own, and for what they have to send.
	lookEvery = time.Second
	// claimMost is how many sessions a process takes at one look, so that several share them and not all connect at the same moment.
	claimMost = 32
	// claimAgain is how soon it looks again after it has taken that many.
	claimAgain = 200 * time.Millisecond
	// inParallel is how many sessions are opened or closed at a time.
	inParallel = 16
)

// Run holds sessions until ctx ends: it takes those that nobody holds, opens those that were changed anew, and sends what they have to send. In a
// build without linked devices it only waits.
func (s *Service) Run(ctx context.Context) {
	if _, ok := s.linker(""); !ok {
		<-ctx.Done()
		return
	}
	for ctx.Err() == nil {
		more, err := s.Tick(ctx)
		if err != nil && ctx.Err() == nil {
			s.Logger.Error("session.look_failed", "error", err)
		}
		wait := lookEvery
		if more {
			wait = claimAgain
		}
		timer := time.NewTimer(wait - wait/10 + rand.N(wait/5)) //nolint:gosec // spreads load, guards nothing
		select {
		case <-timer.C:
		case <-s.wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// look makes Run look at once. It does not block.
func (s *Service) look() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Tick is one look of Run, for those who keep the time themselves. It reports whether there may be more sessions to take.
func (s *Service) Tick(ctx context.Context) (more bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("hold sessions: panic: %v", p)
		}
	}()
	number := s.lease.Load().number
	if err := s.confirm(ctx, number); err != nil {
		return false, err
	}
	if !s.holds(number) {
		return false, nil // without a lease of its own a process takes nothing
	}
	own, err := s.Store.OwnSessionsAny(ctx, s.WorkerID)
	if err != nil {
		return false, fmt.Errorf("read own sessions: %w", err)
	}
	s.settle(ctx, number, own)
	more, err = s.claim(ctx, number)
	return more, errors.Join(err, s.sendDue(ctx))
}

// confirm makes sure of what this process owns after it may have counted as dead. All its Links have ceased to write by then, so those that are
// its own still are opened anew.
func (s *Service) confirm(ctx context.Context, number int64) error {
	if number == 0 || number == s.confirmed.Load() {
		return nil
	}
	if _, err := s.Store.ConfirmLeasesAny(ctx, s.WorkerID); err != nil {
		return fmt.Errorf("confirm leases: %w", err)
	}
	for _, r := range s.runners() {
		if r.term != number {
			r.lose()
		}
	}
	s.confirmed.Store(number)
	return nil
}

// settle brings what this process runs in line with what it owns.
func (s *Service) settle(ctx context.Context, number int64, own []store.OwnSession) {
	var work []func()
	byID := map[string]store.OwnSession{}
	for _, o := range own {
		byID[o.ID] = o
		if s.runner(o.ID) == nil && !s.isBusy(o.ID) {
			work = append(work, func() { s.resume(ctx, number, o) })
		}
	}
	for _, r := range s.runners() {
		o, mine := byID[r.id]
		switch {
		case s.isBusy(r.id):
		case !mine:
			work = append(work, func() { r.lose(); s.shut(ctx, r) })
		case !o.Wanted:
			work = append(work, func() { s.giveUp(ctx, r, o) })
		case r.lost() || r.outdated(ctx, o):
			work = append(work, func() {
				s.shut(ctx, r)
				s.open(ctx, number, r.id, false)
			})
		default:
			r.retry(ctx)
		}
	}
	s.inTurns(work)
}

// resume opens a session that this process owns and does not run, or gives it back.
func (s *Service) resume(ctx context.Context, number int64, o store.OwnSession) {
	if o.Wanted {
		s.open(ctx, number, o.ID, true)
		return
	}
	s.release(ctx, o.ID)
}

// claim takes sessions that nobody holds.
func (s *Service) claim(ctx context.Context, number int64) (more bool, err error) {
	// Several processes look at the same moment: each tries another part of what is free.
	free, err := s.Store.FreeSessionsAny(ctx, s.Now(), 4*claimMost)
	if err != nil {
		return false, fmt.Errorf("find free sessions: %w", err)
	}
	rand.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] }) //nolint:gosec // spreads load, guards nothing
	more = len(free) > claimMost
	claimed, err := s.Store.ClaimSessionsAny(ctx, s.WorkerID, free[:min(len(free), claimMost)])
	if err != nil {
		return false, fmt.Errorf("claim sessions: %w", err)
	}
	work := make([]func(), len(claimed))
	for i, sessionID := range claimed {
		work[i] = func() { s.open(ctx, number, sessionID, true) }
	}
	s.inTurns(work)
	return more, nil
}

// sendDue wakes the senders of sessions that have something to send.
func (s *Service) sendDue(ctx context.Context) error {
	ids, err := s.Outbox.DueSessionsAny(ctx)
	if err != nil {
		return fmt.Errorf("find sessions with messages: %w", err)
	}
	for _, sessionID := range ids {
		if r := s.runner(sessionID); r != nil {
			r.kick()
		}
	}
	return nil
}

// release gives a session up in the database.
func (s *Service) release(ctx context.Context, sessionID string) {
	if err := s.Store.ReleaseSessionAny(ctx, s.WorkerID, sessionID); err != nil {
		s.Logger.WarnContext(ctx, "session.release_failed", "session_id", sessionID, "error", err) // the next look does it
	}
}

// inTurns does several things at once, but not too many. One that panics, as a connector may, does not end the others.
func (s *Service) inTurns(work []func()) {
	turns := make(chan struct{}, inParallel)
	var all sync.WaitGroup
	for _, do := range work {
		turns <- struct{}{}
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					s.Logger.Error("session.panicked", "error", fmt.Sprint(p))
				}
				<-turns
			}()
			do()
		})
	}
	all.Wait()
}

// Close disconnects all sessions without unlinking them, and gives them up, so that another process takes them at once. It waits until what is
// being sent is settled, or ctx ends. What a Run that is just ending still takes is not opened; others have it once this process' worker is removed.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var work []func()
		for _, r := range s.runners() {
			work = append(work, func() {
				s.shut(ctx, r)
				s.release(ctx, r.id)
			})
		}
		s.inTurns(work)
		if len(work) > 0 {
			s.tellAll(ctx, note{Kind: noteFree})
		}
		close(s.quit)
		s.hangUp()
		s.listening.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close sessions: %w", ctx.Err())
	}
}
