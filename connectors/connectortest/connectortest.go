// Package connectortest is the suite that every connector passes: Run checks that it describes itself completely, refuses bad
// configurations field by field, gives every way in which a network fails its meaning, tells nobody a secret, and
// turns the same callback into the same items every time, but only a callback that the provider has signed.
package connectortest

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
)

// Suite is one connector with what it takes to try it. Without Failures the network is taken to be inside the process, and what
// needs a network is left out; without Sign the same goes for callbacks.
type Suite struct {
	New     func(baseURL string) connectors.Connector // baseURL is that of the stand-in, or an address where nothing listens
	Config  connectors.Config                         // valid and complete, every secret set
	Address string                                    // what Connector.Address makes of Config
	Message connectors.OutMessage                     // one that the network accepts

	BadConfigs []BadConfig
	Network    func(t *testing.T) Network // starts a stand-in for the network; nil where there is none

	CallbackURL     string                                                   // of the channel; the files in testdata/inbound name paths on its host
	VerifyField     string                                                   // the key of the secret that callbacks are signed with
	SignatureHeader string                                                   // that Sign sets
	TokenParam      string                                                   // where the provider signs nothing: the query parameter that Sign puts the secret into, in place of a header
	Sign            func(secret string, request *connectors.CallbackRequest) // as the provider does with that secret
}

// BadConfig is a change to the valid configuration and the field that must be found wrong.
type BadConfig struct {
	Name   string
	Change connectors.Config // an empty value removes the key
	Field  string
}

// Network is a stand-in for the network.
type Network struct {
	URL      string
	Requests func() int                              // how many have arrived
	Fail     func(Failure) (arrived <-chan struct{}) // what becomes of the next request; the channel is closed when it is there
}

// Failure is a way in which a network fails.
type Failure struct {
	Status     int    // the answer's status
	RetryAfter string // the answer's header
	Gateway    bool   // the body is not one of the network's
	Hang       bool   // no answer for far longer than a test lasts
	Cut        bool   // the connection is cut in place of an answer
}

// Run runs the suite. Its parts are parallel tests of their own.
func Run(t *testing.T, suite Suite) {
	t.Helper()
	t.Parallel()
	require.NotNil(t, suite.New, "Suite.New is missing")
	t.Run("info", func(t *testing.T) { t.Parallel(); suite.info(t) })
	t.Run("config", func(t *testing.T) { t.Parallel(); suite.config(t) })
	t.Run("limits", func(t *testing.T) { t.Parallel(); suite.limits(t) })
	if suite.Network != nil {
		t.Run("network", func(t *testing.T) { t.Parallel(); suite.network(t) })
	}
	if suite.Sign != nil {
		t.Run("callbacks", func(t *testing.T) { t.Parallel(); suite.callbacks(t) })
	}
}

// opened is a channel with what it logs.
type opened struct {
	conn  connectors.Conn
	suite Suite
	log   *buffer
}

// open opens the suite's channel at a network; an empty baseURL means the connector's own.
func (s Suite) open(tb testing.TB, baseURL string, config connectors.Config) opened {
	tb.Helper()
	log := &buffer{}
	client := &http.Client{Transport: &http.Transport{}}
	host := connectors.Host{
		HTTP:   client,
		Public: client,
		Logger: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now:    func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) },
	}
	channel := connectors.Channel{ID: "chan_suite", Address: s.Address, Config: config, CallbackURL: s.CallbackURL}
	conn, err := s.New(baseURL).Open(channel, host)
	require.NoError(tb, err)
	tb.Cleanup(func() {
		require.NoError(tb, conn.Close())
		host.HTTP.CloseIdleConnections()
	})
	return opened{conn: conn, suite: s, log: log}
}

// sender returns the Conn as a Sender.
func (o opened) sender(tb testing.TB) connectors.Sender {
	tb.Helper()
	sender, ok := o.conn.(connectors.Sender)
	require.True(tb, ok, "the kind has the ability send, but its Conn is no Sender")
	return sender
}

// requireKind checks an error's kind, and that nothing about it tells a secret.
func (o opened) requireKind(tb testing.TB, err error, kinds ...connectors.Kind) {
	tb.Helper()
	require.Error(tb, err)
	failed := connectors.AsError(err)
	require.Contains(tb, kinds, failed.Kind, err.Error())
	require.NotEmpty(tb, failed.Code)
	require.NotEmpty(tb, failed.Message)
	o.requireNoSecret(tb, fmt.Sprintf("%v %+v %+v %s", err, failed, failed.Provider, failed.Message))
	o.requireNoSecret(tb, o.log.String())
}

func (o opened) requireNoSecret(tb testing.TB, text string) {
	tb.Helper()
	for _, field := range o.suite.New("").Info().Fields {
		if secret := o.suite.Config[field.Key]; field.Secret && secret != "" {
			require.NotContains(tb, text, secret, "the secret "+field.Key+" is told")
		}
	}
}

// with returns a copy of the configuration with changes; an empty value removes a key.
func with(config, change connectors.Config) connectors.Config {
	changed := connectors.Config{}
	for _, layer := range []connectors.Config{config, change} {
		for key, value := range layer {
			changed[key] = value
			if value == "" {
				delete(changed, key)
			}
		}
	}
	return changed
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Clone(b.bytes.String())
}
