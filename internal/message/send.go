package message

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// sendTimeout bounds the call to the network that an API request waits for.
	sendTimeout = 20 * time.Second
	// maxPeer bounds an address and a network's id, in bytes: they stand in indexes, whose entries PostgreSQL bounds. Real ones have less.
	maxPeer = 255
)

// Out is a message to send.
type Out struct {
	ID       string // "msg_…", new
	Channel  *store.Channel
	To       string
	Text     string
	Media    []connectors.OutMedia
	Files    []string // ids of the first of Media, where those are files that lie here
	ReplyTo  string
	Template *connectors.Template
	Location *connectors.Location
	Contact  *connectors.Card
	Reaction *connectors.Reaction
}

// Send sends a message and returns it with the network's id. It stores the message before it calls the network and calls it once.
// An error is a *problem.Error; the message is stored then too, unless it was refused before any call. A message of the
// same id that was stored earlier is not sent again: what became of it is the answer.
func (s *Service) Send(ctx context.Context, out Out) (*store.Message, error) {
	earlier, err := s.Store.Message(ctx, out.Channel.AccountID, out.ID)
	switch {
	case err == nil:
		return s.repeated(ctx, out.Channel, earlier)
	case !errors.Is(err, store.ErrNotFound):
		return nil, problem.Unavailable(fmt.Errorf("look for message: %w", err))
	case len(out.To) > maxPeer:
		return nil, problem.InvalidOne("to", fmt.Sprintf("to is longer than %d bytes, which no address is.", maxPeer))
	}
	info, known := s.Channels.Info(out.Channel.Connector)
	if !known {
		return nil, problem.New(problem.Unsupported, "This server has no connector of the kind "+out.Channel.Connector+".")
	}
	outgoing := connectors.OutMessage{
		ID: out.ID, To: out.To, Text: out.Text, Media: out.Media, ReplyTo: out.ReplyTo, Template: out.Template,
		Location: out.Location, Contact: out.Contact, Reaction: out.Reaction,
	}
	s.lendFiles(ctx, out.Channel.AccountID, outgoing.Media, out.Files)
	if err := connectors.CheckLimits(info, outgoing); err != nil {
		return nil, refusal(connectors.AsError(err))
	}
	if err := s.checkState(ctx, out, info); err != nil {
		return nil, err
	}
	if isLinked(info) {
		return s.sendLinked(ctx, out)
	}
	conn, err := s.open(ctx, out.Channel)
	if err != nil {
		return nil, asProblem(err)
	}
	sender, ok := conn.(connectors.Sender)
	if !ok {
		return nil, problem.New(problem.Unsupported, info.Name+" channels cannot send messages.")
	}
	m, err := s.row(out)
	if err != nil {
		return nil, err
	}
	err = s.Store.InsertMessage(ctx, m)
	if errors.Is(err, store.ErrExists) { // the same request is under way beside this one
		return m, unconfirmed(m.ID)
	}
	if err != nil {
		return nil, problem.Unavailable(fmt.Errorf("store message: %w", err))
	}
	s.ring(m)
	return s.call(ctx, out.Channel, info, sender, m, outgoing)
}

// repeated answers a request for a message that was stored before. One that waits for a linked device is still waited for.
func (s *Service) repeated(ctx context.Context, channel *store.Channel, m *store.Message) (*store.Message, error) {
	if info, _ := s.Channels.Info(channel.Connector); m.Status == store.MessageQueued && isLinked(info) {
		return s.queuedOutcome(ctx, m)
	}
	return s.earlier(m)
}

// earlier answers for a message that was stored before: the request was repeated after its answer was lost.
func (s *Service) earlier(m *store.Message) (*store.Message, error) {
	switch m.Status {
	case store.MessageFailed:
		return m, failed(m)
	case store.MessageSending, store.MessageQueued, store.MessageUnconfirmed:
		return m, unconfirmed(m.ID)
	}
	return m, nil
}

// failed is the error of a message that is known not to have gone out.
func failed(m *store.Message) *problem.Error {
	if m.ErrorCode == connectors.CodeInvalidRecipient {
		return refusal(connectors.Rejected(m.ErrorCode, m.ErrorMessage, "to"))
	}
	return &problem.Error{Code: codeOf(m.ErrorCode), Message: m.ErrorMessage}
}

// codeOf is the API's code for the stored code of a failed message.
func codeOf(stored string) string {
	switch stored {
	case connectors.Retryable(nil).Code:
		return problem.ProviderUnavailable
	case connectors.RateLimited(0).Code:
		return problem.ProviderRateLimited
	case connectors.Unsupported("").Code:
		return problem.Unsupported
	case connectors.CodeWindowExpired:
		return problem.WindowExpired
	case connectors.CodeNotConnected:
		return problem.SessionNotConnected
	case connectors.CodeAuthFailed, connectors.CodeAccountSuspended:
		return problem.ChannelUnlinked
	}
	return problem.MessageRejected
}

func unconfirmed(messageID string) *problem.Error {
	return problem.New(problem.Unconfirmed, "The network did not answer in time, so it is not known whether message "+messageID+
		" went out. It is not sent again by itself; look at the recipient's side before you do.")
}

// checkState refuses what cannot succeed: a channel that is off, or a conversation whose window is closed.
func (s *Service) checkState(ctx context.Context, out Out, info connectors.Info) error {
	switch out.Channel.Status {
	case store.ChannelDisabled:
		return problem.New(problem.ChannelNotConnected, "The channel is switched off. Set its status to active first.")
	}
	if info.Window == 0 || out.Template != nil {
		return nil
	}
	last, err := s.Store.LastInbound(ctx, out.Channel.AccountID, out.Channel.ID, peerOf(out.To))
	if err != nil {
		return problem.Unavailable(err)
	}
	if s.Now().Sub(last) < info.Window {
		return nil
	}
	return problem.New(problem.WindowExpired, "The 24-hour messaging window is closed: the recipient has not written on this channel within it. "+
		"Wait for a message, or send a template.")
}

// peerOf is the form in which the other side's address is stored: phone numbers as digits.
func peerOf(to string) string {
	if digits := connectors.Digits(to); digits != "" {
		return digits
	}
	return to
}

func (s *Service) row(out Out) (*store.Message, error) {
	now := s.Now()
	content := Content{Files: out.Files, Template: out.Template, ReplyTo: out.ReplyTo, Location: out.Location, Card: out.Contact, Reaction: out.Reaction}
	kind := "text"
	switch {
	case out.Location != nil:
		kind = "location"
	case out.Contact != nil:
		kind = "contact"
	case out.Reaction != nil:
		kind = "reaction"
	}
	for _, m := range out.Media {
		content.Media = append(content.Media, event.Media{URL: m.URL, Kind: mediaKind(m.ContentType), ContentType: m.ContentType, FileName: m.FileName})
		kind = mediaKind(m.ContentType)
	}
	if out.Template != nil {
		kind = "template"
	}
	text, err := contentOf(content)
	if err != nil {
		return nil, problem.Internal(err)
	}
	return &store.Message{
		ID: out.ID, AccountID: out.Channel.AccountID, ChannelID: out.Channel.ID, Direction: store.Outbound, Peer: peerOf(out.To), Type: kind,
		Text: out.Text, Content: text, Status: store.MessageSending, Owner: s.WorkerID, CreatedAt: now, UpdatedAt: now,
	}, nil
}

// call makes the one call and stores what came of it. The outcome is stored also when the client has gone.
func (s *Service) call(ctx context.Context, channel *store.Channel, info connectors.Info, sender connectors.Sender, m *store.Message, out connectors.OutMessage) (*store.Message, error) {
	receipt, failure := s.sendOnce(ctx, sender, out)
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	s.Observer.ObserveMessage(channel.Connector, store.Outbound, result(failure))
	s.Logger.LogAttrs(after, levelOf(failure), "message.sent", sentAttrs(channel, m, failure)...)
	if failure != nil {
		if failure.Kind == connectors.KindUnlinked {
			s.noteChannel(after, channel, failure)
		}
		if err := s.Publisher.Publish(after, s.failureDraft(m, info, failure)); err != nil {
			s.Logger.Error("message.record_failed", "message_id", m.ID, "error", err)
		}
		if failure.Kind == connectors.KindUnconfirmed {
			return m, unconfirmed(m.ID)
		}
		return m, refusal(failure)
	}
	s.noteTaken(after, channel)
	if err := s.recordReceipt(after, m, info, receipt); err != nil {
		// The network has it; only our note of that is missing. It turns unconfirmed by and by and is not sent again.
		s.Logger.Error("message.record_failed", "message_id", m.ID, "error", err)
		return m, unconfirmed(m.ID)
	}
	return m, nil
}

// sendOnce calls the connector; a panic in it is an outcome that nobody knows.
func (s *Service) sendOnce(ctx context.Context, sender connectors.Sender, out connectors.OutMessage) (receipt connectors.Receipt, failure *connectors.Error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			failure = connectors.Unconfirmed(fmt.Errorf("panic in connector: %v", p))
		}
	}()
	receipt, err := sender.Send(ctx, out)
	if err != nil {
		return receipt, connectors.AsError(err)
	}
	return receipt, nil
}

// recordReceipt notes that the network took a message, and raises message.status for each step that is known already.
func (s *Service) recordReceipt(ctx context.Context, m *store.Message, info connectors.Info, receipt connectors.Receipt) error {
	for _, status := range []connectors.Status{connectors.StatusSent, connectors.StatusDelivered, connectors.StatusRead} {
		change := store.StatusChange{AccountID: m.AccountID, MessageID: m.ID, Status: store.MessageStatus(status), ProviderID: receipt.ProviderID}
		if err := s.Publisher.Publish(ctx, s.changeDraft(change, info, nil, time.Time{})); err != nil {
			return err
		}
		m.Status, m.ProviderID = store.MessageStatus(status), receipt.ProviderID
		if status == receipt.Status || receipt.Status == "" {
			break
		}
	}
	return nil
}

func (s *Service) failureDraft(m *store.Message, info connectors.Info, failure *connectors.Error) *event.Draft {
	m.Status, m.ErrorCode, m.ErrorMessage = store.MessageFailed, failure.Code, failure.Message
	if failure.Kind == connectors.KindUnconfirmed {
		m.Status = store.MessageUnconfirmed
	}
	return s.changeDraft(store.StatusChange{
		AccountID: m.AccountID, MessageID: m.ID, Status: m.Status, ErrorCode: failure.Code, ErrorMessage: failure.Message,
	}, info, failure.Provider, time.Time{})
}

// asProblem turns any failure of a channel into what users see.
func asProblem(err error) error {
	var failure *connectors.Error
	if errors.As(err, &failure) {
		return refusal(failure)
	}
	return problem.Internal(err)
}

// refusal is the one table from the connectors' vocabulary to the codes of the API.
func refusal(failure *connectors.Error) *problem.Error {
	p := &problem.Error{Message: failure.Message, Field: failure.Field, Err: failure.Err}
	if failure.Provider != nil {
		p.Provider = failure.Provider
	}
	switch failure.Kind {
	case connectors.KindRetryable:
		p.Code, p.RetryAfter = problem.ProviderUnavailable, 5*time.Second
	case connectors.KindRateLimited:
		p.Code, p.RetryAfter = problem.ProviderRateLimited, max(failure.After, time.Second)
	case connectors.KindUnlinked:
		p.Code = problem.ChannelUnlinked
	case connectors.KindUnsupported:
		p.Code = problem.Unsupported
	case connectors.KindRejected:
		switch {
		case failure.Code == connectors.CodeWindowExpired:
			p.Code = problem.WindowExpired
		case failure.Field != "":
			p.Code = problem.InvalidField
			p.Fields = []problem.Field{{Field: failure.Field, Code: failure.Code, Message: failure.Message}}
		default:
			p.Code = problem.MessageRejected
		}
	default:
		p.Code = problem.Unconfirmed
	}
	return p
}
