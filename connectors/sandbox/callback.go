package sandbox

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

// SignatureHeader carries "sha256=" and the hex HMAC-SHA256 of the raw body under the channel's signing secret.
const SignatureHeader = "X-Sandbox-Signature"

// maxItems is how many items one callback may carry.
const maxItems = 100

// item is one element of a callback: an inbound message, or the status of an outbound one.
type item struct {
	ID        string    `json:"id"`
	From      string    `json:"from"`
	Name      string    `json:"name"`
	Text      string    `json:"text"`
	Timestamp time.Time `json:"timestamp"`
	Status    *status   `json:"status"`
}

type status struct {
	MessageID  string                    `json:"messageId"`
	ProviderID string                    `json:"providerId"`
	Status     connectors.Status         `json:"status"`
	Error      *connectors.ProviderError `json:"error"`
}

// Receive reads one item or an array of up to 100, after checking the signature. Without a signing secret no signature is right.
func (c *conn) Receive(request connectors.CallbackRequest) (connectors.CallbackResult, error) {
	if !signed(c.secret, request.Header.Get(SignatureHeader), request.Body) {
		return connectors.CallbackResult{}, connectors.ErrSignature
	}
	items, err := decode(request.Body)
	if err != nil {
		return connectors.CallbackResult{}, err
	}
	var result connectors.CallbackResult
	for i := range items {
		if err := c.add(&result, &items[i]); err != nil {
			return connectors.CallbackResult{}, err
		}
	}
	return result, nil
}

func signed(secret []byte, header string, body []byte) bool {
	if len(secret) == 0 {
		return false
	}
	digits, ok := strings.CutPrefix(header, "sha256=")
	if !ok || len(digits) != hex.EncodedLen(sha256.Size) {
		return false
	}
	given, err := hex.DecodeString(digits)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return hmac.Equal(given, mac.Sum(nil))
}

func decode(body []byte) ([]item, error) {
	var items []item
	var err error
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '[' {
		err = json.Unmarshal(body, &items)
	} else {
		items = make([]item, 1)
		err = json.Unmarshal(body, &items[0])
	}
	if err != nil {
		unreadable := invalid("The callback's body must be a JSON object, or an array of such, with the fields that docs/sandbox.md lists.", "")
		unreadable.Err = fmt.Errorf("decode callback: %w", err)
		return nil, unreadable
	}
	if len(items) > maxItems {
		return nil, invalid(fmt.Sprintf("A callback carries at most %d items. Send the others in further callbacks.", maxItems), "")
	}
	return items, nil
}

func (c *conn) add(result *connectors.CallbackResult, given *item) error {
	if given.Status != nil {
		return addStatus(result, given.Status)
	}
	switch {
	case given.ID == "":
		return invalid("Give each message an id of its own: it is how a repeat is recognised.", "id")
	case strings.TrimSpace(given.From) == "":
		return invalid("Say who the message comes from.", "from")
	}
	result.Messages = append(result.Messages, connectors.InMessage{
		ProviderID: given.ID, From: sender(given.From), FromName: given.Name, To: c.address,
		Type: "text", Text: given.Text, Timestamp: given.Timestamp,
	})
	return nil
}

func addStatus(result *connectors.CallbackResult, given *status) error {
	if given.MessageID == "" && given.ProviderID == "" {
		return invalid("Name the message by messageId or by providerId.", "status.messageId")
	}
	update := connectors.StatusUpdate{MessageID: given.MessageID, ProviderID: given.ProviderID, Status: given.Status}
	switch given.Status {
	case connectors.StatusSent, connectors.StatusDelivered, connectors.StatusRead:
	case connectors.StatusFailed:
		update.Error = given.Error
	default:
		return invalid("The status must be one of: sent, delivered, read, failed.", "status.status")
	}
	result.Statuses = append(result.Statuses, update)
	return nil
}

func invalid(message, field string) *connectors.Error {
	return connectors.Rejected(connectors.CodeInvalidContent, message, field)
}
