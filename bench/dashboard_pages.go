//go:build linux

package main

import (
	"net/url"
	"slices"
	"strconv"
	"time"
)

// pages are those that are measured, with the least favourable of their filters: those by which much is read to find little.
func (s *stored) pages() []*pageRow {
	return slices.Concat([]*pageRow{
		{name: "home", address: "/app"},
	}, s.deliveryPages(), []*pageRow{
		{name: "webhooks", address: "/app/webhooks"},
		{name: "a webhook", address: "/app/webhooks/" + s.webhooks[3]},
		{name: "events", address: "/app/events"},
		{name: "events of a rare kind", address: "/app/events?event=webhook.disabled"},
		{name: "events of a kind that never was", address: "/app/events?event=post.failed"},
		{name: "channels", address: "/app/channels"},
		{name: "a channel", address: "/app/channels/" + s.channel},
		{name: "callbacks", address: "/app/callbacks"},
		{name: "messages", address: "/app/messages"},
		{name: "messages, searched", address: "/app/messages?q=nobody"},
		{name: "a conversation of 10,000 messages", address: "/app/messages/" + s.channel + "/" + s.busy},
		{name: "contacts", address: "/app/contacts"},
		{name: "contacts, searched", address: "/app/contacts?q=nobody"},
		{name: "a contact", address: "/app/contacts/" + strconv.FormatInt(s.contact, 10)},
		{name: "posts, month of 5,000", address: "/app/posts"},
		{name: "posts, week", address: "/app/posts?view=week"},
		{name: "posts, list", address: "/app/posts/list"},
		{name: "posts, searched", address: "/app/posts/list?q=nobody"},
		{name: "keys", address: "/app/keys"},
		{name: "settings", address: "/app/settings"},
	}, s.calls())
}

func (s *stored) deliveryPages() []*pageRow {
	return []*pageRow{
		{name: "deliveries", address: "/app/deliveries"},
		{name: "deliveries, failed", address: "/app/deliveries?status=failed"},
		{name: "deliveries, pending (few)", address: "/app/deliveries?status=pending"},
		{name: "deliveries, held (none)", address: "/app/deliveries?status=held"},
		{name: "deliveries, cancelled (none)", address: "/app/deliveries?status=cancelled"},
		{name: "deliveries of a webhook", address: "/app/deliveries?webhookId=" + s.webhooks[3]},
		{name: "deliveries of a webhook, failed", address: "/app/deliveries?status=failed&webhookId=" + s.webhooks[3]},
		{name: "deliveries of a common event", address: "/app/deliveries?event=message.received"},
		{name: "deliveries of a rare event", address: "/app/deliveries?event=webhook.disabled"},
		{name: "deliveries of an event that never was", address: "/app/deliveries?event=post.failed"},
		{name: "deliveries since the first day", address: "/app/deliveries?since=" + instant(s.since)},
		{name: "deliveries until the first day", address: "/app/deliveries?until=" + instant(s.since)},
		{name: "deliveries behind 50,000 others", address: "/app/deliveries?cursor=" + s.middle},
		{name: "a delivery", address: "/app/deliveries/" + s.delivered},
		{name: "a delivery with three attempts", address: "/app/deliveries/" + s.failed},
	}
}

// calls are those of the API behind the pages that read most.
func (s *stored) calls() []*pageRow {
	// The month of the posts is the one of the last delivery.
	last := s.since.Add(storedFor)
	month := time.Date(last.Year(), last.Month(), 1, 0, 0, 0, 0, time.UTC)
	return []*pageRow{
		{key: true, name: "GET /v1/overview", address: "/v1/overview"},
		{key: true, name: "GET /v1/posts, the month", address: "/v1/posts?limit=100&from=" + instant(month) + "&to=" + instant(month.AddDate(0, 1, 0))},
		{key: true, name: "GET /v1/posts, another month", address: "/v1/posts?limit=100&from=" + instant(month.AddDate(0, 6, 0)) + "&to=" + instant(month.AddDate(0, 7, 0))},
		{key: true, name: "GET /v1/posts, q", address: "/v1/posts?q=nobody"},
		{key: true, name: "GET /v1/messages, q", address: "/v1/messages?q=nobody"},
		{key: true, name: "GET /v1/messages, contact", address: "/v1/messages?contact=" + s.busy + "&channelId=" + s.channel},
		{key: true, name: "GET /v1/messages, status (none)", address: "/v1/messages?status=unconfirmed"},
		{key: true, name: "GET /v1/conversations", address: "/v1/conversations"},
		{key: true, name: "GET /v1/conversations, q", address: "/v1/conversations?q=nobody"},
		{key: true, name: "GET /v1/contacts, q", address: "/v1/contacts?q=nobody"},
	}
}

// instant writes a time as part of an address.
func instant(at time.Time) string { return url.QueryEscape(at.Format(time.RFC3339)) }
