package posting_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/meta/posting"
)

func TestTimesAreReadAsTheGraphAPIWritesThem(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	for _, text := range []string{"2026-11-21T09:00:00+0000", "2026-11-21T10:00:00+0100", "2026-11-21T09:00:00Z", "2026-11-21T10:00:00+01:00"} {
		require.True(t, want.Equal(posting.Time(text)), text)
	}
	for _, text := range []string{"", "yesterday", "1795248189"} {
		require.True(t, posting.Time(text).IsZero(), text)
	}
}

func TestTextsAreTheSameButForWhiteSpace(t *testing.T) {
	t.Parallel()
	require.True(t, posting.Same(" a\n\nb ", "a b"))
	require.False(t, posting.Same("a b", "a B"))
	require.False(t, posting.Same("a b", "a b c"))
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"https://www.facebook.com/1", "/shop/videos/1/", "//evil.example", "javascript:alert(1)", "https://", "http://[::1", "", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, named string) {
		got := posting.Address(named, "none")
		if got == "none" {
			return
		}
		parsed, err := url.Parse(got)
		if err != nil || parsed.Host == "" || parsed.Scheme != "https" && parsed.Scheme != "http" {
			t.Fatalf("%q became %q", named, got)
		}
		if got != named && parsed.Host != "www.facebook.com" {
			t.Fatalf("%q leads to %q", named, parsed.Host)
		}
	})
}
