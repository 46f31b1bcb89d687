package server

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnAliasAnswersAsItsRoute(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	g.install()
	for alias, path := range map[string]string{"/v1/channels/connect/mastodon": "/v1/connect/mastodon"} {
		want, got := g.call(t, "GET", path, ""), g.call(t, "GET", alias, "")
		require.Equal(t, 401, want.StatusCode())
		require.Equal(t, want.StatusCode(), got.StatusCode(), alias)
		require.NotContains(t, string(got.Body()), "route_not_found")
	}
}
