package session_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/util/dbutil"

	"github.com/switchhook/switchhook/connectors"
)

// network stands for a network with linked devices. Tests say what becomes of its links; it keeps what it was asked for.
type network struct {
	mu        sync.Mutex
	links     map[string][]*link // by session id, oldest first
	messages  int
	forgotten []string
	sent      chan connectors.OutMessage
	onSend    func(connectors.OutMessage) // optional
	refusal   error                       // of OpenLink
}

func newNetwork() *network {
	return &network{links: map[string][]*link{}, sent: make(chan connectors.OutMessage, 1000)}
}

const kind = "linked"

func (n *network) Info() connectors.Info {
	return connectors.Info{
		Kind: kind, Name: "Linked", Platform: "whatsapp", KeyPrefix: "wa", Abilities: []connectors.Ability{connectors.AbilitySend, connectors.AbilityLink},
		Fields: []connectors.Field{{Key: "sendGap", Label: "Gap", Type: connectors.FieldText}, {Key: "other", Label: "Other", Type: connectors.FieldText}},
	}
}

func (n *network) Address(connectors.Config) (string, error) { return "", nil }

func (n *network) Open(connectors.Channel, connectors.Host) (connectors.Conn, error) {
	return nothing{}, nil
}

type nothing struct{}

func (nothing) Close() error { return nil }

func (n *network) OpenLink(_ context.Context, session connectors.LinkSession, host connectors.LinkHost) (connectors.Link, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refusal != nil {
		return nil, n.refusal
	}
	l := &link{network: n, session: session, host: host}
	n.links[session.ID] = append(n.links[session.ID], l)
	return l, nil
}

func (n *network) NewMessageID() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.messages++
	return fmt.Sprintf("WA%d", n.messages)
}

func (n *network) Forget(_ context.Context, _ *dbutil.Database, device string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.forgotten = append(n.forgotten, device)
	return nil
}

// opened returns how many links of a session were opened so far.
func (n *network) opened(sessionID string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.links[sessionID])
}

// link returns the newest link of a session.
func (n *network) link(t *testing.T, sessionID string) *link {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.links[sessionID]
	require.NotEmpty(t, all, "no link of %s was opened", sessionID)
	return all[len(all)-1]
}

// link is a connection of the network.
type link struct {
	network *network
	session connectors.LinkSession
	host    connectors.LinkHost

	mu              sync.Mutex
	started, closed bool
	commands        []string
	failure         error // of every command
}

// become tells a state, as the network would bring it about.
func (l *link) become(t *testing.T, state connectors.LinkState) {
	t.Helper()
	require.NoError(t, l.host.Listener.LinkChanged(t.Context(), state))
}

func qr(code string) connectors.LinkState {
	return connectors.LinkState{Status: connectors.LinkQR, Step: &connectors.LinkStep{Kind: connectors.StepQR, Code: code, ExpiresAt: start(), Message: "Scan."}}
}

func connected(phone string) connectors.LinkState {
	return connectors.LinkState{Status: connectors.LinkConnected, Identity: identity(phone)}
}

func identity(phone string) connectors.LinkIdentity {
	return connectors.LinkIdentity{Device: "device of " + phone, Address: phone, LID: "lid", Name: "Ann"}
}

// connect links a phone and goes online.
func (l *link) connect(t *testing.T, phone string) {
	t.Helper()
	require.NoError(t, l.host.Listener.LinkPairing(t.Context(), identity(phone)))
	l.become(t, connectors.LinkState{Status: connectors.LinkConnecting, Identity: identity(phone)})
	l.become(t, connected(phone))
}

func (l *link) Start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.started = true
}

func (l *link) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}

// live reports whether the link was started and is not closed.
func (l *link) live() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.started && !l.closed
}

func (l *link) command(text string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.commands = append(l.commands, text)
	return l.failure
}

func (l *link) asked() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.commands
}

func (l *link) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failure = err
}

func (l *link) Send(_ context.Context, m connectors.OutMessage) (connectors.Receipt, error) {
	if !l.host.Held() {
		return connectors.Receipt{}, connectors.Retryable(nil)
	}
	if l.network.onSend != nil {
		l.network.onSend(m)
	}
	l.network.sent <- m
	return connectors.Receipt{ProviderID: m.ProviderID, Status: connectors.StatusSent}, nil
}

func (l *link) PairByCode(_ context.Context, phone string) (connectors.LinkStep, error) {
	return connectors.LinkStep{Kind: connectors.StepPairingCode, Code: "ABCD-EFGH", ExpiresAt: start(), Message: "Type."}, l.command("pair " + phone)
}

func (l *link) AnswerPasskey(_ context.Context, assertion json.RawMessage) error {
	return l.command("passkey " + string(assertion))
}

func (l *link) ConfirmPasskey(context.Context) error { return l.command("confirm") }

func (l *link) CheckNumbers(_ context.Context, numbers []string) ([]connectors.NumberCheck, error) {
	checks := make([]connectors.NumberCheck, len(numbers))
	for i, number := range numbers {
		checks[i] = connectors.NumberCheck{Number: number, Exists: true, Address: number}
	}
	return checks, l.command(fmt.Sprint("check ", numbers))
}

func (l *link) MarkRead(_ context.Context, chat connectors.Quoted, ids []string) error {
	return l.command(fmt.Sprint("read ", chat.Chat, " of ", chat.Sender, " ", ids))
}

func (l *link) Logout(context.Context) error { return l.command("logout") }
