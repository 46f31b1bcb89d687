package web

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"net/url"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/account"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
)

// The cookies, without the prefix that https adds.
const (
	loginCookie  = "switchhook_login"
	guestCookie  = "switchhook_guest"  // of a visitor without a login: what their forms are checked with
	noticeCookie = "switchhook_notice" // a sentence for the next page
)

// cookieName is a cookie's whole name: with the prefix __Host- browsers take it from this very host over https only (RFC 6265bis, section 4.1.3.2).
func (w *Web) cookieName(name string) string {
	if w.secure {
		return "__Host-" + name
	}
	return name
}

func (p *page) setCookie(name, value string, expires time.Time) {
	cookie := fiber.Cookie{
		Name: p.web.cookieName(name), Value: value, Path: "/", HTTPOnly: true, Secure: p.web.secure, SameSite: fiber.CookieSameSiteLaxMode, Expires: expires,
	}
	if value == "" {
		cookie.Expires = time.Unix(1, 0)
	}
	p.Cookie(&cookie)
}

func (p *page) cookie(name string) string { return p.Cookies(p.web.cookieName(name)) }

// readLogin finds out who is logged in. A cookie that is worth nothing any more is taken away.
func (p *page) readLogin() error {
	token := p.cookie(loginCookie)
	if token == "" {
		return nil
	}
	login, renewed, err := p.web.o.Accounts.AuthenticateLogin(p.ctx, secret.String(token))
	if shown := p.problemOf(err); err != nil && shown.Code == problem.Unauthorized {
		p.setCookie(loginCookie, "", time.Time{})
		return nil
	}
	if err != nil {
		return err
	}
	if renewed != "" {
		p.setLogin(renewed)
	}
	p.login = &login
	return nil
}

// cookieLife is how long a browser keeps the cookie of a login: as long as a login can live. The server decides whether it still does.
const cookieLife = 30 * 24 * time.Hour

func (p *page) setLogin(token secret.String) {
	p.setCookie(loginCookie, token.Reveal(), p.web.o.Now().Add(cookieLife))
}

func (p *page) problemOf(err error) *failure {
	if err == nil {
		return &failure{}
	}
	return p.web.problem(err)
}

// csrf is the token against forged forms, masked with other random bytes each time: a page that is packed and that somebody else can put text into
// would give away a token that stays the same (the BREACH attack).
func (p *page) csrf() string {
	token := p.csrfToken()
	if token == "" {
		return ""
	}
	mask := make([]byte, len(token))
	_, _ = rand.Read(mask) // it never fails
	masked := append(make([]byte, 0, 2*len(token)), mask...)
	for i := range token {
		masked = append(masked, token[i]^mask[i])
	}
	return base64.RawURLEncoding.EncodeToString(masked)
}

func unmask(given string) string {
	raw, err := base64.RawURLEncoding.DecodeString(given)
	if err != nil || len(raw)%2 != 0 {
		return ""
	}
	half := len(raw) / 2
	token := make([]byte, half)
	for i := range half {
		token[i] = raw[i] ^ raw[half+i]
	}
	return string(token)
}

// csrfToken is the login's token, or for a visitor one in a cookie of its own.
func (p *page) csrfToken() string {
	if p.login != nil {
		return p.login.CSRF
	}
	token := p.cookie(guestCookie)
	if len(token) != 32 {
		token = rand.Text()[:26] + "guest0"
		p.setCookie(guestCookie, token, time.Time{})
	}
	return token
}

// checkOrigin refuses a POST that no page of ours has made: by what browsers say of where it comes from, and by the token.
func (p *page) checkOrigin() error {
	refused := problem.New(problem.Forbidden, p.web.text("error.forged"))
	if site := p.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return refused
	}
	if origin := p.Get(fiber.HeaderOrigin); origin != "" && origin != "null" {
		from, err := url.Parse(origin)
		if err != nil || (from.Host != string(p.Request().Host()) && from.Scheme+"://"+from.Host != p.web.o.BaseURL) {
			return refused
		}
	}
	given := p.Get("X-Csrf-Token")
	if given == "" {
		given = p.form.Get("csrf")
	}
	token := unmask(given)
	if p.login != nil {
		if !p.web.o.Accounts.CheckCSRF(*p.login, token) {
			return refused
		}
		return nil
	}
	if own := p.cookie(guestCookie); own == "" || subtle.ConstantTimeCompare([]byte(own), []byte(token)) != 1 {
		return refused
	}
	return nil
}

// noticeLife is how long a sentence waits for the next page.
const noticeLife = time.Minute

func (p *page) setNotice(text string) {
	p.setCookie(noticeCookie, base64.RawURLEncoding.EncodeToString([]byte(text)), p.web.o.Now().Add(noticeLife))
}

func (p *page) takeNotice() string {
	raw, err := base64.RawURLEncoding.DecodeString(p.cookie(noticeCookie))
	if len(raw) == 0 || err != nil {
		return ""
	}
	p.setCookie(noticeCookie, "", time.Time{})
	return visible(string(raw))
}

// newOnce is a token that makes a form act once.
func newOnce() string { return rand.Text() }

// dropLogin takes the cookie of the login away.
func (p *page) dropLogin() { p.setCookie(loginCookie, "", time.Time{}) }

// Identify tells who a script of a page acts for. Every method but GET needs the token against forged requests in X-Csrf-Token. The errors for users
// are unauthorized and forbidden.
func (w *Web) Identify(ctx context.Context, c *fiber.Ctx) (account.Principal, error) {
	p := &page{Ctx: c, web: w, ctx: ctx}
	if err := p.readLogin(); err != nil {
		return account.Principal{}, err
	}
	if p.login == nil {
		return account.Principal{}, problem.New(problem.Unauthorized, w.text("login.needed"))
	}
	if p.Method() != fiber.MethodGet {
		if err := p.checkOrigin(); err != nil {
			return account.Principal{}, err
		}
	}
	return p.login.Principal, nil
}
