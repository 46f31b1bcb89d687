package web

import "net/http"

func (w *Web) homeRoutes() []Route {
	return []Route{
		{"GET", "/app", loggedIn, w.home},
	}
}

func (w *Web) home(p *page) error {
	return p.render(http.StatusOK, "home", w.text("home.title"), nil)
}
