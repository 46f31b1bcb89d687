package wordpressorg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/internal/safehttp"
)

// Codes of Rejected errors of this package.
const (
	codeAddress = "invalid_address" // the site's address leads where no request may go
	codeNoAPI   = "no_rest_api"     // there is no WordPress at the address, or its REST API is closed
)

// errUnexpected says that an answer is not one of WordPress' REST API, an HTML page for example.
func errUnexpected() error {
	return errors.New(connectors.CodeUnexpected + ": the site answered something that is not WordPress' REST API")
}

// api calls one site as one user, whose password goes into the Authorization header alone. It is safe for concurrent use.
type api struct {
	http     *http.Client
	site     *url.URL // scheme, host and path without a slash at its end
	user     string   // empty: as nobody
	password string
	now      func() time.Time

	mu   sync.Mutex
	root *root // where the REST API is; nil until it was found
}

// do makes one request, whatever the status of its answer. path begins with "/wp/v2/". Errors are those of httpcall.Do, and of discovery.
func (a *api) do(ctx context.Context, path string, query url.Values, request httpcall.Request) (httpcall.Response, error) {
	root, err := a.discover(ctx)
	if err != nil {
		return httpcall.Response{}, err
	}
	request.URL, request.User, request.Password = root.address(path, query), a.user, a.password
	response, err := a.call(ctx, request)
	if err == nil && (response.Status == http.StatusNotFound || response.Status >= 300 && response.Status <= 399) {
		a.forget() // the site may have moved
	}
	return response, err
}

// call makes one request to an address of the site.
func (a *api) call(ctx context.Context, request httpcall.Request) (httpcall.Response, error) {
	response, err := httpcall.Do(ctx, a.http, request)
	if err == nil {
		return response, nil
	}
	var door *safehttp.Error
	if errors.As(err, &door) && slices.Contains([]string{safehttp.CodePrivateAddress, safehttp.CodeHTTPSRequired, safehttp.CodeInvalidURL}, door.Code) {
		failed := connectors.Rejected(codeAddress, "The site's address leads into a private network, or does not begin with https://. Enter its public address.", fieldSite)
		failed.Err = err
		return httpcall.Response{}, failed
	}
	return httpcall.Response{}, err
}

// get reads an object into answer. None of its errors is Unconfirmed.
func (a *api) get(ctx context.Context, path string, query url.Values, answer any) error {
	response, err := a.do(ctx, path, query, httpcall.Request{Method: http.MethodGet})
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

// refusal is an error in WordPress' own form.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Data    struct {
		TermID int64 `json:"term_id"` // with term_exists
	} `json:"data"`
}

// readRefusal returns the site's own words. Code is empty where the body is not one of WordPress' errors.
func readRefusal(body []byte) refusal {
	var told struct {
		refusal
		Data json.RawMessage `json:"data"` // of plugins it may be anything
	}
	if json.Unmarshal(body, &told) != nil {
		return refusal{}
	}
	told.refusal.Data.TermID = 0
	_ = json.Unmarshal(told.Data, &told.refusal.Data) // data of another form says nothing
	return told.refusal
}

// failure gives an answer without success its meaning.
func (a *api) failure(response httpcall.Response) *connectors.Error {
	told := readRefusal(response.Body)
	failed := response.Classify(a.now(), nil) // a 5xx may come after the post was stored, also in WordPress' own words
	failed.Err = fmt.Errorf("the site answered %d", response.Status)
	if told.Code != "" {
		failed.Provider = &connectors.ProviderError{Code: response.Status, Message: connectors.Clean(told.Code+": "+told.Message, a.password)}
		failed.Err = fmt.Errorf("the site answered %d %s", response.Status, failed.Provider.Message)
	}
	if meaning := meaningOf(response.Status, told.Code); meaning != nil {
		meaning.Provider, meaning.Err = failed.Provider, failed.Err
		return meaning
	}
	if failed.Kind == connectors.KindRateLimited {
		failed.Message = "The site accepts no more requests for the moment."
	}
	return failed
}

// meaningOf returns what a status and WordPress' own code mean, or nil where the status says it all.
func meaningOf(status int, code string) *connectors.Error {
	switch {
	case strings.HasPrefix(code, "rest_upload_"), status == http.StatusRequestEntityTooLarge: // WordPress answers 500 to types that it does not take
		return connectors.Rejected(connectors.CodeMediaRejected, "The site refuses the file: its type is not allowed there, or it is larger than the site takes.", "media")
	case status == http.StatusUnauthorized:
		return connectors.Unlinked(connectors.CodeAuthFailed, "The site refuses the user name and the application password. Enter them again. "+
			"If they are right, the site's web server does not pass the Authorization header on to WordPress: the guide says how to change that.")
	case status == http.StatusForbidden && code != "":
		return connectors.Rejected(connectors.CodeScopeMissing, "The user may not do that on this site. Give it the role of an author or an editor, or use another user.", "")
	case status == http.StatusForbidden:
		return connectors.Rejected(httpcall.CodeProviderRejected, "Something in front of the site refuses the request, such as a firewall or a security plugin. Allow this server's requests to the REST API there.", "")
	case status == http.StatusBadRequest:
		return connectors.Rejected(connectors.CodeInvalidContent, "The site refuses this post. Its own words say why; correct the post before you publish it again.", "")
	case status == http.StatusNotFound, status >= 300 && status <= 399:
		return connectors.Rejected(codeNoAPI, "WordPress' REST API is not at this address any more, or a plugin has closed it. Check the site's address and its security plugins.", fieldSite)
	}
	return nil
}
