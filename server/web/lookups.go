package web

import (
	"net/url"
	"strconv"
	"time"
)

// eventKind is a kind of event of the API.
type eventKind struct {
	Event       string `json:"event"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

// eventOptions are all kinds of event, each with what it means.
func (p *page) eventOptions() ([]option, error) {
	var kinds list[eventKind]
	if err := p.read(&kinds, "/v1/event-types", nil); err != nil {
		return nil, err
	}
	options := make([]option, 0, len(kinds.Data))
	for _, kind := range kinds.Data {
		options = append(options, option{kind.Event, kind.Title, kind.Description})
	}
	return options, nil
}

// labelOf is what one of the options is called, or its value where it is none of them.
func labelOf(options []option, value string) string {
	for _, o := range options {
		if o.Value == value {
			return o.Label
		}
	}
	return value
}

// maxChoices bounds how many rows a choice offers; as many as a webhook may name channels.
const maxChoices = 200

// namedChannel is a channel as choices show it.
type namedChannel struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Connector string `json:"connector"`
}

func (c namedChannel) option() option {
	label := c.Name
	if label == "" {
		label = c.ID
	}
	return option{c.ID, visible(label), c.Connector}
}

// channelOptions are the channels of the account, the newest first.
func (p *page) channelOptions() ([]option, error) {
	options := []option{}
	query := url.Values{"limit": {strconv.Itoa(maxChoices / 2)}}
	for len(options) < maxChoices {
		var some list[namedChannel]
		if err := p.read(&some, "/v1/channels", query); err != nil {
			return nil, err
		}
		for _, channel := range some.Data {
			options = append(options, channel.option())
		}
		if some.NextCursor == nil {
			break
		}
		query.Set("cursor", *some.NextCursor)
	}
	return options, nil
}

// channelsByID names channels. One that is gone has its id for a name.
func (p *page) channelsByID(ids []string) ([]option, error) {
	options := make([]option, 0, len(ids))
	for _, id := range ids {
		var channel namedChannel
		err := p.read(&channel, "/v1/channels/"+url.PathEscape(id), nil)
		if err != nil && !missingRow(err) {
			return nil, err
		}
		channel.ID = id
		options = append(options, channel.option())
	}
	return options, nil
}

// zoneOf is the time zone that a form's times are meant in: what the browser said, or UTC.
func zoneOf(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return time.UTC
	}
	return zone
}

// localTime is how browsers send a day and a time, without a zone.
const localTime = "2006-01-02T15:04"

// instant reads a time as the API writes it, or as a browser sends it in a zone, and gives it as the API reads it. What is neither stays as it is:
// the API says what is wrong with it.
func instant(text string, zone *time.Location) string {
	for _, layout := range []string{localTime, localTime + ":05"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at.UTC().Format(time.RFC3339)
		}
	}
	return text
}

// inZone writes a time of the API as a browser's field shows it.
func inZone(text string, zone *time.Location) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return at.In(zone).Format(localTime)
}

// word is the text of one of several things of a kind, such as a status: its key is put together.
func (w *Web) word(kind, name string) string { return w.text(kind + name) }
