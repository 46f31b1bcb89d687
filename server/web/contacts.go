package web

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

func (w *Web) contactRoutes() []Route {
	return []Route{
		{"GET", "/app/contacts", loggedIn, w.contacts},
		{"GET", "/app/contacts/rows", loggedIn, w.contactRows},
		{"GET", "/app/contacts/new", loggedIn, w.newContact},
		{"POST", "/app/contacts/new", loggedIn, w.makeContact},
		{"GET", "/app/contacts/import", loggedIn, w.importPage},
		{"POST", "/app/contacts/import", loggedIn, w.importText},
		{"GET", "/app/contacts/imports/:id", loggedIn, w.importProgress},
		{"GET", "/app/contacts/imports/:id/state", loggedIn, w.importState},
		{"GET", "/app/contacts/:id", loggedIn, w.contact},
		{"GET", "/app/contacts/:id/edit", loggedIn, w.editContact},
		{"POST", "/app/contacts/:id/edit", loggedIn, w.changeContact},
		{"POST", "/app/contacts/:id/block", loggedIn, w.blockContact},
		{"POST", "/app/contacts/:id/delete", loggedIn, w.deleteContact},
	}
}

// contactInfo is a contact of the API.
type contactInfo struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	Phone       string `json:"phone_number"`
	CountryCode string `json:"phone_number_cc"`
	ExtraFields string `json:"extra_fields"`
	CreatedAt   string `json:"created_at"`
	UpdatedAt   string `json:"updated_at"`
	IsBlocked   int    `json:"is_blocked"`
}

// Blocked tells whether the messages of this person raise no event.
func (c *contactInfo) Blocked() bool { return c.IsBlocked == 1 }

// Called is what the person is called, or their number.
func (c *contactInfo) Called() string { return cmp.Or(strings.TrimSpace(c.Name), "+"+c.Phone) }

// Path is the address of the contact's page.
func (c *contactInfo) Path() string { return "/app/contacts/" + strconv.FormatInt(c.ID, 10) }

// Extra are the extra fields, in their order.
func (c *contactInfo) Extra() []extraField {
	fields, _ := readExtra(c.ExtraFields) // the API writes an object
	return fields
}

// contactsData is what the list shows.
type contactsData struct {
	Rows   []contactInfo
	Search string
	Older  string
	Cursor string
}

func (p *page) contactsData() (*contactsData, error) {
	query := p.cursor()
	data := &contactsData{Search: strings.TrimSpace(p.Query("q")), Cursor: query.Get("cursor")}
	if data.Search != "" {
		query.Set("q", data.Search)
	}
	var rows list[contactInfo]
	if err := p.read(&rows, "/v1/contacts", query); err != nil {
		return nil, err
	}
	data.Rows = rows.Data
	if rows.NextCursor != nil {
		query.Set("cursor", *rows.NextCursor)
		data.Older = withQuery("/app/contacts", query)
	}
	return data, nil
}

func (w *Web) contacts(p *page) error {
	data, err := p.contactsData()
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "contacts/list", w.text("contacts.title"), data)
}

// contactRows is the filtered part of the list.
func (w *Web) contactRows(p *page) error {
	data, err := p.contactsData()
	if err != nil {
		return err
	}
	query := url.Values{}
	if data.Search != "" {
		query.Set("q", data.Search)
	}
	p.Set("HX-Replace-Url", withQuery("/app/contacts", query))
	return p.fragment("contacts/list", "contact-rows", data)
}

// contactData is what the page of a contact shows.
type contactData struct {
	Contact       *contactInfo
	Conversations []conversationRow
	More          bool // there may be others
}

func contactPath(p *page) string { return "/v1/contacts/" + segment(p.Params("id")) }

func (w *Web) contact(p *page) error {
	data := &contactData{Contact: &contactInfo{}}
	if err := p.read(data.Contact, contactPath(p), nil); err != nil {
		return err
	}
	var talks list[conversationInfo]
	if err := p.read(&talks, "/v1/conversations", url.Values{"q": {data.Contact.Phone}, "limit": {"100"}}); err != nil {
		return err
	}
	data.More = talks.NextCursor != nil
	channels, err := readAll[channelInfo](p, "/v1/channels", nil)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, c := range channels {
		names[c.ID] = c.Name
	}
	for i := range talks.Data {
		if talks.Data[i].Contact == data.Contact.Phone {
			data.Conversations = append(data.Conversations, w.conversationRow(&talks.Data[i], names, nil, ""))
		}
	}
	return p.render(http.StatusOK, "contacts/show", visible(data.Contact.Called()), data)
}

// blockContact keeps a person's messages from raising events, or lets them again.
func (w *Web) blockContact(p *page) error {
	blocked, notice := 0, w.text("contacts.unblocked")
	if p.form.Get("blocked") == "yes" {
		blocked, notice = 1, w.text("contacts.blocked")
	}
	var c contactInfo
	if err := p.send("PATCH", contactPath(p), map[string]int{"is_blocked": blocked}, &c); err != nil {
		return err
	}
	return p.redirect(c.Path(), notice)
}

func (w *Web) deleteContact(p *page) error {
	if err := p.send("DELETE", contactPath(p), nil, nil); err != nil {
		return err
	}
	return p.redirect("/app/contacts", w.text("contacts.deleted"))
}
