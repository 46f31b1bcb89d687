package channel

import (
	"context"
	"errors"
	"maps"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// The settings of every kind that belong to its tokens without being secret.
const (
	tokensEnd = "expiresAt" // of the access token
	tokensApp = "clientId"  // of the app that they were made with
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
// draft. In a channel that was there, all present credentials go, because tokens, their ends and the app that they belong to make sense only together; its
// name and its other settings stay, and where it is switched off, so does that. Problems are as of Create.
func (s *Service) Connect(ctx context.Context, draft Draft) (c *store.Channel, created bool, err error) {
	key, err := s.Key(draft.Connector, draft.Config)
	if err != nil {
		return nil, false, err
	}
	for range changeTries {
		present, err := s.o.Store.ChannelByKey(ctx, draft.AccountID, key)
		if err == nil {
			c, err = s.Change(ctx, draft.AccountID, present.ID, Change{Config: s.instead(draft)})
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

// instead returns a draft's configuration with an empty value, which removes it, for every credential that it has not. Other settings that it has
// only by default are left out.
func (s *Service) instead(draft Draft) connectors.Config {
	config := maps.Clone(draft.Config)
	for _, field := range s.o.Connectors[draft.Connector].Info().Fields {
		switch credential := field.Secret || field.Key == tokensEnd || field.Key == tokensApp; {
		case credential && config[field.Key] == "":
			config[field.Key] = ""
		case !credential && field.Default != "" && config[field.Key] == field.Default:
			delete(config, field.Key)
		}
	}
	return config
}
