package event

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// texts are values and what JSON.stringify makes of them, or of what JSON.parse reads of them.
func texts() []struct {
	value any
	want  string
} {
	return []struct {
		value any
		want  string
	}{
		{"plain", `"plain"`},
		{"<b>&amp;</b> 'q' \"q\" \\ /", `"<b>&amp;</b> 'q' \"q\" \\ /"`},
		{"a\u2028b\u2029c\u202ad", "\"a\u2028b\u2029c\u202ad\""},
		{`\u2028 \\u2028 \n`, `"\\u2028 \\\\u2028 \\n"`},
		{"😀 é 日本 \u00a0\ufeff", "\"😀 é 日本 \u00a0\ufeff\""},
		{"\x00\x01\x1f\x7f\u0080", "\"\\u0000\\u0001\\u001f\x7f\u0080\""},
		{"\b\t\n\v\f\r", `"\b\t\n\u000b\f\r"`},
		{"bad \xff\xfe utf8 \xed\xa0\x80", "\"bad \ufffd\ufffd utf8 \ufffd\ufffd\ufffd\""},
		{"\ufffd", "\"\ufffd\""},
		{map[string]any{"b": 1, "a": []any{true, nil, "<"}}, `{"a":[true,null,"<"],"b":1}`},
		{map[string]any{"k\u2028<": "v"}, "{\"k\u2028<\":\"v\"}"},
		{[]any{1.5, 1e21, 1e-7, 123456789, 0.1}, `[1.5,1e+21,1e-7,123456789,0.1]`},
		{json.RawMessage(`{ "a" : "\u00e9\/\u003c\ud83d\ude00" }`), `{"a":"é/<😀"}`},
		{json.RawMessage(`"\ud83d \ude00 \ud83d\u0041 \ud83d\n"`), `"\ud83d \ude00 \ud83dA \ud83d\n"`},
		{json.RawMessage(`"\u0022\u005c\u002f\u000A\u001F\u0008\u000C\u000d\u0009"`), `"\"\\/\n\u001f\b\f\r\t"`},
		{json.RawMessage(`"\\u0041\\\u0041\\\\u0041"`), `"\\u0041\\A\\\\u0041"`},
		{json.RawMessage(`"\uD83D\uDE00"`), `"😀"`},
		{struct {
			Raw json.RawMessage `json:"raw"`
		}{json.RawMessage(`["\u2028", "\u2029"]`)}, "{\"raw\":[\"\u2028\",\"\u2029\"]}"},
	}
}

func TestMarshalWritesWhatJavaScriptWrites(t *testing.T) {
	t.Parallel()
	for _, c := range texts() {
		raw, err := Marshal(c.value)
		require.NoError(t, err)
		require.Equal(t, c.want, string(raw))
		again, err := Marshal(json.RawMessage(raw))
		require.NoError(t, err)
		require.Equal(t, raw, again, "the body is the event's data in an envelope")
	}
	_, err := Marshal(make(chan int))
	require.Error(t, err)
}

func TestJavaScriptItselfAgreesWithTheTable(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Log("node is not installed; the table above stands for it")
		return
	}
	var in bytes.Buffer
	var want []string
	for _, c := range texts() {
		in.WriteString(c.want + "\n")
		want = append(want, c.want)
	}
	const script = `const lines = require("fs").readFileSync(0, "utf8").split("\n").slice(0, -1);
		process.stdout.write(JSON.stringify(lines.map(l => JSON.stringify(JSON.parse(l)))))`
	command := exec.CommandContext(t.Context(), node, "-e", script)
	command.Stdin = &in
	out, err := command.Output()
	require.NoError(t, err)
	var got []string
	require.NoError(t, json.Unmarshal(out, &got))
	require.Equal(t, want, got)
}

func FuzzMarshal(f *testing.F) {
	for _, seed := range []string{`"\u2028"`, `{"a":"\ud83d\ude00\/"}`, `["\\u0041",1.0,null]`, `"\ud800"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) {
			return
		}
		raw, err := Marshal(json.RawMessage(text))
		require.NoError(t, err)
		var before, after any
		require.NoError(t, json.Unmarshal([]byte(text), &before))
		require.NoError(t, json.Unmarshal(raw, &after))
		require.Equal(t, before, after, "nothing but the spelling changes")
		again, err := Marshal(json.RawMessage(raw))
		require.NoError(t, err)
		require.Equal(t, string(raw), string(again))
	})
}
