package server

import (
	"context"
	"net/netip"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/server/web"
)

// newDashboard makes the pages, which call the route table in process.
func (s *Server) newDashboard() (*web.Web, error) {
	return web.New(web.Options{
		API: s, Accounts: s.Accounts, Live: s.Live, Logger: s.Logger, BaseURL: s.BaseURL, Version: s.Version, Now: s.Now, Account: s.Store.Account,
		FirstRun: func(ctx context.Context) (bool, error) {
			n, err := s.Store.CountAccountsAny(ctx)
			if err != nil {
				return false, problem.Unavailable(err)
			}
			return n == 0, nil
		},
		Client: func(c *fiber.Ctx) (netip.Addr, bool) { return s.clientIP(c), local(c) },
	})
}

// dashboardRoutes are the rows of the dashboard. They are pages and no part of the API: openapi.yaml has none of them.
func (s *Server) dashboardRoutes() []route {
	rows := []route{}
	for _, row := range s.pages.Routes() {
		rows = append(rows, route{row.Method, row.Path, dashboard, false, false, func(r *request) (answer, error) {
			body, err := r.rawBody()
			if err != nil {
				return answer{}, err
			}
			if err := s.pages.Serve(r.ctx, r.Ctx, row, r.id, body); err != nil {
				return answer{}, err
			}
			return answer{status: r.Response().StatusCode()}, nil
		}})
	}
	return rows
}

// apiPrefix is where pages reach the HTTP interface with the cookie of their login, for what only a script can do: sending files and seeing how far
// they are.
const apiPrefix = "/app/api"

// passThrough lets a page's script call the HTTP interface. It asks for the header that only a page of ours can set, and hands the request on as it
// is, with its body unread.
func (s *Server) passThrough(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(context.Background(), handlerTimeout)
	defer cancel()
	login, err := s.pages.Identify(ctx, c)
	if err != nil {
		return s.writeError(&request{Ctx: c, ctx: ctx, id: s.requestID(c), route: &route{path: apiPrefix}}, err)
	}
	c.Context().SetUserValue(insider{}, login)
	c.Path(strings.TrimPrefix(c.Path(), apiPrefix))
	return c.RestartRouting()
}
