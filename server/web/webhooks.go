package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

func (w *Web) webhookRoutes() []Route {
	return []Route{
		{"GET", "/app/webhooks", loggedIn, w.hooks},
		{"POST", "/app/webhooks", loggedIn, w.makeHook},
		{"GET", "/app/webhooks/rows", loggedIn, w.hookRows},
		{"GET", "/app/webhooks/new", loggedIn, w.newHook},
		{"GET", "/app/webhooks/:id", loggedIn, w.hook},
		{"POST", "/app/webhooks/:id", loggedIn, w.changeHook},
		{"GET", "/app/webhooks/:id/edit", loggedIn, w.editHook},
		{"GET", "/app/webhooks/:id/state", loggedIn, w.hookState},
		{"GET", "/app/webhooks/:id/deliveries", loggedIn, w.hookDeliveries},
		{"GET", "/app/webhooks/:id/secret", loggedIn, w.hookBack},
		{"POST", "/app/webhooks/:id/secret", loggedIn, w.showHookSecret},
		{"GET", "/app/webhooks/:id/rotate", loggedIn, w.hookBack},
		{"POST", "/app/webhooks/:id/rotate", loggedIn, w.rotateHookSecret},
		{"GET", "/app/webhooks/:id/test", loggedIn, w.hookBack},
		{"POST", "/app/webhooks/:id/test", loggedIn, w.testHook},
		{"POST", "/app/webhooks/:id/status", loggedIn, w.setHookStatus},
		{"GET", "/app/webhooks/:id/replay", loggedIn, w.hookBack},
		{"POST", "/app/webhooks/:id/replay", loggedIn, w.replayHook},
		{"POST", "/app/webhooks/:id/delete", loggedIn, w.deleteHook},
	}
}

// hookInfo is a webhook of the API.
type hookInfo struct {
	ID           string            `json:"id"`
	URL          string            `json:"url"`
	Events       []string          `json:"events"`
	ChannelIDs   []string          `json:"channelIds"`
	Format       string            `json:"format"`
	Description  string            `json:"description"`
	Headers      map[string]string `json:"headers"`
	RateLimit    *hookRate         `json:"rateLimit"`
	Status       string            `json:"status"`
	StatusReason string            `json:"statusReason"`
	FailingSince string            `json:"failingSince"`
	ExpiresAt    string            `json:"expiresAt"`
	Kind         string            `json:"kind"`
	CreatedAt    string            `json:"createdAt"`
	Secret       string            `json:"secret"` // where it is made or rotated only
}

type hookRate struct {
	Limit  int64  `json:"limit"`
	Period string `json:"period"`
}

// Name is what people know it by.
func (h *hookInfo) Name() string {
	if h.Description != "" {
		return h.Description
	}
	address := strings.TrimPrefix(strings.TrimPrefix(h.URL, "https://"), "http://")
	address, _, _ = strings.Cut(address, "?")
	return address
}

// Off tells that it gets nothing and will not by itself.
func (h *hookInfo) Off() bool { return h.Status != "active" && h.Status != "paused" }

// Path is its page.
func (h *hookInfo) Path(below ...string) string { return hookPath(h.ID, below...) }

func hookPath(id string, below ...string) string {
	return "/app/webhooks/" + url.PathEscape(id) + strings.Join(append([]string{""}, below...), "/")
}

// HeaderNames are the names of its own headers.
func (h *hookInfo) HeaderNames() []string {
	names := []string{}
	for name := range h.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ratePeriods are the periods of a rate limit that the form offers.
func ratePeriods() []string { return []string{"1s", "1m", "1h", "24h"} }

// PeriodWord names the period of the limit as the form does: the API writes a minute 1m0s.
func (r *hookRate) PeriodWord() string {
	length, err := time.ParseDuration(r.Period)
	for _, period := range ratePeriods() {
		if offered, _ := time.ParseDuration(period); err == nil && offered == length {
			return period
		}
	}
	return r.Period
}

// hookListRow is one line of the list.
type hookListRow struct {
	*hookInfo
	Hours *hookHours // nil where they could not be read
}

type hooksData struct {
	Rows    []hookListRow
	Search  string
	Filters string // of the address, with the ? before them
	Older   string
}

func (w *Web) hooks(p *page) error {
	data, err := p.hooksData()
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "webhooks/list", w.text("webhooks.title"), data)
}

func (w *Web) hookRows(p *page) error {
	data, err := p.hooksData()
	if err != nil {
		return err
	}
	return p.fragment("webhooks/list", "webhook-rows", data)
}

func (p *page) hooksData() (*hooksData, error) {
	query := p.asked("q", "cursor")
	var hooks list[*hookInfo]
	if err := p.read(&hooks, "/v1/webhooks", query); err != nil {
		return nil, err
	}
	data := &hooksData{Search: query.Get("q"), Filters: withQuery("", query)}
	if hooks.NextCursor != nil {
		query.Set("cursor", *hooks.NextCursor)
		data.Older = withQuery("/app/webhooks", query)
	}
	hours := map[string]*hookHours{}
	if len(hooks.Data) > 0 {
		hours = p.hookHours()
	}
	for _, hook := range hooks.Data {
		data.Rows = append(data.Rows, hookListRow{hook, hours[hook.ID]})
	}
	return data, nil
}

// asked are those of the query's parameters that are not empty.
func (p *page) asked(names ...string) url.Values {
	query := url.Values{}
	for _, name := range names {
		if value := strings.TrimSpace(p.Query(name)); value != "" {
			query.Set(name, value)
		}
	}
	return query
}

func withQuery(path string, query url.Values) string {
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// hookBack leads from an address that only forms are sent to to the webhook's page.
func (w *Web) hookBack(p *page) error { return p.redirect(hookPath(p.Params("id")), "") }

// hookData is what a webhook's page shows.
type hookData struct {
	Hook     *hookInfo
	Hours    *hookHours
	Channels []option // that it listens to, by name; empty: all
	Events   []option
	Latest   *deliveriesData
	Test     *hookTest
	TestForm *form
	Replay   *form

	Replayable []option
}

func (p *page) readHook(id string) (*hookInfo, error) {
	hook := &hookInfo{}
	return hook, p.read(hook, "/v1/webhooks/"+url.PathEscape(id), nil)
}

func (p *page) hookData() (*hookData, error) {
	hook, err := p.readHook(p.Params("id"))
	if err != nil {
		return nil, err
	}
	data := &hookData{Hook: hook, Hours: p.hookHours()[hook.ID], Replayable: p.web.replayable()}
	if data.Events, err = p.eventOptions(); err != nil {
		return nil, err
	}
	if len(hook.ChannelIDs) > 0 {
		if data.Channels, err = p.channelsByID(hook.ChannelIDs); err != nil {
			return nil, err
		}
	}
	if data.Latest, err = p.latestDeliveries(hook); err != nil {
		return nil, err
	}
	return data, nil
}

func (w *Web) hook(p *page) error {
	data, err := p.hookData()
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "webhooks/show", visible(data.Hook.Name()), data)
}

// failedAndHeld is the choice of a form that the API makes by itself where it is told no status.
const failedAndHeld = "both"

// replayable are the deliveries that can be replayed together, by status.
func (w *Web) replayable() []option {
	options := []option{{failedAndHeld, w.text("webhooks.replay.both"), ""}}
	for _, status := range []string{"failed", "held", "cancelled", "delivered"} {
		options = append(options, option{status, w.word("webhooks.replay.", status), ""})
	}
	return options
}

// hookState is what changes by itself on a webhook's page.
func (w *Web) hookState(p *page) error {
	hook, err := p.readHook(p.Params("id"))
	if err != nil {
		return err
	}
	return p.fragment("webhooks/show", "webhook-state", &hookData{Hook: hook, Hours: p.hookHours()[hook.ID]})
}

func (w *Web) hookDeliveries(p *page) error {
	hook, err := p.readHook(p.Params("id"))
	if err != nil {
		return err
	}
	latest, err := p.latestDeliveries(hook)
	if err != nil {
		return err
	}
	return p.fragment("webhooks/show", "webhook-deliveries", &hookData{Hook: hook, Latest: latest})
}

// missingRow tells that the API knows no such thing.
func missingRow(err error) bool {
	var refused *failure
	return errors.As(err, &refused) && refused.Status == http.StatusNotFound
}
