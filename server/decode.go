package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/switchhook/switchhook/internal/problem"
)

// maxDepth bounds how deep JSON may nest. No body of this interface needs more than a handful.
const maxDepth = 32

// decodeObject reads a JSON object into target, a pointer to a struct with json tags. Names count exactly, at every level. What is wrong
// with the fields (unknown names, wrong types) is reported all at once; what makes the text itself doubtful (a name that
// stands twice, half a character, NUL, which databases refuse) ends the reading.
func decodeObject(raw []byte, target any) error {
	if reason := doubtful(raw); reason != "" {
		return invalidJSON(reason)
	}
	fields, err := splitObject(raw)
	if err != nil {
		return err
	}
	var d decoding
	if err := d.object("", fields, reflect.ValueOf(target).Elem()); err != nil {
		return err
	}
	return problem.Invalid(d.wrong...)
}

func invalidJSON(reason string) error {
	return problem.New(problem.InvalidJSON, "The body is not usable JSON: "+reason+". Send one JSON object in UTF-8.")
}

// decoding collects what is wrong while values are read. The errors of its methods end it.
type decoding struct{ wrong []problem.Field }

// object fills a struct from the members of an object.
func (d *decoding) object(path string, fields map[string]json.RawMessage, target reflect.Value) error {
	names := make([]string, 0, target.NumField())
	for i := range target.NumField() {
		name, _, _ := strings.Cut(target.Type().Field(i).Tag.Get("json"), ",")
		names = append(names, name)
		given, ok := fields[name]
		if !ok || isNull(given) {
			continue
		}
		if err := d.value(path+name, given, target.Field(i)); err != nil {
			return err
		}
	}
	var unknown []string
	for name := range fields {
		if !slices.Contains(names, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		message := fmt.Sprintf("There is no field %q here. %s", path+name, suggest(name, names))
		d.wrong = append(d.wrong, problem.Field{Field: path + name, Code: problem.UnknownField, Message: message})
	}
	return nil
}

// value fills one value. Kinds that read themselves, such as times, do.
func (d *decoding) value(path string, raw json.RawMessage, target reflect.Value) error {
	_, readsItself := target.Addr().Interface().(json.Unmarshaler)
	switch kind := target.Kind(); {
	case kind == reflect.Pointer:
		target.Set(reflect.New(target.Type().Elem()))
		return d.value(path, raw, target.Elem())
	case !readsItself && kind == reflect.Slice && raw[0] == '[':
		return d.list(path, raw, target)
	case !readsItself && (kind == reflect.Struct || kind == reflect.Map) && raw[0] == '{':
		fields, err := splitObject(raw)
		if err != nil {
			return err
		}
		if kind == reflect.Map {
			return d.members(path, fields, target)
		}
		return d.object(path+".", fields, target)
	}
	if (isNull(raw) && !readsItself) || json.Unmarshal(raw, target.Addr().Interface()) != nil {
		d.wrong = append(d.wrong, mistyped(path, target.Type()))
	}
	return nil
}

func (d *decoding) list(path string, raw json.RawMessage, target reflect.Value) error {
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		return invalidJSON("the list " + path + " cannot be read")
	}
	target.Set(reflect.MakeSlice(target.Type(), len(elements), len(elements)))
	for i, element := range elements {
		if err := d.value(fmt.Sprintf("%s[%d]", path, i), element, target.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// members fills a map whose keys are texts.
func (d *decoding) members(path string, fields map[string]json.RawMessage, target reflect.Value) error {
	filled := reflect.MakeMapWithSize(target.Type(), len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value := reflect.New(target.Type().Elem()).Elem()
		if err := d.value(path+"."+name, fields[name], value); err != nil {
			return err
		}
		filled.SetMapIndex(reflect.ValueOf(name), value)
	}
	target.Set(filled)
	return nil
}

func isNull(raw []byte) bool { return string(raw) == "null" }

func suggest(name string, known []string) string {
	for _, candidate := range known {
		if strings.EqualFold(strings.ReplaceAll(candidate, "_", ""), strings.ReplaceAll(name, "_", "")) {
			return fmt.Sprintf("Did you mean %q?", candidate)
		}
	}
	return "Remove it or correct its name."
}

func mistyped(path string, kind reflect.Type) problem.Field {
	expected := "of another type"
	switch kind.Kind() {
	case reflect.String:
		expected = "a text in quotes"
	case reflect.Bool:
		expected = "true or false"
	case reflect.Int, reflect.Int64:
		expected = "a whole number"
	case reflect.Float64:
		expected = "a number"
	case reflect.Slice:
		expected = "a list"
	case reflect.Map, reflect.Struct:
		expected = "an object"
	}
	if kind == reflect.TypeFor[time.Time]() {
		expected = "a time such as 2026-06-29T14:21:07Z"
	}
	return problem.Field{Field: path, Code: problem.InvalidField, Message: fmt.Sprintf("%s must be %s.", path, expected)}
}

// splitObject reads the members of a JSON object without unpacking them. encoding/json would take the last of two members
// with the same name, and whatever stands behind the object.
func splitObject(raw []byte) (map[string]json.RawMessage, error) {
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

// doubtful returns why a text should not be read as JSON although encoding/json would: it follows ten thousand levels, and
// repairs broken characters silently. It is no parser; what is no JSON at all is found later.
func doubtful(raw []byte) string {
	if !utf8.Valid(raw) {
		return "it is not valid UTF-8"
	}
	depth, inText := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inText && c == '\\':
			length, reason := escape(raw[i:])
			if reason != "" {
				return reason
			}
			i += length - 1
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return "it nests deeper than " + strconv.Itoa(maxDepth) + " levels"
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return ""
}

// escape returns the length of the escape that a text begins with, and what is wrong with the character that it stands for.
func escape(text []byte) (length int, reason string) {
	first, ok := escapedUnit(text)
	switch {
	case !ok:
		return 2, ""
	case first == 0:
		return 0, `a text holds the character NUL (\u0000), which cannot be stored`
	case !utf16.IsSurrogate(first):
		return 6, ""
	}
	second, ok := escapedUnit(text[6:])
	if !ok || utf16.DecodeRune(first, second) == utf8.RuneError {
		return 0, `a text holds half of a surrogate pair (\ud800 to \udfff alone)`
	}
	return 12, ""
}

// escapedUnit reads \uXXXX.
func escapedUnit(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(unit), err == nil
}
