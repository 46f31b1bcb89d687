package channel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// AccessToken is the setting that holds the access token of every kind whose tokens are renewed.
	AccessToken = "accessToken"

	// renewalFor is how long a process may take to renew credentials. Afterwards it counts as dead, and another one tries.
	renewalFor = time.Minute
	// renewalPoll is how soon a process looks again whether another one has finished.
	renewalPoll = 100 * time.Millisecond
)

// keeper is the connectors.TokenKeeper of one channel.
type keeper struct {
	service   *Service
	channelID string
}

// Renew renews the channel's credentials, one process at a time, and stores them before anybody uses them.
func (k keeper) Renew(ctx context.Context, stale string, renew func(ctx context.Context, present connectors.Config) (connectors.Config, error)) (connectors.Config, error) {
	s := k.service
	until, err := s.claimRenewal(ctx, k.channelID)
	if err != nil {
		return nil, err
	}
	defer func() {
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewalFor)
		defer cancel()
		if err := s.o.Store.EndRenewalAny(after, k.channelID, until); err != nil {
			s.o.Logger.WarnContext(after, "channel.renewal_not_ended", "channel_id", k.channelID, "error", err) // the right runs out by itself
		}
	}()
	channel, present, err := s.readConfig(ctx, k.channelID)
	if err != nil {
		return nil, err
	}
	if present[AccessToken] != stale {
		return present, nil // somebody else has renewed it, or the user has given another one
	}
	// Once asked, the network may have made the old credentials useless: from here on the new ones are stored whatever ends ctx.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewalFor)
	defer cancel()
	changes, err := renew(ctx, maps.Clone(present))
	if err != nil {
		return nil, err
	}
	return s.storeRenewed(ctx, channel, present, changes)
}

// claimRenewal waits for the only right to renew a channel's credentials and returns until when it holds.
func (s *Service) claimRenewal(ctx context.Context, channelID string) (time.Time, error) {
	for {
		now := s.o.Now()
		until := now.Add(renewalFor)
		mine, err := s.o.Store.ClaimRenewalAny(ctx, channelID, now, until)
		if err != nil {
			return time.Time{}, connectors.Retryable(fmt.Errorf("claim renewal: %w", err))
		}
		if mine {
			return until, nil
		}
		if _, err := s.o.Store.ChannelAny(ctx, channelID); errors.Is(err, store.ErrNotFound) {
			return time.Time{}, connectors.Unlinked(connectors.CodeAuthFailed, "The channel was deleted.")
		}
		select {
		case <-time.After(renewalPoll):
		case <-ctx.Done():
			return time.Time{}, connectors.Retryable(ctx.Err())
		}
	}
}

func (s *Service) readConfig(ctx context.Context, channelID string) (*store.Channel, connectors.Config, error) {
	channel, err := s.o.Store.ChannelAny(ctx, channelID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, connectors.Unlinked(connectors.CodeAuthFailed, "The channel was deleted.")
	}
	if err != nil {
		return nil, nil, connectors.Retryable(fmt.Errorf("read channel: %w", err))
	}
	config, err := s.unseal(channel)
	return channel, config, err
}

// storeRenewed puts new credentials into a channel. Where the user has changed other settings meanwhile, both changes hold; where they have
// given another token, theirs does.
func (s *Service) storeRenewed(ctx context.Context, channel *store.Channel, present, changes connectors.Config) (connectors.Config, error) {
	stale := present[AccessToken]
	for range changeTries {
		next := maps.Clone(present)
		maps.Copy(next, changes)
		sealed, err := s.seal(channel.ID, next)
		if err != nil {
			return nil, err
		}
		channel.Config = sealed
		err = s.o.Store.RenewedChannelAny(ctx, channel, s.o.Now())
		if err == nil {
			s.o.Bell.Ring(channel.AccountID, live.Channel, channel.ID, "")
			s.o.Logger.InfoContext(ctx, "channel.renewed", "channel_id", channel.ID, "connector", channel.Connector)
			return next, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("store renewed credentials: %w", err)
		}
		if channel, present, err = s.readConfig(ctx, channel.ID); err != nil {
			return nil, err
		}
		if present[AccessToken] != stale {
			return present, nil
		}
	}
	return nil, connectors.Retryable(errors.New("the channel is being changed by others all the time"))
}
