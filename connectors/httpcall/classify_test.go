package httpcall_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

func noon() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

func TestRetryAfterReadsSecondsAndDatesAndIgnoresRubbish(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"7":                             7 * time.Second,
		" 7 ":                           7 * time.Second,
		"-5":                            0,
		"1.5":                           0,
		"soon":                          0,
		"+3":                            0,
		"0x10":                          0,
		"86400":                         24 * time.Hour,
		"1000000000":                    24 * time.Hour,
		strings.Repeat("9", 400):        24 * time.Hour,
		"Sat, 21 Nov 2026 12:00:30 GMT": 30 * time.Second,
		"Sat, 21 Nov 2026 11:00:00 GMT": 0,
		"Sat, 21 Nov 2099 11:00:00 GMT": 24 * time.Hour,
	} {
		require.Equal(t, want, httpcall.RetryAfter(header, noon()), header)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "1", "-1", "1e9", "99999999999999999999", "Sat, 21 Nov 2026 12:00:30 GMT", "Saturday, 21-Nov-26 12:00:30 GMT", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		wait := httpcall.RetryAfter(header, noon())
		require.GreaterOrEqual(t, wait, time.Duration(0))
		require.LessOrEqual(t, wait, httpcall.MaxRetryAfter)
	})
}

func TestStatusesMapToTheVocabulary(t *testing.T) {
	t.Parallel()
	own := &connectors.ProviderError{Code: 7, Message: "no"}
	tests := map[string]struct {
		status  int
		refusal *connectors.ProviderError
		want    connectors.Kind
	}{
		"400 is refused":                                {400, own, connectors.KindRejected},
		"401 needs new credentials":                     {401, nil, connectors.KindUnlinked},
		"403 is refused":                                {403, nil, connectors.KindRejected},
		"404 is refused":                                {404, own, connectors.KindRejected},
		"408 by the network itself may be repeated":     {408, own, connectors.KindRetryable},
		"408 by something in between is not known":      {408, nil, connectors.KindUnconfirmed},
		"429 waits":                                     {429, nil, connectors.KindRateLimited},
		"500 by the network itself may be repeated":     {500, own, connectors.KindRetryable},
		"502 by a gateway is not known":                 {502, nil, connectors.KindUnconfirmed},
		"a redirect is not known":                       {303, nil, connectors.KindUnconfirmed},
		"a success that the caller does not understand": {200, nil, connectors.KindUnconfirmed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed := httpcall.Response{Status: test.status, Header: http.Header{"Retry-After": {"9"}}}.Classify(noon(), test.refusal)
			require.Equal(t, test.want, failed.Kind)
			require.Same(t, test.refusal, failed.Provider)
			require.Error(t, failed.Err)
			if test.want == connectors.KindRateLimited {
				require.Equal(t, 9*time.Second, failed.After)
			}
		})
	}
}
