package mastodontest

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
)

// authorize is the page on which a person grants access, and one who always does: it leads back at once. Once makes another one of them, who does not.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	s.mu.Lock()
	registered := s.redirects
	s.challenge = query.Get("code_challenge")
	s.mu.Unlock()
	back, err := url.Parse(query.Get("redirect_uri"))
	if err != nil || query.Get("redirect_uri") != registered || query.Get("client_id") != ClientID || query.Get("response_type") != "code" ||
		query.Get("code_challenge_method") != "S256" {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_request"})
		return
	}
	back.RawQuery = url.Values{"code": {Code}, "state": {query.Get("state")}}.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

// Deny makes the next person refuse.
func (s *Server) Deny() {
	s.Once("/oauth/authorize", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		back := url.Values{"error": {"access_denied"}, "error_description": {"The resource owner or authorization server denied the request."}, "state": {query.Get("state")}}
		http.Redirect(w, r, query.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
	})
}

// proves checks PKCE (RFC 7636) where a page was seen.
func (s *Server) proves(form url.Values) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256([]byte(form.Get("code_verifier")))
	return s.challenge == "" || s.challenge == base64.RawURLEncoding.EncodeToString(sum[:])
}
