package tumblr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/bearer"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// Tumblr's own codes, which stand in answers 403.
const (
	codeUploads     = 8004 // the day's limit of uploads
	codeTranscoding = 8010 // a film is still being worked on
	codeVideos      = 8011 // the day's limit of films
	codeQueueFull   = 8022
	codePosts       = 8023 // the day's limit of posts
	codeMedia       = 8005 // a file that Tumblr does not take

	transcodingWait = 5 * time.Minute
)

// errUnexpected says that an answer is not one of Tumblr's API, an HTML page for example.
func errUnexpected() error {
	return errors.New(connectors.CodeUnexpected + ": Tumblr answered something that is not its API")
}

// api calls Tumblr with a channel's token, which goes into the Authorization header alone.
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
		request.URL = a.baseURL + "/v2" + path
		return request, err
	})
}

// get reads what an answer carries under "response". None of its errors is Unconfirmed.
func (a api) get(ctx context.Context, path string, into any) error {
	response, err := a.do(ctx, path, func() (httpcall.Request, error) { return httpcall.Request{Method: http.MethodGet}, nil })
	if err != nil {
		return err
	}
	if response.Status != http.StatusOK {
		return a.failure(response)
	}
	if readResponse(response.Body, into) != nil {
		return connectors.Retryable(errUnexpected())
	}
	return nil
}

func readResponse(body []byte, into any) error {
	var envelope struct {
		Response json.RawMessage `json:"response"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if err := json.Unmarshal(envelope.Response, into); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// blog is one of a user's blogs.
type blog struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

// blogs returns the blogs of the token's account.
func (a api) blogs(ctx context.Context) ([]blog, error) {
	var answer struct {
		User struct {
			Blogs []blog `json:"blogs"`
		} `json:"user"`
	}
	if err := a.get(ctx, "/user/info", &answer); err != nil {
		return nil, err
	}
	if len(answer.User.Blogs) == 0 {
		return nil, connectors.Retryable(errUnexpected())
	}
	return answer.User.Blogs, nil
}

// refusal reads Tumblr's own code and words; words are empty where the body is not one of its answers.
func refusal(response httpcall.Response) (code int, words string) {
	var told struct {
		Meta struct {
			Message string `json:"msg"`
		} `json:"meta"`
		Errors []struct {
			Title  string `json:"title"`
			Code   int    `json:"code"`
			Detail string `json:"detail"`
		} `json:"errors"`
	}
	if json.Unmarshal(response.Body, &told) != nil {
		return 0, ""
	}
	words = told.Meta.Message
	if len(told.Errors) > 0 {
		code = told.Errors[0].Code
		words += ": " + told.Errors[0].Title
		if detail := told.Errors[0].Detail; detail != "" {
			words += ": " + detail
		}
		if code != 0 {
			words += " (" + strconv.Itoa(code) + ")"
		}
	}
	return code, words
}

// failure gives an answer without success its meaning.
func (a api) failure(response httpcall.Response) *connectors.Error {
	code, words := refusal(response)
	failed := response.Classify(a.now(), nil) // a 5xx may come after the post was stored
	failed.Err = fmt.Errorf("the network answered %d", response.Status)
	if words != "" {
		failed.Provider = &connectors.ProviderError{Code: response.Status, Message: a.clean(words)}
	}
	if meaning := a.meaningOf(response.Status, code); meaning != nil {
		meaning.Provider, meaning.Err = failed.Provider, failed.Err
		return meaning
	}
	if failed.Kind == connectors.KindRateLimited {
		failed.Message = "Tumblr accepts no more requests for the moment."
	}
	return failed
}

// meaningOf returns what a refusal means, or nil where the status says it all.
func (a api) meaningOf(status, code int) *connectors.Error {
	switch {
	case status == http.StatusForbidden && code == codeTranscoding:
		wait := connectors.RateLimited(transcodingWait)
		wait.Message = "Tumblr is still working on another film of this blog. It goes on in some minutes."
		return wait
	case status == http.StatusForbidden && (code == codeUploads || code == codeVideos || code == codeQueueFull || code == codePosts):
		return a.tomorrow()
	case status == http.StatusForbidden && code == 0:
		return connectors.Rejected(connectors.CodeScopeMissing, "The access token may not post on this blog. Connect the channel again with an account that may, and grant the scope write.", "")
	case code == codeMedia, status == http.StatusRequestEntityTooLarge:
		return connectors.Rejected(connectors.CodeMediaRejected, "Tumblr refuses a file: its type, its size or its content.", "media")
	case status == http.StatusBadRequest:
		return connectors.Rejected(connectors.CodeInvalidContent, "Tumblr refuses this post. Its own words say why; correct the post before you publish it again.", "")
	case status == http.StatusNotFound:
		return connectors.Rejected("unknown_blog", "Tumblr does not know this blog. Check its name in the channel's settings.", fieldBlog)
	}
	return nil
}

// tomorrow says that a limit of the day is used up. Tumblr's days are those of New York; a few hours more do no harm.
func (a api) tomorrow() *connectors.Error {
	const offset = 5 * time.Hour // New York's winter; its summer's midnight is an hour earlier
	local := a.now().UTC().Add(-offset)
	limited := connectors.RateLimited(local.Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(local))
	limited.Code, limited.Message = connectors.CodeQuotaExceeded, "Tumblr's limit for one day, or that of its queue, is used up for this account. It goes on tomorrow."
	return limited
}

// clean makes Tumblr's words fit to be shown.
func (a api) clean(words string) string {
	return connectors.Clean(words, append([]string{a.tokens.Token()}, a.secrets...)...)
}
