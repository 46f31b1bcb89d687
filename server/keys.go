package server

import (
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

type keyView struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Hint       string    `json:"hint"` // what may be shown of the key
	CreatedAt  timestamp `json:"createdAt"`
	LastUsedAt timestamp `json:"lastUsedAt"` // to about a minute; null: never
}

// newKeyView is the one answer that shows a key.
type newKeyView struct {
	keyView
	Key string `json:"key"`
}

func showKey(k *store.APIKey) keyView {
	return keyView{ID: k.ID, Name: k.Name, Hint: k.Hint, CreatedAt: timestamp(k.CreatedAt), LastUsedAt: timestamp(k.LastUsedAt)}
}

func showNewKey(k *store.APIKey, text secret.String) newKeyView {
	return newKeyView{keyView: showKey(k), Key: text.Reveal()}
}

func (s *Server) listKeys(r *request) (answer, error) {
	page, err := r.page("key")
	if err != nil {
		return answer{}, err
	}
	keys, err := s.Accounts.Keys(r.ctx, r.account(), page)
	if err != nil {
		return answer{}, err
	}
	return listOf(keys, page, showKey, func(k *store.APIKey) string { return k.ID })
}

func (s *Server) createKey(r *request) (answer, error) {
	var body struct {
		Name string `json:"name"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	k, text, err := s.Accounts.CreateKey(r.ctx, r.account(), r.newID("key", s.Accounts.IDs()), body.Name)
	if err != nil {
		return answer{}, err
	}
	return created(showNewKey(k, text))
}

func (s *Server) deleteKey(r *request) (answer, error) {
	if err := s.Accounts.RevokeKey(r.ctx, r.account(), r.Params("id")); err != nil {
		return answer{}, found(err, "key")
	}
	return noContent()
}

func (s *Server) rotateKey(r *request) (answer, error) {
	k, text, err := s.Accounts.RotateKey(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, found(err, "key")
	}
	return ok(showNewKey(k, text))
}
