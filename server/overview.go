package server

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/switchhook/switchhook/internal/store"
)

// overviewView is the state of an account at a glance.
type overviewView struct {
	Channels   []channelCountView `json:"channels"`
	Deliveries deliveryHoursView  `json:"deliveries"`
	Queue      queueDepthView     `json:"queue"`
	Messages   messageCountView   `json:"messages"`
	Posts      postCountView      `json:"posts"`
	Action     []actionView       `json:"action"`
}

type channelCountView struct {
	Connector string `json:"connector"`
	Status    string `json:"status"`
	Count     int64  `json:"count"`
}

// outcomesView counts what became of deliveries.
type outcomesView struct {
	Delivered int64 `json:"delivered"`
	Failed    int64 `json:"failed"`
	Pending   int64 `json:"pending"`
}

type hourView struct {
	At timestamp `json:"at"`
	outcomesView
}

type deliveryHoursView struct {
	Hours []hourView   `json:"hours"`
	Total outcomesView `json:"total"`
}

type queueDepthView struct {
	Due           int64 `json:"due"`
	Waiting       int64 `json:"waiting"`
	Held          int64 `json:"held"`
	OldestSeconds int64 `json:"oldestSeconds"`
}

type messageCountView struct {
	In     int64 `json:"in24h"`
	Out    int64 `json:"out24h"`
	Failed int64 `json:"failed24h"`
}

type postCountView struct {
	Scheduled int64 `json:"scheduled"`
	Failed    int64 `json:"failed24h"`
}

// actionView is something that needs the user. ID is null where it stands for several things: then Count tells how many.
type actionView struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Kind    string  `json:"kind"`
	ID      *string `json:"id"`
	Count   int64   `json:"count"`
}

func (s *Server) overview(r *request) (answer, error) {
	now := s.Now()
	o, err := s.Store.Overview(r.ctx, r.account(), now)
	if err != nil {
		return answer{}, err
	}
	view := overviewView{
		Channels: make([]channelCountView, 0, len(o.Channels)), Deliveries: showHours(o.Hours),
		Queue:    queueDepthView{Due: o.Queue.Due, Waiting: o.Queue.Waiting, Held: o.Queue.Held},
		Messages: messageCountView{o.Inbound, o.Outbound, o.FailedMessages}, Posts: postCountView{o.WaitingPosts, o.FailedPosts}, Action: actions(o),
	}
	for _, c := range o.Channels {
		view.Channels = append(view.Channels, channelCountView{c.Connector, string(c.Status), c.Count})
	}
	if !o.Queue.Oldest.IsZero() {
		view.Queue.OldestSeconds = int64(now.Sub(o.Queue.Oldest) / time.Second)
	}
	return ok(view)
}

func showHours(hours []store.Hour) deliveryHoursView {
	view := deliveryHoursView{Hours: make([]hourView, 0, len(hours))}
	for _, h := range hours {
		view.Hours = append(view.Hours, hourView{timestamp(h.At), outcomesView{h.Delivered, h.Failed, h.Pending}})
		view.Total.Delivered += h.Delivered
		view.Total.Failed += h.Failed
		view.Total.Pending += h.Pending
	}
	return view
}

// actions lists what needs the user, the most urgent kind first.
func actions(o *store.Overview) []actionView {
	list := []actionView{}
	for _, t := range o.Troubles {
		a := showTrouble(t)
		a.Kind, a.ID, a.Count = t.Kind, &t.ID, 1
		list = append(list, a)
	}
	several := func(n int64, code, kind, sentence string) {
		if n > 0 {
			list = append(list, actionView{Code: code, Message: atLeast(n) + sentence, Kind: kind, Count: n})
		}
	}
	several(o.FailedDeliveries, "deliveries_failed", "delivery", " failed for good since yesterday. See why, and replay them once the receiver works: POST /v1/webhooks/:id/replay.")
	several(o.Unconfirmed, "messages_unconfirmed", "message", " may or may not have been sent: the network's answer got lost. Check with the people before you send again.")
	return list
}

// atLeast writes how many things of a kind there are, as far as the store counts.
func atLeast(n int64) string {
	switch {
	case n == 1:
		return "1"
	case n >= store.MostCounted:
		return fmt.Sprintf("%d or more", n)
	}
	return strconv.FormatInt(n, 10)
}

func showTrouble(t store.Trouble) actionView {
	name := cmp.Or(t.Name, t.ID)
	switch {
	case t.Kind == "channel":
		return actionView{Code: "channel_needs_link", Message: sentences("The network refuses the credentials of "+name+".", t.Reason, "Give new ones, then check the channel.")}
	case t.Kind == "session":
		return actionView{Code: "session_not_linked", Message: sentences(name+" is not linked.", t.Reason, "Link it with its QR code.")}
	case t.Kind == "webhook":
		address, _, _ := strings.Cut(t.Name, "?") // what stands behind it may be a secret
		return actionView{Code: "webhook_disabled", Message: sentences("The webhook to "+address+" is disabled.", t.Reason, "Repair its receiver and set its status to active.")}
	case t.Status == string(store.PostUnconfirmed):
		return actionView{Code: "post_unconfirmed", Message: sentences("The post "+name+" may or may not be public.", t.Reason, "Look at the network before you try it again.")}
	}
	return actionView{Code: "post_failed", Message: sentences("The post "+name+" failed on a channel.", t.Reason)}
}

// sentences joins those that say anything.
func sentences(parts ...string) string {
	var said []string
	for _, part := range parts {
		if part = strings.TrimSpace(part); part != "" {
			said = append(said, part)
		}
	}
	return strings.Join(said, " ")
}

// webhookHoursView is what became of a webhook's deliveries in the last 24 hours.
type webhookHoursView struct {
	WebhookID string     `json:"webhookId"`
	Hours     []hourView `json:"hours"`
}

type webhookStatsView struct {
	WebhookID       string       `json:"webhookId"`
	Hours           []hourView   `json:"hours"`
	Total           outcomesView `json:"total"`
	LastDeliveredAt timestamp    `json:"lastDeliveredAt"`
	LastFailedAt    timestamp    `json:"lastFailedAt"`
}

// mostWebhooks is how many webhooks allWebhookStats shows: more than an account may have.
const mostWebhooks = 1000

func (s *Server) allWebhookStats(r *request) (answer, error) {
	webhooks, err := s.Store.Webhooks(r.ctx, r.account(), store.Page{Limit: mostWebhooks})
	if err != nil {
		return answer{}, err
	}
	now := s.Now()
	hours, err := s.Store.WebhookHours(r.ctx, r.account(), "", now)
	if err != nil {
		return answer{}, err
	}
	view := struct {
		Data []webhookHoursView `json:"data"`
	}{make([]webhookHoursView, 0, len(webhooks))}
	for _, w := range webhooks {
		of := hours[w.ID]
		if of == nil {
			of = store.EmptyHours(now)
		}
		view.Data = append(view.Data, webhookHoursView{w.ID, showHours(of).Hours})
	}
	return ok(view)
}

func (s *Server) webhookStats(r *request) (answer, error) {
	w, err := s.Store.Webhook(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, found(err, "webhook")
	}
	now := s.Now()
	hours, err := s.Store.WebhookHours(r.ctx, r.account(), w.ID, now)
	if err != nil {
		return answer{}, err
	}
	of := hours[w.ID]
	if of == nil {
		of = store.EmptyHours(now)
	}
	shown := showHours(of)
	view := webhookStatsView{WebhookID: w.ID, Hours: shown.Hours, Total: shown.Total}
	delivered, failed, err := s.Store.LastOutcomes(r.ctx, r.account(), w.ID, now)
	view.LastDeliveredAt, view.LastFailedAt = timestamp(delivered), timestamp(failed)
	if err != nil {
		return answer{}, err
	}
	return ok(view)
}
