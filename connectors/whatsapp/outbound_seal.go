package whatsapp

import (
	"slices"
	"sync"

	"go.mau.fi/whatsmeow/types"
	waLog "go.mau.fi/whatsmeow/util/log"
)

// sealFailed is the line that whatsmeow logs when a message cannot be encrypted for one device, before it sends it to the others
// (v0.0.0-20260821141805, encryptMessageForDevices). It tells nowhere else.
const sealFailed = "Failed to encrypt %s for %s: %v"

// sealWatch learns for which devices a message could not be encrypted.
type sealWatch struct {
	mu     sync.Mutex
	failed map[string][]types.JID // by message id, of those that are being sent now
}

func newSealWatch() *sealWatch {
	return &sealWatch{failed: map[string][]types.JID{}}
}

// begin has the watch look out for a message.
func (w *sealWatch) begin(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed[id] = nil
}

// end returns the devices for which the message could not be encrypted.
func (w *sealWatch) end(id string) []types.JID {
	w.mu.Lock()
	defer w.mu.Unlock()
	failed := w.failed[id]
	delete(w.failed, id)
	return failed
}

func (w *sealWatch) note(id string, device types.JID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, sending := w.failed[id]; sending {
		w.failed[id] = append(slices.Clip(w.failed[id]), device)
	}
}

// logger returns a logger that hands everything on to next and lets the watch hear it.
func (w *sealWatch) logger(next waLog.Logger) waLog.Logger {
	return &listeningLogger{Logger: next, watch: w}
}

type listeningLogger struct {
	waLog.Logger
	watch *sealWatch
}

// Warnf implements waLog.Logger.
func (l *listeningLogger) Warnf(message string, args ...any) {
	if message == sealFailed && len(args) == 3 {
		id, isID := args[0].(string)
		device, isDevice := args[1].(types.JID)
		if isID && isDevice {
			l.watch.note(id, device)
		}
	}
	l.Logger.Warnf(message, args...)
}
