package linkedin

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/bearer"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// FuzzARefusalHasAMeaningAndTellsNoSecret gives answers of all kinds their meaning.
func FuzzARefusalHasAMeaningAndTellsNoSecret(f *testing.F) {
	for _, seed := range []string{
		"", "null", "<html>", `{"message":"bad token-9","serviceErrorCode":65601,"status":401}`, `{"code":"DUPLICATE_POST","errorDetails":{"inputErrors":[]}}`,
		`{"code":7,"message":"a DAY limit"}`, `{"message":{}}`, `{"message":"a","errorDetails":"secret-9"}`,
	} {
		f.Add(422, seed)
	}
	now := func() time.Time { return time.Date(2026, 11, 21, 23, 59, 59, 0, time.UTC) }
	f.Fuzz(func(t *testing.T, status int, body string) {
		tokens := bearer.New(bearer.Options{Config: connectors.Config{"accessToken": "token-9"}, HTTP: &http.Client{}, Now: now})
		a := api{now: now, tokens: tokens, secrets: []string{"secret-9"}}
		failed := a.failure(httpcall.Response{Status: status, Body: []byte(body), Header: http.Header{}})
		require.NotEmpty(t, failed.Code)
		require.NotEmpty(t, failed.Message)
		require.GreaterOrEqual(t, failed.After, time.Duration(0))
		require.LessOrEqual(t, failed.After, httpcall.MaxRetryAfter)
		if failed.Provider != nil {
			require.NotContains(t, failed.Provider.Message, "secret-9")
			require.NotContains(t, failed.Provider.Message, "token-9")
		}
		if status >= 400 && status < 500 && status != http.StatusRequestTimeout {
			require.NotEqual(t, connectors.KindUnconfirmed, failed.Kind)
		}
	})
}
