package message

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/event"
)

// tidy makes what a connector read storable. What is cut or replaced could not be stored; what an item is known by must be whole,
// so an item is refused where that is not.
func tidy(result *connectors.CallbackResult) error {
	for i := range result.Messages {
		m := &result.Messages[i]
		for _, text := range []*string{&m.ProviderID, &m.From, &m.FromName, &m.To, &m.Type, &m.Text, &m.ReplyTo, &m.Chat} {
			*text = clean(*text)
		}
		if m.ProviderID == "" || len(m.ProviderID) > maxPeer {
			return unusable("id", "A message's id")
		}
		if m.From == "" || max(len(m.From), len(m.Chat)) > maxPeer {
			return unusable("from", "A message's sender")
		}
	}
	for i := range result.Statuses {
		u := &result.Statuses[i]
		u.MessageID, u.ProviderID, u.To = clean(u.MessageID), clean(u.ProviderID), clean(u.To)
		if max(len(u.MessageID), len(u.ProviderID), len(u.To)) > maxPeer || u.MessageID+u.ProviderID+u.To == "" {
			return unusable("status", "The id of a status' message")
		}
	}
	return nil
}

func unusable(field, what string) error {
	return connectors.Rejected(connectors.CodeInvalidContent, fmt.Sprintf("%s must have 1 to %d bytes.", what, maxPeer), field)
}

// clean makes foreign text storable: valid UTF-8 without NUL, which PostgreSQL refuses.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
}

// canonical writes a network's own JSON as JavaScript would, because receivers may verify a signature over the body as they would
// write it. What is no JSON is left out.
func canonical(raw json.RawMessage) json.RawMessage {
	var value any
	if len(raw) == 0 || json.Unmarshal(raw, &value) != nil {
		return nil
	}
	written, err := event.Marshal(value)
	if err != nil {
		return nil
	}
	return written
}
