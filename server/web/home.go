package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

func (w *Web) homeRoutes() []Route {
	return []Route{
		{"GET", "/app", loggedIn, w.home},
		{"GET", "/app/home/state", loggedIn, w.homeState},
	}
}

type outcomes struct {
	Delivered int64 `json:"delivered"`
	Failed    int64 `json:"failed"`
	Pending   int64 `json:"pending"`
}

// All is how many there are.
func (o outcomes) All() int64 { return o.Delivered + o.Failed + o.Pending }

type overview struct {
	Channels []struct {
		Connector string `json:"connector"`
		Status    string `json:"status"`
		Count     int64  `json:"count"`
	} `json:"channels"`
	Deliveries struct {
		Hours []hour   `json:"hours"`
		Total outcomes `json:"total"`
	} `json:"deliveries"`
	Queue struct {
		Due           int64 `json:"due"`
		Waiting       int64 `json:"waiting"`
		Held          int64 `json:"held"`
		OldestSeconds int64 `json:"oldestSeconds"`
	} `json:"queue"`
	Messages struct {
		In     int64 `json:"in24h"`
		Out    int64 `json:"out24h"`
		Failed int64 `json:"failed24h"`
	} `json:"messages"`
	Posts struct {
		Scheduled int64 `json:"scheduled"`
		Failed    int64 `json:"failed24h"`
	} `json:"posts"`
	Action []action `json:"action"`
}

type hour struct {
	At string `json:"at"`
	outcomes
}

type action struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Kind    string  `json:"kind"`
	ID      *string `json:"id"`
}

// Link is the page on which something is done about it.
func (a action) Link() string {
	id := ""
	if a.ID != nil {
		id = "/" + url.PathEscape(*a.ID)
	}
	switch a.Kind {
	case "channel", "session":
		return "/app/channels" + id
	case "webhook":
		return "/app/webhooks" + id
	case "post":
		return "/app/posts" + id
	case "delivery":
		return "/app/deliveries?status=failed"
	case "message":
		return "/app/messages"
	}
	return "/app"
}

// states are the channels by their status.
type states struct {
	Status string
	Count  int64
}

// step is one of the first steps of a new account.
type step struct {
	Word, Hint, Link string
	Done             bool
}

type homeData struct {
	overview
	States []states
	Total  int64 // channels
	Bars   []bar
	Steps  []step // empty when all are done
}

func (w *Web) home(p *page) error {
	data, err := p.homeData()
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "home", w.text("home.title"), data)
}

func (w *Web) homeState(p *page) error {
	data, err := p.homeData()
	if err != nil {
		return err
	}
	return p.fragment("home", "home-state", data)
}

func (p *page) homeData() (*homeData, error) {
	data := &homeData{}
	if err := p.read(&data.overview, "/v1/overview", nil); err != nil {
		return nil, err
	}
	byStatus := map[string]int64{}
	for _, c := range data.Channels {
		byStatus[c.Status] += c.Count
		data.Total += c.Count
	}
	for status, count := range byStatus {
		data.States = append(data.States, states{status, count})
	}
	slices.SortFunc(data.States, func(a, b states) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Status, b.Status)) })
	data.Bars = bars(data.Deliveries.Hours, chartHeight)
	var err error
	data.Steps, err = p.firstSteps(data.Total)
	return data, err
}

// firstSteps are what a new account does, until all of it is done.
func (p *page) firstSteps(channels int64) ([]step, error) {
	made := func(path string) (bool, error) {
		var some list[struct{}]
		err := p.read(&some, path, url.Values{"limit": {"1"}})
		return len(some.Data) > 0, err
	}
	steps := []step{
		{Word: p.web.text("home.step.channel"), Hint: p.web.text("home.step.channelHint"), Link: "/app/channels/new", Done: channels > 0},
		{Word: p.web.text("home.step.webhook"), Hint: p.web.text("home.step.webhookHint"), Link: "/app/webhooks/new"},
		{Word: p.web.text("home.step.key"), Hint: p.web.text("home.step.keyHint"), Link: "/app/keys"},
		{Word: p.web.text("home.step.event"), Hint: p.web.text("home.step.eventHint"), Link: "/app/events"},
	}
	all := channels > 0
	for i, path := range []string{"/v1/webhooks", "/v1/keys", "/v1/events"} {
		done, err := made(path)
		if err != nil {
			return nil, err
		}
		steps[i+1].Done = done
		all = all && done
	}
	if all {
		return nil, nil
	}
	return steps, nil
}

// The units of a chart's drawing: how high a bar can be, and how far one is from the next.
const (
	chartHeight = 100
	barStep     = 20
)

// bar is one hour of a chart: parts stacked from below, each from Y down with height H.
type bar struct {
	X, W          int
	Hour          string // RFC 3339
	Ok, Bad, Open part
	outcomes
}

type part struct{ Y, H int }

// bars stacks the outcomes of each hour. What is there is at least one unit high, so that one failure among thousands is seen.
func bars(hours []hour, height int) []bar {
	most := int64(1)
	for _, h := range hours {
		most = max(most, h.All())
	}
	all := make([]bar, 0, len(hours))
	for i, h := range hours {
		b := bar{X: i*barStep + 2, W: barStep - 4, Hour: h.At, outcomes: h.outcomes}
		top := height
		for _, one := range []struct {
			n  int64
			to *part
		}{{h.Delivered, &b.Ok}, {h.Pending, &b.Open}, {h.Failed, &b.Bad}} {
			tall := int(one.n * int64(height-4) / most)
			if one.n > 0 {
				tall = max(tall, 2)
			}
			top = max(top-tall, 0)
			*one.to = part{top, tall}
		}
		all = append(all, b)
	}
	return all
}

// Label says what a bar shows.
func (b bar) Label() string {
	at, err := time.Parse(time.RFC3339, b.Hour)
	if err != nil {
		return b.Hour
	}
	return fmt.Sprintf("%02d:00 UTC: %d / %d / %d", at.UTC().Hour(), b.Delivered, b.Pending, b.Failed)
}
