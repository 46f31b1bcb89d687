// Command openapi derives from openapi.yaml what other importers ask for: OpenAPI 3.1, and Swagger 2.0 with Microsoft's extensions
// for a custom connector of Power Automate. Run it in the repository's root after each change of openapi.yaml; a test fails while the
// files of integrations/openapi/dist are not what it makes.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/switchhook/switchhook/internal/openapi"
)

const (
	source = "openapi.yaml"
	target = "integrations/openapi/dist"
)

func main() {
	if err := run(); err != nil {
		slog.Error("openapi.not_derived", "error", err)
		os.Exit(1)
	}
}

func run() error {
	document, err := os.ReadFile(source)
	if err != nil {
		return fmt.Errorf("read %s; run this in the repository's root: %w", source, err)
	}
	files, err := derive(document)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(target, 0o750); err != nil {
		return fmt.Errorf("make %s: %w", target, err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(target, name), content, 0o600); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

// derive returns the derived files by their names in dist.
func derive(document []byte) (map[string][]byte, error) {
	newer, err := parse(document)
	if err != nil {
		return nil, err
	}
	toOpenAPI31(newer)
	openAPI31, err := writeYAML(newer)
	if err != nil {
		return nil, err
	}
	older, err := parse(document)
	if err != nil {
		return nil, err
	}
	swagger, err := newSwagger(older)
	if err != nil {
		return nil, err
	}
	swagger20, err := writeJSON(swagger)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"openapi-3.1.yaml": openAPI31, "power-automate.swagger.json": swagger20}, nil
}

// parse reads a document as nodes, which keep the order of members.
func parse(document []byte) (*yaml.Node, error) {
	var file yaml.Node
	if err := yaml.Unmarshal(document, &file); err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	if len(file.Content) != 1 || file.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("read document: it is not a mapping")
	}
	return file.Content[0], nil
}

const header = "# Made from openapi.yaml by `go run ./integrations/openapi`. Change that file, not this one.\n"

func writeYAML(root *yaml.Node) ([]byte, error) {
	out := bytes.NewBufferString(header)
	encoder := yaml.NewEncoder(out)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	return out.Bytes(), nil
}

func writeJSON(root *yaml.Node) ([]byte, error) {
	text, err := yaml.Marshal(root)
	if err != nil {
		return nil, fmt.Errorf("write document: %w", err)
	}
	compact, err := openapi.JSON(text)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, compact, "", " "); err != nil {
		return nil, fmt.Errorf("indent JSON: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
