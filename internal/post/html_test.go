package post

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
)

func TestWhoTakesMarkdownGetsTheSameTextAsHTML(t *testing.T) {
	t.Parallel()
	content := Content{Body: "<p>a <b>bold</b> word</p><script>alert(1)</script>", Overflow: OverflowTruncate}
	info := &connectors.PostInfo{Text: connectors.PostMarkdown}
	r, wrong, _ := render(content, "Blog", info, connectors.PostLimits{}, nil)
	require.Empty(t, wrong)
	require.Equal(t, []string{"a **bold** word"}, r.parts)
	require.Equal(t, "<p>a <strong>bold</strong> word</p>", r.html)

	r, _, _ = render(content, "Blog", info, connectors.PostLimits{Counter: connectors.CountRunes, TextLength: 100}, nil)
	require.NotEmpty(t, r.html)
	r, _, _ = render(content, "Blog", info, connectors.PostLimits{Counter: connectors.CountRunes, TextLength: 9}, nil)
	require.Empty(t, r.html, "it would be longer than the text that was made shorter")
	r, _, _ = render(content, "Wall", &connectors.PostInfo{Text: connectors.PostPlain}, connectors.PostLimits{}, nil)
	require.Empty(t, r.html)
}
