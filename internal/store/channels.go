package store

import (
	"context"
	"errors"
	"maps"
	"time"

	"go.mau.fi/util/dbutil"
)

// ChannelStatus says whether a channel can be used.
type ChannelStatus string

// The statuses of a channel.
const (
	ChannelNew       ChannelStatus = "new"        // its credentials have not been used since they were given
	ChannelConnected ChannelStatus = "connected"  // the network has taken its credentials
	ChannelNeedsLink ChannelStatus = "needs_link" // the network refuses its credentials
	ChannelDisabled  ChannelStatus = "disabled"   // switched off by the user
)

// Channel is one connected identity on one network. Config is sealed.
type Channel struct {
	ID, AccountID string
	Connector     string // the kind, such as "twilio_sms"
	Name          string
	Address       string // the identity itself: a phone number in digits, a page id
	ChannelKey    string // unique in the account
	Config        string // sealed JSON object
	Status        ChannelStatus
	StatusCode    string // why, for programs; empty while there is nothing to say
	StatusMessage string // why, as a sentence
	StatusAt      time.Time
	Version       int64 // grows whenever the user changes the channel; a change of status by the network leaves it
	// VerifiedVersion is the version whose credentials the network has confirmed to be those of Address; 0: none.
	VerifiedVersion int64
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

const channelColumns = `id, account_id, connector, name, address, channel_key, config, status, status_code, status_message,
	status_at, version, created_at, updated_at, verified_version`

const (
	insertChannelQuery = `INSERT INTO channels (` + channelColumns + `) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)`
	// The address of a linked device is what its phone tells, and may have been told since the channel was read.
	updateChannelQuery = `UPDATE channels SET name = $4, address = CASE WHEN ` + isSession + ` THEN address ELSE $5 END,
		channel_key = CASE WHEN ` + isSession + ` THEN channel_key ELSE $6 END, config = $7, status = $8, status_code = $9,
		status_message = $10, status_at = $11, version = version + 1, updated_at = $12 WHERE account_id = $1 AND id = $2 AND version = $3`
	isSession          = `EXISTS (SELECT 1 FROM sessions s WHERE s.id = channels.id)`
	selectChannel      = `SELECT ` + channelColumns + ` FROM channels `
	getChannelQuery    = selectChannel + `WHERE account_id = $1 AND id = $2`
	channelKeyQuery    = selectChannel + `WHERE account_id = $1 AND channel_key = $2`
	channelAnyQuery    = selectChannel + `WHERE id = $1`
	channelsAtQuery    = selectChannel + `WHERE connector = $1 AND address = $2 ORDER BY id`
	countChannelsQuery = `SELECT COUNT(*) FROM channels WHERE account_id = $1`
	deleteChannelQuery = `DELETE FROM channels WHERE account_id = $1 AND id = $2`
	// What the network says counts only for the version that it was said of, and never switches a disabled channel on. Of several
	// who bring the same news, one finds the status that it knew.
	channelStatusQuery = `UPDATE channels SET status = $3, status_code = $4, status_message = $5, status_at = $6, updated_at = $6
		WHERE id = $1 AND version = $2 AND status = $7 AND status <> 'disabled'`
	countStatusQuery = `SELECT connector, status, COUNT(*) FROM channels GROUP BY connector, status`
)

func scanChannel(row dbutil.Scannable) (*Channel, error) {
	var c Channel
	var statusAt, created, updated int64
	err := row.Scan(&c.ID, &c.AccountID, &c.Connector, &c.Name, &c.Address, &c.ChannelKey, &c.Config, &c.Status, &c.StatusCode,
		&c.StatusMessage, &statusAt, &c.Version, &created, &updated, &c.VerifiedVersion)
	if err != nil {
		return nil, notFound(err)
	}
	c.StatusAt, c.CreatedAt, c.UpdatedAt = FromMillis(statusAt), FromMillis(created), FromMillis(updated)
	return &c, nil
}

// InsertChannel stores a new channel of version 1. One whose id or, in its account, channel key is taken is ErrExists. Where
// the account has most channels already it is ErrTooMany, also when several are made at once.
func (s *Store) InsertChannel(ctx context.Context, c *Channel, most int) error {
	c.Version = 1
	return s.InTransaction(ctx, func(ctx context.Context) error {
		if err := s.lockAccount(ctx, c.AccountID); err != nil {
			return err
		}
		n, err := s.CountChannels(ctx, c.AccountID)
		if err != nil {
			return err
		}
		if n >= most {
			return ErrTooMany
		}
		_, err = s.db.Exec(ctx, insertChannelQuery, c.ID, c.AccountID, c.Connector, c.Name, c.Address, c.ChannelKey, c.Config, c.Status,
			c.StatusCode, c.StatusMessage, Millis(c.StatusAt), c.Version, Millis(c.CreatedAt), Millis(c.UpdatedAt), c.VerifiedVersion)
		return exists(err)
	})
}

// UpdateChannel stores what may change of a channel that was read as c.Version, and raises the version. Where the channel
// is gone or was changed in between, it is ErrNotFound; a channel key that another channel of the account has is ErrExists.
func (s *Store) UpdateChannel(ctx context.Context, c *Channel) error {
	err := oneChanged(s.db.Exec(ctx, updateChannelQuery, c.AccountID, c.ID, c.Version, c.Name, c.Address, c.ChannelKey, c.Config,
		c.Status, c.StatusCode, c.StatusMessage, Millis(c.StatusAt), Millis(c.UpdatedAt)))
	if err != nil {
		return exists(err)
	}
	c.Version++
	return nil
}

// Channel returns one channel of an account.
func (s *Store) Channel(ctx context.Context, accountID, id string) (*Channel, error) {
	return scanChannel(s.reader(ctx).QueryRowContext(ctx, getChannelQuery, accountID, id))
}

// ChannelByKey returns the channel of an account that has a channel key.
func (s *Store) ChannelByKey(ctx context.Context, accountID, channelKey string) (*Channel, error) {
	return scanChannel(s.reader(ctx).QueryRowContext(ctx, channelKeyQuery, accountID, channelKey))
}

// ChannelAny returns a channel whatever its account; it serves callbacks, whose address names the channel only, and workers.
func (s *Store) ChannelAny(ctx context.Context, id string) (*Channel, error) {
	return scanChannel(s.reader(ctx).QueryRowContext(ctx, channelAnyQuery, id))
}

// ChannelsByIDAny returns channels whatever their account, those that there are.
func (s *Store) ChannelsByIDAny(ctx context.Context, ids []string) (map[string]*Channel, error) {
	found := map[string]*Channel{}
	return found, chunks(unique(ids), func(ids []string) error {
		list, args := inList(0, ids)
		channels, err := queryAll(ctx, s.reader(ctx), scanChannel, selectChannel+`WHERE id IN (`+list+`)`, args...)
		for _, c := range channels {
			found[c.ID] = c
		}
		return err
	})
}

// ChannelsByAddressAny returns the channels of a kind and address in all accounts; it serves callbacks that an app gets for all its channels.
func (s *Store) ChannelsByAddressAny(ctx context.Context, kind, address string) ([]*Channel, error) {
	return queryAll(ctx, s.reader(ctx), scanChannel, channelsAtQuery, kind, address)
}

// VerifyChannelAny notes that the network has confirmed a version of a channel. A channel that was changed or deleted in the
// meantime is left as it is.
func (s *Store) VerifyChannelAny(ctx context.Context, id string, version int64) error {
	_, err := s.db.Exec(ctx, `UPDATE channels SET verified_version = $2 WHERE id = $1 AND version = $2`, id, version)
	return err
}

// ChannelsByID returns those of the channels that an account has.
func (s *Store) ChannelsByID(ctx context.Context, accountID string, ids []string) (map[string]*Channel, error) {
	found, err := s.ChannelsByIDAny(ctx, ids)
	maps.DeleteFunc(found, func(_ string, c *Channel) bool { return c.AccountID != accountID })
	return found, err
}

// ChannelFilter narrows a list of channels. Zero fields do not.
type ChannelFilter struct {
	Connectors []string // the kinds; empty and not nil: no channel
	Status     ChannelStatus
}

// Channels lists an account's channels, linked devices among the others, newest first. A page's Search looks in names and addresses.
func (s *Store) Channels(ctx context.Context, accountID string, filter ChannelFilter, page Page) ([]*Channel, error) {
	where := newWhere("account_id", accountID)
	where.among("connector", filter.Connectors)
	where.equal("status", string(filter.Status))
	where.contains(page.Search, "name", "address")
	// The ids of linked devices begin with "sess_" and all others with "chan_": what follows the five characters is in the order of time.
	query, args := where.pageBy("substr(id, 6)", Page{Before: page.Before[min(5, len(page.Before)):], Limit: page.Limit})
	return queryAll(ctx, s.reader(ctx), scanChannel, selectChannel+query, args...)
}

// CountChannels returns how many channels an account has.
func (s *Store) CountChannels(ctx context.Context, accountID string) (int, error) {
	var n int
	err := s.reader(ctx).QueryRowContext(ctx, countChannelsQuery, accountID).Scan(&n)
	return n, err
}

// DeleteChannel forgets a channel and its credentials. Its messages and events stay until they are purged.
func (s *Store) DeleteChannel(ctx context.Context, accountID, id string) error {
	return oneChanged(s.db.Exec(ctx, deleteChannelQuery, accountID, id))
}

// SetChannelStatusAny stores what a network said about a channel of a version and a status before, with c's status fields, and
// reports whether it was stored: a channel that was changed, deleted or switched off in between keeps its status.
func (s *Store) SetChannelStatusAny(ctx context.Context, c *Channel, before ChannelStatus) (bool, error) {
	err := oneChanged(s.db.Exec(ctx, channelStatusQuery, c.ID, c.Version, c.Status, c.StatusCode, c.StatusMessage, Millis(c.StatusAt), before))
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// ChannelCount is how many channels of a kind have a status.
type ChannelCount struct {
	Connector string
	Status    ChannelStatus
	Count     int64
}

// CountChannelsAny counts the channels of all accounts; it serves metrics.
func (s *Store) CountChannelsAny(ctx context.Context) ([]ChannelCount, error) {
	return queryAll(ctx, s.reader(ctx), func(row dbutil.Scannable) (ChannelCount, error) {
		var c ChannelCount
		return c, row.Scan(&c.Connector, &c.Status, &c.Count)
	}, countStatusQuery)
}
