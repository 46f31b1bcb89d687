//go:build linux

package faults

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// load is messages coming in without end. A message that is not answered 2xx is posted again until it is, with the same id, at the
// next node, as providers do it.
type load struct {
	site  *site
	nodes []*node
	every time.Duration // between two messages of one sender
	quit  chan struct{} // closed: no new messages
	leave chan struct{} // closed: no repeats either
	all   sync.WaitGroup

	mu       sync.Mutex
	accepted []string
	answers  map[int]int // by status; 0: none
	last     time.Time   // when one was last accepted
}

// load starts senders. Each sends one message at a time.
func (s *site) load(senders int, every time.Duration, nodes ...*node) *load {
	l := &load{site: s, nodes: nodes, every: every, quit: make(chan struct{}), leave: make(chan struct{}), answers: map[int]int{}}
	for i := range senders {
		l.all.Go(func() { l.send(i) })
	}
	return l
}

func (l *load) send(sender int) {
	client := &http.Client{Timeout: 40 * time.Second, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(l.every)
	defer tick.Stop()
	for number := 0; ; number++ {
		id := "load-" + strconv.Itoa(sender) + "-" + strconv.Itoa(number)
		for try := sender; !l.once(client, l.nodes[try%len(l.nodes)], id); try++ {
			select {
			case <-l.leave:
				return
			case <-tick.C:
			}
		}
		select {
		case <-l.quit:
			return
		case <-tick.C:
		}
	}
}

// once posts a message and reports whether it was accepted.
func (l *load) once(client *http.Client, n *node, id string) bool {
	status := l.site.post(client, n, id)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers[status]++
	if status/100 != 2 {
		return false
	}
	l.accepted, l.last = append(l.accepted, id), time.Now()
	return true
}

// count returns how many messages have been accepted.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accepted)
}

// awaitMore waits until so many further messages have been accepted.
func (l *load) awaitMore(count int) {
	l.site.t.Helper()
	goal := l.count() + count
	await(l.site.t, patience, "the load to go on", func() bool { return l.count() >= goal })
}

// awaitRefusals waits until so many posts have been answered 503.
func (l *load) awaitRefusals(count int) {
	l.site.t.Helper()
	await(l.site.t, patience, "refusals", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.answers[http.StatusServiceUnavailable] >= count
	})
}

// stop ends the load when what is under way has been accepted, and returns the ids.
func (l *load) stop() []string {
	l.site.t.Helper()
	close(l.quit)
	done := make(chan struct{})
	go func() {
		l.all.Wait()
		close(done)
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		l.site.t.Errorf("a message was not accepted in %s however often it was repeated", patience)
	}
	close(l.leave)
	<-done
	return l.accepted
}
