package whatsapp

import (
	"context"
	"sync"
	"time"

	"go.mau.fi/whatsmeow/types"
)

const (
	askTimeout = 10 * time.Second // the network tells a group's name; the message waits for it
	nameLasts  = time.Hour
	askAgain   = 5 * time.Minute
	maxGroups  = 1000 // names kept, some 100 bytes each
)

// addParts makes what reads and what sends messages.
func (l *Link) addParts() error {
	l.in = &inbound{
		settings: l.settings, own: l.own, phoneOf: l.phoneOf, groupName: l.groups.name,
		decryptVote: votesWith(l.client), decrypt: secretsWith(l.client),
	}
	out, err := newOutbound(outboundOptions{
		Client: l.client, Info: l.connector.Info(), Typing: l.settings.typing, CheckNumbers: l.settings.checkNumbers, Public: l.host.Public,
		Now: l.host.Now, Ready: l.ready, Own: l.own,
	})
	if err != nil {
		return err
	}
	l.out = out
	return nil
}

// own returns who the device is linked to.
func (l *Link) own() (number, lid types.JID) {
	identity := l.state().Identity
	if identity.Device == "" {
		return types.EmptyJID, types.EmptyJID
	}
	lid, err := types.ParseJID(identity.LID)
	if err != nil || identity.LID == "" {
		lid = types.EmptyJID
	}
	return types.NewJID(identity.Address, types.DefaultUserServer), lid
}

// phoneOf returns the phone number of a hidden id, if we have been told; else zero.
func (l *Link) phoneOf(ctx context.Context, lid types.JID) types.JID {
	number, err := l.client.Store.LIDs.GetPNForLID(ctx, lid)
	if err != nil {
		l.host.Logger.Warn("read the number of a whatsapp id", "error", err)
		return types.EmptyJID
	}
	return number
}

// askGroup asks the network for a group's name.
func (l *Link) askGroup(ctx context.Context, group types.JID) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	info, err := l.client.GetGroupInfo(ctx, group)
	if err != nil {
		l.host.Logger.Debug("ask for a whatsapp group's name", "error", err)
		return "", queryError(err)
	}
	return info.Name, nil
}

// groupNames keeps the names of groups for a time, so that not each message asks the network.
type groupNames struct {
	ask func(ctx context.Context, group types.JID) (string, error)

	mu    sync.Mutex
	known map[types.JID]groupName
}

type groupName struct {
	name  string
	until time.Time
}

func newGroupNames(ask func(context.Context, types.JID) (string, error)) *groupNames {
	return &groupNames{ask: ask, known: map[types.JID]groupName{}}
}

// name returns a group's name, or "" where the network does not tell it; then it is asked again only after a while.
func (g *groupNames) name(ctx context.Context, group types.JID) string {
	g.mu.Lock()
	entry, ok := g.known[group]
	g.mu.Unlock()
	if ok && time.Now().Before(entry.until) {
		return entry.name
	}
	name, err := g.ask(ctx, group)
	entry = groupName{name: name, until: time.Now().Add(nameLasts)}
	if err != nil {
		entry = groupName{name: entry.name, until: time.Now().Add(askAgain)}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.known) >= maxGroups {
		clear(g.known)
	}
	g.known[group] = entry
	return entry.name
}
