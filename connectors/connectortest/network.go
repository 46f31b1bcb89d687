package connectortest

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
)

const (
	soon    = 100 * time.Millisecond // a deadline for calls that will not be answered
	quickly = 3 * time.Second        // within which a call has to return after its context has ended, on a busy machine
)

// limits checks that what is over a limit is refused before any call.
func (s Suite) limits(t *testing.T) {
	info := s.New("").Info()
	if !slices.Contains(info.Abilities, connectors.AbilitySend) {
		return
	}
	requests, baseURL := func() int { return 0 }, ""
	if s.Network != nil {
		network := s.Network(t)
		requests, baseURL = network.Requests, network.URL
	}
	channel := s.open(t, baseURL, s.Config)
	for name, message := range s.tooMuch(info) {
		require.Error(t, connectors.CheckLimits(info, message), name)
		_, err := channel.sender(t).Send(t.Context(), message)
		channel.requireKind(t, err, connectors.KindRejected, connectors.KindUnsupported)
	}
	require.Zero(t, requests(), "a message over a limit was sent")
}

// tooMuch returns a message over each limit that the kind has.
func (s Suite) tooMuch(info connectors.Info) map[string]connectors.OutMessage {
	limits := info.Limits
	text := func(text string) connectors.OutMessage {
		return connectors.OutMessage{ID: "msg_1", To: s.Message.To, Text: text}
	}
	media := func(count int, file connectors.OutMedia) connectors.OutMessage {
		message := text("a")
		message.Media = slices.Repeat([]connectors.OutMedia{file}, count)
		return message
	}
	messages := map[string]connectors.OutMessage{
		"nothing to send": text(""),
		"no recipient":    {ID: "msg_1", Text: "a"},
	}
	if limits.TextLength > 0 {
		messages["a text that is too long"] = text(strings.Repeat("ä", limits.TextLength+1))
	}
	file := connectors.OutMedia{URL: "https://files.example/a"}
	if limits.MediaCount > 0 {
		messages["too many files"] = media(limits.MediaCount+1, file)
	}
	if !slices.Contains(info.Abilities, connectors.AbilityMedia) {
		messages["a file where there are none"] = media(1, file)
	}
	if limits.MediaBytes > 0 {
		file.Size = limits.MediaBytes + 1
		messages["a file that is too large"] = media(1, file)
	}
	if len(limits.MediaTypes) > 0 {
		messages["a file of another type"] = media(1, connectors.OutMedia{URL: file.URL, ContentType: "application/x-nobody-takes-this"})
	}
	if !slices.Contains(info.Abilities, connectors.AbilityTemplate) {
		template := text("")
		template.Template = &connectors.Template{Name: "x"}
		messages["a template where there are none"] = template
	}
	return messages
}

// network checks what every way of failing is taken for.
func (s Suite) network(t *testing.T) {
	t.Run("a message is accepted", func(t *testing.T) {
		t.Parallel()
		network := s.Network(t)
		channel := s.open(t, network.URL, s.Config)
		receipt, err := channel.sender(t).Send(t.Context(), s.Message)
		require.NoError(t, err)
		require.NotEmpty(t, receipt.ProviderID)
		require.NotEmpty(t, receipt.Status)
		require.Equal(t, 1, network.Requests())
		channel.requireNoSecret(t, channel.log.String())
	})
	for name, test := range failures() {
		t.Run(name, func(t *testing.T) { t.Parallel(); s.failure(t, test) })
	}
	t.Run("a canceled call returns quickly", func(t *testing.T) { t.Parallel(); s.canceled(t) })
	t.Run("what cannot leave is retryable", func(t *testing.T) { t.Parallel(); s.unsent(t) })
}

type expectation struct {
	failure Failure
	send    []connectors.Kind
	check   []connectors.Kind
	after   time.Duration
}

func failures() map[string]expectation {
	kinds := func(kinds ...connectors.Kind) []connectors.Kind { return kinds }
	retryable, rejected, unlinked := kinds(connectors.KindRetryable), kinds(connectors.KindRejected), kinds(connectors.KindUnlinked)
	limited, unconfirmed := kinds(connectors.KindRateLimited), kinds(connectors.KindUnconfirmed)
	refused := kinds(connectors.KindRejected, connectors.KindUnlinked)
	return map[string]expectation{
		"400 is a refusal":                     {Failure{Status: 400}, rejected, refused, 0},
		"401 wants new credentials":            {Failure{Status: 401}, unlinked, unlinked, 0},
		"401 without a body too":               {Failure{Status: 401, Gateway: true}, unlinked, unlinked, 0},
		"403 is a refusal":                     {Failure{Status: 403}, refused, refused, 0},
		"404 is a refusal":                     {Failure{Status: 404}, refused, refused, 0},
		"429 waits":                            {Failure{Status: 429}, limited, limited, 0},
		"429 waits as long as it is told":      {Failure{Status: 429, RetryAfter: "7"}, limited, limited, 7 * time.Second},
		"429 with rubbish waits all the same":  {Failure{Status: 429, RetryAfter: "soon"}, limited, limited, 0},
		"500 of the network may be repeated":   {Failure{Status: 500}, retryable, retryable, 0},
		"502 of a gateway is not known":        {Failure{Status: 502, Gateway: true}, unconfirmed, retryable, 0},
		"no answer in time is not known":       {Failure{Hang: true}, unconfirmed, retryable, 0},
		"a line that is cut is not known":      {Failure{Cut: true}, unconfirmed, retryable, 0},
		"a redirect is not followed":           {Failure{Status: 302, Gateway: true}, unconfirmed, retryable, 0},
		"a success without sense is not known": {Failure{Status: 200, Gateway: true}, unconfirmed, retryable, 0},
	}
}

func (s Suite) failure(t *testing.T, test expectation) {
	network := s.Network(t)
	channel := s.open(t, network.URL, s.Config)
	network.Fail(test.failure)
	_, err := channel.sender(t).Send(deadline(t, test.failure), s.Message)
	channel.requireKind(t, err, test.send...)
	require.Equal(t, test.after, connectors.AsError(err).After)
	require.Equal(t, 1, network.Requests(), "the sending request was made more than once")

	checker, ok := channel.conn.(connectors.Checker)
	if !ok {
		return
	}
	network.Fail(test.failure)
	channel.requireKind(t, checker.Check(deadline(t, test.failure)), test.check...)
	require.NoError(t, checker.Check(t.Context()), "Check fails after the trouble is over")
}

// deadline is short where no answer will come.
func deadline(t *testing.T, failure Failure) context.Context {
	t.Helper()
	if !failure.Hang {
		return t.Context()
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	t.Cleanup(cancel)
	return ctx
}

func (s Suite) canceled(t *testing.T) {
	network := s.Network(t)
	channel := s.open(t, network.URL, s.Config)
	ctx, cancel := context.WithCancel(t.Context())
	arrived := network.Fail(Failure{Hang: true})
	returned, sender := make(chan error, 1), channel.sender(t)
	go func() {
		_, err := sender.Send(ctx, s.Message)
		returned <- err
	}()
	<-arrived
	cancel()
	select {
	case err := <-returned:
		channel.requireKind(t, err, connectors.KindUnconfirmed)
	case <-time.After(quickly):
		require.Fail(t, "Send does not return after its context has ended")
	}
	before := network.Requests()
	_, err := sender.Send(ctx, s.Message)
	channel.requireKind(t, err, connectors.KindRetryable)
	require.Equal(t, before, network.Requests(), "a request was made in a context that had ended")
}

func (s Suite) unsent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	channel := s.open(t, "http://"+listener.Addr().String(), s.Config)
	_, err = channel.sender(t).Send(t.Context(), s.Message)
	channel.requireKind(t, err, connectors.KindRetryable)
}
