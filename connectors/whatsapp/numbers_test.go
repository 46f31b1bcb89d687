package whatsapp

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"

	"github.com/switchhook/switchhook/connectors"
)

func requireRetryable(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, connectors.KindRetryable, connectors.AsError(err).Kind, "%v", err)
}

// lookups counts how often WhatsApp was asked whether a number has an account.
func (d *desk) lookups() int {
	asked := 0
	for _, stanza := range d.server.Stanzas() {
		sync := stanza.Node.GetChildByTag("usync")
		query := sync.GetChildByTag("query")
		if _, ok := query.GetOptionalChildByTag("contact"); ok {
			asked++
		}
	}
	return asked
}

func TestANumberWithoutAnAccountIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	for range 2 {
		refused := d.fails(t, connectors.OutMessage{To: "+49 170 0000099", Text: "anybody?"})
		require.Equal(t, connectors.KindRejected, refused.Kind)
		require.Equal(t, connectors.CodeInvalidRecipient, refused.Code)
		require.Equal(t, "to", refused.Field)
	}
	require.Equal(t, 1, d.lookups(), "the answer is remembered")

	d.server.AddUser("491700000099")
	d.advance(absentFor)
	_, err := d.send(soon(t), connectors.OutMessage{To: "491700000099", Text: "anybody?"})
	require.NoError(t, err, "for a time")
	require.Equal(t, 2, d.lookups())
}

func TestANumberThatIsKnownIsNotLookedUp(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.sends(t, d.text("first"))
	require.Equal(t, 1, d.lookups())
	d.advance(2 * presentFor)
	d.sends(t, d.text("second"))
	require.Equal(t, 1, d.lookups(), "the device has its LID")
}

func TestWithoutTheCheckASendFindsOutByItself(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(o *outboundOptions) { o.CheckNumbers = false })
	d.sends(t, d.text("first"))
	require.Zero(t, d.lookups())
	refused := d.fails(t, connectors.OutMessage{To: "491700000099", Text: "anybody?"})
	require.Equal(t, connectors.CodeInvalidRecipient, refused.Code)
}

func TestALookupThatFailsSendsNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.client.Disconnect()
	failed := d.fails(t, d.text("hello"))
	require.Equal(t, connectors.KindRetryable, failed.Kind)
	require.Equal(t, connectors.CodeNotConnected, failed.Code)
	_, err := d.checkNumbers(soon(t), []string{d.contact.Number()})
	require.Equal(t, connectors.CodeNotConnected, connectors.AsError(err).Code)
	d.close(notConnected(nil))
	_, err = d.checkNumbers(soon(t), []string{d.contact.Number()})
	requireRetryable(t, err)
}

func TestALookupThatIsNotAnsweredSendsNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := d.send(ctx, d.text("hello"))
	requireRetryable(t, err)
	require.Contains(t, connectors.AsError(err).Message, "did not say whether this number has an account")
	_, known := d.numbers.get(d.contact.Number(), d.now())
	require.False(t, known, "nothing was learned")
}

func TestNumbersAreChecked(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	checks, err := d.checkNumbers(soon(t), []string{"+49 170 0000002", "491700000099", "nonsense", "491700000002"})
	require.NoError(t, err)
	require.Equal(t, []connectors.NumberCheck{
		{Number: "+49 170 0000002", Exists: true, Address: "491700000002"},
		{Number: "491700000099"},
		{Number: "nonsense"},
		{Number: "491700000002", Exists: true, Address: "491700000002"},
	}, checks)

	none, err := d.checkNumbers(soon(t), []string{"nonsense"})
	require.NoError(t, err)
	require.Len(t, none, 1)
	require.Equal(t, 1, d.lookups())

	_, err = d.checkNumbers(soon(t), make([]string, maxNumbers+1))
	require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind)
}

func TestTheCacheOfNumbersIsBoundedAndForgets(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	cache := newNumberCache()
	there := numberFact{exists: true, jid: types.NewJID("1", types.DefaultUserServer)}
	cache.put("first", there, now)
	for i := range knownNumbers - 1 {
		cache.put(strconv.Itoa(i), numberFact{}, now)
	}
	got, ok := cache.get("first", now)
	require.True(t, ok)
	require.Equal(t, there, got)

	cache.put("one more", numberFact{}, now)
	_, ok = cache.get("0", now)
	require.False(t, ok, "the one that was not used for longest had to go")
	_, ok = cache.get("first", now)
	require.True(t, ok)
	require.Len(t, cache.entries, knownNumbers)

	_, ok = cache.get("1", now.Add(absentFor))
	require.False(t, ok)
	_, ok = cache.get("first", now.Add(presentFor))
	require.False(t, ok)
	cache.put("first", there, now.Add(presentFor))
	cache.put("first", numberFact{}, now.Add(presentFor))
	got, _ = cache.get("first", now.Add(presentFor))
	require.False(t, got.exists)
}
