package wordpressorg

import (
	"context"
	"net/url"
	"strings"

	"github.com/switchhook/switchhook/connectors"
)

const (
	appName = "Switchhook"
	appID   = "7f0c1c5e-0d0b-4a4e-9d56-2a0f6f6f4b1d" // of ours, so that a site shows our passwords as one app's
)

// AuthorizeFields asks for the site.
func (c Connector) AuthorizeFields() []connectors.Field { return c.Info().Fields[:1] }

// AuthorizeURL returns the page of the site that request.Input names under "siteUrl", on which its user makes an application password for us.
func (c Connector) AuthorizeURL(ctx context.Context, request connectors.AuthorizeRequest, host connectors.Host) (connectors.AuthorizeAnswer, error) {
	site, err := siteOf(request.Input[fieldSite])
	if err != nil {
		return connectors.AuthorizeAnswer{}, err
	}
	nobody := &api{http: host.Public, site: site, now: host.Now}
	found, err := nobody.discover(ctx)
	if err != nil {
		return connectors.AuthorizeAnswer{}, err
	}
	page, err := url.Parse(found.authorize)
	if err != nil || page.Host == "" || !sameSite(page.Host, site.Host) || (page.Scheme != "https" && page.Scheme != site.Scheme) {
		return connectors.AuthorizeAnswer{}, connectors.Rejected("no_application_passwords",
			"The site has no application passwords: it has no https, or a plugin has switched them off. Enter user name and password by hand after that is changed.", fieldSite)
	}
	back, err := url.Parse(request.RedirectURL)
	if err != nil {
		return connectors.AuthorizeAnswer{}, connectors.Rejected("invalid_address", "The address to come back to is malformed.", "")
	}
	query := back.Query()
	query.Set("state", request.State)
	back.RawQuery = query.Encode()
	page.RawQuery = url.Values{"app_name": {appName}, "app_id": {appID}, "success_url": {back.String()}, "reject_url": {back.String()}}.Encode()
	return connectors.AuthorizeAnswer{URL: page.String(), Keep: map[string]string{fieldSite: found.base}}, nil
}

// Exchange reads the password that came back in the query, and tries it.
func (c Connector) Exchange(ctx context.Context, request connectors.ExchangeRequest, host connectors.Host) ([]connectors.AuthorizedChannel, error) {
	user, password := request.Query["user_login"], request.Query["password"]
	if user == "" || password == "" {
		return nil, connectors.Rejected(connectors.CodeScopeMissing, "The access was not granted. Begin again, and approve it on your site's page.", "")
	}
	config, problems := connectors.ValidateConfig(c.Info().Fields, connectors.Config{
		fieldSite: request.Keep[fieldSite], fieldUsername: user, fieldPassword: password,
	})
	if len(problems) > 0 {
		return nil, connectors.Rejected("invalid_field", problems[0].Message, problems[0].Key)
	}
	opened, err := c.Open(connectors.Channel{Config: config}, host)
	if err != nil {
		return nil, err
	}
	if checker, ok := opened.(connectors.Checker); ok {
		if err := checker.Check(ctx); err != nil {
			return nil, err
		}
	}
	site, err := siteOf(request.Keep[fieldSite])
	if err != nil {
		return nil, err
	}
	return []connectors.AuthorizedChannel{{
		Config: config, Name: connectors.Clean(user, password) + " (" + strings.TrimPrefix(site.Host, "www.") + site.Path + ")",
	}}, nil
}
