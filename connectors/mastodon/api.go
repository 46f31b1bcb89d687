package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/internal/safehttp"
)

const (
	codeAddress = "invalid_address" // the instance's address leads where no request may go
)

// errUnexpected says that an answer is not one of Mastodon's API, an HTML page for example.
func errUnexpected() error {
	return errors.New(connectors.CodeUnexpected + ": the instance answered something that is not Mastodon's API")
}

// api calls one instance with one token, which goes into the Authorization header alone. It is safe for concurrent use.
type api struct {
	http    *http.Client
	baseURL string // scheme and host
	token   string // may be empty
	now     func() time.Time
}

// do makes one request, whatever the status of its answer. path begins with "/". Errors are those of httpcall.Do.
func (a api) do(ctx context.Context, path string, request httpcall.Request) (httpcall.Response, error) {
	request.URL, request.Bearer = a.baseURL+path, a.token
	response, err := httpcall.Do(ctx, a.http, request)
	if err == nil {
		return response, nil
	}
	var door *safehttp.Error
	if errors.As(err, &door) && slices.Contains([]string{safehttp.CodePrivateAddress, safehttp.CodeHTTPSRequired, safehttp.CodeInvalidURL}, door.Code) {
		failed := connectors.Rejected(codeAddress, "The instance's address leads into a private network, or does not begin with https://. Enter its public address.", fieldInstance)
		failed.Err = err
		return httpcall.Response{}, failed
	}
	return httpcall.Response{}, err
}

// get reads an object into answer. None of its errors is Unconfirmed.
func (a api) get(ctx context.Context, path string, answer any) error {
	response, err := a.do(ctx, path, httpcall.Request{Method: http.MethodGet})
	if err != nil {
		return err
	}
	if response.Status != http.StatusOK {
		return a.failure(response)
	}
	if json.Unmarshal(response.Body, answer) != nil {
		return connectors.Retryable(errUnexpected())
	}
	return nil
}

// refusal returns the instance's own words, or nil where the body is not one of Mastodon's errors.
func (a api) refusal(response httpcall.Response) *connectors.ProviderError {
	var body struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(response.Body, &body) != nil || body.Error == "" {
		return nil
	}
	words := body.Error
	if body.Description != "" {
		words += ": " + body.Description
	}
	return &connectors.ProviderError{Code: response.Status, Message: a.clean(words)}
}

// clean makes a stranger's words fit to be shown: on one line, not long, and without the token even if the stranger repeats it.
func (a api) clean(words string) string {
	return connectors.Clean(words, a.token)
}

// failure gives an answer without success its meaning. The statuses are those of Mastodon's documentation.
func (a api) failure(response httpcall.Response) *connectors.Error {
	own := a.refusal(response)
	counts := own
	if response.Status >= http.StatusInternalServerError && response.Status != http.StatusServiceUnavailable {
		counts = nil // of these only 503 comes surely before anything has happened: 500 may come after a status was stored
	}
	failed := response.Classify(a.now(), counts)
	failed.Provider = own
	switch response.Status {
	case http.StatusForbidden:
		return forbidden(failed)
	case http.StatusUnprocessableEntity, http.StatusBadRequest:
		return become(failed, connectors.Rejected(connectors.CodeInvalidContent, "The instance refuses this post. Its own words say why; correct the post before you publish it again.", ""))
	case http.StatusNotFound, http.StatusGone:
		return become(failed, connectors.Rejected(httpcall.CodeProviderRejected, "The instance does not know what the post refers to, or is not one of Mastodon. Check its address in the channel's settings.", ""))
	case http.StatusTooManyRequests:
		failed.Message = "The instance accepts no more posts from this account for the moment."
		if failed.After == 0 {
			failed.After = a.untilReset(response.Header.Get("X-RateLimit-Reset"))
		}
	}
	return failed
}

// become returns meaning with what is known of failed.
func become(failed, meaning *connectors.Error) *connectors.Error {
	meaning.Provider, meaning.Err = failed.Provider, failed.Err
	return meaning
}

// forbidden tells a missing scope from an account that is locked, by the instance's words; they are English in the API.
func forbidden(failed *connectors.Error) *connectors.Error {
	words := ""
	if failed.Provider != nil {
		words = strings.ToLower(failed.Provider.Message)
	}
	switch {
	case strings.Contains(words, "scope"):
		return become(failed, connectors.Rejected(connectors.CodeScopeMissing, "The access token lacks a permission. Connect the account again, or make a token with the scopes that the guide names.", ""))
	case strings.Contains(words, "disabled"), strings.Contains(words, "suspended"), strings.Contains(words, "awaiting approval"), strings.Contains(words, "confirmed"):
		return become(failed, connectors.Unlinked(connectors.CodeAccountSuspended, "The instance has locked this account, or has not confirmed it yet. Log in there to see why."))
	}
	return failed
}

// untilReset reads when the limit begins anew, which Mastodon tells as an ISO 8601 time; 0 where it does not say.
func (a api) untilReset(reset string) time.Duration {
	at, err := time.Parse(time.RFC3339, reset)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(a.now()), 0), httpcall.MaxRetryAfter)
}
