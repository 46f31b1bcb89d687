package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/switchhook/switchhook/internal/problem"
)

// localFormat is what browsers send of a field for a day and a time.
const localFormat = "2006-01-02T15:04"

// moveSlots is how many slots are offered.
const moveSlots = 100

// moveData is what the page shows that gives a post another time.
type moveData struct {
	Post   *postRow
	Form   *form
	Zone   string
	At     string // of a post with a time of its own
	Queue  string
	Places []movePlace
	Day    string // the slots are those of this day only
}

// movePlace is a place that a post can take: a free one, or that of another post, which takes its place.
type movePlace struct {
	Value  string
	SlotAt string
	With   string // the other post
	Here   bool   // where it is now
}

func (w *Web) movePage(p *page) error {
	d, err := w.moveData(p, nil)
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "posts/move", w.text("posts.moveTitle"), d)
}

func (w *Web) moveData(p *page, f *form) (*moveData, error) {
	row, err := w.onePost(p)
	if err != nil {
		return nil, err
	}
	zone := p.zone()
	d := &moveData{Post: row, Form: f, Zone: zone.String(), At: row.At().In(zone).Format(localFormat)}
	if row.Moves() != "slot" {
		return d, nil
	}
	turns, err := p.labelled(*row.QueueID, moveSlots)
	if err != nil {
		return nil, err
	}
	q, err := p.queue(*row.QueueID)
	if err != nil {
		return nil, err
	}
	d.Queue = visible(q.Name)
	all := places(turns, q, row)
	d.Day = p.Query("date")
	for _, place := range all {
		if at, err := parseTime(place.SlotAt); err == nil && at.In(zone).Format(dayFormat) == d.Day {
			d.Places = append(d.Places, place)
		}
	}
	if len(d.Places) == 0 {
		d.Day, d.Places = "", all
	}
	return d, nil
}

// places lists where a post of a queue can go.
func places(turns []queueTurn, q *queueRow, row *postRow) []movePlace {
	var list []movePlace
	for _, turn := range turns {
		for i := range turn.Posts {
			other := &turn.Posts[i]
			place := movePlace{Value: "post " + other.ID, SlotAt: turn.SlotAt, With: other.Label(), Here: other.ID == row.ID}
			list = append(list, place)
		}
		if turn.Planned && len(turn.Posts) < q.PostsPerSlot {
			list = append(list, movePlace{Value: "slot " + turn.SlotAt, SlotAt: turn.SlotAt})
		}
	}
	return list
}

// movePost gives a post another time. The field "to" says which: "at" with the field at, "day 2026-07-01" at the same time of the day, "slot …" of its
// queue, or "post …" whose place it takes.
func (w *Web) movePost(p *page) error {
	row, err := w.onePost(p)
	if err != nil {
		return err
	}
	if err := w.move(p, row); err != nil {
		if p.fragmentOnly() {
			return err
		}
		d, missing := w.moveData(p, p.wrong(err, "publishAt=at", "at", "slotAt=to", "to"))
		if missing != nil {
			return missing
		}
		return p.refused("posts/move", w.text("posts.moveTitle"), d)
	}
	if p.fragmentOnly() {
		return p.done(w.text("posts.moved"))
	}
	return p.redirect("/app/posts/"+row.ID, w.text("posts.moved"))
}

func (w *Web) move(p *page, row *postRow) error {
	kind, value, _ := strings.Cut(p.text("to"), " ")
	path := "/v1/posts/" + url.PathEscape(row.ID)
	switch kind {
	case "slot":
		return p.send("PATCH", path, map[string]string{"slotAt": value}, nil)
	case "post":
		return p.exchange(row, value)
	case "day":
		at, err := onDay(row.At().In(p.zone()), value)
		if err != nil {
			return problem.InvalidOne("at", w.text("posts.badTime"))
		}
		return w.moveTo(p, path, at)
	case "at", "":
		at, err := time.ParseInLocation(localFormat, p.text("at"), p.zone())
		if err != nil {
			return problem.InvalidOne("at", w.text("posts.badTime"))
		}
		return w.moveTo(p, path, at)
	}
	return problem.InvalidOne("to", w.text("posts.noPlace"))
}

// moveTo plans a post for a time. One that is past would publish it at once, which nobody who moves it means.
func (w *Web) moveTo(p *page, path string, at time.Time) error {
	if !at.After(w.o.Now()) {
		return problem.InvalidOne("at", w.text("posts.pastTime"))
	}
	return p.send("PATCH", path, map[string]string{"publishAt": at.UTC().Format(time.RFC3339)}, nil)
}

// onDay is the same time of another day.
func onDay(at time.Time, date string) (time.Time, error) {
	day, err := time.ParseInLocation(dayFormat, date, at.Location())
	if err != nil {
		return at, err //nolint:wrapcheck // the caller says it in its own words
	}
	return time.Date(day.Year(), day.Month(), day.Day(), at.Hour(), at.Minute(), at.Second(), 0, at.Location()), nil
}

// exchange gives two posts of a queue each other's places.
func (p *page) exchange(row *postRow, otherID string) error {
	if row.QueueID == nil {
		return problem.InvalidOne("to", p.web.text("posts.noPlace"))
	}
	var other postRow
	if err := p.read(&other, "/v1/posts/"+url.PathEscape(otherID), nil); err != nil {
		return err
	}
	pair := []*postRow{row, &other}
	slices.SortFunc(pair, func(a, b *postRow) int { return b.At().Compare(a.At()) }) // the later one gets the earlier place
	return p.send("POST", "/v1/queues/"+url.PathEscape(*row.QueueID)+"/reorder", map[string][]string{"postIds": {pair[0].ID, pair[1].ID}}, nil)
}
