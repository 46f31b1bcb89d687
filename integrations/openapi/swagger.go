package main

import (
	"fmt"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// The address in the file stands for the user's own server: Power Automate has one fixed host for each connector.
const swaggerHost = "your-server.invalid"

// swagger makes a Swagger 2.0 document of an OpenAPI 3.0.3 one. It has the operations that an API key opens, since a custom
// connector has one way to sign in, and leaves out redirects, headers of answers and other forms than JSON where there is JSON.
type swagger struct {
	from *yaml.Node // the OpenAPI 3.0.3 document
	used []string   // names of schemas that are referred to, in the order in which they were found
}

func newSwagger(root *yaml.Node) (*yaml.Node, error) {
	s := &swagger{from: root}
	paths := mapping()
	var failure error
	members(get(root, "paths"), func(path string, item *yaml.Node) {
		converted := mapping()
		members(item, func(method string, operation *yaml.Node) {
			if !s.takesKey(operation) {
				return
			}
			made, err := s.operation(operation)
			if err != nil && failure == nil {
				failure = fmt.Errorf("convert %s %s: %w", method, path, err)
			}
			set(converted, method, made)
		})
		if len(converted.Content) > 0 {
			set(paths, path, converted)
		}
	})
	if failure != nil {
		return nil, failure
	}
	if err := s.addTrigger(paths); err != nil {
		return nil, err
	}
	return s.document(paths), nil
}

func (s *swagger) document(paths *yaml.Node) *yaml.Node {
	d := object("swagger", "2.0")
	set(d, "info", get(s.from, "info"))
	set(d, "host", text(swaggerHost))
	set(d, "basePath", text("/"))
	set(d, "schemes", list(text("https")))
	set(d, "consumes", list(text("application/json")))
	set(d, "produces", list(text("application/json")))
	key := mapping()
	set(key, "apiKey", get(get(get(s.from, "components"), "securitySchemes"), "apiKey"))
	set(d, "securityDefinitions", key)
	requirement := mapping()
	set(requirement, "apiKey", list())
	set(d, "security", list(requirement))
	tags := list()
	for _, tag := range items(get(s.from, "tags")) {
		if usesTag(paths, value(tag, "name")) {
			tags.Content = append(tags.Content, tag)
		}
	}
	set(d, "tags", tags)
	set(d, "paths", paths)
	definitions := mapping()
	schemas := get(get(s.from, "components"), "schemas")
	for i := 0; i < len(s.used); i++ { // a schema that is converted adds those that it refers to
		if own := get(definitions, s.used[i]); own == nil {
			set(definitions, s.used[i], s.schema(get(schemas, s.used[i])))
		}
	}
	set(d, "definitions", definitions)
	return d
}

func usesTag(paths *yaml.Node, name string) bool {
	used := false
	members(paths, func(_ string, item *yaml.Node) {
		members(item, func(_ string, operation *yaml.Node) {
			for _, tag := range items(get(operation, "tags")) {
				used = used || tag.Value == name
			}
		})
	})
	return used
}

// takesKey tells whether an API key opens the operation.
func (s *swagger) takesKey(operation *yaml.Node) bool {
	security := get(operation, "security")
	if security == nil {
		security = get(s.from, "security")
	}
	for _, alternative := range items(security) {
		if get(alternative, "apiKey") != nil {
			return true
		}
	}
	return false
}

func (s *swagger) operation(from *yaml.Node) (*yaml.Node, error) {
	o := mapping()
	for _, name := range []string{"tags", "operationId", "summary", "description"} {
		set(o, name, get(from, name))
	}
	parameters := list()
	for _, p := range items(get(from, "parameters")) {
		made, err := s.parameter(p)
		if err != nil {
			return nil, err
		}
		if signs(value(made, "name")) {
			continue
		}
		parameters.Content = append(parameters.Content, made)
	}
	if body := get(from, "requestBody"); body != nil {
		mediaType, content := best(get(body, "content"))
		if content == nil {
			return nil, fmt.Errorf("the body has no content")
		}
		if mediaType != "application/json" {
			set(o, "consumes", list(text(mediaType)))
		}
		parameters.Content = append(parameters.Content, s.body(body, content))
	}
	if len(parameters.Content) > 0 {
		set(o, "parameters", parameters)
	}
	responses, err := s.responses(get(from, "responses"), o)
	if err != nil {
		return nil, err
	}
	set(o, "responses", responses)
	return o, nil
}

// responses converts answers without their headers. Redirects go to browsers, not to a connector.
func (s *swagger) responses(from, operation *yaml.Node) (*yaml.Node, error) {
	made := mapping()
	var failure error
	members(from, func(status string, r *yaml.Node) {
		if strings.HasPrefix(status, "3") {
			return
		}
		if ref := value(r, "$ref"); ref != "" {
			r = get(get(get(s.from, "components"), "responses"), ref[strings.LastIndexByte(ref, '/')+1:])
			if r == nil {
				failure = fmt.Errorf("there is no %s", ref)
			}
		}
		mediaType, content := best(get(r, "content"))
		if mediaType != "" && mediaType != "application/json" {
			set(operation, "produces", list(text(mediaType)))
		}
		set(made, status, s.response(r, mediaType, content))
	})
	return made, failure
}

// best chooses the content that a connector can show field by field, or else the first.
func best(content *yaml.Node) (string, *yaml.Node) {
	if asJSON := get(content, "application/json"); asJSON != nil {
		return "application/json", asJSON
	}
	if content == nil || len(content.Content) < 2 {
		return "", nil
	}
	return content.Content[0].Value, content.Content[1]
}

// parameter moves a parameter's schema into the parameter, where Swagger 2.0 has it.
func (s *swagger) parameter(from *yaml.Node) (*yaml.Node, error) {
	known := ""
	if ref := value(from, "$ref"); ref != "" {
		known = ref[strings.LastIndexByte(ref, '/')+1:]
		from = get(get(get(s.from, "components"), "parameters"), known)
		if from == nil {
			return nil, fmt.Errorf("there is no %s", ref)
		}
	}
	p := mapping()
	for _, name := range []string{"name", "in", "required", "description"} {
		set(p, name, get(from, name))
	}
	set(p, "x-ms-summary", text(title(value(from, "name"))))
	switch value(from, "in") {
	case "path":
		set(p, "x-ms-url-encoding", text("single"))
	case "header":
		set(p, "x-ms-visibility", text("advanced"))
	}
	members(get(from, "schema"), func(name string, member *yaml.Node) { set(p, name, member) })
	if known == "" {
		known = value(from, "name")
	}
	set(p, "x-ms-dynamic-values", choices(known))
	return p, nil
}

// signs tells whether a header stands in place of the key.
func signs(header string) bool {
	return header == "X-Switchhook-Signature" || header == "X-Switchhook-Timestamp"
}

func (s *swagger) body(from, content *yaml.Node) *yaml.Node {
	p := object("name", "body", "in", "body", "description", "What to send.")
	set(p, "description", get(from, "description"))
	set(p, "required", get(from, "required"))
	schema := s.schema(get(content, "schema"))
	take(schema, "format") // a file is a text here
	members(get(schema, "properties"), func(name string, property *yaml.Node) {
		set(property, "x-ms-dynamic-values", choices(name))
		if inner := get(property, "items"); inner != nil {
			set(inner, "x-ms-dynamic-values", choices(strings.TrimSuffix(name, "s")))
		}
	})
	set(p, "schema", schema)
	return p
}

func (s *swagger) response(from *yaml.Node, mediaType string, content *yaml.Node) *yaml.Node {
	r := mapping()
	set(r, "description", get(from, "description"))
	switch {
	case content == nil:
	case mediaType == "application/json":
		set(r, "schema", s.schema(get(content, "schema")))
	default:
		set(r, "schema", object("type", "file"))
	}
	return r
}

// schema returns the schema in Swagger 2.0, with a title for each field, and notes what it refers to.
func (s *swagger) schema(from *yaml.Node) *yaml.Node {
	made := clone(from)
	eachSchema(made, func(schema *yaml.Node) {
		if ref := get(schema, "$ref"); ref != nil {
			name := ref.Value[strings.LastIndexByte(ref.Value, '/')+1:]
			s.used = append(s.used, name)
			set(schema, "$ref", text("#/definitions/"+name))
			return
		}
		if nullable := take(schema, "nullable"); nullable != nil {
			set(schema, "x-nullable", nullable)
		}
		members(get(schema, "properties"), func(name string, property *yaml.Node) {
			if get(property, "$ref") == nil {
				set(property, "x-ms-summary", text(title(name)))
			}
		})
	})
	return made
}

// choices says where Power Automate finds what can be chosen for a parameter or field, nil where nothing lists it.
func choices(name string) *yaml.Node {
	operation := map[string]string{
		"channelId": "listChannels", "ChannelId": "listChannels", "sessionId": "listSessions", "SessionId": "listSessions",
		"queueId": "listQueues", "QueueId": "listQueues", "IncomingWebhookId": "listIncomingWebhooks",
	}[name]
	if operation == "" {
		return nil
	}
	return object("operationId", operation, "value-collection", "data", "value-path", "id", "value-title", "name")
}

// title makes of channelIds or phone_number what stands beside a field: Channel ids, Phone number.
func title(name string) string {
	var out strings.Builder
	last := ' '
	for i, c := range strings.ReplaceAll(strings.ReplaceAll(name, "_", " "), "-", " ") {
		switch {
		case i == 0:
			out.WriteRune(unicode.ToUpper(c))
		case unicode.IsUpper(c) && unicode.IsLower(last):
			out.WriteByte(' ')
			fallthrough
		default:
			out.WriteRune(unicode.ToLower(c))
		}
		last = c
	}
	return out.String()
}
