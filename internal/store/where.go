package store

import (
	"strconv"
	"strings"
	"time"

	"github.com/switchhook/switchhook/internal/id"
)

// where collects the conditions of a list query.
type where struct {
	conditions []string
	args       []any
}

func newWhere(column, value string) *where {
	w := &where{}
	w.add(column+" = ", value)
	return w
}

func (w *where) add(condition string, value any) {
	w.args = append(w.args, value)
	w.conditions = append(w.conditions, condition+"$"+strconv.Itoa(len(w.args)))
}

// equal adds a condition unless the value is empty.
func (w *where) equal(column, value string) {
	if value != "" {
		w.add(column+" = ", value)
	}
}

// clocksDiffer is more than the time in a row's id may be off its created_at: the clocks of processes differ, and ids are drawn in batches.
const clocksDiffer = time.Minute

// during adds bounds in time: from since on, and before until; zero ones bound nothing. Ids with the prefix are in the order of time, so they keep
// the index from being read beyond.
func (w *where) during(prefix string, since, until time.Time) {
	if !since.IsZero() {
		w.add("created_at >= ", Millis(since))
		w.add("id >= ", id.First(prefix, since.Add(-clocksDiffer)))
	}
	if !until.IsZero() {
		w.add("created_at < ", Millis(until))
		w.add("id < ", id.First(prefix, until.Add(clocksDiffer)))
	}
}

// among adds that a column has one of the values. nil bounds nothing; a list of none leaves nothing.
func (w *where) among(column string, values []string) {
	if values == nil {
		return
	}
	list, args := inList(len(w.args), values)
	w.args = append(w.args, args...)
	w.conditions = append(w.conditions, column+" IN ("+list+")")
}

// contains adds that one of the columns has a text in it, unless that is empty.
func (w *where) contains(text string, columns ...string) {
	if text == "" {
		return
	}
	w.args = append(w.args, likePart(text))
	either := make([]string, len(columns))
	for i, column := range columns {
		either[i] = "LOWER(" + column + ") LIKE LOWER($" + strconv.Itoa(len(w.args)) + `) ESCAPE '\'`
	}
	w.conditions = append(w.conditions, "("+strings.Join(either, " OR ")+")")
}

// page ends the query: newest first, from where the page begins.
func (w *where) page(page Page) (string, []any) { return w.pageBy("id", page) }

// pageBy is page where something else than the id tells the order.
func (w *where) pageBy(key string, page Page) (string, []any) {
	if page.Before != "" {
		w.add(key+" < ", page.Before)
	}
	w.args = append(w.args, page.Limit)
	return "WHERE " + strings.Join(w.conditions, " AND ") + " ORDER BY " + key + " DESC LIMIT $" + strconv.Itoa(len(w.args)), w.args
}
