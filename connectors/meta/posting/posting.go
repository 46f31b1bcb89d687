// Package posting is what publishing on a Facebook Page and on an Instagram account have in common. The packages facebook and instagram say in what they differ.
package posting

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta"
)

// ClockSkew is by how much Meta's clock may be behind ours.
const ClockSkew = time.Minute

// Refuser gives an error code of the Graph API its meaning, or nil where it knows none.
type Refuser = func(code, subcode int) *connectors.Error

// NewGraph makes the Graph that publishes. own gives codes their meaning on one network; the codes of both have theirs here.
func NewGraph(options meta.Options, host connectors.Host, token, appSecret string, own Refuser) *meta.Graph {
	return meta.NewGraph(meta.GraphOptions{
		Options: options, HTTP: host.HTTP, Now: host.Now, Token: token, AppSecret: appSecret,
		Refusal: func(code, subcode int) *connectors.Error {
			if failed := own(code, subcode); failed != nil {
				return failed
			}
			return refusalOf(code, subcode)
		},
	})
}

// refusalOf has the codes that mean to a post what they do not mean to a message. A missing permission is the post's failure, not the channel's
// end: the same token may well be good for its messages.
func refusalOf(code, subcode int) *connectors.Error {
	switch {
	case code == 1404078 || subcode == 1404078:
		return connectors.Unlinked(connectors.CodeAuthFailed, "Facebook wants the Page's administrators to confirm who they are before it publishes. Log in at facebook.com, do what it asks on the Page, and check the channel again.")
	case code == 506:
		return connectors.Rejected(connectors.CodeDuplicatePost, "The same post was published just before. Change it, or leave it at that.", "")
	case code == 10, code >= 200 && code <= 299:
		return connectors.Rejected(connectors.CodeScopeMissing, "The token or its app lacks a permission for this, or its owner may not publish on the Page. Connect the channel again and grant what the guide names.", "")
	case code == 100 && subcode != 33:
		return connectors.Rejected(connectors.CodeInvalidContent, "Meta does not take a part of this post. Its own words say which; correct it before you publish it again.", "")
	}
	return nil
}

// Comment writes below what has an id. It returns the comment's id.
func Comment(ctx context.Context, graph *meta.Graph, id, text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", connectors.Rejected(connectors.CodeInvalidContent, "The comment is empty. Give it a text.", "firstComment")
	}
	if id == "" {
		return "", connectors.Rejected(connectors.CodeInvalidContent, "The post's id at the network is not known, so that nothing can be written below it.", "")
	}
	var answer struct {
		ID string `json:"id"`
	}
	if err := graph.Publish(ctx, "/"+url.PathEscape(id)+"/comments", map[string]string{"message": text}, &answer); err != nil {
		return "", err
	}
	if answer.ID == "" {
		return "", Unnamed("comment")
	}
	return answer.ID, nil
}

// Unnamed says that Meta answered a request that makes something public with a success that names nothing.
func Unnamed(what string) *connectors.Error {
	return connectors.Unconfirmed(fmt.Errorf("%s: the answer of Meta names no %s", connectors.CodeUnexpected, what))
}

// Unexpected says that Meta answered something without what must be in it, before anything was made public.
func Unexpected(what string) *connectors.Error {
	return connectors.Retryable(fmt.Errorf("%s: the answer of Meta has no %s", connectors.CodeUnexpected, what))
}

// Unsure says that the account's posts do not tell whether one is among them.
func Unsure() *connectors.Error {
	return connectors.Retryable(errors.New("the account's posts do not tell whether it is among them"))
}

// Same tells whether two texts are the same but for white space, which Meta trims.
func Same(a, b string) bool { return squeeze(a) == squeeze(b) }

func squeeze(text string) string { return strings.Join(strings.Fields(text), "") }

// Time reads a time as the Graph API writes it, which RFC 3339 is not quite; zero where it is none.
func Time(text string) time.Time {
	for _, layout := range []string{"2006-01-02T15:04:05-0700", time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at
		}
	}
	return time.Time{}
}

// Address returns where a post is seen: the address that Meta names, which for films is one without a host, or else the fallback. What is no address
// of the web is none.
func Address(named, fallback string) string {
	if strings.HasPrefix(named, "/") && !strings.HasPrefix(named, "//") {
		named = "https://www.facebook.com" + named
	}
	if parsed, err := url.Parse(named); err == nil && (parsed.Scheme == "https" || parsed.Scheme == "http") && parsed.Host != "" {
		return named
	}
	return fallback
}
