package server

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/media"
	"github.com/switchhook/switchhook/internal/problem"
)

const gif = "GIF89a 0123456789"

func TestAPartOfAFileCanBeAskedFor(t *testing.T) {
	t.Parallel()
	g := newChannelGate(t)
	_, url, err := g.Media.Store(t.Context(), media.Upload{AccountID: g.token.Account.ID, FileName: "a.gif", Reader: strings.NewReader(gif)})
	require.NoError(t, err)
	path := strings.TrimPrefix(url, "https://hooks.example.com")
	for asked, want := range map[string]struct{ content, place string }{
		"":                               {gif, ""},
		"bytes=0-5":                      {"GIF89a", "bytes 0-5/17"},
		"bytes=7-7":                      {"0", "bytes 7-7/17"},
		"bytes=7-":                       {"0123456789", "bytes 7-16/17"},
		"bytes=-3":                       {"789", "bytes 14-16/17"},
		"Bytes= 14-99999999999999999999": {"789", "bytes 14-16/17"},
		"bytes=-99":                      {gif, "bytes 0-16/17"},
		"bytes=0-1,3-4":                  {gif, ""},
		"bytes=5-3":                      {gif, ""},
		"bytes=x-3":                      {gif, ""},
		"bytes=-":                        {gif, ""},
		"bytes":                          {gif, ""},
		"lines=1-2":                      {gif, ""},
	} {
		request := httptest.NewRequest(http.MethodGet, path, nil)
		request.Header.Set("Range", asked)
		response, err := g.app.Test(request, -1)
		require.NoError(t, err)
		content, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		status := http.StatusOK
		if want.place != "" {
			status = http.StatusPartialContent
		}
		require.Equal(t, status, response.StatusCode, asked)
		require.Equal(t, want.content, string(content), asked)
		require.EqualValues(t, len(content), response.ContentLength, asked)
		require.Equal(t, want.place, response.Header.Get("Content-Range"), asked)
		require.Equal(t, "bytes", response.Header.Get("Accept-Ranges"))
		require.Equal(t, "image/gif", response.Header.Get("Content-Type"))
		require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
		require.Contains(t, response.Header.Get("Content-Disposition"), "attachment")
	}
	for _, r := range g.routes() {
		if r.path == "/media/:token" {
			g.app.Add(http.MethodHead, r.path, g.serve(&r))
		}
	}
	request := httptest.NewRequest(http.MethodHead, path, nil)
	request.Header.Set("Range", "bytes=0-5")
	response, err := g.app.Test(request, -1)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode, "a range means nothing with HEAD")
	for _, asked := range []string{"bytes=17-", "bytes=99-100", "bytes=-0", "bytes=99999999999999999999-"} {
		response := g.call(t, "GET", path, "", "Range: "+asked)
		requireAnswer(t, response, 416, problem.RangeUnsatisfiable)
		require.Equal(t, "bytes */17", string(response.Header.Peek("Content-Range")))
	}
}

func FuzzARangeLiesInItsFile(f *testing.F) {
	for _, seed := range []string{"bytes=0-5", "bytes=7-", "bytes=-3", "bytes=5-3", "bytes=-0", "bytes=99999999999999999999-", "bytes=1-2,3-4", "=-", ""} {
		f.Add(seed, int64(17))
	}
	f.Fuzz(func(t *testing.T, header string, size int64) {
		size &= math.MaxInt64
		part, asked := parseRange(header, size)
		if !asked {
			require.Zero(t, part)
			return
		}
		require.GreaterOrEqual(t, part.length, int64(0))
		if part.length == 0 {
			return
		}
		require.GreaterOrEqual(t, part.from, int64(0))
		require.LessOrEqual(t, part.length, size-part.from)
		again, _ := parseRange(fmt.Sprintf("bytes=%d-%s", part.from, strconv.FormatInt(part.from+part.length-1, 10)), size)
		require.Equal(t, part, again)
	})
}
