package discord

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// errUnexpected says that an answer is not one of Discord's API, an HTML page for example.
func errUnexpected() error {
	return errors.New(connectors.CodeUnexpected + ": the answer is not one of Discord's API")
}

// botHeader returns the header that says who the bot is.
func (c *conn) botHeader() http.Header { return http.Header{"Authorization": {"Bot " + c.bot}} }

// webhookPath returns the webhook's own path, which holds its token.
func (c *conn) webhookPath() string { return "/webhooks/" + c.webhook.id + "/" + c.webhook.token }

// get reads an object into answer. None of its errors is Unconfirmed.
func (c *conn) get(ctx context.Context, path string, header http.Header, answer any) error {
	response, err := httpcall.Do(ctx, c.http, httpcall.Request{Method: http.MethodGet, URL: c.apiURL + path, Header: header})
	if err != nil {
		return err
	}
	if response.Status != http.StatusOK {
		return c.failure(response)
	}
	if json.Unmarshal(response.Body, answer) != nil {
		return connectors.Retryable(errUnexpected())
	}
	return nil
}

// place is where messages go.
type place struct {
	ID        string `json:"id"` // of the webhook or the channel
	GuildID   string `json:"guild_id"`
	ChannelID string `json:"channel_id"` // of a webhook
}

// locate asks once which channel of which server messages go to. It fails where the credentials do not work.
func (c *conn) locate(ctx context.Context) (place, error) {
	c.mu.Lock()
	known := c.where
	c.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	path, header, id := "/channels/"+c.channel, c.botHeader(), c.channel
	if c.webhook != nil {
		path, header, id = c.webhookPath(), nil, c.webhook.id
	}
	var where place
	if err := c.get(ctx, path, header, &where); err != nil {
		return place{}, err
	}
	if where.ID != id || c.webhook != nil && where.ChannelID == "" {
		return place{}, connectors.Retryable(errUnexpected())
	}
	if c.webhook == nil {
		where.ChannelID = where.ID
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.where = &where
	return where, nil
}

// address returns where people who are members of the server see a message; empty where that is not known.
func (p place) address(channelID, messageID string) string {
	if p.GuildID == "" || channelID == "" {
		return ""
	}
	return "https://discord.com/channels/" + url.PathEscape(p.GuildID) + "/" + url.PathEscape(channelID) + "/" + url.PathEscape(messageID)
}

// Check asks Discord about the webhook, or about the bot's channel. With both it asks whether the bot sees the webhook's channel.
func (c *conn) Check(ctx context.Context) error {
	c.mu.Lock()
	c.where, c.gone = nil, nil
	c.mu.Unlock()
	where, err := c.locate(ctx)
	if err == nil && c.webhook != nil && c.bot != "" {
		err = c.get(ctx, "/channels/"+url.PathEscape(where.ChannelID), c.botHeader(), &place{})
	}
	if err == nil {
		return nil
	}
	failed := connectors.AsError(err)
	if failed.Kind != connectors.KindRejected {
		return failed
	}
	return become(failed, connectors.Unlinked(connectors.CodeAuthFailed, "Discord does not let this channel's credentials see the channel. Check its ID, and that the bot is a member of the server and may view the channel."))
}
