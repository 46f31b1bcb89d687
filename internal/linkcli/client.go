// Package linkcli is what the commands "switchhook sessions …" do: it links a phone from a terminal, and lists sessions, over the HTTP
// interface of a server that runs.
package linkcli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
	// answerLimit bounds an answer, in bytes. A page of sessions has far less.
	answerLimit = 4 << 20
)

// ErrNotLinked is returned by Link where the phone was not linked although the server did its part: nobody scanned the code in time,
// or the phone or the network said no. The error that wraps it says what to do.
var ErrNotLinked = errors.New("the phone is not linked")

// Options says where the server is and who asks. Every field is required.
type Options struct {
	URL   string        // of the server, such as "http://localhost:8080"
	Key   secret.String // an API key
	Out   io.Writer     // where the user reads
	Every time.Duration // how often the server is asked for news
}

// session is what these commands need of a session; openapi.yaml describes the whole.
type session struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Status   string `json:"status"`
	Phone    string `json:"phone"`
	PushName string `json:"pushName"`
	Reason   string `json:"reason"`
	Message  string `json:"message"`
	Retry    bool   `json:"retry"` // the server brings it back by itself
	Step     *step  `json:"step"`
}

type step struct {
	Kind      string          `json:"kind"`
	Code      string          `json:"code"`
	ExpiresAt time.Time       `json:"expiresAt"`
	Passkey   json.RawMessage `json:"passkey"`
	Message   string          `json:"message"`
}

// refusal is an answer of the server that is an error.
type refusal struct {
	status  int
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Error returns the server's sentence.
func (r *refusal) Error() string {
	if r.Message == "" {
		return fmt.Sprintf("the server answers %d without a reason; is there a Switchhook at this address?", r.status)
	}
	return r.Message + " (" + r.Code + ")"
}

// client speaks with the server.
type client struct {
	Options
	http *http.Client
	code *step // the code to type in that the user has been shown, where one was asked for
}

func newClient(o Options) (*client, error) {
	for name, missing := range map[string]bool{"URL": o.URL == "", "Key": o.Key == "", "Out": o.Out == nil, "Every": o.Every <= 0} {
		if missing {
			return nil, fmt.Errorf("make client: Options.%s is missing", name)
		}
	}
	base, err := url.Parse(o.URL)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, fmt.Errorf("%q is no address of a server; give one such as http://localhost:8080", o.URL)
	}
	o.URL = strings.TrimRight(o.URL, "/")
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the key is for this server only
	return &client{Options: o, http: &http.Client{Timeout: answerTimeout, CheckRedirect: stay}}, nil
}

// call makes one request. Its error is a *refusal where the server has answered with one.
func (c *client) call(ctx context.Context, method, path string, body, answer any) error {
	var sent io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		sent = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.URL+path, sent)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+c.Key.Reveal())
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
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
		failure := &refusal{status: response.StatusCode}
		_ = json.Unmarshal(raw, failure) // what is no JSON says nothing about itself
		return failure
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return nil
}

// say writes a line to the user.
func (c *client) say(format string, args ...any) {
	_, _ = fmt.Fprintf(c.Out, format+"\n", args...) // who does not read does not need it
}
