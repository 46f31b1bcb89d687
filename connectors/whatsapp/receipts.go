package whatsapp

import (
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"github.com/switchhook/switchhook/connectors"
)

// receipts turns what another person's device has confirmed into news of our messages. In a group the first member who has got or read a
// message counts for all: the statuses only go forward, so what the others confirm later changes nothing.
//
// "inactive" is what a device confirms with that has the message while nobody looks at it, as linked devices do in the background. "played"
// is said of voice notes and media for one view, after "read".
func receipts(evt *events.Receipt) []connectors.StatusUpdate {
	if evt.IsFromMe { // another device of the account: what it has read or got says nothing of the recipient
		return nil
	}
	var status connectors.Status
	switch evt.Type {
	case types.ReceiptTypeDelivered, types.ReceiptTypeInactive:
		status = connectors.StatusDelivered
	case types.ReceiptTypeRead, types.ReceiptTypePlayed:
		status = connectors.StatusRead
	default: // among others "retry": the device has the message but cannot read it, and gets it once more
		return nil
	}
	updates := make([]connectors.StatusUpdate, 0, len(evt.MessageIDs))
	for _, id := range evt.MessageIDs {
		if id = clean(id, mostID+1); id != "" && len(id) <= mostID {
			updates = append(updates, connectors.StatusUpdate{ProviderID: id, Status: status, At: sane(evt.Timestamp)})
		}
	}
	return updates
}
