package tasks

import (
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// asynqLogEvery is how often asynq may say the same thing: during an outage it repeats itself several times a second.
	asynqLogEvery = 10 * time.Second
	// sameLength is how much of two messages must agree for them to be the same; ids and addresses come later.
	sameLength = 24
)

// asynqLogger brings asynq's own log lines into slog. It never ends the process, not even for Fatal.
type asynqLogger struct {
	log *slog.Logger

	mu   sync.Mutex
	last map[string]time.Time
}

func newAsynqLogger(log *slog.Logger) *asynqLogger {
	return &asynqLogger{log: log, last: map[string]time.Time{}}
}

// Debug logs a detail.
func (l *asynqLogger) Debug(args ...any) { l.write(l.log.Debug, args) }

// Info logs a detail: asynq's notes on starting and stopping say nothing that ours do not.
func (l *asynqLogger) Info(args ...any) { l.write(l.log.Debug, args) }

// Warn logs a warning.
func (l *asynqLogger) Warn(args ...any) { l.write(l.log.Warn, args) }

// Error logs what asynq retries by itself, hence as a warning.
func (l *asynqLogger) Error(args ...any) { l.write(l.log.Warn, args) }

// Fatal logs an error and goes on.
func (l *asynqLogger) Fatal(args ...any) { l.write(l.log.Error, args) }

func (l *asynqLogger) write(write func(string, ...any), args []any) {
	text := fmt.Sprint(args...)
	if l.fresh(text[:min(len(text), sameLength)]) {
		write("queue.log", "text", text)
	}
}

func (l *asynqLogger) fresh(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.last[text]) < asynqLogEvery {
		return false
	}
	for k, at := range l.last {
		if now.Sub(at) >= asynqLogEvery {
			delete(l.last, k)
		}
	}
	l.last[text] = now
	return true
}
