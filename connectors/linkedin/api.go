package linkedin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/bearer"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// codeVersion says that the operator must set a newer version of the API.
const codeVersion = "api_version_ended"

// quotaWait is how long a channel rests after a 429 that does not name a daily limit: LinkedIn never says how long.
const quotaWait = 5 * time.Minute

// errUnexpected says that an answer is not one of LinkedIn's API, an HTML page for example.
func errUnexpected() error {
	return errors.New(connectors.CodeUnexpected + ": LinkedIn answered something that is not its API")
}

// api calls LinkedIn with one channel's token. It is safe for concurrent use.
type api struct {
	baseURL string
	version string
	now     func() time.Time
	tokens  *bearer.Source
	http    *http.Client
	secrets []string // of the configuration, to be kept out of what is shown
}

// do makes a request of the versioned API, whatever the status of its answer. path begins with "/". body may be nil.
func (a api) do(ctx context.Context, method, path string, body any) (httpcall.Response, error) {
	return a.tokens.Do(ctx, func() (httpcall.Request, error) {
		return httpcall.Request{Method: method, URL: a.baseURL + path, JSON: body, Header: http.Header{
			"LinkedIn-Version": {a.version}, "X-Restli-Protocol-Version": {"2.0.0"},
		}}, nil
	})
}

// call makes a request that makes nothing public, and reads an object into answer, which may be nil. None of its errors is Unconfirmed.
func (a api) call(ctx context.Context, method, path string, body, answer any) error {
	response, err := a.do(ctx, method, path, body)
	if err != nil {
		return connectors.Harmless(err)
	}
	if response.Status < 200 || response.Status > 299 {
		return connectors.Harmless(a.failure(response))
	}
	if answer != nil && json.Unmarshal(response.Body, answer) != nil {
		return connectors.Retryable(errUnexpected())
	}
	return nil
}

// put sends bytes to an address that LinkedIn gave. The token goes along only to LinkedIn's own hosts. None of its errors is Unconfirmed.
func (a api) put(ctx context.Context, address string, stream func() (*httpcall.Stream, error)) (httpcall.Response, error) {
	own, err := a.isOwn(address)
	if err != nil {
		return httpcall.Response{}, err
	}
	build := func() (httpcall.Request, error) {
		body, err := stream()
		return httpcall.Request{Method: http.MethodPut, URL: address, Stream: body}, err
	}
	response, err := httpcall.Response{}, error(nil)
	if own {
		response, err = a.tokens.Do(ctx, build)
	} else {
		var request httpcall.Request
		if request, err = build(); err == nil {
			response, err = httpcall.Do(ctx, a.http, request)
		}
	}
	if err != nil {
		return httpcall.Response{}, connectors.Harmless(err)
	}
	if response.Status < 200 || response.Status > 299 {
		return httpcall.Response{}, connectors.Harmless(a.failure(response))
	}
	return response, nil
}

// isOwn tells whether an address for uploads is on LinkedIn, or where the operator has moved it. An address that is not https elsewhere is an error.
func (a api) isOwn(address string) (bool, error) {
	target, err := url.Parse(address)
	base, baseErr := url.Parse(a.baseURL)
	switch {
	case err != nil || baseErr != nil || target.Host == "" || target.User != nil:
		return false, connectors.Retryable(errUnexpected())
	case target.Scheme == base.Scheme && target.Host == base.Host:
		return true, nil
	case target.Scheme != "https":
		return false, connectors.Retryable(errUnexpected())
	}
	host := strings.ToLower(target.Hostname())
	return host == "linkedin.com" || strings.HasSuffix(host, ".linkedin.com"), nil
}

// person is who a token belongs to, by OpenID Connect.
type person struct {
	Sub  string `json:"sub"`
	Name string `json:"name"`
}

// whoami asks whose token it is.
func (a api) whoami(ctx context.Context) (person, error) {
	var who person
	if err := a.call(ctx, http.MethodGet, "/v2/userinfo", nil, &who); err != nil {
		return person{}, err
	}
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`).MatchString(who.Sub) {
		return person{}, connectors.Retryable(errUnexpected())
	}
	return who, nil
}

// refused reads LinkedIn's own words in an answer; nil where the body is none of its errors.
func (a api) refused(response httpcall.Response) *connectors.ProviderError {
	var body struct {
		Message string          `json:"message"`
		Code    string          `json:"code"`
		Service int             `json:"serviceErrorCode"`
		Details json.RawMessage `json:"errorDetails"`
	}
	var wrongType *json.UnmarshalTypeError // of a field that does not matter
	if err := json.Unmarshal(response.Body, &body); err != nil && !errors.As(err, &wrongType) || body.Message == "" && body.Code == "" {
		return nil
	}
	words := body.Message
	if body.Code != "" && !strings.Contains(words, body.Code) {
		words = strings.TrimSuffix(body.Code+": "+words, ": ")
	}
	if len(body.Details) > 0 && string(body.Details) != "null" {
		words += " " + string(body.Details)
	}
	code := body.Service
	if code == 0 {
		code = response.Status
	}
	return &connectors.ProviderError{Code: code, Message: connectors.Clean(words, append([]string{a.tokens.Token()}, a.secrets...)...)}
}

// failure gives an answer without success its meaning.
func (a api) failure(response httpcall.Response) *connectors.Error {
	own := a.refused(response)
	counts, words := own, ""
	if own != nil {
		words = strings.ToLower(own.Message)
	}
	if response.Status >= http.StatusInternalServerError && response.Status != http.StatusServiceUnavailable {
		counts = nil // of these only 503 comes surely before anything has happened
	}
	failed := response.Classify(a.now(), counts)
	failed.Provider = own
	switch response.Status {
	case http.StatusBadRequest:
		return become(failed, connectors.Rejected(connectors.CodeInvalidContent, "LinkedIn refuses this post. Its own words say why; correct the post before you publish it again.", ""))
	case http.StatusForbidden:
		return become(failed, connectors.Rejected(connectors.CodeScopeMissing, "LinkedIn does not let this access token post for the author. Connect the channel again with the scope that the guide names; for a page the member must be one of its administrators.", ""))
	case http.StatusNotFound:
		return become(failed, connectors.Rejected(httpcall.CodeProviderRejected, "LinkedIn does not know what the post refers to. Check the channel's author.", ""))
	case http.StatusConflict, http.StatusUnprocessableEntity:
		if strings.Contains(words, "duplicate") {
			return become(failed, connectors.Rejected(connectors.CodeDuplicatePost, "LinkedIn has this post of the author already, and takes no second one. Change the text.", ""))
		}
		return become(failed, connectors.Rejected(connectors.CodeInvalidContent, "LinkedIn refuses this post. Its own words say why; correct the post before you publish it again.", ""))
	case http.StatusUpgradeRequired:
		return become(failed, connectors.Rejected(codeVersion, "LinkedIn has ended version "+a.version+" of its API. The operator must set a newer one in "+settingVersion+".", ""))
	case http.StatusTooManyRequests:
		return become(failed, a.limited(failed, words))
	}
	return failed
}

// limited is a 429. A daily limit ends at midnight UTC; of the others nothing is known.
func (a api) limited(failed *connectors.Error, words string) *connectors.Error {
	after := failed.After
	if strings.Contains(words, "day") || strings.Contains(words, "daily") {
		limited := connectors.RateLimited(max(after, a.untilMidnight()))
		limited.Code, limited.Message = connectors.CodeQuotaExceeded, "LinkedIn's limit for this day is used up. It begins anew at midnight UTC; the post waits until then."
		return limited
	}
	if after == 0 {
		after = quotaWait
	}
	limited := connectors.RateLimited(after)
	limited.Message = "LinkedIn accepts no more posts from this author for the moment."
	return limited
}

// untilMidnight returns how long the day goes on in UTC.
func (a api) untilMidnight() time.Duration {
	now := a.now().UTC()
	return now.Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(now)
}

// become returns meaning with what is known of failed.
func become(failed, meaning *connectors.Error) *connectors.Error {
	meaning.Provider, meaning.Err = failed.Provider, failed.Err
	return meaning
}
