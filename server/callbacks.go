package server

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// callback takes what a provider sends. It answers 2xx only when everything in it is on disk: a provider that hears
// anything else sends it again.
func (s *Server) callback(r *request) (answer, error) {
	seen := seenCallback{started: s.Now()}
	a, err := s.takeCallback(r, &seen)
	if seen.channel != nil {
		s.seen.note(seen, seen.channel, err, answeredStatus(a, err))
	}
	return a, err
}

// takeCallback is callback without its record: what it finds out goes into seen.
func (s *Server) takeCallback(r *request, seen *seenCallback) (answer, error) {
	channel, err := s.Channels.ByIDAny(r.ctx, r.Params("channelID"))
	if errors.Is(err, store.ErrNotFound) || (err == nil && channel.Connector != r.Params("connector")) {
		return answer{}, problem.NotFoundOf("channel")
	}
	if err != nil {
		return answer{}, problem.Unavailable(err)
	}
	body, err := r.rawBody()
	seen.channel, seen.request = channel, s.callbackRequest(r, body)
	if err != nil {
		return answer{}, err
	}
	conn, err := s.Channels.Open(r.ctx, channel)
	if err != nil {
		return answer{}, problem.Unavailable(err)
	}
	receiver, able := conn.(connectors.Receiver)
	if !able {
		return answer{}, problem.New(problem.Unsupported, "This kind of channel takes no callbacks.")
	}
	result, err := receiver.Receive(seen.request)
	seen.verified = !errors.Is(err, connectors.ErrSignature)
	if err != nil {
		return answer{}, callbackProblem(err)
	}
	seen.messages, seen.statuses = len(result.Messages), len(result.Statuses)
	if err := s.receive(r, channel, result); err != nil {
		return answer{}, err
	}
	return callbackAnswer(result.Response), nil
}

// receive stores what came in. What fails but for the content's sake is the server's trouble: the provider calls again.
func (s *Server) receive(r *request, channel *store.Channel, result connectors.CallbackResult) error {
	err := s.Messages.Receive(r.ctx, channel, result)
	var wrong *connectors.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return callbackProblem(err)
	}
	return problem.Unavailable(err)
}

func (s *Server) callbackRequest(r *request, body []byte) connectors.CallbackRequest {
	query := string(r.Request().URI().QueryString()) // raw: QueryArgs would write it anew, and signatures cover its bytes
	values, _ := url.ParseQuery(query)               // what cannot be read is left out; the signature covers the raw address
	address := s.BaseURL + string(r.Request().URI().PathOriginal())
	if query != "" {
		address += "?" + query
	}
	header := http.Header{}
	for name, value := range r.Request().Header.All() {
		header.Add(string(name), string(value))
	}
	return connectors.CallbackRequest{
		Method: r.Method(), URL: address, Query: values, Header: header, Body: body, ReceivedAt: s.Now(),
	}
}

func callbackProblem(err error) error {
	if errors.Is(err, connectors.ErrSignature) {
		return problem.New(problem.InvalidSignature, "The callback is not signed by the provider of this channel. Check the channel's secret, and that BASE_URL is the address that the provider calls.")
	}
	failure := connectors.AsError(err)
	return &problem.Error{Code: problem.InvalidField, Message: failure.Message, Field: failure.Field, Err: err}
}

// simulate makes a message come in on a sandbox channel.
func (s *Server) simulate(r *request) (answer, error) {
	var body struct {
		From  string      `json:"from"`
		Name  string      `json:"name"`
		Text  string      `json:"text"`
		Media []mediaBody `json:"media"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	channel, err := s.Store.Channel(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, found(err, "channel")
	}
	conn, err := s.Channels.Open(r.ctx, channel)
	if err != nil {
		return answer{}, err
	}
	simulator, able := conn.(connectors.Simulator)
	if !able {
		return answer{}, problem.New(problem.Unsupported, "Only sandbox channels can simulate messages. Make one with POST /v1/channels.")
	}
	files, wrong := s.outMedia(body.Media)
	if err := problem.Invalid(wrong...); err != nil {
		return answer{}, err
	}
	refs := make([]connectors.MediaRef, len(files))
	for i, f := range files {
		refs[i] = connectors.MediaRef{URL: f.URL, ContentType: f.ContentType, FileName: f.FileName}
	}
	in, err := simulator.Simulate(connectors.SimulatedMessage{
		ID: r.newID("sim", s.Accounts.IDs()), From: body.From, Name: body.Name, Text: body.Text, Media: refs, At: s.Now(),
	})
	if err != nil {
		return answer{}, callbackProblem(err)
	}
	if err := s.receive(r, channel, connectors.CallbackResult{Messages: []connectors.InMessage{in}}); err != nil {
		return answer{}, err
	}
	m, err := s.Store.MessageByProviderID(r.ctx, r.account(), channel.ID, store.Inbound, in.ProviderID)
	if err != nil {
		return answer{}, err
	}
	return created(showMessage(m, s.isWhatsApp(channel)))
}
