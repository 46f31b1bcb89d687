package whatsapp

import (
	"context"
	"encoding/json"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/store"

	"github.com/switchhook/switchhook/connectors"
)

// Link is one linked device. When its state is LOGGED_OUT, or a new link has failed, it has finished for good: to link again, close it and
// open another without a device.
type Link struct {
	connector *Connector
	host      connectors.LinkHost
	settings  settings
	identity  connectors.LinkIdentity // as the database had it when the Link was opened
	lost      bool                    // the database does not hold the device's keys

	client *whatsmeow.Client
	gate   *gate
	keys   *ratchet
	mail   *mailbox
	in     *inbound
	out    *outbound
	groups *groupNames

	online     atomic.Bool  // the network has welcomed the device
	connecting atomic.Bool  // an attempt is under way; most of the client's methods would wait for it
	leaving    atomic.Bool  // Logout is under way
	refusals   atomic.Int32 // deliveries in a row that the listener did not take

	calls   sync.WaitGroup // of the listener
	cancel  context.CancelFunc
	run     func()        // the goroutine's body
	quit    chan struct{} // closed by Close
	ended   chan struct{} // closed when the goroutine has ended
	waiting chan struct{} // closed when the network is ready for a new link
	over    chan struct{} // closed when the Link has finished

	mu      sync.Mutex
	started bool
	closed  bool
	present connectors.LinkState
	until   time.Time // when the codes of a new link run out
	sure    bool      // the passkey's codes need no comparing, or have been confirmed
}

// newLink makes a Link. device is nil where the session's is not in the database.
func newLink(c *Connector, session connectors.LinkSession, host connectors.LinkHost, device *store.Device, proxy *url.URL) (*Link, error) {
	ctx, cancel := context.WithCancel(context.Background())
	l := &Link{
		connector: c, host: host, settings: readSettings(session.Config), mail: newMailbox(), cancel: cancel,
		quit: make(chan struct{}), ended: make(chan struct{}), waiting: make(chan struct{}), over: make(chan struct{}),
		present: connectors.LinkState{Status: connectors.LinkPending},
	}
	l.run = func() { l.loop(ctx) }
	if device == nil {
		l.lost = true
		return l, nil
	}
	if device.ID != nil {
		l.identity = identityOf(*device.ID, device.LID, firstOf(device.PushName, device.BusinessName))
	}
	l.gate = &gate{held: host.Held, lost: func() { l.mail.put(leaseLost{}) }}
	l.keys = newRatchet(host.Held, l.gate.cut)
	l.keys.guard(device)
	l.client = whatsmeow.NewClient(device, newLog(host.Logger))
	l.setUp(ctx, proxy)
	l.groups = newGroupNames(l.askGroup)
	if err := l.addParts(); err != nil {
		cancel()
		return nil, err
	}
	return l, nil
}

// setUp configures the client.
func (l *Link) setUp(ctx context.Context, proxy *url.URL) {
	client := l.client
	client.BackgroundEventCtx = ctx
	// Nothing is acknowledged before it is stored. A message that comes again is decrypted already, so that its text has to be in a buffer.
	client.SynchronousAck = true
	client.EnableDecryptedEventBuffer = true
	client.UseRetryMessageStore = true
	client.AutoTrustIdentity = true
	// Connections are made in reconnect.go, also the one after a link.
	client.EnableAutoReconnect = false
	client.DisableLoginAutoReconnect = true
	client.ManualHistorySyncDownload = true // we keep no history; the network still gets its receipt
	websocket := l.connector.websocketHTTP(l.host.Host, proxy, l.gate)
	client.SetWebsocketHTTPClient(websocket)
	client.SetPreLoginHTTPClient(websocket)
	client.SetMediaHTTPClient(l.connector.mediaHTTP(l.host.Host, proxy, l.host.Held))
	client.PrePairCallback = l.agree(ctx)
	client.AddEventHandlerWithSuccessStatus(func(event any) bool { return l.handle(ctx, event) })
}

// Start begins to connect, or to link.
func (l *Link) Start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.started || l.closed {
		return
	}
	l.started = true
	go l.run()
}

// Close disconnects and waits until no call of the listener is under way. It must not be called from within such a call.
func (l *Link) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		<-l.ended
		return nil
	}
	l.closed = true
	started := l.started
	l.mu.Unlock()
	l.online.Store(false)
	close(l.quit)
	patience := time.AfterFunc(l.connector.timing.close, l.cancel)
	l.calls.Wait()
	if !started {
		close(l.ended)
	}
	<-l.ended
	patience.Stop()
	l.disconnect()
	l.cancel()
	return nil
}

// disconnect closes the connection. It does not use the library's own Disconnect: where the network closes at the same moment, that calls a
// function which it has just set to nil (socket.FrameSocket.Close), and it waits for an attempt to connect.
func (l *Link) disconnect() {
	l.online.Store(false)
	if l.gate != nil {
		l.gate.cut()
	}
}

// enter begins a call of the listener; it fails when the Link is closed. The caller ends it with calls.Done.
func (l *Link) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.calls.Add(1)
	return true
}

// show makes a state known to the methods.
func (l *Link) show(state connectors.LinkState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.present = state
}

// state returns the present state.
func (l *Link) state() connectors.LinkState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.present
}

// ready returns nil where the device is online, else why not.
func (l *Link) ready() error {
	if state := l.state(); state.Status == connectors.LinkLoggedOut {
		return connectors.Unlinked(codeUnlinked, state.Message)
	}
	if !l.online.Load() {
		return notConnected(nil)
	}
	return nil
}

// Send sends one message.
func (l *Link) Send(ctx context.Context, message connectors.OutMessage) (connectors.Receipt, error) {
	if err := l.ready(); err != nil {
		return connectors.Receipt{}, err
	}
	receipt, err := l.out.send(ctx, message)
	if err != nil && connectors.AsError(err).Code == codeNotReachable {
		l.mail.put(limited{})
	}
	return receipt, err
}

// CheckNumbers tells which phone numbers are on WhatsApp.
func (l *Link) CheckNumbers(ctx context.Context, numbers []string) ([]connectors.NumberCheck, error) {
	if err := l.ready(); err != nil {
		return nil, err
	}
	return l.out.checkNumbers(ctx, numbers)
}

// MarkRead shows the senders that their messages have been read.
func (l *Link) MarkRead(ctx context.Context, chat connectors.Quoted, providerIDs []string) error {
	if err := l.ready(); err != nil {
		return err
	}
	return l.out.markRead(ctx, chat, providerIDs)
}

// Logout unlinks the device at the network and deletes its keys. The device must be online.
func (l *Link) Logout(ctx context.Context) error {
	if err := l.ready(); err != nil {
		return err
	}
	l.leaving.Store(true) // what the network says of it is no news
	if err := l.client.Logout(ctx); err != nil {
		l.leaving.Store(false)
		return queryError(err)
	}
	l.online.Store(false)
	l.mail.put(unlinked{})
	return nil
}

// firstOf returns the first text that is not empty.
func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

var _ connectors.Link = (*Link)(nil)

// marshal is for what can always be encoded.
func marshal(v any) json.RawMessage {
	encoded, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return encoded
}
