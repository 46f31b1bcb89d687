//go:build linux

package main

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseStatCountsFieldsFromTheLastBracket(t *testing.T) {
	t.Parallel()
	line := "4711 (odd) (name 1 2) S 17 4711 4711 0 -1 4194304 100 0 0 0 150 25 300 5 20 0 1 0 276167 3133440 413\n"
	s, err := parseStat([]byte(line))
	require.NoError(t, err)
	require.Equal(t, procStat{pid: 4711, parent: 17, cpu: 4800 * time.Millisecond}, s)
}

func TestParseStatRefusesWhatIsNoStat(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"", "1 cat S 2", ") 1 (", "x (cat) S 2 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "1 (cat) S 2 3", "1 (cat) S y 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
		"1 (cat) S 2 1 1 1 1 1 1 1 1 1 z 1 1 1 1",
	} {
		_, err := parseStat([]byte(line))
		require.Error(t, err, line)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("1 (init) S 0 1 1 0 -1 4194560 1 1 1 1 2 3 4 5 20 0 1 0 1 1 1"))
	f.Add([]byte("2 (a) b) S"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if s, err := parseStat(line); err != nil {
			require.Zero(t, s.cpu)
		}
	})
}

func TestAFamilyIsAProcessAndItsDescendants(t *testing.T) {
	t.Parallel()
	all := map[int]procStat{}
	for pid, parent := range map[int]int{1: 0, 10: 1, 11: 10, 12: 11, 20: 1, 21: 20} {
		all[pid] = procStat{pid: pid, parent: parent}
	}
	require.ElementsMatch(t, []procStat{all[10], all[11], all[12]}, family(all, 10))
	require.ElementsMatch(t, []procStat{all[21]}, family(all, 21))
	require.Empty(t, family(all, 99))
}

func TestTheProcessorTimeOfALivingProcessGrows(t *testing.T) {
	t.Parallel()
	before, err := cpuOf(os.Getpid())
	require.NoError(t, err)
	for own := ownCPU(); ownCPU() < own+50*time.Millisecond; {
	}
	after, err := cpuOf(os.Getpid())
	require.NoError(t, err)
	require.GreaterOrEqual(t, after-before, 30*time.Millisecond)
	_, err = cpuOf(1 << 30)
	require.ErrorContains(t, err, "has ended")
}

func TestMemoryIsTheProportionalSetSize(t *testing.T) {
	t.Parallel()
	pss, err := parsePss([]byte("5630-7fff ---p 0 [rollup]\nRss:    1644 kB\nPss:     277 kB\nPss_Dirty: 116 kB\n"))
	require.NoError(t, err)
	require.Equal(t, int64(277<<10), pss)
	for _, rollup := range []string{"", "Rss: 1 kB\n", "Pss: many kB\n"} {
		_, err := parsePss([]byte(rollup))
		require.Error(t, err, rollup)
	}
	own, err := memoryOf(os.Getpid())
	require.NoError(t, err)
	require.Greater(t, own, int64(1<<20))
}
