package web

import (
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// importInfo is an import of contacts of the API.
type importInfo struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	Total     int    `json:"total"`
	Done      int    `json:"done"`
	Created   int    `json:"created"`
	Updated   int    `json:"updated"`
	Failed    int    `json:"failed"`
	CreatedAt string `json:"createdAt"`
	Errors    []struct {
		Line    int    `json:"line"`
		Field   string `json:"field"`
		Message string `json:"message"`
	} `json:"errors"`
}

// Ended tells whether all lines were looked at.
func (i *importInfo) Ended() bool { return i.Status == "done" }

func (w *Web) importPage(p *page) error {
	return p.render(http.StatusOK, "contacts/import", w.text("contacts.import"), (*form)(nil))
}

// importText takes a list that was pasted, which works without scripts.
func (w *Web) importText(p *page) error {
	var begun importInfo
	c := Call{Method: fiber.MethodPost, Target: "/v1/contacts/import", ContentType: "text/csv; charset=utf-8", Body: []byte(p.form.Get("csv"))}
	if once := p.form.Get("once"); once != "" && len(once) <= 64 {
		c.Idempotency = "dashboard-" + once
	}
	if strings.TrimSpace(p.form.Get("csv")) == "" {
		f := &form{Values: p.form, Faults: map[string]string{"csv": w.text("contacts.importEmpty")}}
		return p.refused("contacts/import", w.text("contacts.import"), f)
	}
	if err := p.call(c, &begun); err != nil {
		f := p.wrong(err, "csv")
		if f.Faults["csv"] == "" {
			f.Faults, f.Message = map[string]string{"csv": f.Message}, ""
		}
		return p.refused("contacts/import", w.text("contacts.import"), f)
	}
	return p.redirect("/app/contacts/imports/"+segment(begun.ID), "")
}

func (p *page) readImport() (*importInfo, error) {
	i := &importInfo{}
	err := p.read(i, "/v1/contacts/imports/"+segment(p.Params("id")), nil)
	return i, err
}

func (w *Web) importProgress(p *page) error {
	i, err := p.readImport()
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "contacts/progress", w.text("contacts.importing"), i)
}

// importState is the live part of the page.
func (w *Web) importState(p *page) error {
	i, err := p.readImport()
	if err != nil {
		return err
	}
	return p.fragment("contacts/progress", "import-state", i)
}
