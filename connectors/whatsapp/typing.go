package whatsapp

import (
	"context"
	"math"
	"time"
	"unicode/utf8"

	"go.mau.fi/whatsmeow/types"
)

// How long "typing…" is shown: a moment to begin, and some for each character. People who type faster are rare, people who wait longer too.
const (
	typingBegins  = 400 * time.Millisecond
	typingPerRune = 25 * time.Millisecond
	typingMost    = 2500 * time.Millisecond // three seconds with the jitter; a voice message is always "recorded" so long
	typingJitter  = 0.2                     // of the time, up and down
	typingTimeout = 5 * time.Second         // to tell WhatsApp; a slow line must not hold up the message
)

// showTyping lets the other side see that something is being written, or spoken with a voice message, for a natural moment. A failure is
// none of the message: the line may break just here, and then sending says so.
func (o *outbound) showTyping(ctx context.Context, to types.JID, text string, voice bool) {
	if !o.typing || (text == "" && !voice) {
		return
	}
	media := types.ChatPresenceMediaText
	if voice {
		media = types.ChatPresenceMediaAudio
	}
	to = o.byLID(ctx, to)
	if !o.tellTyping(ctx, to, types.ChatPresenceComposing, media) {
		return
	}
	runes := utf8.RuneCountInString(text)
	if voice {
		runes = math.MaxInt
	}
	if o.wait(ctx, typingTime(runes, o.random())) != nil {
		return
	}
	o.tellTyping(ctx, to, types.ChatPresencePaused, types.ChatPresenceMediaText)
}

func (o *outbound) tellTyping(ctx context.Context, to types.JID, state types.ChatPresence, media types.ChatPresenceMedia) bool {
	ctx, cancel := context.WithTimeout(ctx, typingTimeout)
	defer cancel()
	return o.ready() == nil && o.client.SendChatPresence(ctx, to, state, media) == nil
}

// typingTime is how long a text of so many characters is shown as being typed; random is from 0 to below 1.
func typingTime(runes int, random float64) time.Duration {
	natural := typingMost
	if runes < int(typingMost/typingPerRune) {
		natural = min(typingMost, typingBegins+time.Duration(runes)*typingPerRune)
	}
	return time.Duration(float64(natural) * (1 + typingJitter*(2*random-1)))
}
