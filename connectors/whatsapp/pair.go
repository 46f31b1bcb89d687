package whatsapp

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"github.com/switchhook/switchhook/connectors"
)

// Codes of requests that do not fit the state of a link.
const (
	codeNoLink   = "no_link_in_progress"
	codeBadField = "invalid_field"
)

// pairingClient is how the phone names the device of a pairing code. WhatsApp takes only a known browser with a known system.
const pairingClient = "Chrome (Linux)"

// codeTime is how much time a pairing code has at least, of the 160 s after which WhatsApp ends the connection (whatsmeow's PairPhone).
const codeTime = 2 * time.Minute

// onPairing takes news of a new link.
func (m *machine) onPairing(ctx context.Context, item any) {
	switch item := item.(type) {
	case *events.QR:
		m.gotCodes(item.Codes)
	case renew:
		m.renew(item.ready)
	case codeGiven:
		if m.inStep(connectors.StepQR, connectors.StepPairingCode) {
			m.step(item.step)
			m.set(alarmStep, item.step.ExpiresAt.Sub(m.host.Now()))
		}
	case *events.PairPasskeyRequest:
		m.passkey(item.PublicKey)
	case *events.PairPasskeyConfirmation:
		m.compare(ctx, item)
	case *events.PairPasskeyError:
		m.host.Logger.Warn("link whatsapp by passkey", "error", item.Error)
		m.finish(connectors.LinkDisconnected, connectors.ReasonPairingFailed, sayKeyFailed)
	case *events.PairError:
		m.host.Logger.Warn("link whatsapp", "error", item.Error)
		m.linked = false
		m.finish(connectors.LinkDisconnected, connectors.ReasonPairingFailed, pairingMessage(item, m.refusal))
	case refused:
		m.refusal = item.err
	case paired:
		m.agreed = item.identity
	case *events.PairSuccess:
		m.accepted()
		m.state.Identity = identityOf(item.ID, item.LID, firstOf(m.state.Identity.Name, item.BusinessName))
		if !m.connecting.Load() && !m.online.Load() {
			m.set(alarmRelogin, m.connector.timing.relogin)
		}
	case *events.ManualLoginReconnect:
		m.accepted()
		m.relogin()
	}
}

// accepted notes that a phone has accepted the link.
func (m *machine) accepted() {
	m.clear(alarmStep)
	if !m.linked {
		m.linked = true
		m.failures = 0
		m.state.Identity = m.agreed
		m.become(connectors.LinkConnecting, "", "")
	}
}

// relogin ends the connection over which the link was made, so that the next one logs in. The library expects the end and would not tell of it,
// but not until it is told may the next connection be made.
func (m *machine) relogin() {
	switch {
	case m.connecting.Load() || m.online.Load():
	case m.gate.alive():
		m.client.DangerousInternals().ResetExpectedDisconnect() //nolint:staticcheck // the only way to hear of that end
		m.parting = true
		m.gate.cut()
		m.set(alarmRelogin, m.connector.timing.relogin)
	default:
		m.set(alarmAttempt, m.connector.timing.backoff(1))
	}
}

// gotCodes takes the QR codes of a new connection. There are about six, which are shown one after the other.
func (m *machine) gotCodes(codes []string) {
	m.failures = 0
	m.clear(alarmGrace, alarmLogin)
	if m.asked || len(codes) == 0 {
		return
	}
	m.asked = true
	m.codes = slices.Clone(codes)
	all := m.connector.timing.firstCode + time.Duration(len(codes)-1)*m.connector.timing.nextCode
	m.mu.Lock()
	m.until = m.host.Now().Add(all)
	m.mu.Unlock()
	m.nextCode(m.connector.timing.firstCode)
	m.show(m.state)
	if m.renewed != nil {
		close(m.renewed)
		m.renewed = nil
		return
	}
	close(m.waiting)
}

// renew makes the connection of a link anew, which gives new codes.
func (m *machine) renew(ready chan struct{}) {
	if !m.inStep(connectors.StepQR, connectors.StepPairingCode) || m.renewed != nil || !m.gate.alive() {
		close(ready)
		return
	}
	m.renewed = ready
	m.asked, m.parting = false, true
	m.clear(alarmStep)
	m.gate.cut()
}

func (m *machine) nextCode(lasts time.Duration) {
	code := m.codes[0]
	m.codes = m.codes[1:]
	m.step(connectors.LinkStep{
		Kind: connectors.StepQR, Code: code, ExpiresAt: m.host.Now().Add(lasts), Message: sayScan, Last: len(m.codes) == 0,
	})
	m.set(alarmStep, lasts)
}

// step shows what the user has to do next.
func (m *machine) step(step connectors.LinkStep) {
	m.become(connectors.LinkQR, "", "")
	m.state.Step = &step
}

func (m *machine) inStep(kinds ...string) bool {
	return m.state.Step != nil && slices.Contains(kinds, m.state.Step.Kind)
}

// stepOver is called when the time of a step has run out.
func (m *machine) stepOver() {
	message, reason := sayQRTimeout, connectors.ReasonQRTimeout
	switch {
	case m.inStep(connectors.StepQR) && len(m.codes) > 0:
		m.nextCode(m.connector.timing.nextCode)
		return
	case m.inStep(connectors.StepPairingCode):
		message, reason = sayCodeTimeout, connectors.ReasonPairingFailed
	case m.inStep(connectors.StepPasskey, connectors.StepPasskeyConfirm):
		message, reason = sayKeyTimeout, connectors.ReasonPairingFailed
	}
	m.finish(connectors.LinkDisconnected, reason, message)
}

// broken ends a link whose connection the network has closed. It does so when the codes run out, too.
func (m *machine) broken() {
	switch {
	case m.inStep(connectors.StepPairingCode):
		m.finish(connectors.LinkDisconnected, connectors.ReasonPairingFailed, sayCodeTimeout)
	case m.inStep(connectors.StepPasskey, connectors.StepPasskeyConfirm):
		m.finish(connectors.LinkDisconnected, connectors.ReasonPairingFailed, sayBroken)
	case len(m.codes) == 0:
		m.finish(connectors.LinkDisconnected, connectors.ReasonQRTimeout, sayQRTimeout)
	default:
		m.finish(connectors.LinkDisconnected, connectors.ReasonConnectionLost, sayBroken)
	}
}

// passkey asks the user for the account's passkey. From now on the QR codes are of no use, and their time does not end the link.
func (m *machine) passkey(options *types.WebAuthnPublicKey) {
	lasts := time.Duration(options.Timeout) * time.Millisecond // as WebAuthn has it
	if lasts <= 0 {
		lasts = m.connector.timing.passkey
	}
	m.codes = nil
	m.step(connectors.LinkStep{
		Kind: connectors.StepPasskey, Passkey: marshal(options), ExpiresAt: m.host.Now().Add(lasts), Message: sayPasskey, Last: true,
	})
	m.set(alarmStep, lasts)
}

// compare asks the user to compare codes, unless the library says that the QR code has proved as much; the phone shows none then.
func (m *machine) compare(ctx context.Context, event *events.PairPasskeyConfirmation) {
	if event.SkipHandoffUX {
		m.set(alarmStep, m.connector.timing.passkey)
		go func() {
			if err := m.confirm(ctx); err != nil {
				m.mail.put(&events.PairPasskeyError{Error: err, Continuation: true})
			}
		}()
		return
	}
	m.step(connectors.LinkStep{
		Kind: connectors.StepPasskeyConfirm, Code: event.Code, ExpiresAt: m.host.Now().Add(m.connector.timing.passkey), Message: sayCompare, Last: true,
	})
	m.set(alarmStep, m.connector.timing.passkey)
}

// confirm tells the network that the codes are the same.
func (l *Link) confirm(ctx context.Context) error {
	if err := l.client.SendPasskeyConfirmation(ctx); err != nil {
		return queryError(err)
	}
	l.mu.Lock()
	l.sure = true
	l.mu.Unlock()
	return nil
}

// PairByCode asks for a pairing code. It waits until the network is ready for a new link.
func (l *Link) PairByCode(ctx context.Context, phone string) (connectors.LinkStep, error) {
	digits := connectors.Digits(phone)
	if !isPhone(digits) {
		return connectors.LinkStep{}, connectors.Rejected(codeBadField, "Give the phone number with its country code, such as +16311113333.", "phone")
	}
	if l.identity.Device != "" || l.lost {
		return connectors.LinkStep{}, noLink()
	}
	if err := l.await(ctx, l.waiting); err != nil {
		return connectors.LinkStep{}, err
	}
	if l.timeLeft() < codeTime { // the code would end with the connection, while it is being typed
		ready := make(chan struct{})
		l.mail.put(renew{ready})
		if err := l.await(ctx, ready); err != nil {
			return connectors.LinkStep{}, err
		}
	}
	if step := l.state().Step; step == nil || (step.Kind != connectors.StepQR && step.Kind != connectors.StepPairingCode) {
		return connectors.LinkStep{}, noLink()
	}
	code, err := l.client.PairPhone(ctx, digits, true, whatsmeow.PairClientChrome, pairingClient)
	if err != nil {
		return connectors.LinkStep{}, pairPhoneError(err)
	}
	step := connectors.LinkStep{
		Kind: connectors.StepPairingCode, Code: code, ExpiresAt: l.host.Now().Add(l.timeLeft()), Message: sayType, Last: true,
	}
	l.mail.put(codeGiven{step})
	return step, nil
}

// await waits for a signal, or until there will be none.
func (l *Link) await(ctx context.Context, signal <-chan struct{}) error {
	select {
	case <-signal:
	case <-l.over:
	case <-l.quit:
	case <-ctx.Done():
		return connectors.Retryable(ctx.Err())
	}
	return nil
}

// timeLeft returns how long the connection of a link stands: WhatsApp ends it with the last QR code, and a pairing code ends with it.
func (l *Link) timeLeft() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until.Sub(l.host.Now())
}

func noLink() *connectors.Error {
	return connectors.Rejected(codeNoLink, "This session is not waiting to be linked in this way. Start a new link first.", "")
}

// pairPhoneError is the meaning of an error of PairPhone.
func pairPhoneError(err error) error {
	var refusal *whatsmeow.IQError
	switch {
	case errors.Is(err, whatsmeow.ErrPhoneNumberTooShort), errors.Is(err, whatsmeow.ErrPhoneNumberIsNotInternational):
		return connectors.Rejected(codeBadField, "Give the phone number with its country code, such as +16311113333.", "phone")
	case errors.As(err, &refusal) && refusal.Code >= 400 && refusal.Code < ackServerError && refusal.Code != ackRateLimit:
		failed := connectors.Rejected(codeRefused, "WhatsApp gives no pairing code for this number. Check it, or link by the QR code.", "phone")
		failed.Err = err
		return failed
	}
	return queryError(err)
}

// AnswerPasskey hands the assertion to the network.
func (l *Link) AnswerPasskey(ctx context.Context, assertion json.RawMessage) error {
	if step := l.state().Step; step == nil || (step.Kind != connectors.StepPasskey && step.Kind != connectors.StepPasskeyConfirm) {
		return noLink()
	}
	var answer types.WebAuthnResponse
	if err := json.Unmarshal(assertion, &answer); err != nil || len(answer.RawID) == 0 {
		return connectors.Rejected(codeBadField, "The assertion must be the public key credential that the browser returned, as JSON with id, rawId, type and response.", "assertion")
	}
	if err := l.client.SendPasskeyResponse(ctx, &answer); err != nil {
		return queryError(err)
	}
	return nil
}

// ConfirmPasskey tells the network that the user has compared the codes. Where they needed no comparing it does nothing.
func (l *Link) ConfirmPasskey(ctx context.Context) error {
	l.mu.Lock()
	sure := l.sure
	l.mu.Unlock()
	if sure {
		return nil
	}
	if step := l.state().Step; step == nil || step.Kind != connectors.StepPasskeyConfirm {
		return noLink()
	}
	return l.confirm(ctx)
}
