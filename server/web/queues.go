package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/switchhook/switchhook/internal/problem"
)

func (w *Web) queueRoutes() []Route {
	return []Route{
		{"GET", "/app/queues", loggedIn, w.queueList},
		{"GET", "/app/queues/new", loggedIn, w.newQueue},
		{"POST", "/app/queues/new", loggedIn, w.createQueue},
		{"GET", "/app/queues/:id", loggedIn, w.queuePage},
		{"GET", "/app/queues/:id/slots", loggedIn, w.queueSlots},
		{"GET", "/app/queues/:id/edit", loggedIn, w.editQueue},
		{"POST", "/app/queues/:id/edit", loggedIn, w.changeQueue},
		{"POST", "/app/queues/:id/status", loggedIn, w.queueStatus},
		{"POST", "/app/queues/:id/reshuffle", loggedIn, w.reshuffleQueue},
		{"POST", "/app/queues/:id/reorder", loggedIn, w.reorderQueue},
		{"POST", "/app/queues/:id/delete", loggedIn, w.deleteQueue},
	}
}

// queueRow is a queue as pages show it.
type queueRow struct {
	ID           string      `json:"id"`
	Name         string      `json:"name"`
	TimeZone     string      `json:"timeZone"`
	Slots        []queueSlot `json:"slots"`
	ChannelIDs   []string    `json:"channelIds"`
	PostsPerSlot int         `json:"postsPerSlot"`
	Status       string      `json:"status"`
	Networks     []string    `json:"-"`
	Week         []string    `json:"-"` // its slots in words, a day each
}

type queueSlot struct {
	Weekday string `json:"weekday"`
	Time    string `json:"time"`
}

// queueTurn is a slot to come and what waits in it.
type queueTurn struct {
	SlotAt  string    `json:"slotAt"`
	Local   string    `json:"local"`
	Planned bool      `json:"planned"`
	Posts   []postRow `json:"posts"`
}

// Clock is the slot by the clock of the queue's zone.
func (t queueTurn) Clock() string {
	at, err := time.Parse(time.RFC3339, t.Local)
	if err != nil {
		return ""
	}
	return at.Format("15:04")
}

// weekdays are the days as the API calls them.
func weekdays() []string { return []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} }

// queues reads the queues of the account: at most 100.
func (p *page) queues() ([]*queueRow, error) {
	queues, _, err := everything[*queueRow](p, "/v1/queues", nil, queuePages)
	return queues, err
}

func (p *page) queue(id string) (*queueRow, error) {
	var row queueRow
	err := p.read(&row, "/v1/queues/"+url.PathEscape(id), nil)
	return &row, err
}

// turns reads the next slots of a queue. The posts in them get what they are called by.
func (p *page) turns(queueID string, n int) ([]queueTurn, error) {
	var turns list[queueTurn]
	if err := p.read(&turns, "/v1/queues/"+url.PathEscape(queueID)+"/preview", url.Values{"limit": {strconv.Itoa(n)}}); err != nil {
		return nil, err
	}
	return turns.Data, nil
}

// labelled are turns whose posts can be called by their beginnings.
func (p *page) labelled(queueID string, n int) ([]queueTurn, error) {
	turns, err := p.turns(queueID, n)
	if err != nil {
		return nil, err
	}
	rows, _, err := everything[postRow](p, "/v1/posts", url.Values{"queueId": {queueID}, "status": {"queued"}}, postPages)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]postRow, len(rows))
	for _, row := range rows {
		byID[row.ID] = row
	}
	for i := range turns {
		for j, post := range turns[i].Posts {
			if row, known := byID[post.ID]; known {
				turns[i].Posts[j] = row
			}
		}
	}
	return turns, nil
}

func (w *Web) queueList(p *page) error {
	queues, err := p.queues()
	if err != nil {
		return err
	}
	if err := w.nameQueues(p, queues...); err != nil {
		return err
	}
	return p.render(http.StatusOK, "queues/list", w.text("queues.title"), queues)
}

// nameQueues says queues' channels and slots in words.
func (w *Web) nameQueues(p *page, queues ...*queueRow) error {
	channels, err := p.publishers()
	if err != nil {
		return err
	}
	for _, q := range queues {
		q.Networks = w.networks(channels, q.ChannelIDs)
		for i, day := range weekdays() {
			var times []string
			for _, slot := range q.Slots {
				if slot.Weekday == day {
					times = append(times, slot.Time)
				}
			}
			if len(times) > 0 {
				q.Week = append(q.Week, w.text("dayshort."+strconv.Itoa(i+1))+" "+strings.Join(times, ", "))
			}
		}
	}
	return nil
}

// queueData is what the page of a queue shows.
type queueData struct {
	Queue   *queueRow
	Turns   []queueTurn
	Waiting []string // the posts that wait, in their order
	Hooks   []*incomingRow
}

const (
	// queueTurns is how many slots the page of a queue looks at.
	queueTurns = 100
	// freeTurns is how many free slots it shows behind the last post.
	freeTurns = 8
)

// upToFree cuts the free slots at the end but for some.
func upToFree(turns []queueTurn) []queueTurn {
	last := -1
	for i := range turns {
		if len(turns[i].Posts) > 0 {
			last = i
		}
	}
	return turns[:min(len(turns), last+1+freeTurns)]
}

func (w *Web) queueData(p *page) (*queueData, error) {
	q, err := p.queue(p.Params("id"))
	if err != nil {
		return nil, err
	}
	if err := w.nameQueues(p, q); err != nil {
		return nil, err
	}
	turns, err := p.labelled(q.ID, queueTurns)
	if err != nil {
		return nil, err
	}
	d := &queueData{Queue: q, Turns: upToFree(turns)}
	for _, turn := range d.Turns {
		for _, post := range turn.Posts {
			d.Waiting = append(d.Waiting, post.ID)
		}
	}
	return d, nil
}

// Movable tells whether a post has a neighbour in a direction: -1 or 1.
func (d *queueData) Movable(id string, by int) bool {
	at := slices.Index(d.Waiting, id) + by
	return at >= 0 && at < len(d.Waiting)
}

// Room tells how many posts a slot can still take.
func (d *queueData) Room(turn queueTurn) int {
	if !turn.Planned {
		return 0
	}
	return max(0, d.Queue.PostsPerSlot-len(turn.Posts))
}

func (w *Web) queuePage(p *page) error {
	d, err := w.queueData(p)
	if err != nil {
		return err
	}
	hooks, _, err := everything[*incomingRow](p, "/v1/incoming-webhooks", nil, 1)
	if err != nil {
		return err
	}
	for _, h := range hooks {
		if h.QueueID != nil && *h.QueueID == d.Queue.ID {
			d.Hooks = append(d.Hooks, h)
		}
	}
	return p.render(http.StatusOK, "queues/queue", visible(d.Queue.Name), d)
}

func (w *Web) queueSlots(p *page) error {
	d, err := w.queueData(p)
	if err != nil {
		return err
	}
	return p.fragment("queues/queue", "slots", d)
}

func (p *page) queuePath() string { return "/v1/queues/" + url.PathEscape(p.Params("id")) }

func (p *page) backToQueue(notice string) error {
	if p.fragmentOnly() {
		return p.done(notice)
	}
	return p.redirect("/app/queues/"+url.PathEscape(p.Params("id")), notice)
}

func (w *Web) queueStatus(p *page) error {
	body := map[string]any{"status": p.text("status")}
	if p.text("reshuffle") == "yes" {
		body["reshuffle"] = true
	}
	var row queueRow
	if err := p.send("PATCH", p.queuePath(), body, &row); err != nil {
		return err
	}
	key := "queues.now." + row.Status
	return p.backToQueue(w.text(key))
}

func (w *Web) reshuffleQueue(p *page) error {
	if err := p.send("PATCH", p.queuePath(), map[string]bool{"reshuffle": true}, nil); err != nil {
		return err
	}
	return p.backToQueue(w.text("queues.reshuffled"))
}

// reorderQueue moves one post up or down (fields post and by), or gives posts the order in which the field order names them.
func (w *Web) reorderQueue(p *page) error {
	ids := strings.Fields(p.text("order"))
	if postID := p.text("post"); postID != "" {
		d, err := w.queueData(p)
		if err != nil {
			return err
		}
		by := 1
		if p.text("by") == "up" {
			by = -1
		}
		if !slices.Contains(d.Waiting, postID) || !d.Movable(postID, by) {
			return problem.New(problem.Conflict, w.text("queues.notWaiting"))
		}
		at := slices.Index(d.Waiting, postID)
		ids = []string{d.Waiting[max(at, at+by)], d.Waiting[min(at, at+by)]}
	}
	if err := p.send("POST", p.queuePath()+"/reorder", map[string][]string{"postIds": ids}, nil); err != nil {
		return err
	}
	return p.backToQueue(w.text("queues.reordered"))
}

func (w *Web) deleteQueue(p *page) error {
	path := p.queuePath()
	if p.text("force") == "yes" {
		path += "?force=true"
	}
	if err := p.send("DELETE", path, nil, nil); err != nil {
		return err
	}
	return p.redirect("/app/queues", w.text("queues.deleted"))
}
