package connectors_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
)

func TestWaitingEndsWithItsTimeOrItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		require.NoError(t, connectors.Wait(t.Context(), time.Minute))
		require.Equal(t, time.Minute, time.Since(began))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, connectors.Wait(ctx, time.Hour), context.DeadlineExceeded)
		require.Equal(t, time.Minute+time.Second, time.Since(began))
	})
}

func TestARequestThatMakesNothingPublicIsNeverUnconfirmed(t *testing.T) {
	t.Parallel()
	cut := errors.New("cut")
	unconfirmed := connectors.Unconfirmed(cut)
	unconfirmed.Provider = &connectors.ProviderError{Code: 500, Message: "Oops"}
	for _, err := range []error{unconfirmed, cut} {
		harmless := connectors.Harmless(err)
		require.Equal(t, connectors.KindRetryable, harmless.Kind)
		require.ErrorIs(t, harmless, cut)
	}
	require.Equal(t, unconfirmed.Provider, connectors.Harmless(unconfirmed).Provider)
	rejected := connectors.Rejected("no", "No.", "")
	require.Same(t, rejected, connectors.Harmless(rejected))
}

func TestAStrangersWordsAreCleaned(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a "+connectors.Mask+" b", connectors.Clean(" a\n\x00secret\t b ", "", "secret"))
	require.Equal(t, strings.Repeat("é", 500)+"…", connectors.Clean(strings.Repeat("é", 501)))
}
