package web

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestATimeOfAFormIsMeantInTheReadersZone(t *testing.T) {
	t.Parallel()
	berlin := zoneOf("Europe/Berlin")
	require.Equal(t, "2026-06-29T12:00:00Z", instant("2026-06-29T14:00", berlin))
	require.Equal(t, "2026-01-29T13:00:05Z", instant("2026-01-29T14:00:05", berlin))
	require.Equal(t, "2026-06-29T14:00:00Z", instant("2026-06-29T14:00:00Z", berlin), "what says its zone keeps it")
	require.Equal(t, "yesterday", instant("yesterday", berlin), "the API says what is wrong with it")
	require.Equal(t, "2026-06-29T14:00", inZone("2026-06-29T12:00:00Z", berlin))
	for _, name := range []string{"", "Local", "../../etc/passwd", "Nowhere/Atlantis"} {
		require.Equal(t, time.UTC, zoneOf(name), name)
	}
}

func TestAnAttemptIsWrittenAsACommandThatAShellReadsBack(t *testing.T) {
	t.Parallel()
	a := &attemptRow{attemptInfo: &attemptInfo{}}
	a.Request.URL = "https://example.com/it's?a=$(rm -rf /)&b=`id`"
	a.Request.Headers = map[string]string{"X-B": "2", "x-a": "it's"}
	a.Request.Body = `{"text":"'; reboot #"}`
	require.Equal(t, `curl -i -X POST 'https://example.com/it'\''s?a=$(rm -rf /)&b=`+"`id`"+`' \
  -H 'x-a: it'\''s' \
  -H 'X-B: 2' \
  --data-raw '{"text":"'\''; reboot #"}'`, curl(a))
}

func TestASummaryIsOneShortLine(t *testing.T) {
	t.Parallel()
	for data, line := range map[string]string{
		`{"from":"155","pushName":"Jane","text":"Hi\n\n there"}`:                           "Jane: Hi there",
		`{"from":"155","type":"image","text":""}`:                                          "155: image",
		`{"status":"failed","error":{"message":"No such number."}}`:                        "failed · No such number.",
		`{"url":"https://example.com/hook","status":"disabled","reason":"It has failed."}`: "https://example.com/hook: disabled · It has failed.",
		`[1]`: "", `null`: "", `{"text":5}`: "",
	} {
		require.Equal(t, line, summary(json.RawMessage(data)), data)
	}
	long := summary(json.RawMessage(`{"text":"` + strings.Repeat("ü", 1<<20) + `"}`))
	require.Len(t, []rune(long), summaryLength+1)
	require.True(t, strings.HasSuffix(long, "ü…"))
}

func TestTheBarsOfADayFitTheirPicture(t *testing.T) {
	t.Parallel()
	hours := &hookHours{Hours: make([]hookHour, 24)}
	hours.Hours[3] = hookHour{Delivered: 1000, Failed: 1, Pending: 2}
	hours.Hours[4] = hookHour{Failed: 7}
	drawn := string(hours.Spark(120, 28))
	require.Equal(t, 22, strings.Count(drawn, `class="none"`))
	require.Equal(t, 2, strings.Count(drawn, `class="bad"`))
	require.NotContains(t, drawn, `y="-`)
	require.Equal(t, 1000, hours.Delivered())
	require.Equal(t, 8, hours.Failed())
	require.Equal(t, 2, hours.Pending())
	require.NotPanics(t, func() { (&hookHours{}).Spark(120, 28) })
}

func TestEveryWayToFailHasAdvice(t *testing.T) {
	t.Parallel()
	known, err := readTexts()
	require.NoError(t, err)
	w := &Web{texts: known}
	for status := 300; status < 600; status++ {
		require.NotEmpty(t, w.advice(status, ""), status)
	}
	for _, code := range []string{"timeout", "dns", "tls", "connection_refused", "connection_failed", "private_address", "https_required", "invalid_url", "invalid_header", "invalid_response", "canceled"} {
		require.NotEmpty(t, w.advice(0, code), code)
	}
	require.Empty(t, w.advice(200, ""))
	require.Empty(t, w.advice(0, "something new"))
}
