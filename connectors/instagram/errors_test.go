package instagram_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
)

type row struct {
	code, subcode int
	kind          connectors.Kind
	name          string
}

// rows has a row for each class of error of Instagram's publishing.
func rows() []row {
	const rejected, unlinked, limited, retryable = connectors.KindRejected, connectors.KindUnlinked, connectors.KindRateLimited, connectors.KindRetryable
	const media, refused, down, slow = connectors.CodeMediaRejected, connectors.CodeInvalidContent, "provider_unavailable", "provider_rate_limited"
	list := []row{
		{36000, 2207004, rejected, media},
		{36001, 2207005, rejected, media},
		{36001, 0, rejected, media},
		{36003, 2207009, rejected, media},
		{36003, 0, rejected, media},
		{36004, 2207010, rejected, refused},
		{-2, 2207020, rejected, media},
		{352, 2207026, rejected, media},
		{9004, 2207023, rejected, media},
		{9004, 2207028, rejected, media},
		{100, 2207057, rejected, refused},
		{25, 2207050, rejected, connectors.CodeAccountSuspended},
		{4, 2207051, rejected, "action_blocked"},
		{-1, 2207001, rejected, refused},
		{100, 2207081, rejected, refused},
		{-2, 2207003, retryable, down},
		{9004, 2207052, retryable, down},
		{-1, 2207032, retryable, down},
		{-1, 2207053, retryable, down},
		{-1, 2207082, retryable, down},
		{-1, 2207077, retryable, down},
		{9007, 2207027, retryable, down},
		{24, 2207006, retryable, down},
		{24, 2207008, retryable, down},
		{9, 2207042, limited, connectors.CodeQuotaExceeded},
		{190, 0, unlinked, connectors.CodeAuthFailed},
		{190, 463, unlinked, connectors.CodeAuthFailed},
		{190, 459, unlinked, connectors.CodeAccountSuspended},
		{10, 0, rejected, connectors.CodeScopeMissing},
		{200, 0, rejected, connectors.CodeScopeMissing},
		{200, 1404078, unlinked, connectors.CodeAuthFailed},
		{100, 33, unlinked, connectors.CodeAuthFailed},
		{100, 0, rejected, refused},
		{506, 0, rejected, connectors.CodeDuplicatePost},
		{4, 0, limited, slow},
		{32, 0, limited, slow},
		{80002, 0, limited, slow},
		{368, 0, limited, slow},
		{999999, 0, rejected, httpcall.CodeProviderRejected},
	}
	for subcode := 2207035; subcode <= 2207040; subcode++ {
		list = append(list, row{100, subcode, rejected, refused})
	}
	return list
}

func TestEveryErrorOfPublishingHasItsMeaning(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	for _, want := range rows() {
		for _, path := range []string{containers, publishing} {
			fake.TroubleAt(path, metatest.Trouble{Status: 400, Code: want.code, Subcode: want.subcode})
			_, err := publish(t, fake, post(&begun{}, "", film("a.mp4")))
			failed := connectors.AsError(err)
			require.Equal(t, want, row{want.code, want.subcode, failed.Kind, failed.Code}, "%s: %d/%d", path, want.code, want.subcode)
			require.NotEmpty(t, failed.Message)
		}
	}
	require.Empty(t, fake.Posts())
}

func TestAContainersStateDecides(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]struct {
		kind connectors.Kind
		code string
	}{
		"ERROR":                               {connectors.KindRejected, connectors.CodeMediaRejected},
		"ERROR Error: something with 7 in it": {connectors.KindRejected, connectors.CodeMediaRejected},
		"ERROR 2207053":                       {connectors.KindRetryable, "provider_unavailable"},
		"ERROR Error: upload failed: 2207040 (tags)": {connectors.KindRejected, connectors.CodeInvalidContent},
		"EXPIRED": {connectors.KindRetryable, "provider_unavailable"},
	} {
		fake, b := metatest.New(t), &begun{}
		fake.SetStates("IN_PROGRESS", state)
		_, err := publish(t, fake, post(b, "", film("a.mp4")))
		requireKind(t, err, want.kind, want.code)
		require.Zero(t, b.times)
	}
	fake, b := metatest.New(t), &begun{}
	fake.SetStates(strings.Split(strings.Repeat("IN_PROGRESS,", 200), ",")...)
	_, err := publish(t, fake, post(b, "", film("a.mp4")))
	require.Contains(t, requireKind(t, err, connectors.KindRetryable, "provider_unavailable").Message, "still working")
	require.Less(t, fake.Count(), 30, "about once a minute")
	require.Zero(t, b.times)
}
