package web

import (
	"fmt"
	"html/template"
	"strings"
)

// hookHours is what a webhook got in 24 hours.
type hookHours struct {
	WebhookID string     `json:"webhookId"`
	Hours     []hookHour `json:"hours"`
}

type hookHour struct {
	At        string `json:"at"`
	Delivered int    `json:"delivered"`
	Failed    int    `json:"failed"`
	Pending   int    `json:"pending"`
}

// hookHours reads what each webhook got, by its id. A list is worth showing without it, so a failure gives none.
func (p *page) hookHours() map[string]*hookHours {
	var stats list[*hookHours]
	all := map[string]*hookHours{}
	if p.read(&stats, "/v1/webhooks/stats", nil) != nil {
		return all
	}
	for _, row := range stats.Data {
		all[row.WebhookID] = row
	}
	return all
}

func (h *hookHours) sum(of func(hookHour) int) int {
	sum := 0
	for _, hour := range h.Hours {
		sum += of(hour)
	}
	return sum
}

// Delivered is how many were delivered in the 24 hours.
func (h *hookHours) Delivered() int { return h.sum(func(hour hookHour) int { return hour.Delivered }) }

// Failed is how many failed for good.
func (h *hookHours) Failed() int { return h.sum(func(hour hookHour) int { return hour.Failed }) }

// Pending is how many of those made are still open.
func (h *hookHours) Pending() int { return h.sum(func(hour hookHour) int { return hour.Pending }) }

// Spark draws a bar for each hour: what was delivered, what failed above it. The words beside it say the same, so it says nothing itself.
func (h *hookHours) Spark(width, height int) template.HTML {
	most := 1
	for _, hour := range h.Hours {
		most = max(most, hour.Delivered+hour.Failed+hour.Pending)
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="spark" viewBox="0 0 %d %d" width="%d" height="%d" preserveAspectRatio="none" aria-hidden="true" focusable="false">`, width, height, width, height)
	step := float64(width) / float64(max(1, len(h.Hours)))
	for i, hour := range h.Hours {
		foot := float64(height)
		for _, part := range []struct {
			class string
			n     int
		}{{"good", hour.Delivered}, {"open", hour.Pending}, {"bad", hour.Failed}} {
			if part.n == 0 {
				continue
			}
			tall := max(1.5, float64(part.n)*float64(height-1)/float64(most))
			foot -= tall
			fmt.Fprintf(&out, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, part.class, float64(i)*step, max(0, foot), step*0.75, tall)
		}
		if hour.Delivered+hour.Failed+hour.Pending == 0 {
			fmt.Fprintf(&out, `<rect class="none" x="%.1f" y="%.1f" width="%.1f" height="1"/>`, float64(i)*step, float64(height-1), step*0.75)
		}
	}
	out.WriteString(`</svg>`)
	return template.HTML(out.String()) //nolint:gosec // numbers and constants only
}
