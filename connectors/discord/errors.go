package discord

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

const (
	maxDetails = 5 // of what is wrong with a form
	maxDepth   = 8 // of the tree that tells it
)

// codeUnknownWebhook is a webhook that was deleted. Discord penalises those who go on calling it.
const codeUnknownWebhook = 10015

// problem is Discord's error object.
type problem struct {
	Code       int                        `json:"code"`
	Message    string                     `json:"message"`
	Errors     map[string]json.RawMessage `json:"errors"`
	RetryAfter float64                    `json:"retry_after"` // seconds, with 429
}

// failure gives an answer without success its meaning: by the status first, and by Discord's code where there is one that is known.
func (c *conn) failure(response httpcall.Response) *connectors.Error {
	var p problem
	readable := json.Unmarshal(response.Body, &p) == nil && p.Message != ""
	var own *connectors.ProviderError
	if readable {
		own = &connectors.ProviderError{Code: p.Code, Message: c.clean(p.words())}
	}
	counts := own
	if p.Code == 0 && response.Status >= http.StatusInternalServerError {
		counts = nil // "500: Internal Server Error" does not say that nothing has happened
	}
	failed := response.Classify(c.now(), counts)
	failed.Provider = own
	if failed.Kind == connectors.KindRateLimited {
		failed.Message = "Discord takes no more messages from this channel for the moment."
		failed.After = pause(response.Header, p.RetryAfter, failed.After)
	}
	known := meaning(p.Code)
	if response.Status == http.StatusRequestEntityTooLarge {
		known = tooLarge()
	}
	if known == nil || response.Status < http.StatusBadRequest {
		return failed
	}
	if known.Kind == connectors.KindRateLimited {
		known.After = pause(response.Header, p.RetryAfter, failed.After)
	}
	return become(failed, known)
}

// become returns meaning with what is known of failed.
func become(failed, meaning *connectors.Error) *connectors.Error {
	meaning.Provider, meaning.Err = failed.Provider, failed.Err
	return meaning
}

func tooLarge() *connectors.Error {
	return connectors.Rejected(connectors.CodeMediaRejected, "The files are too large for this server of Discord. Send smaller ones.", "media")
}

// meaning returns the meaning of an error code of Discord's, or nil for one that is not known here. The codes are those of its documentation
// (topics/opcodes-and-status-codes).
func meaning(code int) *connectors.Error {
	rejected, content := connectors.Rejected, connectors.CodeInvalidContent
	switch code {
	case 50006:
		return rejected(content, "Discord takes no empty message. Give the post a text or a file.", "body")
	case 50035, 50109:
		return rejected(content, "Discord refuses this post. Its own words say what is wrong; correct it before you publish it again.", "")
	case 50046, 20009: // an invalid file; explicit content
		return rejected(connectors.CodeMediaRejected, "Discord refuses a file of this post: its type or its content.", "media")
	case 40005:
		return tooLarge()
	case 160002, 50001, 50013:
		return rejected(connectors.CodeScopeMissing, "The bot lacks a permission in this channel: View Channel, Send Messages, Attach Files, Embed Links, Read Message History, or Send Messages in Threads. Grant it in Discord.", "")
	case 200000, 240000:
		return rejected(content, "A rule of the Discord server blocks this post: a word of AutoMod, or a harmful link.", "body")
	case 40001:
		return connectors.Unlinked(connectors.CodeAuthFailed, "Discord refuses the bot token. Make a new one in the developer portal and enter it in the channel's settings.")
	case 50027:
		return connectors.Unlinked(connectors.CodeAuthFailed, "Discord refuses the webhook's token. Copy the webhook's URL again into the channel's settings.")
	case codeUnknownWebhook:
		return connectors.Unlinked(connectors.CodeAuthFailed, "The webhook was deleted in Discord. Make a new one and enter its URL in the channel's settings.")
	case 10003:
		return rejected(connectors.CodeInvalidRecipient, "Discord knows no such channel or thread. Check the Channel ID in the channel's settings, and the post's Thread ID.", "")
	case 50007, 50008, 40002:
		return rejected(connectors.CodeInvalidRecipient, "Discord takes no messages in this place: a text channel or a thread is needed, and an account that is verified.", "")
	case 20016, 20028:
		limited := connectors.RateLimited(0)
		limited.Message = "The Discord channel's slow mode or write limit is reached for the moment."
		return limited
	case 130000, 40006:
		return connectors.Retryable(nil)
	}
	return nil
}

// pause is how long Discord wants us to wait: Retry-After, else the body's or the bucket's fractional seconds.
func pause(header http.Header, told float64, retryAfter time.Duration) time.Duration {
	if after := seconds(strconv.FormatFloat(told, 'f', -1, 64)); after > retryAfter {
		return after // Retry-After is the same in whole seconds
	}
	if retryAfter > 0 {
		return retryAfter
	}
	if after := seconds(header.Get("Retry-After")); after > 0 {
		return after
	}
	return seconds(header.Get("X-RateLimit-Reset-After"))
}

// seconds reads a number of seconds, with a fraction, up to httpcall.MaxRetryAfter; 0 for what is none.
func seconds(text string) time.Duration {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n > 0) {
		return 0
	}
	return time.Duration(min(n, httpcall.MaxRetryAfter.Seconds()) * float64(time.Second))
}

// words returns Discord's message with what is wrong with which part of a form.
func (p problem) words() string {
	return strings.Join(append([]string{p.Message}, details(p.Errors, "", 0)...), "; ")
}

// details walks the tree of a form's errors, of which the leaves are lists under "_errors".
func details(tree map[string]json.RawMessage, path string, depth int) []string {
	var found []string
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		if depth >= maxDepth || len(found) >= maxDetails {
			break
		}
		if key == "_errors" {
			var leaves []problemLeaf
			_ = json.Unmarshal(tree[key], &leaves) // what cannot be read tells nothing
			for _, leaf := range leaves {
				found = append(found, strings.TrimPrefix(path, ".")+": "+leaf.Message)
			}
			continue
		}
		var below map[string]json.RawMessage
		_ = json.Unmarshal(tree[key], &below) // as above
		found = append(found, details(below, path+"."+key, depth+1)...)
	}
	return found[:min(len(found), maxDetails)]
}

type problemLeaf struct {
	Message string `json:"message"`
}

// clean makes words fit to be shown: on one line, not long, and without the credentials.
func (c *conn) clean(words string) string {
	secrets := []string{c.bot}
	if c.webhook != nil {
		secrets = append(secrets, c.webhook.token)
	}
	return connectors.Clean(words, secrets...)
}
