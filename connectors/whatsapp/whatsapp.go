// Package whatsapp links a WhatsApp number as one more of its linked devices, as WhatsApp Web does, by way of the library whatsmeow.
//
// A Link is one device. Its keys are in tables of the library's own in the product's database. What the network says becomes a
// connectors.LinkState in one goroutine per Link (loop.go); messages are handed on from the library's goroutines and acknowledged to the
// network only when they are on disk (events.go). Each byte to and from the network passes a gate that asks for the session's lease
// (transport.go).
package whatsapp

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"go.mau.fi/util/dbutil"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"github.com/switchhook/switchhook/connectors"
)

// Kind is the kind of channel that this package opens.
const Kind = "whatsapp"

const (
	maxTextLength = 65536     // characters; WhatsApp's apps take no more
	maxMediaBytes = 100 << 20 // of any file; kinds have limits of their own. What the business platform takes as a document
	maxConnecting = 8         // connections that are being made at a time: a restart must not fall upon the network with hundreds at once
	deviceName    = "Switchhook"
)

// Options configures the network.
type Options struct {
	ClientVersion string // of WhatsApp Web, like 2.3000.1045649367, where WhatsApp refuses the library's own; or empty
	DeviceName    string // as the phone lists the device; empty: Switchhook

	// For tests only, and only together: where a test server is (host:port, on loopback), and the public root key of its certificates, 64
	// hexadecimal digits.
	TestServer  string
	TestRootKey string
}

// Names of the operator's settings.
const (
	settingVersion = "WHATSAPP_CLIENT_VERSION"
	settingDevice  = "WHATSAPP_DEVICE_NAME"
	settingServer  = "WHATSAPP_TEST_SERVER"
	settingRootKey = "WHATSAPP_TEST_ROOT_KEY"
)

// Settings returns the names of the operator's settings that OptionsOf reads.
func Settings() []string {
	return []string{settingVersion, settingDevice, settingServer, settingRootKey}
}

// OptionsOf reads the operator's settings.
func OptionsOf(setting func(name string) string) Options {
	return Options{
		ClientVersion: setting(settingVersion), DeviceName: setting(settingDevice),
		TestServer: setting(settingServer), TestRootKey: setting(settingRootKey),
	}
}

// Connector is WhatsApp by linked device.
type Connector struct {
	test      string // address of a test server, or empty
	transport *http.Transport
	stores    *stores
	slots     chan struct{} // one for each connection that is being made
	timing    timing
}

var (
	_ connectors.Connector = (*Connector)(nil)
	_ connectors.Linker    = (*Connector)(nil)
)

// process guards the library's settings, which are variables of its packages, against two calls of New.
var process sync.Mutex //nolint:gochecknoglobals // what it guards is global

// New returns the connector. The library keeps the client's version, the device's name and the root key for the whole process: New sets
// them, so all Connectors of a process have the same options, and the first is made before any Link.
func New(options Options) (*Connector, error) {
	if options.DeviceName == "" {
		options.DeviceName = deviceName
	}
	process.Lock()
	defer process.Unlock()
	if options.ClientVersion != "" {
		version, err := store.ParseVersion(options.ClientVersion)
		if err != nil || version.IsZero() {
			return nil, errors.New(settingVersion + " must be three numbers with dots between them, such as 2.3000.1045649367")
		}
		if store.GetWAVersion() != version {
			store.SetWAVersion(version)
		}
	}
	if err := useTestServer(options); err != nil {
		return nil, err
	}
	if store.DeviceProps.GetOs() != options.DeviceName {
		store.DeviceProps.Os = &options.DeviceName
	}
	return &Connector{
		test: options.TestServer, transport: newTransport(options.TestServer), stores: newStores(),
		slots: make(chan struct{}, maxConnecting), timing: standardTiming(),
	}, nil
}

// useTestServer checks the two options of a test server and sets the root key.
func useTestServer(options Options) error {
	if options.TestServer == "" && options.TestRootKey == "" {
		return nil
	}
	if options.TestServer == "" || options.TestRootKey == "" {
		return errors.New(settingServer + " and " + settingRootKey + " are for tests and only allowed together: set both or none")
	}
	if host, _, err := net.SplitHostPort(options.TestServer); err != nil || !loopback(host) {
		return errors.New(settingServer + " must be a port of this machine, such as 127.0.0.1:8443: sessions are never sent to another server than WhatsApp's")
	}
	key, err := hex.DecodeString(options.TestRootKey)
	if err != nil || len(key) != len(whatsmeow.WACertPubKey) {
		return errors.New(settingRootKey + " must be 64 hexadecimal digits")
	}
	if root := [32]byte(key); whatsmeow.WACertPubKey != root {
		whatsmeow.WACertPubKey = root
	}
	return nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// Info describes the kind.
func (*Connector) Info() connectors.Info {
	return connectors.Info{
		Kind: Kind, Name: "WhatsApp (linked device)", Platform: "whatsapp", KeyPrefix: "wa",
		DocsURL: "https://faq.whatsapp.com/378279804439436",
		Limits:  connectors.Limits{TextLength: maxTextLength, MediaCount: 1, MediaBytes: maxMediaBytes},
		Abilities: []connectors.Ability{
			connectors.AbilityLink, connectors.AbilitySend, connectors.AbilityReceive, connectors.AbilityStatus, connectors.AbilityMedia,
			connectors.AbilityRich,
		},
		Fields: fields(),
	}
}

// Address checks the configuration and returns "": the number is known when a phone has accepted the link.
func (*Connector) Address(config connectors.Config) (string, error) {
	_, err := parseProxy(config[fieldProxy])
	return "", err
}

// Open makes the Conn of a session, which fetches media and needs no connection.
func (c *Connector) Open(channel connectors.Channel, host connectors.Host) (connectors.Conn, error) {
	proxy, err := parseProxy(channel.Config[fieldProxy])
	if err != nil {
		return nil, err
	}
	return &conn{http: c.mediaHTTP(host, proxy, nil)}, nil
}

// conn is a session without its connection.
type conn struct {
	http *http.Client // for media
}

// Close has nothing to free.
func (*conn) Close() error { return nil }

// NewMessageID makes an id of the form that WhatsApp Web uses.
func (*Connector) NewMessageID() string {
	return newMessageID()
}

// OpenLink prepares the connection of a session. Where the database does not hold the device's keys, Start tells LOGGED_OUT with the reason
// device_lost and does no more.
func (c *Connector) OpenLink(ctx context.Context, session connectors.LinkSession, host connectors.LinkHost) (connectors.Link, error) {
	switch {
	case host.DB == nil:
		return nil, errors.New("open whatsapp link: LinkHost.DB is missing")
	case host.Held == nil:
		return nil, errors.New("open whatsapp link: LinkHost.Held is missing")
	case host.Listener == nil:
		return nil, errors.New("open whatsapp link: LinkHost.Listener is missing")
	case host.HTTP == nil || host.Dial == nil || host.Logger == nil || host.Now == nil:
		return nil, errors.New("open whatsapp link: LinkHost.HTTP, Dial, Logger or Now is missing")
	}
	proxy, err := parseProxy(session.Config[fieldProxy])
	if err != nil {
		return nil, err
	}
	container, err := c.stores.open(ctx, host.DB, host.Logger)
	if err != nil {
		return nil, err
	}
	var device *store.Device
	if session.Device == "" {
		device = container.NewDevice()
	} else {
		jid, err := types.ParseJID(session.Device)
		if err != nil {
			return nil, fmt.Errorf("open whatsapp link: %w", err)
		}
		if device, err = container.GetDevice(ctx, jid); err != nil {
			return nil, fmt.Errorf("read whatsapp device: %w", err)
		}
	}
	return newLink(c, session, host, device, proxy) //nolint:contextcheck // a Link lives longer than the call that opens it
}

// Upgrade brings the library's tables in the database up to date. OpenLink and Forget do it by themselves; several processes may do it at once.
func (c *Connector) Upgrade(ctx context.Context, db *dbutil.Database) error {
	_, err := c.stores.open(ctx, db, nil)
	return err
}

// Forget deletes the keys of a device and what else the library keeps of it.
func (c *Connector) Forget(ctx context.Context, db *dbutil.Database, device string) error {
	jid, err := types.ParseJID(device)
	if err != nil {
		return fmt.Errorf("forget whatsapp device: %w", err)
	}
	container, err := c.stores.open(ctx, db, nil)
	if err != nil {
		return err
	}
	if err := container.DeleteDevice(ctx, &store.Device{ID: &jid}); err != nil {
		return fmt.Errorf("forget whatsapp device: %w", err)
	}
	// Of the device's tables this one alone has no foreign key.
	if _, err := db.Exec(ctx, "DELETE FROM whatsmeow_privacy_tokens WHERE our_jid=$1", jid.String()); err != nil {
		return fmt.Errorf("forget whatsapp device: %w", err)
	}
	return nil
}

// timing holds how long things take.
type timing struct {
	firstCode  time.Duration // the first QR code is shown; WhatsApp Web does the same
	nextCode   time.Duration // each further one
	passkey    time.Duration // for an answer by passkey, where the network does not say
	grace      time.Duration // a connection may be away so long before anybody is told
	firstRetry time.Duration // at most, until the first new attempt
	retry      time.Duration // the span from which the second waits are drawn; it doubles
	maxRetry   time.Duration // where it stops doubling
	stable     time.Duration // a connection that lasted so long ends a row of failures
	login      time.Duration // from the connection to the network's welcome; the library waits 75 s for each answer
	relogin    time.Duration // after a link, until the network has told us to come back, or we do so by ourselves
	ban        time.Duration // until the next attempt during a ban of unknown length
	stagger    time.Duration // at most, before an attempt, so that many do not begin at the same instant
	close      time.Duration // for calls of the listener when the Link is closed; then they are cancelled
	linkTries  int           // attempts in a row to reach the network for a new link
}

func standardTiming() timing {
	return timing{
		firstCode: 60 * time.Second, nextCode: 20 * time.Second, passkey: 5 * time.Minute,
		grace: 2 * time.Second, firstRetry: 250 * time.Millisecond, retry: time.Second, maxRetry: time.Minute, stable: 30 * time.Second,
		login: 90 * time.Second, relogin: 3 * time.Second, ban: time.Hour, stagger: 100 * time.Millisecond,
		close: 5 * time.Second, linkTries: 6,
	}
}
