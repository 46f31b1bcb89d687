package web

import (
	"net/http"
)

func (w *Web) keyRoutes() []Route {
	return []Route{
		{"GET", "/app/keys", loggedIn, w.keys},
		{"POST", "/app/keys", owner, w.makeKey},
		{"POST", "/app/keys/:id/rotate", owner, w.rotateKey},
		{"POST", "/app/keys/:id/revoke", owner, w.revokeKey},
	}
}

type apiKey struct {
	ID         string  `json:"id"`
	Name       string  `json:"name"`
	Hint       string  `json:"hint"`
	CreatedAt  string  `json:"createdAt"`
	LastUsedAt *string `json:"lastUsedAt"`
	Key        string  `json:"key"` // of one that was made or rotated just now
}

type keysData struct {
	Keys  []apiKey
	Older string // address of the page with older ones
	Form  *form
	Made  *apiKey // shown once
	URL   string  // what the examples call
}

func (w *Web) keys(p *page) error { return p.showKeys(http.StatusOK, nil, nil) }

// showKeys draws the page; a key that was just made is on it this once. It is never stored by the browser: pages are no-store.
func (p *page) showKeys(status int, f *form, made *apiKey) error {
	var keys list[apiKey]
	if err := p.read(&keys, "/v1/keys", p.cursor()); err != nil {
		return err
	}
	data := keysData{Keys: keys.Data, Older: p.older(keys.NextCursor), Form: f, Made: made, URL: p.web.o.BaseURL}
	return p.render(status, "keys/list", p.web.text("keys.title"), data)
}

func (w *Web) makeKey(p *page) error {
	var made apiKey
	if err := p.send("POST", "/v1/keys", map[string]string{"name": p.text("name")}, &made); err != nil {
		return p.showKeys(http.StatusUnprocessableEntity, p.wrong(err, "name"), nil)
	}
	return p.showKeys(http.StatusOK, nil, &made)
}

func (w *Web) rotateKey(p *page) error {
	var made apiKey
	if err := p.send("POST", "/v1/keys/"+segment(p.Params("id"))+"/rotate", nil, &made); err != nil {
		return err
	}
	return p.showKeys(http.StatusOK, nil, &made)
}

func (w *Web) revokeKey(p *page) error {
	if err := p.send("DELETE", "/v1/keys/"+segment(p.Params("id")), nil, nil); err != nil {
		return err
	}
	return p.redirect("/app/keys", w.text("keys.revoked"))
}
