package whatsapp

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types"
)

func TestTypingTakesANaturalMoment(t *testing.T) {
	t.Parallel()
	require.Equal(t, 400*time.Millisecond, typingTime(0, 0.5))
	require.Equal(t, 650*time.Millisecond, typingTime(10, 0.5))
	require.Equal(t, 520*time.Millisecond, typingTime(10, 0))
	require.Equal(t, 2500*time.Millisecond, typingTime(1000, 0.5))
	require.LessOrEqual(t, typingTime(math.MaxInt, 1), 3*time.Second)
}

func TestTypingIsSeenBeforeTheMessage(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(o *outboundOptions) { o.Typing = true })

	d.sends(t, d.text("ten chars."))

	composing, err := d.contact.WaitTyping(soon(t), types.ChatPresenceComposing)
	require.NoError(t, err)
	require.Empty(t, composing.Media)
	_, err = d.contact.WaitTyping(soon(t), types.ChatPresencePaused)
	require.NoError(t, err)
	require.Equal(t, []time.Duration{650 * time.Millisecond}, d.sinceStart())
	var order []string
	for _, stanza := range d.server.Stanzas() {
		if tag := stanza.Node.Tag; tag == "chatstate" || tag == "message" {
			order = append(order, tag)
		}
	}
	require.Equal(t, []string{"chatstate", "chatstate", "message"}, order)
}

func TestTypingIsNotShownWhereTheSessionDoesNotWantIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.sends(t, d.text("at once"))
	require.Empty(t, d.sinceStart())
	for _, stanza := range d.server.Stanzas() {
		require.NotEqual(t, "chatstate", stanza.Node.Tag)
	}
}

func TestTypingThatFailsDoesNotStopTheMessage(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(o *outboundOptions) {
		o.Typing = true
		o.Wait = func(context.Context, time.Duration) error { return context.DeadlineExceeded }
	})
	require.Equal(t, "all the same", d.sends(t, d.text("all the same")).Text())
}

func TestASendThatEndsWhileTypingSendsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	d := newDesk(t, func(o *outboundOptions) {
		o.Typing = true
		o.Wait = func(ctx context.Context, _ time.Duration) error {
			cancel()
			return ctx.Err()
		}
	})
	_, err := d.send(ctx, d.text("too late"))
	requireRetryable(t, err)
	require.Zero(t, d.server.Counters().Messages)
}
