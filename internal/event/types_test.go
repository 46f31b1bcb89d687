package event_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/event"
)

func TestTypesStandTogetherByWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	var about []string
	for _, known := range event.Types() {
		of, _, _ := strings.Cut(known.Event, ".")
		about = append(about, of)
		require.True(t, event.Known(known.Event))
		require.NotEmpty(t, known.Title)
		require.NotEmpty(t, known.Description)
	}
	require.Equal(t, []string{"message", "session", "post", "account", "webhook"}, slices.Compact(about))
	for _, unknown := range []string{"", "post", "post.deleted", "Message.Received", "message.received "} {
		require.False(t, event.Known(unknown), unknown)
	}
}
