package server

import (
	"context"
	"time"
)

// Operation is what the operator has set that users should know of. All fields are optional; GET /v1/system shows them.
type Operation struct {
	Retention       time.Duration   // how long events, deliveries and media are kept
	WebhookTimeout  time.Duration   // how long a receiver may take
	WebhookSchedule []time.Duration // how long to wait before each further try
	PrivateNetworks bool            // webhooks may reach some private addresses
	EmbeddedRedis   bool
	CheckRedis      func(context.Context) error
}

type systemView struct {
	Version         string     `json:"version"`
	Database        string     `json:"database"`
	Redis           string     `json:"redis"`
	Checks          []partView `json:"checks"`
	Retention       int64      `json:"retentionSeconds"`
	RequestsLimit   int64      `json:"requestsPerMinute"`
	MaxBody         int64      `json:"maxBodyBytes"`
	MaxUpload       int64      `json:"maxUploadBytes"`
	WebhookTimeout  int64      `json:"webhookTimeoutSeconds"`
	WebhookSchedule []int64    `json:"webhookScheduleSeconds"`
	PrivateNetworks bool       `json:"privateNetworks"`
	LiveStreams     int64      `json:"liveStreams"`
}

type partView struct {
	Name   string `json:"name"`
	Status string `json:"status"` // ok or failed; the reason is in the server's log
}

// system tells how the server is set up and whether its parts answer.
func (s *Server) system(r *request) (answer, error) {
	o := s.Operation
	view := systemView{
		Version: s.Version, Database: s.Store.Engine(), Redis: "external", Retention: int64(o.Retention / time.Second),
		RequestsLimit: s.APIRate.Limit, MaxBody: maxBody, MaxUpload: s.MaxUpload, WebhookTimeout: int64(o.WebhookTimeout / time.Second),
		WebhookSchedule: []int64{}, PrivateNetworks: o.PrivateNetworks, LiveStreams: int64(s.Live.Count()),
		Checks: []partView{{"database", s.check(r.ctx, s.Ready)}},
	}
	if o.EmbeddedRedis {
		view.Redis = "embedded"
	}
	if o.CheckRedis != nil {
		view.Checks = append(view.Checks, partView{"redis", s.check(r.ctx, o.CheckRedis)})
	}
	for _, wait := range o.WebhookSchedule {
		view.WebhookSchedule = append(view.WebhookSchedule, int64(wait/time.Second))
	}
	return ok(view)
}

func (s *Server) check(ctx context.Context, ask func(context.Context) error) string {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if err := ask(ctx); err != nil {
		s.Logger.WarnContext(ctx, "system.check_failed", "error", err)
		return "failed"
	}
	return "ok"
}
