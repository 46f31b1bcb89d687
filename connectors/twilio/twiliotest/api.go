package twiliotest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	const account = "/2010-04-01/Accounts/{account}"
	mux.HandleFunc("POST "+account+"/Messages.json", s.create)
	mux.HandleFunc("GET "+account+"/Messages.json", s.list)
	mux.HandleFunc("GET "+account+"/Messages/{message}", s.fetch)
	mux.HandleFunc("GET "+account+"/Messages/{message}/Media/{media}", s.redirect)
	mux.HandleFunc("GET /2010-04-01/Accounts/{account}", s.account)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.admit(w, r, mux) })
}

// admit reads the request, plays the trouble that is planned for it, and checks the credentials.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, 20001, "the form cannot be read")
		return
	}
	s.mu.Lock()
	s.requests++
	var now planned
	if len(s.next) > 0 {
		now, s.next = s.next[0], s.next[1:]
	}
	s.mu.Unlock()
	if now.arrived != nil {
		close(now.arrived)
	}
	if now.trouble.Status != 0 {
		if now.trouble.RetryAfter != "" {
			w.Header().Set("Retry-After", now.trouble.RetryAfter)
		}
		refuse(w, now.trouble.Status, now.trouble.Code, "as the test wants it")
		return
	}
	if !authorised(r) {
		refuse(w, http.StatusUnauthorized, 20003, "Authenticate")
		return
	}
	late := recorder{header: w.Header(), status: http.StatusOK}
	next.ServeHTTP(&late, r)
	wait(r, now.trouble.Delay)
	if now.trouble.Cut {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(late.status)
	_, _ = w.Write(late.body) // a client that left is its own business
}

// wait returns after a time, or when the client has left.
func wait(r *http.Request, delay time.Duration) {
	if delay == 0 {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

// recorder keeps an answer back.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

func (a *recorder) Header() http.Header    { return a.header }
func (a *recorder) WriteHeader(status int) { a.status = status }
func (a *recorder) Write(b []byte) (int, error) {
	a.body = append(a.body, b...)
	return len(b), nil
}

func authorised(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	return (user == AccountSID && password == AuthToken) || (user == APIKeySID && password == APIKeySecret)
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("account") != AccountSID {
		refuse(w, http.StatusNotFound, 20404, "The requested resource was not found")
		return
	}
	if code := fault(r.PostForm); code != 0 {
		refuse(w, http.StatusBadRequest, code, "the message is refused")
		return
	}
	form := r.PostForm
	s.mu.Lock()
	sent := Sent{
		SID: fmt.Sprintf("SM%032x", len(s.sent)+1), To: form.Get("To"), From: form.Get("From"), Body: form.Get("Body"),
		MediaURLs: form["MediaUrl"], MessagingService: form.Get("MessagingServiceSid"), StatusCallback: form.Get("StatusCallback"),
		ContentSID: form.Get("ContentSid"), ContentVariables: form.Get("ContentVariables"), Form: form,
	}
	s.sent = append(s.sent, sent)
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
	answer(w, http.StatusCreated, sent.resource())
}

// fault returns the error code of a form that Twilio refuses, or 0. The numbers of the first case are Twilio's magic ones.
func fault(form url.Values) int {
	to, from, body := form.Get("To"), form.Get("From"), form.Get("Body")
	magic := map[string]int{"+15005550001": 21211, "+15005550002": 21612, "+15005550003": 21408, "+15005550004": 21610, "+15005550009": 21614}
	switch {
	case magic[strings.TrimPrefix(to, "whatsapp:")] != 0:
		return magic[strings.TrimPrefix(to, "whatsapp:")]
	case to == "":
		return 21604
	case from == "" && form.Get("MessagingServiceSid") == "":
		return 21603
	case from != "" && strings.HasPrefix(from, "whatsapp:") != strings.HasPrefix(to, "whatsapp:"):
		return 21910
	case body == "" && len(form["MediaUrl"]) == 0 && form.Get("ContentSid") == "":
		return 21602
	case utf8.RuneCountInString(body) > 1600:
		return 21617
	case len(form["MediaUrl"]) > 10:
		return 21623
	case form.Has("StatusCallback") && !strings.HasPrefix(form.Get("StatusCallback"), "http"):
		return 21609
	}
	return 0
}

func (m Sent) resource() map[string]any {
	return map[string]any{
		"sid": m.SID, "account_sid": AccountSID, "api_version": "2010-04-01", "status": "queued", "direction": "outbound-api",
		"to": m.To, "from": m.From, "body": m.Body, "num_segments": "1", "num_media": strconv.Itoa(len(m.MediaURLs)),
		"error_code": nil, "error_message": nil, "date_created": "Sat, 21 Nov 2026 09:00:00 +0000",
		"uri": "/2010-04-01/Accounts/" + AccountSID + "/Messages/" + m.SID + ".json",
	}
}

func (s *Server) list(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"messages": []any{}, "page": 0, "page_size": 1})
}

func (s *Server) fetch(w http.ResponseWriter, r *http.Request) {
	for _, sent := range s.Sent() {
		if sent.SID+".json" == r.PathValue("message") {
			answer(w, http.StatusOK, sent.resource())
			return
		}
	}
	refuse(w, http.StatusNotFound, 20404, "The requested resource was not found")
}

func (s *Server) account(w http.ResponseWriter, r *http.Request) {
	if user, _, _ := r.BasicAuth(); user != AccountSID || r.PathValue("account") != AccountSID+".json" {
		refuse(w, http.StatusUnauthorized, 20003, "Authenticate")
		return
	}
	s.mu.Lock()
	status := s.status
	s.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"sid": AccountSID, "friendly_name": "Test", "status": status})
}

// redirect sends a client on to the storage, as Twilio does with media.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, s.storageURL+"/"+r.PathValue("media"), http.StatusTemporaryRedirect)
}

func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	found, ok := s.files[strings.TrimPrefix(r.URL.Path, "/")]
	s.leaked = s.leaked || r.Header.Get("Authorization") != ""
	s.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", found.contentType)
	_, _ = w.Write(found.content) // a client that left is its own business
}

// refuse writes Twilio's error object, or with code 0 what some gateway would write.
func refuse(w http.ResponseWriter, status, code int, message string) {
	if code == 0 {
		http.Error(w, "<html><body>gateway</body></html>", status)
		return
	}
	answer(w, status, map[string]any{
		"code": code, "message": message, "status": status, "more_info": fmt.Sprintf("https://www.twilio.com/docs/errors/%d", code),
	})
}

func answer(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that left is its own business
}
