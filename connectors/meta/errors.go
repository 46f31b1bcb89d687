package meta

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// Codes of refusals that only Meta has.
const (
	CodePermissionMissing = "permission_missing" // the app or the token may not do that
	CodeDuplicate         = "duplicate_content"  // the same content was sent before
)

// pause is how long a channel rests that Meta has blocked for a while. Meta does not say how long; blocks last for hours.
const pause = time.Hour

// graphError is the error object of the Graph API.
type graphError struct {
	Message   string `json:"message"`
	Code      int    `json:"code"`
	Subcode   int    `json:"error_subcode"`
	Transient bool   `json:"is_transient"`
}

// Failure gives an answer without success its meaning: by code and subcode where they are known, else by the status. Meta's texts are
// passed on and never looked at.
func (g *Graph) Failure(response httpcall.Response) *connectors.Error {
	failed, _ := g.failure(response)
	return failed
}

// failure is Failure that also tells whether the network has a meaning of its own for the code.
func (g *Graph) failure(response httpcall.Response) (failure *connectors.Error, special bool) {
	refusal, raw := readError(response.Body)
	if raw == nil {
		return response.Classify(g.o.Now(), nil), false
	}
	provider := &connectors.ProviderError{Code: refusal.Code, Message: g.mask(refusal.Message), Raw: json.RawMessage(g.mask(string(raw)))}
	failed := response.Classify(g.o.Now(), provider)
	known, special := g.refusal(refusal)
	if known == nil {
		known = failed
	}
	known.Provider, known.Err = failed.Provider, failed.Err
	if known.Kind == connectors.KindRateLimited && known.After == 0 {
		known.After = max(httpcall.RetryAfter(response.Header.Get("Retry-After"), g.o.Now()), regainAccess(response.Header))
	}
	return known, special
}

// mask takes the secrets of a call out of Meta's words, which repeat a malformed token.
func (g *Graph) mask(words string) string {
	for _, secret := range append([]string{g.o.Token}, g.o.Secrets...) {
		if secret != "" {
			words = strings.ReplaceAll(words, secret, connectors.Mask)
		}
	}
	return words
}

func (g *Graph) refusal(e graphError) (known *connectors.Error, special bool) {
	if g.o.Refusal != nil {
		known = g.o.Refusal(e.Code, e.Subcode)
	}
	if special = known != nil; !special {
		known = RefusalOf(e.Code, e.Subcode)
	}
	if e.Transient && (known == nil || known.Kind == connectors.KindRejected) {
		return connectors.Retryable(nil), false
	}
	return known, special
}

// readError reads the Graph API's error object and returns it as it came too, or nil where a body holds none.
func readError(body []byte) (graphError, json.RawMessage) {
	var answer struct {
		Error json.RawMessage `json:"error"`
	}
	var refusal graphError
	if json.Unmarshal(body, &answer) != nil || json.Unmarshal(answer.Error, &refusal) != nil || refusal.Code == 0 && refusal.Subcode == 0 {
		return graphError{}, nil
	}
	return refusal, answer.Error
}

// RefusalOf returns the meaning of an error code of the Graph API, or nil for one that is not known to all of Meta's networks. The
// codes are from Meta's guide to handling errors.
func RefusalOf(code, subcode int) *connectors.Error {
	if failed := overload(code); failed != nil {
		return failed
	}
	if failed := tokenRefusal(code, subcode); failed != nil {
		return failed
	}
	switch {
	case code == 10, code >= 200 && code <= 299:
		return connectors.Rejected(CodePermissionMissing, "The token or its app lacks a permission for this. Grant the permissions that the guide names, and have them approved where Meta asks for it.", "")
	case code == 100 && subcode == 33:
		return connectors.Rejected(connectors.CodeInvalidSender, "Meta knows no such account, or this token may not see it. Check the ids in the channel's settings.", "")
	case code == 100:
		return connectors.Rejected(httpcall.CodeProviderRejected, "Meta does not take a part of this message. Its own words say which; correct it before you send it again.", "")
	case code == 506:
		return connectors.Rejected(CodeDuplicate, "The same content was sent just before. Change it, or leave it at that.", "")
	}
	return nil
}

// overload covers trouble of Meta's own and limits; nothing was accepted then.
func overload(code int) *connectors.Error {
	switch {
	case code == 1, code == 2:
		return connectors.Retryable(nil)
	case code == 4, code == 17, code == 32, code == 613, code >= 80001 && code <= 80014:
		return connectors.RateLimited(0)
	case code == 341, code == 368:
		return Paused()
	}
	return nil
}

func tokenRefusal(code, subcode int) *connectors.Error {
	switch {
	case code == 190 && subcode == 459:
		return connectors.Unlinked(connectors.CodeAccountSuspended, "Meta has locked the account until its owner confirms something. Log in at facebook.com, do what it asks, and check the channel again.")
	case code == 102, code == 190:
		return connectors.Unlinked(connectors.CodeAuthFailed, "The access token has expired, was revoked or belongs to another app. Make a new one and enter it in the channel's settings.")
	}
	return nil
}

// Paused says that Meta lets a channel send nothing for a while, for its rules or for its speed.
func Paused() *connectors.Error {
	failed := connectors.RateLimited(pause)
	failed.Message = "Meta has blocked this account from sending for some hours. Look for the reason under Support in the Meta Business Suite, and send less until it is over."
	return failed
}

// regainAccess reads how long Meta wants us to wait: the longest time that X-Business-Use-Case-Usage names, in minutes there. 0 where
// it says nothing.
func regainAccess(header http.Header) time.Duration {
	var usage map[string][]struct {
		Minutes int64 `json:"estimated_time_to_regain_access"`
	}
	if err := json.Unmarshal([]byte(header.Get("X-Business-Use-Case-Usage")), &usage); err != nil {
		return 0
	}
	var longest int64
	for _, business := range usage {
		for _, use := range business {
			longest = max(longest, min(use.Minutes, int64(httpcall.MaxRetryAfter/time.Minute)))
		}
	}
	return time.Duration(longest) * time.Minute
}
