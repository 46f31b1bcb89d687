package web

import (
	"net/http"
	"net/url"
)

func (w *Web) callbackRoutes() []Route {
	return []Route{
		{"GET", "/app/callbacks", loggedIn, w.callbacks},
		{"GET", "/app/callbacks/rows", loggedIn, w.callbackRows},
		{"GET", "/app/callbacks/:id", loggedIn, w.callback},
	}
}

// callbackInfo is what a provider called a channel with.
type callbackInfo struct {
	ID         string            `json:"id"`
	ChannelID  string            `json:"channelId"`
	Connector  string            `json:"connector"`
	At         string            `json:"at"`
	Method     string            `json:"method"`
	Path       string            `json:"path"`
	Query      string            `json:"query"`
	Status     int               `json:"status"`
	Signature  string            `json:"signature"`
	Error      *callbackFault    `json:"error"`
	Messages   int               `json:"messages"`
	Statuses   int               `json:"statuses"`
	DurationMS int64             `json:"durationMs"`
	Size       int64             `json:"size"`
	Headers    map[string]string `json:"headers"`
	Body       callbackBody      `json:"body"`
}

type callbackFault struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type callbackBody struct {
	Encoding  string `json:"encoding"`
	Content   string `json:"content"`
	Truncated bool   `json:"truncated"`
}

// To is its page.
func (c *callbackInfo) To() string { return "/app/callbacks/" + url.PathEscape(c.ID) }

// Took is how long the answer took.
func (c *callbackInfo) Took() string { return length(c.DurationMS) }

// Answer is what was answered.
func (c *callbackInfo) Answer() string { return statusLine(c.Status) }

// HeaderRows are its headers by name.
func (c *callbackInfo) HeaderRows() []headerRow { return headerRows(c.Headers) }

// Address is what was called, with the query.
func (c *callbackInfo) Address() string {
	if c.Query == "" {
		return c.Path
	}
	return c.Path + "?" + c.Query
}

type callbackRow struct {
	*callbackInfo
	Channel option
}

type callbacksData struct {
	Rows       []callbackRow
	Form       *form
	Filters    string
	Filtered   bool
	Older      string
	Channels   []option
	Signatures []option
}

func (w *Web) callbacks(p *page) error {
	data, err := p.callbacksData()
	if err != nil {
		return err
	}
	if data.Channels, err = p.channelOptions(); err != nil {
		return err
	}
	data.Channels = append([]option{{"", w.text("callbacks.any"), ""}}, data.Channels...)
	data.Signatures = []option{{"", w.text("callbacks.any"), ""}}
	for _, signature := range []string{"ok", "wrong", "none"} {
		data.Signatures = append(data.Signatures, option{signature, w.badge(signature).Word, ""})
	}
	return p.render(http.StatusOK, "callbacks/list", w.text("callbacks.title"), data)
}

func (w *Web) callbackRows(p *page) error {
	data, err := p.callbacksData()
	if err != nil {
		return err
	}
	return p.fragment("callbacks/list", "callback-rows", data)
}

func (p *page) callbacksData() (*callbacksData, error) {
	query := p.asked("channelId", "signature", "cursor")
	data := &callbacksData{Form: &form{Values: url.Values{}}, Filters: withQuery("", query)}
	for _, key := range []string{"channelId", "signature"} {
		data.Form.Values.Set(key, query.Get(key))
		data.Filtered = data.Filtered || query.Get(key) != ""
	}
	var found list[*callbackInfo]
	if err := p.read(&found, "/v1/callbacks", query); err != nil {
		return nil, err
	}
	if found.NextCursor != nil {
		query.Set("cursor", *found.NextCursor)
		data.Older = withQuery("/app/callbacks", query)
	}
	channels := map[string]option{}
	for _, callback := range found.Data {
		if _, known := channels[callback.ChannelID]; !known {
			named, err := p.channelsByID([]string{callback.ChannelID})
			if err != nil {
				return nil, err
			}
			channels[callback.ChannelID] = named[0]
		}
		data.Rows = append(data.Rows, callbackRow{callback, channels[callback.ChannelID]})
	}
	return data, nil
}

func (w *Web) callback(p *page) error {
	found := &callbackInfo{}
	if err := p.read(found, "/v1/callbacks/"+url.PathEscape(p.Params("id")), nil); err != nil {
		return err
	}
	named, err := p.channelsByID([]string{found.ChannelID})
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "callbacks/show", w.text("callbacks.one"), &callbackRow{found, named[0]})
}
