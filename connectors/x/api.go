package x

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/bearer"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// errUnexpected says that an answer is not one of X's API, an HTML page for example.
func errUnexpected() error {
	return errors.New(connectors.CodeUnexpected + ": X answered something that is not its API")
}

// api calls X with one account's credentials: either tokens or signed is set. It is safe for concurrent use.
type api struct {
	baseURL string
	now     func() time.Time
	tokens  *bearer.Source // OAuth 2.0
	signed  *http.Client   // OAuth 1.0a
	secrets []string       // of the configuration, to be kept out of what is shown
}

// do makes a request, whatever the status of its answer. path begins with "/". A request that X refuses with 401 may be made again with a renewed token,
// so that body makes a new one each time.
func (a api) do(ctx context.Context, path string, body func() (httpcall.Request, error)) (httpcall.Response, error) {
	build := func() (httpcall.Request, error) {
		request, err := body()
		request.URL = a.baseURL + path
		return request, err
	}
	if a.tokens != nil {
		return a.tokens.Do(ctx, build)
	}
	request, err := build()
	if err != nil {
		return httpcall.Response{}, err
	}
	return httpcall.Do(ctx, a.signed, request)
}

// prepare renews a token that is about to end.
func (a api) prepare(ctx context.Context) error {
	if a.tokens == nil {
		return nil
	}
	return a.tokens.Prepare(ctx)
}

// get reads an object into answer. None of its errors is Unconfirmed.
func (a api) get(ctx context.Context, path string, answer any) error {
	return a.harmless(ctx, path, answer, func() (httpcall.Request, error) { return httpcall.Request{Method: http.MethodGet}, nil })
}

// post sends JSON that makes nothing public. None of its errors is Unconfirmed. answer may be nil.
func (a api) post(ctx context.Context, path string, body, answer any) error {
	return a.harmless(ctx, path, answer, func() (httpcall.Request, error) {
		return httpcall.Request{Method: http.MethodPost, JSON: body}, nil
	})
}

// harmless makes a request that makes nothing public, so that none of its errors is Unconfirmed.
func (a api) harmless(ctx context.Context, path string, answer any, body func() (httpcall.Request, error)) error {
	response, err := a.do(ctx, path, body)
	if err != nil {
		return connectors.Harmless(err)
	}
	if response.Status < 200 || response.Status > 299 {
		return connectors.Harmless(a.failure(response))
	}
	if r, own := a.refused(response); own != nil && len(r.Errors) > 0 && !hasData(response) {
		failed := connectors.Rejected(httpcall.CodeProviderRejected, "X refuses this. Its own words say why.", "")
		failed.Provider = own
		return failed
	}
	if answer != nil && json.Unmarshal(response.Body, answer) != nil {
		return connectors.Retryable(errUnexpected())
	}
	return nil
}

// hasData tells whether an answer has a result, beside which there may be errors.
func hasData(response httpcall.Response) bool {
	var answer struct {
		Data json.RawMessage `json:"data"`
	}
	return json.Unmarshal(response.Body, &answer) == nil && len(answer.Data) > 0
}

// whoami asks whose credentials these are.
func (a api) whoami(ctx context.Context) (account, error) {
	var answer struct {
		Data account `json:"data"`
	}
	if err := a.get(ctx, "/2/users/me", &answer); err != nil {
		return account{}, err
	}
	if !isID(answer.Data.ID) || usernameOf(answer.Data.Username) == "" {
		return account{}, connectors.Retryable(errUnexpected())
	}
	return answer.Data, nil
}

// isID tells whether a text is one of X's ids, which are digits.
func isID(id string) bool {
	return id != "" && len(id) <= 20 && strings.Trim(id, "0123456789") == ""
}

// clean makes X's words fit to be shown.
func (a api) clean(words string) string {
	secrets := a.secrets
	if a.tokens != nil {
		secrets = append([]string{a.tokens.Token()}, secrets...)
	}
	return connectors.Clean(words, secrets...)
}
