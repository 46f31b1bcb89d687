//go:build linux

package main

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// report writes the tables as Markdown.
func report(rows []row) string {
	var b strings.Builder
	b.WriteString(`
| | delivered/s | of raw | accepted/s | end to end p50 / p95 / p99 | CPU s per 1,000, all servers | one at a time, p50 (raw) | idle, of a core | peak memory | lost | repeated | refused |
|---|---|---|---|---|---|---|---|---|---|---|---|
`)
	for i := range rows {
		writeRow(&b, &rows[i])
	}
	b.WriteString("\nRaw limit, by case, and where the processor time of 1,000 deliveries went:\n\n")
	b.WriteString("| | raw/s | raw CPU s per 1,000 | product | PostgreSQL | Redis | receiver | load | idle: product, PostgreSQL, Redis | memory of each |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for i := range rows {
		writeShares(&b, &rows[i])
	}
	if goals := goalsOf(rows); len(goals) > 0 {
		b.WriteString("\n| goal, on PostgreSQL and Redis | wanted | measured | |\n|---|---|---|---|\n")
		for _, g := range goals {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", g.name, g.wanted, g.measured, map[bool]string{true: "met", false: "**not met**"}[g.met])
		}
	}
	return b.String()
}

func (r *row) name() string {
	return fmt.Sprintf("%s, fan-out %d", engineName(r.engine), r.fanout)
}

func engineName(engine string) string {
	return map[string]string{engineEmbedded: "embedded", enginePostgres: "PostgreSQL and Redis"}[engine]
}

func (r *row) of(pick func(round) float64) float64 { return median(r.rounds, pick) }

func (r *row) latency(pick func(round) time.Duration) string {
	return milliseconds(median(r.rounds, pick))
}

func (r *row) rawRate() float64 {
	return median(r.raws, func(one rawRound) float64 { return one.rate })
}

// memoryAll returns the megabytes of all servers together.
func (r *row) memoryAll() int64 { return sum(r.memory) >> 20 }

func writeRow(b *strings.Builder, r *row) {
	fmt.Fprintf(b, "| %s | %s | %.0f %% | %s | %s / %s / %s | %.2f | %s (%s) | %.1f %% | %d MB | %d | %d | %d |\n", r.name(),
		thousands(r.of(func(one round) float64 { return one.delivered })), 100*r.of(func(one round) float64 { return one.ofRaw }),
		thousands(r.of(func(one round) float64 { return one.accepted })),
		r.latency(func(one round) time.Duration { return one.p50 }), r.latency(func(one round) time.Duration { return one.p95 }),
		r.latency(func(one round) time.Duration { return one.p99 }),
		r.of(func(one round) float64 { return one.servers }), milliseconds(r.single), milliseconds(r.rawSingle), 100*sum(r.idle),
		r.memoryAll(), r.lost, r.repeated, r.refused)
}

func writeShares(b *strings.Builder, r *row) {
	fmt.Fprintf(b, "| %s | %s | %.3f |", r.name(), thousands(r.rawRate()), median(r.raws, func(one rawRound) float64 { return one.cpu }))
	for _, name := range []string{nameProduct, namePostgres, nameRedis, nameReceiver, nameLoad} {
		fmt.Fprintf(b, " %.3f |", r.of(func(one round) float64 { return one.cpu[name] }))
	}
	var idle, memory []string
	for _, name := range []string{nameProduct, namePostgres, nameRedis} {
		if share, ok := r.idle[name]; ok {
			idle = append(idle, fmt.Sprintf("%.1f %%", 100*share))
			memory = append(memory, fmt.Sprintf("%d MB", r.memory[name]>>20))
		}
	}
	b.WriteString(" " + strings.Join(idle, ", ") + " | " + strings.Join(memory, ", ") + " |\n")
}

// goal is one line of the comparison with what the product is to reach.
type goal struct {
	name, wanted, measured string
	met                    bool
}

// goalsOf compares the cases that have goals: fan-out 1 and 10 on PostgreSQL and Redis.
func goalsOf(rows []row) []goal {
	var goals []goal
	wanted := map[int]struct{ ofRaw, cpu float64 }{1: {0.25, 0.35}, 10: {0.50, 0.20}}
	for i := range rows {
		r := &rows[i]
		want, ok := wanted[r.fanout]
		if !ok || r.engine != enginePostgres {
			continue
		}
		ofRaw, cpu := r.of(func(one round) float64 { return one.ofRaw }), r.of(func(one round) float64 { return one.servers })
		at := fmt.Sprintf(", fan-out %d", r.fanout)
		goals = append(goals,
			goal{"delivered/s of raw" + at, fmt.Sprintf("≥ %.0f %%", 100*want.ofRaw), fmt.Sprintf("%.1f %%", 100*ofRaw), ofRaw >= want.ofRaw},
			goal{"CPU s per 1,000" + at, fmt.Sprintf("≤ %.2f", want.cpu), fmt.Sprintf("%.3f", cpu), cpu <= want.cpu},
			goal{"peak memory" + at, "≤ 300 MB", fmt.Sprintf("%d MB", r.memoryAll()), r.memoryAll() <= 300},
			goal{"lost" + at, "0", strconv.Itoa(r.lost), r.lost == 0},
		)
		if r.fanout != 1 {
			continue
		}
		goals = append(goals,
			goal{"one at a time", "≤ raw + 3 ms", "raw + " + milliseconds(r.single-r.rawSingle), r.single <= r.rawSingle+3*time.Millisecond},
			goal{"idle", "≤ 2 % of a core", fmt.Sprintf("%.1f %%", 100*sum(r.idle)), sum(r.idle) <= 0.02},
		)
	}
	sort.SliceStable(goals, func(i, j int) bool { return goals[i].name < goals[j].name })
	return goals
}

func milliseconds(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}

// thousands writes a whole number with commas.
func thousands(number float64) string {
	text := fmt.Sprintf("%.0f", number)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
