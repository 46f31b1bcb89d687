package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/linkcli"
)

func TestACommandLineThatCannotBeMeantIsRefusedBeforeAnythingIsAsked(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{},
		{"unlink"},
		{"link"},
		{"link", "--name", "x", "--session", "sess_1"},
		{"link", "--name", "x", "more"},
		{"link", "--key", "sk_live_1"},
		{"list", "--phone", "15559876543"},
		{"link", "--name"},
	} {
		require.ErrorIs(t, sessions(t.Context(), args), errUsage, "%v", args)
	}
	require.NoError(t, sessions(t.Context(), []string{"link", "--help"}))
}

func TestTheKeyComesFromAFileOrTheEnvironment(t *testing.T) {
	asked := make(chan string, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Authorization")
		_, _ = io.WriteString(w, `{"data":[],"nextCursor":null}`)
	}))
	t.Cleanup(s.Close)
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte("sk_live_file\n"), 0o600))

	t.Setenv(keySetting, "")
	require.ErrorIs(t, sessions(t.Context(), []string{"list", "--url", s.URL}), errUsage)
	require.ErrorIs(t, sessions(t.Context(), []string{"list", "--url", s.URL, "--key-file", file + "x"}), os.ErrNotExist)
	t.Setenv(keySetting, "sk_live_env")
	require.NoError(t, sessions(t.Context(), []string{"list", "--url", s.URL}))
	require.Equal(t, "Bearer sk_live_env", <-asked)
	require.NoError(t, sessions(t.Context(), []string{"list", "--url", s.URL, "--key-file", file}))
	require.Equal(t, "Bearer sk_live_file", <-asked)
	t.Setenv("BASE_URL", s.URL)
	require.NoError(t, sessions(t.Context(), []string{"list"}))
	require.Equal(t, "Bearer sk_live_env", <-asked)
}

func TestScriptsCanTellFailuresApart(t *testing.T) {
	t.Parallel()
	require.Equal(t, 2, exitCode(fmt.Errorf("%w: x", errUsage)))
	require.Equal(t, 3, exitCode(fmt.Errorf("%w: nobody scanned", linkcli.ErrNotLinked)))
	require.Equal(t, 1, exitCode(errors.New("x")))
}
