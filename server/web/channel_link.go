package web

import (
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/switchhook/switchhook/internal/problem"
)

func (w *Web) linkRoutes() []Route {
	return []Route{
		{"GET", "/app/channels/:id/link", loggedIn, w.link},
		{"POST", "/app/channels/:id/link", loggedIn, w.linkAgain},
		{"GET", "/app/channels/:id/link/step", loggedIn, w.linkStep},
		{"POST", "/app/channels/:id/pair", loggedIn, w.pair},
		{"GET", "/app/channels/:id/passkey", loggedIn, w.passkey},
		{"POST", "/app/channels/:id/passkey", loggedIn, w.answerPasskey},
		{"POST", "/app/channels/:id/passkey/confirm", loggedIn, w.confirmPasskey},
		{"POST", "/app/channels/:id/logout", loggedIn, w.unlink},
		{"POST", "/app/channels/:id/numbers", loggedIn, w.checkNumbers},
	}
}

// sessionStep is what has to be done next to link a phone.
type sessionStep struct {
	Kind      string          `json:"kind"`
	Code      string          `json:"code"`
	ExpiresAt *string         `json:"expiresAt"`
	Passkey   json.RawMessage `json:"passkey"`
	Message   string          `json:"message"`
}

// linkData is what the wizard shows that links a phone.
type linkData struct {
	Session *sessionInfo
	Stage   string       // what its present part shows
	QR      template.URL // a picture, or empty
	Pair    *form
}

// sessionPath is the API's address of a session, or of something below it.
func sessionPath(id string, below ...string) string {
	return strings.Join(append([]string{"/v1/sessions", url.PathEscape(id)}, below...), "/")
}

// readLink reads a session and the picture of its code.
func (p *page) readLink(id string) (*linkData, error) {
	data := &linkData{Session: &sessionInfo{}}
	if err := p.read(data.Session, sessionPath(id), nil); err != nil {
		return nil, err
	}
	data.Stage = stageOf(data.Session)
	if data.Stage != "qr" {
		return data, nil
	}
	status, picture := p.web.o.API.Call(p.ctx, p.login.Principal, Call{Method: http.MethodGet, Target: sessionPath(id, "qr") + "?format=svg"})
	if status != http.StatusOK { // it has just ended; the next signal tells what came after
		data.Stage = "pending"
		return data, nil
	}
	data.QR = template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(picture)) //nolint:gosec // base64 of our own picture
	return data, nil
}

// stageOf names the part of the wizard that fits a session.
func stageOf(s *sessionInfo) string {
	status := strings.ToLower(s.Status)
	switch {
	case s.Step != nil:
		return s.Step.Kind
	case status == "disconnected" && s.Retry:
		return "connecting"
	case status == "disconnected" && s.Reason == "disabled":
		return "disabled"
	case status == "disconnected" || status == "logged_out":
		return "ended"
	case status == "qr":
		return "pending"
	}
	return status
}

func (w *Web) link(p *page) error {
	data, err := p.readLink(p.Params("id"))
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "channels/link", w.text("channels.link.title"), data)
}

// linkStep is the live part of the wizard.
func (w *Web) linkStep(p *page) error {
	data, err := p.readLink(p.Params("id"))
	if err != nil {
		return err
	}
	return p.fragment("channels/link", "link-live", data)
}

// linkAgain begins anew. A session that is linked or being linked already is shown as it is.
func (w *Web) linkAgain(p *page) error {
	err := p.send("POST", sessionPath(p.Params("id"), "link"), nil, nil)
	if err != nil && w.problem(err).Code != problem.Conflict {
		return err
	}
	return p.redirect("/app/channels/"+url.PathEscape(p.Params("id"))+"/link", "")
}

// pair links by a code to type in, which the live part of the wizard shows.
func (w *Web) pair(p *page) error {
	err := p.send("POST", sessionPath(p.Params("id"), "pair"), map[string]string{"phoneNumber": p.text("phoneNumber")}, nil)
	if err == nil {
		return p.redirect("/app/channels/"+url.PathEscape(p.Params("id"))+"/link", "")
	}
	data, gone := p.readLink(p.Params("id"))
	if gone != nil {
		return gone
	}
	data.Pair = p.wrong(err, "phoneNumber")
	return p.refused("channels/link", w.text("channels.link.title"), data)
}

// passkeyData is what the page shows on which a passkey's answer is entered.
type passkeyData struct {
	Session *sessionInfo
	Script  string // what is run on a page of WhatsApp
	Form    *form
}

func (p *page) readPasskey() (*passkeyData, error) {
	data := &passkeyData{Session: &sessionInfo{}}
	if err := p.read(data.Session, sessionPath(p.Params("id")), nil); err != nil {
		return nil, err
	}
	if step := data.Session.Step; step != nil && step.Kind == "passkey" {
		data.Script = "console.log(JSON.stringify((await navigator.credentials.get({publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(" +
			string(step.Passkey) + ")})).toJSON()))"
	}
	return data, nil
}

func (w *Web) passkey(p *page) error {
	data, err := p.readPasskey()
	if err != nil {
		return err
	}
	if data.Script == "" { // asked for no more
		return p.redirect("/app/channels/"+url.PathEscape(p.Params("id"))+"/link", "")
	}
	return p.render(http.StatusOK, "channels/passkey", w.text("channels.passkey.title"), data)
}

func (w *Web) answerPasskey(p *page) error {
	answer := json.RawMessage(p.text("response"))
	if !json.Valid(answer) {
		answer = json.RawMessage(`null`)
	}
	err := p.send("POST", sessionPath(p.Params("id"), "passkey"), map[string]any{"response": answer}, nil)
	if err == nil {
		return p.redirect("/app/channels/"+url.PathEscape(p.Params("id"))+"/link", "")
	}
	data, gone := p.readPasskey()
	if gone != nil {
		return gone
	}
	data.Form = p.wrong(err, "response")
	return p.refused("channels/passkey", w.text("channels.passkey.title"), data)
}

func (w *Web) confirmPasskey(p *page) error {
	if err := p.send("POST", sessionPath(p.Params("id"), "passkey", "confirm"), nil, nil); err != nil {
		return err
	}
	return p.redirect("/app/channels/"+url.PathEscape(p.Params("id"))+"/link", "")
}

// unlink ends the link of a phone. The channel stays.
func (w *Web) unlink(p *page) error {
	if err := p.send("POST", sessionPath(p.Params("id"), "logout"), nil, nil); err != nil {
		return err
	}
	return p.redirect("/app/channels/"+url.PathEscape(p.Params("id")), w.text("channels.logout.done"))
}

// numberCheck is what WhatsApp says of a phone number.
type numberCheck struct {
	Number  string `json:"number"`
	Exists  bool   `json:"exists"`
	Address string `json:"address"`
	Name    string `json:"name"`
}

// checkNumbers asks WhatsApp which numbers have an account.
func (w *Web) checkNumbers(p *page) error {
	var found list[numberCheck]
	failed := p.send("POST", sessionPath(p.Params("id"), "check-numbers"), map[string]any{"numbers": p.lines("numbers")}, &found)
	data, err := p.readChannel(p.Params("id"))
	if err != nil {
		return err
	}
	data.Numbers, data.Checked = filled(map[string]string{"numbers": p.form.Get("numbers")}), found.Data
	status := http.StatusOK
	if failed != nil {
		data.Numbers, status = p.wrong(failed, "numbers"), http.StatusUnprocessableEntity
	}
	if p.fragmentOnly() {
		return p.fragment("channels/show", "channel-numbers", data)
	}
	return w.showChannel(p, status, data)
}
