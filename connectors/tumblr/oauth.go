package tumblr

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/bearer"
)

// AuthorizeFields asks for the blog, which those have to name who have several.
func (Connector) AuthorizeFields() []connectors.Field {
	blog := fields()[0]
	blog.Required, blog.Help = false, "The blog's name, which stands before .tumblr.com. It may be left out where the account has one blog."
	return []connectors.Field{blog}
}

// AuthorizeURL returns Tumblr's page, on which the user grants access to all of the account's blogs. It makes no call. Tumblr has no PKCE.
func (c Connector) AuthorizeURL(_ context.Context, request connectors.AuthorizeRequest, _ connectors.Host) (connectors.AuthorizeAnswer, error) {
	if c.options.ClientID == "" || c.options.ClientSecret == "" {
		return connectors.AuthorizeAnswer{}, connectors.Unsupported("the operator has set no " + settingClientID + " and " + settingClientSecret + "; enter tokens in the channel's settings instead")
	}
	named := request.Input[fieldBlog]
	if named != "" {
		var err error
		if named, err = c.Address(connectors.Config{fieldBlog: named}); err != nil {
			return connectors.AuthorizeAnswer{}, err
		}
	}
	return connectors.AuthorizeAnswer{Keep: map[string]string{fieldBlog: named}, URL: defaultAuthorize + "?" + url.Values{
		"response_type": {"code"}, "client_id": {c.options.ClientID}, "redirect_uri": {request.RedirectURL}, "scope": {c.options.Scopes}, "state": {request.State},
	}.Encode()}, nil
}

// Exchange turns the code into the channel of the blog that was named, or of the account's only one. Tumblr gives a new refresh token at each renewal
// and ends the one before, so that two channels cannot share a grant: another blog is connected by a flow of its own.
func (c Connector) Exchange(ctx context.Context, request connectors.ExchangeRequest, host connectors.Host) ([]connectors.AuthorizedChannel, error) {
	if request.Code == "" {
		return nil, connectors.Rejected(connectors.CodeScopeMissing, "The access was not granted. Begin again, and allow it on Tumblr's page.", "")
	}
	request.CodeVerifier = ""
	grant, err := c.app().Exchange(ctx, host.HTTP, host.Now(), request)
	if err != nil {
		return nil, err
	}
	config := grant.Config()
	tokens := bearer.New(bearer.Options{App: c.app(), Config: config, HTTP: host.HTTP, Now: host.Now})
	reader := api{baseURL: c.options.BaseURL, tokens: tokens, now: host.Now, secrets: secretsOf(config)}
	blogs, err := reader.blogs(ctx)
	if err != nil {
		return nil, err
	}
	name, err := c.choose(request.Keep[fieldBlog], blogs)
	if err != nil {
		return nil, err
	}
	config[fieldBlog] = name
	return []connectors.AuthorizedChannel{{Config: config, Name: name + ".tumblr.com", Scopes: grant.Scopes}}, nil
}

// choose returns the blog that was named, or the only one.
func (c Connector) choose(named string, blogs []blog) (string, error) {
	var names []string
	for _, b := range blogs {
		name, err := c.Address(connectors.Config{fieldBlog: b.Name})
		if err != nil {
			return "", connectors.Retryable(errUnexpected())
		}
		names = append(names, name)
	}
	switch {
	case named == "" && len(names) == 1:
		return names[0], nil
	case named == "":
		return "", connectors.Rejected("blog_required", "The account has several blogs: "+strings.Join(names, ", ")+". Begin again, and say which one to connect.", fieldBlog)
	case !slices.Contains(names, named):
		return "", connectors.Rejected("blog_missing", "The account that granted access has no blog "+named+". Log in to Tumblr as the one that has, and begin again.", fieldBlog)
	}
	return named, nil
}
