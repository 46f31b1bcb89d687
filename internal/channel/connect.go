package channel

import (
	"context"
	"errors"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// Key returns the channel key that a channel of a kind has with a configuration. What is wrong with that is reported as by Create.
func (s *Service) Key(kind string, config connectors.Config) (string, error) {
	connector, ok := s.o.Connectors[kind]
	if !ok {
		return "", s.unknownConnector(kind)
	}
	var probe store.Channel
	if err := s.configure(&probe, connector, config, nil); err != nil {
		return "", err
	}
	return probe.ChannelKey, nil
}

// Connect stores a configuration that a network has just granted: in the account's channel of the same key, or else in a new one of the
// draft. It takes the place of the present one as a whole, because tokens, their ends and the app they belong to make sense only together. The name of a channel that was there stays, and one
// that is switched off stays so. Problems are as of Create.
func (s *Service) Connect(ctx context.Context, draft Draft) (c *store.Channel, created bool, err error) {
	key, err := s.Key(draft.Connector, draft.Config)
	if err != nil {
		return nil, false, err
	}
	for range changeTries {
		present, err := s.o.Store.ChannelByKey(ctx, draft.AccountID, key)
		if err == nil {
			c, err = s.Change(ctx, draft.AccountID, present.ID, Change{Config: s.whole(draft)})
			return c, false, err
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, false, err
		}
		c, err = s.Create(ctx, draft)
		var p *problem.Error
		if errors.As(err, &p) && p.Code == problem.ChannelExists {
			continue // made by somebody else since it was looked for
		}
		return c, err == nil, err
	}
	return nil, false, problem.New(problem.Conflict, "The channel is being changed by others at this moment. Connect it again.")
}

// whole returns a draft's configuration with an empty value for every other setting of its kind, which removes them.
func (s *Service) whole(draft Draft) connectors.Config {
	config := connectors.Config{}
	for _, field := range s.o.Connectors[draft.Connector].Info().Fields {
		config[field.Key] = draft.Config[field.Key]
	}
	return config
}
