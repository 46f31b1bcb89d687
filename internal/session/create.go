package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// Draft is a session to make.
type Draft struct {
	ID        string // "sess_…"
	AccountID string
	Connector string // the kind; empty: the only kind of linked devices that this build has
	Name      string // empty: made of the kind
	Config    connectors.Config
}

// Create stores a session and begins to link it: its QR code is there as soon as a process has taken it, within a second or two. Wrong settings are
// problems as of channel.Service.Create. A draft whose ID is stored already is answered with that session.
func (s *Service) Create(ctx context.Context, draft Draft) (*Session, error) {
	linker, ok := s.linker(draft.Connector)
	if !ok {
		return nil, problem.New(problem.Unsupported, "This server was built without linked devices, so it has no sessions. Use another kind of channel.")
	}
	c, err := s.Channels.Create(ctx, channel.Draft{
		ID: draft.ID, AccountID: draft.AccountID, Connector: linker.Info().Kind, Name: draft.Name, Config: draft.Config,
		Also: func(ctx context.Context, c *store.Channel) error {
			return s.Store.InsertSession(ctx, &store.Session{
				ID: c.ID, AccountID: c.AccountID, Linking: true, Status: string(connectors.LinkPending), StatusAt: c.CreatedAt, CreatedAt: c.CreatedAt,
			})
		},
	})
	if err != nil {
		return nil, err
	}
	s.Bell.Ring(c.AccountID, live.Session, c.ID, "")
	s.announce()
	return s.Get(ctx, c.AccountID, c.ID)
}

// Link begins a new link of a session: after nobody has scanned, and after LOGGED_OUT. A linked session that does not come back by itself connects
// again. It is a problem LinkInProgress while a link is under way, and Conflict where the session is linked and online, or is switched off.
func (s *Service) Link(ctx context.Context, accountID, sessionID string) (*Session, error) {
	session, err := s.Get(ctx, accountID, sessionID)
	if err != nil {
		return nil, err
	}
	if err := linkable(session); err != nil {
		return nil, err
	}
	next := *session.Session
	status, begin := connectors.LinkPending, s.Store.StartLink
	if session.Device != "" {
		status, begin = connectors.LinkConnecting, s.Store.Reconnect
	}
	next.Status, next.Reason, next.Message, next.StatusAt = string(status), "", "", later(s.Now(), session.StatusAt)
	if next.Status != session.Status || session.Reason != "" {
		if err := s.publishStatus(ctx, session.Session, &next); err != nil {
			return nil, err
		}
	}
	err = begin(ctx, accountID, sessionID, session.Version, next.Status, next.StatusAt)
	if errors.Is(err, store.ErrNotFound) {
		return nil, linkInProgress() // another request was faster, unless the session was deleted: then the next one says so
	}
	if err != nil {
		return nil, fmt.Errorf("start link: %w", err)
	}
	s.Bell.Ring(accountID, live.Session, sessionID, "")
	s.announce()
	return s.Get(ctx, accountID, sessionID)
}

// linkable says why a session cannot be linked or connected now, or nil.
func linkable(session *Session) error {
	switch {
	case session.Channel.Status == store.ChannelDisabled:
		return problem.New(problem.Conflict, `The session is switched off. Switch it on with PATCH /v1/channels/:id {"status": "active"} first.`)
	case session.Linking:
		return linkInProgress()
	case session.Device != "" && (session.Retry || session.Status != string(connectors.LinkDisconnected)):
		return problem.New(problem.Conflict, "The session is linked to a device already. Log it out first, or make another session.")
	}
	return nil
}

func linkInProgress() error {
	return problem.New(problem.LinkInProgress, "A link of this session is under way. Scan its present QR code, or wait until it has run out.")
}
