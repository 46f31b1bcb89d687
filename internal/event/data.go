package event

import "encoding/json"

// MessageData is the data of message.received. The first fields are those of the whathooks contract, in its order.
type MessageData struct {
	ID                string          `json:"id"`
	SessionID         string          `json:"sessionId,omitempty"`
	ChannelID         string          `json:"channelId"`
	From              string          `json:"from"`
	PushName          string          `json:"pushName"`
	Type              string          `json:"type"`
	Text              string          `json:"text"`
	WaMessageID       string          `json:"waMessageId,omitempty"` // on WhatsApp channels
	Timestamp         string          `json:"timestamp"`
	To                string          `json:"to"`
	Platform          string          `json:"platform"`
	Connector         string          `json:"connector"`
	Provider          string          `json:"provider"` // the provider code of the Sociocs contract
	ChannelKey        string          `json:"channelKey"`
	ProviderMessageID string          `json:"providerMessageId"`
	ReplyTo           string          `json:"replyTo,omitempty"`
	Media             []Media         `json:"media"`
	Contact           json.RawMessage `json:"contact,omitempty"`
	Extra             map[string]any  `json:"extra,omitempty"`
}

// Media is one file of a message. URL is public and cannot be guessed.
type Media struct {
	URL         string `json:"url"`
	Kind        string `json:"kind"` // "image", "video", "audio" or "file"
	ContentType string `json:"contentType"`
	FileName    string `json:"fileName,omitempty"`
}

// StatusData is the data of message.status.
type StatusData struct {
	ID                string          `json:"id"`
	SessionID         string          `json:"sessionId,omitempty"`
	ChannelID         string          `json:"channelId"`
	To                string          `json:"to"`
	Status            string          `json:"status"`
	WaMessageID       string          `json:"waMessageId,omitempty"`
	ProviderMessageID string          `json:"providerMessageId,omitempty"`
	Platform          string          `json:"platform"`
	Error             *Failure        `json:"error,omitempty"`
	ProviderError     json.RawMessage `json:"providerError,omitempty"`
	Timestamp         string          `json:"timestamp"`
}

// Failure is why a message failed: the network's own code where it has one, else 0, and a sentence.
type Failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Reason  string `json:"reason,omitempty"` // our stable code
}

// ChannelData is the data of account.connected and account.disconnected.
type ChannelData struct {
	ChannelID string `json:"channelId"`
	AccountID string `json:"accountId"` // the channel's id again: the SocialSyncer contract calls a connected profile an account
	Connector string `json:"connector"`
	Platform  string `json:"platform"`
	Name      string `json:"name"`
	Address   string `json:"address"`
	Code      string `json:"code,omitempty"`
	Message   string `json:"message,omitempty"`
	Timestamp string `json:"timestamp"`
}

// WebhookData is the data of webhook.disabled.
type WebhookData struct {
	WebhookID string `json:"webhookId"`
	URL       string `json:"url"` // without its query, which may hold a secret
	Status    string `json:"status"`
	Reason    string `json:"reason"`
	Timestamp string `json:"timestamp"`
}
