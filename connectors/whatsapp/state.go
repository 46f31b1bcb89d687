package whatsapp

import (
	"errors"
	"fmt"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"github.com/switchhook/switchhook/connectors"
)

// The sentences of states.
const (
	sayLost        = "The connection to WhatsApp was lost. It is made again by itself."
	sayUnreachable = "WhatsApp cannot be reached. It is tried again by itself. If it stays so, check this server's way to the internet and the session's proxy."
	sayGaveUp      = "WhatsApp cannot be reached. Check this server's way to the internet and the session's proxy, then start the link again."
	sayDegraded    = "WhatsApp does not answer at the moment. If it stays so, the connection is made again by itself."
	sayReplaced    = "Another program uses the same linked device. Stop it there, then connect the session again."
	sayOutdated    = "WhatsApp refuses this version of the client. Update Switchhook, or set WHATSAPP_CLIENT_VERSION to WhatsApp Web's present version, and restart."
	sayLoggedOut   = "The device was unlinked on the phone. Link the number again with a new QR code."
	sayLocked      = "WhatsApp unlinked the device: the account is locked, or was moved to another phone. Open WhatsApp on the phone and follow what it says, then link the number again."
	sayClosed      = "WhatsApp has banned the account. Open WhatsApp on the phone to ask for a review. When the account works there again, link it with a new QR code."
	sayDeviceLost  = "The keys of the linked device are not in the database. Link the number again with a new QR code, and remove the old entry under Linked devices on the phone."
	sayUnlinked    = "The device was unlinked. Link a number with a new QR code."
	sayQRTimeout   = "Nobody scanned the QR code in time. Start the link again."
	sayCodeTimeout = "The pairing code was not entered in time, or was not the right one. Start the link again."
	sayKeyTimeout  = "The passkey was not used in time. Start the link again."
	sayBroken      = "The connection to WhatsApp was lost before the phone had linked the device. Start the link again."
	sayPairFailed  = "The phone and this server could not agree on the link. Start it again and scan a new QR code."
	sayKeyFailed   = "WhatsApp's exchange for the passkey failed. Start the link again."

	sayScan    = "Open WhatsApp on the phone, go to Linked devices, Link a device, and scan this code."
	sayType    = "Open WhatsApp on the phone, tap the notification, or go to Linked devices, Link a device, Link with phone number, and type this code."
	sayPasskey = "WhatsApp asks for the account's passkey. Answer its challenge in the browser."
	sayCompare = "Compare this code with the one that the phone shows, and confirm if they are the same."

	sayTimelock = "WhatsApp lets this account write only to people who have written to it."
)

// limitTimelock is the code of the one limit that the network tells.
const limitTimelock = "reachout_timelock"

// end is how a connection ended for a reason that the network has told.
type end struct {
	status  connectors.LinkStatus
	reason  string
	message string
	retry   time.Duration // when to try again; 0: never
}

// endOf gives the meaning of an event that ends the connection; ok is false for others. ban is how long to wait where WhatsApp does not tell
// how long it lasts.
func endOf(event any, ban time.Duration) (e end, ok bool) {
	switch event := event.(type) {
	case *events.StreamReplaced:
		return end{connectors.LinkDisconnected, connectors.ReasonReplaced, sayReplaced, 0}, true
	case *events.ClientOutdated:
		return end{connectors.LinkDisconnected, connectors.ReasonOutdated, sayOutdated, 0}, true
	case *events.TemporaryBan:
		retry := event.Expire
		if retry <= 0 {
			retry = ban
		}
		return end{connectors.LinkDisconnected, connectors.ReasonBanned, sayBan(event.Code), retry}, true
	case *events.ConnectFailure:
		message := fmt.Sprintf("WhatsApp refuses the connection (code %d). Wait a while and connect the session again; if it stays so, link it again.", event.Reason)
		return end{connectors.LinkDisconnected, connectors.ReasonRefused, message, 0}, true
	case *events.LoggedOut:
		reason, message := logoutReason(event)
		return end{connectors.LinkLoggedOut, reason, message, 0}, true
	}
	return end{}, false
}

// sayBan is a ban as a sentence; the reasons are those that WhatsApp's own app gives for the codes (whatsmeow's types/events).
func sayBan(code events.TempBanReason) string {
	why := "for a breach of its rules"
	switch code {
	case events.TempBanSentToTooManyPeople:
		why = "because of too many messages to people who do not have the number in their address book"
	case events.TempBanBlockedByUsers:
		why = "because too many people blocked the number"
	case events.TempBanCreatedTooManyGroups:
		why = "because of too many groups with people who do not have the number in their address book"
	case events.TempBanSentTooManySameMessage:
		why = "because the same message went to too many people"
	case events.TempBanBroadcastList:
		why = "because of too many messages to a broadcast list"
	}
	return "WhatsApp has banned the account for a time " + why + ". It is connected again when the ban ends; send less and more slowly then."
}

// logoutReason tells an unlinked device from a closed account. WhatsApp Web calls 403 LOCKED and 406 BANNED.
func logoutReason(event *events.LoggedOut) (reason, message string) {
	switch {
	case event.OnConnect && event.Reason == events.ConnectFailureMainDeviceGone:
		return connectors.ReasonPhoneOffline, sayLocked
	case event.OnConnect && event.Reason == events.ConnectFailureUnknownLogout:
		return connectors.ReasonAccountBanned, sayClosed
	}
	return connectors.ReasonLoggedOut, sayLoggedOut
}

// identityOf is the identity of a device.
func identityOf(jid, lid types.JID, name string) connectors.LinkIdentity {
	identity := connectors.LinkIdentity{Device: jid.String(), Address: jid.User, Name: name}
	if !lid.IsEmpty() {
		identity.LID = lid.ToNonAD().String()
	}
	return identity
}

// limitOf is the limit that a notification tells of; nil where it was lifted.
func limitOf(event *events.NotifyAccountReachoutTimelock) *connectors.LinkLimit {
	if !event.IsActive {
		return nil
	}
	return &connectors.LinkLimit{Code: limitTimelock, Message: sayTimelock, Until: event.TimeEnforcementEnds.Time}
}

// pairingMessage is the sentence for a link that failed; refused is what the listener said, if it refused.
func pairingMessage(event *events.PairError, refused *connectors.Error) string {
	if errors.Is(event.Error, whatsmeow.ErrPairRejectedLocally) && refused != nil {
		return refused.Message
	}
	return sayPairFailed
}
