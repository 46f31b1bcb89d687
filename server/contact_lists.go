package server

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/contact"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// exportTimeout bounds how long a client may take to read an export, as long as the server writes to anyone.
const exportTimeout = 5 * time.Minute

// importView is an import as clients see it.
type importView struct {
	ID        string          `json:"id"`
	Status    string          `json:"status"`
	Total     int             `json:"total"`
	Done      int             `json:"done"`
	Created   int             `json:"created"`
	Updated   int             `json:"updated"`
	Failed    int             `json:"failed"`
	Errors    json.RawMessage `json:"errors"`
	CreatedAt timestamp       `json:"createdAt"`
	UpdatedAt timestamp       `json:"updatedAt"`
}

// startedImportView is the answer to a list that was taken.
type startedImportView struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

// exportContacts streams the contacts as CSV. A failure on the way cuts the answer off, which its client sees.
func (s *Server) exportContacts(r *request) (answer, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), exportTimeout) // the handler returns before it is read
	export, err := contact.NewExport(ctx, s.Store, r.account())
	if err != nil {
		cancel()
		return answer{}, err
	}
	r.Set(fiber.HeaderContentType, "text/csv; charset=utf-8")
	r.Set(fiber.HeaderContentDisposition, `attachment; filename="contacts.csv"`)
	r.Response().SetBodyStream(endingStream{export, cancel}, -1)
	return answer{status: fiber.StatusOK}, nil
}

// endingStream frees the time limit of an export when it is closed.
type endingStream struct {
	*contact.Export
	cancel context.CancelFunc
}

// Close closes the export.
func (e endingStream) Close() error {
	defer e.cancel()
	return e.Export.Close()
}

// importContacts keeps a list for the worker that takes it over.
func (s *Server) importContacts(r *request) (answer, error) {
	raw, err := r.rawBody()
	var refused *problem.Error
	if errors.As(err, &refused) && refused.Code == problem.BodyTooLarge {
		return answer{}, problem.New(problem.BodyTooLarge, "The list is larger than 1 MiB. Send it in several files, each with the header row.")
	}
	if err != nil {
		return answer{}, err
	}
	kind, params, err := mime.ParseMediaType(r.Get(fiber.HeaderContentType))
	charset := strings.ToLower(params["charset"])
	if err != nil || kind != "text/csv" || (charset != "" && charset != "utf-8" && charset != "utf8") {
		return answer{}, problem.New(problem.UnsupportedMediaType, "Send the list as CSV in UTF-8, with the header Content-Type: text/csv.")
	}
	text := string(raw)
	i, err := contact.NewImport(r.newID("imp", s.Accounts.IDs()), r.account(), text, s.Now())
	if err != nil {
		return answer{}, err
	}
	err = s.Store.InsertContactImport(r.ctx, i, text)
	// A repeat of a request that broke off after it had stored the list finds it.
	if err != nil && (r.seed == "" || !errors.Is(err, store.ErrExists)) {
		return answer{}, err
	}
	return answer{status: fiber.StatusAccepted, body: startedImportView{i.ID, i.Status}}, nil
}

func (s *Server) getContactImport(r *request) (answer, error) {
	i, err := s.Store.ContactImport(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, found(err, "import")
	}
	return ok(importView{
		ID: i.ID, Status: i.Status, Total: i.Total, Done: i.Done, Created: i.Created, Updated: i.Updated, Failed: i.Failed,
		Errors: json.RawMessage(i.Errors), CreatedAt: timestamp(i.CreatedAt), UpdatedAt: timestamp(i.UpdatedAt),
	})
}
