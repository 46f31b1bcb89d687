package main

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// get returns a member of a mapping, nil where there is none.
func get(node *yaml.Node, name string) *yaml.Node {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			return node.Content[i+1]
		}
	}
	return nil
}

// value returns a member's text, "" where there is none.
func value(node *yaml.Node, name string) string {
	if member := get(node, name); member != nil {
		return member.Value
	}
	return ""
}

// set gives a mapping a member, or another value for it; nil is left out.
func set(node *yaml.Node, name string, to *yaml.Node) {
	if to == nil {
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			node.Content[i+1] = to
			return
		}
	}
	node.Content = append(node.Content, text(name), to)
}

// take removes a member and returns its value.
func take(node *yaml.Node, name string) *yaml.Node {
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			member := node.Content[i+1]
			node.Content = slices.Delete(node.Content, i, i+2)
			return member
		}
	}
	return nil
}

// members visits the members of a mapping in their order.
func members(node *yaml.Node, visit func(name string, member *yaml.Node)) {
	if node == nil || node.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		visit(node.Content[i].Value, node.Content[i+1])
	}
}

// items returns the items of a list.
func items(node *yaml.Node) []*yaml.Node {
	if node == nil || node.Kind != yaml.SequenceNode {
		return nil
	}
	return node.Content
}

func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

func yes() *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"} }

func list(items ...*yaml.Node) *yaml.Node { return &yaml.Node{Kind: yaml.SequenceNode, Content: items} }

func mapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode} }

// object makes a mapping of texts; names and values alternate.
func object(pairs ...string) *yaml.Node {
	node := mapping()
	for i := 0; i+1 < len(pairs); i += 2 {
		set(node, pairs[i], text(pairs[i+1]))
	}
	return node
}

// clone copies a node with all that is in it.
func clone(node *yaml.Node) *yaml.Node {
	if node == nil {
		return nil
	}
	copied := *node
	copied.Content = make([]*yaml.Node, len(node.Content))
	for i, child := range node.Content {
		copied.Content[i] = clone(child)
	}
	return &copied
}

// eachSchema visits a schema and all that it is made of, the inner ones first. References are visited too, not what they mean.
func eachSchema(schema *yaml.Node, visit func(*yaml.Node)) {
	if schema == nil || schema.Kind != yaml.MappingNode {
		return
	}
	members(get(schema, "properties"), func(_ string, property *yaml.Node) { eachSchema(property, visit) })
	eachSchema(get(schema, "items"), visit)
	eachSchema(get(schema, "additionalProperties"), visit)
	visit(schema)
}

// schemasOf visits every schema below a node that is not a schema itself: what stands under schema or schemas. Examples hold none.
func schemasOf(node *yaml.Node, visit func(*yaml.Node)) {
	switch node.Kind {
	case yaml.SequenceNode:
		for _, item := range node.Content {
			schemasOf(item, visit)
		}
	case yaml.MappingNode:
		members(node, func(name string, member *yaml.Node) {
			switch name {
			case "example", "examples":
			case "schema":
				eachSchema(member, visit)
			case "schemas":
				members(member, func(_ string, schema *yaml.Node) { eachSchema(schema, visit) })
			default:
				schemasOf(member, visit)
			}
		})
	}
}
