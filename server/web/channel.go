package web

import (
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// channelCheck is what a network said of a channel's credentials.
type channelCheck struct {
	OK      bool   `json:"ok"`
	Message string `json:"message"`
}

// channelData is what the page of a channel shows.
type channelData struct {
	Channel  *channelInfo
	Kind     string // its connector's name for people
	DocsURL  string
	Connect  bool
	State    channelView
	Session  *sessionInfo // nil where it is none
	Network  string
	Check    *channelCheck
	Failure  string   // why it could not be checked
	Setup    []string // what to do at the provider, step by step
	Query    string   // what the callback address needs behind it, or empty
	Local    bool     // providers cannot reach this server
	Simulate *form
	Numbers  *form
	Checked  []numberCheck
}

// Online tells a linked device that can be asked something now.
func (d *channelData) Online() bool { return d.Session != nil && d.State.Status == "connected" }

// readChannel reads a channel and what its page shows of it.
func (p *page) readChannel(id string) (*channelData, error) {
	data := &channelData{Channel: &channelInfo{}}
	if err := p.read(data.Channel, channelPath(id), nil); err != nil {
		return nil, err
	}
	c := data.Channel
	if c.Linked() {
		data.Session = &sessionInfo{}
		if err := p.read(data.Session, sessionPath(c.ID), nil); err != nil {
			return nil, err
		}
	}
	kinds, err := p.connectors()
	if err != nil {
		return nil, err
	}
	data.Kind = c.Connector
	for _, kind := range kinds {
		if kind.Kind == c.Connector {
			data.Kind, data.DocsURL, data.Connect = kind.Name, kind.DocsURL, kind.Connect
		}
	}
	data.State, data.Network = p.web.viewChannel(c, data.Session, data.Connect), p.web.network(c.Platform)
	if c.Can("receive") && !c.Linked() {
		data.Setup, data.Local = p.web.setupSteps(c.Connector), !c.Can("simulate") && p.web.local()
		data.Query = p.web.texts["channels.query."+c.Connector]
	}
	return data, nil
}

// setupSteps are the texts that say how a provider is told the callback address.
func (w *Web) setupSteps(connector string) []string {
	steps := []string{}
	for i := 1; ; i++ {
		step := w.texts["channels.setup."+connector+"."+strconv.Itoa(i)]
		if step == "" {
			return steps
		}
		steps = append(steps, step)
	}
}

// local tells a server that no provider can reach: its address is plain http, this machine, or a private network's.
func (w *Web) local() bool {
	base, err := url.Parse(w.o.BaseURL)
	if err != nil || base.Scheme != "https" {
		return true
	}
	ip := net.ParseIP(base.Hostname())
	return base.Hostname() == "localhost" || strings.HasSuffix(base.Hostname(), ".local") || (ip != nil && (ip.IsLoopback() || ip.IsPrivate()))
}

// showChannel answers with the page of a channel.
func (w *Web) showChannel(p *page, status int, data *channelData) error {
	return p.render(status, "channels/show", visible(data.Channel.Name), data)
}

func (w *Web) channel(p *page) error {
	data, err := p.readChannel(p.Params("id"))
	if err != nil {
		return err
	}
	return w.showChannel(p, http.StatusOK, data)
}

// channelState is the live part of the page.
func (w *Web) channelState(p *page) error {
	data, err := p.readChannel(p.Params("id"))
	if err != nil {
		return err
	}
	return p.fragment("channels/show", "channel-state", data)
}

// checkChannel asks the network whether the credentials work.
func (w *Web) checkChannel(p *page) error {
	var check channelCheck
	failed := p.send("POST", channelPath(p.Params("id"), "check"), nil, &check)
	data, err := p.readChannel(p.Params("id"))
	if err != nil {
		return err
	}
	if failed != nil {
		data.Failure = w.problem(failed).Message
	} else {
		data.Check = &check
	}
	if p.fragmentOnly() {
		return p.fragment("channels/show", "channel-checked", data)
	}
	return w.showChannel(p, http.StatusOK, data)
}

// simulate makes a message come in on a sandbox channel.
func (w *Web) simulate(p *page) error {
	body := map[string]any{"from": p.text("from"), "name": p.text("name"), "text": p.form.Get("text")}
	failed := p.send("POST", channelPath(p.Params("id"), "simulate"), body, nil)
	if failed == nil && !p.fragmentOnly() {
		return p.redirect("/app/channels/"+url.PathEscape(p.Params("id")), w.text("channels.simulate.done"))
	}
	data, err := p.readChannel(p.Params("id"))
	if err != nil {
		return err
	}
	if failed != nil {
		data.Simulate = p.wrong(failed, "from", "name", "text")
		if !p.fragmentOnly() {
			return w.showChannel(p, http.StatusUnprocessableEntity, data)
		}
		return p.fragment("channels/show", "channel-simulate", data)
	}
	data.Simulate = filled(map[string]string{"from": p.text("from"), "name": p.text("name")})
	if err := p.say(noticeGood, w.text("channels.simulate.done")); err != nil {
		return err
	}
	return p.fragment("channels/show", "channel-simulate", data)
}

// switchChannel switches a channel off, or on again.
func (w *Web) switchChannel(p *page) error {
	status, notice := "active", w.text("channels.switch.on")
	if p.text("status") == "disabled" {
		status, notice = "disabled", w.text("channels.switch.off")
	}
	if err := p.send("PATCH", channelPath(p.Params("id")), map[string]string{"status": status}, nil); err != nil {
		return err
	}
	return p.redirect("/app/channels/"+url.PathEscape(p.Params("id")), notice)
}

func (w *Web) deleteChannel(p *page) error {
	if err := p.send("DELETE", channelPath(p.Params("id")), nil, nil); err != nil {
		return err
	}
	return p.redirect("/app/channels", w.text("channels.delete.done"))
}
