package web

import (
	"net/http"
	"net/url"
	"time"
)

// hookSecret is what a webhook's deliveries are signed with, on the page that explains it.
type hookSecret struct {
	Hook              *hookInfo `json:"-"`
	Secret            string    `json:"secret"`
	PreviousExpiresAt string    `json:"previousExpiresAt"`
	Made, Rotated     bool      `json:"-"` // just now
}

func (p *page) secretPage(data *hookSecret) error {
	title := "webhooks.secret.title"
	if data.Made {
		title = "webhooks.secret.made"
	}
	return p.render(http.StatusOK, "webhooks/secret", p.web.text(title), data)
}

// showHookSecret shows the secret in the answer to a form, which nothing else can make a browser ask for.
func (w *Web) showHookSecret(p *page) error {
	hook, err := p.readHook(p.Params("id"))
	if err != nil {
		return err
	}
	data := &hookSecret{}
	if err := p.read(data, "/v1/webhooks/"+url.PathEscape(hook.ID)+"/secret", nil); err != nil {
		return err
	}
	data.Hook = hook
	return p.secretPage(data)
}

func (w *Web) rotateHookSecret(p *page) error {
	hook := &hookInfo{}
	path := "/v1/webhooks/" + url.PathEscape(p.Params("id"))
	if err := p.send("POST", path+"/rotate-secret", nil, hook); err != nil {
		return err
	}
	data := &hookSecret{}
	if err := p.read(data, path+"/secret", nil); err != nil {
		return err
	}
	data.Hook, data.Secret, data.Rotated = hook, hook.Secret, true
	return p.secretPage(data)
}

// hookTest is what a receiver answered to a sample.
type hookTest struct {
	Delivered  bool   `json:"delivered"`
	Event      string `json:"event"`
	StatusCode int    `json:"statusCode"` // 0: no answer
	DurationMS int64  `json:"durationMs"`
	ErrorCode  string `json:"errorCode"`
	Message    string `json:"message"`
	Advice     string `json:"-"`
}

// Took is how long it took.
func (t *hookTest) Took() string { return length(t.DurationMS) }

func (w *Web) testHook(p *page) error {
	result := &hookTest{}
	body := map[string]string{"event": p.text("event")}
	err := p.send("POST", "/v1/webhooks/"+url.PathEscape(p.Params("id"))+"/test", body, result)
	if err != nil && (p.fragmentOnly() || w.problem(err).Status >= http.StatusInternalServerError || missingRow(err)) {
		return err
	}
	result.Advice = w.advice(result.StatusCode, result.ErrorCode)
	if p.fragmentOnly() {
		return p.fragment("webhooks/show", "webhook-test", &hookData{Test: result})
	}
	data, failure := p.hookData()
	if failure != nil {
		return failure
	}
	if err != nil {
		data.TestForm = p.wrong(err, "event")
		return p.refused("webhooks/show", visible(data.Hook.Name()), data)
	}
	data.Test, data.TestForm = result, &form{Values: p.form}
	return p.render(http.StatusOK, "webhooks/show", visible(data.Hook.Name()), data)
}

// setHookStatus pauses, resumes or switches on. What has expired is switched on without an end.
func (w *Web) setHookStatus(p *page) error {
	hook, err := p.readHook(p.Params("id"))
	if err != nil {
		return err
	}
	status := p.text("status")
	body := map[string]any{"status": status}
	if status == "active" && hook.Status == "expired" {
		body["expiresAt"] = time.Time{}
	}
	if err := p.send("PATCH", "/v1/webhooks/"+url.PathEscape(hook.ID), body, nil); err != nil {
		return err
	}
	done := "webhooks.done.active"
	switch {
	case status == "paused":
		done = "webhooks.done.paused"
	case hook.Status == "paused":
		done = "webhooks.done.resumed"
	}
	return p.redirect(hook.Path(), w.text(done))
}

// replayHook makes deliveries due again. The form may stand on the list of deliveries, which it then goes back to.
func (w *Web) replayHook(p *page) error {
	id := p.Params("id")
	body := map[string]string{}
	if since := p.text("since"); since != "" {
		body["since"] = instant(since, zoneOf(p.text("zone")))
	}
	if status := p.text("status"); status != failedAndHeld && status != "" {
		body["status"] = status
	}
	var answer struct {
		Replayed int `json:"replayed"`
	}
	err := p.send("POST", "/v1/webhooks/"+url.PathEscape(id)+"/replay", body, &answer)
	if err != nil && (w.problem(err).Status >= http.StatusInternalServerError || missingRow(err)) {
		return err
	}
	if err != nil {
		data, failure := p.hookData()
		if failure != nil {
			return failure
		}
		data.Replay = p.wrong(err, "since", "status")
		return p.refused("webhooks/show", visible(data.Hook.Name()), data)
	}
	done := w.text("webhooks.done.replayed", answer.Replayed)
	switch answer.Replayed {
	case 0:
		done = w.text("webhooks.done.replayedNone")
	case 1:
		done = w.text("webhooks.done.replayedOne")
	}
	return p.redirect(withQuery("/app/deliveries", url.Values{"webhookId": {id}}), done)
}

func (w *Web) deleteHook(p *page) error {
	if err := p.send("DELETE", "/v1/webhooks/"+url.PathEscape(p.Params("id")), nil, nil); err != nil {
		return err
	}
	return p.redirect("/app/webhooks", w.text("webhooks.done.deleted"))
}
