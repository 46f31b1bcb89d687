package session

import "time"

// leaseTime is how long after the beginning of its last beat a process trusts what it owns. The others count it as dead after 10 seconds
// (internal/store/workers.go); the difference is for clocks that differ.
const leaseTime = 8 * time.Second

// term is a time during which this process was seen without a gap.
type term struct {
	number int64 // 0: it has not been seen at all
	until  time.Time
}

// Beat tells that this process was seen as alive by a beat that began at startedAt. It does not block. After a gap longer than the lease, what this
// process owned may be another's; Run finds out, and connects anew what is its own still.
func (s *Service) Beat(startedAt time.Time) {
	for {
		present := s.lease.Load()
		next := &term{number: present.number, until: startedAt.Add(leaseTime)}
		lapsed := !s.Now().Before(present.until)
		if lapsed {
			next.number++
		}
		if !s.lease.CompareAndSwap(present, next) {
			continue
		}
		if lapsed {
			s.look()
		}
		return
	}
}

// holds reports whether the process has been seen without a gap since the term of that number began.
func (s *Service) holds(number int64) bool {
	present := s.lease.Load()
	return present.number == number && s.Now().Before(present.until)
}
