// Package linkcli is what the commands "switchhook sessions …" do: it links a phone from a terminal, and lists sessions, over the HTTP
// interface of a server that runs.
package linkcli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/switchhook/switchhook/internal/apiclient"
	"github.com/switchhook/switchhook/internal/secret"
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

// client speaks with the server.
type client struct {
	Options
	server *apiclient.Client
	code   *step // the code to type in that the user has been shown, where one was asked for
}

func newClient(o Options) (*client, error) {
	for name, missing := range map[string]bool{"URL": o.URL == "", "Key": o.Key == "", "Out": o.Out == nil, "Every": o.Every <= 0} {
		if missing {
			return nil, fmt.Errorf("make client: Options.%s is missing", name)
		}
	}
	server, err := apiclient.New(o.URL, o.Key)
	if err != nil {
		return nil, err
	}
	o.URL = server.URL()
	return &client{Options: o, server: server}, nil
}

// call makes one request. Its error is a *apiclient.RefusalError where the server has answered with one.
func (c *client) call(ctx context.Context, method, path string, body, answer any) error {
	return c.server.Do(ctx, apiclient.Request{Method: method, Path: path, Body: body}, answer)
}

// say writes a line to the user.
func (c *client) say(format string, args ...any) {
	_, _ = fmt.Fprintf(c.Out, format+"\n", args...) // who does not read does not need it
}
