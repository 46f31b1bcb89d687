package session_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/event"
)

func TestWhoHearsOfACodeOrOfASessionOnlineFindsItSo(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		made := n.session(t, nil)
		seen := map[string]string{}
		w.hear = func(draft *event.Draft) error {
			row, err := w.store.Session(t.Context(), tenant, made.ID)
			if err != nil {
				return err
			}
			switch data := draft.Data.(type) {
			case event.SessionQRData:
				seen[data.QR] = row.Step
			case event.SessionStatusData:
				seen[data.Status] = row.Status
			}
			return nil
		}
		l := w.network.link(t, made.ID)
		l.become(t, qr("code 1"))
		l.connect(t, "15551234567")
		require.Contains(t, seen["code 1"], "code 1")
		require.Equal(t, "QR", seen["QR"])
		require.Equal(t, "CONNECTED", seen["CONNECTED"])
	})
}

func TestAnEventThatCouldNotBeStoredAfterItsStateIsToldAtTheNextLook(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		made := n.session(t, nil)
		l := w.network.link(t, made.ID)
		w.hear = func(*event.Draft) error { return errors.New("the database is away") }
		require.Error(t, l.host.Listener.LinkChanged(t.Context(), qr("code 1")))
		require.Equal(t, string(connectors.LinkQR), n.get(t, made.ID).Status)
		require.Empty(t, w.told(t))
		w.hear = nil
		n.tick(t)
		require.Equal(t, []string{"PENDING -> QR"}, w.told(t))
		require.Len(t, events[event.SessionQRData](t, w, event.SessionQR), 1)
	})
}
