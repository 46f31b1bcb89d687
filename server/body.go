package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/problem"
)

// maxDepth bounds how deep JSON may nest. No body of this interface needs more than a handful.
const maxDepth = 32

// decode reads a JSON object into target, a pointer to a struct with json tags. It reports everything that is wrong with
// the fields at once: unknown names, wrong types, the same name twice. An absent body counts as {}.
func (r *request) decode(target any) error {
	raw, err := r.rawJSON()
	if err != nil {
		return err
	}
	return decodeObject(raw, target)
}

// rawJSON returns the body's bytes after the checks that concern it as a whole.
func (r *request) rawJSON() ([]byte, error) {
	raw, err := r.rawBody()
	if err != nil {
		return nil, err
	}
	if len(raw) == 0 {
		return []byte("{}"), nil
	}
	kind, params, err := mime.ParseMediaType(r.Get(fiber.HeaderContentType))
	charset := strings.ToLower(params["charset"])
	if err != nil || kind != fiber.MIMEApplicationJSON || (charset != "" && charset != "utf-8") {
		return nil, problem.New(problem.UnsupportedMediaType, "Send the body as JSON in UTF-8, with the header Content-Type: application/json.")
	}
	return raw, nil
}

// rawBody returns the body as it was sent: nothing unpacks it, since a few kilobytes can unpack to gigabytes.
func (r *request) rawBody() ([]byte, error) {
	if encoding := r.Get(fiber.HeaderContentEncoding); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, problem.New(problem.EncodedBody, "The body is compressed. Send it as it is, without a Content-Encoding header.")
	}
	raw := r.Request().Body()
	if len(raw) > maxBody {
		return nil, problem.New(problem.BodyTooLarge, "The body is larger than 1 MiB. Send media by URL instead.")
	}
	return raw, nil
}

func invalidJSON(reason string) error {
	return problem.New(problem.InvalidJSON, "The body is not usable JSON: "+reason+". Send one JSON object in UTF-8.")
}

// decodeObject is decode for bytes at hand.
func decodeObject(raw []byte, target any) error {
	fields, err := splitObject(raw)
	if err != nil {
		return err
	}
	var wrong []problem.Field
	value := reflect.ValueOf(target).Elem()
	known := map[string]bool{}
	for i := range value.NumField() {
		name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
		known[name] = true
		given, ok := fields[name]
		if !ok || bytes.Equal(given, []byte("null")) {
			continue
		}
		if err := decodeStrictly(given, value.Field(i).Addr().Interface()); err != nil {
			wrong = append(wrong, mistyped(name, value.Field(i).Type(), err))
		}
	}
	var unknown []string
	for name := range fields {
		if !known[name] {
			unknown = append(unknown, name)
		}
	}
	sort.Strings(unknown)
	for _, name := range unknown {
		wrong = append(wrong, problem.Field{Field: name, Code: problem.UnknownField, Message: fmt.Sprintf("There is no field %q here. %s", name, suggest(name, known))})
	}
	return problem.Invalid(wrong...)
}

// decodeStrictly refuses unknown names in nested objects too.
func decodeStrictly(raw []byte, target any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode(target)
}

func suggest(name string, known map[string]bool) string {
	for candidate := range known {
		if candidate != "" && strings.EqualFold(strings.ReplaceAll(candidate, "_", ""), strings.ReplaceAll(name, "_", "")) {
			return fmt.Sprintf("Did you mean %q?", candidate)
		}
	}
	return "Remove it or correct its name."
}

func mistyped(name string, kind reflect.Type, err error) problem.Field {
	expected := "of another type"
	for kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	switch kind.Kind() {
	case reflect.String:
		expected = "a text in quotes"
	case reflect.Bool:
		expected = "true or false"
	case reflect.Int, reflect.Int64:
		expected = "a whole number"
	case reflect.Slice:
		expected = "a list"
	case reflect.Map, reflect.Struct:
		expected = "an object"
	}
	if kind == reflect.TypeFor[time.Time]() {
		expected = "a time such as 2026-06-29T14:21:07Z"
	}
	var typeError *json.UnmarshalTypeError
	if errors.As(err, &typeError) && typeError.Field != "" {
		name += "." + typeError.Field
		expected = "of another type (" + typeError.Type.String() + ")"
	}
	if inner, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return problem.Field{Field: name, Code: problem.UnknownField, Message: fmt.Sprintf("%s has a field %s that does not exist here. Remove it or correct its name.", name, inner)}
	}
	return problem.Field{Field: name, Code: problem.InvalidField, Message: fmt.Sprintf("%s must be %s.", name, expected)}
}

// splitObject reads the members of a JSON object without unpacking them, and refuses what encoding/json would let
// pass silently: invalid UTF-8, a name that stands twice, anything behind the object, deep nesting.
func splitObject(raw []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(raw) {
		return nil, invalidJSON("it is not valid UTF-8")
	}
	if tooDeep(raw) {
		return nil, invalidJSON("it nests deeper than " + strconv.Itoa(maxDepth) + " levels")
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	start, err := decoder.Token()
	if err != nil || start != json.Delim('{') {
		return nil, invalidJSON("it does not begin with an object")
	}
	fields := map[string]json.RawMessage{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, invalidJSON("there is an error near byte " + strconv.FormatInt(decoder.InputOffset(), 10))
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, invalidJSON("there is an error near byte " + strconv.FormatInt(decoder.InputOffset(), 10))
		}
		key, _ := name.(string)
		if _, twice := fields[key]; twice {
			return nil, invalidJSON(fmt.Sprintf("the field %q stands twice", key))
		}
		fields[key] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, invalidJSON("the object is not closed")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, invalidJSON("something stands behind the object")
	}
	return fields, nil
}

// tooDeep counts brackets outside texts. encoding/json would follow ten thousand levels.
func tooDeep(raw []byte) bool {
	depth, inText := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// writeAnswer writes JSON without escaping <, > and &: texts are people's messages, and clients show them.
func writeAnswer(c *fiber.Ctx, a answer) error {
	c.Status(a.status)
	if a.raw != nil {
		c.Set(fiber.HeaderContentType, a.contentType)
		return c.Send(a.raw)
	}
	if a.body == nil {
		return nil
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(a.body); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(bytes.TrimRight(out.Bytes(), "\n"))
}

func retryAfterSeconds(wait time.Duration) string {
	return strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10)
}
