package web

import (
	"net/http"
	"net/url"

	"github.com/switchhook/switchhook/internal/account"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

func (w *Web) loginRoutes() []Route {
	return []Route{
		{"GET", "/app/welcome", anybody, w.welcome},
		{"POST", "/app/welcome", anybody, w.register},
		{"GET", "/app/login", anybody, w.loginPage},
		{"POST", "/app/login", anybody, w.logIn},
		{"POST", "/app/logout", loggedIn, w.logOut},
		{"GET", "/app/invite/:token", anybody, w.invite},
		{"POST", "/app/invite/:token", anybody, w.acceptInvite},
	}
}

// welcomeData is what the page for a new account shows.
type welcomeData struct {
	Form     *form
	NeedCode bool // the visitor is not certainly on this machine
	First    bool
}

// welcome is the first page of a new server, and where registration is open also of a new account.
func (w *Web) welcome(p *page) error {
	data, err := p.welcomeData(nil)
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "logins/welcome", w.text("welcome.title"), data)
}

func (p *page) welcomeData(f *form) (welcomeData, error) {
	first, err := p.web.o.FirstRun(p.ctx)
	if err != nil {
		return welcomeData{}, err
	}
	_, local := p.web.o.Client(p.Ctx)
	return welcomeData{Form: f, NeedCode: first && !local, First: first}, nil
}

func (w *Web) register(p *page) error {
	client, local := w.o.Client(p.Ctx)
	token, err := w.o.Accounts.Register(p.ctx, account.Registration{
		Email: p.text("email"), Password: secret.String(p.form.Get("password")), Organization: p.text("organization"),
		SetupCode: secret.String(p.text("setupCode")), Client: client, Local: local,
	})
	if err != nil {
		data, failure := p.welcomeData(p.wrong(err, "email", "password", "organization", "setupCode"))
		if failure != nil {
			return failure
		}
		return p.refused("logins/welcome", w.text("welcome.title"), data)
	}
	return p.begin(token.User, "/app", w.text("welcome.done"))
}

// begin starts a login for somebody who has just shown who they are. The cookie of a login that was there before is replaced, never taken over.
func (p *page) begin(user *store.User, to, notice string) error {
	client, _ := p.web.o.Client(p.Ctx)
	_, token, err := p.web.o.Accounts.StartLoginFor(p.ctx, user, client, p.Get("User-Agent"))
	if err != nil {
		return err
	}
	p.setLogin(token)
	return p.redirect(to, notice)
}

type loginData struct {
	Form *form
	Next string
}

func (w *Web) loginPage(p *page) error {
	next := p.Query("next")
	if p.login != nil {
		return p.redirect(home(next), "")
	}
	first, err := w.o.FirstRun(p.ctx)
	if err != nil {
		return err
	}
	if first {
		return p.redirect("/app/welcome", "")
	}
	return p.render(http.StatusOK, "logins/login", w.text("login.title"), loginData{Next: home(next)})
}

// home is where a login leads: the page that was asked for, where it is one of ours.
func home(next string) string {
	if local(next) {
		return next
	}
	return "/app"
}

func (w *Web) logIn(p *page) error {
	client, _ := w.o.Client(p.Ctx)
	_, token, err := w.o.Accounts.StartLogin(p.ctx, p.text("email"), secret.String(p.form.Get("password")), client, p.Get("User-Agent"))
	if err != nil {
		f := p.wrong(err, "email", "password")
		f.Values = url.Values{"email": {p.text("email")}}
		return p.refused("logins/login", w.text("login.title"), loginData{Form: f, Next: home(p.form.Get("next"))})
	}
	p.setLogin(token)
	return p.redirect(home(p.form.Get("next")), "")
}

func (w *Web) logOut(p *page) error {
	if err := w.o.Accounts.EndLogin(p.ctx, p.login.AccountID, p.login.UserID, p.login.LoginID); err != nil {
		return err
	}
	p.dropLogin()
	return p.redirect("/app/login", w.text("login.ended"))
}

type inviteData struct {
	Form   *form
	Invite *account.Invitation
}

func (w *Web) invite(p *page) error {
	invite, err := w.o.Accounts.Invite(p.ctx, secret.String(p.Params("token")))
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "logins/invite", w.text("invite.title", visible(invite.Account.Name)), inviteData{Invite: invite, Form: filled(map[string]string{"email": invite.Invite.Email})})
}

func (w *Web) acceptInvite(p *page) error {
	client, _ := w.o.Client(p.Ctx)
	token, err := w.o.Accounts.AcceptInvite(p.ctx, secret.String(p.Params("token")), p.text("email"), secret.String(p.form.Get("password")), client)
	if err != nil {
		invite, gone := w.o.Accounts.Invite(p.ctx, secret.String(p.Params("token")))
		if gone != nil {
			return gone
		}
		return p.refused("logins/invite", w.text("invite.title", visible(invite.Account.Name)), inviteData{Invite: invite, Form: p.wrong(err, "email", "password")})
	}
	return p.begin(token.User, "/app", w.text("invite.done", visible(token.Account.Name)))
}
