package connectors_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
)

func limitedInfo() connectors.Info {
	return connectors.Info{
		Name:      "Example",
		Abilities: []connectors.Ability{connectors.AbilitySend, connectors.AbilityMedia},
		Limits:    connectors.Limits{TextLength: 5, MediaCount: 2, MediaBytes: 10, MediaTypes: []string{"image/*", "application/pdf"}},
	}
}

func TestCheckLimitsNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	file := func(contentType string, size int64) connectors.OutMedia {
		return connectors.OutMedia{URL: "https://files.example/a", ContentType: contentType, Size: size}
	}
	tests := map[string]struct {
		message connectors.OutMessage
		kind    connectors.Kind // empty: within the limits
		field   string
	}{
		"a text of the full length passes":            {connectors.OutMessage{To: "1", Text: "äöü€𝕏"}, "", ""},
		"a text one code point too long is refused":   {connectors.OutMessage{To: "1", Text: strings.Repeat("€", 6)}, connectors.KindRejected, "text"},
		"a message without recipient is refused":      {connectors.OutMessage{To: " ", Text: "a"}, connectors.KindRejected, "to"},
		"an empty message is refused":                 {connectors.OutMessage{To: "1"}, connectors.KindRejected, "text"},
		"files of allowed types pass":                 {connectors.OutMessage{To: "1", Media: []connectors.OutMedia{file("image/png", 10), file("Application/PDF; x=y", 0)}}, "", ""},
		"a file of unknown type and size passes":      {connectors.OutMessage{To: "1", Media: []connectors.OutMedia{file("", 0)}}, "", ""},
		"one file too many is refused":                {connectors.OutMessage{To: "1", Media: make([]connectors.OutMedia, 3)}, connectors.KindRejected, "media"},
		"a file one byte too large is refused":        {connectors.OutMessage{To: "1", Media: []connectors.OutMedia{file("image/png", 11)}}, connectors.KindRejected, "media"},
		"a file of another type is refused":           {connectors.OutMessage{To: "1", Media: []connectors.OutMedia{file("text/html", 1)}}, connectors.KindRejected, "media"},
		"a template is not supported by this kind":    {connectors.OutMessage{To: "1", Template: &connectors.Template{Name: "x"}}, connectors.KindUnsupported, ""},
		"a family does not match another's prefix":    {connectors.OutMessage{To: "1", Media: []connectors.OutMedia{file("imagery/png", 1)}}, connectors.KindRejected, "media"},
		"a type that cannot be parsed is compared so": {connectors.OutMessage{To: "1", Media: []connectors.OutMedia{file("image/png;;;=", 1)}}, "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := connectors.CheckLimits(limitedInfo(), test.message)
			if test.kind == "" {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			require.Equal(t, test.kind, connectors.AsError(err).Kind)
			require.Equal(t, test.field, connectors.AsError(err).Field)
		})
	}
}

func TestCheckLimitsRefusesMediaWhereTheKindHasNone(t *testing.T) {
	t.Parallel()
	info := connectors.Info{Name: "Example", Abilities: []connectors.Ability{connectors.AbilitySend}}
	err := connectors.CheckLimits(info, connectors.OutMessage{To: "1", Media: make([]connectors.OutMedia, 1)})
	require.Equal(t, connectors.KindUnsupported, connectors.AsError(err).Kind)
}

func TestMessageTypeFollowsTheFirstFile(t *testing.T) {
	t.Parallel()
	require.Equal(t, "text", connectors.MessageType(nil))
	for contentType, want := range map[string]string{
		"image/jpeg": "image", "Video/MP4": "video", "audio/ogg; codecs=opus": "audio", "application/pdf": "document",
		"text/x-vcard": "contact", "text/vcard": "contact", "": "document", "image": "image",
	} {
		require.Equal(t, want, connectors.MessageType([]connectors.MediaRef{{ContentType: contentType}}), contentType)
	}
}
