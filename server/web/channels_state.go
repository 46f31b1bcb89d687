package web

import "strings"

// sessionInfo is a linked device of the API.
type sessionInfo struct {
	ID       string       `json:"id"`
	Name     string       `json:"name"`
	Status   string       `json:"status"`
	Phone    string       `json:"phone"`
	PushName string       `json:"pushName"`
	Reason   string       `json:"reason"`
	Message  string       `json:"message"`
	Retry    bool         `json:"retry"`
	StatusAt *string      `json:"statusAt"`
	Until    *string      `json:"until"`
	Step     *sessionStep `json:"step"`
	Limit    *struct {
		Message string  `json:"message"`
		Until   *string `json:"until"`
	} `json:"limit"`
}

// channelView is how a channel's state is shown: a badge, a sentence, and what to do about it.
type channelView struct {
	Status   string // the badge's
	Sentence string
	Detail   string // what the network said, or empty
	Since    *string
	Until    *string
	Act      *channelAct
}

// channelAct is the one thing to do next: a link, or with Post a form of one button.
type channelAct struct {
	To, Word, Icon string
	Post           bool
	Name, Value    string
	Urgent         bool
}

// viewChannel tells how a channel is. s is nil for channels that are no linked devices; connect says that the kind connects on the network's page.
func (w *Web) viewChannel(c *channelInfo, s *sessionInfo, connect bool) channelView {
	base := "/app/channels/" + c.ID
	if c.Status == "disabled" {
		return channelView{
			Status: "disabled", Sentence: w.text("channels.state.disabled"), Since: c.StatusAt,
			Act: &channelAct{To: base + "/switch", Word: w.text("channels.act.enable"), Icon: "play", Post: true, Name: "status", Value: "active"},
		}
	}
	if s != nil {
		return w.viewSession(s)
	}
	sentence := "channels.state." + c.Status
	v := channelView{Status: c.Status, Sentence: w.text(sentence), Detail: c.StatusMessage, Since: c.StatusAt}
	switch {
	case c.Status == "needs_link" && connect:
		v.Act = &channelAct{To: base + "/settings", Word: w.text("channels.act.reconnect"), Icon: "link", Urgent: true}
	case c.Status == "needs_link":
		v.Act = &channelAct{To: base + "/settings", Word: w.text("channels.act.settings"), Icon: "pencil", Urgent: true}
	case c.Status == "new" && c.Can("check"):
		v.Act = &channelAct{To: base + "/check", Word: w.text("channels.act.check"), Icon: "shield-check", Post: true}
	}
	return v
}

// viewSession tells how a linked device is. Its own sentence says more than ours where it has one.
func (w *Web) viewSession(s *sessionInfo) channelView {
	status := strings.ToLower(s.Status)
	sentence := "channels.session." + status
	v := channelView{Status: status, Sentence: w.text(sentence), Since: s.StatusAt, Until: s.Until}
	link := "/app/channels/" + s.ID + "/link"
	switch {
	case status == "pending" || status == "qr":
		v.Act = &channelAct{To: link, Word: w.text("channels.act.link"), Icon: "qr-code", Urgent: true}
	case status == "connecting":
		v.Act = &channelAct{To: link, Word: w.text("channels.act.watch"), Icon: "smartphone"}
	case status == "connected" && s.Reason != "":
		v.Status = "degraded"
	case status == "disconnected" && s.Retry:
		v.Sentence, v.Detail = w.text("channels.session.returns"), s.Message
	case status == "disconnected" || status == "logged_out":
		v.Act = &channelAct{To: link, Word: w.text("channels.act.again"), Icon: "link", Post: true, Urgent: true}
	}
	if s.Message != "" && v.Detail == "" {
		v.Sentence = visible(s.Message)
	}
	if s.Limit != nil {
		v.Detail = strings.TrimSpace(v.Detail + " " + s.Limit.Message)
		if v.Until == nil {
			v.Until = s.Limit.Until
		}
	}
	return v
}
