package twilio

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio's signature is HMAC-SHA1; there is no other
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/switchhook/switchhook/connectors"
)

const (
	signatureHeader = "X-Twilio-Signature"
	bodyHashParam   = "bodySHA256"
)

// verify checks a callback's signature and returns its parameters: those of the form, or of the URL for a GET. The signature covers the
// URL, followed by each form parameter's name and value in the order of the names.
func verify(token string, request connectors.CallbackRequest) (url.Values, bool) {
	given := []byte(request.Header.Get(signatureHeader))
	if token == "" || len(given) != base64.StdEncoding.EncodedLen(sha1.Size) {
		return nil, false
	}
	called, err := url.Parse(request.URL)
	if err != nil {
		return nil, false
	}
	query, err := url.ParseQuery(called.RawQuery)
	if err != nil {
		return nil, false
	}
	params, payloads := query, []string{""}
	switch {
	case isForm(request):
		if params, err = url.ParseQuery(string(request.Body)); err != nil {
			return nil, false
		}
		payloads = formPayloads(params)
	case len(request.Body) > 0 && !bodyMatches(query.Get(bodyHashParam), request.Body):
		return nil, false
	}
	for _, address := range addressVariants(request.URL) {
		for _, payload := range payloads {
			mac := hmac.New(sha1.New, []byte(token))
			mac.Write([]byte(address + payload))
			// Compared as text: decoding base64 would let several spellings of one signature pass.
			if hmac.Equal(given, base64.StdEncoding.AppendEncode(nil, mac.Sum(nil))) {
				return params, true
			}
		}
	}
	return nil, false
}

// isForm tells whether the body is a form. One without a type is taken as such: Twilio has no other default.
func isForm(request connectors.CallbackRequest) bool {
	if request.Method == http.MethodGet {
		return false
	}
	contentType := request.Header.Get("Content-Type")
	if contentType == "" {
		return true
	}
	bare, _, err := mime.ParseMediaType(contentType)
	return err == nil && bare == "application/x-www-form-urlencoded"
}

// formPayloads returns what may be signed of a form. Where a parameter comes several times, Twilio's own Go library takes the first value;
// others take all, so both count. Only first values are ever read, and those are covered either way.
func formPayloads(params url.Values) []string {
	names := make([]string, 0, len(params))
	repeated := false
	for name, values := range params {
		names = append(names, name)
		repeated = repeated || len(values) > 1
	}
	slices.Sort(names)
	var first, all strings.Builder
	for _, name := range names {
		first.WriteString(name + params.Get(name))
		if repeated {
			all.WriteString(name + strings.Join(params[name], ""))
		}
	}
	if !repeated {
		return []string{first.String()}
	}
	return []string{first.String(), all.String()}
}

// bodyMatches checks the digest that stands in the signed URL of a request whose body is no form.
func bodyMatches(digest string, body []byte) bool {
	given, err := hex.DecodeString(digest)
	if err != nil {
		return false
	}
	sum := sha256.Sum256(body)
	return hmac.Equal(given, sum[:])
}

// addressVariants returns the URL as it was called, and again without its port or with the default one: Twilio is inconsistent
// in what it signs. The rest of the URL stays byte for byte.
func addressVariants(address string) []string {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		return []string{address}
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, tail := rest[:end], rest[end:]
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		return []string{address, scheme + "://" + host[:colon] + tail}
	}
	port := ":443"
	if scheme == "http" {
		port = ":80"
	}
	return []string{address, scheme + "://" + host + port + tail}
}
