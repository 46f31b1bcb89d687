package server

import (
	"github.com/switchhook/switchhook/internal/account"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

type tokenView struct {
	Token     string      `json:"token"`
	ExpiresAt timestamp   `json:"expiresAt"`
	User      userView    `json:"user"`
	Account   accountView `json:"account"`
}

type userView struct {
	ID        string    `json:"id"`
	Email     string    `json:"email"`
	Role      string    `json:"role"`
	CreatedAt timestamp `json:"createdAt"`
}

type accountView struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt timestamp `json:"createdAt"`
}

func showUser(u *store.User) userView {
	return userView{ID: u.ID, Email: u.Email, Role: u.Role, CreatedAt: timestamp(u.CreatedAt)}
}

func showAccount(a *store.Account) accountView {
	return accountView{ID: a.ID, Name: a.Name, CreatedAt: timestamp(a.CreatedAt)}
}

func showToken(t *account.LoginToken) tokenView {
	return tokenView{Token: t.Text.Reveal(), ExpiresAt: timestamp(t.ExpiresAt), User: showUser(t.User), Account: showAccount(t.Account)}
}

func (s *Server) register(r *request) (answer, error) {
	var body struct {
		Email        string `json:"email"`
		Password     string `json:"password"`
		Organization string `json:"organization"`
		SetupCode    string `json:"setupCode"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	token, err := s.Accounts.Register(r.ctx, account.Registration{
		Email: body.Email, Password: secret.String(body.Password), Organization: body.Organization, SetupCode: secret.String(body.SetupCode),
		Client: s.clientIP(r.Ctx), Local: local(r.Ctx),
	})
	if err != nil {
		return answer{}, err
	}
	return created(showToken(token))
}

func (s *Server) login(r *request) (answer, error) {
	var body struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	token, err := s.Accounts.Login(r.ctx, body.Email, secret.String(body.Password), s.clientIP(r.Ctx))
	if err != nil {
		return answer{}, err
	}
	return ok(showToken(token))
}

// acceptInvite makes a user by the token of an invite, which is all that the caller must have.
func (s *Server) acceptInvite(r *request) (answer, error) {
	var body struct {
		Token    string `json:"token"`
		Email    string `json:"email"`
		Password string `json:"password"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	token, err := s.Accounts.AcceptInvite(r.ctx, secret.String(body.Token), body.Email, secret.String(body.Password), s.clientIP(r.Ctx))
	if err != nil {
		return answer{}, err
	}
	return created(showToken(token))
}

// changePassword answers with a new token, because the one that called is void afterwards.
func (s *Server) changePassword(r *request) (answer, error) {
	var body struct {
		CurrentPassword string `json:"currentPassword"`
		NewPassword     string `json:"newPassword"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	token, err := s.Accounts.ChangePassword(r.ctx, r.principal, secret.String(body.CurrentPassword), secret.String(body.NewPassword))
	if err != nil {
		return answer{}, err
	}
	return ok(showToken(token))
}

func (s *Server) logoutAll(r *request) (answer, error) {
	if err := s.Accounts.EndLogins(r.ctx, r.account(), r.principal.UserID); err != nil {
		return answer{}, found(err, "user")
	}
	return noContent()
}

// loginView is a browser in which the user is logged in to the dashboard.
type loginView struct {
	ID        string    `json:"id"`
	UserAgent string    `json:"userAgent"`
	Address   string    `json:"address"`
	Current   bool      `json:"current"` // it is the one that asks
	CreatedAt timestamp `json:"createdAt"`
	SeenAt    timestamp `json:"seenAt"`
	ExpiresAt timestamp `json:"expiresAt"`
}

func (s *Server) listLogins(r *request) (answer, error) {
	page, err := r.page("login")
	if err != nil {
		return answer{}, err
	}
	logins, err := s.Accounts.Logins(r.ctx, r.account(), r.principal.UserID, page)
	if err != nil {
		return answer{}, err
	}
	show := func(l *store.Login) loginView {
		return loginView{
			ID: l.ID, UserAgent: l.UserAgent, Address: l.Address, Current: l.ID == r.principal.LoginID,
			CreatedAt: timestamp(l.CreatedAt), SeenAt: timestamp(l.SeenAt), ExpiresAt: timestamp(l.ExpiresAt),
		}
	}
	return listOf(logins, page, show, func(l *store.Login) string { return l.ID })
}

func (s *Server) deleteLogin(r *request) (answer, error) {
	if err := s.Accounts.EndLogin(r.ctx, r.account(), r.principal.UserID, r.Params("id")); err != nil {
		return answer{}, found(err, "login")
	}
	return noContent()
}

func (s *Server) changeAccount(r *request) (answer, error) {
	var body struct {
		Name string `json:"name"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	a, err := s.Accounts.Rename(r.ctx, r.account(), body.Name)
	if err != nil {
		return answer{}, found(err, "account")
	}
	return ok(showAccount(a))
}

// meView tells who is calling. Of user and key, the one that authenticated is there.
type meView struct {
	Account           accountView `json:"account"`
	AuthenticatedWith string      `json:"authenticatedWith"`
	User              *userView   `json:"user"`
	Key               *keyView    `json:"key"`
}

func (s *Server) me(r *request) (answer, error) {
	a, err := s.Store.Account(r.ctx, r.account())
	if err != nil {
		return answer{}, found(err, "account")
	}
	view := meView{Account: showAccount(a), AuthenticatedWith: "apiKey"}
	if r.principal.Kind == account.KindKey {
		k, err := s.Store.APIKey(r.ctx, r.account(), r.principal.KeyID)
		if err != nil {
			return answer{}, found(err, "key")
		}
		key := showKey(k)
		view.Key = &key
		return ok(view)
	}
	u, err := s.Store.User(r.ctx, r.account(), r.principal.UserID)
	if err != nil {
		return answer{}, found(err, "user")
	}
	user := showUser(u)
	view.User, view.AuthenticatedWith = &user, "loginToken"
	return ok(view)
}
