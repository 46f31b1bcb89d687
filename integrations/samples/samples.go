// Package samples holds the golden events: one for each event type, as a delivery carries it. Tests, the documentation, the
// no-code tools and GET /v1/events/samples/:event all show these. The files are written from the event types of
// internal/event by the formats of internal/webhook: go test ./integrations/samples -update
package samples

import (
	"embed"
	"encoding/json"
)

//go:embed *.json
var files embed.FS

// Sample returns the sample of an event type as a body in the format switchhook: {id, event, channelId, sessionId?, data,
// timestamp}, in compact JSON. It is false where there is no such event type.
func Sample(eventType string) ([]byte, bool) { return SampleOf(eventType, "") }

// SampleOf is Sample in another format of internal/webhook. All event types are there in switchhook, which "" means too;
// message.received and message.status are there in every format, session events also in whathooks, and post and account events also in
// socialsyncer: in the formats of the contracts that have them.
func SampleOf(eventType, format string) ([]byte, bool) {
	name := eventType
	if format != "" && format != "switchhook" {
		name += "." + format
	}
	body, err := files.ReadFile(name + ".json")
	return body, err == nil
}

// Data returns the data of an event type's sample, and the id of the channel that it happened on, which is empty where it concerns
// the account. It is false where there is no such event type.
func Data(eventType string) (data json.RawMessage, channelID string, known bool) {
	body, known := Sample(eventType)
	if !known {
		return nil, "", false
	}
	var envelope struct {
		ChannelID string          `json:"channelId"`
		Data      json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil || envelope.Data == nil {
		return nil, "", false // a file of another format
	}
	return envelope.Data, envelope.ChannelID, true
}
