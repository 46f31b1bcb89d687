package main

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

const webhooks = "/v1/webhooks"

// addTrigger makes of the subscription the trigger of Power Automate: it fills in the address that it listens at, keeps the Location
// of the 201 and sends DELETE there when the flow goes. A path has one trigger, so its content has the fields of every event.
// See https://learn.microsoft.com/connectors/custom-connectors/create-webhook-trigger.
func (s *swagger) addTrigger(paths *yaml.Node) error {
	item := get(paths, webhooks)
	post := get(item, "post")
	gone := get(get(paths, webhooks+"/{id}"), "delete")
	if post == nil || gone == nil {
		return errors.New("make trigger: there is no POST or DELETE of " + webhooks)
	}
	event, err := s.triggerEvent()
	if err != nil {
		return err
	}
	content := object("description", "What happened.")
	set(content, "schema", event)
	set(item, "x-ms-notification-content", content)
	set(post, "summary", text("When something happens"))
	set(post, "description", text("Starts when a message comes in, a post is published, a channel is lost, or whatever else the events name."))
	set(post, "x-ms-trigger", text("single"))
	set(post, "x-ms-trigger-hint", text("To see it work now, send a message to one of your channels."))
	set(gone, "x-ms-visibility", text("internal"))
	asked := list() // without the Idempotency-Key: a flow that is turned on again subscribes anew
	for _, parameter := range items(get(post, "parameters")) {
		if properties := get(get(parameter, "schema"), "properties"); properties != nil {
			askForTrigger(properties)
			asked.Content = append(asked.Content, parameter)
		}
	}
	set(post, "parameters", asked)
	return nil
}

// askForTrigger leaves of the subscription's fields those that somebody who builds a flow decides on.
func askForTrigger(properties *yaml.Node) {
	for _, name := range []string{"format", "headers", "expiresAt"} { // the content is described in one format, and a flow ends by itself
		take(properties, name)
	}
	address := get(properties, "url")
	set(address, "x-ms-notification-url", yes())
	set(address, "x-ms-visibility", text("internal"))
	set(get(properties, "events"), "default", list(text("message.received")))
	for _, name := range []string{"description", "rateLimit"} {
		set(get(properties, name), "x-ms-visibility", text("advanced"))
	}
}

// triggerEvent returns the schema of an event whose data has the fields of all events.
func (s *swagger) triggerEvent() (*yaml.Node, error) {
	schemas := get(get(s.from, "components"), "schemas")
	event := clone(get(schemas, "Event"))
	fields := mapping()
	callbacks := get(get(get(get(s.from, "paths"), webhooks), "post"), "callbacks")
	members(callbacks, func(_ string, callback *yaml.Node) {
		members(callback, func(_ string, item *yaml.Node) {
			post := get(item, "post")
			if !hasParameter(post, "X-Switchhook-Event") { // of another format
				return
			}
			_, content := best(get(get(post, "requestBody"), "content"))
			body := resolve(schemas, get(content, "schema"))
			data := resolve(schemas, get(get(body, "properties"), "data"))
			members(get(data, "properties"), func(name string, field *yaml.Node) { addField(fields, name, field) })
		})
	})
	data := get(get(event, "properties"), "data")
	if data == nil || len(fields.Content) == 0 {
		return nil, errors.New("make trigger: the callbacks of createWebhook describe no event")
	}
	take(data, "example")
	take(data, "additionalProperties")
	set(data, "description", text("What the event tells. Which fields are there depends on the event."))
	set(data, "properties", fields)
	return s.schema(event), nil
}

// addField adds a field of one event's data. Events that give it different forms leave it open.
func addField(fields *yaml.Node, name string, field *yaml.Node) {
	known := get(fields, name)
	switch {
	case known == nil:
		set(fields, name, clone(field))
	case value(known, "type") != value(field, "type") || value(known, "$ref") != value(field, "$ref"):
		set(fields, name, object("description", fmt.Sprintf("Depends on the event: see %s of each.", name)))
	default: // the first describes it; its values are not all
		take(known, "enum")
		if get(field, "nullable") != nil {
			set(known, "nullable", yes())
		}
	}
}

func hasParameter(operation *yaml.Node, name string) bool {
	for _, p := range items(get(operation, "parameters")) {
		if value(p, "name") == name {
			return true
		}
	}
	return false
}

// resolve returns what a schema refers to, or the schema itself.
func resolve(schemas, schema *yaml.Node) *yaml.Node {
	const prefix = "#/components/schemas/"
	if ref := value(schema, "$ref"); len(ref) > len(prefix) {
		return get(schemas, ref[len(prefix):])
	}
	return schema
}
