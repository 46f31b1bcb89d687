package wordpresscom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/bearer"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

const version = "/rest/v1.1"

// errUnexpected says that an answer is not one of WordPress.com's API, an HTML page for example.
func errUnexpected() error {
	return errors.New(connectors.CodeUnexpected + ": WordPress.com answered something that is not its API")
}

// api calls WordPress.com with a channel's token, which goes into the Authorization header alone.
type api struct {
	baseURL string
	tokens  *bearer.Source
	now     func() time.Time
	secrets []string // beside the present access token
}

// do makes one request, whatever the status of its answer, see bearer.Source.Do. Errors are those of that.
func (a api) do(ctx context.Context, path string, build func() (httpcall.Request, error)) (httpcall.Response, error) {
	return a.tokens.Do(ctx, func() (httpcall.Request, error) {
		request, err := build()
		request.URL = a.baseURL + version + path
		return request, err
	})
}

// clean makes WordPress.com's words fit to be shown.
func (a api) clean(words string) string {
	return connectors.Clean(words, append([]string{a.tokens.Token()}, a.secrets...)...)
}

// get reads an object into answer. None of its errors is Unconfirmed.
func (a api) get(ctx context.Context, path string, answer any) error {
	response, err := a.do(ctx, path, func() (httpcall.Request, error) { return httpcall.Request{Method: http.MethodGet}, nil })
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

// readRefusal returns WordPress.com's own words: v1 calls the code "error", wp/v2 calls it "code". Code is empty where the body is neither.
func readRefusal(response httpcall.Response) (code, message string) {
	var told struct {
		Error   string `json:"error"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(response.Body, &told) != nil {
		return "", ""
	}
	if told.Error == "" {
		told.Error = told.Code
	}
	return told.Error, told.Message
}

// refused tells whether an answer says that the token is not, or no longer, one. WordPress.com says that with 400, 401 or 403.
func refused(response httpcall.Response) bool {
	code, _ := readRefusal(response)
	return response.Status == http.StatusUnauthorized || response.Status >= 400 && response.Status <= 499 && slices.Contains([]string{"authorization_required", "invalid_token", "expired_token"}, code)
}

// failure gives an answer without success its meaning.
func (a api) failure(response httpcall.Response) *connectors.Error {
	code, message := readRefusal(response)
	failed := response.Classify(a.now(), nil) // a 5xx may come after the post was stored
	failed.Err = fmt.Errorf("WordPress.com answered %d", response.Status)
	if code != "" {
		failed.Provider = &connectors.ProviderError{Code: response.Status, Message: a.clean(code + ": " + message)}
		failed.Err = fmt.Errorf("WordPress.com answered %d %s", response.Status, failed.Provider.Message)
	}
	meaning := meaningOf(response.Status, code)
	if refused(response) {
		meaning = connectors.Unlinked(connectors.CodeAuthFailed, "WordPress.com refuses the access token. Connect the channel again.")
	}
	if meaning != nil {
		meaning.Provider, meaning.Err = failed.Provider, failed.Err
		return meaning
	}
	return failed
}

// meaningOf returns what a refusal means, or nil where the status says it all.
func meaningOf(status int, code string) *connectors.Error {
	switch {
	case strings.HasPrefix(code, "upload_"), strings.HasPrefix(code, "rest_upload_"), status == http.StatusRequestEntityTooLarge:
		return mediaRejected()
	case code == "unknown_blog":
		return connectors.Rejected("unknown_site", "WordPress.com does not know this site. Check its name in the channel's settings.", fieldSite)
	case status == http.StatusForbidden && code != "":
		return connectors.Rejected(connectors.CodeScopeMissing, "The token or its user may not do that on this site. Connect the channel again with a user that may publish there.", "")
	case status == http.StatusBadRequest:
		return connectors.Rejected(connectors.CodeInvalidContent, "WordPress.com refuses this post. Its own words say why; correct the post before you publish it again.", "")
	}
	return nil
}

func mediaRejected() *connectors.Error {
	return connectors.Rejected(connectors.CodeMediaRejected, "WordPress.com refuses the file: its type, its size or its content. Films need a paid plan.", "media")
}
