package event

// The event types that this version raises. A new one needs a row in Types and a golden sample.
const (
	MessageReceived = "message.received"
	MessageStatus   = "message.status"
	WebhookDisabled = "webhook.disabled"
	AccountUnlinked = "account.disconnected"
	AccountLinked   = "account.connected"
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
