package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

func (w *Web) incomingRoutes() []Route {
	return []Route{
		{"GET", "/app/incoming", loggedIn, w.incomingList},
		{"GET", "/app/incoming/new", loggedIn, w.newIncoming},
		{"POST", "/app/incoming/new", loggedIn, w.createIncoming},
		{"GET", "/app/incoming/:id", loggedIn, w.incomingPage},
		{"GET", "/app/incoming/:id/state", loggedIn, w.incomingState},
		{"GET", "/app/incoming/:id/edit", loggedIn, w.editIncoming},
		{"POST", "/app/incoming/:id/edit", loggedIn, w.changeIncoming},
		{"POST", "/app/incoming/:id/rotate", loggedIn, w.rotateIncoming},
		{"POST", "/app/incoming/:id/delete", loggedIn, w.deleteIncoming},
	}
}

// incomingRow is an incoming webhook as pages show it.
type incomingRow struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	URL        string   `json:"url"`
	ChannelIDs []string `json:"channelIds"`
	QueueID    *string  `json:"queueId"`
	RateLimit  struct {
		Limit  int    `json:"limit"`
		Period string `json:"period"`
	} `json:"rateLimit"`
	Remaining  *int     `json:"remaining"`
	ResetAt    *string  `json:"resetAt"`
	LastUsedAt *string  `json:"lastUsedAt"`
	CreatedAt  string   `json:"createdAt"`
	Queue      string   `json:"-"` // name of its queue
	Networks   []string `json:"-"`
}

// Left is how many requests it takes yet in the present period, where that is known.
func (r *incomingRow) Left() int {
	if r.Remaining == nil {
		return 0
	}
	return *r.Remaining
}

// incomingList shows the incoming webhooks.
func (w *Web) incomingList(p *page) error {
	query := url.Values{}
	for _, name := range []string{"q", "cursor"} {
		if value := p.Query(name); value != "" {
			query.Set(name, value)
		}
	}
	var rows list[*incomingRow]
	if err := p.read(&rows, "/v1/incoming-webhooks", query); err != nil {
		return err
	}
	if err := w.nameIncoming(p, rows.Data...); err != nil {
		return err
	}
	d := struct {
		Rows  []*incomingRow
		Query string
		More  string
	}{Rows: rows.Data, Query: p.Query("q")}
	if rows.NextCursor != nil {
		query.Set("cursor", *rows.NextCursor)
		d.More = "/app/incoming?" + query.Encode()
	}
	return p.render(http.StatusOK, "incoming/list", w.text("incoming.title"), d)
}

// nameIncoming says in words where incoming webhooks lead.
func (w *Web) nameIncoming(p *page, rows ...*incomingRow) error {
	channels, err := p.publishers()
	if err != nil {
		return err
	}
	queues, err := p.queues()
	if err != nil {
		return err
	}
	for _, row := range rows {
		row.Networks = w.networks(channels, row.ChannelIDs)
		if row.QueueID != nil {
			row.Queue = w.text("incoming.queueGone")
		}
		for _, q := range queues {
			if row.QueueID != nil && q.ID == *row.QueueID {
				row.Queue = visible(q.Name)
			}
		}
	}
	return nil
}

// incomingData is what the page of an incoming webhook shows.
type incomingData struct {
	Hook   *incomingRow
	Posts  []*postRow
	JSON   curlLine
	Form   curlLine
	Public bool // the address is https
}

func (p *page) incomingPath() string {
	return "/v1/incoming-webhooks/" + url.PathEscape(p.Params("id"))
}

func (w *Web) incomingData(p *page) (*incomingData, error) {
	var row incomingRow
	if err := p.read(&row, p.incomingPath(), nil); err != nil {
		return nil, err
	}
	if err := w.nameIncoming(p, &row); err != nil {
		return nil, err
	}
	var posts list[*postRow]
	if err := p.read(&posts, "/v1/posts", url.Values{"origin": {row.ID}, "limit": {"10"}}); err != nil {
		return nil, err
	}
	channels, err := p.publishers()
	if err != nil {
		return nil, err
	}
	w.nameTargets(channels, posts.Data...)
	return &incomingData{
		Hook: &row, Posts: posts.Data, Public: strings.HasPrefix(row.URL, "https://"),
		JSON: curlOf(row.URL, " -H 'Content-Type: application/json' \\\n  -d "+shellWord(`{"title": "The post title", "body": "The post body"}`)),
		Form: curlOf(row.URL, " -F media_file=@picture.jpg \\\n  -F "+shellWord(`json_payload={"title": "The post title", "body": "The post body"}`)),
	}, nil
}

// curlLine is a command: as it is copied, and as it is shown, without the secret part of the address.
type curlLine struct{ Copied, Shown string }

func curlOf(address, rest string) curlLine {
	shown := address[:strings.LastIndexByte(address, '/')+1] + "••••••••"
	return curlLine{"curl " + shellWord(address) + rest, "curl " + shellWord(shown) + rest}
}

// shellWord is a text as a shell takes it.
func shellWord(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func (w *Web) incomingPage(p *page) error {
	d, err := w.incomingData(p)
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "incoming/hook", visible(d.Hook.Name), d)
}

func (w *Web) incomingState(p *page) error {
	d, err := w.incomingData(p)
	if err != nil {
		return err
	}
	return p.fragment("incoming/hook", "state", d)
}

// incomingForm is what the form of an incoming webhook shows.
type incomingForm struct {
	Form     *form
	Hook     *incomingRow // that is changed; nil: a new one
	To       string
	Channels []option
	Queues   []option
	Periods  []option
}

func (w *Web) incomingForm(p *page, f *form, row *incomingRow) (*incomingForm, error) {
	channels, err := p.publishers()
	if err != nil {
		return nil, err
	}
	queues, err := p.queues()
	if err != nil {
		return nil, err
	}
	d := &incomingForm{Form: f, Hook: row, To: "/app/incoming/new", Queues: []option{{Label: w.text("incoming.noQueue")}}}
	if row != nil {
		d.To = "/app/incoming/" + row.ID + "/edit"
	}
	for _, c := range channels {
		d.Channels = append(d.Channels, option{Value: c.ID, Label: c.Label(), Hint: c.Kind.Name})
	}
	for _, q := range queues {
		d.Queues = append(d.Queues, option{Value: q.ID, Label: visible(q.Name)})
	}
	known := false
	for _, period := range []string{"1m", "1h", "24h"} {
		key := "incoming.period." + period
		d.Periods = append(d.Periods, option{Value: period, Label: w.text(key)})
		known = known || f.Value("period") == period
	}
	if period := f.Value("period"); !known && period != "" {
		d.Periods = append(d.Periods, option{Value: period, Label: period})
	}
	return d, nil
}

func (w *Web) newIncoming(p *page) error {
	f := filled(map[string]string{"limit": "60", "period": "1h", "queueId": p.Query("queue")})
	d, err := w.incomingForm(p, f, nil)
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "incoming/form", w.text("incoming.new"), d)
}

// incomingBody is the form of an incoming webhook as the API takes it.
func (p *page) incomingBody() map[string]any {
	limit, _ := strconv.Atoi(p.text("limit")) // 0 is refused, in the API's words
	body := map[string]any{"name": p.text("name"), "rateLimit": map[string]any{"limit": limit, "period": p.text("period")}}
	if queueID := p.text("queueId"); queueID != "" {
		body["queueId"] = queueID
	} else {
		body["channelIds"] = append([]string{}, p.form["channelIds"]...)
	}
	return body
}

func (w *Web) createIncoming(p *page) error {
	var row incomingRow
	if err := p.send("POST", "/v1/incoming-webhooks", p.incomingBody(), &row); err != nil {
		return w.incomingRefused(p, err, w.text("incoming.new"), nil)
	}
	return p.redirect("/app/incoming/"+row.ID, w.text("incoming.made"))
}

func (w *Web) incomingRefused(p *page, wrong error, title string, row *incomingRow) error {
	d, err := w.incomingForm(p, p.wrong(wrong, "name", "queueId", "channelIds", "rateLimit.period=period", "rateLimit=limit"), row)
	if err != nil {
		return err
	}
	return p.refused("incoming/form", title, d)
}

func (w *Web) editIncoming(p *page) error {
	var row incomingRow
	if err := p.read(&row, p.incomingPath(), nil); err != nil {
		return err
	}
	f := filled(map[string]string{"name": row.Name, "limit": strconv.Itoa(row.RateLimit.Limit), "period": row.RateLimit.Period})
	if row.QueueID != nil {
		f.Values.Set("queueId", *row.QueueID)
	}
	f.Values["channelIds"] = row.ChannelIDs
	d, err := w.incomingForm(p, f, &row)
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "incoming/form", w.text("incoming.edit"), d)
}

func (w *Web) changeIncoming(p *page) error {
	if err := p.send("PATCH", p.incomingPath(), p.incomingBody(), nil); err != nil {
		var row incomingRow
		if gone := p.read(&row, p.incomingPath(), nil); gone != nil {
			return gone
		}
		return w.incomingRefused(p, err, w.text("incoming.edit"), &row)
	}
	return p.redirect("/app/incoming/"+url.PathEscape(p.Params("id")), w.text("incoming.changed"))
}

func (w *Web) rotateIncoming(p *page) error {
	if err := p.send("POST", p.incomingPath()+"/rotate", nil, nil); err != nil {
		return err
	}
	return p.redirect("/app/incoming/"+url.PathEscape(p.Params("id")), w.text("incoming.rotated"))
}

func (w *Web) deleteIncoming(p *page) error {
	if err := p.send("DELETE", p.incomingPath(), nil, nil); err != nil {
		return err
	}
	return p.redirect("/app/incoming", w.text("incoming.deleted"))
}
