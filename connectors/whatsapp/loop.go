package whatsapp

import (
	"context"
	"reflect"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types/events"

	"github.com/switchhook/switchhook/connectors"
)

// alarm is something that is due at a time.
type alarm int

const (
	alarmTell    alarm = iota // tell the listener again, which erred
	alarmAttempt              // try to connect
	alarmGrace                // tell that the connection is gone
	alarmLogin                // the network has not welcomed us in time
	alarmStep                 // the QR code, or another step of a link, runs out
	alarmCut                  // cut the connection so that what was not acknowledged comes again
	alarmLimit                // the account's limit ends
	alarmRelogin              // log in after a link, though the network has not told us to
	alarms
)

// tellAgain is how long to wait after the listener could not take a state.
const tellAgain = time.Second

// machine is a Link's state. It belongs to the one goroutine of loop.
type machine struct {
	*Link
	state, told connectors.LinkState
	due         [alarms]time.Time

	linked    bool                    // a phone has accepted
	finished  bool                    // nothing more will happen
	codes     []string                // QR codes yet to be shown
	renewed   chan struct{}           // closed when new codes have come that PairByCode waits for
	asked     bool                    // the network has sent codes
	refusal   *connectors.Error       // why the listener refused the link
	parting   bool                    // we end the connection of a link, to log in
	failures  int                     // attempts and short connections in a row
	begun     time.Time               // the last attempt
	connected time.Time               // zero while offline
	agreed    connectors.LinkIdentity // what the listener agreed to, until the phone's confirmation
}

// loop is the goroutine of a Link: it takes news in their order, and tells the listener each new state.
func (l *Link) loop(ctx context.Context) {
	defer close(l.ended)
	m := &machine{Link: l, linked: l.identity.Device != ""}
	m.state = connectors.LinkState{Status: connectors.LinkPending, Identity: l.identity}
	m.told = m.state
	m.begin(ctx)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		m.tell(ctx)
		timer.Reset(m.wait())
		select {
		case <-l.quit:
			return
		case <-l.mail.wake:
			for _, item := range l.mail.take() {
				m.on(ctx, item)
				m.tell(ctx)
			}
		case <-timer.C:
			m.ring(ctx)
		}
	}
}

func (m *machine) begin(ctx context.Context) {
	if m.lost {
		m.finish(connectors.LinkLoggedOut, connectors.ReasonDeviceLost, sayDeviceLost)
		return
	}
	if m.linked {
		m.state.Status = connectors.LinkConnecting
	}
	m.attempt(ctx)
}

// tell hands the state to the listener, if it is another than before.
func (m *machine) tell(ctx context.Context) {
	m.show(m.state)
	if reflect.DeepEqual(m.state, m.told) || !m.host.Held() || !m.enter() {
		return
	}
	defer m.calls.Done()
	if err := m.host.Listener.LinkChanged(ctx, m.state); err != nil {
		m.host.Logger.Warn("tell the state of a whatsapp session", "status", m.state.Status, "error", err)
		m.set(alarmTell, tellAgain)
		return
	}
	m.due[alarmTell] = time.Time{}
	m.told = m.state
}

func (m *machine) set(which alarm, in time.Duration) { m.due[which] = time.Now().Add(in) }

func (m *machine) clear(which ...alarm) {
	for _, one := range which {
		m.due[one] = time.Time{}
	}
}

// wait returns the time until the first alarm.
func (m *machine) wait() time.Duration {
	first := time.Hour
	for _, at := range m.due {
		if !at.IsZero() {
			first = min(first, time.Until(at))
		}
	}
	return max(first, 0)
}

// ring does what is due.
func (m *machine) ring(ctx context.Context) {
	now := time.Now()
	for which, at := range m.due {
		if at.IsZero() || now.Before(at) {
			continue
		}
		m.clear(alarm(which))
		switch alarm(which) {
		case alarmAttempt:
			m.attempt(ctx)
		case alarmGrace:
			m.offline()
		case alarmLogin:
			m.host.Logger.Warn("whatsapp does not answer the login")
			m.gate.cut()
		case alarmStep:
			m.stepOver()
		case alarmCut:
			m.gate.cut()
		case alarmLimit:
			m.state.Limit = nil
		case alarmRelogin:
			m.relogin()
		case alarmTell, alarms:
		}
	}
}

// on takes one piece of news.
func (m *machine) on(ctx context.Context, item any) {
	if m.finished {
		return
	}
	switch item := item.(type) {
	case attempted:
		m.attempted(item.err)
	case leaseLost:
		m.finished = true // the state belongs to another process now
		m.due = [alarms]time.Time{}
		close(m.over)
	case undelivered:
		if m.due[alarmCut].IsZero() {
			m.set(alarmCut, m.connector.timing.backoff(int(m.refusals.Load())+1))
		}
	case limited:
		if m.state.Limit == nil {
			m.limit(&connectors.LinkLimit{Code: limitTimelock, Message: sayTimelock})
		}
	case unlinked:
		m.finish(connectors.LinkLoggedOut, connectors.ReasonUnlinked, sayUnlinked)
	case paired, refused, codeGiven, renew, *events.QR, *events.PairSuccess, *events.PairError, *events.PairPasskeyRequest,
		*events.PairPasskeyConfirmation, *events.PairPasskeyError, *events.ManualLoginReconnect:
		m.onPairing(ctx, item)
	default:
		m.onConnection(ctx, item)
	}
}

// onConnection takes news of a linked device's connection.
func (m *machine) onConnection(ctx context.Context, item any) {
	switch item := item.(type) {
	case *events.Connected:
		m.welcomed()
	case *events.Disconnected:
		m.parted(ctx)
	case *events.StreamError:
		m.host.Logger.Warn("whatsapp ends the connection", "code", item.Code)
		m.gate.cut()
	case *events.KeepAliveTimeout:
		m.silent(item)
	case *events.KeepAliveRestored:
		if m.state.Reason == connectors.ReasonDegraded {
			m.state.Reason, m.state.Message = "", ""
		}
	case *events.PushNameSetting:
		if m.linked {
			m.state.Identity.Name = firstOf(item.Action.GetName(), m.state.Identity.Name)
		}
	case *events.NotifyAccountReachoutTimelock:
		m.limit(limitOf(item))
	default:
		if end, ok := endOf(item, m.connector.timing.ban); ok {
			m.end(end, item)
		}
	}
}

// limit notes what the account may not do, or that it may do all again.
func (m *machine) limit(limit *connectors.LinkLimit) {
	m.state.Limit = limit
	m.clear(alarmLimit)
	if limit != nil && !limit.Until.IsZero() {
		m.set(alarmLimit, limit.Until.Sub(m.host.Now()))
	}
}

// welcomed notes that the device is online.
func (m *machine) welcomed() {
	if !m.linked || !m.gate.alive() {
		return // the library tells it even when the connection broke meanwhile
	}
	m.clear(alarmAttempt, alarmGrace, alarmLogin, alarmRelogin)
	m.connected = time.Now()
	m.online.Store(true)
	m.become(connectors.LinkConnected, "", "")
}

// parted takes the end of a connection, if it is not news of an earlier one.
func (m *machine) parted(ctx context.Context) {
	switch {
	case m.connecting.Load() || m.gate.alive():
	case m.parting:
		m.parting = false
		m.attempt(ctx)
	default:
		m.gone(connectors.ReasonConnectionLost)
	}
}

// silent notes that a ping was not answered. After a while the connection is made anew: the network's own limit is the library's.
func (m *machine) silent(event *events.KeepAliveTimeout) {
	if !m.online.Load() || event.LastSuccess.Before(m.begun) {
		return // about an earlier connection
	}
	m.state.Reason, m.state.Message = connectors.ReasonDegraded, sayDegraded
	if time.Since(event.LastSuccess) > whatsmeow.KeepAliveMaxFailTime {
		m.gate.cut()
	}
}

// end takes an end that the network has given a reason for.
func (m *machine) end(end end, event any) {
	if end.retry <= 0 || !m.linked {
		m.finish(end.status, end.reason, end.message)
	} else {
		m.disconnect()
		m.clear(alarmGrace, alarmLogin, alarmCut)
		m.become(end.status, end.reason, end.message)
		m.state.Retry = true
		m.set(alarmAttempt, end.retry)
	}
	if ban, ok := event.(*events.TemporaryBan); ok && ban.Expire > 0 {
		m.state.Until = m.host.Now().Add(ban.Expire)
	}
}

// become sets the status; what belonged to the former one is gone.
func (m *machine) become(status connectors.LinkStatus, reason, message string) {
	m.state.Status, m.state.Reason, m.state.Message = status, reason, message
	m.state.Retry, m.state.Until, m.state.Step = false, time.Time{}, nil
}

// finish ends the Link: it disconnects, and nothing more will happen.
func (m *machine) finish(status connectors.LinkStatus, reason, message string) {
	m.finished = true
	m.due = [alarms]time.Time{}
	m.become(status, reason, message)
	if status == connectors.LinkLoggedOut || !m.linked {
		m.state.Identity, m.state.Limit = connectors.LinkIdentity{}, nil
	}
	close(m.over)
	m.show(m.state)
	m.disconnect()
}
