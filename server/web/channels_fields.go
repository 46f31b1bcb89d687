package web

import (
	"strings"
)

// fieldOption is a setting as a kind of channel describes it.
type fieldOption struct {
	Key         string   `json:"key"`
	Label       string   `json:"label"`
	Help        string   `json:"help"`
	Placeholder string   `json:"placeholder"`
	Type        string   `json:"type"`
	Required    bool     `json:"required"`
	Secret      bool     `json:"secret"`
	Pattern     string   `json:"pattern"`
	Options     []string `json:"options"`
	Default     string   `json:"default"`
}

// channelField is a setting as a form draws it.
type channelField struct {
	Name, Label, Hint, Type, Placeholder, Pattern, Value string
	Remove                                               string // the check box that removes a secret which may be missing; empty: none
	Required, Kept                                       bool   // Kept: it has a value whatever one does, so that it is not called optional
	Options                                              []option
}

// drawFields makes a form's fields of a kind's description. prefix stands before their names; stored are the settings that there are, nil for a
// new channel. Secrets are never filled in: an empty one stays as it is.
func (w *Web) drawFields(fields []fieldOption, prefix string, stored map[string]string) []channelField {
	drawn := make([]channelField, len(fields))
	for i, field := range fields {
		types := map[string]string{"phone": "tel", "url": "url"}
		d := channelField{
			Name: prefix + field.Key, Label: field.Label, Hint: field.Help, Type: types[field.Type], Placeholder: field.Placeholder,
			Pattern: browserPattern(field.Pattern), Required: field.Required, Options: w.drawOptions(field),
			Kept: field.Default != "" && len(field.Options) > 0,
		}
		if stored == nil {
			d.Value = field.Default
		}
		if field.Secret {
			d.Type, d.Value = "password", ""
			if stored[field.Key] != "" {
				d.Placeholder, d.Required, d.Kept = w.text("channels.form.kept"), false, field.Required
				if !field.Required {
					d.Remove = "remove." + field.Key
				}
				d.Hint = strings.TrimSpace(d.Hint + " " + w.text("channels.form.keptHint"))
			}
		}
		drawn[i] = d
	}
	return drawn
}

func (w *Web) drawOptions(field fieldOption) []option {
	if len(field.Options) == 0 {
		return nil
	}
	options := []option{}
	if !field.Required && field.Default == "" {
		options = append(options, option{Label: "–"})
	}
	for _, value := range field.Options {
		label := value
		switch value {
		case "true":
			label = w.text("channels.form.yes")
		case "false":
			label = w.text("channels.form.no")
		}
		options = append(options, option{Value: value, Label: label})
	}
	return options
}

// browserPattern writes a regular expression of Go as browsers take it in "pattern": they read it with the flag v, by which more characters within
// a class need a backslash (https://html.spec.whatwg.org/multipage/input.html#the-pattern-attribute).
func browserPattern(pattern string) string {
	var out strings.Builder
	inside := false
	runes := []rune(pattern)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		switch {
		case r == '\\' && i+1 < len(runes):
			out.WriteRune(r)
			i++
			r = runes[i]
		case r == '[' && !inside:
			inside = true
		case r == ']' && inside:
			inside = false
		case inside && strings.ContainsRune("(){}/|", r):
			out.WriteRune('\\')
		case inside && r == '-' && (runes[i-1] == '[' || (i+1 < len(runes) && runes[i+1] == ']')):
			out.WriteRune('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// configOf reads the settings of a form that was sent. Of a channel that there is, an empty secret stays, unless its removal was asked for.
func (p *page) configOf(fields []fieldOption, stored map[string]string) map[string]string {
	config := map[string]string{}
	for _, field := range fields {
		name := "config." + field.Key
		value := p.text(name)
		switch {
		case field.Secret && value == "" && stored[field.Key] != "" && p.form.Get("remove."+field.Key) == "":
		case value == "" && stored == nil:
		default:
			config[field.Key] = value
		}
	}
	return config
}

// fieldNames are the names under which faults of settings stand beside their fields.
func fieldNames(fields []fieldOption) []string {
	names := []string{"name"}
	for _, field := range fields {
		names = append(names, "config."+field.Key)
	}
	return names
}

// withoutSecrets takes the secrets out of a form that is shown again, and says beside each that it has to be typed once more.
func (w *Web) withoutSecrets(f *form, fields []fieldOption) *form {
	for _, field := range fields {
		name := "config." + field.Key
		if !field.Secret || f.Values.Get(name) == "" {
			continue
		}
		f.Values.Del(name)
		if f.Faults[name] == "" {
			f.Faults[name] = w.text("channels.form.retype")
		}
	}
	return f
}
