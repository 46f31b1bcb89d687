package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// hookFormData is what the form of a webhook shows.
type hookFormData struct {
	Hook     *hookInfo // nil: a new one
	Form     *form
	Events   []option
	Channels []option
	Formats  []option
	Periods  []option
}

func (p *page) hookFormData(hook *hookInfo, f *form) (*hookFormData, error) {
	data := &hookFormData{Hook: hook, Form: f}
	var err error
	if data.Events, err = p.eventOptions(); err != nil {
		return nil, err
	}
	if data.Channels, err = p.channelOptions(); err != nil {
		return nil, err
	}
	for _, format := range []string{"switchhook", "whathooks", "socialsyncer", "sociocs"} {
		data.Formats = append(data.Formats, option{format, p.web.word("webhooks.format.", format), p.web.word("webhooks.formatHint.", format)})
	}
	for _, period := range ratePeriods() {
		data.Periods = append(data.Periods, option{period, p.web.word("webhooks.period.", period), ""})
	}
	if other := f.Value("period"); other != "" && !slices.Contains(ratePeriods(), other) {
		data.Periods = append(data.Periods, option{other, other, ""})
	}
	return data, nil
}

func (w *Web) newHook(p *page) error {
	f := &form{Values: url.Values{"events": {"message.received"}, "format": {"switchhook"}, "period": {"1s"}}}
	if event := p.Query("event"); event != "" {
		f.Values["events"] = []string{event}
	}
	data, err := p.hookFormData(nil, f)
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "webhooks/form", w.text("webhooks.new"), data)
}

// formOf holds what a webhook has now. Values of its headers are secret, and so not among it.
func formOf(hook *hookInfo) *form {
	f := &form{Values: url.Values{
		"url": {hook.URL}, "description": {hook.Description}, "format": {hook.Format}, "events": hook.Events, "channelIds": hook.ChannelIDs, "period": {"1s"},
	}}
	if hook.RateLimit != nil {
		f.Values.Set("limit", strconv.FormatInt(hook.RateLimit.Limit, 10))
		f.Values.Set("period", hook.RateLimit.PeriodWord())
	}
	return f
}

func (w *Web) editHook(p *page) error {
	hook, err := p.readHook(p.Params("id"))
	if err != nil {
		return err
	}
	data, err := p.hookFormData(hook, formOf(hook))
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "webhooks/form", w.text("webhooks.edit"), data)
}

// hookBody is what the API takes.
type hookBody struct {
	URL         string             `json:"url"`
	Events      []string           `json:"events"`
	ChannelIDs  []string           `json:"channelIds"`
	Format      string             `json:"format"`
	Description string             `json:"description"`
	Headers     *map[string]string `json:"headers,omitempty"` // nil: as they are
	RateLimit   *hookRate          `json:"rateLimit,omitempty"`
}

// hookBody reads the form. faults are what is wrong with it that the API would not see.
func (p *page) hookBody() (body hookBody, faults map[string]string) {
	faults = map[string]string{}
	body = hookBody{
		URL: p.text("url"), Events: append([]string{}, p.form["events"]...), ChannelIDs: append([]string{}, p.form["channelIds"]...),
		Format: p.text("format"), Description: p.text("description"), RateLimit: &hookRate{Period: p.text("period")},
	}
	if text := p.text("limit"); text != "" {
		limit, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			faults["limit"] = p.web.text("webhooks.fault.limit")
		}
		body.RateLimit.Limit = limit
	}
	headers := map[string]string{}
	for _, line := range p.lines("headers") {
		name, value, found := strings.Cut(line, ":")
		if !found {
			faults["headers"] = p.web.text("webhooks.fault.headers", visible(line))
			continue
		}
		headers[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	if len(headers) > 0 || p.form.Get("noHeaders") == "yes" {
		body.Headers = &headers
	}
	return body, faults
}

// saveHook has the API make or change a webhook of the form. A refusal shows the form again and gives nil.
func (p *page) saveHook(method, path string, hook *hookInfo, saved *hookInfo) (refused bool, err error) {
	body, faults := p.hookBody()
	if len(faults) == 0 {
		err = p.send(method, path, body, saved)
		if err == nil || p.web.problem(err).Status == http.StatusNotFound {
			return false, err
		}
	}
	f := &form{Values: p.form, Faults: faults}
	if err != nil {
		f = p.wrong(err, "url", "description", "events", "channelIds", "format", "headers", "rateLimit.limit=limit", "rateLimit.period=period")
	}
	data, err := p.hookFormData(hook, f)
	if err != nil {
		return true, err
	}
	title := p.web.text("webhooks.new")
	if hook != nil {
		title = p.web.text("webhooks.edit")
	}
	return true, p.refused("webhooks/form", title, data)
}

// makeHook makes a webhook and shows its secret in the answer to the form: it stands in no address and no cookie.
func (w *Web) makeHook(p *page) error {
	hook := &hookInfo{}
	refused, err := p.saveHook("POST", "/v1/webhooks", nil, hook)
	if refused || err != nil {
		return err
	}
	return p.secretPage(&hookSecret{Hook: hook, Secret: hook.Secret, Made: true})
}

func (w *Web) changeHook(p *page) error {
	hook, err := p.readHook(p.Params("id"))
	if err != nil {
		return err
	}
	refused, err := p.saveHook("PATCH", "/v1/webhooks/"+url.PathEscape(hook.ID), hook, &hookInfo{})
	if refused || err != nil {
		return err
	}
	return p.redirect(hook.Path(), w.text("webhooks.saved"))
}
