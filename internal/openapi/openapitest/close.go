package openapitest

import (
	"encoding/json"
	"fmt"

	"github.com/getkin/kin-openapi/openapi3"
)

// ValidateSchema says what is wrong with a JSON value of one of the document's schemas, such as a delivery's body.
func (c *Checker) ValidateSchema(name string, body []byte) error {
	ref := c.doc.Components.Schemas[name]
	if ref == nil {
		return fmt.Errorf("openapi.yaml has no schema %s", name)
	}
	var value any
	if err := decode(body, &value); err != nil {
		return err
	}
	if err := ref.Value.VisitJSON(value, openapi3.MultiErrors(), openapi3.EnableFormatValidation()); err != nil {
		return fmt.Errorf("validate %s: %w", name, err)
	}
	return nil
}

func decode(body []byte, value *any) error {
	if err := json.Unmarshal(body, value); err != nil {
		return fmt.Errorf("read %q as JSON: %w", body, err)
	}
	return nil
}

// closeSchemas forbids further fields wherever a schema lists fields and says nothing of further ones.
func closeSchemas(doc *openapi3.T) {
	seen := map[*openapi3.Schema]bool{}
	for _, ref := range doc.Components.Schemas {
		closeSchema(ref, seen)
	}
}

func closeSchema(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return
	}
	s := ref.Value
	seen[s] = true
	if further := s.AdditionalProperties; len(s.Properties) > 0 && further.Has == nil && further.Schema == nil {
		no := false
		s.AdditionalProperties = openapi3.AdditionalProperties{Has: &no}
	}
	for _, property := range s.Properties {
		closeSchema(property, seen)
	}
	closeSchema(s.Items, seen)
	closeSchema(s.AdditionalProperties.Schema, seen)
}
