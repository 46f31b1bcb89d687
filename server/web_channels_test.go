package server_test

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/mastodon/mastodontest"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

// kinds are all kinds of channel, by the API.
func (a *tenant) kinds(t *testing.T) []map[string]any {
	t.Helper()
	kinds := []map[string]any{}
	for _, row := range a.send(t, 200, "GET", "/v1/connectors", "").field(t, "data").([]any) {
		kinds = append(kinds, row.(map[string]any))
	}
	return kinds
}

// member is a browser and the API of one account.
func (w *world) member(t *testing.T, name string) (*browser, *tenant) {
	t.Helper()
	b, key := w.newBrowser(t, name)
	return b, &tenant{world: w, key: key}
}

func TestChannelsAreListedByNetworkWithWhatToDo(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		b, a := w.member(t, "acme")
		require.Contains(t, b.get(t, "/app/channels").body, "No channel yet")

		id := a.channel(t, "sandbox", `{"number":"+15550000001"}`)
		a.send(t, 200, "PATCH", "/v1/channels/"+id, `{"name":"<script>alert(1)</script> \u202eevil"}`)
		session := a.session(t)
		page := b.get(t, "/app/channels")
		require.Equal(t, http.StatusOK, page.status)
		require.Contains(t, page.body, `&lt;script&gt;alert(1)&lt;/script&gt; \u202eevil`)
		require.NotContains(t, page.body, "<script>alert")
		for _, text := range []string{`scope="rowgroup">Sandbox`, `scope="rowgroup">WhatsApp`, "Not checked with the network yet", "/app/channels/" + session + "/link", "2 channels"} {
			require.Contains(t, page.body, text)
		}

		rows := b.get(t, "/app/channels/rows?q=support&connector=", "HX-Request: true")
		require.Contains(t, rows.body, "Support phone")
		require.NotContains(t, rows.body, id)
		require.NotContains(t, rows.body, "<html")
		require.Equal(t, "/app/channels?q=support", rows.header.Get("HX-Replace-Url"))
		require.Contains(t, b.get(t, "/app/channels?connector=telnyx_sms").body, "No channel fits")
		a.send(t, 200, "PATCH", "/v1/channels/"+id, `{"status":"disabled"}`)
		require.Contains(t, b.get(t, "/app/channels").body, `/app/channels/`+id+`/switch`)
	})
}

func TestEachKindOfChannelHasItsFormAndItsWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, a := w.member(t, "acme")
	missing := `channels\.(about|can|connect|form|group|how|new|short)\.` // the key stands where its text should
	chooser := b.get(t, "/app/channels/new").body
	for _, kind := range a.kinds(t) {
		name := kind["kind"].(string)
		require.Contains(t, chooser, `href="/app/channels/new/`+name+`"`)
		page := b.get(t, "/app/channels/new/"+name)
		require.Equal(t, http.StatusOK, page.status, name)
		require.NotRegexp(t, missing, page.body, "%s: a text is missing", name)
		require.Contains(t, page.body, `<p class="muted lead">`, "%s says what it is for", name)
		for _, row := range kind["fields"].([]any) {
			field := row.(map[string]any)
			require.Contains(t, page.body, `name="config.`+field["key"].(string)+`"`)
		}
		if kind["connect"] == true {
			require.Contains(t, page.body, `action="/app/channels/connect/`+name+`"`)
		}
	}
	require.NotRegexp(t, missing, chooser)
	require.Equal(t, http.StatusNotFound, b.get(t, "/app/channels/new/pigeon").status)
	require.Equal(t, http.StatusNotFound, b.post(t, "/app/channels/new/pigeon").status)
}

func TestARefusedChannelKeepsWhatWasTypedAndNoSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, a := w.member(t, "acme")
	b.get(t, "/app/channels/new/twilio_sms")
	page := b.post(t, "/app/channels/new/twilio_sms", "name", `My "number"`, "config.accountSid", "wrong", "config.authToken", "hush-hush", "config.phoneNumber", "+1 631 111 3333")
	require.Equal(t, http.StatusUnprocessableEntity, page.status)
	for _, text := range []string{`value="My &#34;number&#34;"`, `value="wrong"`, `value="&#43;1 631 111 3333"`, "does not have the expected form", "Enter it once more"} {
		require.Contains(t, page.body, text)
	}
	require.NotContains(t, page.body, "hush-hush")
	require.Empty(t, a.send(t, 200, "GET", "/v1/channels", "").field(t, "data"))
}

func TestAChannelIsMadeOnceHoweverOftenTheFormIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, a := w.member(t, "acme")
	b.get(t, "/app/channels/new/sandbox")
	form := []string{"name", "Try-out", "config.number", "+15550000007", "config.signingSecret", "hush-hush-hush", "once", "ONLYONCE"}
	made := b.post(t, "/app/channels/new/sandbox", form...)
	page := b.follow(t, made)
	require.Contains(t, page.body, "the network takes its settings", "it was checked at once")
	require.Equal(t, made.header.Get("Location"), b.post(t, "/app/channels/new/sandbox", form...).header.Get("Location"))
	require.Len(t, a.send(t, 200, "GET", "/v1/channels", "").field(t, "data"), 1)

	id := strings.TrimPrefix(made.header.Get("Location"), "/app/channels/")
	settings := b.get(t, "/app/channels/"+id+"/settings").body
	require.Contains(t, settings, `value="15550000007"`)
	require.NotContains(t, settings, "********", "no mask that could be sent back as a value")
	require.NotContains(t, settings, "hush-hush-hush")
	b.follow(t, b.post(t, "/app/channels/"+id+"/settings", "name", "Renamed", "config.number", "+15550000007", "config.signingSecret", ""))
	require.Equal(t, "********", a.send(t, 200, "GET", "/v1/channels/"+id, "").text(t, "config", "signingSecret"), "an empty secret stays as it was")
	wrong := b.post(t, "/app/channels/"+id+"/settings", "name", "", "config.number", "12")
	require.Equal(t, http.StatusUnprocessableEntity, wrong.status)
	require.Contains(t, wrong.body, `value="12"`)
	b.follow(t, b.post(t, "/app/channels/"+id+"/settings", "name", "Renamed", "config.number", "+15550000007", "remove.signingSecret", "yes"))
	require.NotContains(t, string(a.send(t, 200, "GET", "/v1/channels/"+id, "").body), "signingSecret")
	require.Equal(t, "Renamed", a.send(t, 200, "GET", "/v1/channels/"+id, "").text(t, "name"))

	require.Contains(t, b.follow(t, b.post(t, "/app/channels/"+id+"/switch", "status", "disabled")).body, "Switched off.")
	require.Contains(t, b.follow(t, b.post(t, "/app/channels/"+id+"/switch", "status", "active")).body, "Not checked")
	require.Contains(t, b.follow(t, b.post(t, "/app/channels/"+id+"/delete")).body, "The channel is deleted.")
	a.refused(t, 404, "not_found", "GET", "/v1/channels/"+id, "")
}

func TestASandboxChannelTakesSimulatedMessagesAndIsChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, a := w.member(t, "acme")
	id := a.channel(t, "sandbox", `{"number":"+15550000001"}`)
	page := "/app/channels/" + id
	require.Contains(t, b.get(t, page).body, "Simulate an incoming message")
	wrong := b.post(t, page+"/simulate", "from", "", "text", "<b>hello</b>")
	require.Equal(t, http.StatusUnprocessableEntity, wrong.status)
	require.Contains(t, wrong.body, "&lt;b&gt;hello&lt;/b&gt;</textarea>")
	b.follow(t, b.post(t, page+"/simulate", "from", "15551234567", "name", "Jane", "text", "hello", "once", "A"))
	require.Len(t, a.send(t, 200, "GET", "/v1/messages", "").field(t, "data"), 1)
	require.Contains(t, b.post(t, page+"/check").body, "The network accepts the credentials.")
	state := b.get(t, page+"/state", "HX-Request: true")
	require.Contains(t, state.body, "Connected")
	require.NotContains(t, state.body, "<form method=\"post\" action=\""+page+"/simulate")
}

func TestAChannelSaysHowItsProviderIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, a := w.member(t, "acme")
	id := a.twilioChannel(t, "twilio_sms")
	page := b.get(t, "/app/channels/"+id).body
	url := a.send(t, 200, "GET", "/v1/channels/"+id, "").text(t, "callbackUrl")
	require.Contains(t, page, `data-copy="`+url+`"`)
	require.Contains(t, page, "Phone Numbers, Manage, Active numbers")
	gupshup := a.channel(t, "gupshup_whatsapp", `{"apiKey":"key-key","appName":"MyApp","phoneNumber":"+919876543210","callbackToken":"abcdefghijklmnopqrstuvwxyz"}`)
	page = b.get(t, "/app/channels/"+gupshup).body
	require.Contains(t, page, "?token=YOUR-CALLBACK-TOKEN")
	require.NotContains(t, page, "abcdefghijklmnopqrstuvwxyz")
}

func TestAPhoneIsLinkedOnThePageByCode(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		b, a := w.member(t, "acme")
		b.get(t, "/app/channels/new/whatsapp")
		made := b.post(t, "/app/channels/new/whatsapp", "name", "Support", "config.sendGap", "0", "config.typing", "false")
		wizard := made.header.Get("Location")
		require.Regexp(t, `^/app/channels/sess_[a-z0-9]+/link$`, wizard)
		id := strings.Split(wizard, "/")[3]
		code := a.sessionBecomes(t, id, "QR").text(t, "qr")
		page := b.get(t, wizard).body
		require.Contains(t, page, `src="data:image/svg&#43;xml;base64,`)
		require.Contains(t, page, `data-listen="session:`+id+`"`)
		require.Contains(t, page, "data-countdown=")
		require.NotContains(t, page, code, "the code is a picture")
		step := b.get(t, wizard+"/step", "HX-Request: true").body
		require.Contains(t, step, `hx-swap-oob="innerHTML"`)

		b.get(t, wizard)
		wrong := b.post(t, "/app/channels/"+id+"/pair", "phoneNumber", "hello")
		require.Equal(t, http.StatusUnprocessableEntity, wrong.status)
		require.Contains(t, wrong.body, `value="hello"`)

		phone := w.phones.AddUser("15559876543", watest.WithName("<b>Emily</b>"))
		_, err := phone.Scan(t.Context(), code)
		require.NoError(t, err)
		a.sessionBecomes(t, id, "CONNECTED")
		step = b.get(t, wizard+"/step", "HX-Request: true").body
		require.Contains(t, step, "data-linked")
		require.Contains(t, step, "15559876543")
		require.NotContains(t, step, "<b>Emily")

		w.phones.AddUser("15551234567")
		numbers := b.post(t, "/app/channels/"+id+"/numbers", "numbers", "15551234567\n15557654321\n")
		require.Contains(t, numbers.body, "On WhatsApp:")
		require.Contains(t, numbers.body, "Not on WhatsApp:")
		require.Equal(t, http.StatusUnprocessableEntity, b.post(t, "/app/channels/"+id+"/numbers", "numbers", "x").status)

		require.Contains(t, b.follow(t, b.post(t, "/app/channels/"+id+"/logout")).body, "The device is logged out.")
		require.Contains(t, b.get(t, wizard).body, "Begin again")
		require.Equal(t, wizard, b.post(t, "/app/channels/"+id+"/link").header.Get("Location"))
		a.sessionBecomes(t, id, "QR")
	})
}

func TestAPhoneIsLinkedByPasskeyOnThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, a := w.member(t, "acme")
	w.phones.Switch(func(s *watest.Switches) { s.DemandPasskey = true })
	owner := w.phones.AddUser("15559876543")
	id := a.session(t)
	page := "/app/channels/" + id
	require.Equal(t, page+"/link", b.get(t, page+"/passkey").header.Get("Location"), "it is not asked for yet")
	code := a.sessionBecomes(t, id, "QR").text(t, "qr")
	scanned := make(chan error, 1)
	go func() {
		_, err := owner.Scan(t.Context(), code)
		scanned <- err
	}()
	eventually(t, "the page leads to the passkey", func() bool {
		return strings.Contains(b.get(t, page+"/link/step", "HX-Request: true").body, page+"/passkey")
	})
	require.Contains(t, b.get(t, page+"/passkey").body, "navigator.credentials.get")
	wrong := b.post(t, page+"/passkey", "response", "nonsense")
	require.Equal(t, http.StatusUnprocessableEntity, wrong.status)
	require.Contains(t, wrong.body, "nonsense</textarea>")
	answer := `{"id":"AQ","rawId":"AQ","type":"public-key","response":{"clientDataJSON":"AQ","authenticatorData":"AQ","signature":"AQ"}}`
	require.Equal(t, page+"/link", b.post(t, page+"/passkey", "response", answer).header.Get("Location"))
	require.NoError(t, <-scanned)
	a.sessionBecomes(t, id, "CONNECTED")
}

func TestConnectingOnTheNetworksPageSaysWhatWillHappen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, _ := w.member(t, "acme")
	b.get(t, "/app/channels/new/mastodon")
	wrong := b.post(t, "/app/channels/connect/mastodon", "ask.instanceUrl", "")
	require.Equal(t, http.StatusUnprocessableEntity, wrong.status)
	require.Contains(t, wrong.body, "Instance is required.")
	instance := mastodontest.New(t, w.parts.Now())
	there := b.post(t, "/app/channels/connect/mastodon", "ask.instanceUrl", instance.URL)
	require.Equal(t, http.StatusOK, there.status)
	require.Contains(t, there.body, "What happens next")
	link := regexp.MustCompile(`href="(` + regexp.QuoteMeta(instance.URL) + `/oauth/authorize[^"]+)"`).FindStringSubmatch(there.body)
	require.Len(t, link, 2)
	back := w.shown(t, http.StatusOK, w.visit(t, html.UnescapeString(link[1])))
	require.Contains(t, back, `href="/app/channels"`, "the last page leads back")
	require.Contains(t, b.get(t, "/app/channels").body, `scope="rowgroup">Mastodon`)
	require.Equal(t, http.StatusNotFound, b.post(t, "/app/channels/connect/pigeon").status)
}

func TestNoPageShowsAnotherAccountsChannels(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	_, a := w.member(t, "acme")
	id, session := a.channel(t, "sandbox", `{"number":"+15550000001"}`), a.session(t)
	b, _ := w.member(t, "other")
	require.NotContains(t, b.get(t, "/app/channels").body, id)
	for _, mine := range []string{id, session} {
		for _, below := range []string{"", "/state", "/settings", "/link", "/link/step", "/passkey"} {
			require.Equal(t, http.StatusNotFound, b.get(t, "/app/channels/"+mine+below).status, below)
		}
		for _, below := range []string{"/check", "/simulate", "/settings", "/switch", "/delete", "/link", "/pair", "/passkey", "/passkey/confirm", "/logout", "/numbers"} {
			require.Equal(t, http.StatusNotFound, b.post(t, "/app/channels/"+mine+below, "name", "x", "from", "15551234567", "numbers", "15551234567", "phoneNumber", "15551234567", "response", "{}").status, below)
		}
	}
	a.send(t, 200, "GET", "/v1/channels/"+id, "")
	a.send(t, 200, "GET", "/v1/sessions/"+session, "")
}

func TestAStrangeIdIsNoAddressOfTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, _ := w.member(t, "acme")
	for _, id := range []string{"x%2F..%2F..%2Fv1%2Fkeys", "%3Flimit=1", "..%2Fkeys", "%00", "a%20b"} {
		require.GreaterOrEqual(t, b.get(t, "/app/channels/"+id).status, 400, id)
		require.GreaterOrEqual(t, b.get(t, "/app/channels/"+id+"/settings").status, 400, id)
	}
}
