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
	Chat              string          `json:"chat,omitempty"`   // where an answer goes, where that is not From: a group
	FromMe            bool            `json:"fromMe,omitempty"` // the owner wrote it, on another device
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

// SessionStatusData is the data of session.status. It is raised on a change only.
type SessionStatusData struct {
	SessionID      string `json:"sessionId"`
	Status         string `json:"status"`            // PENDING, QR, CONNECTING, CONNECTED, DISCONNECTED or LOGGED_OUT
	Reason         string `json:"reason,omitempty"`  // a stable code; empty where the change needs no reason
	Message        string `json:"message,omitempty"` // the reason as a sentence that says what to do
	Phone          string `json:"phone,omitempty"`   // digits; empty before the device is linked
	PushName       string `json:"pushName,omitempty"`
	PreviousStatus string `json:"previousStatus,omitempty"`
	ChannelID      string `json:"channelId"` // the session's id again
	Timestamp      string `json:"timestamp"`
}

// SessionQRData is the data of session.qr, raised for each code.
type SessionQRData struct {
	SessionID string `json:"sessionId"`
	QR        string `json:"qr"`        // the text that the QR code holds
	ExpiresAt string `json:"expiresAt"` // when the next code takes its place
	ChannelID string `json:"channelId"` // the session's id again
	Timestamp string `json:"timestamp"`
}

// PostData is the data of post.published, post.failed and post.scheduled: one for each channel that the post goes to. The first
// fields are those of the SocialSyncer contract, in its order.
type PostData struct {
	PostID          string   `json:"postId"`
	Platform        string   `json:"platform"`
	PlatformPostID  string   `json:"platformPostId,omitempty"`  // the network's id; empty until it is published
	PlatformPostURL string   `json:"platformPostUrl,omitempty"` // empty until it is published, and where the network has none
	Status          string   `json:"status"`                    // published, failed, unconfirmed or scheduled
	ChannelID       string   `json:"channelId"`
	ScheduledAt     string   `json:"scheduledAt,omitempty"`
	Error           *Failure `json:"error,omitempty"`
	Timestamp       string   `json:"timestamp"`
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
