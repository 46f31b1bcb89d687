package x

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// FuzzARefusalHasAMeaningAndTellsNoSecret gives answers of all kinds their meaning.
func FuzzARefusalHasAMeaningAndTellsNoSecret(f *testing.F) {
	for _, seed := range []string{
		"", "null", "<html>", `{"errors":[]}`, `{"title":"a","detail":"b secret-9","errors":[{"code":187,"message":"Duplicate content."}]}`,
		`{"type":"https://api.x.com/2/problems/usage-capped","errors":"none"}`, `{"code":"x","message":{}}`, `{"errors":[{"errors":[{"errors":[]}]}]}`,
	} {
		f.Add(403, seed, "1795248189")
	}
	f.Fuzz(func(t *testing.T, status int, body, reset string) {
		a := api{now: func() time.Time { return time.Unix(1795248000, 0) }, secrets: []string{"secret-9"}}
		failed := a.failure(httpcall.Response{Status: status, Body: []byte(body), Header: http.Header{"X-Rate-Limit-Reset": {reset}}})
		require.NotEmpty(t, failed.Code)
		require.NotEmpty(t, failed.Message)
		require.NotContains(t, failed.Error(), "secret-9")
		require.GreaterOrEqual(t, failed.After, time.Duration(0))
		require.LessOrEqual(t, failed.After, httpcall.MaxRetryAfter)
		if failed.Provider != nil {
			require.NotContains(t, failed.Provider.Message, "secret-9")
		}
		if status >= 400 && status < 500 && status != http.StatusRequestTimeout {
			require.NotEqual(t, connectors.KindUnconfirmed, failed.Kind)
		}
	})
}
