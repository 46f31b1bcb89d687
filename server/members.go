package server

import (
	"github.com/switchhook/switchhook/internal/account"
	"github.com/switchhook/switchhook/internal/store"
)

// invitePath is the page of the dashboard on which an invite is accepted; the token follows.
const invitePath = "/app/invite/"

func (s *Server) listMembers(r *request) (answer, error) {
	page, err := r.page("usr")
	if err != nil {
		return answer{}, err
	}
	users, err := s.Accounts.Members(r.ctx, r.account(), page)
	if err != nil {
		return answer{}, err
	}
	return listOf(users, page, showUser, func(u *store.User) string { return u.ID })
}

func (s *Server) changeMember(r *request) (answer, error) {
	var body struct {
		Role string `json:"role"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	u, err := s.Accounts.ChangeRole(r.ctx, r.account(), r.Params("id"), body.Role)
	if err != nil {
		return answer{}, found(err, "member")
	}
	return ok(showUser(u))
}

func (s *Server) deleteMember(r *request) (answer, error) {
	if err := s.Accounts.RemoveMember(r.ctx, r.account(), r.Params("id")); err != nil {
		return answer{}, found(err, "member")
	}
	return noContent()
}

type inviteView struct {
	ID         string    `json:"id"`
	Email      *string   `json:"email"` // null: whoever has the link
	Role       string    `json:"role"`
	CreatedBy  string    `json:"createdBy"` // the id of the owner
	CreatedAt  timestamp `json:"createdAt"`
	ExpiresAt  timestamp `json:"expiresAt"`
	AcceptedAt timestamp `json:"acceptedAt"` // null: not yet
}

// newInviteView is the one answer that shows the link.
type newInviteView struct {
	inviteView
	URL string `json:"url"`
}

func showInvite(i *store.Invite) inviteView {
	view := inviteView{
		ID: i.ID, Role: i.Role, CreatedBy: i.CreatedBy,
		CreatedAt: timestamp(i.CreatedAt), ExpiresAt: timestamp(i.ExpiresAt), AcceptedAt: timestamp(i.AcceptedAt),
	}
	if i.Email != "" {
		view.Email = &i.Email
	}
	return view
}

func (s *Server) listInvites(r *request) (answer, error) {
	page, err := r.page("inv")
	if err != nil {
		return answer{}, err
	}
	invites, err := s.Accounts.Invites(r.ctx, r.account(), page)
	if err != nil {
		return answer{}, err
	}
	return listOf(invites, page, showInvite, func(i *store.Invite) string { return i.ID })
}

func (s *Server) createInvite(r *request) (answer, error) {
	body := struct {
		Email string `json:"email"`
		Role  string `json:"role"`
	}{Role: account.RoleMember}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	i, token, err := s.Accounts.CreateInvite(r.ctx, r.principal, r.newID("inv", s.Accounts.IDs()), body.Email, body.Role)
	if err != nil {
		return answer{}, err
	}
	return created(newInviteView{inviteView: showInvite(i), URL: s.BaseURL + invitePath + token.Reveal()})
}

func (s *Server) deleteInvite(r *request) (answer, error) {
	if err := s.Accounts.RevokeInvite(r.ctx, r.account(), r.Params("id")); err != nil {
		return answer{}, found(err, "invite")
	}
	return noContent()
}
