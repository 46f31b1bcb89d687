package server

import (
	"maps"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/authorize"
	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// startedView is where a user goes to connect a channel.
type startedView struct {
	ID        string    `json:"id"`
	URL       string    `json:"url"`
	ExpiresAt timestamp `json:"expiresAt"`
}

// connectionView is how connecting a channel is going.
type connectionView struct {
	ID        string                    `json:"id"`
	Connector string                    `json:"connector"`
	ChannelID *string                   `json:"channelId"`
	Status    store.AuthorizationStatus `json:"status"`
	Channels  []authorize.Connected     `json:"channels"`
	Error     *authorize.Failure        `json:"error"`
	CreatedAt timestamp                 `json:"createdAt"`
	ExpiresAt timestamp                 `json:"expiresAt"`
}

// connectChannel begins to connect a channel on the network's own page. The query has channelId, redirect, and what the kind asks.
func (s *Server) connectChannel(r *request) (answer, error) {
	wish := authorize.Wish{AccountID: r.account(), Connector: r.Params("connector"), Input: maps.Clone(r.Queries())}
	wish.ChannelID = wish.Input["channelId"]
	redirect, err := strconv.ParseBool(r.Query("redirect", "false"))
	if err != nil {
		return answer{}, problem.InvalidOne("redirect", "redirect must be true or false.")
	}
	delete(wish.Input, "channelId")
	delete(wish.Input, "redirect")
	started, err := s.Authorize.Start(r.ctx, wish)
	if err != nil {
		return answer{}, err
	}
	if redirect {
		r.Set(fiber.HeaderLocation, started.URL)
		r.Set(fiber.HeaderReferrerPolicy, "no-referrer")
		return answer{status: fiber.StatusFound}, nil
	}
	return ok(startedView{started.ID, started.URL, timestamp(started.ExpiresAt)})
}

func (s *Server) getConnection(r *request) (answer, error) {
	o, err := s.Authorize.Get(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, err
	}
	view := connectionView{
		ID: o.ID, Connector: o.Connector, ChannelID: orNull(o.ChannelID), Status: o.Status, Channels: o.Channels, Error: o.Failure,
		CreatedAt: timestamp(o.CreatedAt), ExpiresAt: timestamp(o.ExpiresAt),
	}
	if view.Channels == nil {
		view.Channels = []authorize.Connected{}
	}
	return ok(view)
}

// callbackRate bounds how often a client may try states. It is generous: behind a proxy that is not trusted, all people are one client.
func callbackRate() limit.Rate { return limit.Rate{Limit: 600, Period: authorize.Lifetime} }

// oauthCallback takes a browser that comes back from a network's page. The state in its query is the only credential.
func (s *Server) oauthCallback(r *request) (answer, error) {
	if r.Method() == fiber.MethodHead { // who only looks must not use up the state
		return page(r, fiber.StatusOK, connectPage{})
	}
	if result, err := s.Limiter.Take(r.ctx, "oauth:"+limit.ClientKey(s.clientIP(r.Ctx)), callbackRate()); err == nil && !result.Allowed {
		return answer{}, rateLimited(result, s.Now())
	}
	o, err := s.Authorize.Finish(r.ctx, r.Query("state"), r.Queries())
	if err != nil {
		return answer{}, err
	}
	shown := connectPage{Channels: o.Channels, Failure: o.Failure, Host: s.BaseURL}
	if info, known := s.Channels.Info(o.Connector); known {
		shown.Network = info.Name
	}
	if o.AccountID != "" {
		owner, err := s.Store.Account(r.ctx, o.AccountID)
		if err != nil {
			return answer{}, err
		}
		shown.Account = owner.Name
	}
	if o.Status != store.AuthorizationDone {
		return page(r, fiber.StatusBadRequest, shown)
	}
	return page(r, fiber.StatusOK, shown)
}
