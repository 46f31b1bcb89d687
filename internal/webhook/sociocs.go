package webhook

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/store"
)

// sociocsMessage is the flat body of the Sociocs contract for an inbound message, in its order.
type sociocsMessage struct {
	MessageID  string          `json:"message_id"`
	Event      string          `json:"event"`
	Provider   string          `json:"provider"`
	ChannelKey string          `json:"channel_key"`
	Direction  string          `json:"direction"`
	From       string          `json:"from"`
	To         string          `json:"to"`
	Name       string          `json:"name,omitempty"`
	Text       string          `json:"text"`
	VideoURLs  []string        `json:"video_urls"`
	ImageURLs  []string        `json:"image_urls"`
	FileURLs   []string        `json:"file_urls"`
	Contact    json.RawMessage `json:"contact,omitempty"`
	Timestamp  int64           `json:"timestamp"`
}

type sociocsStatus struct {
	MessageID string           `json:"message_id"`
	Event     string           `json:"event"`
	EventData sociocsEventData `json:"event_data"`
}

type sociocsEventData struct {
	Status   string          `json:"status"`
	Event    string          `json:"event"`
	Error    *event.Failure  `json:"error,omitempty"`
	Provider json.RawMessage `json:"provider_err_obj,omitempty"`
}

func sociocsBody(e *store.Event) ([]byte, error) {
	if e.Type == event.MessageStatus {
		return sociocsStatusBody(e)
	}
	var data event.MessageData
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return nil, fmt.Errorf("read event data: %w", err)
	}
	body := sociocsMessage{
		MessageID: data.ProviderMessageID, Event: "message", Provider: data.Provider, ChannelKey: data.ChannelKey,
		Direction: "incoming", From: data.From, To: data.To, Name: data.PushName, Text: data.Text, Contact: data.Contact,
		VideoURLs: []string{}, ImageURLs: []string{}, FileURLs: []string{}, Timestamp: e.CreatedAt.UnixMilli(),
	}
	if at, err := time.Parse(time.RFC3339, data.Timestamp); err == nil {
		body.Timestamp = at.UnixMilli()
	}
	for _, m := range data.Media {
		switch m.Kind {
		case "image":
			body.ImageURLs = append(body.ImageURLs, m.URL)
		case "video":
			body.VideoURLs = append(body.VideoURLs, m.URL)
		default:
			body.FileURLs = append(body.FileURLs, m.URL)
		}
	}
	return event.Marshal(body)
}

func sociocsStatusBody(e *store.Event) ([]byte, error) {
	var data event.StatusData
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return nil, fmt.Errorf("read event data: %w", err)
	}
	body := sociocsStatus{MessageID: data.ProviderMessageID, Event: "status_update"}
	body.EventData = sociocsEventData{Status: data.Status, Event: "status_update", Error: data.Error, Provider: data.ProviderError}
	if body.MessageID == "" {
		body.MessageID = data.ID
	}
	return event.Marshal(body)
}
