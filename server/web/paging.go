package web

import (
	"net/url"
	"strings"
)

// cursor is the query of a list that goes on where the page before has ended.
func (p *page) cursor() url.Values {
	query := url.Values{}
	if cursor := p.Query("cursor"); cursor != "" {
		query.Set("cursor", cursor)
	}
	return query
}

// older is the address of the page after this one, with the same filters, or empty where there is none.
func (p *page) older(next *string) string {
	if next == nil {
		return ""
	}
	query, err := url.ParseQuery(string(p.Request().URI().QueryString()))
	if err != nil {
		query = url.Values{}
	}
	query.Set("cursor", *next)
	return p.Path() + "?" + query.Encode()
}

// segment makes an id that came in an address safe as one part of the path of a call.
func segment(id string) string { return url.PathEscape(strings.ReplaceAll(id, "/", "")) }
