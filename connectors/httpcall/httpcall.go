// Package httpcall is the one way in which connectors call their networks over HTTP. It builds the request, bounds the
// answer and, above all, knows what a failure means: whether the request can have reached the network or cannot.
//
// No error of this package contains an address, a header or a credential.
package httpcall

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"

	"github.com/switchhook/switchhook/connectors"
)

// MaxAnswer bounds an answer, in bytes after decompression. API answers are far shorter; what is longer is cut.
const MaxAnswer = 1 << 20

// Request is one call. At most one of Form, JSON and Stream is set; without any there is no body.
type Request struct {
	Method string      // "GET" where empty
	URL    string      // absolute, http or https
	Header http.Header // further headers; may be nil
	Form   url.Values  // sent as application/x-www-form-urlencoded
	JSON   any         // sent as application/json
	Stream *Stream     // sent as it is

	User, Password string // Basic authentication, where User is not empty
	Bearer         string // Bearer authentication, where not empty
}

// Stream is a body that is read while it is sent, such as a file. It may still be read for a moment after Do has returned.
type Stream struct {
	Body        io.Reader
	ContentType string
	Length      int64 // bytes; 0 where unknown
}

// Response is an answer of any status.
type Response struct {
	Status int
	Header http.Header
	Body   []byte // at most MaxAnswer bytes
	Cut    bool   // there was more of it
	safe   bool   // the request changes nothing, so that repeating it is harmless
}

// Do makes one request and reads the answer, whatever its status; Response.Classify gives a status its meaning. Redirects are
// not followed. It blocks until the answer is read or ctx ends, so ctx must have a deadline.
//
// An error is always an *connectors.Error: Retryable where nothing was sent (bad name, refused connection, failed TLS handshake, address
// blocked by the client's dialer) or where the method is GET or HEAD, and Unconfirmed where the request may have left.
// client's transport must support net/http/httptrace, as http.Transport does: that is how it is known what was sent.
func Do(ctx context.Context, client *http.Client, request Request) (Response, error) {
	answer, err := open(ctx, client, request)
	if err != nil {
		return Response{}, err
	}
	defer answer.Body.Close()
	safe := isSafe(answer.Request.Method)
	body, err := io.ReadAll(io.LimitReader(answer.Body, MaxAnswer+1))
	if err != nil {
		return Response{}, transportError(fmt.Errorf("read answer: %w", err), !safe)
	}
	response := Response{Status: answer.StatusCode, Header: answer.Header, Body: body, safe: safe}
	if len(body) > MaxAnswer {
		response.Body, response.Cut = body[:MaxAnswer], true
	}
	return response, nil
}

// open sends a request and returns the answer with its body unread.
func open(ctx context.Context, client *http.Client, request Request) (*http.Response, error) {
	// Both hooks run in the goroutine of client.Do, so the flag needs no lock. GetConn starts every attempt: the transport
	// repeats a POST by itself only when it knows that nothing was written; see spelled.
	left := false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { left = false },
		GotConn: func(httptrace.GotConnInfo) { left = true },
	})
	built, err := build(ctx, request)
	if err != nil {
		return nil, err
	}
	direct := *client
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := direct.Do(built)
	if err != nil {
		return nil, transportError(fmt.Errorf("call network: %w", withoutAddress(err)), left && !isSafe(built.Method))
	}
	return answer, nil
}

// withoutAddress takes the addresses out of an error of http.Client: their queries may hold a token.
func withoutAddress(err error) error {
	var withAddress *url.Error
	if errors.As(err, &withAddress) {
		err = withAddress.Err
	}
	if strings.Contains(err.Error(), "Location header") {
		return errors.New("the answer redirects to a malformed address")
	}
	return err
}

func transportError(err error, left bool) *connectors.Error {
	if left {
		return connectors.Unconfirmed(err)
	}
	return connectors.Retryable(err)
}

// spelled returns how a header's name is written. net/http repeats a POST with an "Idempotency-Key" by itself when its answer never comes, also at servers
// that know no such keys and would do it twice. It knows the header by its usual spelling only, and servers by any (RFC 9110, 5.1).
func spelled(name string) string {
	name = http.CanonicalHeaderKey(name)
	if strings.HasSuffix(name, "Idempotency-Key") {
		return strings.ToLower(name)
	}
	return name
}

func build(ctx context.Context, request Request) (*http.Request, error) {
	body, contentType, err := encode(request)
	if err != nil {
		return nil, err
	}
	built, err := http.NewRequestWithContext(ctx, request.Method, request.URL, body)
	if err != nil {
		return nil, connectors.Rejected("invalid_address", "The network's address is malformed. Correct the channel's settings.", "")
	}
	if request.Stream != nil {
		built.ContentLength = request.Stream.Length
	}
	for name, values := range request.Header {
		built.Header[spelled(name)] = values
	}
	if contentType != "" {
		built.Header.Set("Content-Type", contentType)
	}
	built.Header.Set("User-Agent", "Switchhook")
	switch {
	case request.User != "":
		built.SetBasicAuth(request.User, request.Password)
	case request.Bearer != "":
		built.Header.Set("Authorization", "Bearer "+request.Bearer)
	}
	return built, nil
}

func encode(request Request) (body io.Reader, contentType string, err error) {
	bodies := 0
	for _, given := range []bool{request.Form != nil, request.JSON != nil, request.Stream != nil} {
		if given {
			bodies++
		}
	}
	switch {
	case bodies > 1:
		return nil, "", connectors.Rejected("invalid_request", "The request has two bodies. This is a mistake in the connector.", "")
	case request.Form != nil:
		return strings.NewReader(request.Form.Encode()), "application/x-www-form-urlencoded", nil
	case request.JSON != nil:
		encoded, err := json.Marshal(request.JSON)
		if err != nil {
			failed := connectors.Rejected(connectors.CodeInvalidContent, "The message cannot be written as JSON.", "")
			failed.Err = err
			return nil, "", failed
		}
		return bytes.NewReader(encoded), "application/json", nil
	case request.Stream != nil:
		return request.Stream.Body, request.Stream.ContentType, nil
	}
	return nil, "", nil
}

func isSafe(method string) bool {
	return method == "" || method == http.MethodGet || method == http.MethodHead
}
