package event

// The event types that a webhook can name. A new one needs a row in Types and a golden sample.
const (
	MessageReceived = "message.received"
	MessageStatus   = "message.status"
	SessionStatus   = "session.status"
	SessionQR       = "session.qr"
	PostPublished   = "post.published"
	PostFailed      = "post.failed"
	PostScheduled   = "post.scheduled"
	AccountLinked   = "account.connected"
	AccountUnlinked = "account.disconnected"
	WebhookDisabled = "webhook.disabled"
)

// Type describes an event type for GET /v1/event-types.
type Type struct {
	Event       string `json:"event"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

// Types lists every event type that a webhook can subscribe to.
func Types() []Type {
	return []Type{
		{MessageReceived, "Message received", "Somebody wrote on one of your channels."},
		{MessageStatus, "Message status", "A message that you sent was sent, delivered, read, or failed."},
		{SessionStatus, "Session status", "A linked WhatsApp device changed its status."},
		{SessionQR, "Session QR code", "A new QR code waits to be scanned with WhatsApp."},
		{PostPublished, "Post published", "A post was published on one of its channels."},
		{PostFailed, "Post failed", "A post could not be published on one of its channels, or it is not known whether it was."},
		{PostScheduled, "Post scheduled", "A post got its time of publication, or another one."},
		{AccountLinked, "Channel connected", "A channel's credentials work again, or work for the first time."},
		{AccountUnlinked, "Channel disconnected", "The network refuses a channel's credentials. Give new ones."},
		{WebhookDisabled, "Webhook disabled", "A webhook was switched off, because its receiver had failed for days or asked for it."},
	}
}

// Known reports whether there is such an event type.
func Known(eventType string) bool {
	for _, t := range Types() {
		if t.Event == eventType {
			return true
		}
	}
	return false
}
