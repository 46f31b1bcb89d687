package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// extraField is one of a contact's extra fields. Raw is its value as JSON, Text as people read it.
type extraField struct {
	Name string
	Raw  json.RawMessage
	Text string
}

// readExtra reads extra fields in their order.
func readExtra(text string) ([]extraField, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("extra fields are no object")
	}
	fields := []extraField{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("read extra field: %w", err)
		}
		field := extraField{Name: fmt.Sprint(name)}
		if err := decoder.Decode(&field.Raw); err != nil {
			return nil, fmt.Errorf("read extra field: %w", err)
		}
		if json.Unmarshal(field.Raw, &field.Text) != nil || bytes.Equal(field.Raw, []byte("null")) {
			field.Text = string(field.Raw)
		}
		fields = append(fields, field)
	}
	if _, err := decoder.Token(); err != nil { // the end of the object
		return nil, fmt.Errorf("read extra fields: %w", err)
	}
	return fields, nil
}

// writeExtra writes extra fields as an object, in their order. Of two with one name the later one counts.
func writeExtra(fields []extraField) (string, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	first := true
	for i, field := range fields {
		later := func(other extraField) bool { return other.Name == field.Name }
		if slices.ContainsFunc(fields[i+1:], later) {
			continue
		}
		name, err := json.Marshal(field.Name)
		if err != nil {
			return "", fmt.Errorf("write extra field: %w", err)
		}
		if !first {
			out.WriteByte(',')
		}
		first = false
		out.Write(name)
		out.WriteByte(':')
		out.Write(field.Raw)
	}
	out.WriteByte('}')
	return out.String(), nil
}

// extraOf reads the extra fields of a form that was sent. A value that was no text before, such as a number, stays of its kind.
func (p *page) extraOf(before []extraField) (string, error) {
	names, values := p.form["extraName"], p.form["extraValue"]
	fields := []extraField{}
	for i, name := range names {
		if name = strings.TrimSpace(name); name == "" || i >= len(values) {
			continue
		}
		field := extraField{Name: name}
		at := slices.IndexFunc(before, func(f extraField) bool { return f.Name == name })
		if at >= 0 && before[at].Raw[0] != '"' && json.Valid([]byte(values[i])) {
			field.Raw = json.RawMessage(values[i])
		} else {
			raw, err := json.Marshal(values[i])
			if err != nil {
				return "", fmt.Errorf("write extra field: %w", err)
			}
			field.Raw = raw
		}
		fields = append(fields, field)
	}
	return writeExtra(fields)
}

// moreExtra is how many empty rows a form has for further fields.
const moreExtra = 2

// contactForm is what the form of a contact shows.
type contactForm struct {
	Contact *contactInfo // nil: a new one
	Form    *form
	Extra   []extraField
	Post    string
	Back    string
	Other   *contactInfo // the one that has the number already
}

// extraRows are the rows of extra fields: those that were typed, or those that are there, and some empty ones.
func extraRows(f *form, now []extraField) []extraField {
	rows := slices.Clone(now)
	if f != nil && f.Values.Has("extraName") {
		rows = nil
		for i, name := range f.Values["extraName"] {
			if values := f.Values["extraValue"]; i < len(values) && name+values[i] != "" {
				rows = append(rows, extraField{Name: name, Text: values[i]})
			}
		}
	}
	return append(rows, make([]extraField, moreExtra)...)
}

func (w *Web) newContact(p *page) error {
	known := filled(map[string]string{"name": p.Query("name"), "phone_number": p.Query("phone")})
	return w.showContactForm(p, http.StatusOK, nil, known)
}

func (w *Web) showContactForm(p *page, status int, c *contactInfo, f *form) error {
	data := &contactForm{Contact: c, Form: f, Post: "/app/contacts/new", Back: "/app/contacts"}
	title := w.text("contacts.new")
	var now []extraField
	if c != nil {
		now = c.Extra()
		data.Back, data.Post, title = c.Path(), c.Path()+"/edit", w.text("contacts.editing", visible(c.Called()))
	}
	data.Extra = extraRows(f, now)
	if status == http.StatusConflict {
		var found list[contactInfo]
		if err := p.read(&found, "/v1/contacts", url.Values{"phone_number": {p.text("phone_number")}}); err != nil {
			return err
		}
		if len(found.Data) > 0 {
			data.Other = &found.Data[0]
			f.Faults["phone_number"] = p.web.text("contacts.exists")
		}
		status = http.StatusUnprocessableEntity
	}
	return p.render(status, "contacts/form", title, data)
}

// contactBody is what the form sends to the API.
func (p *page) contactBody(before []extraField) (map[string]any, error) {
	extra, err := p.extraOf(before)
	body := map[string]any{
		"name": p.text("name"), "phone_number": p.text("phone_number"), "phone_number_cc": p.text("phone_number_cc"), "extra_fields": extra, "is_blocked": 0,
	}
	if p.form.Get("is_blocked") == "yes" {
		body["is_blocked"] = 1
	}
	return body, err
}

// contactWrong puts the API's sentences beside the form's fields.
func (p *page) contactWrong(err error) *form {
	return p.wrong(err, "name", "phone_number", "phone_number_cc", "extra_fields=extraName", "is_blocked")
}

// refusal is the status that tells what kind of refusal it was: a number that is there already, or anything else.
func (p *page) refusal(err error) int {
	if p.web.problem(err).Status == http.StatusConflict {
		return http.StatusConflict
	}
	return http.StatusUnprocessableEntity
}

func (w *Web) makeContact(p *page) error {
	body, err := p.contactBody(nil)
	if err != nil {
		return err
	}
	var made contactInfo
	if err := p.send("POST", "/v1/contacts", body, &made); err != nil {
		return w.showContactForm(p, p.refusal(err), nil, p.contactWrong(err))
	}
	return p.redirect(made.Path(), w.text("contacts.made"))
}

func (w *Web) editContact(p *page) error {
	c := &contactInfo{}
	if err := p.read(c, contactPath(p), nil); err != nil {
		return err
	}
	f := &form{Values: url.Values{"name": {c.Name}, "phone_number": {c.Phone}, "phone_number_cc": {c.CountryCode}}}
	if c.Blocked() {
		f.Values.Set("is_blocked", "yes")
	}
	return w.showContactForm(p, http.StatusOK, c, f)
}

func (w *Web) changeContact(p *page) error {
	c := &contactInfo{}
	if err := p.read(c, contactPath(p), nil); err != nil {
		return err
	}
	body, err := p.contactBody(c.Extra())
	if err != nil {
		return err
	}
	if err := p.send("PATCH", contactPath(p), body, nil); err != nil {
		return w.showContactForm(p, p.refusal(err), c, p.contactWrong(err))
	}
	return p.redirect(c.Path(), w.text("contacts.changed"))
}
