package whatsapp

import (
	"bytes"
	"context"
	"regexp"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
)

func TestLinksThatAreClosedLeaveNoGoroutine(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	label := "links of " + t.Name()
	pprof.Do(t.Context(), pprof.Labels("leak", label), func(context.Context) { // every goroutine that begins in here inherits the label
		var links []connectors.Link
		for i := range 50 { // some wait for a phone, some are online, and some are only just beginning
			listener := newListener()
			link := r.openFor(t, "", listener)
			links = append(links, link)
			if i%5 == 0 {
				continue
			}
			state := listener.await(t, in(connectors.LinkQR))
			if i%5 == 1 {
				_, err := r.server.AddUser(strconv.Itoa(491700000000+i)).Scan(within(t), state.Step.Code)
				require.NoError(t, err)
				listener.await(t, connected)
			}
		}
		require.Greater(t, labelled(t, label), 50)
		for _, link := range links {
			require.NoError(t, link.Close())
		}
	})
	limit := time.NewTimer(patience)
	defer limit.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for labelled(t, label) > 0 {
		select {
		case <-tick.C:
		case <-limit.C:
			require.FailNow(t, "goroutines are left", stacks(t, label))
		}
	}
}

// stacks returns the stacks of the goroutines with a label.
func stacks(t *testing.T, label string) string {
	t.Helper()
	var all bytes.Buffer
	require.NoError(t, pprof.Lookup("goroutine").WriteTo(&all, 1))
	var found []string
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(stack, label) && !strings.Contains(stack, "testing.tRunner") {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}

// labelled returns how many goroutines have a label, but for that of the test itself.
func labelled(t *testing.T, label string) int {
	t.Helper()
	count := 0
	for _, match := range regexp.MustCompile(`(?m)^(\d+) @`).FindAllStringSubmatch(stacks(t, label), -1) {
		number, err := strconv.Atoi(match[1])
		require.NoError(t, err)
		count += number
	}
	return count
}
