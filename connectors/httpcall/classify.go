package httpcall

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

// CodeProviderRejected is the code of a refusal that has no better one.
const CodeProviderRejected = "provider_rejected"

// MaxRetryAfter bounds how long a network can make us wait: a day, as the Standard Webhooks libraries have it.
const MaxRetryAfter = 24 * time.Hour

// Classify gives the meaning of an answer that is not the success that the caller looks for. refusal is the network's own
// error object as found in the body, or nil where the body is none: a 5xx with it was written by the network, which says that
// it failed; a 5xx without it comes from something in between, behind which the request may have succeeded.
func (r Response) Classify(now time.Time, refusal *connectors.ProviderError) *connectors.Error {
	failed := r.kind(now, refusal != nil)
	failed.Provider = refusal
	if failed.Err == nil {
		failed.Err = fmt.Errorf("the network answered %d", r.Status)
	}
	return failed
}

func (r Response) kind(now time.Time, owned bool) *connectors.Error {
	switch {
	case r.Status == http.StatusUnauthorized:
		return connectors.Unlinked(connectors.CodeAuthFailed, "The network refuses this channel's credentials. Enter them again in the channel's settings.")
	case r.Status == http.StatusTooManyRequests:
		return connectors.RateLimited(RetryAfter(r.Header.Get("Retry-After"), now))
	case r.Status == http.StatusRequestTimeout || r.Status >= 500:
		if owned || r.safe {
			return connectors.Retryable(nil)
		}
		return connectors.Unconfirmed(nil)
	case r.Status >= 400:
		return connectors.Rejected(CodeProviderRejected, "The network refuses this message. Its own words say why; correct the message before you send it again.", "")
	case r.safe:
		return connectors.Retryable(nil)
	}
	return connectors.Unconfirmed(nil)
}

// RetryAfter reads a Retry-After header, seconds or an HTTP date, as the time to wait from now: between 0 and MaxRetryAfter.
// Where it is missing, in the past or rubbish it is 0, which means that the network does not say.
func RetryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0
	}
	if strings.Trim(header, "0123456789") == "" {
		seconds, err := strconv.ParseInt(header, 10, 64)
		if err != nil || seconds > int64(MaxRetryAfter/time.Second) {
			return MaxRetryAfter // only digits, so the number is too large
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), MaxRetryAfter)
}
