package main

import "go.yaml.in/yaml/v3"

// toOpenAPI31 changes an OpenAPI 3.0.3 document into 3.1.0, whose schemas are JSON Schema 2020-12: a type that may be null is a list
// of types, examples are a list, and a file has a media type and no format.
func toOpenAPI31(root *yaml.Node) {
	root.HeadComment, root.FootComment = "", ""
	root.Content[0].HeadComment = ""
	set(root, "openapi", text("3.1.0"))
	for _, server := range items(get(root, "servers")) {
		members(get(server, "variables"), func(_ string, variable *yaml.Node) {
			take(variable, "description") // validators still carry a schema of 3.1 that misspells it and refuses it
		})
	}
	schemasOf(root, func(schema *yaml.Node) {
		if nullable := take(schema, "nullable"); nullable != nil && nullable.Value == "true" {
			allowNull(schema)
		}
		if example := take(schema, "example"); example != nil {
			set(schema, "examples", list(example))
		}
		if value(schema, "format") == "binary" {
			take(schema, "format")
			set(schema, "contentMediaType", text("application/octet-stream"))
		}
	})
}

func allowNull(schema *yaml.Node) {
	if kind := get(schema, "type"); kind != nil {
		set(schema, "type", list(text(kind.Value), text("null")))
	}
	if allowed := get(schema, "enum"); allowed != nil && !hasNull(allowed) {
		allowed.Content = append(allowed.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"})
	}
}

func hasNull(allowed *yaml.Node) bool {
	for _, one := range allowed.Content {
		if one.Tag == "!!null" {
			return true
		}
	}
	return false
}
