package sandbox_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/sandbox"
)

func TestThePostsOptionDecidesWhatBecomesOfIt(t *testing.T) {
	t.Parallel()
	conn, err := sandbox.New().Open(connectors.Channel{Address: "15550000000"}, connectors.Host{})
	require.NoError(t, err)
	for outcome, want := range map[string]struct {
		kind         connectors.Kind
		begun, found bool
	}{
		"":             {begun: true},
		"published":    {begun: true},
		"rejected":     {kind: connectors.KindRejected},
		"rate_limited": {kind: connectors.KindRateLimited},
		"unlinked":     {kind: connectors.KindUnlinked},
		"down":         {kind: connectors.KindRetryable},
		"unconfirmed":  {kind: connectors.KindUnconfirmed, begun: true},
		"late":         {kind: connectors.KindUnconfirmed, begun: true, found: true},
	} {
		begun := false
		post := connectors.OutPost{ID: "tgt_1-0", Text: "Hello", Options: map[string]string{"outcome": outcome}}
		post.Begin = func(context.Context) error { begun = true; return nil }
		published, err := conn.(connectors.Publisher).Publish(t.Context(), post)
		require.Equal(t, want.begun, begun, outcome)
		if want.kind == "" {
			require.NoError(t, err)
			require.Equal(t, connectors.Published{ProviderID: "sbx_tgt_1-0", URL: "https://sandbox.invalid/posts/sbx_tgt_1-0"}, published)
		} else {
			require.Equal(t, want.kind, connectors.AsError(err).Kind, outcome)
		}
		_, found, err := conn.(connectors.PostFinder).FindPost(t.Context(), post)
		require.NoError(t, err)
		require.Equal(t, want.found, found, outcome)
	}
}

func TestNothingIsPublishedWhereTheBeginningCannotBeNoted(t *testing.T) {
	t.Parallel()
	conn, err := sandbox.New().Open(connectors.Channel{Address: "15550000000"}, connectors.Host{})
	require.NoError(t, err)
	cancelled := errors.New("cancelled")
	_, err = conn.(connectors.Publisher).Publish(t.Context(), connectors.OutPost{Begin: func(context.Context) error { return cancelled }})
	require.Equal(t, cancelled, err)
	_, err = conn.(connectors.Commenter).Comment(t.Context(), connectors.Published{ProviderID: "sbx_1"}, "please refuse this")
	require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind)
	id, err := conn.(connectors.Commenter).Comment(t.Context(), connectors.Published{ProviderID: "sbx_1"}, "First!")
	require.NoError(t, err)
	require.Equal(t, "sbx_1_comment", id)
}
