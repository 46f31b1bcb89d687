package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/account"
)

//go:embed templates
var templateFiles embed.FS

// templates are the pages by name: templates/channels/list.html is "channels/list". Each is read together with templates/layout.html and
// templates/parts/*.html, which all pages share. A page defines "content", and parts of its own that can be asked for alone.
type templates struct {
	pages map[string]*template.Template
}

func (w *Web) readTemplates() (*templates, error) {
	shared, err := template.New("").Funcs(w.functions()).ParseFS(templateFiles, "templates/layout.html", "templates/parts/*.html")
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	all := &templates{pages: map[string]*template.Template{}}
	err = fs.WalkDir(templateFiles, "templates", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name == "templates/layout.html" || strings.HasPrefix(name, "templates/parts/") {
			return err
		}
		clone, err := shared.Clone()
		if err != nil {
			return fmt.Errorf("read template: %w", err)
		}
		if clone, err = clone.ParseFS(templateFiles, name); err != nil {
			return fmt.Errorf("read template: %w", err)
		}
		all.pages[strings.TrimSuffix(strings.TrimPrefix(name, "templates/"), path.Ext(name))] = clone
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	return all, nil
}

// view is what a template sees: what every page has, and the data of this one as .D.
type view struct {
	Title   string
	Path    string // of the request
	Section string // the first part of the path behind /app/, for the menu
	Theme   string // light, dark or empty: as the system has it
	CSRF    string
	Notice  string
	User    *viewUser // nil without a login
	Version string
	Cursor  string // of the account's stream when the page was made
	D       any
}

type viewUser struct {
	Email, Account string
	Owner          bool
}

func (p *page) view(title string, data any) (*view, error) {
	v := &view{Title: title, Path: p.Path(), Theme: p.theme(), CSRF: p.csrf(), Version: p.web.o.Version, D: data}
	v.Section, _, _ = strings.Cut(strings.TrimPrefix(p.Path(), "/app/"), "/")
	if p.login == nil {
		return v, nil
	}
	a, err := p.web.o.Account(p.ctx, p.login.AccountID)
	if err != nil {
		return nil, err
	}
	v.User = &viewUser{Email: p.login.User.Email, Account: a.Name, Owner: p.login.Role == account.RoleOwner}
	return v, nil
}

func (p *page) theme() string {
	if theme := p.Cookies("theme"); theme == "light" || theme == "dark" {
		return theme
	}
	return ""
}

// render answers with a whole page.
func (p *page) render(status int, name, title string, data any) error {
	v, err := p.view(title, data)
	if err != nil {
		return err
	}
	v.Notice, v.Cursor = p.takeNotice(), p.since
	return p.execute(status, name, "layout", v)
}

// fragment answers with one part of a page, for htmx.
func (p *page) fragment(name, part string, data any) error {
	v, err := p.view("", data)
	if err != nil {
		return err
	}
	return p.execute(fiber.StatusOK, name, part, v)
}

// refused shows a page again with what was typed and what is wrong with it.
func (p *page) refused(name, title string, data any) error {
	return p.render(fiber.StatusUnprocessableEntity, name, title, data)
}

func (p *page) execute(status int, name, part string, v *view) error {
	parsed := p.web.templates.pages[name]
	if parsed == nil {
		return fmt.Errorf("there is no template %s", name)
	}
	var out bytes.Buffer
	if err := parsed.ExecuteTemplate(&out, part, v); err != nil {
		return fmt.Errorf("write page %s: %w", name, err)
	}
	p.Status(status)
	p.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return p.packed(out.Bytes())
}

// packedFrom is how many bytes a page must have to be worth packing.
const packedFrom = 1400

// packed sends a page with gzip to whoever takes it. The one secret in it, the token against forged forms, is written differently each time, so
// that its length in packed pages tells nothing.
func (p *page) packed(body []byte) error {
	p.Vary(fiber.HeaderAcceptEncoding)
	if len(body) < packedFrom || !p.takesGzip() {
		return p.Send(body)
	}
	var out bytes.Buffer
	writer, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		return fmt.Errorf("pack page: %w", err)
	}
	if _, err := writer.Write(body); err != nil {
		return fmt.Errorf("pack page: %w", err)
	}
	if err := writer.Close(); err != nil {
		return fmt.Errorf("pack page: %w", err)
	}
	p.Set(fiber.HeaderContentEncoding, "gzip")
	return p.Send(out.Bytes())
}

// takesGzip tells whether the browser asks for packed answers. Who says nothing gets plain ones.
func (p *page) takesGzip() bool {
	return p.Get(fiber.HeaderAcceptEncoding) != "" && p.AcceptsEncodings("gzip") == "gzip"
}
