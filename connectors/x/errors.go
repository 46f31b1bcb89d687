package x

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// quotaWait is how long a channel rests where X tells no end of a used-up quota.
const quotaWait = time.Hour

// mostErrors bounds how many of an answer's errors are read.
const mostErrors = 5

// problem is one thing that X says is wrong (RFC 9457), or one of its older errors with a code and a message.
type problem struct {
	Type    string          `json:"type"`
	Title   string          `json:"title"`
	Detail  string          `json:"detail"`
	Code    json.RawMessage `json:"code"` // a number, mostly
	Message string          `json:"message"`
}

// refusal is an answer without success, in any of the forms that X has for it: a problem, a list of them, or both. A list can also stand in an answer with
// success.
type refusal struct {
	problem
	Errors []problem `json:"errors"`
}

// words returns all that X says, without repeating itself, and "" where it says nothing.
func (r refusal) words() string {
	var all []string
	for _, one := range r.all() {
		for _, text := range []string{one.Detail, one.Message} {
			if text != "" && !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
	}
	if len(all) == 0 {
		for _, one := range r.all() {
			if one.Title != "" {
				return one.Title
			}
		}
	}
	return strings.Join(all, " ")
}

// all returns the problem and the first ones of the list.
func (r refusal) all() []problem {
	return append([]problem{r.problem}, r.Errors[:min(len(r.Errors), mostErrors)]...)
}

// types returns the problems' types: addresses whose last parts are names such as "usage-capped".
func (r refusal) types() string {
	var all []string
	for _, one := range r.all() {
		all = append(all, one.Type)
	}
	return strings.Join(all, " ")
}

// code returns X's own number for what is wrong, or else the status.
func (r refusal) code(status int) int {
	for _, one := range r.all() {
		if code, err := strconv.Atoi(string(one.Code)); err == nil && code != 0 {
			return code
		}
	}
	return status
}

// refused reads an answer's words; nil where the body is none of X's. A field of another type than expected is overlooked.
func (a api) refused(response httpcall.Response) (refusal, *connectors.ProviderError) {
	var r refusal
	var wrongType *json.UnmarshalTypeError
	if err := json.Unmarshal(response.Body, &r); err != nil && !errors.As(err, &wrongType) || r.words() == "" {
		return refusal{}, nil
	}
	return r, &connectors.ProviderError{Code: r.code(response.Status), Message: a.clean(r.words())}
}

// failure gives an answer without success its meaning.
func (a api) failure(response httpcall.Response) *connectors.Error {
	r, own := a.refused(response)
	counts := own
	if response.Status >= http.StatusInternalServerError && response.Status != http.StatusServiceUnavailable {
		counts = nil // of these only 503 comes surely before anything has happened
	}
	failed := response.Classify(a.now(), counts)
	failed.Provider = own
	words, types := strings.ToLower(r.words()), r.types()
	switch {
	case response.Status == http.StatusPaymentRequired:
		return a.quota(failed, response, "The X app has no credits left. Buy some in X's developer console; the post waits meanwhile.")
	case strings.Contains(types, "usage-capped") && (response.Status == http.StatusForbidden || response.Status == http.StatusTooManyRequests):
		return a.quota(failed, response, "The X app has used up what its plan allows. The post waits until X allows more.")
	case response.Status == http.StatusTooManyRequests:
		failed.Message = "X accepts no more posts from this account for the moment."
		if until := a.untilReset(response); until > 0 {
			failed.After = until
		}
		return failed
	case response.Status == http.StatusForbidden:
		return forbidden(failed, words, types)
	case response.Status == http.StatusBadRequest:
		return become(failed, connectors.Rejected(connectors.CodeInvalidContent, "X refuses this post. Its own words say why; correct the post before you publish it again.", ""))
	case response.Status == http.StatusNotFound:
		return become(failed, connectors.Rejected(httpcall.CodeProviderRejected, "X does not know what the post refers to. It may have been deleted there.", ""))
	}
	return failed
}

// forbidden sorts the answers 403, by their types and, where those say too little, by X's words, which are English in the API.
func forbidden(failed *connectors.Error, words, types string) *connectors.Error {
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(words, part) {
				return true
			}
		}
		return false
	}
	switch {
	case has("duplicate content"):
		return become(failed, connectors.Rejected(connectors.CodeDuplicatePost, "X has a post of this account with the same text already, and takes no second one. Change the text.", ""))
	case has("cashtag"):
		return become(failed, connectors.Rejected(connectors.CodeInvalidContent, "X takes at most one cashtag ($NAME) in a post. Remove the others.", "body"))
	case has("suspended", "locked"):
		return become(failed, connectors.Unlinked(connectors.CodeAccountSuspended, "X has locked this account. Log in there to see why."))
	case strings.Contains(types, "client-forbidden"), strings.Contains(types, "oauth1-permissions"), has("app permissions", "scope"):
		return become(failed, connectors.Rejected(connectors.CodeScopeMissing, "X does not let this app post for the account. Give the app the permission to read and write, and connect the channel again.", ""))
	case has("repl"):
		return become(failed, connectors.Rejected(connectors.CodeInvalidContent, "X does not let this account reply there.", ""))
	}
	return failed
}

// quota is for what comes back after a while, or after somebody has paid.
func (a api) quota(failed *connectors.Error, response httpcall.Response, sentence string) *connectors.Error {
	limited := connectors.RateLimited(a.untilReset(response))
	limited.Code, limited.Message = connectors.CodeQuotaExceeded, sentence
	if limited.After == 0 {
		limited.After = quotaWait
	}
	return become(failed, limited)
}

// become returns meaning with what is known of failed.
func become(failed, meaning *connectors.Error) *connectors.Error {
	meaning.Provider, meaning.Err = failed.Provider, failed.Err
	return meaning
}

// untilReset reads when the limit begins anew, which X tells in seconds since 1970; 0 where it does not say.
func (a api) untilReset(response httpcall.Response) time.Duration {
	seconds, err := strconv.ParseInt(strings.TrimSpace(response.Header.Get("X-Rate-Limit-Reset")), 10, 64)
	if err != nil || seconds <= 0 || seconds > 1<<40 {
		return 0
	}
	return min(max(time.Unix(seconds, 0).Sub(a.now()), 0), httpcall.MaxRetryAfter)
}
