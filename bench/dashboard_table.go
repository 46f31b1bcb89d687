//go:build linux

package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// reportDashboard writes the tables as Markdown.
func reportDashboard(rows []dashRow) string {
	var b strings.Builder
	for i := range rows {
		r := &rows[i]
		fmt.Fprintf(&b, "\n%s, %s deliveries stored, median of the rounds:\n\n", engineName(r.engine), thousands(storedDeliveries))
		b.WriteString("| | p50 | p95 | least | empty answer | CPU: product, database | packed | with all files | |\n|---|---|---|---|---|---|---|---|---|\n")
		for _, one := range r.pages {
			one.write(&b)
		}
	}
	return b.String()
}

// tenths writes a time in milliseconds with one digit behind the point.
func tenths(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

func kilobytes(bytes int) string { return fmt.Sprintf("%.1f kB", float64(bytes)/1000) }

func (p *pageRow) write(b *strings.Builder) {
	if p.status != http.StatusOK {
		fmt.Fprintf(b, "| %s | | | | | | | | **answered %d** |\n", p.name, p.status)
		return
	}
	of := func(pick func(pageRound) time.Duration) time.Duration { return median(p.rounds, pick) }
	p50 := of(func(one pageRound) time.Duration { return one.p50 })
	verdict := "met"
	if p50 > pageGoal || p.first > bytesGoal {
		verdict = "**not met**"
	}
	first := ""
	if p.first > 0 {
		first = kilobytes(p.first)
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s, %s | %s | %s | %s |\n", p.name, tenths(p50), tenths(of(func(one pageRound) time.Duration { return one.p95 })),
		tenths(of(func(one pageRound) time.Duration { return one.least })), tenths(of(func(one pageRound) time.Duration { return one.raw })),
		tenths(of(func(one pageRound) time.Duration { return one.product })), tenths(of(func(one pageRound) time.Duration { return one.engine })),
		kilobytes(p.bytes), first, verdict)
}
