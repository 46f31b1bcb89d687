package server

import (
	"strconv"
	"strings"
	"time"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/queue"
	"github.com/switchhook/switchhook/internal/store"
)

// The slots that a preview shows, and at most.
const (
	previewSlots    = 20
	maxPreviewSlots = 200
)

// queueView is a queue as answers show it.
type queueView struct {
	ID           string       `json:"id"`
	Name         string       `json:"name"`
	TimeZone     string       `json:"timeZone"`
	Slots        []queue.Slot `json:"slots"`
	ChannelIDs   []string     `json:"channelIds"`
	PostsPerSlot int64        `json:"postsPerSlot"`
	Status       string       `json:"status"`
	CreatedAt    timestamp    `json:"createdAt"`
	UpdatedAt    timestamp    `json:"updatedAt"`
}

func showQueue(q *store.Queue) queueView {
	return queueView{
		ID: q.ID, Name: q.Name, TimeZone: q.TimeZone, Slots: queue.Slots(q), ChannelIDs: q.ChannelIDs, PostsPerSlot: q.PostsPerSlot,
		Status: string(q.Status), CreatedAt: timestamp(q.CreatedAt), UpdatedAt: timestamp(q.UpdatedAt),
	}
}

type queueBody struct {
	Name         *string       `json:"name"`
	TimeZone     *string       `json:"timeZone"`
	Slots        *[]queue.Slot `json:"slots"`
	ChannelIDs   *[]string     `json:"channelIds"`
	PostsPerSlot *int          `json:"postsPerSlot"`
	Status       *string       `json:"status"`
	Reshuffle    bool          `json:"reshuffle"`
}

func (s *Server) listQueues(r *request) (answer, error) {
	page, err := r.searchPage("que")
	if err != nil {
		return answer{}, err
	}
	rows, err := s.Queues.List(r.ctx, r.account(), page)
	if err != nil {
		return answer{}, err
	}
	return listOf(rows, page, showQueue, func(q *store.Queue) string { return q.ID })
}

func (s *Server) createQueue(r *request) (answer, error) {
	var body queueBody
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	q, err := s.Queues.Create(r.ctx, r.account(), r.newID("que", s.Accounts.IDs()), queue.Settings(body))
	if err != nil {
		return answer{}, err
	}
	return created(showQueue(q))
}

func (s *Server) getQueue(r *request) (answer, error) {
	q, err := s.Queues.Get(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, err
	}
	return ok(showQueue(q))
}

func (s *Server) changeQueue(r *request) (answer, error) {
	var body queueBody
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	q, err := s.Queues.Change(r.ctx, r.account(), r.Params("id"), queue.Settings(body))
	if err != nil {
		return answer{}, err
	}
	return ok(showQueue(q))
}

// deleteQueue deletes a queue that nothing needs any more, or with force=true in any case.
func (s *Server) deleteQueue(r *request) (answer, error) {
	force, err := r.oneOf("force", "true", "false")
	if err != nil {
		return answer{}, err
	}
	if err := s.Queues.Delete(r.ctx, r.account(), r.Params("id"), force == "true"); err != nil {
		return answer{}, err
	}
	return noContent()
}

// turnView is a slot to come and what waits in it.
type turnView struct {
	SlotAt  timestamp     `json:"slotAt"`
	Local   string        `json:"local"`   // the same by the clock of the queue's zone
	Planned bool          `json:"planned"` // false where a post waits in what is no slot any more, or has passed
	Posts   []waitingView `json:"posts"`
}

// waitingView is a post that has a place in a queue.
type waitingView struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Status string `json:"status"`
}

// previewView is what a queue will do next.
type previewView struct {
	Data []turnView `json:"data"`
}

func (s *Server) previewQueue(r *request) (answer, error) {
	n := previewSlots
	if text := r.Query("limit"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 || n > maxPreviewSlots {
			return answer{}, problem.InvalidOne("limit", "limit must be a whole number from 1 to "+strconv.Itoa(maxPreviewSlots)+".")
		}
	}
	q, err := s.Queues.Get(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, err
	}
	turns, err := s.Queues.Preview(r.ctx, r.account(), q.ID, n)
	if err != nil {
		return answer{}, err
	}
	zone, err := queue.ParseZone(q.TimeZone)
	if err != nil {
		return answer{}, err
	}
	view := previewView{Data: []turnView{}}
	for _, turn := range turns {
		t := turnView{SlotAt: timestamp(turn.At), Local: turn.At.In(zone).Format(time.RFC3339), Planned: turn.Planned, Posts: []waitingView{}}
		for _, c := range turn.Posts {
			t.Posts = append(t.Posts, waitingView{ID: c.PostID, Title: c.Title, Status: string(c.Status)})
		}
		view.Data = append(view.Data, t)
	}
	return ok(view)
}

// reorderQueue gives posts the places that they have together, in the order in which they are named, and answers with the preview.
func (s *Server) reorderQueue(r *request) (answer, error) {
	var body struct {
		PostIDs []string `json:"postIds"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	if err := s.Queues.Reorder(r.ctx, r.account(), r.Params("id"), body.PostIDs); err != nil {
		return answer{}, err
	}
	return s.previewQueue(r)
}

// shortDuration writes a duration as people do: "1h" and not "1h0m0s".
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
