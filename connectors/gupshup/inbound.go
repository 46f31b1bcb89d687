package gupshup

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

// inboundMessage is the payload of a message callback; what the message says lies in a payload within.
type inboundMessage struct {
	ID      string  `json:"id"`
	Source  string  `json:"source"`
	Type    string  `json:"type"`
	Payload details `json:"payload"`
	Sender  struct {
		Phone string `json:"phone"`
		Name  string `json:"name"`
	} `json:"sender"`
	Context struct {
		ID   string `json:"id"`
		GsID string `json:"gsId"`
	} `json:"context"`
}

// details has the fields of all types of message.
type details struct {
	Text         string          `json:"text"`
	URL          string          `json:"url"`
	Caption      string          `json:"caption"`
	ContentType  string          `json:"contentType"`
	Name         string          `json:"name"` // of a file or a place
	Title        string          `json:"title"`
	ID           string          `json:"id"`
	PostbackText string          `json:"postbackText"`
	Longitude    json.RawMessage `json:"longitude"`
	Latitude     json.RawMessage `json:"latitude"`
	Address      string          `json:"address"`
	Contacts     []card          `json:"contacts"`
}

// card is a person whose contact was sent.
type card struct {
	Name struct {
		Full  string `json:"formatted_name"`
		First string `json:"first_name"`
	} `json:"name"`
	Phones []struct {
		Phone string `json:"phone"`
	} `json:"phones"`
}

// inbound reads a message. One without an id or without a sender is none.
func (c *conn) inbound(raw json.RawMessage, at time.Time) (connectors.InMessage, bool) {
	var given inboundMessage
	decode(raw, &given)
	message := connectors.InMessage{
		ProviderID: clean(given.ID), From: person(given.Source), FromName: clean(given.Sender.Name), To: c.address,
		Type: messageType(given.Type), Text: firstOf(given.Payload.Text, given.Payload.Caption, given.Payload.Title),
		ReplyTo: firstOf(given.Context.GsID, given.Context.ID), Extra: extra(given), Timestamp: at,
	}
	if message.From == "" {
		message.From = person(given.Sender.Phone)
	}
	if isFile(message.Type) && given.Payload.URL != "" {
		message.Media = []connectors.MediaRef{{
			URL: clean(given.Payload.URL), ContentType: clean(given.Payload.ContentType), FileName: clean(given.Payload.Name),
		}}
	}
	return message, message.ProviderID != "" && message.From != ""
}

// messageType puts a type of Gupshup's into ours. Answers to buttons and lists are texts.
func messageType(given string) string {
	switch given {
	case "text", "button_reply", "list_reply", "quick_reply":
		return "text"
	case "image", "video", "audio", "sticker", "location", "contact":
		return given
	case "file":
		return "document"
	}
	return "other"
}

func isFile(messageType string) bool {
	switch messageType {
	case "image", "video", "audio", "sticker", "document":
		return true
	}
	return false
}

// extra collects what is no text and no file.
func extra(given inboundMessage) map[string]any {
	facts := map[string]any{}
	switch given.Type {
	case "location":
		if place := location(given.Payload); place != nil {
			facts["location"] = place
		}
	case "contact":
		if people := contacts(given.Payload.Contacts); len(people) > 0 {
			facts["contacts"] = people
		}
	case "button_reply", "list_reply", "quick_reply":
		facts["button"] = map[string]any{
			"text": firstOf(given.Payload.Title, given.Payload.Text), "payload": firstOf(given.Payload.PostbackText, given.Payload.ID),
		}
	}
	if len(facts) == 0 {
		return nil
	}
	return facts
}

func location(given details) map[string]any {
	latitude, north := degrees(given.Latitude, 90)
	longitude, east := degrees(given.Longitude, 180)
	if !north || !east {
		return nil
	}
	place := map[string]any{"latitude": latitude, "longitude": longitude}
	for key, value := range map[string]string{"name": clean(given.Name), "address": clean(given.Address)} {
		if value != "" {
			place[key] = value
		}
	}
	return place
}

func contacts(cards []card) []map[string]any {
	var people []map[string]any
	for _, given := range cards {
		phones := []string{}
		for _, phone := range given.Phones {
			phones = append(phones, clean(phone.Phone))
		}
		people = append(people, map[string]any{"name": firstOf(given.Name.Full, given.Name.First), "phones": phones})
	}
	return people
}

// person returns a phone number as digits, else what Gupshup calls the sender, as it is.
func person(source string) string {
	if digits := connectors.Digits(source); digits != "" {
		return digits
	}
	return strings.TrimSpace(clean(source))
}

// firstOf returns the first text that is not empty, cleaned.
func firstOf(texts ...string) string {
	for _, text := range texts {
		if text = clean(text); text != "" {
			return text
		}
	}
	return ""
}
