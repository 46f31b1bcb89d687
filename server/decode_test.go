package server

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/problem"
)

type decoded struct {
	Text    string            `json:"text"`
	MaybeTo *string           `json:"maybe_to"`
	Number  int64             `json:"number"`
	Flag    *bool             `json:"flag"`
	At      *time.Time        `json:"at"`
	Names   []string          `json:"names"`
	Files   []decodedFile     `json:"files"`
	Map     map[string]string `json:"map"`
	File    *decodedFile      `json:"file"`
	Raw     json.RawMessage   `json:"raw"`
}

type decodedFile struct {
	URL  string `json:"url"`
	Size int    `json:"size"`
}

func TestAnObjectIsReadAsItStands(t *testing.T) {
	t.Parallel()
	var got decoded
	require.NoError(t, decodeObject([]byte(` {"text":"ä\u0001\ud83d\ude00\\u0000","maybe_to":"x","number":9007199254740993,"flag":false,"at":"2026-06-29T14:21:07Z",
		"names":["a","b"],"files":[{"url":"u","size":2},{}],"map":{"A":"1","a":"2"},"file":{"url":null},"raw":[1e999,null]} `), &got))
	to, flag, at := "x", false, time.Date(2026, 6, 29, 14, 21, 7, 0, time.UTC)
	require.Equal(t, decoded{
		Text: "ä\x01😀\\u0000", MaybeTo: &to, Number: 9007199254740993, Flag: &flag, At: &at, Names: []string{"a", "b"},
		Files: []decodedFile{{"u", 2}, {}}, Map: map[string]string{"A": "1", "a": "2"}, File: &decodedFile{}, Raw: json.RawMessage(`[1e999,null]`),
	}, got)
	var empty decoded
	require.NoError(t, decodeObject([]byte(`{"text":null,"names":null,"at":null,"file":null,"raw":null}`), &empty))
	require.Equal(t, decoded{}, empty)
}

func TestWrongFieldsAreNamedAllAtOnce(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]map[string]string{
		`{"txet":"x"}`:                   {"txet": problem.UnknownField},
		`{"Text":"x"}`:                   {"Text": problem.UnknownField},
		`{"":1}`:                         {"": problem.UnknownField},
		`{"text":1}`:                     {"text": problem.InvalidField},
		`{"text":["x"]}`:                 {"text": problem.InvalidField},
		`{"number":"1"}`:                 {"number": problem.InvalidField},
		`{"number":1.5}`:                 {"number": problem.InvalidField},
		`{"number":1e999}`:               {"number": problem.InvalidField},
		`{"number":9223372036854775808}`: {"number": problem.InvalidField},
		`{"flag":"yes"}`:                 {"flag": problem.InvalidField},
		`{"at":"yesterday"}`:             {"at": problem.InvalidField},
		`{"names":"a"}`:                  {"names": problem.InvalidField},
		`{"names":["a",1,null]}`:         {"names[1]": problem.InvalidField, "names[2]": problem.InvalidField},
		`{"files":[{"url":1},{"uri":"x"},{"URL":"x"}]}`: {"files[0].url": problem.InvalidField, "files[1].uri": problem.UnknownField, "files[2].URL": problem.UnknownField},
		`{"map":{"a":1,"b":null}}`:                      {"map.a": problem.InvalidField, "map.b": problem.InvalidField},
		`{"file":[]}`:                                   {"file": problem.InvalidField},
		`{"file":{"size":"2"},"x":1,"text":false}`:      {"file.size": problem.InvalidField, "x": problem.UnknownField, "text": problem.InvalidField},
	} {
		var p *problem.Error
		require.ErrorAs(t, decodeObject([]byte(body), &decoded{}), &p, body)
		got := map[string]string{}
		for _, wrong := range p.Fields {
			got[wrong.Field] = wrong.Code
			require.NotEmpty(t, wrong.Message)
		}
		require.Equal(t, want, got, body)
	}
	var p *problem.Error
	require.ErrorAs(t, decodeObject([]byte(`{"maybeTo":"x"}`), &decoded{}), &p)
	require.Contains(t, p.Message, `Did you mean "maybe_to"?`)
}

func TestWhatIsNoUsableJSONIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	for body, reason := range map[string]string{
		``: "begin", `x`: "begin", `null`: "begin", `[]`: "begin", `"text"`: "begin", "\ufeff{}": "begin",
		`{`: "closed", `{"text":"x"`: "closed", `{"text"}`: "error near byte", `{"text":}`: "error near byte", `{"text":"x",}`: "error near byte", `{'text':1}`: "error near byte",
		`{"text":"` + "\n" + `"}`: "error near byte", `{"text":"` + "\x00" + `"}`: "error near byte", `{"text":"\x"}`: "error near byte",
		`{} {}`: "behind", `{}x`: "behind",
		`{"text":"a","text":"b"}`: "twice", `{"te\u0078t":"a","text":"b"}`: "twice", `{"file":{"url":"a","url":"b"}}`: "twice", `{"map":{"a":"1","a":"2"}}`: "twice",
		"{\"text\":\"\xff\"}": "UTF-8", "{\"text\":\"\xed\xa0\x80\"}": "UTF-8", "\xff\xfe{\x00}\x00": "UTF-8",
		`{"text":"a\u0000"}`: "NUL", `{"map":{"\u0000":"x"}}`: "NUL", `{"raw":{"deep":["\u0000"]}}`: "NUL",
		`{"text":"\ud800"}`: "surrogate", `{"text":"\udc00\ud800"}`: "surrogate", `{"text":"\ud800\u0041"}`: "surrogate", `{"text":"\uD83D x"}`: "surrogate",
		`{"raw":` + strings.Repeat("[", 100_000): "deeper", `{"raw":` + strings.Repeat(`{"a":`, 32) + `1` + strings.Repeat("}", 33): "deeper",
	} {
		var p *problem.Error
		require.ErrorAs(t, decodeObject([]byte(body), &decoded{}), &p, body)
		require.Equal(t, problem.InvalidJSON, p.Code, body)
		require.Contains(t, p.Message, reason, body)
		require.True(t, utf8.ValidString(p.Message))
	}
}

func TestABodyIsTakenAsJSONOnlyWhereItSaysSo(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	g.route(route{"POST", "/echo", public, false, false, func(r *request) (answer, error) {
		var body struct {
			Text string `json:"text"`
		}
		err := r.decode(&body)
		return answer{status: 200, body: body}, err
	}})
	const body = `{"text":"x"}`
	for _, c := range []struct {
		body, header string
		status       int
		code         string
	}{
		{body, "Content-Type: application/json", 200, ""},
		{body, "Content-Type: Application/JSON; charset=UTF-8", 200, ""},
		{body, "Content-Type: application/json;charset=utf8", 200, ""},
		{"", "", 200, ""},
		{"", "Content-Type: text/plain", 200, ""},
		{body, "", 415, problem.UnsupportedMediaType},
		{body, "Content-Type: text/plain", 415, problem.UnsupportedMediaType},
		{body, "Content-Type: application/x-www-form-urlencoded", 415, problem.UnsupportedMediaType},
		{body, "Content-Type: multipart/form-data", 415, problem.UnsupportedMediaType},
		{body, "Content-Type: application/json; charset=utf-16", 415, problem.UnsupportedMediaType},
		{body, "Content-Type: application/json, text/plain", 415, problem.UnsupportedMediaType},
		{body, "Content-Type: application/json\r\nContent-Encoding: gzip", 415, problem.EncodedBody},
		{body, "Content-Type: application/json\r\nContent-Encoding: identity", 200, ""},
		{"[" + strings.Repeat("{},", 1<<19) + "{}]", "Content-Type: application/json", 413, problem.BodyTooLarge},
		{`{"text":"` + strings.Repeat("x", 1<<20) + `"}`, "Content-Type: application/json", 413, problem.BodyTooLarge},
		{`{"text":"` + strings.Repeat("x", 1<<20-11) + `"}`, "Content-Type: application/json", 200, ""},
		{`{` + strings.Repeat(`"a":1,`, 100_000) + `"b":1}`, "Content-Type: application/json", 400, problem.InvalidJSON},
		{`[{"text":"x"}]`, "Content-Type: application/json", 400, problem.InvalidJSON},
	} {
		requireAnswer(t, g.call(t, "POST", "/echo", c.body, c.header), c.status, c.code)
	}
}

func FuzzDecodeObject(f *testing.F) {
	for _, seed := range []string{
		`{"text":"\ud83d\ude00","number":1,"names":["a"],"files":[{"url":"u"}],"map":{"a":"b"},"raw":{"a":[1]}}`, `{"text":"\u0000"}`, `{"a":1,"a":2}`, `[`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got decoded
		err := decodeObject(raw, &got)
		if err == nil {
			require.True(t, json.Valid(raw), "what is taken is JSON")
			require.NotContains(t, got.Text, "\x00")
			return
		}
		var p *problem.Error
		require.ErrorAs(t, err, &p)
		require.Equal(t, 400, p.Status())
	})
}
