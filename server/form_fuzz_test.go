package server

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/post"
	"github.com/switchhook/switchhook/internal/problem"
)

// FuzzForm reads whatever calls itself a form.
func FuzzForm(f *testing.F) {
	part := func(disposition, content string) string {
		return "--b\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + content + "\r\n"
	}
	for _, seed := range []string{
		"", "--b--\r\n", `{"body":"x"}`,
		part(`name="payload"`, `{"body":"x"}`) + part(`name="media_file"; filename="a.png"`, "x") + part(`name="alt"`, "A dot") + "--b--\r\n",
		part(`name="media_file[]"; filename="../a"`, "x") + part(`name="payload"`, `{}`) + "--b--\r\n",
		part(`name="payload"`, `{"a":`) + "--b--\r\n", part(`name=payload; filename*=utf-8''%2e%2e%2fa`, `{}`), part(`name="alt"`, "\xff") + "--b",
		"--b\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\ne30=\r\n--b--\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var names []string
		r := &reading{
			fields: formFields{payload: "payload", alt: "alt"}, body: bytes.NewReader(body), cut: func() error { return nil },
			store: func(_, name string, body io.Reader) (post.File, error) {
				names = append(names, name)
				_, err := io.Copy(io.Discard, body)
				return post.File{FileName: name}, err
			},
		}
		err := r.readAll("b")
		for _, name := range names {
			require.True(t, utf8.ValidString(name) && name != ".." && !bytes.ContainsAny([]byte(name), "/\\\x00\r\n"), "%q", name)
		}
		if err != nil {
			var p *problem.Error
			require.ErrorAs(t, err, &p)
			require.Contains(t, []int{400, 413}, p.Status(), "%v", err)
			return
		}
		require.True(t, json.Valid(r.form.payload) && utf8.Valid(r.form.payload))
		require.LessOrEqual(t, len(r.form.alts), len(r.form.files))
		require.LessOrEqual(t, len(r.form.files), maxFiles)
		require.Len(t, r.form.digests, len(r.form.files))
	})
}
