// Package messaging speaks the Messenger Platform, over which both a Page's Messenger and an Instagram account send and receive. The
// packages facebook and instagram say in what they differ.
package messaging

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta"
)

// Network is what Messenger and Instagram differ in.
type Network struct {
	Info       connectors.Info
	Object     string            // that callbacks concern: meta.ObjectPage or meta.ObjectInstagram
	ImageBytes int64             // the largest picture, where that is less than Info.Limits.MediaBytes; 0: no such limit
	Tag        func(string) bool // whether a message may be sent under this tag after the window has closed
	Metadata   bool              // whether a message may carry our id, which comes back in its echo
}

// Account is what one channel is.
type Account struct {
	Address     string // as the callbacks' entries name it
	PageID      string // whose edge sends
	Token       string // of the Page
	AppSecret   string // that callbacks are signed with
	VerifyToken string
	// Check makes one harmless call and says whether the token belongs to the account.
	Check func(context.Context, *meta.Graph) error
}

// Conn is one Page or Instagram account.
type Conn struct {
	network Network
	account Account
	graph   *meta.Graph
}

var (
	_ connectors.Conn     = (*Conn)(nil)
	_ connectors.Sender   = (*Conn)(nil)
	_ connectors.Receiver = (*Conn)(nil)
	_ connectors.Checker  = (*Conn)(nil)
)

// Open makes a Conn. A channel that has no secret or verify token of its own uses those of options.
func Open(network Network, account Account, options meta.Options, client *http.Client, now func() time.Time) *Conn {
	if account.AppSecret == "" {
		account.AppSecret = options.AppSecret
	}
	if account.VerifyToken == "" {
		account.VerifyToken = options.VerifyToken
	}
	graph := meta.NewGraph(meta.GraphOptions{
		Options: options, HTTP: client, Token: account.Token, AppSecret: account.AppSecret, Now: now, Refusal: refusalOf,
	})
	return &Conn{network: network, account: account, graph: graph}
}

// Close does nothing: connections belong to the host's client.
func (c *Conn) Close() error { return nil }

// Check asks whose the token is.
func (c *Conn) Check(ctx context.Context) error { return c.account.Check(ctx, c.graph) }

// Receive takes a callback that came to the channel's own address.
func (c *Conn) Receive(request connectors.CallbackRequest) (connectors.CallbackResult, error) {
	parsers := map[string]meta.Parser{c.network.Object: func(entry json.RawMessage) ([]connectors.AppItem, error) {
		return ParseEntry(c.network.Info.Kind, entry)
	}}
	return meta.Receive(c.account.AppSecret, c.account.VerifyToken, request, parsers, c.network.Info.Kind, c.account.Address)
}
