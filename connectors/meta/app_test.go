package meta_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
)

// The secret, the body and the signature are a vector that was computed elsewhere.
const (
	vectorSecret    = "appsecret"
	vectorBody      = `{"object":"page","entry":[]}`
	vectorSignature = "sha256=0e9e0080a310f376450c46d999aa4d49ed772bfe43c13205f38a3a6e6611ed2b"
)

func posted(body, signature string) connectors.CallbackRequest {
	return connectors.CallbackRequest{Method: http.MethodPost, Body: []byte(body), Header: http.Header{"X-Hub-Signature-256": {signature}}}
}

func TestTheSignatureIsThatOfTheVector(t *testing.T) {
	t.Parallel()
	require.True(t, meta.Verify(vectorSecret, posted(vectorBody, vectorSignature)))
	for name, request := range map[string]connectors.CallbackRequest{
		"in capitals":    posted(vectorBody, strings.ToUpper(vectorSignature)),
		"no prefix":      posted(vectorBody, strings.TrimPrefix(vectorSignature, "sha256=")),
		"cut":            posted(vectorBody, vectorSignature[:70]),
		"longer":         posted(vectorBody, vectorSignature+"0"),
		"of other bytes": posted(vectorBody+" ", vectorSignature),
		"missing":        posted(vectorBody, ""),
	} {
		require.False(t, meta.Verify(vectorSecret, request), name)
	}
	require.False(t, meta.Verify("", posted("", "sha256=b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")), "the empty secret's")
}

func asked(query string) connectors.CallbackRequest {
	values, _ := url.ParseQuery(query)
	return connectors.CallbackRequest{Method: http.MethodGet, Query: values}
}

func TestAnAddressIsVerifiedWithTheRightTokenOnly(t *testing.T) {
	t.Parallel()
	app := meta.NewApp(meta.Options{AppSecret: vectorSecret, VerifyToken: "verify me"}, nil)
	got, err := app.ReceiveApp(asked("hub.mode=subscribe&hub.verify_token=verify+me&hub.challenge=115<8"))
	require.NoError(t, err)
	require.Equal(t, connectors.CallbackResponse{ContentType: "text/plain; charset=utf-8", Body: "115<8"}, got.Response)
	for _, query := range []string{
		"", "hub.mode=subscribe&hub.challenge=1", "hub.mode=subscribe&hub.verify_token=verify&hub.challenge=1",
		"hub.mode=unsubscribe&hub.verify_token=verify+me&hub.challenge=1", "hub.verify_token=verify+me&hub.challenge=1",
	} {
		_, err := app.ReceiveApp(asked(query))
		require.ErrorIs(t, err, connectors.ErrSignature, query)
	}
	none := meta.NewApp(meta.Options{}, nil)
	for _, request := range []connectors.CallbackRequest{asked("hub.mode=subscribe&hub.verify_token=&hub.challenge=1"), posted(vectorBody, vectorSignature)} {
		_, err = none.ReceiveApp(request)
		require.ErrorIs(t, err, connectors.ErrSignature)
	}
}

// byID makes an item with one message of each entry.
func byID(entry json.RawMessage) ([]connectors.AppItem, error) {
	var e struct{ ID, Message string }
	if err := json.Unmarshal(entry, &e); err != nil {
		return nil, connectors.Rejected("invalid_callback", "No.", "")
	}
	return []connectors.AppItem{{Kind: "facebook", Address: e.ID, Messages: []connectors.InMessage{{ProviderID: e.Message}}}}, nil
}

func TestEntriesGoToTheParserOfTheirObjectAndOneItemIsMadeOfEachChannel(t *testing.T) {
	t.Parallel()
	parsers := map[string]meta.Parser{meta.ObjectPage: byID}
	items, err := meta.Items([]byte(`{"object":"page","entry":[{"id":"1","message":"a"},{"id":"2","message":"b"},{"id":"1","message":"c"}]}`), parsers)
	require.NoError(t, err)
	require.Equal(t, []connectors.AppItem{
		{Kind: "facebook", Address: "1", Messages: []connectors.InMessage{{ProviderID: "a"}, {ProviderID: "c"}}},
		{Kind: "facebook", Address: "2", Messages: []connectors.InMessage{{ProviderID: "b"}}},
	}, items)
	for _, body := range []string{`{"object":"user","entry":[{"id":"1"}]}`, `{"object":"page","entry":[]}`, `{}`, `null`} {
		items, err := meta.Items([]byte(body), parsers)
		require.NoError(t, err, body)
		require.Empty(t, items, body)
	}
	for _, body := range []string{``, `[`, `[]`, `{"object":1}`, `{"object":"page","entry":{}}`, `{"object":"page","entry":[1]}`, `{"object":"page","entry":[{"id":"1"}`} {
		_, err := meta.Items([]byte(body), parsers)
		require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind, body)
	}
}

func TestAChannelsOwnAddressTakesOnlyWhatIsTheChannels(t *testing.T) {
	t.Parallel()
	const body = `{"object":"page","entry":[{"id":"1","message":"a"},{"id":"2","message":"b"}]}`
	parsers := map[string]meta.Parser{meta.ObjectPage: byID}
	_, err := meta.Receive(vectorSecret, "", posted(body, vectorSignature), parsers, "facebook", "2")
	require.ErrorIs(t, err, connectors.ErrSignature)
	signed := posted(body, "")
	metatest.SignCallback(vectorSecret, &signed)
	result, err := meta.Receive(vectorSecret, "", signed, parsers, "facebook", "2")
	require.NoError(t, err)
	require.Equal(t, []connectors.InMessage{{ProviderID: "b"}}, result.Messages)
}

func FuzzItems(f *testing.F) {
	for _, seed := range []string{vectorBody, `{"object":"page","entry":[{"id":"1","message":"a"}]}`, `{"entry":[[]]}`, "\xff", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, err := meta.Items(body, map[string]meta.Parser{meta.ObjectPage: byID})
		var rejected *connectors.Error
		if err != nil && (!errors.As(err, &rejected) || rejected.Kind != connectors.KindRejected) {
			t.Fatalf("%q: %v", body, err)
		}
	})
}
