package meta

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/switchhook/switchhook/connectors"
)

const (
	mostPages      = 20 // answers that are read of one list
	mostBusinesses = 50
	pageFields     = "id,name,access_token,instagram_business_account{id,username}"
	scopeBusiness  = "business_management"
)

// Login is how users grant access to their Pages: Facebook Login. Both networks of Meta that publish go through it.
type Login struct {
	Options Options
	Scopes  []string
}

// Page is a Page that a user granted, with the Instagram account that it is linked with, if any.
type Page struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Token     string `json:"access_token"` // of the Page; it does not end by itself
	Instagram struct {
		ID       string `json:"id"`
		Username string `json:"username"`
	} `json:"instagram_business_account"`
}

// Scopes reads a list with spaces or commas; an empty one becomes the fallback.
func Scopes(list string, fallback ...string) []string {
	scopes := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	if len(scopes) == 0 {
		return fallback
	}
	return scopes
}

// AuthorizeURL returns where the user grants access. It makes no call. Without the app's id or secret it is Unsupported. Facebook Login takes
// no PKCE challenge from an app that has a secret.
func (l Login) AuthorizeURL(request connectors.AuthorizeRequest) (connectors.AuthorizeAnswer, error) {
	if l.Options.AppID == "" || l.Options.AppSecret == "" {
		return connectors.AuthorizeAnswer{}, connectors.Unsupported("the operator has not set " + SettingAppID + " and " + SettingAppSecret + "; enter a token in the channel's settings instead")
	}
	return connectors.AuthorizeAnswer{URL: l.Options.loginURL() + "?" + url.Values{
		"response_type": {"code"}, "client_id": {l.Options.AppID}, "redirect_uri": {request.RedirectURL}, "scope": {strings.Join(l.Scopes, ",")}, "state": {request.State},
	}.Encode()}, nil
}

// Exchange turns the code into the Pages that the user granted, and returns the permissions granted too. The code becomes a token of the user, that one
// a long-lived one, and this one those of the Pages. It blocks for a number of calls. Errors are *connectors.Error, none of them Unconfirmed: a second exchange is harmless.
func (l Login) Exchange(ctx context.Context, request connectors.ExchangeRequest, host connectors.Host) ([]Page, []string, error) {
	if request.Code == "" {
		return nil, nil, connectors.Rejected(connectors.CodeScopeMissing, "The access was not granted. Begin again, and allow it on Facebook's page.", "")
	}
	short, err := l.token(ctx, host, url.Values{"redirect_uri": {request.RedirectURL}, "code": {request.Code}}, request.Code)
	if err != nil {
		return nil, nil, err
	}
	long, err := l.token(ctx, host, url.Values{"grant_type": {"fb_exchange_token"}, "fb_exchange_token": {short}}, short)
	if err != nil {
		return nil, nil, err
	}
	user := NewGraph(GraphOptions{Options: l.Options, HTTP: host.HTTP, Token: long, Now: host.Now, Secrets: []string{l.Options.AppSecret}})
	scopes, err := permissions(ctx, user)
	if err != nil {
		return nil, nil, err
	}
	pages, err := pagesOf(ctx, user, "/me/accounts")
	if err != nil {
		return nil, nil, err
	}
	if slices.Contains(scopes, scopeBusiness) {
		pages = append(pages, ofBusinesses(ctx, user)...)
	}
	return distinct(pages), scopes, nil
}

// token asks for a token. The endpoint takes its parameters, which are secrets, in the body too.
func (l Login) token(ctx context.Context, host connectors.Host, form url.Values, secret string) (string, error) {
	form.Set("client_id", l.Options.AppID)
	form.Set("client_secret", l.Options.AppSecret)
	var answer struct {
		Token string `json:"access_token"`
	}
	anybody := NewGraph(GraphOptions{Options: l.Options, HTTP: host.HTTP, Now: host.Now, Secrets: []string{secret, l.Options.AppSecret}})
	err := anybody.PostForm(ctx, "/oauth/access_token", form, &answer)
	if err == nil && answer.Token == "" {
		err = connectors.Retryable(errors.New(connectors.CodeUnexpected + ": the answer of Meta names no token"))
	}
	if err == nil {
		return answer.Token, nil
	}
	failed := connectors.Harmless(err)
	if failed.Kind == connectors.KindRejected || failed.Kind == connectors.KindUnlinked {
		rejected := connectors.Rejected(connectors.CodeAuthFailed, "Meta does not take the code that came back; it may have ended, or the operator's app id, secret and return address do not belong together. Begin again.", "")
		rejected.Provider, rejected.Err = failed.Provider, failed.Err
		return "", rejected
	}
	return "", failed
}

// permissions returns what the user granted.
func permissions(ctx context.Context, user *Graph) ([]string, error) {
	var answer struct {
		Data []struct {
			Permission string `json:"permission"`
			Status     string `json:"status"`
		} `json:"data"`
	}
	if err := user.Get(ctx, "/me/permissions", &answer); err != nil {
		return nil, err
	}
	var granted []string
	for _, p := range answer.Data {
		if p.Status == "granted" {
			granted = append(granted, p.Permission)
		}
	}
	return granted, nil
}

// pagesOf reads a list of Pages. The addresses of further answers that Meta gives hold the token; only their cursor is used.
func pagesOf(ctx context.Context, user *Graph, path string) ([]Page, error) {
	var pages []Page
	query := url.Values{"fields": {pageFields}, "limit": {"100"}}
	for range mostPages {
		var answer struct {
			Data   []Page `json:"data"`
			Paging Paging `json:"paging"`
		}
		if err := user.Get(ctx, path+"?"+query.Encode(), &answer); err != nil {
			return nil, err
		}
		pages = append(pages, answer.Data...)
		after := answer.Paging.After()
		if after == "" {
			break
		}
		query.Set("after", after)
	}
	return pages, nil
}

// Paging is where a list of the Graph API goes on.
type Paging struct {
	Cursors struct {
		After string `json:"after"`
	} `json:"cursors"`
	Next string `json:"next"` // an address with the token in it, which must not be used
}

// After returns the cursor of what follows, or "" at the end.
func (p Paging) After() string {
	if p.Next == "" {
		return ""
	}
	return p.Cursors.After
}

// ofBusinesses reads the Pages that the user has by a role in a business. Those of the user's own are there without them, so that no failure counts.
func ofBusinesses(ctx context.Context, user *Graph) []Page {
	var answer struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if user.Get(ctx, fmt.Sprintf("/me/businesses?fields=id&limit=%d", mostBusinesses), &answer) != nil {
		return nil
	}
	var pages []Page
	for _, business := range answer.Data {
		for _, edge := range []string{"owned_pages", "client_pages"} {
			if more, err := pagesOf(ctx, user, "/"+url.PathEscape(business.ID)+"/"+edge); err == nil {
				pages = append(pages, more...)
			}
		}
	}
	return pages
}

// distinct drops what has no token, which is a Page on which the user may do nothing, and what comes twice.
func distinct(pages []Page) []Page {
	seen := map[string]bool{}
	return slices.DeleteFunc(pages, func(p Page) bool {
		again := seen[p.ID] || p.ID == "" || p.Token == ""
		seen[p.ID] = seen[p.ID] || !again
		return again
	})
}

// NoPages says that the user granted nothing that could become a channel. what names it, such as "a Facebook Page".
func NoPages(what string) *connectors.Error {
	return connectors.Rejected("no_accounts", "You have granted access to nothing that can be connected here. Begin again, and choose "+what+" on Facebook's page.", "")
}
