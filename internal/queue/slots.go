package queue

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones are part of what a queue is: the program must know them on machines and in images without zoneinfo too
)

const (
	minutesOfDay = 24 * 60
	maxZoneName  = 64
	// farthestOffset is more than any clock has been from UTC (15:13 hours, at Metlakatla until 1867).
	farthestOffset = 24 * time.Hour
)

// Slot is a turn that comes every week, by the clock on the wall of the queue's zone.
type Slot struct {
	Weekday Day    `json:"weekday"`
	Time    string `json:"time"` // "HH:mm"
}

// Day is a day of the week as a request names it: "mon", "Monday", or a number from 0 for Sunday. As answers have it, it is "mon" … "sun".
type Day string

// UnmarshalJSON takes a text or a number as it is; whether it is a day is found out together with everything else that may be wrong.
func (d *Day) UnmarshalJSON(raw []byte) error {
	*d = Day(bytes.Trim(raw, `"`))
	return nil
}

// Weekday returns the day that d names; false where it names none.
func (d Day) Weekday() (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		name := day.String()
		if strings.EqualFold(string(d), name) || strings.EqualFold(string(d), name[:3]) || string(d) == string(rune('0'+day)) {
			return day, true
		}
	}
	return 0, false
}

func dayOf(day time.Weekday) Day { return Day(strings.ToLower(day.String()[:3])) }

// ParseTime reads "HH:mm" as minutes since midnight; false where it is no time of a day.
func ParseTime(text string) (int, bool) {
	if len(text) != len("HH:mm") || text[2] != ':' {
		return 0, false
	}
	for _, i := range []int{0, 1, 3, 4} {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
	}
	hour, minute := int(text[0]-'0')*10+int(text[1]-'0'), int(text[3]-'0')*10+int(text[4]-'0')
	return hour*60 + minute, hour < 24 && minute < 60
}

// ParseZone finds a zone of the IANA database, such as "Europe/Berlin". It refuses "Local", which depends on the machine, and
// the variants with leap seconds that some machines have.
func ParseZone(name string) (*time.Location, error) {
	known := len(name) <= maxZoneName && name != "Local"
	for part := range strings.SplitSeq(name, "/") {
		known = known && part != "" && part[0] >= 'A' && part[0] <= 'Z' && !strings.ContainsFunc(part, notOfZones)
	}
	if !known {
		return nil, fmt.Errorf("%.64q is no name of the IANA time zone database", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("load time zone: %w", err)
	}
	return zone, nil
}

// notOfZones tells of a character that is in no part of a zone's name.
func notOfZones(r rune) bool {
	return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("_+-", r)
}

// Schedule is the slots of a queue in their zone. It is safe for concurrent use.
type Schedule struct {
	zone *time.Location
	days [7][]int // by weekday, minutes since midnight, rising
}

// NewSchedule reads a zone's name and slots. A slot that stands there twice counts once.
func NewSchedule(zone string, slots []Slot) (*Schedule, error) {
	location, err := ParseZone(zone)
	if err != nil {
		return nil, err
	}
	if len(slots) == 0 {
		return nil, errors.New("there are no slots")
	}
	s := &Schedule{zone: location}
	for _, slot := range slots {
		day, okay := slot.Weekday.Weekday()
		minute, fine := ParseTime(slot.Time)
		if !okay || !fine {
			return nil, fmt.Errorf("%.20q at %.20q is no slot", slot.Weekday, slot.Time)
		}
		s.days[day] = append(s.days[day], minute)
	}
	for i := range s.days {
		slices.Sort(s.days[i])
		s.days[i] = slices.Compact(s.days[i])
	}
	return s, nil
}

// After yields the times of the slots after a time, one later than the other, without an end.
//
// A slot comes when the clock on the wall first shows its time or a later one. So where clocks are set forward over it, it comes at the minute
// that they are set to, and where they are set back, the first time that they show it. Slots that come at the same instant are one.
func (s *Schedule) After(after time.Time) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		last := after
		year, month, date := after.In(s.zone).Date()
		for offset := 0; ; offset++ { // slots of earlier dates have come, whatever the clocks did since: they have shown a later time
			// Dates are counted in UTC, where each day has 24 hours.
			midnight := time.Date(year, month, date+offset, 0, 0, 0, 0, time.UTC)
			for _, minute := range s.days[midnight.Weekday()] {
				at := firstShown(s.zone, midnight.Add(time.Duration(minute)*time.Minute))
				if !at.After(last) {
					continue
				}
				last = at
				if !yield(at) {
					return
				}
			}
		}
	}
}

// Next returns the time of the first slot after a time.
func (s *Schedule) Next(after time.Time) time.Time {
	for at := range s.After(after) {
		return at
	}
	return time.Time{} // never: After has no end
}

// Has tells whether a slot comes at a time.
func (s *Schedule) Has(at time.Time) bool { return s.Next(at.Add(-time.Nanosecond)).Equal(at) }

// firstShown returns when the clocks of a zone first show a time of day or a later one, in whole minutes. wall is that time as if it were UTC.
// time.Date does not promise which of two instants it returns, nor what where clocks leave a time out; Time.ZoneBounds ends a leap year on its
// 31st of December, also for times of that day (Go 1.26).
func firstShown(zone *time.Location, wall time.Time) time.Time {
	// Within a day of a time, a zone's clocks are set at most once.
	early, late := wall.Add(-farthestOffset), wall.Add(farthestOffset)
	before, after := offsetAt(zone, early), offsetAt(zone, late)
	for _, offset := range []time.Duration{before, after} {
		if at := wall.Add(-offset); offsetAt(zone, at) == offset {
			return at
		}
	}
	for late.Sub(early) > time.Second { // the time is left out: find when
		middle := early.Add(late.Sub(early) / 2)
		if offsetAt(zone, middle) == before {
			early = middle
		} else {
			late = middle
		}
	}
	// Until 1972 some offsets had seconds.
	return late.Truncate(time.Second).Add(after + time.Minute - 1).Truncate(time.Minute).Add(-after)
}

// offsetAt returns how far a zone's clocks are ahead of UTC at a time.
func offsetAt(zone *time.Location, at time.Time) time.Duration {
	_, seconds := at.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}
