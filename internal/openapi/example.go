package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxDepth bounds how deep schemas are followed, so that one that contains itself ends.
const maxDepth = 6

// example returns the example of a body as indented JSON: the one that is given, else one made of the fields' examples.
func (d *model) example(m media) (string, error) {
	var out bytes.Buffer
	var err error
	if m.Example.Kind != 0 {
		err = writeJSON(&out, &m.Example)
	} else {
		err = d.writeExample(&out, m.Schema, 0)
	}
	if err != nil {
		return "", err
	}
	if !json.Valid(out.Bytes()) {
		return "", fmt.Errorf("write example: %s is not JSON", out.String())
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, out.Bytes(), "", "  "); err != nil {
		return "", fmt.Errorf("write example: %w", err)
	}
	return indented.String(), nil
}

func (d *model) writeExample(out *bytes.Buffer, given schema, depth int) error {
	s, err := d.schema(given)
	if err != nil {
		return err
	}
	switch {
	case depth > maxDepth:
		out.WriteString("null")
		return nil
	case s.Example.Kind != 0:
		return writeJSON(out, &s.Example)
	case s.Items != nil:
		out.WriteByte('[')
		if err := d.writeExample(out, *s.Items, depth+1); err != nil {
			return err
		}
		out.WriteByte(']')
		return nil
	case len(s.Enum) > 0:
		return encode(out, s.Enum[0])
	case s.Type != "object":
		out.WriteString("null")
		return nil
	}
	out.WriteByte('{')
	for i, p := range s.Properties {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := encode(out, p.Key); err != nil {
			return err
		}
		out.WriteByte(':')
		if err := d.writeExample(out, p.Value, depth+1); err != nil {
			return err
		}
	}
	out.WriteByte('}')
	return nil
}

// plain shows a node in one line: a text as it is, anything else as JSON; nothing where there is no node.
func plain(node *yaml.Node) (string, error) {
	switch node.Kind {
	case 0:
		return "", nil
	case yaml.ScalarNode:
		return node.Value, nil
	default:
		var out bytes.Buffer
		err := writeJSON(&out, node)
		return out.String(), err
	}
}

// curl writes a call as a person would type it.
func curl(base, method, path, credential, body string) string {
	var b strings.Builder
	b.WriteString("curl ")
	if method != "GET" {
		b.WriteString("-X " + method + " ")
	}
	b.WriteString(quote(base + path))
	if credential != "" {
		b.WriteString(" \\\n  -H \"" + credential + "\"") // a shell fills in its variable
	}
	if body != "" {
		b.WriteString(" \\\n  -H 'Content-Type: application/json' \\\n  -d " + quote(body))
	}
	return b.String()
}

// quote makes one word of a text for a shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
