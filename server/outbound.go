package server

import (
	"errors"
	"fmt"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// outboundBody is the SocialHook contract's body, with from, channel_id and media_url as further fields of ours.
type outboundBody struct {
	Platform    string `json:"platform"`
	To          string `json:"to"`
	MessageText string `json:"message_text"`
	PageID      string `json:"page_id"`
	From        string `json:"from"`
	ChannelID   string `json:"channel_id"`
	MediaURL    string `json:"media_url"`
}

// outboundView keeps the contract's spelling.
type outboundView struct {
	ID                string `json:"id"`
	MessageID         string `json:"message_id"`
	ProviderMessageID string `json:"provider_message_id"`
	Platform          string `json:"platform"`
	ChannelID         string `json:"channel_id"`
	To                string `json:"to"`
	Status            string `json:"status"`
}

// platforms of the outbound endpoint. sms and sandbox are ours.
func platforms() []string { return []string{"whatsapp", "facebook", "instagram", "sms", "sandbox"} }

func (s *Server) sendOutbound(r *request) (answer, error) {
	var body outboundBody
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	if err := body.check(); err != nil {
		return answer{}, err
	}
	var files []mediaBody
	if body.MediaURL != "" {
		files = append(files, mediaBody{URL: body.MediaURL})
	}
	media, wrong := s.outMedia(files)
	if err := problem.Invalid(wrong...); err != nil {
		return answer{}, inItsSpelling(err)
	}
	channel, err := s.resolve(r, body)
	if err != nil {
		return answer{}, err
	}
	s.askTypes(r, media)
	m, err := s.Messages.Send(r.ctx, message.Out{
		ID: r.newID("msg", s.Accounts.IDs()), Channel: channel, To: strings.TrimSpace(body.To), Text: body.MessageText, Media: media,
	})
	if err != nil {
		return answer{}, inItsSpelling(err)
	}
	return ok(outboundView{
		ID: m.ID, MessageID: m.ID, ProviderMessageID: m.ProviderID, Platform: body.Platform, ChannelID: m.ChannelID, To: m.Peer, Status: string(m.Status),
	})
}

// inItsSpelling names the fields of an error as the contract does.
func inItsSpelling(err error) error {
	var p *problem.Error
	if !errors.As(err, &p) {
		return err
	}
	names := map[string]string{"text": "message_text", "media": "media_url", "media.url": "media_url"}
	if name := names[p.Field]; name != "" {
		p.Field = name
	}
	for i := range p.Fields {
		if name := names[p.Fields[i].Field]; name != "" {
			p.Fields[i].Field = name
		}
	}
	return p
}

func (b outboundBody) check() error {
	var wrong []problem.Field
	known := false
	for _, platform := range platforms() {
		known = known || b.Platform == platform
	}
	switch {
	case b.Platform == "":
		wrong = append(wrong, required("platform", "platform is required: "+strings.Join(platforms(), ", ")+"."))
	case !known:
		wrong = append(wrong, problem.Field{Field: "platform", Code: problem.InvalidField, Message: "platform must be one of: " + strings.Join(platforms(), ", ") + "."})
	}
	if strings.TrimSpace(b.To) == "" {
		wrong = append(wrong, required("to", "to is required: the recipient's number or id."))
	}
	if b.MessageText == "" && b.MediaURL == "" {
		wrong = append(wrong, required("message_text", "message_text is required."))
	}
	if (b.Platform == "facebook" || b.Platform == "instagram") && b.PageID == "" && b.ChannelID == "" {
		wrong = append(wrong, required("page_id", "page_id is required on "+b.Platform+": the Facebook Page that the message goes out from."))
	}
	return problem.Invalid(wrong...)
}

// resolve finds the channel that a platform means. A sandbox channel stands in for a platform that the account has no channel of,
// so that everything can be tried before there is one.
func (s *Server) resolve(r *request, body outboundBody) (*store.Channel, error) {
	if body.ChannelID != "" {
		c, err := s.Store.Channel(r.ctx, r.account(), body.ChannelID)
		return c, found(err, "channel")
	}
	channels, err := s.Store.Channels(r.ctx, r.account(), store.ChannelFilter{}, store.Page{Limit: 1000})
	if err != nil {
		return nil, err
	}
	candidates := s.candidates(channels, body, body.Platform)
	if len(candidates) == 0 {
		candidates = s.candidates(channels, body, "sandbox")
	}
	candidates = linkedFirst(candidates)
	switch len(candidates) {
	case 0:
		return nil, problem.New(problem.NoChannel, "This account has no "+body.Platform+" channel that fits. GET /v1/channels lists its channels; POST /v1/channels makes one.")
	case 1:
		return candidates[0], nil
	}
	var names []string
	for _, c := range candidates {
		names = append(names, fmt.Sprintf("%s (%s, from %s)", c.ID, c.Name, c.Address))
	}
	return nil, problem.New(problem.AmbiguousChannel, "Several channels fit: "+strings.Join(names, "; ")+". Name one with channel_id or from.")
}

func (s *Server) candidates(channels []*store.Channel, body outboundBody, platform string) []*store.Channel {
	var fit []*store.Channel
	for _, c := range channels {
		connector := s.Connectors[c.Connector]
		if connector == nil || connector.Info().Platform != platform || c.Status == store.ChannelDisabled {
			continue
		}
		if body.From != "" && c.Address != body.From && c.Address != connectors.Digits(body.From) && c.ChannelKey != body.From {
			continue
		}
		if body.PageID != "" && platform != "sandbox" && !s.isOfPage(c, body.PageID) {
			continue
		}
		fit = append(fit, c)
	}
	return fit
}

// linkedFirst leaves out devices that no phone was ever linked to, unless there is nothing else: they have no number to send from. One
// that is offline stays, since sending from another number in its place would be a surprise to both sides.
func linkedFirst(candidates []*store.Channel) []*store.Channel {
	var linked []*store.Channel
	for _, c := range candidates {
		if c.Address != c.ID { // before it is linked, a session's id stands in for its number
			linked = append(linked, c)
		}
	}
	if len(linked) == 0 {
		return candidates
	}
	return linked
}

// isOfPage tells whether a channel is a Facebook Page, or what is linked with one, as an Instagram account is.
func (s *Server) isOfPage(c *store.Channel, pageID string) bool {
	field := s.Connectors[c.Connector].Info().PageField
	if field == "" {
		return c.Address == pageID
	}
	config, err := s.Channels.MaskedConfig(c)
	return err == nil && config[field] == pageID
}
