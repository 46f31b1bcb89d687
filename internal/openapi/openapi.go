// Package openapi turns openapi.yaml into what else is served of it: the same document as JSON, and a page for people. The page
// needs nothing from another host, and works without its script.
package openapi

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"

	"go.yaml.in/yaml/v3"
)

//go:embed page.html docs.css docs.js
var files embed.FS

// ContentSecurityPolicy is the header with which the page is served. It allows the page's own files and nothing inline.
const ContentSecurityPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// JSON returns the document as JSON, its members in the same order.
func JSON(document []byte) ([]byte, error) {
	root, err := parse(document)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := writeJSON(&out, root); err != nil {
		return nil, fmt.Errorf("write openapi as JSON: %w", err)
	}
	return out.Bytes(), nil
}

// Page returns the document as an HTML page. It expects Asset's files under /docs/.
func Page(document []byte) ([]byte, error) {
	root, err := parse(document)
	if err != nil {
		return nil, err
	}
	var d model
	if err := root.Decode(&d); err != nil {
		return nil, fmt.Errorf("read openapi: %w", err)
	}
	view, err := d.view()
	if err != nil {
		return nil, err
	}
	page, err := template.ParseFS(files, "page.html")
	if err != nil {
		return nil, fmt.Errorf("read page template: %w", err)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, view); err != nil {
		return nil, fmt.Errorf("write page: %w", err)
	}
	return out.Bytes(), nil
}

// Asset returns a file that the page needs, with its content type. It is false where there is no such file.
func Asset(name string) (body []byte, contentType string, found bool) {
	switch name {
	case "docs.css":
		contentType = "text/css; charset=utf-8"
	case "docs.js":
		contentType = "text/javascript; charset=utf-8"
	default:
		return nil, "", false
	}
	body, err := files.ReadFile(name)
	return body, contentType, err == nil
}

// parse reads YAML and returns its top mapping.
func parse(document []byte) (*yaml.Node, error) {
	var file yaml.Node
	if err := yaml.Unmarshal(document, &file); err != nil {
		return nil, fmt.Errorf("read openapi: %w", err)
	}
	if len(file.Content) != 1 || file.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("read openapi: the document is not a mapping")
	}
	return file.Content[0], nil
}

// writeJSON writes a node with its members in their order, which maps would lose.
func writeJSON(out *bytes.Buffer, node *yaml.Node) error {
	switch node.Kind {
	case yaml.MappingNode:
		return writeMembers(out, node)
	case yaml.SequenceNode:
		out.WriteByte('[')
		for i, item := range node.Content {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeJSON(out, item); err != nil {
				return err
			}
		}
		out.WriteByte(']')
		return nil
	case yaml.ScalarNode:
		return writeScalar(out, node)
	default:
		return fmt.Errorf("line %d: aliases have no place in an importable document", node.Line)
	}
}

func writeMembers(out *bytes.Buffer, node *yaml.Node) error {
	out.WriteByte('{')
	for i := 0; i+1 < len(node.Content); i += 2 {
		if i > 0 {
			out.WriteByte(',')
		}
		if node.Content[i].Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: a name is not a text", node.Content[i].Line)
		}
		if err := encode(out, node.Content[i].Value); err != nil {
			return err
		}
		out.WriteByte(':')
		if err := writeJSON(out, node.Content[i+1]); err != nil {
			return err
		}
	}
	out.WriteByte('}')
	return nil
}

func writeScalar(out *bytes.Buffer, node *yaml.Node) error {
	switch node.Tag {
	case "!!bool", "!!int", "!!float":
		var value any
		if err := node.Decode(&value); err != nil {
			return fmt.Errorf("line %d: %w", node.Line, err)
		}
		return encode(out, value)
	case "!!null":
		out.WriteString("null")
		return nil
	default: // a date that is not in quotes is a text too: JSON has no dates
		return encode(out, node.Value)
	}
}

func encode(out *bytes.Buffer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("encode value: %w", err)
	}
	out.Truncate(out.Len() - 1) // the line break
	return nil
}
