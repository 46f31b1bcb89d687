package server

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/qrcode"
	"github.com/switchhook/switchhook/internal/session"
)

const (
	mostNumbers = 50  // of one check, as connectors.Link takes them
	mostRead    = 100 // messages marked as read by one request
)

// sessionView is a linked device. The first fields are those of the whathooks contract. Secrets in Config are masked.
type sessionView struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Status    string            `json:"status"`
	Phone     string            `json:"phone"`
	PushName  string            `json:"pushName"`
	QR        *string           `json:"qr"`
	CreatedAt timestamp         `json:"createdAt"`
	UpdatedAt timestamp         `json:"updatedAt"`
	ChannelID string            `json:"channelId"`
	LID       string            `json:"lid"`
	Reason    string            `json:"reason"`
	Message   string            `json:"message"`
	Retry     bool              `json:"retry"`
	StatusAt  timestamp         `json:"statusAt"`
	Until     timestamp         `json:"until"`
	Step      *stepView         `json:"step"`
	Limit     *limitView        `json:"limit"`
	Config    connectors.Config `json:"config"`
}

// stepView is a connectors.LinkStep with the times of this interface.
type stepView struct {
	Kind      string          `json:"kind"`
	Code      string          `json:"code,omitempty"`
	ExpiresAt timestamp       `json:"expiresAt"`
	Passkey   json.RawMessage `json:"passkey,omitempty"`
	Message   string          `json:"message"`
}

// limitView is a connectors.LinkLimit with the times of this interface.
type limitView struct {
	Code    string    `json:"code"`
	Message string    `json:"message"`
	Until   timestamp `json:"until"`
}

func (s *Server) showSession(given *session.Session) (sessionView, error) {
	config, err := s.Channels.MaskedConfig(given.Channel)
	if err != nil {
		return sessionView{}, err
	}
	view := sessionView{
		ID: given.ID, Name: given.Channel.Name, Status: given.Status, Phone: given.Phone, PushName: given.PushName,
		CreatedAt: timestamp(given.CreatedAt), UpdatedAt: timestamp(given.UpdatedAt), ChannelID: given.ID, LID: given.LID,
		Reason: given.Reason, Message: given.Message, Retry: given.Retry, StatusAt: timestamp(given.StatusAt), Until: timestamp(given.Until), Config: config,
	}
	if step := given.LinkStep(); step != nil {
		view.Step = &stepView{step.Kind, step.Code, timestamp(step.ExpiresAt), step.Passkey, step.Message}
		if step.Kind == connectors.StepQR {
			view.QR = &step.Code
		}
	}
	if limit := given.LinkLimit(); limit != nil {
		view.Limit = &limitView{limit.Code, limit.Message, timestamp(limit.Until)}
	}
	return view, nil
}

// answerSession shows a session that a service has returned, or its error.
func (s *Server) answerSession(given *session.Session, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	view, err := s.showSession(given)
	if err != nil {
		return answer{}, err
	}
	return ok(view)
}

func (s *Server) listSessions(r *request) (answer, error) {
	page, err := r.searchPage("sess")
	if err != nil {
		return answer{}, err
	}
	rows, err := s.Sessions.List(r.ctx, r.account(), page)
	if err != nil {
		return answer{}, err
	}
	views := make([]sessionView, len(rows))
	for i, row := range rows {
		if views[i], err = s.showSession(row); err != nil {
			return answer{}, err
		}
	}
	return listOf(views, page, func(v sessionView) sessionView { return v }, func(v sessionView) string { return v.ID })
}

func (s *Server) createSession(r *request) (answer, error) {
	var body struct {
		Name   string                     `json:"name"`
		Config map[string]json.RawMessage `json:"config"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	config, err := readConfig(body.Config)
	if err != nil {
		return answer{}, err
	}
	made, err := s.Sessions.Create(r.ctx, session.Draft{
		ID: r.newID("sess", s.Channels.IDs()), AccountID: r.account(), Name: body.Name, Config: config,
	})
	a, err := s.answerSession(made, err)
	a.status = fiber.StatusCreated
	return a, err
}

func (s *Server) getSession(r *request) (answer, error) {
	return s.answerSession(s.Sessions.Get(r.ctx, r.account(), r.Params("id")))
}

func (s *Server) changeSession(r *request) (answer, error) {
	change, err := readChange(r)
	if err != nil {
		return answer{}, err
	}
	if _, err := s.Sessions.Get(r.ctx, r.account(), r.Params("id")); err != nil { // a channel of another kind is no session
		return answer{}, err
	}
	if _, err := s.Channels.Change(r.ctx, r.account(), r.Params("id"), change); err != nil {
		return answer{}, err
	}
	return s.getSession(r)
}

func (s *Server) deleteSession(r *request) (answer, error) {
	if err := s.Sessions.Delete(r.ctx, r.account(), r.Params("id")); err != nil {
		return answer{}, err
	}
	return noContent()
}

// codeView is a QR code for those who want no picture, or the picture inside of JSON.
type codeView struct {
	QR        string    `json:"qr"`
	ExpiresAt timestamp `json:"expiresAt"`
	Image     string    `json:"image"` // a data: URL
}

func (s *Server) sessionQR(r *request) (answer, error) {
	format, err := r.oneOf("format", "json", "png", "svg")
	if err != nil {
		return answer{}, err
	}
	if format == "" {
		format = map[string]string{"image/png": "png", "image/svg+xml": "svg"}[r.Accepts("application/json", "image/png", "image/svg+xml")]
	}
	found, err := s.Sessions.Get(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, err
	}
	step := found.LinkStep()
	if step == nil || step.Kind != connectors.StepQR {
		return answer{}, noQR(found, step)
	}
	code, err := qrcode.New(step.Code)
	if err != nil {
		return answer{}, err
	}
	r.Vary(fiber.HeaderAccept)
	if format == "svg" {
		return answer{status: fiber.StatusOK, raw: code.SVG(), contentType: "image/svg+xml"}, nil
	}
	picture, err := code.PNG()
	if err != nil {
		return answer{}, err
	}
	if format == "png" {
		return answer{status: fiber.StatusOK, raw: picture, contentType: "image/png"}, nil
	}
	return ok(codeView{step.Code, timestamp(step.ExpiresAt), "data:image/png;base64," + base64.StdEncoding.EncodeToString(picture)})
}

// noQR says why there is no QR code, and what to do.
func noQR(given *session.Session, step *connectors.LinkStep) error {
	text := "The session is " + given.Status + "."
	switch {
	case step != nil:
		text = "The session waits for something else than a scan: " + step.Message
	case given.Status == string(connectors.LinkConnected):
		text = "The session is CONNECTED, so there is nothing to scan. POST /v1/sessions/:id/logout unlinks it."
	case given.Status == string(connectors.LinkPending):
		text = "The first code is on its way. Ask again in a second, or subscribe to session.qr."
	case given.Status == string(connectors.LinkLoggedOut), given.Device == "":
		text += " POST /v1/sessions/:id/link begins anew, with a new code."
	}
	return problem.New(problem.Conflict, "There is no QR code. "+text)
}

func (s *Server) linkSession(r *request) (answer, error) {
	return s.answerSession(s.Sessions.Link(r.ctx, r.account(), r.Params("id")))
}

// pairView is a code to type into the phone.
type pairView struct {
	Code      string    `json:"code"`
	ExpiresAt timestamp `json:"expiresAt"`
	Message   string    `json:"message"`
}

func (s *Server) pairSession(r *request) (answer, error) {
	var body struct {
		PhoneNumber string `json:"phoneNumber"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	phone := connectors.Digits(body.PhoneNumber)
	if phone == "" || phone[0] == '0' { // no country code begins with 0
		return answer{}, problem.InvalidOne("phoneNumber", "phoneNumber must be the phone's number with its country code, such as 15559876543.")
	}
	step, err := s.Sessions.Pair(r.ctx, r.account(), r.Params("id"), phone)
	if err != nil {
		return answer{}, err
	}
	return ok(pairView{step.Code, timestamp(step.ExpiresAt), step.Message})
}

func (s *Server) answerPasskey(r *request) (answer, error) {
	var body struct {
		Response json.RawMessage `json:"response"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	if len(body.Response) == 0 || body.Response[0] != '{' {
		return answer{}, problem.InvalidOne("response", "response must be the object that navigator.credentials.get has returned, as JSON.")
	}
	if err := s.Sessions.AnswerPasskey(r.ctx, r.account(), r.Params("id"), body.Response); err != nil {
		return answer{}, err
	}
	return s.getSession(r)
}

func (s *Server) confirmPasskey(r *request) (answer, error) {
	if err := s.Sessions.ConfirmPasskey(r.ctx, r.account(), r.Params("id")); err != nil {
		return answer{}, err
	}
	return s.getSession(r)
}

func (s *Server) logoutSession(r *request) (answer, error) {
	return s.answerSession(s.Sessions.Logout(r.ctx, r.account(), r.Params("id")))
}

// numberView is what the network says of a phone number.
type numberView struct {
	Number  string `json:"number"`
	Exists  bool   `json:"exists"`
	Address string `json:"address"`
	Name    string `json:"name"`
}

func (s *Server) checkNumbers(r *request) (answer, error) {
	var body struct {
		Numbers []string `json:"numbers"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	wrong := countOf("numbers", len(body.Numbers), mostNumbers)
	for i, number := range body.Numbers[:min(len(body.Numbers), mostNumbers)] {
		if connectors.Digits(number) == "" {
			name := fmt.Sprintf("numbers[%d]", i)
			wrong = append(wrong, invalid(name, name+" must be a phone number with its country code, such as 15551234567."))
		}
	}
	if err := problem.Invalid(wrong...); err != nil {
		return answer{}, err
	}
	checks, err := s.Sessions.CheckNumbers(r.ctx, r.account(), r.Params("id"), body.Numbers)
	if err != nil {
		return answer{}, err
	}
	l := list[numberView]{Data: make([]numberView, len(checks))}
	for i, check := range checks {
		l.Data[i] = numberView(check)
	}
	return ok(l)
}

func (s *Server) readMessages(r *request) (answer, error) {
	var body struct {
		MessageIDs []string `json:"messageIds"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	wrong := countOf("messageIds", len(body.MessageIDs), mostRead)
	for i, id := range body.MessageIDs[:min(len(body.MessageIDs), mostRead)] {
		if !strings.HasPrefix(id, "msg_") {
			name := fmt.Sprintf("messageIds[%d]", i)
			wrong = append(wrong, invalid(name, name+" must be the id of a message here, which begins with msg_."))
		}
	}
	if err := problem.Invalid(wrong...); err != nil {
		return answer{}, err
	}
	if err := s.Sessions.MarkRead(r.ctx, r.account(), r.Params("id"), body.MessageIDs); err != nil {
		return answer{}, err
	}
	return noContent()
}

// countOf refuses a list that is empty or too long.
func countOf(field string, n, most int) []problem.Field {
	switch {
	case n == 0:
		return []problem.Field{required(field, field+" is required: a list of at least one.")}
	case n > most:
		return []problem.Field{invalid(field, fmt.Sprintf("%s takes at most %d at a time.", field, most))}
	}
	return nil
}
