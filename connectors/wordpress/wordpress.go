// Package wordpress holds what posts of self-hosted WordPress and of WordPress.com have in common: their options, and how text and files
// become the content of a post.
package wordpress

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"net/url"
	"strings"
	"unicode"

	"github.com/switchhook/switchhook/connectors"
)

// The options of a post, in connectors.OutPost.Options. FieldFormat is a channel's setting too, which the option overrides.
const (
	FieldFormat      = "bodyFormat"
	OptionStatus     = "status"
	OptionSlug       = "slug"
	OptionExcerpt    = "excerpt"
	OptionCategories = "categories"
	OptionTags       = "tags"
	OptionFeatured   = "featuredImage"
)

// The values of FieldFormat and OptionStatus.
const (
	FormatMarkdown = "markdown"
	FormatHTML     = "html"

	StatusPublish = "publish"
	StatusDraft   = "draft"
	StatusPending = "pending"
	StatusPrivate = "private"
)

// maxSlug bounds the words of a slug, in bytes as WordPress stores them: it cuts at 200, where our mark must not be lost.
const maxSlug = 150

// FormatField is the setting that says how a channel's posts are written.
func FormatField() connectors.Field {
	return connectors.Field{
		Key: FieldFormat, Label: "Format of the text", Type: connectors.FieldSelect, Options: []string{FormatMarkdown, FormatHTML}, Default: FormatMarkdown,
		Help: "Markdown is for sites that render it, with Jetpack's Markdown block for example. WordPress alone shows its signs as they are: choose html there.",
	}
}

// PostOptions are what a post may say for a WordPress.
func PostOptions() []connectors.Field {
	return []connectors.Field{
		{
			Key: OptionStatus, Label: "Status", Type: connectors.FieldSelect, Options: []string{StatusPublish, StatusDraft, StatusPending, StatusPrivate},
			Help: "What the post becomes: public, a draft, one that waits for an editor's review, or one that only the site's editors see. Without it, it is public.",
		},
		{Key: OptionCategories, Label: "Categories", Type: connectors.FieldText, Help: "Names, separated by commas. Those that are not there are made, where the user may."},
		{Key: OptionTags, Label: "Tags", Type: connectors.FieldText, Help: "Names, separated by commas. Those that are not there are made."},
		{
			Key: OptionSlug, Label: "Slug", Type: connectors.FieldText, Pattern: `[\p{L}\p{N}_-]+`,
			Help: "The post's part of its address: letters, digits and hyphens. Without it, it is made of the title and a mark by which the post is found again.",
		},
		{Key: OptionExcerpt, Label: "Excerpt", Type: connectors.FieldText, Help: "A summary that many themes show in lists."},
		{
			Key: OptionFeatured, Label: "Featured image", Type: connectors.FieldSelect, Options: []string{"yes", "no"},
			Help: "Whether the first picture becomes the post's featured image, which themes show above the text. With no, all pictures stand below the text. Without it: yes.",
		},
		{
			Key: FieldFormat, Label: "Format of the text", Type: connectors.FieldSelect, Options: []string{FormatMarkdown, FormatHTML},
			Help: "Overrides the channel's own setting.",
		},
	}
}

// PostInfo describes what both kinds of WordPress take.
func PostInfo(imageTypes, videoTypes []string) *connectors.PostInfo {
	return &connectors.PostInfo{
		Text: connectors.PostMarkdown, Title: true, Options: PostOptions(),
		// The numbers are ours: a site's own limits are its host's, and show when it refuses a file.
		Limits: connectors.PostLimits{
			Counter: connectors.CountRunes, TextLength: 100_000, Images: 30, Videos: 5, Mixed: true,
			ImageTypes: imageTypes, VideoTypes: videoTypes,
		},
	}
}

// File is a file in a site's media library.
type File struct {
	ID    int64
	URL   string
	Alt   string
	Video bool
}

// Featured returns the first picture and the other files, unless the post's options say that it has no featured image.
func Featured(post connectors.OutPost, files []File) (featured int64, others []File) {
	if post.Options[OptionFeatured] == "no" {
		return 0, files
	}
	for i, file := range files {
		if !file.Video {
			return file.ID, append(append([]File{}, files[:i]...), files[i+1:]...)
		}
	}
	return 0, files
}

// Content returns a post's text in the format that its options or else the channel say, with the files below it. Files are HTML in both formats:
// Markdown may hold HTML, and WordPress without Markdown then shows them too.
func Content(post connectors.OutPost, format string, files []File) (content string, warnings []string) {
	if chosen := post.Options[FieldFormat]; chosen != "" {
		format = chosen
	}
	content = post.Text
	if format == FormatHTML {
		content = post.HTML
		if content == "" && post.Text != "" {
			content = paragraphs(post.Text)
			warnings = []string{"The text had to be made shorter, so it went out as plain paragraphs."}
		}
	}
	var w strings.Builder
	w.WriteString(strings.TrimRight(content, "\n"))
	for _, file := range files {
		if w.Len() > 0 {
			w.WriteString("\n\n")
		}
		w.WriteString(file.html())
	}
	return w.String(), warnings
}

// paragraphs writes a text whose markup was cut somewhere as HTML without markup.
func paragraphs(text string) string {
	return "<p>" + strings.ReplaceAll(html.EscapeString(text), "\n\n", "</p>\n<p>") + "</p>"
}

func (f File) html() string {
	if f.Video {
		return fmt.Sprintf(`<figure class="wp-block-video"><video controls src="%s"></video></figure>`, html.EscapeString(f.URL))
	}
	return fmt.Sprintf(`<figure class="wp-block-image"><img src="%s" alt="%s" class="wp-image-%d"/></figure>`, html.EscapeString(f.URL), html.EscapeString(f.Alt), f.ID)
}

// Status returns the status that a post is to have.
func Status(post connectors.OutPost) string {
	if status := post.Options[OptionStatus]; status != "" {
		return status
	}
	return StatusPublish
}

// Slug returns the slug that a post is to have. Where the user gave none it is made of the title and of a mark that is the same in every try and
// that no other post has, so that marked means: a post with this slug is ours.
func Slug(post connectors.OutPost) (slug string, marked bool) {
	if slug = post.Options[OptionSlug]; slug != "" {
		return slug, false
	}
	return slugWords(post.Title) + Mark(post), true
}

// Mark returns the end of the slugs that Slug makes.
func Mark(post connectors.OutPost) string {
	sum := sha256.Sum256([]byte(post.ID))
	return hex.EncodeToString(sum[:5])
}

// slugWords returns the words of a title with hyphens, the last one included; the post's own letters stay, WordPress encodes them.
func slugWords(title string) string {
	var words strings.Builder
	size, gap := 0, false
	for _, r := range strings.ToLower(title) {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			gap = words.Len() > 0
			continue
		}
		if size += len(url.QueryEscape(string(r))); size > maxSlug {
			break
		}
		if gap {
			words.WriteByte('-')
			size, gap = size+1, false
		}
		words.WriteRune(r)
	}
	if words.Len() == 0 {
		return "post-" // WordPress changes slugs of digits alone
	}
	return words.String() + "-"
}

// Names reads names separated by commas, each once.
func Names(list string) []string {
	var names []string
	seen := map[string]bool{}
	for name := range strings.SplitSeq(list, ",") {
		name = strings.Join(strings.Fields(name), " ")
		if folded := strings.ToLower(name); name != "" && !seen[folded] {
			seen[folded] = true
			names = append(names, name)
		}
	}
	return names
}

// Escape makes plain text fit for fields that WordPress takes as HTML. Quotation marks stay, which WordPress itself makes typographic.
func Escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// Empty tells whether nothing is in a post that WordPress takes.
func Empty(post connectors.OutPost) bool {
	return strings.TrimSpace(post.Title) == "" && strings.TrimSpace(post.Text) == "" && len(post.Media) == 0
}
