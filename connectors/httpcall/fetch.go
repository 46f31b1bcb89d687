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

// File is an opened file.
type File struct {
	Body        io.ReadCloser
	ContentType string // as the host names it; may be empty
	Size        int64  // bytes; -1 where the host does not say
}

// Fetch opens the file at request.URL with the request's credentials and follows up to three redirects. Credentials and headers go to the
// first host only: once a redirect has led elsewhere they are never sent again. The caller reads at most its own limit from body
// and closes it. Errors are as of Do and Response.Classify; because reading a file changes nothing, none is Unconfirmed.
func Fetch(ctx context.Context, client *http.Client, request Request, options FetchOptions) (body io.ReadCloser, contentType string, err error) {
	file, err := FetchFile(ctx, client, request, options)
	return file.Body, file.ContentType, err
}

// FetchFile is Fetch that also tells the file's size.
func FetchFile(ctx context.Context, client *http.Client, request Request, options FetchOptions) (File, error) {
	request = Request{Method: http.MethodGet, URL: request.URL, Header: request.Header, User: request.User, Password: request.Password, Bearer: request.Bearer}
	for range maxRedirects + 1 {
		from, err := parseFileURL(request.URL, options)
		if err != nil {
			return File{}, err
		}
		answer, err := open(ctx, client, request)
		if err != nil {
			return File{}, err
		}
		if answer.StatusCode == http.StatusOK {
			return File{answer.Body, answer.Header.Get("Content-Type"), answer.ContentLength}, nil
		}
		answer.Body.Close()
		location := answer.Header.Get("Location")
		if answer.StatusCode < 300 || answer.StatusCode > 399 || location == "" {
			return File{}, Response{Status: answer.StatusCode, Header: answer.Header, safe: true}.Classify(options.Now, nil)
		}
		to, err := from.Parse(location)
		if err != nil {
			return File{}, mediaRejected("The file's address leads to one that is malformed.")
		}
		if !sameOrigin(from, to) {
			request = Request{Method: http.MethodGet}
		}
		request.URL = to.String()
	}
	return File{}, mediaRejected("The file's address redirects too often.")
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

// SameOrigin tells whether two addresses have the same scheme, host and port, so that the credentials of one may go to the other.
func SameOrigin(a, b string) bool {
	first, err := url.Parse(a)
	if err != nil || first.Host == "" {
		return false
	}
	second, err := url.Parse(b)
	return err == nil && sameOrigin(first, second)
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host)
}
