package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

func (w *Web) eventRoutes() []Route {
	return []Route{
		{"GET", "/app/events", loggedIn, w.events},
		{"GET", "/app/events/rows", loggedIn, w.eventRows},
		{"GET", "/app/events/:id", loggedIn, w.event},
		{"GET", "/app/events/:id/deliveries", loggedIn, w.eventDeliveries},
	}
}

const (
	eventsFirst = 50  // rows of the list when it is opened, and of a page of older ones
	eventsMost  = 200 // rows that it may grow to while it is open; the link below leads to those that are older
	eventsPage  = 100 // rows of one call, the most that the API gives
)

// eventInfo is an event of the API.
type eventInfo struct {
	ID        string          `json:"id"`
	Event     string          `json:"event"`
	ChannelID string          `json:"channelId"`
	Data      json.RawMessage `json:"data"`
	Timestamp string          `json:"timestamp"`
}

// Path is its page.
func (e *eventInfo) Path() string { return "/app/events/" + url.PathEscape(e.ID) }

// eventRow is an event as lists show it.
type eventRow struct {
	*eventInfo
	Title   string
	Channel option // without a value where it concerns the whole account
	Summary string
}

type eventsData struct {
	Rows     []eventRow
	Form     *form
	Filtered bool
	Rest     string // address of the rows alone
	Listen   string
	Older    string
	Paged    bool // not the newest ones: they do not change
	Events   []option
	Channels []option
}

func (w *Web) events(p *page) error {
	data, err := p.eventsData()
	if err != nil {
		return err
	}
	if data.Events, err = p.eventOptions(); err != nil {
		return err
	}
	data.Events = append([]option{{"", w.text("events.any"), ""}}, data.Events...)
	if data.Channels, err = p.channelOptions(); err != nil {
		return err
	}
	data.Channels = append([]option{{"", w.text("events.any"), ""}}, data.Channels...)
	return p.render(http.StatusOK, "events/list", w.text("events.title"), data)
}

func (w *Web) eventRows(p *page) error {
	data, err := p.eventsData()
	if err != nil {
		return err
	}
	return p.fragment("events/list", "event-live", data)
}

// eventsData reads the newest events, or those before a cursor. A list that stays open names with from the oldest row that it had at first and gets
// all since then: nothing falls out at its end while it is read, and after a gap all that was missed is there.
func (p *page) eventsData() (*eventsData, error) {
	query := p.asked("event", "channelId", "cursor")
	data := &eventsData{Form: &form{Values: url.Values{}}, Paged: query.Get("cursor") != "", Listen: "event"}
	for _, key := range []string{"event", "channelId"} {
		if value := query.Get(key); value != "" {
			data.Form.Values.Set(key, value)
			data.Filtered, data.Listen = true, "event:"+value
		}
	}
	from := p.Query("from")
	found, more, err := p.eventsSince(query, from)
	if err != nil {
		return nil, err
	}
	if data.Rows, err = p.eventList(found); err != nil {
		return nil, err
	}
	query.Del("cursor")
	if len(found) > 0 {
		oldest := found[len(found)-1].ID
		if more {
			query.Set("cursor", oldest)
			data.Older = withQuery("/app/events", query)
			query.Del("cursor")
		}
		if from == "" {
			from = oldest
		}
	}
	if from != "" {
		query.Set("from", from)
	}
	data.Rest = withQuery("/app/events/rows", query)
	return data, nil
}

// eventsSince reads events, the newest first, back to the one named from, or without it the first few. more tells that there are older ones.
func (p *page) eventsSince(query url.Values, from string) (found []*eventInfo, more bool, err error) {
	asked := url.Values{"limit": {strconv.Itoa(eventsFirst)}}
	for key, values := range query {
		asked[key] = values
	}
	if from != "" {
		asked.Set("limit", strconv.Itoa(eventsPage))
	}
	for len(found) < eventsMost {
		var some list[*eventInfo]
		if err := p.read(&some, "/v1/events", asked); err != nil {
			return nil, false, err
		}
		for _, event := range some.Data {
			if from != "" && event.ID < from {
				return found, true, nil
			}
			found = append(found, event)
		}
		if some.NextCursor == nil {
			return found, false, nil
		}
		if from == "" {
			return found, true, nil
		}
		asked.Set("cursor", *some.NextCursor)
	}
	return found, true, nil
}

func (p *page) eventList(found []*eventInfo) ([]eventRow, error) {
	kinds, err := p.eventOptions()
	if err != nil {
		return nil, err
	}
	channels := map[string]option{"": {}}
	rows := make([]eventRow, 0, len(found))
	for _, event := range found {
		if _, known := channels[event.ChannelID]; !known {
			named, err := p.channelsByID([]string{event.ChannelID})
			if err != nil {
				return nil, err
			}
			channels[event.ChannelID] = named[0]
		}
		rows = append(rows, eventRow{event, labelOf(kinds, event.Event), channels[event.ChannelID], summary(event.Data)})
	}
	return rows, nil
}

// summaryLength is how many characters a summary has at most.
const summaryLength = 120

// summary is what of an event's data tells most, in a line.
func summary(data json.RawMessage) string {
	var some struct {
		From, PushName, Type, Text, Status, Reason, Name, URL string
		Post                                                  struct{ Text string }
		Error                                                 struct{ Message string }
	}
	if err := json.Unmarshal(data, &some); err != nil && some.Text == "" && some.Status == "" {
		return ""
	}
	text := some.Text
	switch {
	case text == "" && some.Post.Text != "":
		text = some.Post.Text
	case text == "" && some.Status != "":
		text = some.Status
	case text == "":
		text = some.Type
	}
	if who := firstOf(some.PushName, some.From, some.Name, some.URL); who != "" {
		text = strings.TrimSuffix(who+": "+text, ": ")
	}
	if why := firstOf(some.Reason, some.Error.Message); why != "" {
		text = strings.TrimPrefix(text+" · "+why, " · ")
	}
	if len(text) > 8*summaryLength {
		text = strings.ToValidUTF8(text[:8*summaryLength], "")
	}
	text = strings.Join(strings.Fields(text), " ")
	if letters := []rune(text); len(letters) > summaryLength {
		text = string(letters[:summaryLength]) + "…"
	}
	return text
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// eventData is what an event's page shows.
type eventData struct {
	Event      eventRow
	Payload    json.RawMessage
	Size       int64
	Deliveries *deliveriesData
}

func (w *Web) event(p *page) error {
	data := &eventData{}
	if err := p.read(&data.Payload, "/v1/events/"+url.PathEscape(p.Params("id")), nil); err != nil {
		return err
	}
	found := &eventInfo{}
	if err := json.Unmarshal(data.Payload, found); err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	rows, err := p.eventList([]*eventInfo{found})
	if err != nil {
		return err
	}
	data.Event, data.Size = rows[0], int64(len(data.Payload))
	if data.Deliveries, err = p.deliveriesOf(found.ID); err != nil {
		return err
	}
	return p.render(http.StatusOK, "events/show", w.text("events.one", data.Event.Title), data)
}

func (w *Web) eventDeliveries(p *page) error {
	deliveries, err := p.deliveriesOf(p.Params("id"))
	if err != nil {
		return err
	}
	return p.fragment("events/show", "event-deliveries", &eventData{Deliveries: deliveries})
}

// deliveriesOf are the deliveries of an event: one for each webhook that took it.
func (p *page) deliveriesOf(eventID string) (*deliveriesData, error) {
	var found list[*deliveryInfo]
	if err := p.read(&found, "/v1/deliveries", url.Values{"eventId": {eventID}, "limit": {"100"}}); err != nil {
		return nil, err
	}
	rows, err := p.deliveryList(found.Data)
	return &deliveriesData{Rows: rows}, err
}
