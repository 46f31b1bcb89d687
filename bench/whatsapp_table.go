//go:build linux

package main

import (
	"fmt"
	"strings"
	"time"
)

// mostPerSession is the goal for the memory of each session beyond the first, in KiB.
const mostPerSession = 256

// reportLinked writes the table of linked devices as Markdown.
func reportLinked(rows []linkedRow) string {
	var b strings.Builder
	b.WriteString("\n| | sessions | memory with one | memory with all | per session beyond the first | all online after a restart | most connecting at a time | " +
		"in/s (CPU s per 1,000) | out/s (CPU s per 1,000) |\n|---|---|---|---|---|---|---|---|---|\n")
	for i := range rows {
		r := &rows[i]
		own := func(bytes int64) int64 { return bytes }
		fmt.Fprintf(&b, "| %s | %d | %d MB | %d MB | %.0f KiB | %.1f s | %d | %s | %s |\n", engineName(r.engine), r.sessions, median(r.alone, own)>>20,
			median(r.all, own)>>20, r.perSession(), median(r.restarts, func(one restart) time.Duration { return one.took }).Seconds(),
			median(r.restarts, func(one restart) int { return one.peak }), rates(r.in), rates(r.out))
	}
	for i := range rows {
		r := &rows[i]
		verdict := "met"
		if r.perSession() > mostPerSession {
			verdict = "**not met**"
		}
		fmt.Fprintf(&b, "\n%s: at most %d KiB per session: %s.\n", engineName(r.engine), mostPerSession, verdict)
	}
	return b.String()
}

func rates(all []rate) string {
	return fmt.Sprintf("%s (%.2f)", thousands(median(all, func(one rate) float64 { return one.perSecond })), median(all, func(one rate) float64 { return one.cpu }))
}
