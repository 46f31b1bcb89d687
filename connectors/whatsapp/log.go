package whatsapp

import (
	"context"
	"fmt"
	"log/slog"

	waBinary "go.mau.fi/whatsmeow/binary"
	waLog "go.mau.fi/whatsmeow/util/log"
)

// libraryLog takes the library's log. It is written for its authors: its errors are our warnings, and what it tells below its warnings, such as
// each stanza, is dropped.
type libraryLog struct {
	logger *slog.Logger
}

// newLog returns a logger for the library; without a logger of ours it drops all.
func newLog(logger *slog.Logger) waLog.Logger {
	if logger == nil {
		return waLog.Noop
	}
	return libraryLog{logger: logger}
}

// Errorf logs as a warning.
func (l libraryLog) Errorf(format string, args ...any) { l.log(slog.LevelWarn, format, args) }

// Warnf logs for those who look closely.
func (l libraryLog) Warnf(format string, args ...any) { l.log(slog.LevelDebug, format, args) }

// Infof drops the line.
func (libraryLog) Infof(string, ...any) {}

// Debugf drops the line.
func (libraryLog) Debugf(string, ...any) {}

// Sub returns the same logger.
func (l libraryLog) Sub(string) waLog.Logger { return l }

func (l libraryLog) log(level slog.Level, format string, args []any) {
	if !l.logger.Enabled(context.Background(), level) {
		return
	}
	for i, arg := range args {
		if node, ok := arg.(*waBinary.Node); ok {
			args[i] = node.Tag // the rest may hold messages, numbers or the secret of a QR code
		}
	}
	l.logger.Log(context.Background(), level, "whatsapp library", "says", fmt.Sprintf(format, args...))
}
