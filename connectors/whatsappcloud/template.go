package whatsappcloud

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/switchhook/switchhook/connectors"
)

// defaultLanguage is that of a template for which none is named.
const defaultLanguage = "en_US"

const maxTemplateName = 512 // characters, by Meta's guide to templates

// The prefixes of variables that do not stand in the template's body.
const (
	headerPrefix = "header."
	buttonPrefix = "button."
)

type outTemplate struct {
	Name       string      `json:"name"`
	Language   language    `json:"language"`
	Components []component `json:"components,omitempty"`
}

type language struct {
	Code string `json:"code"`
}

type component struct {
	Type       string      `json:"type"` // header, body or button
	SubType    string      `json:"sub_type,omitempty"`
	Index      string      `json:"index,omitempty"`
	Parameters []parameter `json:"parameters"`
}

type parameter struct {
	Type     string   `json:"type"` // text, image, video or document
	Name     string   `json:"parameter_name,omitempty"`
	Text     string   `json:"text,omitempty"`
	Image    *outFile `json:"image,omitempty"`
	Video    *outFile `json:"video,omitempty"`
	Document *outFile `json:"document,omitempty"`
}

// templateOf builds a template. Variables "1", "2", … or with names of their own stand in the body, those after "header." in the header
// (header.image, header.video and header.document are links to its file), and "button.0" is the variable part of the first button's link.
func templateOf(template *connectors.Template) (outTemplate, error) {
	if template.Name == "" || len(template.Name) > maxTemplateName || strings.Trim(template.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return outTemplate{}, connectors.Rejected(connectors.CodeInvalidContent, "A template is named as in the WhatsApp Manager: small letters, digits and underscores.", "template.name")
	}
	out := outTemplate{Name: template.Name, Language: language{template.Language}}
	if template.Language == "" {
		out.Language.Code = defaultLanguage
	}
	header, body, buttons := map[string]string{}, map[string]string{}, map[string]string{}
	for key, value := range template.Variables {
		if rest, ok := strings.CutPrefix(key, headerPrefix); ok {
			header[rest] = value
		} else if rest, ok := strings.CutPrefix(key, buttonPrefix); ok {
			buttons[rest] = value
		} else {
			body[key] = value
		}
	}
	if file := headerFile(header); file != nil {
		out.Components = append(out.Components, component{Type: "header", Parameters: []parameter{*file}})
	} else if err := out.addTexts("header", header); err != nil {
		return outTemplate{}, err
	}
	if err := out.addTexts("body", body); err != nil {
		return outTemplate{}, err
	}
	for _, index := range slices.Sorted(maps.Keys(buttons)) {
		if len(index) != 1 || index[0] < '0' || index[0] > '9' {
			return outTemplate{}, wrongVariables("A button is named by its place, from button.0 to button.9.")
		}
		out.Components = append(out.Components, component{
			Type: "button", SubType: "url", Index: index, Parameters: []parameter{{Type: "text", Text: buttons[index]}},
		})
	}
	return out, nil
}

func wrongVariables(message string) error {
	return connectors.Rejected(connectors.CodeInvalidContent, message, "template.variables")
}

// headerFile returns the one file of a header, or nil.
func headerFile(header map[string]string) *parameter {
	if len(header) != 1 {
		return nil
	}
	for kind, link := range header {
		switch file := (&outFile{Link: link}); kind {
		case kindImage:
			return &parameter{Type: kind, Image: file}
		case kindVideo:
			return &parameter{Type: kind, Video: file}
		case kindDocument:
			return &parameter{Type: kind, Document: file}
		}
	}
	return nil
}

// addTexts adds a component of texts: in the order of their numbers where they are numbered, else by their names.
func (t *outTemplate) addTexts(kind string, texts map[string]string) error {
	if len(texts) == 0 {
		return nil
	}
	parameters := make([]parameter, 0, len(texts))
	if _, numbered := texts["1"]; numbered {
		for i := 1; i <= len(texts); i++ {
			text, ok := texts[strconv.Itoa(i)]
			if !ok {
				return wrongVariables("Variables are either all numbered from 1 without a gap, or all have names.")
			}
			parameters = append(parameters, parameter{Type: "text", Text: text})
		}
	} else {
		for _, name := range slices.Sorted(maps.Keys(texts)) {
			if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || name[0] <= '9' {
				return wrongVariables("Variables are either all numbered from 1 without a gap, or all have names of small letters, digits and underscores.")
			}
			parameters = append(parameters, parameter{Type: "text", Name: name, Text: texts[name]})
		}
	}
	t.Components = append(t.Components, component{Type: kind, Parameters: parameters})
	return nil
}
