package whatsapp

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"github.com/switchhook/switchhook/connectors"
)

// handle takes the library's events, from several goroutines. What it returns for messages and receipts decides whether they are acknowledged.
func (l *Link) handle(ctx context.Context, event any) bool {
	switch event := event.(type) {
	case *events.Message:
		return l.deliver(ctx, event.Info.ID, l.convert(ctx, event))
	case *events.Receipt:
		return l.deliver(ctx, "", connectors.CallbackResult{Statuses: receipts(event)})
	case *events.UndecryptableMessage:
		l.deliver(ctx, event.Info.ID, l.in.withheld(ctx, event)) // the library has acknowledged it already
	case *events.Disconnected:
		l.online.Store(false)
		l.mail.put(event)
	case *events.LoggedOut:
		l.online.Store(false)
		if !l.leaving.Load() {
			l.mail.put(event)
		}
	case *events.QR, *events.PairSuccess, *events.PairError, *events.PairPasskeyRequest, *events.PairPasskeyConfirmation, *events.PairPasskeyError,
		*events.ManualLoginReconnect, *events.Connected, *events.KeepAliveTimeout, *events.KeepAliveRestored, *events.StreamReplaced,
		*events.StreamError, *events.TemporaryBan, *events.ClientOutdated, *events.ConnectFailure,
		*events.NotifyAccountReachoutTimelock, *events.PushNameSetting:
		l.mail.put(event)
	}
	return true
}

// convert reads a message. One that makes our own code panic would come again and again and keep the session from all others, so it is
// handed on as a message of type "other".
func (l *Link) convert(ctx context.Context, event *events.Message) (result connectors.CallbackResult) {
	defer func() {
		if cause := recover(); cause != nil {
			l.host.Logger.Error("read whatsapp message", "message_id", event.Info.ID, "error", fmt.Sprint(cause), "stack", string(debug.Stack()))
			result = connectors.CallbackResult{Messages: []connectors.InMessage{{
				ProviderID: event.Info.ID, From: event.Info.Sender.User, FromName: event.Info.PushName, Type: "other", FromMe: event.Info.IsFromMe,
				Timestamp: event.Info.Timestamp,
			}}}
		}
	}()
	return l.in.message(ctx, event)
}

// deliver hands news to the listener and tells whether the network may forget them.
func (l *Link) deliver(ctx context.Context, id string, result connectors.CallbackResult) bool {
	if len(result.Messages)+len(result.Statuses) == 0 {
		return true
	}
	if !l.enter() {
		return false
	}
	defer l.calls.Done()
	err := l.host.Listener.LinkReceived(ctx, result)
	var refusal *connectors.Error
	switch {
	case err == nil:
		l.refusals.Store(0)
		return true
	case errors.As(err, &refusal) && refusal.Kind == connectors.KindRejected:
		l.host.Logger.Error("store whatsapp news: it can never be stored and is dropped", "message_id", id, "error", err)
		return true
	}
	l.host.Logger.Warn("store whatsapp news: it will come again", "message_id", id, "error", err)
	l.refusals.Add(1)
	l.mail.put(undelivered{})
	return false
}

// agree returns the callback that the library asks when a phone has accepted the link.
func (l *Link) agree(ctx context.Context) func(types.JID, string, string) bool {
	return func(jid types.JID, _, business string) bool {
		if !l.enter() {
			return false
		}
		defer l.calls.Done()
		identity := identityOf(jid, types.EmptyJID, business)
		if err := l.host.Listener.LinkPairing(ctx, identity); err != nil {
			l.mail.put(refused{connectors.AsError(err)})
			return false
		}
		l.mail.put(paired{identity})
		return true
	}
}
