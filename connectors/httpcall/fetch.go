package httpcall

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

// maxRedirects is how many hops a file may be away: networks hand over to their CDN once or twice.
const maxRedirects = 3

// FetchOptions says what Fetch may do.
type FetchOptions struct {
	AllowHTTP bool      // plain http too; only where an operator has set the network's address to such a one
	Now       time.Time // for Retry-After dates
}

// Fetch opens the file at request.URL with the request's credentials and follows up to three redirects. Credentials and headers go to the
// first host only: once a redirect has led elsewhere they are never sent again. The caller reads at most its own limit from body
// and closes it. Errors are as of Do and Response.Classify; because reading a file changes nothing, none is Unconfirmed.
func Fetch(ctx context.Context, client *http.Client, request Request, options FetchOptions) (body io.ReadCloser, contentType string, err error) {
	request = Request{Method: http.MethodGet, URL: request.URL, Header: request.Header, User: request.User, Password: request.Password, Bearer: request.Bearer}
	for range maxRedirects + 1 {
		from, err := parseFileURL(request.URL, options)
		if err != nil {
			return nil, "", err
		}
		answer, err := open(ctx, client, request)
		if err != nil {
			return nil, "", err
		}
		if answer.StatusCode == http.StatusOK {
			return answer.Body, answer.Header.Get("Content-Type"), nil
		}
		answer.Body.Close()
		location := answer.Header.Get("Location")
		if answer.StatusCode < 300 || answer.StatusCode > 399 || location == "" {
			return nil, "", Response{Status: answer.StatusCode, Header: answer.Header, safe: true}.Classify(options.Now, nil)
		}
		to, err := from.Parse(location)
		if err != nil {
			return nil, "", mediaRejected("The file's address leads to one that is malformed.")
		}
		if !sameOrigin(from, to) {
			request = Request{Method: http.MethodGet}
		}
		request.URL = to.String()
	}
	return nil, "", mediaRejected("The file's address redirects too often.")
}

func parseFileURL(address string, options FetchOptions) (*url.URL, error) {
	parsed, err := url.Parse(address)
	switch {
	case err != nil || parsed.Host == "" || parsed.User != nil:
		return nil, mediaRejected("The file's address is malformed.")
	case parsed.Scheme != "https" && (parsed.Scheme != "http" || !options.AllowHTTP):
		return nil, mediaRejected("The file's address does not begin with https://.")
	}
	return parsed, nil
}

func mediaRejected(message string) *connectors.Error {
	return connectors.Rejected("media_unavailable", message, "media")
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host)
}
