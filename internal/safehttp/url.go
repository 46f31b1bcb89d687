package safehttp

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

const (
	maxURL   = 2048 // bytes; every browser, proxy and no-code tool takes at least that
	maxName  = 253  // bytes of a host name (RFC 1035, section 2.3.4, as text)
	maxLabel = 63   // bytes of one part of it
)

// CheckURL returns raw in the form in which it may be saved and called, or an Error that says what is wrong with it.
// It does not resolve names: the dialler's guard has the last word each time the address is called. Trusted origins
// get no favour here, because a URL that a user gives must not reach what only the operator may.
func (c *Client) CheckURL(raw string) (*url.URL, error) {
	u, err := parseURL(raw)
	if err != nil {
		return nil, err
	}
	if err := c.guard.checkHost(u.Hostname(), u.Scheme == "http"); err != nil {
		return nil, err
	}
	return u, nil
}

// checkHost refuses what is certain without a name server.
func (g *guard) checkHost(host string, plain bool) error {
	if ip, err := netip.ParseAddr(host); err == nil {
		return g.check(ip, plain)
	}
	name := strings.TrimSuffix(host, ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		if g.allowed(netip.AddrFrom4([4]byte{127, 0, 0, 1})) || g.allowed(netip.IPv6Loopback()) {
			return nil
		}
		return privateAddress()
	}
	if plain && len(g.allow) == 0 {
		return httpsRequired()
	}
	return nil
}

// parseURL reads an absolute http or https URL strictly. The result's host is lower case ASCII, and its query holds
// neither spaces nor bytes outside ASCII, so that it can stand in a request line.
func parseURL(raw string) (*url.URL, error) {
	if raw == "" || len(raw) > maxURL {
		return nil, invalidURL(fmt.Sprintf("Give a URL of 1 to %d characters.", maxURL))
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, invalidURL("This is not a valid URL. Write it like https://example.com/path, without spaces in the host or control characters.")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, invalidURL("The URL must begin with https://.")
	case u.Opaque != "" || u.Host == "":
		return nil, invalidURL("The URL has no host. Write it like https://example.com/path.")
	case u.User != nil:
		return nil, invalidURL("The URL must not contain a user name or password. Use a header for them.")
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return nil, invalidURL("The URL must not contain a fragment: the part after # is never sent to a server.")
	}
	if u.Host, err = cleanHost(u); err != nil {
		return nil, err
	}
	u.RawQuery = cleanQuery(u.RawQuery)
	return u, nil
}

// cleanHost returns the host, with its port where one is written, as ASCII in lower case.
func cleanHost(u *url.URL) (string, error) {
	host, port := u.Hostname(), u.Port()
	if strings.HasSuffix(u.Host, ":") {
		return "", invalidURL("The URL has a colon but no port. Leave it out or add a port.")
	}
	if number, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || number == 0) {
		return "", invalidURL("The URL's port must be between 1 and 65535.")
	}
	if strings.HasPrefix(u.Host, "[") {
		ip, err := netip.ParseAddr(host)
		if err != nil || !ip.Is6() || ip.Zone() != "" {
			return "", invalidURL("The URL's IPv6 address is not valid. Zones are not allowed.")
		}
		return joinPort("["+ip.String()+"]", port), nil
	}
	name, err := cleanName(host)
	if err != nil {
		return "", err
	}
	return joinPort(name, port), nil
}

func joinPort(host, port string) string {
	if port == "" {
		return host
	}
	return host + ":" + port
}

// cleanName checks a host name or an IPv4 address. Names in other scripts become punycode.
func cleanName(host string) (string, error) {
	if !isASCII(host) {
		ascii, err := idna.Lookup.ToASCII(host)
		if err != nil {
			return "", invalidURL("The URL's host name is not a valid international name.")
		}
		host = ascii
	}
	host = strings.ToLower(host)
	name := strings.TrimSuffix(host, ".")
	if name == "" || len(name) > maxName {
		return "", invalidURL("The URL's host name is empty or too long.")
	}
	last := name
	for label := range strings.SplitSeq(name, ".") {
		if !isLabel(label) {
			return "", invalidURL("The URL's host name may only contain letters, digits, hyphens, underscores and single dots.")
		}
		last = label
	}
	if !looksNumeric(last) {
		return host, nil
	}
	// Resolvers disagree about 127.1, 0x7f.1, 0177.0.0.1 or 2130706433, and so would our checks.
	if ip, err := netip.ParseAddr(host); err != nil || !ip.Is4() {
		return "", invalidURL("Write an IPv4 address as four decimal numbers, like 203.0.113.7.")
	}
	return host, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// isLabel takes what real host names use. The underscore is no part of the standard but of many container networks.
func isLabel(label string) bool {
	if label == "" || len(label) > maxLabel {
		return false
	}
	for i := range len(label) {
		c := label[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// looksNumeric tells whether a last label makes resolvers take the whole host for an IPv4 address (WHATWG URL,
// "ends in a number").
func looksNumeric(label string) bool {
	digits := "0123456789"
	if rest, hex := strings.CutPrefix(label, "0x"); hex {
		label, digits = rest, "0123456789abcdef"
	}
	return strings.Trim(label, digits) == ""
}

// cleanQuery percent-encodes what may not stand in a request line.
func cleanQuery(query string) string {
	clean := true
	for i := range len(query) {
		clean = clean && query[i] > ' ' && query[i] < 0x7f
	}
	if clean {
		return query
	}
	var out strings.Builder
	for i := range len(query) {
		if query[i] > ' ' && query[i] < 0x7f {
			out.WriteByte(query[i])
			continue
		}
		fmt.Fprintf(&out, "%%%02X", query[i])
	}
	return out.String()
}
