package httpcall

import (
	"net/netip"
	"net/url"
	"strings"
)

// StatusCallback returns where a provider reports the fate of a message of ours: the channel's callback URL with the message's id in its
// query. It is "" where the provider could not reach it, because providers refuse a whole message for such an address. With anyHost, which is for an operator's own
// address in place of the provider's, every host counts as reachable. Plain http is taken too.
func StatusCallback(callbackURL, messageID string, anyHost bool) string {
	parsed, err := url.Parse(callbackURL)
	if err != nil || (parsed.Scheme != "https" && parsed.Scheme != "http") || parsed.Host == "" {
		return ""
	}
	if !anyHost && !isPublicHost(parsed.Hostname()) {
		return ""
	}
	parsed.RawQuery = url.Values{"message": {messageID}}.Encode()
	return parsed.String()
}

// isPublicHost tells what cannot be a host of the public network: private addresses, names without a dot or with "_", and
// the endings that stand for this machine or network.
func isPublicHost(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsGlobalUnicast() && !ip.IsPrivate()
	}
	return strings.Contains(host, ".") && !strings.Contains(host, "_") &&
		!strings.HasSuffix(host, ".localhost") && !strings.HasSuffix(host, ".local") && !strings.HasSuffix(host, ".internal")
}
