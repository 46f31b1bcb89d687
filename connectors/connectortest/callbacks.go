package connectortest

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
)

// update writes the golden files anew: go test ./connectors/twilio -update. It is a variable of the package because go test
// must know its flags before any test runs.
var update = flag.Bool("update", false, "write the golden files of the connectors' conversions anew") //nolint:gochecknoglobals // see above

// callbacks checks the signature in every way that it can be wrong, and the conversions of testdata/inbound.
func (s Suite) callbacks(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "inbound", "*.http"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "there are no callbacks in testdata/inbound")
	receiver, ok := s.open(t, "", s.Config).conn.(connectors.Receiver)
	require.True(t, ok, "Suite.Sign is set, but the Conn is no Receiver")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { t.Parallel(); s.golden(t, receiver, file) })
	}
	t.Run("signatures", func(t *testing.T) { t.Parallel(); s.signatures(t, receiver, s.read(t, files[0])) })
	t.Run("signed rubbish", func(t *testing.T) { t.Parallel(); s.rubbish(t, receiver, s.read(t, files[0])) })
}

// golden receives a callback twice and compares what comes out with the file beside it.
func (s Suite) golden(t *testing.T, receiver connectors.Receiver, file string) {
	request := s.signed(t, s.read(t, file))
	result, err := receiver.Receive(request)
	require.NoError(t, err)
	again, err := receiver.Receive(request)
	require.NoError(t, err)
	require.Equal(t, result, again, "the same callback gives different items")
	requireItems(t, result, s.Address)

	var got bytes.Buffer
	encoder := json.NewEncoder(&got)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	require.NoError(t, encoder.Encode(result))
	golden := strings.TrimSuffix(file, ".http") + ".golden.json"
	if *update {
		require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String())
}

func requireItems(t *testing.T, result connectors.CallbackResult, address string) {
	t.Helper()
	types := []string{"text", "image", "video", "audio", "document", "sticker", "location", "contact", "reaction", "other"}
	for _, message := range result.Messages {
		require.NotEmpty(t, message.ProviderID)
		require.NotEmpty(t, message.From)
		require.Equal(t, address, message.To)
		require.Contains(t, types, message.Type)
	}
	statuses := []connectors.Status{connectors.StatusSent, connectors.StatusDelivered, connectors.StatusRead, connectors.StatusFailed}
	for _, status := range result.Statuses {
		require.NotEmpty(t, status.MessageID+status.ProviderID+status.To)
		require.Contains(t, statuses, status.Status)
	}
}

// signatures checks that nothing but the provider's own signature over exactly this callback is accepted.
func (s Suite) signatures(t *testing.T, receiver connectors.Receiver, request connectors.CallbackRequest) {
	refused := func(why string, change func(*connectors.CallbackRequest)) {
		changed := s.signed(t, request)
		change(&changed)
		result, err := receiver.Receive(changed)
		require.ErrorIs(t, err, connectors.ErrSignature, why)
		require.Zero(t, result, why)
	}
	refused("no signature", func(r *connectors.CallbackRequest) { s.present(r, nil) })
	refused("an empty signature", func(r *connectors.CallbackRequest) { s.present(r, []string{""}) })
	refused("another secret's", func(r *connectors.CallbackRequest) { s.Sign(s.Config[s.VerifyField]+"x", r) })
	refused("the empty secret's", func(r *connectors.CallbackRequest) { s.Sign("", r) })
	good := s.signature(s.signed(t, request))
	for i := range good {
		refused(fmt.Sprintf("byte %d of the signature altered", i), func(r *connectors.CallbackRequest) {
			altered := []byte(good)
			altered[i] ^= 1
			s.present(r, []string{string(altered)})
		})
	}
	s.withoutSecret(t, request)
	if s.TokenParam != "" {
		return // a token says nothing about the body
	}
	refused("the body altered", func(r *connectors.CallbackRequest) {
		r.Body = bytes.Clone(r.Body)
		r.Body[len(r.Body)-1] ^= 1
	})
	refused("the body cut", func(r *connectors.CallbackRequest) { r.Body = r.Body[:len(r.Body)-1] })
	refused("the body gone", func(r *connectors.CallbackRequest) { r.Body = nil })
}

// signature returns what Sign has set.
func (s Suite) signature(request connectors.CallbackRequest) string {
	if s.TokenParam != "" {
		return request.Query.Get(s.TokenParam)
	}
	return request.Header.Get(s.SignatureHeader)
}

// present puts other values in the place of the signature.
func (s Suite) present(request *connectors.CallbackRequest, values []string) {
	if s.TokenParam != "" {
		request.Query = url.Values{s.TokenParam: values}
		request.URL = s.CallbackURL + "?" + request.Query.Encode()
		return
	}
	request.Header[http.CanonicalHeaderKey(s.SignatureHeader)] = values
}

// withoutSecret checks that a channel without a secret accepts nothing, least of all what is signed with the empty one.
func (s Suite) withoutSecret(t *testing.T, request connectors.CallbackRequest) {
	channel := connectors.Channel{ID: "chan_suite", Address: s.Address, CallbackURL: s.CallbackURL, Config: with(s.Config, connectors.Config{s.VerifyField: ""})}
	conn, err := s.New("").Open(channel, connectors.Host{HTTP: &http.Client{}, Now: time.Now})
	if err != nil {
		return // not opening it at all is as good
	}
	for _, secret := range []string{"", s.Config[s.VerifyField]} {
		request.Header = request.Header.Clone()
		s.Sign(secret, &request)
		_, err = conn.(connectors.Receiver).Receive(request)
		require.ErrorIs(t, err, connectors.ErrSignature)
	}
	require.NoError(t, conn.Close())
}

// rubbish checks that a signed body without sense is refused or ignored, and nothing worse.
func (s Suite) rubbish(t *testing.T, receiver connectors.Receiver, request connectors.CallbackRequest) {
	for _, body := range []string{"", " ", "null", "{}", "[]", "[[", `{"`, "a=%zz", "&&&=", "\xff\xfe\x00", strings.Repeat("[", 20000)} {
		request.Body = []byte(body)
		_, err := receiver.Receive(s.signed(t, request))
		if err != nil && !errors.Is(err, connectors.ErrSignature) {
			require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind, "%q", body)
		}
	}
}

// signed returns a copy of a request with its signature.
func (s Suite) signed(t *testing.T, request connectors.CallbackRequest) connectors.CallbackRequest {
	t.Helper()
	request.Header = request.Header.Clone()
	s.Sign(s.Config[s.VerifyField], &request)
	return request
}

// read reads a callback as it goes over the line: request line, headers, an empty line, the body. A line break that ends the file is
// not part of the body.
func (s Suite) read(t *testing.T, file string) connectors.CallbackRequest {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	head, body, _ := strings.Cut(string(raw), "\n\n")
	body = strings.TrimSuffix(body, "\n")
	lines := strings.Split(head, "\n")
	first := strings.Fields(lines[0])
	require.GreaterOrEqual(t, len(first), 2, "%s does not begin with a request line", file)
	header := http.Header{}
	for _, line := range lines[1:] {
		name, value, found := strings.Cut(line, ":")
		require.True(t, found, "%s: %q is no header", file, line)
		header.Add(textproto.TrimString(name), textproto.TrimString(value))
	}
	base, err := url.Parse(s.CallbackURL)
	require.NoError(t, err)
	called, err := base.Parse(first[1])
	require.NoError(t, err)
	return connectors.CallbackRequest{
		Method: first[0], URL: called.String(), Query: called.Query(), Header: header, Body: []byte(body),
		ReceivedAt: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC),
	}
}
