package whatsapp

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types/events"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

func TestQRCodesFollowEachOtherAndEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.connector.timing.firstCode, r.connector.timing.nextCode = 60*time.Millisecond, 20*time.Millisecond
	link := r.open(t, "")
	end := r.listener.await(t, in(connectors.LinkDisconnected))
	require.Equal(t, connectors.ReasonQRTimeout, end.Reason)
	require.False(t, end.Retry)
	require.Nil(t, end.Step)
	states := r.listener.history()
	require.Len(t, states, 7)
	codes := map[string]bool{}
	for i, state := range states[:6] {
		require.Equal(t, connectors.LinkQR, state.Status)
		require.Equal(t, connectors.StepQR, state.Step.Kind)
		require.Equal(t, i == 5, state.Step.Last)
		require.NotEmpty(t, state.Step.Message)
		require.NotZero(t, state.Step.ExpiresAt)
		require.Zero(t, state.Identity)
		codes[state.Step.Code] = true
	}
	require.Len(t, codes, 6)
	_, err := link.PairByCode(within(t), owner)
	require.Equal(t, codeNoLink, connectors.AsError(err).Code)
}

func TestTheTimesOfQRCodesAreWhatsAppWebs(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	m := waitingMachine(now)
	m.on(t.Context(), &events.QR{Codes: []string{"a", "b", "c"}})
	require.Equal(t, now.Add(60*time.Second), m.state.Step.ExpiresAt)
	require.WithinDuration(t, time.Now().Add(60*time.Second), m.due[alarmStep], time.Second*30)
	require.Equal(t, now.Add(100*time.Second), m.until)
	m.stepOver()
	require.Equal(t, "b", m.state.Step.Code)
	require.Equal(t, now.Add(20*time.Second), m.state.Step.ExpiresAt)
	m.on(t.Context(), &events.QR{Codes: []string{"d"}})
	require.Equal(t, "b", m.state.Step.Code)

	m.on(t.Context(), &events.PairPasskeyRequest{PublicKey: passkeyOptions(t, 45000)})
	require.Equal(t, connectors.StepPasskey, m.state.Step.Kind)
	require.Equal(t, now.Add(45*time.Second), m.state.Step.ExpiresAt)
	m.on(t.Context(), &events.PairPasskeyConfirmation{Code: "ABCD-1234"})
	require.Equal(t, connectors.StepPasskeyConfirm, m.state.Step.Kind)
	require.Equal(t, "ABCD-1234", m.state.Step.Code)
	require.Equal(t, connectors.LinkQR, m.state.Status)
	m.stepOver()
	require.Equal(t, connectors.ReasonPairingFailed, m.state.Reason)
	require.True(t, m.finished)
}

func TestALinkThatBreaksOffHasAReason(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		news   []any
		reason string
	}{
		"before the last code":     {[]any{&events.QR{Codes: []string{"a", "b"}}}, connectors.ReasonConnectionLost},
		"with the last code":       {[]any{&events.QR{Codes: []string{"a"}}}, connectors.ReasonQRTimeout},
		"while a code is typed":    {[]any{&events.QR{Codes: []string{"a", "b"}}, codeGiven{connectors.LinkStep{Kind: connectors.StepPairingCode}}}, connectors.ReasonPairingFailed},
		"while a passkey is asked": {[]any{&events.QR{Codes: []string{"a", "b"}}, &events.PairPasskeyRequest{PublicKey: passkeyOptions(t, 0)}}, connectors.ReasonPairingFailed},
		"by a passkey's error":     {[]any{&events.QR{Codes: []string{"a", "b"}}, &events.PairPasskeyError{}}, connectors.ReasonPairingFailed},
		"by the phone":             {[]any{&events.QR{Codes: []string{"a", "b"}}, &events.PairError{}}, connectors.ReasonPairingFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := waitingMachine(time.Now())
			for _, item := range one.news {
				m.on(t.Context(), item)
			}
			m.on(t.Context(), &events.Disconnected{})
			require.Equal(t, connectors.LinkDisconnected, m.state.Status)
			require.Equal(t, one.reason, m.state.Reason)
			require.NotEmpty(t, m.state.Message)
			require.False(t, m.state.Retry)
			require.True(t, m.finished)
		})
	}
}

func TestAPhoneIsLinkedByPairingCode(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	user := r.server.AddUser(owner)
	link := r.open(t, "")
	step, err := link.PairByCode(within(t), "+49 170 1234567")
	require.NoError(t, err)
	require.Equal(t, connectors.StepPairingCode, step.Kind)
	require.Regexp(t, `^[0-9A-Z]{4}-[0-9A-Z]{4}$`, step.Code)
	require.WithinDuration(t, time.Now().Add(160*time.Second), step.ExpiresAt, time.Minute)
	state := r.listener.await(t, func(s connectors.LinkState) bool { return s.Step != nil && s.Step.Kind == connectors.StepPairingCode })
	require.Equal(t, step.Code, state.Step.Code)

	wrong := strings.Map(func(r rune) rune {
		if r == '2' {
			return '3'
		}
		return '2'
	}, strings.ReplaceAll(step.Code, "-", ""))
	_, err = user.EnterCode(within(t), wrong)
	require.ErrorIs(t, err, watest.ErrWrongCode)
	_, err = user.EnterCode(within(t), step.Code)
	require.NoError(t, err)
	state = r.listener.await(t, connected)
	require.Equal(t, owner, state.Identity.Address)
	_, err = link.PairByCode(within(t), owner)
	require.Equal(t, codeNoLink, connectors.AsError(err).Code)
}

func TestAPairingCodeThatWouldSoonEndIsAskedForOverANewConnection(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.connector.timing.nextCode = time.Second // so that less than two minutes are left at once
	user := r.server.AddUser(owner)
	link := r.open(t, "")
	first := r.listener.await(t, in(connectors.LinkQR))
	step, err := link.PairByCode(within(t), owner)
	require.NoError(t, err)
	second := r.listener.await(t, in(connectors.LinkQR))
	require.NotEqual(t, first.Step.Code, second.Step.Code)
	require.Equal(t, connectors.StepQR, second.Step.Kind)
	_, err = user.Scan(within(t), first.Step.Code)
	require.ErrorIs(t, err, watest.ErrNoQR)
	_, err = user.EnterCode(within(t), step.Code)
	require.NoError(t, err)
	r.listener.await(t, connected)
	require.Equal(t, []connectors.LinkStatus{connectors.LinkQR, connectors.LinkConnecting, connectors.LinkConnected}, r.statuses())
}

func TestAPairingCodeThatIsNotEnteredInTimeEndsTheLink(t *testing.T) {
	t.Parallel()
	now := time.Now()
	m := waitingMachine(now)
	m.on(t.Context(), &events.QR{Codes: []string{"a", "b"}})
	m.on(t.Context(), codeGiven{connectors.LinkStep{Kind: connectors.StepPairingCode, Code: "ABCD-1234", ExpiresAt: now.Add(time.Hour)}})
	require.Equal(t, "ABCD-1234", m.state.Step.Code)
	require.WithinDuration(t, now.Add(time.Hour), m.due[alarmStep], time.Minute)
	m.stepOver()
	require.Equal(t, connectors.ReasonPairingFailed, m.state.Reason)
	require.True(t, m.finished)
}

func TestNoPairingCodeForANumberThatIsNone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	link := r.open(t, "")
	for _, number := range []string{"", "12", "hello", "0170 1234567", "4915100000000"} {
		_, err := link.PairByCode(within(t), number)
		failed := connectors.AsError(err)
		require.Equal(t, connectors.KindRejected, failed.Kind, number)
		require.Equal(t, "phone", failed.Field)
	}
	require.Equal(t, []connectors.LinkStatus{connectors.LinkQR}, r.statuses())
}

func TestAPhoneIsLinkedByPasskey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.server.Switch(func(s *watest.Switches) { s.DemandPasskey = true })
	user := r.server.AddUser(owner)
	link := r.open(t, "")
	require.Equal(t, codeNoLink, connectors.AsError(link.AnswerPasskey(within(t), json.RawMessage(`{}`))).Code)
	require.Equal(t, codeNoLink, connectors.AsError(link.ConfirmPasskey(within(t))).Code)
	qr := r.listener.await(t, in(connectors.LinkQR))
	scanned := make(chan error, 1)
	go func() {
		_, err := user.Scan(within(t), qr.Step.Code)
		scanned <- err
	}()
	state := r.listener.await(t, func(s connectors.LinkState) bool { return s.Step != nil && s.Step.Kind == connectors.StepPasskey })
	var options struct {
		Challenge, RPID string
		Timeout         int
	}
	require.NoError(t, json.Unmarshal(state.Step.Passkey, &options))
	require.Equal(t, "d2F0ZXN0LWNoYWxsZW5nZQ", options.Challenge)
	require.Equal(t, "whatsapp.com", options.RPID)
	_, err := link.PairByCode(within(t), owner)
	require.Equal(t, codeNoLink, connectors.AsError(err).Code)

	for _, wrong := range []string{`{`, `[]`, `{"id":"x"}`, `null`} {
		require.Equal(t, codeBadField, connectors.AsError(link.AnswerPasskey(within(t), json.RawMessage(wrong))).Code, wrong)
	}
	require.NoError(t, link.AnswerPasskey(within(t), json.RawMessage(
		`{"id":"AQ","rawId":"AQ","type":"public-key","response":{"clientDataJSON":"AQ","authenticatorData":"AQ","signature":"AQ"}}`)))
	require.NoError(t, <-scanned)
	r.listener.await(t, connected)
	require.NoError(t, link.ConfirmPasskey(within(t)), "the QR code had proved enough")
}

func TestTheListenerCanRefuseALink(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.listener.pairing = connectors.Rejected(connectors.CodeAlreadyLinked, "Another session of this account has this number.", "")
	user := r.server.AddUser(owner)
	r.open(t, "")
	state := r.listener.await(t, in(connectors.LinkQR))
	_, err := user.Scan(within(t), state.Step.Code)
	require.ErrorIs(t, err, watest.ErrPairingRefused)
	state = r.listener.await(t, in(connectors.LinkDisconnected))
	require.Equal(t, connectors.ReasonPairingFailed, state.Reason)
	require.Equal(t, "Another session of this account has this number.", state.Message)
	require.Zero(t, state.Identity)
	require.Equal(t, owner, r.listener.paired[0].Address)
	require.Empty(t, user.Devices())
}

func TestALinkWhoseNetworkIsOutOfReachGivesUp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.server.Close()
	r.connector.timing.grace = time.Millisecond
	r.open(t, "")
	state := r.listener.await(t, func(s connectors.LinkState) bool { return s.Status == connectors.LinkDisconnected && !s.Retry })
	require.Equal(t, connectors.ReasonUnreachable, state.Reason)
	require.LessOrEqual(t, len(r.listener.history()), 2)
}

func TestAnOutdatedClientLearnsItWhenLinking(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.server.Switch(func(s *watest.Switches) { s.RefusePairings, s.RefuseWith = 1, watest.FailureOutdated })
	r.open(t, "")
	require.Equal(t, connectors.ReasonOutdated, r.listener.await(t, in(connectors.LinkDisconnected)).Reason)
}
