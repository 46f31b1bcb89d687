package server

import "time"

// webhookSecret shows a webhook's secret again. Only to users: an API key may travel further than who may read what all deliveries are signed with.
func (s *Server) webhookSecret(r *request) (answer, error) {
	w, err := s.Store.Webhook(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, found(err, "webhook")
	}
	shown, err := s.Webhooks.Reveal(w)
	if err != nil {
		return answer{}, err
	}
	var until time.Time
	if w.PreviousSecret != "" && w.PreviousExpiresAt.After(s.Now()) {
		until = w.PreviousExpiresAt
	}
	return ok(struct {
		Secret            string    `json:"secret"`
		PreviousExpiresAt timestamp `json:"previousExpiresAt"`
	}{shown, timestamp(until)})
}
