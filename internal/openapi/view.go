package openapi

import (
	"fmt"
	"strings"
)

// pageView is what page.html shows.
type pageView struct {
	Title, Version, Base string
	Intro                [][]span
	Tags                 []tagView
	Errors               []answerView
}

type tagView struct {
	Name, Anchor string
	Text         [][]span
	Operations   []operationView
}

type operationView struct {
	ID, Method, Path, Summary string
	Text                      [][]span
	Access                    string // which credentials it takes
	Curl                      string // empty with callbacks, which the server makes itself
	Parameters                []field
	Body                      *bodyView
	Answers                   []answerView
	Errors                    []answerView // those that are the same everywhere: described once, at the end of the page
	Callbacks                 []operationView
}

type bodyView struct {
	Type     string
	Required bool
	Fields   []field
	Example  string
}

type answerView struct {
	Status, Anchor string
	Text           []span
	Headers        []string
	Body           *bodyView
}

// field is one row of a table: a parameter, or a field at whatever depth.
type field struct {
	Name, In, Type string
	Required       bool
	Text           []span
	Values         []string // of an enum
	Example        string
}

func (d *model) view() (*pageView, error) {
	v := &pageView{Title: d.Info.Title, Version: d.Info.Version, Base: d.base(), Intro: paragraphs(d.Info.Description)}
	at := map[string]int{}
	for i, tag := range d.Tags {
		at[tag.Name] = i
		v.Tags = append(v.Tags, tagView{Name: tag.Name, Anchor: anchor(tag.Name), Text: paragraphs(tag.Description)})
	}
	for _, path := range d.Paths {
		for _, method := range path.Value {
			o, err := d.operation(strings.ToUpper(method.Key), path.Key, method.Value)
			if err != nil {
				return nil, fmt.Errorf("show %s %s: %w", method.Key, path.Key, err)
			}
			i, known := at[strings.Join(method.Value.Tags, "")]
			if !known {
				return nil, fmt.Errorf("show %s %s: it needs one tag, from the document's list", method.Key, path.Key)
			}
			v.Tags[i].Operations = append(v.Tags[i].Operations, *o)
		}
	}
	for _, r := range d.Components.Responses {
		a, err := d.answer("", r.Value)
		if err != nil {
			return nil, err
		}
		a.Status, a.Anchor = r.Key, "error-"+anchor(r.Key)
		v.Errors = append(v.Errors, *a)
	}
	return v, nil
}

func anchor(text string) string { return strings.ToLower(strings.ReplaceAll(text, " ", "-")) }

func (d *model) operation(method, path string, o operation) (*operationView, error) {
	v := &operationView{ID: o.ID, Method: method, Path: path, Summary: o.Summary, Text: paragraphs(o.Description)}
	if err := d.addParameters(v, o.Parameters); err != nil {
		return nil, err
	}
	var err error
	if o.RequestBody != nil {
		if v.Body, err = d.body(o.RequestBody.Content); err != nil {
			return nil, err
		}
		v.Body.Required = o.RequestBody.Required
	}
	for _, r := range o.Responses {
		a, err := d.answer(r.Key, r.Value)
		if err != nil {
			return nil, err
		}
		if r.Value.Ref != "" {
			a.Anchor = "error-" + anchor(name(r.Value.Ref))
			v.Errors = append(v.Errors, *a)
			continue
		}
		v.Answers = append(v.Answers, *a)
	}
	credential := ""
	v.Access, credential = d.access(o)
	v.Curl = curl(d.base(), method, d.filled(path, v.Parameters), credential, exampleOf(v.Body))
	return v, d.addCallbacks(v, o)
}

func (d *model) addParameters(v *operationView, parameters []parameter) error {
	for _, given := range parameters {
		p, err := d.parameter(given)
		if err != nil {
			return err
		}
		s, err := d.schema(p.Schema)
		if err != nil {
			return err
		}
		example, err := plain(&p.Example)
		if err != nil {
			return err
		}
		v.Parameters = append(v.Parameters, field{
			Name: p.Name, In: p.In, Type: typeOf(s), Required: p.Required, Text: spans(p.Description), Values: s.Enum, Example: example,
		})
	}
	return nil
}

func (d *model) addCallbacks(v *operationView, o operation) error {
	for _, callback := range o.Callbacks {
		for _, address := range callback.Value {
			for _, method := range address.Value {
				c, err := d.operation(strings.ToUpper(method.Key), "to the webhook's url", method.Value)
				if err != nil {
					return fmt.Errorf("show callback %s: %w", callback.Key, err)
				}
				c.Curl, c.Access = "", ""
				v.Callbacks = append(v.Callbacks, *c)
			}
		}
	}
	return nil
}

func (d *model) answer(status string, given response) (*answerView, error) {
	r, err := d.response(given)
	if err != nil {
		return nil, err
	}
	v := &answerView{Status: status, Text: spans(r.Description)}
	for _, header := range r.Headers {
		v.Headers = append(v.Headers, header.Key)
	}
	if given.Ref != "" || len(r.Content) == 0 {
		return v, nil
	}
	v.Body, err = d.body(r.Content)
	return v, err
}

func (d *model) body(content ordered[media]) (*bodyView, error) {
	if len(content) == 0 {
		return &bodyView{}, nil
	}
	v := &bodyView{Type: content[0].Key}
	s, err := d.schema(content[0].Value.Schema)
	if err != nil {
		return nil, err
	}
	if v.Type != "application/json" {
		return v, nil
	}
	if v.Fields, err = d.fields("", s, 0); err != nil {
		return nil, err
	}
	v.Example, err = d.example(content[0].Value)
	return v, err
}

// fields lists the fields of an object, those of its objects and lists behind them.
func (d *model) fields(prefix string, s schema, depth int) ([]field, error) {
	var rows []field
	if depth > maxDepth {
		return nil, nil
	}
	for _, p := range s.Properties {
		inner, err := d.schema(p.Value)
		if err != nil {
			return nil, err
		}
		row := field{Name: prefix + p.Key, Type: typeOf(inner), Required: contains(s.Required, p.Key), Text: spans(inner.Description), Values: inner.Enum}
		path := row.Name + "."
		if inner.Items != nil {
			path = row.Name + "[]."
			item, err := d.schema(*inner.Items)
			if err != nil {
				return nil, err
			}
			row.Type = "list of " + typeOf(item)
			row.Values, inner = item.Enum, item
		}
		below, err := d.fields(path, inner, depth+1)
		if err != nil {
			return nil, err
		}
		rows = append(append(rows, row), below...)
	}
	return rows, nil
}

func contains(list []string, text string) bool {
	for _, one := range list {
		if one == text {
			return true
		}
	}
	return false
}

func typeOf(s schema) string {
	kind := s.Type
	if s.Format != "" {
		kind += ", " + s.Format
	}
	if s.Nullable {
		kind += " or null"
	}
	return kind
}

func exampleOf(b *bodyView) string {
	if b == nil {
		return ""
	}
	return b.Example
}

// filled puts the parameters' examples into a path.
func (d *model) filled(path string, parameters []field) string {
	for _, p := range parameters {
		if p.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", p.Example)
		}
	}
	return path
}

// access says in words which credentials an operation takes, and gives the header for the curl line.
func (d *model) access(o operation) (words, credential string) {
	schemes := d.Security
	if o.Security != nil {
		schemes = *o.Security
	}
	var names []string
	for _, alternative := range schemes {
		for scheme := range alternative {
			names = append(names, scheme)
		}
	}
	switch {
	case len(names) == 0:
		return "No credential", ""
	case contains(names, "signature"):
		return "API key or signature", "X-Api-Key: $API_KEY"
	case contains(names, "apiKey"):
		return "API key or login token", "X-Api-Key: $API_KEY"
	default:
		return "Bearer token", "Authorization: Bearer $TOKEN"
	}
}
