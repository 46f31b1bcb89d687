package id_test

import (
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/id"
)

func TestIDsGrowStrictlyEvenWhenTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	clock := time.UnixMilli(1_700_000_000_000)
	step := 0
	generator := id.NewGenerator(func() time.Time {
		step++
		if step%100 == 0 {
			return clock.Add(-time.Hour)
		}
		return clock.Add(time.Duration(step) * 50 * time.Microsecond)
	})
	var ids []string
	for range 10_000 {
		ids = append(ids, generator.New("evt"))
	}
	require.True(t, sort.StringsAreSorted(ids))
	for i := 1; i < len(ids); i++ {
		require.NotEqual(t, ids[i-1], ids[i])
	}
}

func TestConcurrentCallersNeverGetTheSameID(t *testing.T) {
	t.Parallel()
	generator := id.NewGenerator(time.Now)
	const workers, each = 8, 2_000
	made := make([][]string, workers)
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for range each {
				made[worker] = append(made[worker], generator.New("dlv"))
			}
		})
	}
	group.Wait()
	seen := map[string]bool{}
	for _, ids := range made {
		require.True(t, sort.StringsAreSorted(ids))
		for _, value := range ids {
			require.True(t, id.Valid("dlv", value), value)
			seen[value] = true
		}
	}
	require.Len(t, seen, workers*each)
}

func TestTimeReadsTheMillisecondBack(t *testing.T) {
	t.Parallel()
	moment := time.Date(2026, 11, 21, 10, 11, 12, 345_678_900, time.UTC)
	value := id.NewGenerator(func() time.Time { return moment }).New("msg")
	got, err := id.Time(value)
	require.NoError(t, err)
	require.Equal(t, moment.Truncate(time.Millisecond), got)
}

func TestASeedGivesTheSameIDAlwaysAndAnotherSeedAnother(t *testing.T) {
	t.Parallel()
	// The literal pins the algorithm: ids that are stored must be found again by later versions.
	require.Equal(t, "evt_48dbj2ft15agwxkan7jdb4nwbg", id.FromSeed("evt", "acct_1/SM123"))
	require.NotEqual(t, id.FromSeed("evt", "a"), id.FromSeed("evt", "b"))
	require.NotEqual(t, strings.TrimPrefix(id.FromSeed("evt", "a"), "evt_"), strings.TrimPrefix(id.FromSeed("dlv", "a"), "dlv_"))
	require.True(t, id.Valid("evt", id.FromSeed("evt", "a")))
	_, err := id.Time(id.FromSeed("evt", "a"))
	require.ErrorIs(t, err, id.ErrNoTime)
}

func TestOnlyTheExactFormIsValid(t *testing.T) {
	t.Parallel()
	good := "evt_01kaj5v0x7fm2zq4w9b3c8d6ea"
	require.True(t, id.Valid("evt", good))
	for name, bad := range map[string]string{
		"empty":                 "",
		"prefix only":           "evt_",
		"another prefix":        "dlv_01kaj5v0x7fm2zq4w9b3c8d6ea",
		"no underscore":         "evt-01kaj5v0x7fm2zq4w9b3c8d6ea",
		"upper case":            "evt_01KAJ5V0X7FM2ZQ4W9B3C8D6EA",
		"too short":             good[:len(good)-1],
		"too long":              good + "0",
		"a letter not in use":   "evt_01kaj5v0x7fm2zq4w9b3c8d6eu",
		"more than 128 bits":    "evt_81kaj5v0x7fm2zq4w9b3c8d6ea",
		"a byte outside ASCII":  "evt_01kaj5v0x7fm2zq4w9b3c8d6\u00e9",
		"a NUL at the end":      "evt_01kaj5v0x7fm2zq4w9b3c8d6e\x00",
		"a path in its place":   "evt_../../../../../../../../x",
		"a space before prefix": " evt_01kaj5v0x7fm2zq4w9b3c8d6e",
	} {
		require.False(t, id.Valid("evt", bad), name)
		_, err := id.Time(bad)
		if name != "another prefix" {
			require.ErrorIs(t, err, id.ErrMalformed, name)
		}
	}
	require.False(t, id.Valid("", "_01kaj5v0x7fm2zq4w9b3c8d6ea"))
}

func FuzzValidIDsHaveATimeOrSayThatTheyHaveNone(f *testing.F) {
	f.Add("evt_01kaj5v0x7fm2zq4w9b3c8d6ea")
	f.Add(id.FromSeed("evt", "seed"))
	f.Add("evt_\xff")
	f.Fuzz(func(t *testing.T, s string) {
		_, err := id.Time(s)
		if id.Valid("evt", s) && err != nil {
			require.ErrorIs(t, err, id.ErrNoTime)
		}
	})
}

func BenchmarkNew(b *testing.B) {
	generator := id.NewGenerator(time.Now)
	b.ReportAllocs()
	for b.Loop() {
		generator.New("evt")
	}
}

func TestFirstIsBelowWhatIsMadeThenAndAboveWhatWasMadeBefore(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 29, 12, 0, 0, 0, time.UTC)
	clock := now.Add(-time.Millisecond)
	g := id.NewGenerator(func() time.Time { return clock })
	before := g.New("evt")
	clock = now
	first := id.First("evt", now)
	require.True(t, id.Valid("evt", first))
	require.Less(t, before, first)
	require.LessOrEqual(t, first, g.New("evt"))
	require.Equal(t, "evt_00000000000000000000000000", id.First("evt", time.UnixMilli(-5)))
	require.True(t, id.Valid("evt", id.First("evt", now.AddDate(20000, 0, 0))))
}
