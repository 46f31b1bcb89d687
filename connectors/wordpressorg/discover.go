package wordpressorg

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

const (
	maxRedirects = 3       // to https, to www, and one more
	namespace    = "wp/v2" // which every WordPress since 4.7 has
)

// root is where a site's REST API is.
type root struct {
	base      string // of the site, without a slash at its end
	prefix    string // "/wp-json"; empty: the path stands in the query, as sites without pretty addresses have it
	authorize string // where a user makes an application password, or empty
}

// address returns the address of a path of the API.
func (r root) address(path string, query url.Values) string {
	if r.prefix == "" {
		all := url.Values{"rest_route": {path}}
		for name, values := range query {
			all[name] = values
		}
		return r.base + "/?" + all.Encode()
	}
	if len(query) == 0 {
		return r.base + r.prefix + path
	}
	return r.base + r.prefix + path + "?" + query.Encode()
}

// forget makes the next request look for the API again.
func (a *api) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.root = nil
}

// discover returns where the API is: at /wp-json, at ?rest_route=, or where the front page says. It sends no credentials.
func (a *api) discover(ctx context.Context) (root, error) {
	a.mu.Lock()
	known := a.root
	a.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	base := strings.TrimSuffix(a.site.String(), "/")
	found, err := a.try(ctx, root{base: base, prefix: "/wp-json"})
	if err != nil && isMissing(err) {
		found, err = a.try(ctx, root{base: base})
	}
	if err != nil && isMissing(err) {
		found, err = a.tryLink(ctx, base)
	}
	if err != nil {
		return root{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.root = &found
	return found, nil
}

func isMissing(err error) bool { return connectors.AsError(err).Code == codeNoAPI }

func missing() *connectors.Error {
	return connectors.Rejected(codeNoAPI, "There is no WordPress with an open REST API at this address. Enter the address of the site; if it is right, a security plugin may have closed the API.", fieldSite)
}

// try asks for the index of the API at one place, and follows redirects within the same site.
func (a *api) try(ctx context.Context, at root) (root, error) {
	for range maxRedirects + 1 {
		address := at.address("/", nil)
		response, err := a.call(ctx, httpcall.Request{Method: http.MethodGet, URL: address})
		if err != nil {
			return root{}, err
		}
		if response.Status >= 300 && response.Status <= 399 {
			if at.base, err = a.follow(address, response.Header.Get("Location"), at.prefix); err != nil {
				return root{}, err
			}
			continue
		}
		return readIndex(at, response, a)
	}
	return root{}, missing()
}

// readIndex reads the index of the API. A site that shows it only to its users refuses it in WordPress' own words, which is as good.
func readIndex(at root, response httpcall.Response, a *api) (root, error) {
	var index struct {
		Namespaces     []string        `json:"namespaces"`
		Authentication json.RawMessage `json:"authentication"` // an empty list where there is none
	}
	switch {
	case response.Status == http.StatusOK && json.Unmarshal(response.Body, &index) == nil && slices.Contains(index.Namespaces, namespace):
	case (response.Status == http.StatusUnauthorized || response.Status == http.StatusForbidden) && strings.HasPrefix(readRefusal(response.Body).Code, "rest_"):
	case response.Status == http.StatusTooManyRequests || response.Status >= 500:
		return root{}, a.failure(response)
	default:
		return root{}, missing()
	}
	var authentication struct {
		Passwords struct {
			Endpoints struct {
				Authorization string `json:"authorization"`
			} `json:"endpoints"`
		} `json:"application-passwords"`
	}
	if json.Unmarshal(index.Authentication, &authentication) == nil {
		at.authorize = authentication.Passwords.Endpoints.Authorization
	}
	return at, nil
}

// follow returns the base of the site to which an index redirects. It must be the same site, with or without www, and not fall back to http.
func (a *api) follow(from, location, prefix string) (string, error) {
	here, err := url.Parse(from)
	if err != nil {
		return "", missing()
	}
	there, err := here.Parse(location)
	if err != nil || there.User != nil || (there.Scheme != "https" && there.Scheme != here.Scheme) {
		return "", missing()
	}
	if !sameSite(here.Host, there.Host) {
		return "", connectors.Rejected(codeAddress, "The site redirects to another host. Enter the address that the browser shows in the end.", fieldSite)
	}
	there.RawQuery, there.Fragment = "", ""
	return strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(there.String(), "/"), prefix), "/"), nil
}

func sameSite(a, b string) bool {
	return strings.EqualFold(strings.TrimPrefix(strings.ToLower(a), "www."), strings.TrimPrefix(strings.ToLower(b), "www."))
}

// tryLink looks at the front page, whose Link header names the API wherever it is.
func (a *api) tryLink(ctx context.Context, base string) (root, error) {
	response, err := a.call(ctx, httpcall.Request{Method: http.MethodGet, URL: base + "/"})
	if err != nil {
		return root{}, err
	}
	named := regexp.MustCompile(`<([^<>]+)>\s*;\s*rel="?https://api\.w\.org/"?`)
	for _, header := range response.Header.Values("Link") {
		match := named.FindStringSubmatch(header)
		if match == nil {
			continue
		}
		address, err := url.Parse(match[1])
		if err != nil || !sameSite(address.Host, a.site.Host) || address.RawQuery != "" || (address.Scheme != "https" && address.Scheme != a.site.Scheme) {
			continue
		}
		path := strings.TrimSuffix(address.Path, "/")
		return a.try(ctx, root{base: address.Scheme + "://" + address.Host, prefix: path})
	}
	return root{}, missing()
}
