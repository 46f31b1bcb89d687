package web

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/account"
	"github.com/switchhook/switchhook/internal/problem"
)

// page is one request for a page, or for a part of one.
type page struct {
	*fiber.Ctx
	web   *Web
	ctx   context.Context //nolint:containedctx // a page lives as long as its request, whose context Fiber does not carry
	id    string          // X-Request-Id
	login *account.LoginPrincipal
	form  url.Values // of a POST
	since string     // cursor of the account's stream before anything was read: the page's stream goes on from there
}

// Serve answers one request. body is the request's whole body; id is its X-Request-Id. All failures become pages here.
func (w *Web) Serve(ctx context.Context, c *fiber.Ctx, route Route, id string, body []byte) error {
	p := &page{Ctx: c, web: w, ctx: ctx, id: id}
	setHeaders(c)
	err := p.admit(route.access, body)
	if err == nil {
		err = route.handle(p)
	}
	if err != nil {
		return p.fail(err)
	}
	return nil
}

// contentPolicy lets a page load and run only what comes from this server, as files; nothing inline. Pictures may be data, because a QR code and
// the arrows of lists are; and blob, for the preview of a file that is to be sent.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"

func setHeaders(c *fiber.Ctx) {
	c.Set(fiber.HeaderContentSecurityPolicy, contentPolicy)
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	c.Set("X-Robots-Tag", "noindex")
	c.Vary("Cookie", "HX-Request")
}

// errLogin sends a visitor to the login page.
var errLogin = errors.New("not logged in")

// admit finds out who asks, whether they may, and that a form comes from a page of ours.
func (p *page) admit(needed access, body []byte) error {
	if err := p.readLogin(); err != nil {
		return err
	}
	if needed != anybody && p.login == nil {
		return errLogin
	}
	if needed == owner && p.login.Role != account.RoleOwner {
		return problem.New(problem.Forbidden, p.web.text("error.owner"))
	}
	if p.login != nil && !p.fragmentOnly() {
		p.since = p.web.o.Live.Cursor(p.ctx, p.login.AccountID)
	}
	if p.Method() != fiber.MethodPost {
		return nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !storable(form) {
		return problem.New(problem.InvalidForm, p.web.text("error.form"))
	}
	p.form = form
	return p.checkOrigin()
}

// fragmentOnly reports whether a part of a page is asked for, by htmx.
func (p *page) fragmentOnly() bool { return p.Get("HX-Request") == "true" }

// fail shows what went wrong: the login page, a page, or for htmx a line that app.js shows as a notice.
func (p *page) fail(err error) error {
	if errors.Is(err, errLogin) {
		return p.toLogin()
	}
	shown := p.web.problem(err)
	if shown.Status >= 500 {
		p.web.o.Logger.ErrorContext(p.ctx, "page.failed", slog.String("request_id", p.id), slog.String("route", p.Route().Path), slog.String("error", err.Error()))
	}
	if p.fragmentOnly() {
		return p.notice(shown)
	}
	shown.RequestID = p.id
	return p.render(shown.Status, "error", p.web.text("error.title"), shown)
}

// failure is an error as a page shows it.
type failure struct {
	Status    int               `json:"-"`
	Code      string            `json:"code"`
	Message   string            `json:"message"`
	Field     string            `json:"field"`
	Errors    []problem.Field   `json:"errors"`
	RequestID string            `json:"requestId"`
	Faults    map[string]string `json:"-"` // by field
}

// Error returns the code and the sentence.
func (f *failure) Error() string { return f.Code + ": " + f.Message }

// problem turns any failure into what a user sees.
func (w *Web) problem(err error) *failure {
	var known *failure
	if errors.As(err, &known) {
		return known
	}
	var p *problem.Error
	if !errors.As(err, &p) {
		if errors.Is(err, context.DeadlineExceeded) {
			p = problem.Unavailable(err)
		} else {
			p = problem.Internal(err)
		}
	}
	f := &failure{Status: p.Status(), Code: p.Code, Message: p.Message, Field: p.Field, Errors: p.Fields}
	f.sort()
	return f
}

// sort puts the sentences beside their fields.
func (f *failure) sort() {
	f.Faults = map[string]string{}
	for _, fault := range f.Errors {
		f.Faults[fault.Field] = fault.Message
	}
	if f.Field != "" && f.Faults[f.Field] == "" {
		f.Faults[f.Field] = f.Message
	}
}

// redirect goes to another page after something was done. A notice, where given, is shown there once.
func (p *page) redirect(to, notice string) error {
	if notice != "" {
		p.setNotice(notice)
	}
	if p.fragmentOnly() {
		p.Set("HX-Redirect", to)
		return p.SendStatus(fiber.StatusNoContent)
	}
	return p.Redirect(to, fiber.StatusSeeOther)
}

// toLogin asks for a login and comes back to this page after it.
func (p *page) toLogin() error {
	to := "/app/login"
	if back := string(p.Request().RequestURI()); p.Method() == fiber.MethodGet && !p.fragmentOnly() && local(back) && back != "/app" {
		to += "?next=" + url.QueryEscape(back)
	}
	first, err := p.web.o.FirstRun(p.ctx)
	if err != nil {
		return p.fail(err)
	}
	if first {
		to = "/app/welcome"
	}
	return p.redirect(to, "")
}

// local tells an address of the dashboard from one that leads elsewhere.
func local(address string) bool {
	return (address == "/app" || strings.HasPrefix(address, "/app/") || strings.HasPrefix(address, "/app?")) && !strings.ContainsAny(address, "\\\r\n\x00")
}

func (w *Web) root(p *page) error { return p.Redirect("/app", fiber.StatusFound) }

func (w *Web) missing(p *page) error {
	if p.login == nil {
		return errLogin
	}
	return problem.New(problem.RouteNotFound, w.text("error.missing"))
}
