package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"
)

func (w *Web) deliveryRoutes() []Route {
	return []Route{
		{"GET", "/app/deliveries", loggedIn, w.deliveries},
		{"GET", "/app/deliveries/rows", loggedIn, w.deliveryRows},
		{"GET", "/app/deliveries/:id", loggedIn, w.delivery},
		{"GET", "/app/deliveries/:id/state", loggedIn, w.deliveryState},
		{"POST", "/app/deliveries/:id/replay", loggedIn, w.replayDelivery},
	}
}

// deliveryInfo is a delivery of the API.
type deliveryInfo struct {
	ID            string        `json:"id"`
	EventID       string        `json:"eventId"`
	Event         string        `json:"event"` // empty where the event is gone
	WebhookID     string        `json:"webhookId"`
	Status        string        `json:"status"`
	Attempts      int           `json:"attempts"`
	NextAttemptAt string        `json:"nextAttemptAt"`
	Reason        string        `json:"reason"`
	CreatedAt     string        `json:"createdAt"`
	UpdatedAt     string        `json:"updatedAt"`
	AttemptLog    []attemptInfo `json:"attemptLog"`
}

// Path is its page.
func (d *deliveryInfo) Path() string { return "/app/deliveries/" + url.PathEscape(d.ID) }

// deliveryRow is a delivery as lists show it.
type deliveryRow struct {
	*deliveryInfo
	Title string    // of what happened
	Hook  *hookInfo // nil where it was deleted
}

// deliveriesData is what the list shows.
type deliveriesData struct {
	Rows     []deliveryRow
	Filters  string // of the address, with the ? before them
	Filtered bool
	Older    string
	Paged    bool // not the newest ones
	Form     *form
	Hooks    []option
	Events   []option
	Statuses []option
	Hook     *hookInfo // the one that the list is of, where it is of one
	OneHook  bool      // the rows need not say whose they are
	Zone     string
	Fault    *failure // of a filter that the API refused

	Replay     *form
	Replayable []option
}

// deliveryFilter is what the list is narrowed by, without what is empty.
func deliveryFilter() []string {
	return []string{"status", "webhookId", "event", "eventId", "since", "until"}
}

// deliveryQuery is the filter of the page's address, as the address has it and as the API takes it.
func (p *page) deliveryQuery() (shown, asked url.Values) {
	shown = p.asked(append(deliveryFilter(), "zone", "cursor")...)
	if shown.Get("since") == "" && shown.Get("until") == "" {
		shown.Del("zone")
	}
	asked = url.Values{}
	zone := zoneOf(shown.Get("zone"))
	for key := range shown {
		asked.Set(key, shown.Get(key))
	}
	asked.Del("zone")
	for _, key := range []string{"since", "until"} {
		if asked.Get(key) != "" {
			asked.Set(key, instant(asked.Get(key), zone))
		}
	}
	return shown, asked
}

func (w *Web) deliveries(p *page) error {
	data, err := p.deliveriesData()
	if err != nil {
		return err
	}
	if err := p.deliveryChoices(data); err != nil {
		return err
	}
	status := http.StatusOK
	if data.Fault != nil {
		status = http.StatusUnprocessableEntity
	}
	return p.render(status, "deliveries/list", w.text("deliveries.title"), data)
}

func (w *Web) deliveryRows(p *page) error {
	data, err := p.deliveriesData()
	if err != nil {
		return err
	}
	return p.fragment("deliveries/list", "delivery-rows", data)
}

func (p *page) deliveriesData() (*deliveriesData, error) {
	shown, asked := p.deliveryQuery()
	data := &deliveriesData{Form: &form{Values: url.Values{}}, Filters: withQuery("", shown), Paged: shown.Get("cursor") != "", OneHook: shown.Get("webhookId") != ""}
	data.Zone = shown.Get("zone")
	zone := zoneOf(data.Zone)
	for _, key := range deliveryFilter() {
		data.Form.Values.Set(key, shown.Get(key))
		data.Filtered = data.Filtered || shown.Get(key) != ""
	}
	for _, key := range []string{"since", "until"} {
		data.Form.Values.Set(key, inZone(asked.Get(key), zone))
	}
	var rows list[*deliveryInfo]
	err := p.read(&rows, "/v1/deliveries", asked)
	if refused := p.web.problem(err); err != nil && refused.Status == http.StatusBadRequest {
		data.Fault = refused
		data.Form.Faults, data.Form.Message = refused.Faults, refused.Message
		return data, nil
	}
	if err != nil {
		return nil, err
	}
	if rows.NextCursor != nil {
		shown.Set("cursor", *rows.NextCursor)
		data.Older = withQuery("/app/deliveries", shown)
	}
	data.Rows, err = p.deliveryList(rows.Data)
	return data, err
}

// deliveryList adds to deliveries what lists show of them.
func (p *page) deliveryList(found []*deliveryInfo) ([]deliveryRow, error) {
	kinds, err := p.eventOptions()
	if err != nil {
		return nil, err
	}
	hooks := map[string]*hookInfo{}
	rows := make([]deliveryRow, 0, len(found))
	for _, delivery := range found {
		hook, known := hooks[delivery.WebhookID]
		if !known {
			if hook, err = p.readHook(delivery.WebhookID); missingRow(err) {
				hook = nil
			} else if err != nil {
				return nil, err
			}
			hooks[delivery.WebhookID] = hook
		}
		rows = append(rows, deliveryRow{delivery, labelOf(kinds, delivery.Event), hook})
	}
	return rows, nil
}

// deliveryChoices adds what the filters offer.
func (p *page) deliveryChoices(data *deliveriesData) error {
	var err error
	if data.Events, err = p.eventOptions(); err != nil {
		return err
	}
	data.Events = append([]option{{"", p.web.text("deliveries.any.event"), ""}}, data.Events...)
	data.Replayable = p.web.replayable()
	data.Statuses = []option{{"", p.web.text("deliveries.any.status"), ""}}
	for _, status := range []string{"delivered", "pending", "failed", "held", "cancelled"} {
		data.Statuses = append(data.Statuses, option{status, p.web.badge(status).Word, ""})
	}
	var hooks list[*hookInfo]
	if err := p.read(&hooks, "/v1/webhooks", url.Values{"limit": {"100"}}); err != nil {
		return err
	}
	data.Hooks = []option{{"", p.web.text("deliveries.any.webhook"), ""}}
	chosen := data.Form.Value("webhookId")
	for _, hook := range hooks.Data {
		data.Hooks = append(data.Hooks, option{hook.ID, visible(hook.Name()), ""})
		if hook.ID == chosen {
			data.Hook = hook
		}
	}
	if chosen != "" && data.Hook == nil {
		hook, err := p.readHook(chosen)
		switch {
		case missingRow(err):
			data.Hooks = append(data.Hooks, option{chosen, p.web.text("deliveries.hookGone"), ""})
			return nil
		case err != nil:
			return err
		}
		data.Hook = hook
		data.Hooks = append(data.Hooks, option{hook.ID, visible(hook.Name()), ""})
	}
	return nil
}

// latestDeliveries are the newest few of a webhook, for its page.
func (p *page) latestDeliveries(hook *hookInfo) (*deliveriesData, error) {
	var rows list[*deliveryInfo]
	if err := p.read(&rows, "/v1/deliveries", url.Values{"webhookId": {hook.ID}, "limit": {"8"}}); err != nil {
		return nil, err
	}
	kinds, err := p.eventOptions()
	if err != nil {
		return nil, err
	}
	data := &deliveriesData{OneHook: true}
	for _, delivery := range rows.Data {
		data.Rows = append(data.Rows, deliveryRow{delivery, labelOf(kinds, delivery.Event), hook})
	}
	return data, nil
}

func (w *Web) replayDelivery(p *page) error {
	id := url.PathEscape(p.Params("id"))
	if err := p.send("POST", "/v1/deliveries/"+id+"/replay", nil, nil); err != nil {
		return err
	}
	return p.redirect("/app/deliveries/"+id, w.text("deliveries.done.replayed"))
}

// length writes how long something took.
func length(ms int64) string {
	switch {
	case ms < 1000:
		return strconv.FormatInt(ms, 10) + " ms"
	case ms < 60_000:
		return strconv.FormatFloat(float64(ms)/1000, 'f', 2, 64) + " s"
	}
	return (time.Duration(ms) * time.Millisecond).Round(time.Second).String()
}
