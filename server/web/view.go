package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
	"unicode"
)

// functions are what templates can call.
func (w *Web) functions() template.FuncMap {
	return template.FuncMap{
		"t":       w.text,
		"has":     func(key string) bool { return w.texts[key] != "" },
		"asset":   w.assets.address,
		"icon":    w.icon,
		"when":    w.when,
		"at":      parseTime,
		"badge":   w.badge,
		"bytes":   byteSize,
		"span":    w.span,
		"pretty":  prettyJSON,
		"visible": visible,
		"dict":    dict,
		"list":    func(values ...any) []any { return values },
		"path":    w.path,
		"once":    newOnce,
		"join":    strings.Join,
		"add":     func(a, b int) int { return a + b },
		"chosen":  chosen,
		"kebab":   func(text string) string { return strings.NewReplacer(".", "-", "_", "-", " ", "-").Replace(text) },
	}
}

// icon draws one of the symbols of static/icons.svg. It says nothing to a screen reader: words stand beside it.
func (w *Web) icon(name string) (template.HTML, error) {
	address, err := w.assets.address("icons.svg")
	if err != nil {
		return "", err
	}
	//nolint:gosec // the name is a constant of a template, the address our own
	return template.HTML(`<svg class="icon" aria-hidden="true" focusable="false"><use href="` + address + "#" + template.HTMLEscapeString(name) + `"></use></svg>`), nil
}

// when shows a time, given as RFC 3339 or as a time.Time. app.js turns it into the reader's time zone; without it, it is UTC.
func (w *Web) when(value any) (template.HTML, error) {
	at, err := parseTime(value)
	if err != nil || at.IsZero() {
		return "–", err
	}
	exact := at.UTC().Format("2006-01-02T15:04:05.000Z")
	//nolint:gosec // only digits, letters and punctuation of a time
	return template.HTML(`<time datetime="` + exact + `" title="` + at.UTC().Format("2006-01-02 15:04:05 UTC") + `">` + at.UTC().Format("2 Jan 15:04") + `</time>`), nil
}

// parseTime reads a time of the API. Nothing, null and an empty text are the zero time.
func parseTime(value any) (time.Time, error) {
	switch v := value.(type) {
	case nil:
		return time.Time{}, nil
	case time.Time:
		return v, nil
	case *string:
		if v == nil {
			return time.Time{}, nil
		}
		return parseTime(*v)
	case string:
		if v == "" {
			return time.Time{}, nil
		}
		at, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return at, fmt.Errorf("read time: %w", err)
		}
		return at, nil
	}
	return time.Time{}, fmt.Errorf("%T is no time", value)
}

// badge is how a status is shown: colour, symbol and word.
type badge struct{ Variant, Icon, Word string }

// badges are the statuses of everything that has one: the variant of its colour and its symbol. Their words are the texts "status.<status>".
func badges() map[string][2]string {
	good, busy, odd, bad, quiet := "success", "info", "warning", "danger", "secondary"
	return map[string][2]string{
		"connected": {good, "circle-check"}, "active": {good, "circle-check"}, "delivered": {good, "circle-check"}, "published": {good, "circle-check"},
		"read": {good, "check-check"}, "received": {good, "arrow-down-left"}, "sent": {good, "check"}, "enabled": {good, "circle-check"}, "ok": {good, "circle-check"},
		"done": {good, "circle-check"}, "pending": {busy, "clock"}, "queued": {busy, "clock"}, "scheduled": {busy, "calendar-clock"}, "sending": {busy, "loader"},
		"publishing": {busy, "loader"}, "connecting": {busy, "loader"}, "qr": {busy, "qr-code"}, "running": {busy, "loader"}, "held": {odd, "pause"},
		"paused": {odd, "pause"}, "unconfirmed": {odd, "circle-help"}, "partial": {odd, "circle-alert"}, "degraded": {odd, "circle-alert"},
		"disconnected": {odd, "unplug"}, "needs_link": {bad, "unplug"}, "logged_out": {bad, "log-out"}, "failed": {bad, "circle-x"}, "disabled": {bad, "circle-x"},
		"wrong": {bad, "shield-alert"}, "draft": {quiet, "file-pen"}, "new": {quiet, "circle"}, "cancelled": {quiet, "ban"}, "none": {quiet, "circle"},
		"expired": {quiet, "clock"}, "unsubscribed": {bad, "ban"},
	}
}

func (w *Web) badge(status string) badge {
	status = strings.ToLower(status)
	shown, known := badges()[status]
	if !known {
		return badge{"secondary", "circle", strings.ReplaceAll(status, "_", " ")}
	}
	return badge{shown[0], shown[1], w.text("status." + status)}
}

func byteSize(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// prettyJSON indents what is JSON and leaves everything else as it is.
func prettyJSON(value any) string {
	var raw []byte
	switch v := value.(type) {
	case string:
		raw = []byte(v)
	case []byte:
		raw = v
	case json.RawMessage:
		raw = v
	default:
		encoded, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		raw = encoded
	}
	var out bytes.Buffer
	if json.Indent(&out, raw, "", "  ") != nil {
		return visible(string(raw))
	}
	return visible(out.String())
}

// visible makes characters visible that would change how the text around them is read: controls, and those that turn the direction of writing.
func visible(text string) string {
	if !strings.ContainsFunc(text, hides) && !strings.Contains(text, "\uFFFD") {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if hides(r) {
			fmt.Fprintf(&out, "\\u%04x", r)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

func hides(r rune) bool {
	switch {
	case r == '\n' || r == '\t' || r == '\r':
		return false
	case unicode.IsControl(r):
		return true
	}
	return (r >= 0x202A && r <= 0x202E) || (r >= 0x2066 && r <= 0x2069) || r == 0x200E || r == 0x200F || r == 0x061C
}

// dict makes a map of names and values, so that a part can be given several.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("dict needs pairs")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, isText := pairs[i].(string)
		if !isText {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// path makes an address of this server relative, so that a page works under every name that leads to it.
func (w *Web) path(address string) string { return strings.TrimPrefix(address, w.o.BaseURL) }

// option is one choice of a select or of check boxes.
type option struct{ Value, Label, Hint string }

// chosen tells whether a check box is on: as it was sent, or in a form that was not sent yet, as it is now.
func chosen(f *form, name, value string, now []string) bool {
	if f != nil {
		return f.Has(name, value)
	}
	return slices.Contains(now, value)
}
