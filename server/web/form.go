package web

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// form is a form as a template draws it: what was typed, and what is wrong with it.
type form struct {
	Values  url.Values
	Faults  map[string]string // by the field's name
	Message string            // what concerns no field of the form, or all
}

// storable says whether the database takes the texts of a form: no broken UTF-8 and no NUL.
func storable(values url.Values) bool {
	for name, texts := range values {
		for _, text := range append(texts, name) {
			if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
				return false
			}
		}
	}
	return true
}

// Value is what stands in a field.
func (f *form) Value(name string) string {
	if f == nil {
		return ""
	}
	return f.Values.Get(name)
}

// Has tells whether a field has a value among those that were chosen.
func (f *form) Has(name, value string) bool {
	if f == nil {
		return false
	}
	for _, v := range f.Values[name] {
		if v == value {
			return true
		}
	}
	return false
}

// Fault is what is wrong with a field, or empty.
func (f *form) Fault(name string) string {
	if f == nil {
		return ""
	}
	return f.Faults[name]
}

// wrong gives the form that was sent back with what is wrong with it. names are the form's fields: a fault of another one stands above the form.
// A field of the API that the form calls by another name is given as "api=form".
func (p *page) wrong(err error, names ...string) *form {
	shown := p.web.problem(err)
	f := &form{Values: p.form, Faults: map[string]string{}}
	rest := []string{}
next:
	for field, message := range shown.Faults {
		for _, name := range names {
			from, to, renamed := strings.Cut(name, "=")
			if !renamed {
				to = from
			}
			if field == from || strings.HasPrefix(field, from+"[") || strings.HasPrefix(field, from+".") {
				f.Faults[to] = message
				continue next
			}
		}
		rest = append(rest, message)
	}
	if len(f.Faults) == 0 || len(rest) > 0 {
		f.Message = shown.Message
		if len(rest) > 0 {
			f.Message = strings.Join(rest, " ")
		}
	}
	return f
}

// filled is a form with the values that something has now.
func filled(values map[string]string) *form {
	f := &form{Values: url.Values{}}
	for name, value := range values {
		f.Values.Set(name, value)
	}
	return f
}

// text is a field of the form that was sent, without the spaces around it.
func (p *page) text(name string) string { return strings.TrimSpace(p.form.Get(name)) }

// lines are the lines of a field that are not empty.
func (p *page) lines(name string) []string {
	lines := []string{}
	for line := range strings.Lines(p.form.Get(name)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
