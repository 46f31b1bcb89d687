package server

import (
	"github.com/switchhook/switchhook/internal/incoming"
	"github.com/switchhook/switchhook/internal/store"
)

// incomingView is an incoming webhook as answers show it. Its url is all that somebody needs who posts by it.
type incomingView struct {
	ID         string             `json:"id"`
	Name       string             `json:"name"`
	URL        string             `json:"url"`
	ChannelIDs []string           `json:"channelIds"`
	QueueID    *string            `json:"queueId"`
	RateLimit  incoming.RateLimit `json:"rateLimit"`
	Remaining  *int64             `json:"remaining,omitempty"` // of one incoming webhook, while Redis is there
	ResetAt    *timestamp         `json:"resetAt,omitempty"`   // likewise
	LastUsedAt timestamp          `json:"lastUsedAt"`
	CreatedAt  timestamp          `json:"createdAt"`
	UpdatedAt  timestamp          `json:"updatedAt"`
}

func (s *Server) showIncoming(w *store.IncomingWebhook) (incomingView, error) {
	address, err := s.Incoming.URL(w)
	view := incomingView{
		ID: w.ID, Name: w.Name, URL: address, ChannelIDs: w.ChannelIDs, QueueID: orNull(w.QueueID),
		RateLimit:  incoming.RateLimit{Limit: w.RateLimit, Period: shortDuration(w.RatePeriod)},
		LastUsedAt: timestamp(w.LastUsedAt), CreatedAt: timestamp(w.CreatedAt), UpdatedAt: timestamp(w.UpdatedAt),
	}
	if view.ChannelIDs == nil {
		view.ChannelIDs = []string{}
	}
	return view, err
}

type incomingBody struct {
	Name       *string             `json:"name"`
	ChannelIDs *[]string           `json:"channelIds"`
	QueueID    *string             `json:"queueId"`
	RateLimit  *incoming.RateLimit `json:"rateLimit"`
}

func (s *Server) listIncoming(r *request) (answer, error) {
	page, err := r.searchPage("iwh")
	if err != nil {
		return answer{}, err
	}
	rows, err := s.Incoming.List(r.ctx, r.account(), page)
	if err != nil {
		return answer{}, err
	}
	views := make([]incomingView, len(rows))
	for i, w := range rows {
		if views[i], err = s.showIncoming(w); err != nil {
			return answer{}, err
		}
	}
	return listOf(views, page, func(v incomingView) incomingView { return v }, func(v incomingView) string { return v.ID })
}

func (s *Server) createIncoming(r *request) (answer, error) {
	var body incomingBody
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	w, err := s.Incoming.Create(r.ctx, r.account(), r.newID("iwh", s.Accounts.IDs()), incoming.Settings(body))
	if err != nil {
		return answer{}, err
	}
	view, err := s.showIncoming(w)
	if err != nil {
		return answer{}, err
	}
	return created(view)
}

func (s *Server) getIncoming(r *request) (answer, error) {
	w, err := s.Incoming.Get(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, err
	}
	view, err := s.showIncoming(w)
	if err != nil {
		return answer{}, err
	}
	if left, err := s.Limiter.Peek(r.ctx, hookKey(w), incoming.Rate(w)); err == nil {
		reset := timestamp(left.Reset)
		view.Remaining, view.ResetAt = &left.Remaining, &reset
	}
	return ok(view)
}

func (s *Server) changeIncoming(r *request) (answer, error) {
	var body incomingBody
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	w, err := s.Incoming.Change(r.ctx, r.account(), r.Params("id"), incoming.Settings(body))
	return s.incomingAnswer(w, err)
}

func (s *Server) rotateIncoming(r *request) (answer, error) {
	w, err := s.Incoming.Rotate(r.ctx, r.account(), r.Params("id"))
	return s.incomingAnswer(w, err)
}

func (s *Server) deleteIncoming(r *request) (answer, error) {
	if err := s.Incoming.Delete(r.ctx, r.account(), r.Params("id")); err != nil {
		return answer{}, err
	}
	return noContent()
}

func (s *Server) incomingAnswer(w *store.IncomingWebhook, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	view, err := s.showIncoming(w)
	if err != nil {
		return answer{}, err
	}
	return ok(view)
}
