package sandbox

import (
	"context"
	"errors"
	"strings"

	"github.com/switchhook/switchhook/connectors"
)

var (
	_ connectors.Publisher  = (*conn)(nil)
	_ connectors.PostFinder = (*conn)(nil)
	_ connectors.Commenter  = (*conn)(nil)
)

// optionOutcome is the post option that decides what becomes of a post.
const optionOutcome = "outcome"

// The outcomes of a post, in the order of docs/sandbox.md.
const (
	outcomePublished   = "published"
	outcomeRejected    = "rejected"
	outcomeRateLimited = "rate_limited"
	outcomeUnconfirmed = "unconfirmed" // the post is not there when it is looked up
	outcomeLate        = "late"        // no answer, but the post is there when it is looked up
	outcomeUnlinked    = "unlinked"
	outcomeDown        = "down"
)

// postInfo describes the sandbox's posts. Its limits are made up, low enough to be reached in a try.
func postInfo() *connectors.PostInfo {
	return &connectors.PostInfo{
		Text: connectors.PostPlain, Title: true, Split: true, FirstComment: true,
		Limits: connectors.PostLimits{
			Counter: connectors.CountGraphemes, TextLength: 500, TitleLength: 100, AltLength: 500, Images: 4, Videos: 1, ImageBytes: 16 << 20, VideoBytes: 100 << 20,
		},
		Options: []connectors.Field{{
			Key: optionOutcome, Label: "Outcome", Type: connectors.FieldSelect, Default: outcomePublished, Help: "What the sandbox pretends happens to the post.",
			Options: []string{outcomePublished, outcomeRejected, outcomeRateLimited, outcomeUnconfirmed, outcomeLate, outcomeUnlinked, outcomeDown},
		}},
	}
}

// Publish pretends to publish, with the outcome that the post's option asks for.
func (c *conn) Publish(ctx context.Context, post connectors.OutPost) (connectors.Published, error) {
	switch post.Options[optionOutcome] {
	case outcomeRejected:
		return connectors.Published{}, connectors.Rejected(connectors.CodeInvalidContent, "The sandbox refuses this post, as you asked it to.", "")
	case outcomeRateLimited:
		return connectors.Published{}, connectors.RateLimited(rateLimitWait)
	case outcomeUnlinked:
		return connectors.Published{}, connectors.Unlinked(connectors.CodeAuthFailed, "The sandbox pretends that this channel's credentials do not work any more. Check the channel to use it again.")
	case outcomeDown:
		return connectors.Published{}, connectors.Retryable(errors.New("the sandbox pretends to be down"))
	}
	if err := post.Begin(ctx); err != nil {
		return connectors.Published{}, err
	}
	switch post.Options[optionOutcome] {
	case outcomeUnconfirmed, outcomeLate:
		return connectors.Published{}, connectors.Unconfirmed(errors.New("the sandbox pretends that no answer came"))
	}
	return published(post), nil
}

// FindPost finds the posts of the outcome "late".
func (c *conn) FindPost(_ context.Context, post connectors.OutPost) (connectors.Published, bool, error) {
	if post.Options[optionOutcome] != outcomeLate {
		return connectors.Published{}, false, nil
	}
	return published(post), true, nil
}

// Comment takes every comment but those that say "refuse".
func (c *conn) Comment(_ context.Context, post connectors.Published, text string) (string, error) {
	if strings.Contains(text, "refuse") {
		return "", connectors.Rejected(connectors.CodeInvalidContent, "The sandbox refuses comments that say so.", "")
	}
	return post.ProviderID + "_comment", nil
}

func published(post connectors.OutPost) connectors.Published {
	return connectors.Published{ProviderID: "sbx_" + post.ID, URL: "https://sandbox.invalid/posts/sbx_" + post.ID}
}
