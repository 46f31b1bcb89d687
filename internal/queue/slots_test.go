package queue_test

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/queue"
)

func mustSchedule(t testing.TB, zone string, slots ...queue.Slot) *queue.Schedule {
	t.Helper()
	s, err := queue.NewSchedule(zone, slots)
	require.NoError(t, err)
	return s
}

// daily is a slot on each day of the week.
func daily(times ...string) []queue.Slot {
	var slots []queue.Slot
	for _, day := range []queue.Day{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} {
		for _, at := range times {
			slots = append(slots, queue.Slot{Weekday: day, Time: at})
		}
	}
	return slots
}

// next returns the next n slots after a time, as RFC 3339 in the zone.
func next(t testing.TB, zone string, after string, n int, slots ...queue.Slot) []string {
	t.Helper()
	location, err := time.LoadLocation(zone)
	require.NoError(t, err)
	from, err := time.Parse(time.RFC3339, after)
	require.NoError(t, err)
	var list []string
	for at := range mustSchedule(t, zone, slots...).After(from) {
		list = append(list, at.In(location).Format("Mon "+time.RFC3339))
		if len(list) == n {
			break
		}
	}
	return list
}

func TestSlotsComeByTheClockOnTheWall(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"Mon 2026-06-29T09:00:00+02:00", "Thu 2026-07-02T18:30:00+02:00", "Mon 2026-07-06T09:00:00+02:00"},
		next(t, "Europe/Berlin", "2026-06-29T06:59:59Z", 3, queue.Slot{Weekday: "thu", Time: "18:30"}, queue.Slot{Weekday: "mon", Time: "09:00"}))
	require.Equal(t, []string{"Thu 2026-07-02T18:30:00+02:00"},
		next(t, "Europe/Berlin", "2026-06-29T07:00:00Z", 1, queue.Slot{Weekday: "thu", Time: "18:30"}, queue.Slot{Weekday: "mon", Time: "09:00"}), "a slot is not after itself")
	require.Equal(t, []string{"Sat 2026-10-24T09:00:00+02:00", "Sun 2026-10-25T09:00:00+01:00", "Mon 2026-10-26T09:00:00+01:00"},
		next(t, "Europe/Berlin", "2026-10-24T00:00:00Z", 3, daily("09:00")...), "nine o'clock stays nine o'clock when summer ends")
}

func TestASlotThatClocksLeaveOutComesWhenTheyAreSetForward(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, after string
		slots       []string
		want        []string
	}{
		{"Europe/Berlin", "2026-03-28T23:00:00Z", []string{"02:30"}, []string{"Sun 2026-03-29T03:00:00+02:00", "Mon 2026-03-30T02:30:00+02:00"}},
		{"Europe/Berlin", "2026-03-28T23:00:00Z", []string{"02:15", "02:45", "03:00", "03:01"}, []string{"Sun 2026-03-29T03:00:00+02:00", "Sun 2026-03-29T03:01:00+02:00"}},
		{"America/New_York", "2026-03-08T05:00:00Z", []string{"02:00"}, []string{"Sun 2026-03-08T03:00:00-04:00", "Mon 2026-03-09T02:00:00-04:00"}},
		{"Australia/Lord_Howe", "2026-10-03T13:30:00Z", []string{"02:15"}, []string{"Sun 2026-10-04T02:30:00+11:00", "Mon 2026-10-05T02:15:00+11:00"}}, // by half an hour
		{"America/Sao_Paulo", "2018-11-03T03:00:00Z", []string{"00:30"}, []string{"Sat 2018-11-03T00:30:00-03:00", "Sun 2018-11-04T01:00:00-02:00"}},   // at midnight
		{"Pacific/Apia", "2011-12-29T10:00:00Z", []string{"09:00"}, []string{"Thu 2011-12-29T09:00:00-10:00", "Sat 2011-12-31T00:00:00+14:00", "Sat 2011-12-31T09:00:00+14:00"}},
	} {
		require.Equal(t, c.want, next(t, c.zone, c.after, len(c.want), daily(c.slots...)...), "%s %s", c.zone, c.slots)
	}
}

func TestTheLastDayOfALeapYearHasItsSlots(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"Sun 2028-12-31T09:00:00-05:00", "Mon 2029-01-01T09:00:00-05:00"}, next(t, "America/New_York", "2028-12-30T20:00:00Z", 2, daily("09:00")...))
}

func TestASlotThatClocksShowTwiceComesTheFirstTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, after string
		slots       []string
		want        []string
	}{
		{"Europe/Berlin", "2026-10-24T22:30:00Z", []string{"02:30"}, []string{"Sun 2026-10-25T02:30:00+02:00", "Mon 2026-10-26T02:30:00+01:00"}},
		{"Europe/Berlin", "2026-10-25T00:45:00Z", []string{"02:30", "02:50", "03:00"}, []string{"Sun 2026-10-25T02:50:00+02:00", "Sun 2026-10-25T03:00:00+01:00"}},
		{"Europe/Berlin", "2026-10-25T01:10:00Z", []string{"02:30", "02:50"}, []string{"Mon 2026-10-26T02:30:00+01:00"}}, // while they show it again
		{"America/New_York", "2026-11-01T04:30:00Z", []string{"01:00"}, []string{"Sun 2026-11-01T01:00:00-04:00", "Mon 2026-11-02T01:00:00-05:00"}},
		{"Europe/Dublin", "2026-10-24T23:30:00Z", []string{"01:15"}, []string{"Sun 2026-10-25T01:15:00+01:00", "Mon 2026-10-26T01:15:00Z"}},
		{"America/Havana", "2026-11-01T03:30:00Z", []string{"00:30"}, []string{"Sun 2026-11-01T00:30:00-04:00", "Mon 2026-11-02T00:30:00-05:00"}},
	} {
		require.Equal(t, c.want, next(t, c.zone, c.after, len(c.want), daily(c.slots...)...), "%s %s", c.zone, c.slots)
	}
}

// zones are the names of all zones that Go's own copy of the database has.
func zones(t testing.TB) []string {
	t.Helper()
	archive, err := zip.OpenReader(filepath.Join(runtime.GOROOT(), "lib", "time", "zoneinfo.zip")) //nolint:staticcheck // the test runs where Go is
	require.NoError(t, err)
	defer func() { require.NoError(t, archive.Close()) }()
	var names []string
	for _, file := range archive.File {
		if !file.FileInfo().IsDir() {
			names = append(names, file.Name)
		}
	}
	require.Greater(t, len(names), 500)
	return names
}

// shown is what clocks show, as if it were UTC.
func shown(at time.Time, zone *time.Location) time.Time {
	local := at.In(zone)
	return time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), 0, time.UTC)
}

func TestEverySlotComesOnceAWeekInEveryZone(t *testing.T) {
	t.Parallel()
	for _, name := range zones(t) {
		zone, err := queue.ParseZone(name)
		require.NoError(t, err, name)
		random := rand.New(rand.NewPCG(1, uint64(len(name))))
		var slots []queue.Slot
		for range 12 {
			slots = append(slots, queue.Slot{Weekday: queue.Day(strconv.Itoa(random.IntN(7))), Time: fmt.Sprintf("%02d:%02d", random.IntN(4), random.IntN(60))})
		}
		year := 1975 + random.IntN(70)
		from := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		checkYear(t, zone, mustSchedule(t, name, slots...), slots, from)
	}
}

// checkYear compares a year of slots with what every date's clocks show, minute by minute.
func checkYear(t *testing.T, zone *time.Location, schedule *queue.Schedule, slots []queue.Slot, from time.Time) {
	t.Helper()
	until := from.AddDate(1, 0, 0)
	got := map[time.Time]bool{}
	last := from
	for at := range schedule.After(from) {
		if !at.After(last) || !schedule.Has(at) || !schedule.Next(last).Equal(at) || shown(at, zone).Second() != 0 {
			require.Fail(t, "not a slot", "%s: %s follows %s", zone, at, last)
		}
		last = at
		if at.After(until) {
			break
		}
		got[at] = true
	}
	wanted := map[time.Time]bool{}
	for date := shown(from, zone).Truncate(24 * time.Hour); !date.After(until.AddDate(0, 0, 2)); date = date.AddDate(0, 0, 1) {
		for _, slot := range slots {
			day, _ := slot.Weekday.Weekday()
			minute, _ := queue.ParseTime(slot.Time)
			if day != date.Weekday() {
				continue
			}
			at := firstMinute(zone, date.Add(time.Duration(minute)*time.Minute))
			if at.After(from) && !at.After(until) {
				wanted[at] = true
			}
		}
	}
	require.Len(t, got, len(wanted), "%s from %s", zone, from)
	for at := range wanted {
		require.True(t, got[at], "%s: %s", zone, at)
	}
}

// firstMinute looks for the first minute at which clocks show a time or a later one, the slow way.
func firstMinute(zone *time.Location, wall time.Time) time.Time {
	at := wall.Add(-15 * time.Hour)
	for hour := at; !shown(hour, zone).After(wall); hour = hour.Add(time.Hour) {
		if !shown(hour.Add(-time.Minute), zone).Before(wall) {
			break
		}
		at = hour
	}
	for at = at.Add(-time.Hour); shown(at, zone).Before(wall); at = at.Add(time.Minute) {
	}
	return at
}

func TestWhatIsNoScheduleIsRefused(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"", "Local", "local", "Europe", "Europe/Nowhere", "europe/berlin", "../etc/passwd", "/usr/share/zoneinfo/UTC", "right/UTC", "posix/UTC", "Europe//Berlin", "UTC\x00", "Europe\\Berlin"} {
		_, err := queue.NewSchedule(zone, daily("09:00"))
		require.Error(t, err, zone)
	}
	for _, slot := range []queue.Slot{{"mon", "9:00"}, {"mon", "24:00"}, {"mon", "12:60"}, {"mon", "+1:00"}, {"mon", "12-30"}, {"", "12:30"}, {"7", "12:30"}, {"-1", "12:30"}, {"monda", "12:30"}} {
		_, err := queue.NewSchedule("UTC", []queue.Slot{slot})
		require.Error(t, err, slot)
	}
	_, err := queue.NewSchedule("UTC", nil)
	require.Error(t, err)
}

func TestDaysAreNamedInSeveralWays(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]time.Weekday{`"mon"`: time.Monday, `"Monday"`: time.Monday, `"WED"`: time.Wednesday, `0`: time.Sunday, `"6"`: time.Saturday} {
		var slot queue.Slot
		require.NoError(t, json.Unmarshal([]byte(`{"weekday": `+raw+`, "time": "09:00"}`), &slot))
		day, ok := slot.Weekday.Weekday()
		require.True(t, ok, raw)
		require.Equal(t, want, day, raw)
	}
	for _, raw := range []string{`null`, `7`, `""`, `{"a": 1}`, `[]`, `1.0`, `true`} {
		var slot queue.Slot
		require.NoError(t, json.Unmarshal([]byte(`{"weekday": `+raw+`}`), &slot), raw)
		_, ok := slot.Weekday.Weekday()
		require.False(t, ok, raw)
	}
}

func FuzzSchedule(f *testing.F) {
	f.Add("Europe/Berlin", "sun", "02:30", int64(1774742400))
	f.Add("Australia/Lord_Howe", "0", "02:15", int64(1791035999))
	f.Add("Pacific/Apia", "Friday", "23:59", int64(1325150000))
	f.Add("Local", "7", "24:00", int64(0))
	f.Add("../../etc/passwd", "", "1:000", int64(1))
	f.Fuzz(func(t *testing.T, zone, day, at string, unix int64) {
		schedule, err := queue.NewSchedule(zone, []queue.Slot{{queue.Day(day), at}})
		if err != nil {
			return
		}
		location, err := queue.ParseZone(zone)
		require.NoError(t, err)
		after := time.Unix(157_766_400+(unix&0x7fffffff), 0) // from 1975 to 2043
		next := schedule.Next(after)
		require.True(t, next.After(after))
		require.LessOrEqual(t, next.Sub(after), 9*24*time.Hour, "a week, and a day that may be left out")
		require.True(t, schedule.Has(next))
		minute, ok := queue.ParseTime(at)
		require.True(t, ok)
		local := next.In(location)
		if local.Hour()*60+local.Minute() != minute { // only where clocks were set forward that very moment
			_, before := next.Add(-time.Second).In(location).Zone()
			_, then := local.Zone()
			require.Greater(t, then, before)
		}
	})
}

func BenchmarkAYearOfSlots(b *testing.B) {
	schedule := mustSchedule(b, "Europe/Berlin", daily("06:00", "09:00", "12:00", "15:00", "18:00", "21:00")...)
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		n := 0
		for range schedule.After(from) {
			if n++; n == 365*6 {
				break
			}
		}
	}
}
