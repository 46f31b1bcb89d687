package web

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExtraFieldsKeepTheirOrderAndTheirKinds(t *testing.T) {
	t.Parallel()
	given := `{"z":"text","n":4711,"big":12345678901234567890,"yes":true,"none":null,"in":{"b":1,"a":[2]}}`
	fields, err := readExtra(given)
	require.NoError(t, err)
	require.Len(t, fields, 6)
	require.Equal(t, []string{"text", "4711", "12345678901234567890", "true", "null", `{"b":1,"a":[2]}`},
		[]string{fields[0].Text, fields[1].Text, fields[2].Text, fields[3].Text, fields[4].Text, fields[5].Text})

	form := url.Values{}
	for _, f := range fields {
		form.Add("extraName", f.Name)
		form.Add("extraValue", f.Text)
	}
	p := &page{form: form}
	same, err := p.extraOf(fields)
	require.NoError(t, err)
	require.Equal(t, given, same, "what is not touched stays as it is")

	p.form = url.Values{"extraName": {"n", " new ", "", "yes", "new", "left"}, "extraValue": {"42", "1", "lost", "no longer", "2"}}
	changed, err := p.extraOf(fields)
	require.NoError(t, err)
	require.JSONEq(t, `{"n":42,"yes":"no longer","new":"2"}`, changed)
}

func TestExtraFieldsThatAreNoObjectAreAnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"[]", "1", "{", `{"a"`, `{"a":}`, "nonsense"} {
		_, err := readExtra(text)
		require.Error(t, err, text)
	}
	none, err := readExtra(" ")
	require.NoError(t, err)
	require.Empty(t, none)
}

func FuzzReadExtra(f *testing.F) {
	f.Add(`{"a":1,"a":"b"}`)
	f.Add(`{"\u0000":{}}`)
	f.Fuzz(func(t *testing.T, text string) {
		fields, err := readExtra(text)
		if err != nil {
			return
		}
		out, err := writeExtra(fields)
		require.NoError(t, err)
		require.True(t, json.Valid([]byte(out)), "%q", out)
	})
}
