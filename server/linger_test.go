package server_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// endless is a body that is longer than anybody reads.
type endless struct{ left int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), e.left)
	e.left -= n
	return int(n), nil
}

func TestClientsReadWhyTheirBodyIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	for name, c := range map[string]struct{ size, said int64 }{
		"9 MiB":                   {9 << 20, 9 << 20},
		"40 MiB":                  {40 << 20, 40 << 20},
		"a gigabyte":              {1 << 30, 1 << 30},
		"40 MiB in chunks":        {40 << 20, -1},
		"a gigabyte in chunks":    {1 << 30, -1},
		"just what is still read": {16 << 20, 16 << 20},
	} {
		for range 5 {
			request, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/v1/auth/login", &endless{c.size})
			require.NoError(t, err)
			request.ContentLength = c.said
			request.Header.Set("Content-Type", "application/json")
			answer, err := w.client.Do(request)
			require.NoError(t, err, name)
			body, err := io.ReadAll(answer.Body)
			require.NoError(t, err, name)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, http.StatusRequestEntityTooLarge, answer.StatusCode, name)
			require.Contains(t, string(body), `"code":"body_too_large"`, name)
		}
	}
	form := &endless{20 << 20} // the world takes 4 MiB
	request, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/v1/messages", io.MultiReader(
		strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"media_file\"; filename=\"a.bin\"\r\n\r\n"), form))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	request.Header.Set("X-Api-Key", w.tenant(t, "ann").key)
	require.Equal(t, http.StatusRequestEntityTooLarge, w.do(t, request).status)
	require.Empty(t, w.files(t))
}

func TestAClientThatSendsAllBeforeItReadsGetsItsAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	for range 5 {
		conn := w.dial(t)
		_, err := fmt.Fprintf(conn, "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", 30<<20)
		require.NoError(t, err)
		_, err = io.Copy(conn, bytes.NewReader(make([]byte, 30<<20)))
		require.NoError(t, err)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusRequestEntityTooLarge, answer.StatusCode)
		require.True(t, answer.Close)
		require.NoError(t, answer.Body.Close())
	}
	require.Equal(t, 200, w.call(t, "GET", "/healthz", "").status)
}

func TestCurlReadsWhyItsBodyIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	large := t.TempDir() + "/large"
	require.NoError(t, writeLarge(large, 40<<20))
	for range 3 {
		status, body := curl(t, "-H", "Content-Type: application/json", "-H", "Expect:", "--data-binary", "@"+large, w.url+"/v1/auth/login")
		require.Equal(t, "413", status, body)
		require.Contains(t, body, "body_too_large")
	}
}

func writeLarge(path string, size int64) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := file.Truncate(size); err != nil {
		return err
	}
	return file.Close()
}
