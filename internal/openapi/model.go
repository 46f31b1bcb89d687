package openapi

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// entry is a member of a mapping, and ordered a mapping that keeps its order.
type entry[T any] struct {
	Key   string
	Value T
}

type ordered[T any] []entry[T]

// UnmarshalYAML reads a mapping.
func (o *ordered[T]) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: not a mapping", node.Line)
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		e := entry[T]{Key: node.Content[i].Value}
		if err := node.Content[i+1].Decode(&e.Value); err != nil {
			return fmt.Errorf("read %s: %w", e.Key, err)
		}
		*o = append(*o, e)
	}
	return nil
}

// model is what the page shows of an OpenAPI 3.0.3 document, in the subset that openapi.yaml keeps to.
type model struct {
	Info struct {
		Title       string `yaml:"title"`
		Version     string `yaml:"version"`
		Description string `yaml:"description"`
	} `yaml:"info"`
	Servers []struct {
		URL       string `yaml:"url"`
		Variables map[string]struct {
			Default string `yaml:"default"`
		} `yaml:"variables"`
	} `yaml:"servers"`
	Security security `yaml:"security"`
	Tags     []struct {
		Name        string `yaml:"name"`
		Description string `yaml:"description"`
	} `yaml:"tags"`
	Paths      ordered[ordered[operation]] `yaml:"paths"`
	Components struct {
		Parameters map[string]parameter `yaml:"parameters"`
		Responses  ordered[response]    `yaml:"responses"`
		Schemas    map[string]schema    `yaml:"schemas"`
	} `yaml:"components"`
}

type security []map[string][]string

type operation struct {
	ID          string               `yaml:"operationId"`
	Tags        []string             `yaml:"tags"`
	Summary     string               `yaml:"summary"`
	Description string               `yaml:"description"`
	Security    *security            `yaml:"security"`
	Parameters  []parameter          `yaml:"parameters"`
	RequestBody *body                `yaml:"requestBody"`
	Responses   ordered[response]    `yaml:"responses"`
	Callbacks   ordered[callbackSet] `yaml:"callbacks"`
}

// callbackSet is one callback: an address in terms of the request, with its operations by method.
type callbackSet = ordered[ordered[operation]]

type parameter struct {
	Ref         string    `yaml:"$ref"`
	Name        string    `yaml:"name"`
	In          string    `yaml:"in"`
	Required    bool      `yaml:"required"`
	Description string    `yaml:"description"`
	Schema      schema    `yaml:"schema"`
	Example     yaml.Node `yaml:"example"`
}

type body struct {
	Required    bool           `yaml:"required"`
	Description string         `yaml:"description"`
	Content     ordered[media] `yaml:"content"`
}

type media struct {
	Schema  schema    `yaml:"schema"`
	Example yaml.Node `yaml:"example"`
}

type response struct {
	Ref         string             `yaml:"$ref"`
	Description string             `yaml:"description"`
	Headers     ordered[yaml.Node] `yaml:"headers"`
	Content     ordered[media]     `yaml:"content"`
}

type schema struct {
	Ref         string          `yaml:"$ref"`
	Type        string          `yaml:"type"`
	Format      string          `yaml:"format"`
	Description string          `yaml:"description"`
	Nullable    bool            `yaml:"nullable"`
	Enum        []string        `yaml:"enum"`
	Required    []string        `yaml:"required"`
	Properties  ordered[schema] `yaml:"properties"`
	Items       *schema         `yaml:"items"`
	Example     yaml.Node       `yaml:"example"`
}

// name returns the last part of a reference.
func name(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// schema returns what a reference leads to, and anything else as it is.
func (d *model) schema(s schema) (schema, error) {
	if s.Ref == "" {
		return s, nil
	}
	if found, ok := d.Components.Schemas[name(s.Ref)]; ok {
		return found, nil
	}
	return s, fmt.Errorf("read openapi: there is no %s", s.Ref)
}

func (d *model) parameter(p parameter) (parameter, error) {
	if p.Ref == "" {
		return p, nil
	}
	if found, ok := d.Components.Parameters[name(p.Ref)]; ok {
		return found, nil
	}
	return p, fmt.Errorf("read openapi: there is no %s", p.Ref)
}

func (d *model) response(r response) (response, error) {
	if r.Ref == "" {
		return r, nil
	}
	for _, found := range d.Components.Responses {
		if found.Key == name(r.Ref) {
			return found.Value, nil
		}
	}
	return r, fmt.Errorf("read openapi: there is no %s", r.Ref)
}

// base is the server's address with its variables filled in.
func (d *model) base() string {
	if len(d.Servers) == 0 {
		return ""
	}
	address := d.Servers[0].URL
	for variable, v := range d.Servers[0].Variables {
		address = strings.ReplaceAll(address, "{"+variable+"}", v.Default)
	}
	return address
}
