// Package channel keeps the connected identities of the accounts: it checks and seals their credentials, opens them through
// their connectors, and knows whether the networks still take them.
package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/group"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

// Most is how many channels an account may have.
const Most = 200

// StatusListener hears when networks begin or cease to take a channel's credentials.
type StatusListener interface {
	// ChannelStatus is called before the new status is stored, with the channel as it will be. It must make one event of
	// the dedupe name, however often it is called with it: the call is repeated where a crash or an error kept the status from
	// being stored. An error keeps the old status. It may block until the event is on disk.
	ChannelStatus(ctx context.Context, channel *store.Channel, dedupe string) error
}

// Options wires a Service. Every field but Listener is required.
type Options struct {
	Store      *store.Store
	Sealer     *secret.Sealer
	Connectors map[string]connectors.Connector // by kind
	HTTP       *http.Client                    // the guarded door to the networks' APIs, lent to the connectors
	PublicHTTP *http.Client                    // the same for addresses that users give
	IDs        *id.Generator
	Logger     *slog.Logger
	Now        func() time.Time
	BaseURL    string         // what we are reached at, without a slash at its end
	Listener   StatusListener // optional
	Bell       *live.Bell     // optional: tells open pages

	// Dial is the guarded door for protocols other than HTTP, lent to the connectors.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Service is safe for concurrent use. Close it when nothing uses channels any more.
type Service struct {
	o       Options
	conns   *conns
	lookups *group.Committer[*lookup]
	refused refusals
}

// New wires a Service. A missing part is an error that names it.
func New(o Options) (*Service, error) {
	for name, missing := range map[string]bool{
		"Store": o.Store == nil, "Sealer": o.Sealer == nil, "Connectors": len(o.Connectors) == 0, "HTTP": o.HTTP == nil, "PublicHTTP": o.PublicHTTP == nil,
		"Dial": o.Dial == nil, "IDs": o.IDs == nil, "Logger": o.Logger == nil, "Now": o.Now == nil, "BaseURL": o.BaseURL == "",
	} {
		if missing {
			return nil, fmt.Errorf("make channel service: Options.%s is missing", name)
		}
	}
	s := &Service{o: o, conns: newConns(), refused: refusals{until: map[string]time.Time{}}}
	s.lookups = group.New(lookupSize, 1, s.readChannels)
	return s, nil
}

// Close closes every opened channel. Opening one afterwards is an error.
func (s *Service) Close() error {
	s.lookups.Close()
	return s.conns.closeAll()
}

// IDs returns the generator of the service's ids.
func (s *Service) IDs() *id.Generator { return s.o.IDs }

// Get returns one channel of an account; another account's is a problem NotFound.
func (s *Service) Get(ctx context.Context, accountID, channelID string) (*store.Channel, error) {
	c, err := s.o.Store.Channel(ctx, accountID, channelID)
	return c, explain(err)
}

// List returns a page of an account's channels, newest first. A page's Search looks in names and addresses.
func (s *Service) List(ctx context.Context, accountID string, filter store.ChannelFilter, page store.Page) ([]*store.Channel, error) {
	return s.o.Store.Channels(ctx, accountID, filter, page)
}

// Delete forgets a channel and its credentials, and closes it. Other processes notice at their next use of it.
func (s *Service) Delete(ctx context.Context, accountID, channelID string) error {
	if err := s.o.Store.DeleteChannel(ctx, accountID, channelID); err != nil {
		return explain(err)
	}
	s.o.Bell.Ring(accountID, live.Channel, channelID, "")
	s.drop(ctx, channelID)
	return nil
}

// Info describes a kind of channel. The second result is false where this build has no such connector.
func (s *Service) Info(kind string) (connectors.Info, bool) {
	connector, ok := s.o.Connectors[kind]
	if !ok {
		return connectors.Info{}, false
	}
	return connector.Info(), true
}

// Linker returns the connector of a kind whose channels are linked devices. The second result is false where this build has none such.
func (s *Service) Linker(kind string) (connectors.Linker, bool) {
	linker, ok := s.o.Connectors[kind].(connectors.Linker)
	return linker, ok
}

// CallbackURL is the public address that the channel's provider calls, without a query.
func (s *Service) CallbackURL(c *store.Channel) string {
	return s.o.BaseURL + "/callbacks/" + c.Connector + "/" + c.ID
}

// MaskedConfig returns the channel's settings as they may be shown: secrets are replaced by connectors.Mask.
func (s *Service) MaskedConfig(c *store.Channel) (connectors.Config, error) {
	connector, ok := s.o.Connectors[c.Connector]
	if !ok {
		return connectors.Config{}, nil
	}
	config, err := s.unseal(c)
	if err != nil {
		return nil, err
	}
	return connectors.MaskConfig(connector.Info().Fields, config), nil
}

func sealedAs(channelID string) string { return "channels/config/" + channelID }

func (s *Service) seal(channelID string, config connectors.Config) (string, error) {
	plain, err := json.Marshal(config)
	if err != nil {
		return "", fmt.Errorf("encode channel config: %w", err)
	}
	return s.o.Sealer.Seal(plain, sealedAs(channelID))
}

func (s *Service) unseal(c *store.Channel) (connectors.Config, error) {
	plain, err := s.o.Sealer.Open(c.Config, sealedAs(c.ID))
	if err != nil {
		return nil, fmt.Errorf("unseal config of channel %s: %w", c.ID, err)
	}
	var config connectors.Config
	if err := json.Unmarshal(plain, &config); err != nil {
		return nil, fmt.Errorf("decode config of channel %s: it is not a JSON object of texts", c.ID) // err could quote it
	}
	return config, nil
}

// explain turns the store's errors into what users see.
func explain(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return problem.NotFoundOf("channel")
	case errors.Is(err, store.ErrExists):
		return problem.New(problem.ChannelExists, "This account has a channel with this address already. Change that one, or delete it first.")
	case errors.Is(err, store.ErrTooMany):
		return problem.New(problem.TooMany, fmt.Sprintf("An account has at most %d channels. Delete one that is not needed.", Most))
	}
	return err
}
