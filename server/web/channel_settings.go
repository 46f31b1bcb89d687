package web

import (
	"net/http"
	"net/url"
)

// settingsData is what the page of a channel's settings shows.
type settingsData struct {
	Channel *channelInfo
	Kind    connectorInfo
	Form    *form
	Fields  []channelField
	Fault   *form // of connecting again
}

// channelSettingsData reads a channel with its settings as a form.
func (w *Web) channelSettingsData(p *page, id string) (*settingsData, error) {
	data := &settingsData{Channel: &channelInfo{}}
	if err := p.read(data.Channel, channelPath(id), nil); err != nil {
		return nil, err
	}
	kinds, err := p.connectors()
	if err != nil {
		return nil, err
	}
	for _, kind := range kinds {
		if kind.Kind == data.Channel.Connector {
			data.Kind = kind
		}
	}
	stored := data.Channel.Config
	if stored == nil {
		stored = map[string]string{}
	}
	values := map[string]string{"name": data.Channel.Name}
	for _, field := range data.Kind.Fields {
		if !field.Secret {
			values["config."+field.Key] = stored[field.Key]
		}
	}
	data.Form, data.Fields = filled(values), w.drawFields(data.Kind.Fields, "config.", stored)
	return data, nil
}

func (w *Web) channelSettings(p *page) error {
	data, err := w.channelSettingsData(p, p.Params("id"))
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "channels/settings", w.text("channels.settings.title", visible(data.Channel.Name)), data)
}

// settingsRefused shows the settings again: with the form that was sent, or with what was wrong with connecting again.
func (w *Web) settingsRefused(p *page, id string, sent, fault *form) error {
	data, err := w.channelSettingsData(p, id)
	if err != nil {
		return err
	}
	if sent != nil {
		data.Form = w.withoutSecrets(sent, data.Kind.Fields)
	}
	data.Fault = fault
	return p.refused("channels/settings", w.text("channels.settings.title", visible(data.Channel.Name)), data)
}

func (w *Web) changeChannel(p *page) error {
	id := p.Params("id")
	data, err := w.channelSettingsData(p, id)
	if err != nil {
		return err
	}
	stored := data.Channel.Config
	if stored == nil {
		stored = map[string]string{}
	}
	body := map[string]any{"name": p.text("name"), "config": p.configOf(data.Kind.Fields, stored)}
	var changed channelInfo
	if err := p.send("PATCH", channelPath(id), body, &changed); err != nil {
		return w.settingsRefused(p, id, p.wrong(err, fieldNames(data.Kind.Fields)...), nil)
	}
	notice := w.text("channels.settings.saved")
	var check channelCheck
	if changed.Status == "new" && changed.Can("check") && p.send("POST", channelPath(id, "check"), nil, &check) == nil && check.OK {
		notice = w.text("channels.settings.works")
	}
	return p.redirect("/app/channels/"+url.PathEscape(id), notice)
}
