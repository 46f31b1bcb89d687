package whatsapp

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"github.com/switchhook/switchhook/connectors"
)

func TestReceiptsOfOthersAreNewsOfOurMessages(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 29, 14, 21, 7, 0, time.UTC)
	receipt := func(kind types.ReceiptType, ids ...string) *events.Receipt {
		return &events.Receipt{MessageSource: types.MessageSource{Chat: janeLID(), Sender: janeLID()}, MessageIDs: ids, Timestamp: at, Type: kind}
	}
	for kind, want := range map[types.ReceiptType]connectors.Status{
		types.ReceiptTypeDelivered: connectors.StatusDelivered, types.ReceiptTypeInactive: connectors.StatusDelivered,
		types.ReceiptTypeRead: connectors.StatusRead, types.ReceiptTypePlayed: connectors.StatusRead,
	} {
		require.Equal(t, []connectors.StatusUpdate{
			{ProviderID: "3EB0A", Status: want, At: at}, {ProviderID: "3EB0B", Status: want, At: at},
		}, receipts(receipt(kind, "3EB0A", "", "3EB0B", strings.Repeat("x", mostID+1))), string(kind))
	}
	for _, kind := range []types.ReceiptType{
		types.ReceiptTypeReadSelf, types.ReceiptTypePlayedSelf, types.ReceiptTypeSender, types.ReceiptTypeRetry, types.ReceiptTypeServerError,
		types.ReceiptTypePeerMsg, types.ReceiptTypeHistorySync, "new",
	} {
		require.Empty(t, receipts(receipt(kind, "3EB0A")), string(kind))
	}
	own := receipt(types.ReceiptTypeRead, "3EB0A")
	own.IsFromMe = true
	require.Empty(t, receipts(own))
}
