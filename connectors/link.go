package connectors

import (
	"context"
	"encoding/json"
	"time"

	"go.mau.fi/util/dbutil"
)

// AbilityLink marks kinds whose channels are linked devices: Linker. Their ids begin with "sess_", and /v1/sessions shows them.
const AbilityLink Ability = "link"

// Codes of linked devices, beside those of errors.go.
const (
	CodeNotConnected   = "session_not_connected" // the device is not online; nothing was sent
	CodeAlreadyLinked  = "number_already_linked" // another session of the account has this number
	CodeLinkInProgress = "link_in_progress"      // a link is under way already
)

// Linker is a Connector whose channels are linked devices. A device has a connection of its own, which exactly one process holds.
// What needs no connection (FetchMedia) is done by the Conn that Open returns, in any process; all else by the Link.
type Linker interface {
	Connector

	// OpenLink prepares the connection of a session. It may read the database and makes no network calls; Link.Start does. A
	// session whose Device the database does not know any more opens as one without a device.
	OpenLink(ctx context.Context, session LinkSession, host LinkHost) (Link, error)

	// NewMessageID makes the id under which the network will know a message that is yet to be sent. It does not block.
	NewMessageID() string

	// Forget deletes what the database holds of a device that is linked no more. Deleting what is not there is no error.
	Forget(ctx context.Context, db *dbutil.Database, device string) error
}

// LinkSession is what a connector may know of a session.
type LinkSession struct {
	ID     string // "sess_…"
	Device string // the network's name of the linked device, as LinkIdentity.Device told it; empty where none is linked
	Config Config // unsealed
}

// LinkHost is what the core lends to a Link.
type LinkHost struct {
	Host
	DB *dbutil.Database // the product's database, where the connector keeps the device's keys in tables of its own

	// Held reports whether this process still holds the session's lease. A Link asks before every write to the network: without the
	// lease another process may be using the device. It is fast and does not block.
	Held func() bool

	Listener LinkListener
}

// LinkListener hears of a Link. Its methods may block until what they are told is on disk; a Link calls LinkChanged from one
// goroutine at a time, in order.
type LinkListener interface {
	// LinkChanged is told the whole present state whenever any part of it has changed.
	LinkChanged(ctx context.Context, state LinkState) error

	// LinkReceived takes messages and news of messages. They are on disk when it returns nil. After an error the Link must not
	// acknowledge them to the network, so that they come again.
	LinkReceived(ctx context.Context, result CallbackResult) error

	// LinkPairing is asked when a phone has accepted the link, before the network hears that we agree. It notes the identity. An error,
	// of type *Error, refuses the link; its sentence becomes the state's.
	LinkPairing(ctx context.Context, identity LinkIdentity) error
}

// LinkStatus is the state of a session, in the words of the whathooks contract.
type LinkStatus string

// The states of a session.
const (
	LinkPending      LinkStatus = "PENDING"      // made, nothing done yet
	LinkQR           LinkStatus = "QR"           // waits for the phone: a QR code, a pairing code or a passkey step
	LinkConnecting   LinkStatus = "CONNECTING"   // the phone has accepted, or a linked device is on its way online
	LinkConnected    LinkStatus = "CONNECTED"    // online
	LinkDisconnected LinkStatus = "DISCONNECTED" // offline; LinkState.Retry tells whether it comes back by itself
	LinkLoggedOut    LinkStatus = "LOGGED_OUT"   // unlinked; needs a new QR code
)

// Reasons of a LinkState.
const (
	ReasonConnectionLost = "connection_lost"  // DISCONNECTED, Retry
	ReasonUnreachable    = "unreachable"      // DISCONNECTED, Retry: the network cannot be reached
	ReasonReplaced       = "replaced"         // DISCONNECTED: another program uses the same device
	ReasonBanned         = "banned"           // DISCONNECTED until LinkState.Until; retried then
	ReasonOutdated       = "client_outdated"  // DISCONNECTED: the network refuses this version of the client
	ReasonRefused        = "refused"          // DISCONNECTED: the network refuses the connection for a reason of its own
	ReasonQRTimeout      = "qr_timeout"       // DISCONNECTED: nobody scanned
	ReasonPairingFailed  = "pairing_failed"   // DISCONNECTED: wrong code, or the phone broke off
	ReasonLoggedOut      = "logged_out"       // LOGGED_OUT: unlinked on the phone
	ReasonAccountBanned  = "account_banned"   // LOGGED_OUT: the network closed the account
	ReasonUnlinked       = "unlinked"         // LOGGED_OUT: by us, POST /v1/sessions/:id/logout
	ReasonDeviceLost     = "device_lost"      // LOGGED_OUT: our database does not hold the device's keys any more
	ReasonPhoneOffline   = "phone_offline"    // CONNECTED with a warning, or LOGGED_OUT where the network says so
	ReasonDegraded       = "degraded"         // CONNECTED: the network does not answer at the moment
	ReasonDisabled       = "disabled"         // DISCONNECTED: switched off by the user
	ReasonServerStopped  = "server_restarted" // CONNECTING after this server's own restart
)

// LinkState is the whole state of a Link.
type LinkState struct {
	Status  LinkStatus
	Reason  string    // one of the reasons above, or empty where the state needs none
	Message string    // the reason as a sentence that says what to do
	Retry   bool      // with DISCONNECTED: the Link tries again by itself
	Until   time.Time // until when the reason holds, where the network tells
	Step    *LinkStep // with QR: what the user has to do

	Identity LinkIdentity // zero while no device is linked
	Limit    *LinkLimit   // what the network allows this account less than others, or nil
}

// LinkIdentity is who a device is linked to.
type LinkIdentity struct {
	Device  string // the network's name of the device, for LinkSession.Device
	Address string // the phone number in digits
	LID     string // the network's hidden id of the account, or empty
	Name    string // the name as the network shows it, or empty
}

// The steps of a link, LinkStep.Kind.
const (
	StepQR             = "qr"              // scan Code with the phone
	StepPairingCode    = "pairing_code"    // type Code into the phone
	StepPasskey        = "passkey"         // answer Passkey with the account's passkey
	StepPasskeyConfirm = "passkey_confirm" // compare Code with the one that the phone shows, then confirm
)

// LinkStep is what the user has to do next.
type LinkStep struct {
	Kind      string          `json:"kind"`
	Code      string          `json:"code,omitempty"`     // the text of the QR code, the pairing code, or the code to compare
	ExpiresAt time.Time       `json:"expiresAt,omitzero"` // when the step is replaced or ends
	Passkey   json.RawMessage `json:"passkey,omitempty"`  // the WebAuthn request options, for navigator.credentials.get on the network's own site
	Message   string          `json:"message"`            // a sentence that says what to do
	Last      bool            `json:"-"`                  // no further code follows
}

// LinkLimit is a restriction that the network has put on the account.
type LinkLimit struct {
	Code    string    `json:"code"`           // "reachout_timelock": no messages to people who have not written first
	Message string    `json:"message"`        // a sentence that says what it means
	Until   time.Time `json:"until,omitzero"` // zero where the network does not tell
}

// Link is the connection of one linked device. It is safe for concurrent use.
type Link interface {
	// Send sends one message under OutMessage.ProviderID, as of Sender. Where the device is not online it is Retryable with
	// CodeNotConnected; where it is linked no more, Unlinked.
	Sender

	// Start begins to connect, or to link where no device is linked, and returns at once. A lost connection is made anew by the Link, with
	// capped and jittered waits, until Close. It is called once.
	Start()

	// PairByCode asks for a code that links the phone of a number, in place of the QR code. The Link must be waiting with one.
	PairByCode(ctx context.Context, phone string) (LinkStep, error)

	// AnswerPasskey gives the WebAuthn assertion that StepPasskey asks for.
	AnswerPasskey(ctx context.Context, assertion json.RawMessage) error

	// ConfirmPasskey says that the codes of StepPasskeyConfirm are the same.
	ConfirmPasskey(ctx context.Context) error

	// CheckNumbers tells which phone numbers have an account on the network. It takes at most 50.
	CheckNumbers(ctx context.Context, numbers []string) ([]NumberCheck, error)

	// MarkRead tells the senders that messages of one chat have been read.
	MarkRead(ctx context.Context, chat Quoted, providerIDs []string) error

	// Logout unlinks the device at the network and forgets it here. An error of the network leaves it linked.
	Logout(ctx context.Context) error

	// Close disconnects without unlinking and waits until no call of the LinkListener is under way.
	Close() error
}

// NumberCheck is what the network says of a phone number.
type NumberCheck struct {
	Number  string // as it was asked for
	Exists  bool
	Address string // the number in digits as the network knows it; empty where it does not
	Name    string // the verified name of a business, or empty
}
