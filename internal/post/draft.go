package post

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/switchhook/switchhook/internal/store"
)

// What becomes of a text that is longer than a network takes.
const (
	OverflowError    = "error"    // the post is refused
	OverflowTruncate = "truncate" // it is cut at a word, with "…"
	OverflowSplit    = "split"    // it becomes several posts that answer each other, where the network can
)

// Draft is a post to make or to change.
type Draft struct {
	ID        string // "post_…", new
	AccountID string
	Content
	ChannelIDs []string // where it goes; or
	QueueID    string   // the queue whose channels it goes to, in its turn
	PublishAt  time.Time
	Hold       bool                // a draft: kept, and not published
	Overrides  map[string]Override // by channel id
	Media      []File
	Origin     string // "api", or an incoming webhook's id
}

// Content is what a post says.
type Content struct {
	Title        string // HTML or text
	Body         string // HTML or text
	FirstComment string // text
	Overflow     string // one of the Overflow constants; empty: OverflowError
}

// Override is what a post says differently on one channel. Fields that are nil are as in the post.
type Override struct {
	Title        *string           `json:"title,omitempty"`
	Body         *string           `json:"body,omitempty"`
	FirstComment *string           `json:"firstComment,omitempty"`
	Overflow     *string           `json:"overflow,omitempty"`
	Options      map[string]string `json:"options,omitempty"` // by connectors.PostInfo.Options
}

// File is a file of a post, stored here already.
type File struct {
	ID          string `json:"id"`
	URL         string `json:"url"`  // its public address
	Kind        string `json:"kind"` // "image", "gif" or "video"
	ContentType string `json:"contentType"`
	FileName    string `json:"fileName"`
	Size        int64  `json:"size"` // bytes
	Alt         string `json:"alt,omitempty"`
}

// Part is one post of a text that went out in several.
type Part struct {
	ProviderID string `json:"providerId"`
	URL        string `json:"url"`
}

// Warning is something that a user should know and that does not keep the post from being published.
type Warning struct {
	ChannelID string `json:"channelId,omitempty"`
	Code      string `json:"code"`
	Message   string `json:"message"`
}

// FileKind sorts a file by its content type: "image", "gif" or "video", and empty for what no network shows in a post.
func FileKind(contentType string) string {
	switch {
	case contentType == "image/gif":
		return "gif"
	case strings.HasPrefix(contentType, "image/"):
		return "image"
	case strings.HasPrefix(contentType, "video/"):
		return "video"
	}
	return ""
}

// Files reads the files of a stored post.
func Files(p *store.Post) []File { return read[[]File](p.Media) }

// Parts reads what is out already of a stored target.
func Parts(t *store.Target) []Part { return read[[]Part](t.Parts) }

// Warnings reads what the network left out or changed of a stored target.
func Warnings(t *store.Target) []string { return read[[]string](t.Warnings) }

// OverrideOf reads what a stored target says differently.
func OverrideOf(t *store.Target) Override { return read[Override](t.Override) }

// contentFor is what a post says on one channel.
func contentFor(c Content, o Override) Content {
	for _, field := range []struct {
		to   *string
		from *string
	}{{&c.Title, o.Title}, {&c.Body, o.Body}, {&c.FirstComment, o.FirstComment}, {&c.Overflow, o.Overflow}} {
		if field.from != nil {
			*field.to = *field.from
		}
	}
	if c.Overflow == "" {
		c.Overflow = OverflowError
	}
	return c
}

// read decodes what write encoded.
func read[T any](text string) T {
	var value T
	if text != "" {
		_ = json.Unmarshal([]byte(text), &value) // written by write
	}
	return value
}

// write encodes a value for the database; the zero value of a list or map is empty.
func write(value any) string {
	raw, err := json.Marshal(value)
	if err != nil || string(raw) == "null" || string(raw) == "{}" || string(raw) == "[]" {
		return "" // texts, numbers and lists of them always encode
	}
	return string(raw)
}
