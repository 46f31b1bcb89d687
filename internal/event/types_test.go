package event_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/event"
)

func TestTypesStandTogetherByWhatTheyAreAboutAndSayWhatIsNotRaisedYet(t *testing.T) {
	t.Parallel()
	var about []string
	for _, known := range event.Types() {
		of, _, _ := strings.Cut(known.Event, ".")
		about = append(about, of)
		require.True(t, event.Known(known.Event))
		require.NotEmpty(t, known.Title)
		later := of == "post"
		require.Equal(t, later, strings.Contains(known.Description, "Not raised yet: "), known.Event)
	}
	require.Equal(t, []string{"message", "session", "post", "account", "webhook"}, slices.Compact(about))
	for _, unknown := range []string{"", "post", "post.deleted", "Message.Received", "message.received "} {
		require.False(t, event.Known(unknown), unknown)
	}
}
