package store

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.mau.fi/util/dbutil"
)

// slowQuery is when a statement is worth a warning: at 5,000 events a second the whole group commit takes a tenth of it.
const slowQuery = time.Second

// queryLog hands dbutil's reports to slog. It never logs arguments: they may be secrets or people's messages.
type queryLog struct{ logger *slog.Logger }

var _ dbutil.DatabaseLogger = queryLog{}

// QueryTiming warns of slow statements.
func (l queryLog) QueryTiming(ctx context.Context, method, query string, _ []any, _ int, took time.Duration, err error) {
	if took < slowQuery || errors.Is(err, context.Canceled) {
		return
	}
	if len(query) > 200 {
		query = query[:200]
	}
	l.logger.WarnContext(ctx, "database.slow", "method", method, "query", query, "duration_ms", took.Milliseconds())
}

// WarnUnsupportedVersion tells that a newer version of the product has changed the schema compatibly.
func (l queryLog) WarnUnsupportedVersion(current, compat, latest int) {
	l.logger.Warn("database.newer_schema", "current", current, "compatible", compat, "known", latest)
}

// PrepareUpgrade is called before every upgrade, also when there is nothing to do.
func (l queryLog) PrepareUpgrade(_, _, _ int) {}

// DoUpgrade tells of one step.
func (l queryLog) DoUpgrade(from, to int, message string, _ dbutil.TxnMode) {
	l.logger.Info("database.migrated", "from", from, "to", to, "what", message)
}

// Warn is dbutil's old way of warning.
func (l queryLog) Warn(msg string, args ...any) {
	l.logger.Warn("database.warning", "text", msg, "args", args)
}
