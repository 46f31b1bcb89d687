package whatsapp

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/socket"

	"github.com/switchhook/switchhook/connectors"
)

func TestErrorsOfSendMessageGetTheirMeaning(t *testing.T) {
	t.Parallel()
	early := whatsmeow.SendResponse{}
	written := whatsmeow.SendResponse{DebugTimings: whatsmeow.MessageDebugTimings{Send: time.Microsecond}}
	wrap := func(what string, err error) error { return fmt.Errorf("%s: %w", what, err) }
	cases := map[string]struct {
		response whatsmeow.SendResponse
		err      error
		kind     connectors.Kind
		code     string
	}{
		"not linked":              {early, whatsmeow.ErrNotLoggedIn, connectors.KindUnlinked, codeUnlinked},
		"no LID":                  {early, errors.New("no LID found for 49@s.whatsapp.net from server"), connectors.KindRejected, connectors.CodeInvalidRecipient},
		"no such group":           {early, wrap("failed to get group members", whatsmeow.ErrGroupNotFound), connectors.KindRejected, connectors.CodeInvalidRecipient},
		"not in the group":        {early, wrap("failed to get group members", whatsmeow.ErrNotInGroup), connectors.KindRejected, codeNotAllowed},
		"devices: no line":        {early, wrap("failed to get device list", whatsmeow.ErrNotConnected), connectors.KindRetryable, connectors.CodeNotConnected},
		"devices: line lost":      {early, wrap("failed to get device list", whatsmeow.ErrIQDisconnected), connectors.KindRetryable, connectors.CodeNotConnected},
		"devices: no answer":      {early, wrap("failed to get device list", whatsmeow.ErrIQTimedOut), connectors.KindRetryable, "provider_unavailable"},
		"devices: too many asked": {early, wrap("failed to get device list", whatsmeow.ErrIQRateOverLimit), connectors.KindRateLimited, "provider_rate_limited"},
		"devices: given up":       {early, wrap("failed to get device list", context.DeadlineExceeded), connectors.KindRetryable, "provider_unavailable"},
		"write: no line":          {written, wrap("failed to send message node", whatsmeow.ErrNotConnected), connectors.KindRetryable, connectors.CodeNotConnected},
		"write: line closed":      {written, wrap("failed to send message node", socket.ErrSocketClosed), connectors.KindRetryable, connectors.CodeNotConnected},
		"write: lease lost":       {written, wrap("failed to send message node", errNoLease), connectors.KindRetryable, connectors.CodeNotConnected},
		"write: too long":         {written, wrap("failed to send message node", socket.ErrFrameTooLarge), connectors.KindRejected, connectors.CodeInvalidContent},
		"write: broken off":       {written, wrap("failed to send message node", errors.New("broken pipe")), connectors.KindUnconfirmed, "unconfirmed"},
		"write: given up":         {written, wrap("failed to send message node", context.Canceled), connectors.KindUnconfirmed, "unconfirmed"},
		"answer: timeout":         {written, whatsmeow.ErrMessageTimedOut, connectors.KindUnconfirmed, "unconfirmed"},
		"answer: given up":        {written, context.Canceled, connectors.KindUnconfirmed, "unconfirmed"},
		"answer: line lost":       {written, &whatsmeow.DisconnectedError{Action: "message send"}, connectors.KindUnconfirmed, "unconfirmed"},
		"second write: no line":   {written, whatsmeow.ErrNotConnected, connectors.KindUnconfirmed, "unconfirmed"},
		"second write: no lease":  {written, errNoLease, connectors.KindUnconfirmed, "unconfirmed"},
		"coarse clock: timeout":   {early, whatsmeow.ErrMessageTimedOut, connectors.KindUnconfirmed, "unconfirmed"},
		"coarse clock: given up":  {early, context.DeadlineExceeded, connectors.KindUnconfirmed, "unconfirmed"},
		"coarse clock: line lost": {early, &whatsmeow.DisconnectedError{Action: "message send (retry)"}, connectors.KindUnconfirmed, "unconfirmed"},
		"anything else":           {early, errors.New("database is locked"), connectors.KindRetryable, "provider_unavailable"},
	}
	for name, c := range cases {
		got := sendError(c.response, c.err)
		require.Equal(t, c.kind, got.Kind, name)
		require.Equal(t, c.code, got.Code, name)
		require.NotEmpty(t, got.Message, name)
	}
}

func TestErrorCodesOfTheServerGetTheirMeaning(t *testing.T) {
	t.Parallel()
	cases := map[int]struct {
		kind connectors.Kind
		code string
	}{
		400: {connectors.KindRejected, codeRefused},
		403: {connectors.KindRejected, codeNotAllowed},
		404: {connectors.KindRejected, connectors.CodeInvalidRecipient},
		406: {connectors.KindRejected, connectors.CodeInvalidRecipient},
		421: {connectors.KindRetryable, "provider_unavailable"},
		429: {connectors.KindRateLimited, "provider_rate_limited"},
		463: {connectors.KindRejected, codeNotReachable},
		479: {connectors.KindRejected, codeRefused},
		500: {connectors.KindRetryable, "provider_unavailable"},
		503: {connectors.KindRetryable, "provider_unavailable"},
	}
	for code, want := range cases {
		got := sendError(whatsmeow.SendResponse{DebugTimings: whatsmeow.MessageDebugTimings{Send: 1}}, fmt.Errorf("%w %d", whatsmeow.ErrServerReturnedError, code))
		require.Equal(t, want.kind, got.Kind, code)
		require.Equal(t, want.code, got.Code, code)
		require.Equal(t, code, got.Provider.Code)
	}
	require.Zero(t, ackCode(errors.New("server returned error soon")))
}

func TestAnErrorOfAnUploadHidesItsAddress(t *testing.T) {
	t.Parallel()
	cause := &url.Error{Op: "Post", URL: "https://mmg.whatsapp.net/mms/image/token?auth=SECRET", Err: errors.New("connection reset")}
	got := notUploaded(fmt.Errorf("failed to execute request: %w", cause))
	require.Equal(t, connectors.KindRetryable, got.Kind)
	require.Equal(t, "media", got.Field)
	require.NotContains(t, got.Error(), "SECRET")
	require.Contains(t, got.Error(), "connection reset")
}
