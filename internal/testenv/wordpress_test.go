package testenv_test

import (
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/testenv"
)

func TestAWordPressAnswersUntilItIsStopped(t *testing.T) {
	t.Parallel()
	server, err := testenv.StartWordPress()
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	for _, account := range []testenv.WordPressAccount{server.Admin, server.Author, server.Contributor} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/wp-json/wp/v2/users/me", nil)
		require.NoError(t, err)
		request.SetBasicAuth(account.User, account.Password)
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, account.User)
	}
	_, err = os.Stat(server.Folder)
	require.NoError(t, err)
	server.Stop()
	_, err = os.Stat(server.Folder)
	require.ErrorIs(t, err, os.ErrNotExist)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	if err == nil {
		response.Body.Close()
	}
	require.Error(t, err)
}
