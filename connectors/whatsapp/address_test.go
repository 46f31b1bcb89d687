package whatsapp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"

	"github.com/switchhook/switchhook/connectors"
)

func TestRecipientsAreNumbersAndJIDs(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		jid    string
		number bool
	}{
		"491700000002":                  {"491700000002@s.whatsapp.net", true},
		" +49 170-000 0002 ":            {"491700000002@s.whatsapp.net", true},
		"+1 (631) 111.3333":             {"16311113333@s.whatsapp.net", true},
		"491700000002@s.whatsapp.net":   {"491700000002@s.whatsapp.net", false},
		"491700000002@S.WhatsApp.net":   {"491700000002@s.whatsapp.net", false},
		"491700000002@c.us":             {"491700000002@s.whatsapp.net", false},
		"1000491700000002@lid":          {"1000491700000002@lid", false},
		"120363000000000000@g.us":       {"120363000000000000@g.us", false},
		"491700000002-1417459001@g.us":  {"491700000002-1417459001@g.us", false},
		" 120363000000000000@g.us\r\n ": {"120363000000000000@g.us", false},
	}
	for to, want := range cases {
		got, err := parseRecipient(to)
		require.NoError(t, err, to)
		require.Equal(t, want.jid, got.jid.String(), to)
		require.Equal(t, want.number, got.number, to)
	}
}

func TestOtherRecipientsAreRefusedWithASentence(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"":                               "country code",
		"hello":                          "country code",
		"12345":                          "country code",
		"0170 0000002":                   "leading zeros",
		"00491700000002":                 "leading zeros",
		"1234567890123456":               "country code",
		"491700000002:3@s.whatsapp.net":  "device",
		"1000491700000002:12@lid":        "device",
		"status@broadcast":               "status",
		"1234567890@broadcast":           "broadcast lists",
		"120363000000000000@newsletter":  "channels",
		"491700000002.1@s.whatsapp.net":  "not the JID",
		"0@s.whatsapp.net":               "not the JID",
		"a@b@c":                          "not the JID",
		"@s.whatsapp.net":                "not the JID",
		"@g.us":                          "not the JID",
		"12-@g.us":                       "not the JID",
		"1-2-3@g.us":                     "not the JID",
		"491700000002@msgr":              "not the JID",
		"491700000002@":                  "not the JID",
		strings.Repeat("1", 21) + "@lid": "not the JID",
	}
	for to, says := range cases {
		_, err := parseRecipient(to)
		failed := connectors.AsError(err)
		require.Equal(t, connectors.KindRejected, failed.Kind, to)
		require.Equal(t, connectors.CodeInvalidRecipient, failed.Code, to)
		require.Equal(t, "to", failed.Field, to)
		require.Contains(t, failed.Message, says, to)
	}
}

func TestTheWriterOfAnEarlierMessageIsAPerson(t *testing.T) {
	t.Parallel()
	require.Equal(t, "491700000002@s.whatsapp.net", personJID("491700000002").String())
	require.Equal(t, "1000@lid", personJID("1000@lid").String())
	require.True(t, personJID("").IsEmpty())
	require.True(t, personJID("120363000000000000@g.us").IsEmpty())
}

func FuzzParseRecipient(f *testing.F) {
	for _, seed := range []string{"491700000002", "+49 170", "1@lid", "1-2@g.us", "x:1@s.whatsapp.net", "status@broadcast", "1@2@3", "\x00@g.us", "１２３４５６"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, to string) {
		got, err := parseRecipient(to)
		if err != nil {
			require.Equal(t, connectors.CodeInvalidRecipient, connectors.AsError(err).Code)
			return
		}
		again, err := types.ParseJID(got.jid.String())
		require.NoError(t, err, "whatsmeow reads it as we do")
		require.Equal(t, got.jid, again)
		require.Contains(t, []string{types.DefaultUserServer, types.HiddenUserServer, types.GroupServer}, got.jid.Server)
		require.NotEmpty(t, got.jid.User)
		require.Zero(t, got.jid.Device)
		second, err := parseRecipient(got.jid.String())
		require.NoError(t, err)
		require.Equal(t, got.jid, second.jid)
	})
}
