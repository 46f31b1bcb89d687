package xtest

import (
	"crypto/hmac"
	"crypto/sha1" // OAuth 1.0a signs with HMAC-SHA1
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// isSigned checks a signature by RFC 5849, 3.4: over the method, the address and all parameters, but no body that is not a form.
func isSigned(r *http.Request) bool {
	header, found := strings.CutPrefix(r.Header.Get("Authorization"), "OAuth ")
	if !found {
		return false
	}
	given, pairs := map[string]string{}, []string{}
	for _, pair := range strings.Split(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		value, err := url.PathUnescape(strings.Trim(value, `"`))
		if err != nil {
			return false
		}
		given[name] = value
		if name != "oauth_signature" {
			pairs = append(pairs, encode(name)+"="+encode(value))
		}
	}
	for name, values := range r.URL.Query() {
		for _, value := range values {
			pairs = append(pairs, encode(name)+"="+encode(value))
		}
	}
	slices.Sort(pairs)
	base := r.Method + "&" + encode("http://"+r.Host+r.URL.EscapedPath()) + "&" + encode(strings.Join(pairs, "&"))
	mac := hmac.New(sha1.New, []byte(encode(KeySecret)+"&"+encode(TokenSecret)))
	_, _ = mac.Write([]byte(base)) // a hash takes everything
	return given["oauth_consumer_key"] == Key && given["oauth_token"] == OAuth1Token && given["oauth_nonce"] != "" &&
		given["oauth_signature_method"] == "HMAC-SHA1" && given["oauth_signature"] == base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// encode writes all but letters, digits and -._~ as %XX (RFC 5849, 3.6).
func encode(text string) string {
	return strings.NewReplacer("+", "%20", "%7E", "~").Replace(url.QueryEscape(text))
}
