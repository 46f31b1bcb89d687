// Package live tells open pages that something of their account has changed, in whichever process it happened.
//
// Who changes a row rings the Bell with the account, a topic and ids, never with content. The Bell gathers what rings within a tenth of a second,
// hands it to the Hub of its own process and, where a page is open elsewhere, publishes it on one Redis channel. The Hub gives each account's
// signals to that account's streams only. A page answers a signal by fetching what it shows anew, with its own filters and rights.
//
// A ring may be lost: Redis is away, a message of it does not arrive, a stream is slow. Every such gap ends in a Signal with the topic Reload, and events
// are also looked for in the database every few seconds. So a page may show a change late, and does not miss it. The exception is a process that is killed
// in the tenth of a second between a change and its ring: where that change made no event, a page shows it with the next signal of its topic.
//
// What a Signal says, by topic; an empty ID means that several have changed, or that it is not known which:
//
//	event     a new event; ID of the event, Ref is its type, a space and its channel's id (which may be empty)
//	delivery  a delivery was made, attempted, delivered, failed, held or replayed; ID of the delivery, Ref is its webhook's id
//	message   a message was made or its status changed; ID of the message, Ref is its channel's id, a space and the peer's address
//	session   status, QR code or another field of a linked device changed; ID of the session, no Ref
//	channel   a channel was made, changed, deleted, or its status changed; ID of the channel, no Ref
//	webhook   a webhook was made, changed, switched off or deleted; ID of the webhook, no Ref
//	post      a post, or one of its targets, was made, changed or published; ID of the post, no Ref
//	import    an import of contacts came further; ID of the import, no Ref
//	callback  a provider's callback was recorded; ID of the record, Ref is its channel's id
//	reload    anything may have changed: refresh everything that is shown; neither ID nor Ref
//
// Within one stream an event is named at most once, and over reconnects with the last Cursor at least once, or covered by a Signal without ID or by a
// reload. Other topics may repeat. A reader does well to gather signals for a moment before it fetches.
package live

// The topics of a Signal; the package comment says what each carries.
const (
	Event    = "event"
	Delivery = "delivery"
	Message  = "message"
	Session  = "session"
	Channel  = "channel"
	Webhook  = "webhook"
	Post     = "post"
	Import   = "import"
	Callback = "callback"
	Reload   = "reload"
)

// Signal says that something of an account has changed. It is safe to send to whoever may read the account.
type Signal struct {
	Cursor string // the stream's id at this point, for Hub.Subscribe after a disconnect; of letters, digits and "-"
	Topic  string
	ID     string // what has changed; empty: several, or not known
	Ref    string // see the package comment
}

// unlogged are the topics that the database keeps no log of, so that nobody can ask it what was missed.
func unlogged() []string {
	return []string{Delivery, Message, Session, Channel, Webhook, Post, Import, Callback}
}

// known reports whether somebody may ring for a topic.
func known(topic string) bool {
	switch topic {
	case Event, Delivery, Message, Session, Channel, Webhook, Post, Import, Callback:
		return true
	}
	return false
}
