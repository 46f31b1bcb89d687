// Package apiclient speaks with a Switchhook that runs, for the commands that ask one. The server is the user's own, so it may be on any
// network.
package apiclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/switchhook/switchhook/internal/secret"
)

const (
	// answerTimeout bounds one request: a server waits at most 30 seconds for a network.
	answerTimeout = 40 * time.Second
	// answerLimit bounds an answer, in bytes: a hundred events of the largest kind are below it.
	answerLimit = 64 << 20
)

// RefusalError is an answer of the server that is an error.
type RefusalError struct {
	Status  int    `json:"-"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Error returns the server's sentence.
func (r *RefusalError) Error() string {
	if r.Message == "" {
		return fmt.Sprintf("the server answers %d without a reason; is there a Switchhook at this address?", r.Status)
	}
	return r.Message + " (" + r.Code + ")"
}

// Passing tells whether the same request may be taken in a moment.
func (r *RefusalError) Passing() bool {
	return r.Status >= http.StatusInternalServerError || r.Status == http.StatusTooManyRequests
}

// Client asks one server with one key.
type Client struct {
	url  string
	key  secret.String
	http *http.Client
}

// New returns a client of the server at an address such as "http://localhost:8080", with an API key. Nothing is asked yet.
func New(address string, key secret.String) (*Client, error) {
	base, err := url.Parse(address)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, fmt.Errorf("%q is no address of a server; give one such as http://localhost:8080", address)
	}
	if key == "" {
		return nil, fmt.Errorf("make client: the API key is missing")
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the key is for this server only
	return &Client{url: strings.TrimRight(address, "/"), key: key, http: &http.Client{Timeout: answerTimeout, CheckRedirect: stay}}, nil
}

// URL returns the server's address without a slash at its end.
func (c *Client) URL() string { return c.url }

// Request is one request. Path begins with a slash and holds the query; a Body that is not nil is sent as JSON.
type Request struct {
	Method, Path   string
	Body           any
	IdempotencyKey string // optional
}

// Do makes a request, which takes up to 40 seconds, and reads its answer. Its error is a *RefusalError where the server has answered with one.
func (c *Client) Do(ctx context.Context, r Request, answer any) error {
	var sent io.Reader
	if r.Body != nil {
		raw, err := json.Marshal(r.Body)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		sent = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, c.url+r.Path, sent)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+c.key.Reveal())
	if r.Body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if r.IdempotencyKey != "" {
		request.Header.Set("Idempotency-Key", r.IdempotencyKey)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		failure := &RefusalError{Status: response.StatusCode}
		_ = json.Unmarshal(raw, failure) // what is no JSON says nothing about itself
		return failure
	}
	if !json.Valid(raw) {
		return &RefusalError{
			Status: http.StatusNotFound, Code: "not_switchhook",
			Message: "There is something else than Switchhook at " + c.url + ": it answers with a page. Give the server's address with nothing behind the port.",
		}
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return nil
}
