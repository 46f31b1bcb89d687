package whatsapp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.mau.fi/whatsmeow/store"

	"github.com/switchhook/switchhook/connectors"
)

// unreachableAfter is how many attempts in a row must fail before a lost connection counts as a network that cannot be reached.
const unreachableAfter = 3

// backoff returns how long to wait before the attempt after so many failures: the first comes almost at once, and further ones after a time
// drawn from a span that doubles up to a minute, so that many sessions do not come back in step.
func (t timing) backoff(failures int) time.Duration {
	span := t.firstRetry
	if failures > 1 {
		span = t.retry
		for range failures - 2 {
			if span *= 2; span >= t.maxRetry {
				span = t.maxRetry
				break
			}
		}
	}
	return span/10 + rand.N(span) //nolint:gosec // jitter is no secret
}

// attempt connects in a goroutine of its own, because it may take long and cannot be interrupted while the library waits for the network's
// handshake.
func (m *machine) attempt(ctx context.Context) {
	if m.connecting.Swap(true) {
		return
	}
	m.clear(alarmAttempt, alarmLogin, alarmCut, alarmRelogin)
	m.begun, m.parting = time.Now(), false
	go func() {
		err := m.connect(ctx)
		m.connecting.Store(false)
		m.mail.put(attempted{err})
	}()
}

// connect waits for its turn and connects.
func (l *Link) connect(ctx context.Context) error {
	select {
	case l.connector.slots <- struct{}{}:
		defer func() { <-l.connector.slots }()
	case <-ctx.Done():
		return fmt.Errorf("wait for a turn to connect: %w", ctx.Err())
	}
	pause := time.NewTimer(rand.N(l.connector.timing.stagger)) //nolint:gosec // jitter is no secret
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
		return fmt.Errorf("wait for a turn to connect: %w", ctx.Err())
	}
	if !l.host.Held() {
		l.mail.put(leaseLost{})
		return errNoLease
	}
	l.keys.guard(l.client.Store)        // a device that was linked just now has its stores since then
	return l.client.ConnectContext(ctx) //nolint:wrapcheck // it is logged as it is
}

// attempted takes the end of an attempt.
func (m *machine) attempted(err error) {
	switch {
	case !m.due[alarmAttempt].IsZero(): // meanwhile the network has told why it is of no use now
	case errors.Is(err, store.ErrDeviceDeleted):
		m.finish(connectors.LinkLoggedOut, connectors.ReasonDeviceLost, sayDeviceLost)
	case err != nil:
		m.host.Logger.Debug("connect to whatsapp", "error", withoutAddress(err), "failures", m.failures)
		m.gone(connectors.ReasonUnreachable)
	case !m.gate.alive():
		m.gone(connectors.ReasonConnectionLost)
	case !m.online.Load():
		m.set(alarmLogin, m.connector.timing.login)
	}
}

// gone notes that there is no connection, and sets the alarm for the next attempt.
func (m *machine) gone(reason string) {
	m.online.Store(false)
	m.clear(alarmLogin, alarmCut)
	if !m.linked && m.asked {
		m.broken()
		return
	}
	if !m.connected.IsZero() && time.Since(m.connected) > m.connector.timing.stable {
		m.failures = 0
	}
	m.connected = time.Time{}
	m.failures++
	if !m.linked && m.failures >= m.connector.timing.linkTries {
		m.finish(connectors.LinkDisconnected, connectors.ReasonUnreachable, sayGaveUp)
		return
	}
	m.set(alarmAttempt, m.connector.timing.backoff(m.failures))
	switch {
	case m.state.Status == connectors.LinkDisconnected && m.state.Retry:
		if reason == connectors.ReasonUnreachable && m.failures >= unreachableAfter {
			m.become(connectors.LinkDisconnected, reason, sayUnreachable)
			m.state.Retry = true
		}
	case m.due[alarmGrace].IsZero():
		m.set(alarmGrace, m.connector.timing.grace)
	}
}

// offline tells that the connection has been away for too long to keep silent about it.
func (m *machine) offline() {
	reason, message := connectors.ReasonConnectionLost, sayLost
	if m.failures >= unreachableAfter || m.state.Status != connectors.LinkConnected {
		reason, message = connectors.ReasonUnreachable, sayUnreachable
	}
	m.become(connectors.LinkDisconnected, reason, message)
	m.state.Retry = true
}
