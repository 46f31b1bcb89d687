package channel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	maxName = 100 // characters of a channel's name
	// changeTries is how often a change is made anew because another one came between its reading and writing.
	changeTries = 5
)

// Draft is a channel to make.
type Draft struct {
	ID        string // "chan_…"
	AccountID string
	Connector string
	Name      string // empty: made of the kind and the address
	Config    connectors.Config

	// Also stores what else belongs to the channel, in the same transaction. Kinds of linked devices need it, others have none.
	Also func(ctx context.Context, channel *store.Channel) error
}

// Create checks a channel's settings without calling the network, and stores it. Everything that is wrong is reported at once as
// a problem whose fields are "connector", "name" and "config.<key>". A draft whose ID is stored already is answered with that channel,
// so that a repeated request makes one channel.
func (s *Service) Create(ctx context.Context, draft Draft) (*store.Channel, error) {
	connector, ok := s.o.Connectors[draft.Connector]
	if !ok {
		return nil, s.unknownConnector(draft.Connector)
	}
	if isLinker(connector) != (draft.Also != nil) {
		return nil, fmt.Errorf("make channel: a channel of kind %s is made by another service", draft.Connector)
	}
	name, wrong := cleanName(draft.Name)
	now := s.o.Now()
	c := &store.Channel{
		ID: draft.ID, AccountID: draft.AccountID, Connector: draft.Connector, Name: name,
		Status: store.ChannelNew, StatusAt: now, CreatedAt: now, UpdatedAt: now,
	}
	if err := s.configure(c, connector, draft.Config, wrong); err != nil {
		return nil, err
	}
	if c.Name == "" {
		c.Name = connector.Info().Name
		if c.Address != c.ID {
			c.Name += " " + c.Address
		}
	}
	err := s.insert(ctx, c, draft.Also)
	if errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrTooMany) {
		if mine, getErr := s.o.Store.Channel(ctx, c.AccountID, c.ID); getErr == nil {
			return mine, nil
		}
	}
	if err != nil {
		return nil, explain(err)
	}
	s.o.Bell.Ring(c.AccountID, live.Channel, c.ID, "")
	s.o.Logger.InfoContext(ctx, "channel.created", "channel_id", c.ID, "connector", c.Connector)
	return c, nil
}

// insert stores a channel and what belongs to it.
func (s *Service) insert(ctx context.Context, c *store.Channel, also func(context.Context, *store.Channel) error) error {
	return s.o.Store.InTransaction(ctx, func(ctx context.Context) error {
		if err := s.o.Store.InsertChannel(ctx, c, Most); err != nil || also == nil {
			return err
		}
		return also(ctx, c)
	})
}

// isLinker reports whether a kind's channels are linked devices, whose address the network tells when they are linked.
func isLinker(connector connectors.Connector) bool {
	_, ok := connector.(connectors.Linker)
	return ok
}

// addressOf returns the address of a channel with new settings: of a linked device the present one, or its id before it has any.
func addressOf(c *store.Channel, connector connectors.Connector, config connectors.Config) (string, error) {
	address, err := connector.Address(config)
	switch {
	case err != nil || !isLinker(connector):
		return address, err
	case c.Address == "":
		return c.ID, nil
	}
	return c.Address, nil
}

// configure checks settings and puts them, the address and the key into c.
func (s *Service) configure(c *store.Channel, connector connectors.Connector, given connectors.Config, wrong []problem.Field) error {
	info := connector.Info()
	config, problems := connectors.ValidateConfig(info.Fields, given)
	for _, p := range problems {
		wrong = append(wrong, problem.Field{Field: "config." + p.Key, Code: codeOf(info.Fields, p.Key, given), Message: p.Message})
	}
	for _, field := range info.Fields {
		if field.Secret && config[field.Key] == connectors.Mask {
			wrong = append(wrong, wrongField("config."+field.Key, field.Label+" is the mask that stands for a hidden value. Enter the value itself."))
		}
	}
	if len(wrong) > 0 {
		return problem.Invalid(wrong...)
	}
	address, err := addressOf(c, connector, config)
	if err != nil {
		return addressProblem(err)
	}
	sealed, err := s.seal(c.ID, config)
	if err != nil {
		return err
	}
	c.Address, c.ChannelKey, c.Config = address, info.KeyPrefix+"_"+address, sealed
	return nil
}

func codeOf(fields []connectors.Field, key string, given connectors.Config) string {
	known := slices.ContainsFunc(fields, func(f connectors.Field) bool { return f.Key == key })
	switch {
	case !known:
		return problem.UnknownField
	case strings.TrimSpace(given[key]) == "":
		return problem.RequiredField
	}
	return problem.InvalidField
}

func addressProblem(err error) error {
	var e *connectors.Error
	if !errors.As(err, &e) || e.Kind != connectors.KindRejected {
		return fmt.Errorf("derive channel address: %w", err)
	}
	field := "config"
	if e.Field != "" {
		field += "." + strings.TrimPrefix(e.Field, "config.")
	}
	return problem.InvalidOne(field, e.Message)
}

func (s *Service) unknownConnector(given string) error {
	kinds := slices.Sorted(maps.Keys(s.o.Connectors))
	if given == "" {
		return problem.Invalid(problem.Field{
			Field: "connector", Code: problem.RequiredField,
			Message: "Say what kind of channel it is: " + strings.Join(kinds, ", ") + ".",
		})
	}
	return problem.InvalidOne("connector", "There is no such kind of channel here. The kinds are: "+strings.Join(kinds, ", ")+".")
}

func cleanName(given string) (string, []problem.Field) {
	name := strings.TrimSpace(given)
	switch {
	case utf8.RuneCountInString(name) > maxName:
		return "", []problem.Field{wrongField("name", fmt.Sprintf("name is longer than %d characters.", maxName))}
	case strings.ContainsFunc(name, unicode.IsControl):
		return "", []problem.Field{wrongField("name", "name must not contain control characters.")}
	}
	return name, nil
}

func wrongField(name, message string) problem.Field {
	return problem.Field{Field: name, Code: problem.InvalidField, Message: message}
}

// Config returns the channel's settings as they are, secrets included: for who connects a linked device.
func (s *Service) Config(c *store.Channel) (connectors.Config, error) { return s.unseal(c) }

// Change is what a user changes of a channel. Fields that are nil stay.
type Change struct {
	Name     *string
	Disabled *bool             // switches off, or on again
	Config   connectors.Config // an absent key or a masked secret stays, an empty value is removed
}

// Change changes a channel of an account. New credentials, and switching it on again, make its status ChannelNew, because nobody has tried them yet.
// Problems are as of Create. Two changes at once are made one after the other.
func (s *Service) Change(ctx context.Context, accountID, channelID string, change Change) (*store.Channel, error) {
	for range changeTries {
		c, err := s.o.Store.Channel(ctx, accountID, channelID)
		if err != nil {
			return nil, explain(err)
		}
		changed, err := s.apply(c, change)
		if err != nil || !changed {
			return c, err
		}
		err = s.o.Store.UpdateChannel(ctx, c)
		if errors.Is(err, store.ErrNotFound) {
			continue // changed or deleted since it was read
		}
		if err != nil {
			return nil, explain(err)
		}
		s.o.Bell.Ring(accountID, live.Channel, channelID, "")
		s.drop(ctx, channelID)
		return c, nil
	}
	return nil, problem.New(problem.Conflict, "The channel is being changed by others at this moment. Send the change again.")
}

// apply puts a change into c and reports whether there is anything to store.
func (s *Service) apply(c *store.Channel, change Change) (changed bool, err error) {
	var wrong []problem.Field
	now := s.o.Now()
	if change.Name != nil {
		name, problems := cleanName(*change.Name)
		if name == "" && len(problems) == 0 {
			problems = []problem.Field{{Field: "name", Code: problem.RequiredField, Message: "name must not be empty. Leave it out to keep the present one."}}
		}
		wrong = append(wrong, problems...)
		changed = changed || name != c.Name
		c.Name = name
	}
	if disabled := c.Status == store.ChannelDisabled; change.Disabled != nil && *change.Disabled != disabled {
		c.Status, c.StatusCode, c.StatusMessage, c.StatusAt = store.ChannelNew, "", "", now
		if *change.Disabled {
			c.Status = store.ChannelDisabled
		}
		changed = true
	}
	if change.Config != nil {
		reconfigured, err := s.reconfigure(c, change.Config, wrong)
		if err != nil {
			return false, err
		}
		if reconfigured && c.Status != store.ChannelDisabled {
			c.Status, c.StatusCode, c.StatusMessage, c.StatusAt = store.ChannelNew, "", "", now
		}
		changed = changed || reconfigured
	}
	if len(wrong) > 0 {
		return false, problem.Invalid(wrong...)
	}
	if changed {
		c.UpdatedAt = now
	}
	return changed, nil
}

// reconfigure merges settings into those of c and checks the whole.
func (s *Service) reconfigure(c *store.Channel, given connectors.Config, wrong []problem.Field) (changed bool, err error) {
	connector, ok := s.o.Connectors[c.Connector]
	if !ok {
		return false, problem.New(problem.Unsupported, "This server has no connector for this kind of channel, so its settings cannot be changed here.")
	}
	before, err := s.unseal(c)
	if err != nil {
		return false, err
	}
	secrets := map[string]bool{}
	for _, field := range connector.Info().Fields {
		secrets[field.Key] = field.Secret
	}
	merged := maps.Clone(before)
	if merged == nil {
		merged = connectors.Config{}
	}
	keys := slices.Collect(maps.Keys(given))
	sort.Strings(keys)
	for _, key := range keys {
		switch value := given[key]; {
		case secrets[key] && strings.TrimSpace(value) == connectors.Mask && before[key] != "":
		default:
			merged[key] = value
		}
	}
	if err := s.configure(c, connector, merged, wrong); err != nil {
		return false, err
	}
	after, err := s.unseal(c)
	return !maps.Equal(before, after), err
}
