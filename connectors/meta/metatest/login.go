package metatest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// What the stand-in's login knows.
const (
	AppID      = "1234567890"
	Code       = "fake-code-19ae"
	shortToken = "fake-short-token-77"
	LongToken  = "fake-long-token-31"
)

// Grant makes the login grant Pages, each as Meta describes it, and permissions.
func (s *Server) Grant(pages []map[string]any, permissions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.site.pages, s.site.granted = pages, permissions
}

// login answers the requests of a user's token, and those for one; status 0 for any other.
func (s *site) login(r *http.Request, target string, body []byte) (status int, answer []byte) {
	if target == "/oauth/access_token" {
		return s.token(r, body)
	}
	if r.Header.Get("Authorization") != "Bearer "+LongToken {
		return 0, nil
	}
	switch target {
	case "/me/permissions":
		data := []any{map[string]any{"permission": "email", "status": "declined"}}
		for _, p := range s.granted {
			data = append(data, map[string]any{"permission": p, "status": "granted"})
		}
		return http.StatusOK, encode(map[string]any{"data": data})
	case "/me/accounts":
		return http.StatusOK, encode(s.accounts(r))
	case "/me/businesses":
		return http.StatusOK, encode(map[string]any{"data": []any{map[string]any{"id": "900"}}})
	case "/900/owned_pages":
		return http.StatusOK, encode(map[string]any{"data": []any{map[string]any{"id": "9001", "name": "Of a business", "access_token": "fake-business-token"}}})
	}
	return http.StatusBadRequest, graphError(Trouble{Code: 200})
}

// accounts gives one Page at a time, and beside the cursor the address that has the token in it.
func (s *site) accounts(r *http.Request) any {
	at, _ := strconv.Atoi(r.URL.Query().Get("after"))
	if at >= len(s.pages) {
		return map[string]any{"data": []any{}}
	}
	paging := map[string]any{"cursors": map[string]any{"after": strconv.Itoa(at + 1)}}
	if at+1 < len(s.pages) {
		paging["next"] = fmt.Sprintf("https://graph.facebook.com/me/accounts?access_token=%s&after=%d", LongToken, at+1)
	}
	return map[string]any{"data": []any{s.pages[at]}, "paging": paging}
}

func (s *site) token(r *http.Request, body []byte) (status int, answer []byte) {
	r.Body = io.NopCloser(bytes.NewReader(body))
	if r.ParseForm() != nil || r.URL.RawQuery != "" || r.PostForm.Get("client_id") != AppID || r.PostForm.Get("client_secret") != AppSecret {
		return http.StatusBadRequest, graphError(Trouble{Code: 101})
	}
	switch form := r.PostForm; {
	case form.Get("code") == Code && form.Get("redirect_uri") != "":
		return http.StatusOK, encode(map[string]any{"access_token": shortToken, "token_type": "bearer", "expires_in": 3600})
	case form.Get("grant_type") == "fb_exchange_token" && form.Get("fb_exchange_token") == shortToken:
		return http.StatusOK, encode(map[string]any{"access_token": LongToken, "token_type": "bearer"})
	}
	return http.StatusBadRequest, graphError(Trouble{Code: 100, Subcode: 36007})
}
