package server_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const asCSV = "Content-Type: text/csv; charset=utf-8"

// imported sends a list and waits until it is taken over.
func (a *tenant) imported(t *testing.T, list string) reply {
	t.Helper()
	started := a.send(t, 202, "POST", "/v1/contacts/import", list, asCSV)
	require.Equal(t, "queued", started.text(t, "status"))
	var now reply
	eventually(t, "the import is done", func() bool {
		now = a.send(t, 200, "GET", "/v1/contacts/imports/"+started.text(t, "id"), "")
		return now.text(t, "status") == "done"
	})
	return now
}

func (r reply) counts(t *testing.T) string {
	t.Helper()
	return fmt.Sprint(r.field(t, "total"), r.field(t, "done"), r.field(t, "created"), r.field(t, "updated"), r.field(t, "failed"))
}

func TestAListOfContactsIsImportedAndEachWrongLineIsReported(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		a.send(t, 201, "POST", "/v1/contacts", `{"name":"Old","phone_number":"15550000001","extra_fields":{"city":"Bonn","age":7}}`)
		list := "\ufeffName,Phone Number,is_blocked,city,extra_fields\r\n" +
			"\"Emily\n\"\"E\"\" J\",+1 (555) 000-0002,1,Köln,\"{\"\"vip\"\":true}\"\r\n" + // lines 2 and 3
			",15550000001,,Berlin,\r\n" +
			"Nobody,12,2,,[1]\r\n" +
			"\r\n,,,,\r\n" +
			"Short,15550000003\r\n" +
			"Again,15550000001,,,\r\n"
		got := a.imported(t, list)
		require.Equal(t, "5 5 0 2 3", got.counts(t), "%s", got.body)
		reported, err := json.Marshal(got.field(t, "errors"))
		require.NoError(t, err)
		require.JSONEq(t, `[
			{"line":2,"field":"name","code":"invalid_field","message":"name takes at most 200 characters and no control characters."},
			{"line":5,"field":"phone_number","code":"invalid_field","message":"phone_number must be a phone number with its country code, such as +16311112222."},
			{"line":5,"field":"is_blocked","code":"invalid_field","message":"is_blocked must be 0 or 1."},
			{"line":5,"field":"extra_fields","code":"invalid_field","message":"extra_fields must be a JSON object, such as {\"city\": \"Ahmedabad\"}."},
			{"line":8,"field":"","code":"invalid_csv","message":"The line has 2 cells and the first line 5. Check commas and quotes."}
		]`, string(reported))
		again := a.send(t, 200, "GET", "/v1/contacts?phone_number=15550000001", "").field(t, "data").([]any)[0].(map[string]any)
		require.Equal(t, "Again", again["name"])
		require.JSONEq(t, `{"city":"Berlin","age":7}`, again["extra_fields"].(string))
	})
}

func TestWhatIsExportedIsImportedAgainAsItWas(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, b := w.tenant(t, "ann"), w.tenant(t, "bob")
		b.send(t, 201, "POST", "/v1/contacts", `{"name":"Not Ann's","phone_number":"15559999999"}`)
		var list strings.Builder
		out := csv.NewWriter(&list)
		require.NoError(t, out.Write([]string{"phone_number", "name", "note"}))
		for i, name := range []string{`=cmd|' /C calc'!A0`, `''=1`, `''twice`, `O"Neil, Ann`, `<b>&amp;`, "+49", "@sum", "-1", "'plain"} {
			require.NoError(t, out.Write([]string{fmt.Sprintf("1555000%04d", i), "'" + name, `a "b" <c>`}))
		}
		for i := range 700 { // more than a page of the export, and several steps of the import
			require.NoError(t, out.Write([]string{fmt.Sprintf("1666000%04d", i), "P", ""}))
		}
		out.Flush()
		require.Equal(t, "709 709 709 0 0", a.imported(t, list.String()).counts(t))
		first := a.send(t, 200, "GET", "/v1/contacts/export", "")
		require.Equal(t, "text/csv; charset=utf-8", first.header.Get("Content-Type"))
		require.Contains(t, first.header.Get("Content-Disposition"), "attachment")
		rows, err := csv.NewReader(strings.NewReader(string(first.body))).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 710)
		require.Equal(t, "id,name,phone_number,phone_number_cc,is_blocked,created_at,updated_at,extra_fields", strings.Join(rows[0], ","))
		for _, row := range rows[1:] {
			require.NotContains(t, "=+-@", row[1][:1], "a spreadsheet would compute %q", row[1])
		}
		require.NotContains(t, string(first.body), "15559999999")

		require.Equal(t, "1 1 1 0 0", b.imported(t, "phone_number\n15558888888\n").counts(t))
		require.Equal(t, "709 709 0 709 0", a.imported(t, string(first.body)).counts(t))
		again, err := csv.NewReader(strings.NewReader(string(a.send(t, 200, "GET", "/v1/contacts/export", "").body))).ReadAll()
		require.NoError(t, err)
		for i, row := range rows {
			row[6], again[i][6] = "", "" // updated_at
			require.Equal(t, row, again[i])
		}
	})
}

func TestAListThatCannotBeReadIsRefusedWhole(t *testing.T) {
	t.Parallel()
	a := newWorld(t, "sqlite").tenant(t, "ann")
	for _, list := range []string{
		"name\nAnn\n", "phone_number,phone_number\n1,2\n", "phone_number,\n15550000001,x\n", "phone_number,name\n15550000001,\"An\n", "phone_number\n1\xff\n",
		"phone_number\n1\x00\n", "phone_number\n" + strings.Repeat("1\n", 10_001), "phone_number" + strings.Repeat(",x", 100) + "\n", "phone_number," + strings.Repeat("x", 101) + "\n",
	} {
		a.refused(t, 400, "invalid_csv", "POST", "/v1/contacts/import", list, asCSV)
	}
	a.refused(t, 400, "invalid_csv", "POST", "/v1/contacts/import", "", asCSV)
	a.refused(t, 413, "body_too_large", "POST", "/v1/contacts/import", "phone_number\n"+strings.Repeat("1", 1<<20), asCSV)
	for _, kind := range []string{"application/json", "text/csv; charset=latin1", "text/plain"} {
		a.refused(t, 415, "unsupported_media_type", "POST", "/v1/contacts/import", "phone_number\n15550000001\n", "Content-Type: "+kind)
	}
	require.Equal(t, "id,", string(a.send(t, 200, "GET", "/v1/contacts/export", "").body[:3]))
	require.Empty(t, a.send(t, 200, "GET", "/v1/contacts", "").field(t, "data"))
}

func TestAnImportAskedForTwiceUnderOneKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		var ids []string
		for range 2 {
			ids = append(ids, a.send(t, 202, "POST", "/v1/contacts/import", "phone_number;name\n15550000001;Ann\n", asCSV, "Idempotency-Key: once").text(t, "id"))
		}
		require.Equal(t, ids[0], ids[1])
		require.Regexp(t, `^imp_`, ids[0])
		eventually(t, "it is done", func() bool {
			return a.send(t, 200, "GET", "/v1/contacts/imports/"+ids[0], "").counts(t) == "1 1 1 0 0"
		})
	})
}
