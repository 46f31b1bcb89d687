package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

const dayFormat = "2006-01-02"

// The views of the calendar.
const (
	viewMonth = "month"
	viewWeek  = "week"
)

// calendarData is what the calendar shows. All days and times are by the reader's clock.
type calendarData struct {
	View             string
	Heading          string
	Date, Prev, Next string
	Zone             string
	Weeks            [][]calendarDay
	Weekdays         []string
	ChannelID        string
	Channels         []option
	Part             string // address of the calendar alone
	Count            int
	More             bool // there are posts that it does not show
	NoChannels       bool
}

type calendarDay struct {
	Date    string
	Number  string
	Name    string // in full, for screen readers and lists
	Outside bool   // of the month
	Today   bool
	Past    bool
	Entries []calendarEntry
}

// calendarEntry is a post, or a slot of a queue that is free.
type calendarEntry struct {
	Post  *postRow
	At    time.Time
	Clock string
	Queue *queueRow // of a free slot
	Slot  string    // of a free slot, RFC 3339
}

// span is the days that a view shows, from Monday to Sunday.
func span(view string, date time.Time) (from, to time.Time) {
	if view == viewWeek {
		from = monday(date)
		return from, from.AddDate(0, 0, 7)
	}
	first := time.Date(date.Year(), date.Month(), 1, 0, 0, 0, 0, date.Location())
	last := first.AddDate(0, 1, -1)
	return monday(first), monday(last).AddDate(0, 0, 7)
}

func monday(date time.Time) time.Time {
	back := (int(date.Weekday()) + 6) % 7
	return time.Date(date.Year(), date.Month(), date.Day()-back, 0, 0, 0, 0, date.Location())
}

// shown is the day that the address asks for, else today.
func (p *page) shownDay(zone *time.Location) time.Time {
	date, err := time.ParseInLocation(dayFormat, p.Query("date"), zone)
	if err != nil || date.Year() < 2000 || date.Year() > 2200 {
		return p.web.o.Now().In(zone)
	}
	return date
}

func (w *Web) calendarOf(p *page) (*calendarData, error) {
	zone := p.zone()
	date := p.shownDay(zone)
	d := &calendarData{View: viewMonth, Date: date.Format(dayFormat), Zone: zone.String(), ChannelID: p.Query("channelId")}
	step := func(n int) string { return date.AddDate(0, 0, 1-date.Day()).AddDate(0, n, 0).Format(dayFormat) }
	d.Heading = w.text("month."+strconv.Itoa(int(date.Month()))) + " " + strconv.Itoa(date.Year())
	from, to := span(p.Query("view"), date)
	if p.Query("view") == viewWeek {
		d.View = viewWeek
		step = func(n int) string { return date.AddDate(0, 0, 7*n).Format(dayFormat) }
		d.Heading = w.dayName(from) + " – " + w.dayName(to.AddDate(0, 0, -1)) + " " + strconv.Itoa(to.AddDate(0, 0, -1).Year())
	}
	d.Prev, d.Next = step(-1), step(1)
	for i := 1; i <= 7; i++ {
		d.Weekdays = append(d.Weekdays, w.text("day."+strconv.Itoa(i)))
	}
	query := url.Values{"view": {d.View}, "date": {d.Date}}
	if d.ChannelID != "" {
		query.Set("channelId", d.ChannelID)
	}
	d.Part = "/app/posts/calendar?" + query.Encode()
	entries, err := w.calendarEntries(p, d, from, to)
	if err != nil {
		return nil, err
	}
	d.Weeks = w.weeks(from, to, date, entries)
	return d, nil
}

// dayName is a day without its year: "21 November".
func (w *Web) dayName(day time.Time) string {
	return strconv.Itoa(day.Day()) + " " + w.text("month."+strconv.Itoa(int(day.Month())))
}

// calendarEntries reads the posts of a time, and for a week the free slots of queues.
func (w *Web) calendarEntries(p *page, d *calendarData, from, to time.Time) ([]calendarEntry, error) {
	query := url.Values{"from": {from.UTC().Format(time.RFC3339)}, "to": {to.UTC().Format(time.RFC3339)}}
	if d.ChannelID != "" {
		query.Set("channelId", d.ChannelID)
	}
	posts, more, err := everything[*postRow](p, "/v1/posts", query, postPages)
	if err != nil {
		return nil, err
	}
	channels, err := p.publishers()
	if err != nil {
		return nil, err
	}
	w.nameTargets(channels, posts...)
	d.More, d.Channels, d.NoChannels = more, w.channelOptions(channels), len(channels) == 0
	var entries []calendarEntry
	for _, post := range posts {
		if post.Status != "cancelled" {
			entries = append(entries, calendarEntry{Post: post, At: post.At()})
		}
	}
	d.Count = len(entries)
	if d.View == viewWeek && to.After(w.o.Now()) {
		free, err := p.freeSlots(d.ChannelID, from, to)
		if err != nil {
			return nil, err
		}
		entries = append(entries, free...)
	}
	slices.SortStableFunc(entries, func(a, b calendarEntry) int { return a.At.Compare(b.At) })
	return entries, nil
}

// previewedQueues bounds the queues whose free slots a calendar shows.
const previewedQueues = 8

// freeSlots are the slots of queues in which there is room.
func (p *page) freeSlots(channelID string, from, to time.Time) ([]calendarEntry, error) {
	queues, err := p.queues()
	if err != nil {
		return nil, err
	}
	var entries []calendarEntry
	for i, q := range queues {
		if i == previewedQueues || (channelID != "" && !slices.Contains(q.ChannelIDs, channelID)) {
			continue
		}
		turns, err := p.turns(q.ID, 100)
		if err != nil {
			return nil, err
		}
		for _, turn := range turns {
			at, err := parseTime(turn.SlotAt)
			if err == nil && turn.Planned && len(turn.Posts) < q.PostsPerSlot && !at.Before(from) && at.Before(to) {
				entries = append(entries, calendarEntry{At: at, Queue: q, Slot: turn.SlotAt})
			}
		}
	}
	return entries, nil
}

// weeks puts entries on their days.
func (w *Web) weeks(from, to, date time.Time, entries []calendarEntry) [][]calendarDay {
	now := w.o.Now().In(date.Location())
	today := now.Format(dayFormat)
	var weeks [][]calendarDay
	for day := from; day.Before(to); day = day.AddDate(0, 0, 1) {
		if day.Equal(from) || day.Weekday() == time.Monday {
			weeks = append(weeks, nil)
		}
		next := day.AddDate(0, 0, 1)
		c := calendarDay{
			Date: day.Format(dayFormat), Number: strconv.Itoa(day.Day()), Today: day.Format(dayFormat) == today, Past: !next.After(now), Outside: day.Month() != date.Month(),
			Name: w.text("day."+strconv.Itoa((int(day.Weekday())+6)%7+1)) + ", " + w.dayName(day),
		}
		for len(entries) > 0 && entries[0].At.Before(next) {
			e := entries[0]
			e.Clock = e.At.In(date.Location()).Format("15:04")
			c.Entries, entries = append(c.Entries, e), entries[1:]
		}
		weeks[len(weeks)-1] = append(weeks[len(weeks)-1], c)
	}
	return weeks
}

func (w *Web) postCalendar(p *page) error {
	d, err := w.calendarOf(p)
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "posts/calendar", w.text("posts.title"), d)
}

func (w *Web) postCalendarPart(p *page) error {
	d, err := w.calendarOf(p)
	if err != nil {
		return err
	}
	return p.fragment("posts/calendar", "grid", d)
}
