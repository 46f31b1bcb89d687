package meta

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// GraphOptions makes a Graph. Options, HTTP and Now are required.
type GraphOptions struct {
	Options Options
	HTTP    *http.Client
	Token   string // empty: calls carry none
	Now     func() time.Time
	// AppSecret is that of the app that the token belongs to; empty: the operator's.
	AppSecret string
	// Secrets must not be told, beside the token.
	Secrets []string
	// Refusal gives error codes that mean more to one network than to Meta as a whole their meaning, or nil. It is asked first.
	Refusal func(code, subcode int) *connectors.Error
}

// Graph calls the Graph API with one token, which goes into the Authorization header and never into an address. It is safe for
// concurrent use.
type Graph struct {
	o       GraphOptions
	baseURL string
}

// NewGraph makes a Graph.
func NewGraph(options GraphOptions) *Graph {
	return &Graph{o: options, baseURL: options.Options.baseURL()}
}

// Get reads an object into answer. path begins with "/" and may have a query. It blocks until ctx ends at most; its errors are
// *connectors.Error, none of them Unconfirmed.
func (g *Graph) Get(ctx context.Context, path string, answer any) error {
	return g.call(ctx, httpcall.Request{Method: http.MethodGet, URL: g.baseURL + path}, answer)
}

// Post makes one call that changes something, with body as JSON, and reads its success into answer. Its errors are *connectors.Error;
// Unconfirmed where the call may have had its effect, also when a success cannot be read.
func (g *Graph) Post(ctx context.Context, path string, body, answer any) error {
	return g.call(ctx, httpcall.Request{Method: http.MethodPost, URL: g.baseURL + path, JSON: body}, answer)
}

// Upload is Post with a body that is read while it is sent.
func (g *Graph) Upload(ctx context.Context, path string, body httpcall.Stream, answer any) error {
	return g.call(ctx, httpcall.Request{Method: http.MethodPost, URL: g.baseURL + path, Stream: &body}, answer)
}

// PostForm is Post with a form as the body.
func (g *Graph) PostForm(ctx context.Context, path string, form url.Values, answer any) error {
	return g.call(ctx, httpcall.Request{Method: http.MethodPost, URL: g.baseURL + path, Form: form}, answer)
}

// ForVideos returns the same Graph at the host that takes films.
func (g *Graph) ForVideos() *Graph { return &Graph{o: g.o, baseURL: g.o.Options.videoURL()} }

// Publish is Post for the one request that makes something public. Meta's codes for trouble of its own do not say whether the request had its
// effect, and a second post is worse than one that has to be looked for: where the network has no meaning of its own for such a code, it is Unconfirmed.
func (g *Graph) Publish(ctx context.Context, path string, body, answer any) error {
	return g.publish(ctx, httpcall.Request{Method: http.MethodPost, URL: g.baseURL + path, JSON: body}, answer)
}

// Check is Get for a call that any working credentials may make: a refusal means that these do not work, and becomes Unlinked.
func (g *Graph) Check(ctx context.Context, path string, answer any) error {
	err := g.Get(ctx, path, answer)
	if err == nil {
		return nil
	}
	failed := connectors.AsError(err)
	if failed.Kind != connectors.KindRejected {
		return failed
	}
	unlinked := connectors.Unlinked(connectors.CodeAuthFailed, "Meta does not let this token read the account. Check the ids in the channel's settings, and make a new token with the permissions that the guide names.")
	unlinked.Provider, unlinked.Err = failed.Provider, failed.Err
	return unlinked
}

func (g *Graph) call(ctx context.Context, request httpcall.Request, answer any) error {
	response, err := g.do(ctx, request)
	if err != nil {
		return err
	}
	if response.Status < 200 || response.Status > 299 {
		return g.Failure(response)
	}
	return read(request, response, answer)
}

func (g *Graph) publish(ctx context.Context, request httpcall.Request, answer any) error {
	response, err := g.do(ctx, request)
	if err != nil {
		return err
	}
	if response.Status >= 200 && response.Status <= 299 {
		return read(request, response, answer)
	}
	failed, special := g.failure(response)
	if failed.Kind == connectors.KindRetryable && !special {
		unconfirmed := connectors.Unconfirmed(failed.Err)
		unconfirmed.Provider = failed.Provider
		return unconfirmed
	}
	return failed
}

func (g *Graph) do(ctx context.Context, request httpcall.Request) (httpcall.Response, error) {
	request.Bearer = g.o.Token
	if proof := g.proof(); proof != "" {
		separator := "?"
		if strings.Contains(request.URL, "?") {
			separator = "&"
		}
		request.URL += separator + "appsecret_proof=" + proof
	}
	return httpcall.Do(ctx, g.o.HTTP, request)
}

// proof returns appsecret_proof, HMAC-SHA256 of the token with the app's secret, or "" where it is not to be sent. Without the token it is of no use to anybody.
func (g *Graph) proof() string {
	secret := g.o.AppSecret
	if secret == "" {
		secret = g.o.Options.AppSecret
	}
	if !g.o.Options.AppSecretProof || secret == "" || g.o.Token == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(g.o.Token))
	return hex.EncodeToString(mac.Sum(nil))
}

func read(request httpcall.Request, response httpcall.Response, answer any) error {
	if json.Unmarshal(response.Body, answer) == nil {
		return nil
	}
	cause := errors.New(connectors.CodeUnexpected + ": the answer of Meta cannot be read")
	if request.Method == http.MethodGet {
		return connectors.Retryable(cause)
	}
	return connectors.Unconfirmed(cause)
}

// Fetch opens a file. The token goes to Meta alone: to the Graph API and to the host where WhatsApp keeps media. The caller reads at
// most its own limit and closes the body. Errors are those of httpcall.Fetch.
func (g *Graph) Fetch(ctx context.Context, address string) (body io.ReadCloser, contentType string, err error) {
	request := httpcall.Request{URL: address}
	if g.owns(address) {
		request.Bearer = g.o.Token
	}
	options := httpcall.FetchOptions{AllowHTTP: strings.HasPrefix(g.baseURL, "http://"), Now: g.o.Now()}
	return httpcall.Fetch(ctx, g.o.HTTP, request, options)
}

// owns tells whether an address is of the API's own origin, or with the real one of the host of WhatsApp's media.
func (g *Graph) owns(address string) bool {
	if httpcall.SameOrigin(address, g.baseURL) {
		return true
	}
	file, err := url.Parse(address)
	return err == nil && strings.HasPrefix(g.baseURL, defaultBaseURL+"/") && file.Scheme == "https" && strings.EqualFold(file.Host, "lookaside.fbsbx.com")
}
