package server

import (
	"encoding/json"

	"github.com/switchhook/switchhook/integrations/samples"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/webhook"
)

func (s *Server) listEventTypes(*request) (answer, error) {
	return ok(list[event.Type]{Data: event.Types()})
}

// listEvents shows events in exactly the shape in which the switchhook format delivers them.
func (s *Server) listEvents(r *request) (answer, error) {
	page, err := r.page("evt")
	if err != nil {
		return answer{}, err
	}
	filter := store.EventFilter{Type: r.Query("event"), ChannelID: r.Query("channelId")}
	if filter.Since, filter.Until, err = r.during("since", "until"); err != nil {
		return answer{}, err
	}
	if filter.Type != "" && !event.Known(filter.Type) {
		return answer{}, problem.InvalidOne("event", "There is no such event. GET /v1/event-types lists them.")
	}
	rows, err := s.Store.Events(r.ctx, r.account(), filter, page)
	if err != nil {
		return answer{}, err
	}
	return listOf(rows, page, showEvent, func(e *store.Event) string { return e.ID })
}

func showEvent(e *store.Event) json.RawMessage {
	body, err := webhook.Formats()[webhook.FormatSwitchhook].Body(e)
	if err != nil {
		return json.RawMessage("null") // the data was JSON when it was stored
	}
	return body
}

func (s *Server) getEvent(r *request) (answer, error) {
	e, err := s.Store.Event(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, found(err, "event")
	}
	return ok(showEvent(e))
}

func (s *Server) eventSample(r *request) (answer, error) {
	sample, known := samples.Sample(r.Params("event"))
	if !known {
		return answer{}, problem.New(problem.NotFound, "There is no such event. GET /v1/event-types lists them.")
	}
	return ok(json.RawMessage(sample))
}
