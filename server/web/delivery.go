package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// attemptInfo is an attempt of the API.
type attemptInfo struct {
	Number     int    `json:"number"`
	StartedAt  string `json:"startedAt"`
	DurationMS int64  `json:"durationMs"`
	Request    struct {
		URL     string            `json:"url"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	} `json:"request"`
	Response *struct {
		Status      int    `json:"status"`
		ContentType string `json:"contentType"`
		Body        string `json:"body"`
		Truncated   bool   `json:"truncated"`
	} `json:"response"`
	Error *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// Took is how long it took.
func (a *attemptInfo) Took() string { return length(a.DurationMS) }

// Good tells that the receiver took it.
func (a *attemptInfo) Good() bool { return a.Response != nil && a.Response.Status/100 == 2 }

// Code is the answer's status, or 0.
func (a *attemptInfo) Code() int {
	if a.Response == nil {
		return 0
	}
	return a.Response.Status
}

// Phrase is the answer's status with the words that HTTP has for it.
func (a *attemptInfo) Phrase() string { return statusLine(a.Code()) }

func statusLine(code int) string {
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}

// headerRow is one header line.
type headerRow struct{ Name, Value string }

// headerRows sorts headers by name.
func headerRows(headers map[string]string) []headerRow {
	rows := make([]headerRow, 0, len(headers))
	for name, value := range headers {
		rows = append(rows, headerRow{name, value})
	}
	slices.SortFunc(rows, func(a, b headerRow) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return rows
}

// Headers are those that were sent.
func (a *attemptInfo) Headers() []headerRow { return headerRows(a.Request.Headers) }

// attemptRow is an attempt as the page shows it.
type attemptRow struct {
	*attemptInfo
	Advice string // what to do about it
	Open   bool
}

// deliveryData is what a delivery's page shows.
type deliveryData struct {
	Delivery *deliveryInfo
	Title    string
	Hook     *hookInfo    // nil where it was deleted
	Log      []attemptRow // the newest first
	Sent     *attemptRow  // what was sent last
	Curl     string
	Event    json.RawMessage // where nothing was sent yet
	Why      string          // what the delivery met
	Advice   string
}

func (w *Web) delivery(p *page) error {
	data, err := p.deliveryData()
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "deliveries/show", w.text("deliveries.one", data.Title), data)
}

func (w *Web) deliveryState(p *page) error {
	data, err := p.deliveryData()
	if err != nil {
		return err
	}
	return p.fragment("deliveries/show", "delivery-state", data)
}

func (p *page) deliveryData() (*deliveryData, error) {
	found := &deliveryInfo{}
	if err := p.read(found, "/v1/deliveries/"+url.PathEscape(p.Params("id")), nil); err != nil {
		return nil, err
	}
	rows, err := p.deliveryList([]*deliveryInfo{found})
	if err != nil {
		return nil, err
	}
	data := &deliveryData{Delivery: found, Title: rows[0].Title, Hook: rows[0].Hook, Why: found.Reason}
	if data.Title == "" {
		data.Title = p.web.text("deliveries.eventGone")
	}
	for i := range found.AttemptLog {
		attempt := &found.AttemptLog[i]
		row := attemptRow{attemptInfo: attempt, Open: i == len(found.AttemptLog)-1}
		if attempt.Error != nil {
			row.Advice = p.web.advice(0, attempt.Error.Code)
		} else if !attempt.Good() {
			row.Advice = p.web.advice(attempt.Code(), "")
		}
		data.Log = append(data.Log, row)
	}
	slices.Reverse(data.Log)
	if len(data.Log) > 0 {
		data.Sent, data.Curl = &data.Log[0], curl(&data.Log[0])
		if found.Status == "failed" || found.Status == "pending" {
			data.Advice = data.Log[0].Advice
		}
	} else {
		err := p.read(&data.Event, "/v1/events/"+url.PathEscape(found.EventID), nil)
		if err != nil && !missingRow(err) {
			return nil, err
		}
	}
	if advice := "deliveries.state." + found.Status; p.web.texts[advice] != "" {
		data.Advice = strings.TrimSpace(p.web.text(advice) + " " + data.Advice)
	}
	return data, nil
}

// advice says what to do about an answer or the lack of one, or is empty.
func (w *Web) advice(status int, code string) string {
	keys := []string{"deliveries.why." + code}
	if code == "" {
		keys = []string{"deliveries.why." + strconv.Itoa(status), "deliveries.why." + strconv.Itoa(status/100) + "xx"}
	}
	for _, key := range keys {
		if w.texts[key] != "" {
			return w.text(key)
		}
	}
	return ""
}

// curl writes an attempt as a command of a shell. Values that are masked in the log are masked in it.
func curl(a *attemptRow) string {
	var out strings.Builder
	out.WriteString("curl -i -X POST " + quoted(a.Request.URL))
	for _, header := range a.Headers() {
		out.WriteString(" \\\n  -H " + quoted(header.Name+": "+header.Value))
	}
	if a.Request.Body != "" {
		out.WriteString(" \\\n  --data-raw " + quoted(a.Request.Body))
	}
	return out.String()
}

// quoted writes a text as one word of a POSIX shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
