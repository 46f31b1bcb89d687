package web

import (
	"net/http"
	"time"

	"github.com/switchhook/switchhook/internal/account"
)

func (w *Web) settingRoutes() []Route {
	return []Route{
		{"GET", "/app/settings", loggedIn, w.profile},
		{"POST", "/app/settings/password", loggedIn, w.changePassword},
		{"POST", "/app/settings/logout-all", loggedIn, w.logOutEverywhere},
		{"POST", "/app/settings/logins/:id/end", loggedIn, w.endLogin},
		{"GET", "/app/settings/members", owner, w.members},
		{"POST", "/app/settings/account", owner, w.renameAccount},
		{"POST", "/app/settings/members/:id", owner, w.changeMember},
		{"POST", "/app/settings/members/:id/remove", owner, w.removeMember},
		{"POST", "/app/settings/invites", owner, w.makeInvite},
		{"POST", "/app/settings/invites/:id/revoke", owner, w.revokeInvite},
		{"GET", "/app/settings/system", loggedIn, w.system},
	}
}

type browserLogin struct {
	ID        string `json:"id"`
	UserAgent string `json:"userAgent"`
	Address   string `json:"address"`
	CreatedAt string `json:"createdAt"`
	SeenAt    string `json:"seenAt"`
	Current   bool   `json:"current"`
}

type profileData struct {
	Logins []browserLogin
	Older  string
	Form   *form
}

func (w *Web) profile(p *page) error { return p.showProfile(http.StatusOK, nil) }

func (p *page) showProfile(status int, f *form) error {
	var logins list[browserLogin]
	if err := p.read(&logins, "/v1/logins", p.cursor()); err != nil {
		return err
	}
	return p.render(status, "settings/profile", p.web.text("settings.profile"), profileData{logins.Data, p.older(logins.NextCursor), f})
}

// changePassword changes the password. All other logins of the user end with it; this one stays.
func (w *Web) changePassword(p *page) error {
	body := map[string]string{"currentPassword": p.form.Get("current"), "newPassword": p.form.Get("new")}
	if p.form.Get("new") != p.form.Get("again") {
		f := &form{Faults: map[string]string{"again": w.text("settings.passwordsDiffer")}}
		return p.showProfile(http.StatusUnprocessableEntity, f)
	}
	if err := p.send("POST", "/v1/auth/password", body, nil); err != nil {
		return p.showProfile(http.StatusUnprocessableEntity, p.wrong(err, "currentPassword=current", "newPassword=new"))
	}
	return p.redirect("/app/settings", w.text("settings.passwordDone"))
}

func (w *Web) logOutEverywhere(p *page) error {
	if err := p.send("POST", "/v1/auth/logout-all", map[string]string{}, nil); err != nil {
		return err
	}
	p.dropLogin()
	return p.redirect("/app/login", w.text("settings.everywhereDone"))
}

func (w *Web) endLogin(p *page) error {
	if err := p.send("DELETE", "/v1/logins/"+segment(p.Params("id")), nil, nil); err != nil {
		return err
	}
	return p.redirect("/app/settings", w.text("settings.loginEnded"))
}

type member struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	Role      string `json:"role"`
	CreatedAt string `json:"createdAt"`
	Self      bool   `json:"-"`
}

type invitation struct {
	ID         string  `json:"id"`
	Email      *string `json:"email"`
	Role       string  `json:"role"`
	CreatedAt  string  `json:"createdAt"`
	ExpiresAt  string  `json:"expiresAt"`
	AcceptedAt *string `json:"acceptedAt"`
	URL        string  `json:"url"` // of one that was made just now
	Status     string  `json:"-"`
}

type membersData struct {
	Members    []member
	Invites    []invitation
	Roles      []option
	Made       *invitation
	NameForm   *form
	InviteForm *form
}

func (w *Web) members(p *page) error { return p.showMembers(http.StatusOK, membersData{}) }

// showMembers draws the page with what its forms have become.
func (p *page) showMembers(status int, data membersData) error {
	var members list[member]
	if err := p.read(&members, "/v1/members", map[string][]string{"limit": {"100"}}); err != nil {
		return err
	}
	var invites list[invitation]
	if err := p.read(&invites, "/v1/invites", map[string][]string{"limit": {"100"}}); err != nil {
		return err
	}
	for i := range members.Data {
		members.Data[i].Self = members.Data[i].ID == p.login.UserID
	}
	for _, invite := range invites.Data {
		if invite.AcceptedAt != nil {
			continue // the member is in the list above
		}
		invite.Status = "pending"
		if ends, err := parseTime(invite.ExpiresAt); err == nil && ends.Before(p.web.o.Now()) {
			invite.Status = "expired"
		}
		data.Invites = append(data.Invites, invite)
	}
	data.Members, data.Roles = members.Data, p.web.roles()
	if data.NameForm == nil {
		a, err := p.web.o.Account(p.ctx, p.login.AccountID)
		if err != nil {
			return err
		}
		data.NameForm = filled(map[string]string{"organization": a.Name})
	}
	return p.render(status, "settings/members", p.web.text("settings.members"), data)
}

func (w *Web) roles() []option {
	return []option{
		{Value: account.RoleMember, Label: w.text("settings.role.member")},
		{Value: account.RoleOwner, Label: w.text("settings.role.owner")},
	}
}

func (w *Web) renameAccount(p *page) error {
	if err := p.send("PATCH", "/v1/account", map[string]string{"name": p.text("organization")}, nil); err != nil {
		return p.showMembers(http.StatusUnprocessableEntity, membersData{NameForm: p.wrong(err, "name=organization")})
	}
	return p.redirect("/app/settings/members", w.text("settings.renamed"))
}

func (w *Web) changeMember(p *page) error {
	if err := p.send("PATCH", "/v1/members/"+segment(p.Params("id")), map[string]string{"role": p.text("role")}, nil); err != nil {
		return err
	}
	return p.redirect("/app/settings/members", w.text("settings.roleChanged"))
}

func (w *Web) removeMember(p *page) error {
	if err := p.send("DELETE", "/v1/members/"+segment(p.Params("id")), nil, nil); err != nil {
		return err
	}
	return p.redirect("/app/settings/members", w.text("settings.memberRemoved"))
}

func (w *Web) makeInvite(p *page) error {
	body := map[string]string{"role": p.text("role")}
	if email := p.text("email"); email != "" {
		body["email"] = email
	}
	var made invitation
	if err := p.send("POST", "/v1/invites", body, &made); err != nil {
		return p.showMembers(http.StatusUnprocessableEntity, membersData{InviteForm: p.wrong(err, "email", "role")})
	}
	return p.showMembers(http.StatusOK, membersData{Made: &made})
}

func (w *Web) revokeInvite(p *page) error {
	if err := p.send("DELETE", "/v1/invites/"+segment(p.Params("id")), nil, nil); err != nil {
		return err
	}
	return p.redirect("/app/settings/members", w.text("settings.inviteRevoked"))
}

type systemState struct {
	Version  string `json:"version"`
	Database string `json:"database"`
	Redis    string `json:"redis"`
	Checks   []struct {
		Name   string `json:"name"`
		Status string `json:"status"`
	} `json:"checks"`
	Retention       int64   `json:"retentionSeconds"`
	RequestsLimit   int64   `json:"requestsPerMinute"`
	MaxBody         int64   `json:"maxBodyBytes"`
	MaxUpload       int64   `json:"maxUploadBytes"`
	WebhookTimeout  int64   `json:"webhookTimeoutSeconds"`
	WebhookSchedule []int64 `json:"webhookScheduleSeconds"`
	PrivateNetworks bool    `json:"privateNetworks"`
	LiveStreams     int64   `json:"liveStreams"`
}

func (w *Web) system(p *page) error {
	var state systemState
	if err := p.read(&state, "/v1/system", nil); err != nil {
		return err
	}
	return p.render(http.StatusOK, "settings/system", w.text("settings.system"), state)
}

// span writes a number of seconds as the largest units that it has: 30 days, 2 h 30 min.
func (w *Web) span(seconds int64) string {
	d := time.Duration(seconds) * time.Second
	switch {
	case d >= 48*time.Hour && d%(24*time.Hour) == 0:
		return w.text("span.days", d/(24*time.Hour))
	case d >= time.Hour && d%time.Hour == 0:
		return w.text("span.hours", d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		return w.text("span.minutes", d/time.Minute)
	case d >= time.Hour:
		return w.text("span.hoursMinutes", d/time.Hour, d%time.Hour/time.Minute)
	}
	return w.text("span.seconds", seconds)
}
