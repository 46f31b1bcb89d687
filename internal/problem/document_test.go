package problem_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/problem"
)

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write docs/errors.md anew")
	flag.Parse()
	os.Exit(m.Run())
}

const documentHead = `<!-- Generated from internal/problem/catalogue.go: go test ./internal/problem -update -->

# Errors

Every error has the same form, whatever the address:

` + "```json" + `
{
  "code": "invalid_field",
  "message": "2 fields are wrong. Correct each one that \"errors\" names.",
  "field": "url",
  "errors": [
    {"field": "url", "code": "required_field", "message": "url is required: the https address that gets the events."},
    {"field": "format", "code": "invalid_field", "message": "format must be one of: switchhook, whathooks, socialsyncer, sociocs."}
  ],
  "requestId": "req_01kaj5v0x7c1e3g5j7m9p1r3t5"
}
` + "```" + `

` + "`code`" + ` is stable: programs decide by it. ` + "`message`" + ` is a sentence for people that says what to do; its words may change. ` + "`field`" + ` names the field that is
wrong, and ` + "`errors`" + ` all of them, so that one round is enough. ` + "`provider`" + ` holds the network's own words where a network refused. ` + "`requestId`" + ` is the header
` + "`X-Request-Id`" + ` again; name it when you ask the operator for help. New codes may be added: treat one that you do not know by its status.

## What to do

| status | send the request again? |
|---|---|
| 400, 401, 403, 404, 405, 413, 415, 416 | Not as it is: nothing was done, and the same request gets the same answer until something else changes: ` + "`window_expired`" + ` when the person writes again, ` + "`session_not_connected`" + ` and ` + "`channel_not_connected`" + ` when the channel works again. |
| 408 | Yes, at once; a signed request with a new timestamp and signature. |
| 409 | ` + "`idempotency_in_progress`" + `: yes, with the same key, after ` + "`Retry-After`" + `; the first request's answer comes then. ` + "`idempotency_conflict`" + `: with a new key. The others: look at the thing first. |
| 429 | Yes, after ` + "`Retry-After`" + ` (seconds). ` + "`rate_limited`" + ` says it as ` + "`retry_after`" + ` too, and ` + "`X-RateLimit-Reset`" + ` when the limit is whole again. Nothing was sent, so the same ` + "`Idempotency-Key`" + ` may be used. |
| 500 | With the same ` + "`Idempotency-Key`" + `: it acts once, whatever the first one did. Without a key, look first. |
| 502, 503 | Yes, after ` + "`Retry-After`" + ` where there is one, else later. Nothing was sent. |
| 504 | **Do not send a message again blindly.** The network did not answer in time, so the message may have gone out. It is ` + "`unconfirmed`" + ` in ` + "`GET /v1/messages`" + ` until the network tells more, and ` + "`message.status`" + ` says so then. The same ` + "`Idempotency-Key`" + ` gets the same 504. |

POST requests that send or create take an ` + "`Idempotency-Key`" + `: the same key and body act once within 24 hours and get the same answer, so a client that lost an answer may simply ask again.

A message that failed after it was taken has no HTTP status any more: ` + "`message.status`" + ` tells of it, with the network's code in ` + "`error.code`" + ` and ours in ` + "`error.reason`" + `. A receiver's
own answers are another matter: see [webhooks.md](webhooks.md).

## The codes
`

// document writes docs/errors.md.
func document() string {
	var b strings.Builder
	b.WriteString(documentHead)
	status := 0
	for _, entry := range problem.Catalogue() {
		if entry.Status != status {
			status = entry.Status
			fmt.Fprintf(&b, "\n### %d %s\n\n| code | meaning |\n|---|---|\n", status, http.StatusText(status))
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", entry.Code, entry.Meaning)
	}
	return b.String()
}

func TestTheDocumentListsTheCatalogue(t *testing.T) {
	t.Parallel()
	const path = "../../docs/errors.md"
	if flag.Lookup("update").Value.String() == "true" {
		require.NoError(t, os.WriteFile(path, []byte(document()), 0o644))
	}
	stored, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, document(), string(stored), "docs/errors.md has drifted: go test ./internal/problem -update")
}
