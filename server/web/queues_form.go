package web

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// queueForm is what the form of a queue shows.
type queueForm struct {
	Form     *form
	Queue    *queueRow // that is changed; nil: a new one
	To       string
	Channels []option
	Times    []string
	Days     []queueDay
	NoNet    bool // there is no channel that posts can go to
}

type queueDay struct{ Key, Short, Name string }

// Cell is the value of one box of the week.
func (queueForm) Cell(day, clock string) string { return day + " " + clock }

// clockPattern is a time of the day as the API takes it.
var clockPattern = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d$`)

// usualTimes are the rows that the week of a new queue has.
func usualTimes() []string { return []string{"09:00", "12:00", "18:00"} }

func (w *Web) queueForm(p *page, f *form, row *queueRow) (*queueForm, error) {
	channels, err := p.publishers()
	if err != nil {
		return nil, err
	}
	d := &queueForm{Form: f, Queue: row, To: "/app/queues/new", Times: timesOf(f.Values), NoNet: len(channels) == 0}
	if row != nil {
		d.To = "/app/queues/" + row.ID + "/edit"
	}
	for _, c := range channels {
		d.Channels = append(d.Channels, option{Value: c.ID, Label: c.Label(), Hint: c.Kind.Name})
	}
	for i, key := range weekdays() {
		d.Days = append(d.Days, queueDay{key, w.text("dayshort." + strconv.Itoa(i+1)), w.text("day." + strconv.Itoa(i+1))})
	}
	return d, nil
}

// timesOf are the rows of the week: those that have a box that is checked, those that were shown, and one that is added.
func timesOf(values url.Values) []string {
	times := slices.Clone(values["times"])
	for _, cell := range values["slot"] {
		_, clock, _ := strings.Cut(cell, " ")
		times = append(times, clock)
	}
	times = append(times, values.Get("addTime"))
	times = slices.DeleteFunc(times, func(clock string) bool { return !clockPattern.MatchString(clock) })
	slices.Sort(times)
	return slices.Compact(times)
}

func (w *Web) newQueue(p *page) error {
	f := &form{Values: url.Values{"timeZone": {p.zone().String()}, "postsPerSlot": {"1"}, "times": usualTimes()}}
	for _, day := range weekdays()[:5] {
		f.Values.Add("slot", day+" 09:00")
	}
	d, err := w.queueForm(p, f, nil)
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "queues/form", w.text("queues.new"), d)
}

// queueBody is the form of a queue as the API takes it.
func (p *page) queueBody() map[string]any {
	slots := []queueSlot{}
	for _, cell := range p.form["slot"] {
		day, clock, _ := strings.Cut(cell, " ")
		slots = append(slots, queueSlot{day, clock})
	}
	body := map[string]any{"name": p.text("name"), "timeZone": p.text("timeZone"), "slots": slots, "channelIds": append([]string{}, p.form["channelIds"]...)}
	if n, err := strconv.Atoi(p.text("postsPerSlot")); err == nil {
		body["postsPerSlot"] = n
	} else {
		body["postsPerSlot"] = 0 // is refused, in the API's words
	}
	return body
}

// anotherRow shows the form with one more time, and stores nothing.
func (w *Web) anotherRow(p *page, title string, row *queueRow) error {
	d, err := w.queueForm(p, &form{Values: p.form}, row)
	if err != nil {
		return err
	}
	p.form.Del("addTime")
	return p.render(http.StatusOK, "queues/form", title, d)
}

func (w *Web) createQueue(p *page) error {
	if p.form.Has("add") {
		return w.anotherRow(p, w.text("queues.new"), nil)
	}
	var row queueRow
	if err := p.send("POST", "/v1/queues", p.queueBody(), &row); err != nil {
		return w.queueRefused(p, err, w.text("queues.new"), nil)
	}
	return p.redirect("/app/queues/"+row.ID, w.text("queues.made"))
}

func (w *Web) queueRefused(p *page, wrong error, title string, row *queueRow) error {
	d, err := w.queueForm(p, p.wrong(wrong, "name", "timeZone", "slots", "channelIds", "postsPerSlot"), row)
	if err != nil {
		return err
	}
	return p.refused("queues/form", title, d)
}

func (w *Web) editQueue(p *page) error {
	row, err := p.queue(p.Params("id"))
	if err != nil {
		return err
	}
	f := filled(map[string]string{"name": row.Name, "timeZone": row.TimeZone, "postsPerSlot": strconv.Itoa(row.PostsPerSlot)})
	for _, slot := range row.Slots {
		f.Values.Add("slot", slot.Weekday+" "+slot.Time)
	}
	f.Values["channelIds"] = row.ChannelIDs
	d, err := w.queueForm(p, f, row)
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "queues/form", w.text("queues.edit"), d)
}

func (w *Web) changeQueue(p *page) error {
	row, err := p.queue(p.Params("id"))
	if err != nil {
		return err
	}
	if p.form.Has("add") {
		return w.anotherRow(p, w.text("queues.edit"), row)
	}
	body := p.queueBody()
	if p.text("reshuffle") == "yes" {
		body["reshuffle"] = true
	}
	if err := p.send("PATCH", p.queuePath(), body, nil); err != nil {
		return w.queueRefused(p, err, w.text("queues.edit"), row)
	}
	return p.redirect("/app/queues/"+row.ID, w.text("queues.changed"))
}
