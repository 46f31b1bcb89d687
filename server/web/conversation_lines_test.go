package web

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func drawer(t *testing.T) *Web {
	t.Helper()
	words, err := readTexts()
	require.NoError(t, err)
	return &Web{texts: words, o: Options{BaseURL: "https://hooks.example.com"}}
}

func said(id, text, at string) messageInfo {
	return messageInfo{ID: id, ProviderID: "p" + id, Direction: inbound, From: "15551230000", PushName: "Emily", Type: "text", Text: text, Status: "received", CreatedAt: at}
}

const noon = "2026-11-21T12:00:00.000Z"

func reacts(id, to, emoji, from string) messageInfo {
	m := said(id, "", noon)
	m.Type, m.From, m.PushName = "reaction", from, from
	m.Reaction = &struct {
		MessageID string `json:"messageId"`
		Emoji     string `json:"emoji"`
	}{to, emoji}
	return m
}

func TestAnswersQuoteAndReactionsStandOnWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	answer, lost := said("2", "Yes", noon), said("3", "What?", noon)
	answer.ReplyTo, lost.ReplyTo = "p1", "of long ago"
	lines := drawer(t).lines([]messageInfo{
		said("1", "Ready?", noon), answer, lost, reacts("4", "p1", "👍", "Ann"), reacts("5", "p1", "❤️", "Ben"), reacts("6", "p1", "🎉", "Ann"),
		reacts("7", "p1", "", "Ben"), reacts("8", "elsewhere", "😮", "Ann"), reacts("9", "elsewhere", "", "Ann"),
	})
	require.Len(t, lines, 5)
	require.Equal(t, []reaction{{"🎉", "Ann"}}, lines[0].Reactions, "a later one takes the place of the earlier, an empty one takes it away")
	require.Equal(t, &quote{ID: "1", Who: "Emily", Text: "Ready?"}, lines[1].Quote)
	require.Equal(t, &quote{Text: "Answers an earlier message"}, lines[2].Quote)
	require.Equal(t, "Reacted with 😮", lines[3].Word)
	require.Equal(t, "Took a reaction back", lines[4].Word)
	plain := drawer(t).lines([]messageInfo{said("1", "Ready?", noon)})
	require.NotEqual(t, plain[0].Version, lines[0].Version, "a page that shows the line draws it anew")
}

func TestEachDayBeginsOnce(t *testing.T) {
	t.Parallel()
	lines := drawer(t).lines([]messageInfo{
		said("1", "a", "2026-11-20T23:59:59.999Z"), said("2", "b", "2026-11-21T00:00:00.000Z"), said("3", "c", "2026-11-21T23:00:00.000Z"),
	})
	require.Equal(t, []string{"2026-11-20", "2026-11-21", ""}, []string{lines[0].Day, lines[1].Day, lines[2].Day})
}

func TestHowFarAMessageHasComeIsSaidInWords(t *testing.T) {
	t.Parallel()
	w := drawer(t)
	for status, word := range map[string]string{
		"queued": "Queued", "sending": "Sending", "sent": "Sent", "delivered": "Delivered", "read": "Read", "failed": "Failed", "unconfirmed": "Unconfirmed",
	} {
		m := messageInfo{Direction: "outbound", Status: status}
		got := w.tick(&m)
		require.Equal(t, word, got.Word)
		require.Equal(t, status == "failed" || status == "unconfirmed", got.Reason != "", status)
	}
	refused := messageInfo{Direction: "outbound", Status: "failed", Error: &struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}{"window_expired", "The window is closed."}}
	require.Equal(t, &tick{"circle-x", "Failed", "failed", "The window is closed.", "window_expired"}, w.tick(&refused))
	elsewhere := said("1", "from the phone", noon)
	elsewhere.FromMe = true
	line := w.line(&elsewhere)
	require.True(t, line.Mine)
	require.Nil(t, line.Tick)
}

func TestOnlyFilesThatLieHereAreShownOnThePage(t *testing.T) {
	t.Parallel()
	w := drawer(t)
	require.Equal(t, file{"/media/abc", "image", "Picture", true}, w.file(mediaInfo{URL: "https://hooks.example.com/media/abc", Kind: "image", ContentType: "image/png"}))
	require.Equal(t, file{"/media/abc", "image", "Picture", true}, w.file(mediaInfo{URL: "https://hooks.example.com/media/abc", Kind: "sticker"}))
	require.Equal(t, file{"/media/abc", "document", "a.pdf", true},
		w.file(mediaInfo{URL: "https://hooks.example.com/media/abc", Kind: "document", ContentType: "application/pdf", FileName: "a.pdf"}))
	require.Equal(t, file{"https://other.example/x.png", "file", "File", false},
		w.file(mediaInfo{URL: "https://other.example/x.png", Kind: "image", ContentType: "image/png"}), "another server would learn who looks")
	require.False(t, w.file(mediaInfo{URL: "https://hooks.example.com.evil.example/media/x", Kind: "image"}).Local)
}

func TestAMessageIsToldInAFewWords(t *testing.T) {
	t.Parallel()
	w := drawer(t)
	for _, c := range []struct {
		m    messageInfo
		want string
	}{
		{messageInfo{Text: "a\n  b\tc"}, "a b c"},
		{messageInfo{Text: "a\u202eb"}, `a\u202eb`},
		{messageInfo{Type: "image"}, "Picture"},
		{messageInfo{Type: "poll_vote"}, "Vote in a poll"},
		{messageInfo{Type: "from the future"}, "A message of a kind that is not shown here"},
		{messageInfo{Text: strings.Repeat("ä", 200)}, strings.Repeat("ä", 139) + "…"},
		{messageInfo{Type: "image", Text: " \n "}, "Picture"},
	} {
		require.Equal(t, c.want, w.preview(&c.m))
	}
	long := messageInfo{Text: strings.Repeat("x", 1<<20)}
	require.True(t, w.line(&long).Long)
	require.Len(t, []rune(w.line(&long).Text), textLength)
}

func TestAGroupIsNotCalledLikeOneOfItsPeople(t *testing.T) {
	t.Parallel()
	c := conversationInfo{ChannelID: "sess_1", Contact: "1203@g.us", ContactName: "Ann", LastMessage: said("1", "Hi all", noon)}
	c.LastMessage.Chat = c.Contact
	row := drawer(t).conversationRow(&c, map[string]string{"sess_1": "Phone"}, nil, "")
	require.Equal(t, "Group 1203@g.us", row.Name)
	require.Equal(t, "Emily: Hi all", row.Preview)
	require.Equal(t, "/app/messages/sess_1/1203@g.us", row.Address)
	require.Equal(t, "/app/messages/a%2Fb/c%3F%2F..%23d", conversationPath("a/b", "c?/..#d"))
}
