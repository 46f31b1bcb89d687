package whatsappcloud_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
	"github.com/switchhook/switchhook/connectors/whatsappcloud"
)

// callback wraps the news of a number as Meta does.
func callback(display, id, news string) string {
	return `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"metadata":{"display_phone_number":"` + display +
		`","phone_number_id":"` + id + `"},` + news + `}}]}]}`
}

func signed(body string) connectors.CallbackRequest {
	request := connectors.CallbackRequest{Method: http.MethodPost, URL: callbackURL, Header: http.Header{}, Body: []byte(body)}
	metatest.SignCallback(metatest.AppSecret, &request)
	return request
}

func receive(t *testing.T, channel connectors.Conn, news string) connectors.CallbackResult {
	t.Helper()
	result, err := channel.(connectors.Receiver).Receive(signed(callback("+1 631 111 3333", numberID, news)))
	require.NoError(t, err)
	return result
}

func TestAChannelIsVerifiedWithItsOwnTokenOrElseTheOperators(t *testing.T) {
	t.Parallel()
	ask := func(channel connectors.Conn, token string) (connectors.CallbackResult, error) {
		query := url.Values{"hub.mode": {"subscribe"}, "hub.verify_token": {token}, "hub.challenge": {"1158201444"}}
		return channel.(connectors.Receiver).Receive(connectors.CallbackRequest{Method: http.MethodGet, Query: query})
	}
	options := meta.Options{VerifyToken: "the operator's", AppSecret: "the operator's secret"}
	got, err := ask(open(t, options, nil), metatest.VerifyToken)
	require.NoError(t, err)
	require.Equal(t, "1158201444", got.Response.Body)
	_, err = ask(open(t, options, nil), "the operator's")
	require.ErrorIs(t, err, connectors.ErrSignature)
	bare := open(t, options, connectors.Config{"verifyToken": "", "appSecret": ""})
	_, err = ask(bare, "the operator's")
	require.NoError(t, err)
	request := signed(callback("", numberID, `"messages":[]`))
	_, err = bare.(connectors.Receiver).Receive(request)
	require.ErrorIs(t, err, connectors.ErrSignature)
	metatest.SignCallback("the operator's secret", &request)
	_, err = bare.(connectors.Receiver).Receive(request)
	require.NoError(t, err)
}

func TestAnAppsCallbackIsSortedByNumber(t *testing.T) {
	t.Parallel()
	app := meta.NewApp(meta.Options{AppSecret: metatest.AppSecret}, map[string]meta.Parser{meta.ObjectWhatsApp: whatsappcloud.ParseEntry})
	var changes []string
	for i := range 1000 {
		changes = append(changes, fmt.Sprintf(`{"field":"messages","value":{"metadata":{"display_phone_number":"1631111333%d","phone_number_id":"7"},
			"messages":[{"id":"wamid.%d","from":"16311112222","type":"text","text":{"body":"%d"}}]}}`, i%2, i, i))
	}
	body := `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[` + strings.Join(changes, ",") + `]}]}`
	result, err := app.ReceiveApp(signed(body))
	require.NoError(t, err)
	require.Len(t, result.Items, 2)
	for i, item := range result.Items {
		require.Equal(t, whatsappcloud.Kind, item.Kind)
		require.Equal(t, fmt.Sprintf("1631111333%d", i), item.Address)
		require.Len(t, item.Messages, 500)
		require.Equal(t, item.Address, item.Messages[0].To)
		require.Equal(t, fmt.Sprintf("wamid.%d", i+998), item.Messages[499].ProviderID)
	}
	result, err = app.ReceiveApp(signed(callback("", "7", `"messages":[{"id":"a","from":"16311112222","type":"text"}]`)))
	require.NoError(t, err)
	require.Empty(t, result.Items, "a number that is not told")
	for _, wrong := range []string{`{"changes":7}`, `{"changes":[{"field":"messages","value":[]}]}`} {
		_, err = app.ReceiveApp(signed(`{"object":"whatsapp_business_account","entry":[` + wrong + `]}`))
		require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind, wrong)
	}
}

func TestAMessageThatIsOddDoesNotTakeTheOthersWithIt(t *testing.T) {
	t.Parallel()
	result := receive(t, open(t, meta.Options{}, nil), `"messages":[7,{"id":1},{"from":"16311112222"},{"id":"wamid.0"},
		{"id":"wamid.1","from":"16311112222","type":"text","text":{"body":"here"}},
		{"id":"wamid.2","from":"16311112222","type":"image","image":{"id":"../me"}},
		{"id":"wamid.3","from":"16311112222","type":"location","location":{"latitude":91,"longitude":0}},
		{"id":"wamid.4","from":"16311112222","type":"reaction"}],
		"statuses":[7,{"status":"read"},{"id":"wamid.9","status":"from-the-future"},{"id":"wamid.9","status":"read"}]`)
	var types []string
	for _, m := range result.Messages {
		require.Empty(t, m.Media)
		types = append(types, m.Type)
	}
	require.Equal(t, []string{"text", "other", "other", "other"}, types)
	require.Len(t, result.Statuses, 1)
}

func FuzzParseEntry(f *testing.F) {
	for _, seed := range []string{
		`"messages":[{"id":"a","from":"16311112222","type":"text","text":{"body":"x"},"timestamp":"1782742867"}]`,
		`"contacts":[{"wa_id":"1","user_id":"US.1"}],"messages":[{"id":"a","from_user_id":"US.1","type":"interactive","interactive":{"nfm_reply":{"response_json":"{"}}}]`,
		`"messages":[{"id":"a","from":"1","type":"image","image":{"id":"1"},"timestamp":1e99},{"id":"b","from":"1","type":"contacts","contacts":[{}]}]`,
		`"statuses":[{"id":"a","status":"failed","errors":[{"code":131047}]}]`, `"statuses":{}`, `"messages":[[`,
	} {
		f.Add(callback(address, numberID, seed))
	}
	f.Fuzz(func(t *testing.T, body string) {
		items, err := meta.Items([]byte(body), map[string]meta.Parser{meta.ObjectWhatsApp: whatsappcloud.ParseEntry})
		if err != nil {
			require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind)
			return
		}
		for _, item := range items {
			require.NotEmpty(t, item.Address)
			for _, message := range item.Messages {
				require.NotEmpty(t, message.ProviderID)
				require.NotEmpty(t, message.From)
				require.NotEmpty(t, message.Type)
				_, err := json.Marshal(message)
				require.NoError(t, err)
			}
			for _, update := range item.Statuses {
				require.NotEmpty(t, update.ProviderID+update.MessageID)
				require.NotEmpty(t, update.Status)
			}
		}
	})
}
