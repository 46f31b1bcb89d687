package post

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/richtext"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// limitsFor is how long a network's own answer about a channel's limits is believed.
	limitsFor = time.Hour
	// limitsTimeout bounds asking for them. Without an answer the kind's usual limits hold.
	limitsTimeout = 5 * time.Second
	// maxComment is the longest first comment, in code points: Instagram's, the shortest of the networks that have one.
	maxComment = 2200
)

// rendered is a post as one channel takes it.
type rendered struct {
	title   string
	text    string // the whole text
	parts   []string
	html    string // the whole text, where the network takes Markdown and its connector may choose
	comment string
}

// render turns what a user wrote into what a network takes, and lists everything that is wrong with it, fields as in Content.
func render(c Content, name string, info *connectors.PostInfo, limits connectors.PostLimits, files []File) (rendered, []problem.Field, []Warning) {
	r, wrong, warnings := renderTitle(c, name, info, limits)
	document := richtext.Parse(c.Body)
	text := renderText(document, info.Text)
	if strings.TrimSpace(text) == "" && (len(files) == 0 || info.TextRequired) && r.title == "" {
		wrong = append(wrong, invalid("body", name+" takes no post without text: the body is empty, or nothing of it is left without its HTML."))
	}
	r.text, r.parts = text, []string{text}
	if most := limits.TextLength; most > 0 {
		parts, err := fit(text, limits, c.Overflow, info.Split)
		switch {
		case err != nil:
			wrong = append(wrong, invalid("body", name+": "+err.Error()+"."))
		case len(parts) > 1 || parts[0] != strings.TrimSpace(text):
			warnings = append(warnings, Warning{
				Code: "text_" + c.Overflow, Message: fmt.Sprintf("The text is longer than the %d characters that %s takes, so it becomes %s.", most, name, outcomeOf(c.Overflow, len(parts))),
			})
		}
		r.parts = parts
	}
	if info.Text == connectors.PostMarkdown && len(r.parts) == 1 && strings.TrimSpace(r.parts[0]) == strings.TrimSpace(text) {
		r.html = richtext.HTML(document)
	}
	r.comment = strings.TrimSpace(c.FirstComment)
	if r.comment != "" && !info.FirstComment {
		warnings = append(warnings, Warning{Code: "comment_left_out", Message: name + " takes no first comment, so it is left out there."})
		r.comment = ""
	}
	if utf8.RuneCountInString(r.comment) > maxComment {
		wrong = append(wrong, invalid("firstComment", fmt.Sprintf("A first comment has at most %d characters.", maxComment)))
	}
	return r, append(wrong, checkFiles(name, limits, files)...), warnings
}

// renderTitle renders the title, where the network has one.
func renderTitle(c Content, name string, info *connectors.PostInfo, limits connectors.PostLimits) (r rendered, wrong []problem.Field, warnings []Warning) {
	if !info.Title {
		if strings.TrimSpace(c.Title) != "" {
			warnings = append(warnings, Warning{Code: "title_left_out", Message: name + " has no titles, so the title is left out there."})
		}
		return r, nil, warnings
	}
	r.title = richtext.StripTitle(c.Title)
	if length := utf8.RuneCountInString(r.title); limits.TitleLength > 0 && length > limits.TitleLength {
		wrong = append(wrong, invalid("title", fmt.Sprintf("%s takes a title of at most %d characters; this one has %d.", name, limits.TitleLength, length)))
	}
	return r, wrong, nil
}

func outcomeOf(overflow string, parts int) string {
	if overflow == OverflowSplit {
		return fmt.Sprintf("%d posts", parts)
	}
	return "shorter"
}

func renderText(document richtext.Document, form string) string {
	switch form {
	case connectors.PostMarkdown:
		return richtext.Markdown(document)
	case connectors.PostHTML:
		return richtext.HTML(document)
	}
	return richtext.Plain(document, richtext.PlainOptions{})
}

// fit brings a text to a network's length in the way that the user chose.
func fit(text string, limits connectors.PostLimits, overflow string, canSplit bool) ([]string, error) {
	mode := richtext.Mode(overflow)
	if mode == richtext.ModeSplit && !canSplit {
		mode = richtext.ModeError
	}
	parts, err := richtext.Fit(text, counterOf(limits), limits.TextLength, mode)
	if err == nil && len(parts) == 0 {
		parts = []string{""} // media alone
	}
	return parts, err
}

func counterOf(limits connectors.PostLimits) richtext.Counter {
	switch limits.Counter {
	case connectors.CountUTF16:
		return richtext.UTF16()
	case connectors.CountGraphemes:
		return richtext.Graphemes()
	case connectors.CountX:
		return richtext.X()
	case connectors.CountMastodon:
		return richtext.Mastodon(limits.URLLength)
	}
	return richtext.Runes()
}

// checkFiles checks a post's files against a network's limits, before any call.
func checkFiles(name string, limits connectors.PostLimits, files []File) []problem.Field {
	var wrong []problem.Field
	images, videos := 0, 0
	for i, f := range files {
		if f.Kind == "video" {
			videos++
		} else {
			images++
		}
		wrong = append(wrong, checkFile(name, fmt.Sprintf("media[%d]", i), limits, f)...)
	}
	switch {
	case len(files) == 0 && limits.MediaRequired:
		wrong = append(wrong, rejected("media", name+" takes no post without a picture or a film."))
	case images > limits.Images:
		wrong = append(wrong, rejected("media", fmt.Sprintf("%s takes at most %d picture(s) in one post; this one has %d.", name, limits.Images, images)))
	case videos > limits.Videos:
		wrong = append(wrong, rejected("media", fmt.Sprintf("%s takes at most %d film(s) in one post; this one has %d.", name, limits.Videos, videos)))
	case images > 0 && videos > 0 && !limits.Mixed:
		wrong = append(wrong, rejected("media", name+" takes pictures or a film in one post, not both."))
	}
	return wrong
}

func rejected(field, sentence string) problem.Field {
	return problem.Field{Field: field, Code: connectors.CodeMediaRejected, Message: sentence}
}

func checkFile(name, field string, limits connectors.PostLimits, f File) []problem.Field {
	var wrong []problem.Field
	most, types := limits.ImageBytes, limits.ImageTypes
	switch {
	case f.Kind == "video":
		most, types = limits.VideoBytes, limits.VideoTypes
	case f.Kind == "gif" && limits.GIFBytes > 0:
		most = limits.GIFBytes
	}
	if most > 0 && f.Size > most {
		wrong = append(wrong, rejected(field, fmt.Sprintf("%s takes such a file of at most %d bytes; this one has %d.", name, most, f.Size)))
	}
	if len(types) > 0 && !slices.Contains(types, f.ContentType) {
		wrong = append(wrong, rejected(field, fmt.Sprintf("%s does not take files of the type %s. It takes: %s.", name, f.ContentType, strings.Join(types, ", "))))
	}
	if limits.AltLength > 0 && utf8.RuneCountInString(f.Alt) > limits.AltLength {
		wrong = append(wrong, rejected(field+".alt", fmt.Sprintf("%s takes a description of at most %d characters.", name, limits.AltLength)))
	}
	return wrong
}

// limitsCache keeps what networks told about single channels.
type limitsCache struct {
	mu        sync.Mutex
	byChannel map[string]knownLimits
}

type knownLimits struct {
	limits  connectors.PostLimits
	version int64 // of the channel
	until   time.Time
}

// limitsOf returns a channel's limits: its network's own answer where it gives one, else those of its kind.
func (s *Service) limitsOf(ctx context.Context, channel *store.Channel, info connectors.Info, conn connectors.Conn) connectors.PostLimits {
	limiter, ok := conn.(connectors.PostLimiter)
	if !ok {
		return info.Post.Limits
	}
	s.limits.mu.Lock()
	known, ok := s.limits.byChannel[channel.ID]
	s.limits.mu.Unlock()
	now := s.Now()
	if ok && known.version == channel.Version && now.Before(known.until) {
		return known.limits
	}
	ctx, cancel := context.WithTimeout(ctx, limitsTimeout)
	defer cancel()
	told, err := limiter.PostLimits(ctx)
	if err != nil {
		return info.Post.Limits
	}
	limits := merge(info.Post.Limits, told)
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	s.limits.byChannel[channel.ID] = knownLimits{limits, channel.Version, now.Add(limitsFor)}
	return limits
}

// merge puts what a network told over the limits of its kind.
func merge(kind, told connectors.PostLimits) connectors.PostLimits {
	for _, field := range []struct{ to, from *int }{
		{&kind.TextLength, &told.TextLength},
		{&kind.TitleLength, &told.TitleLength},
		{&kind.URLLength, &told.URLLength},
		{&kind.AltLength, &told.AltLength},
		{&kind.Images, &told.Images},
		{&kind.Videos, &told.Videos},
	} {
		if *field.from > 0 {
			*field.to = *field.from
		}
	}
	for _, field := range []struct{ to, from *int64 }{
		{&kind.ImageBytes, &told.ImageBytes}, {&kind.VideoBytes, &told.VideoBytes}, {&kind.GIFBytes, &told.GIFBytes},
	} {
		if *field.from > 0 {
			*field.to = *field.from
		}
	}
	if len(told.ImageTypes) > 0 {
		kind.ImageTypes = told.ImageTypes
	}
	if len(told.VideoTypes) > 0 {
		kind.VideoTypes = told.VideoTypes
	}
	return kind
}

// prepare reads and renders all that publishing a target needs. The job is never nil; after an error it holds what there is.
func (s *Service) prepare(ctx context.Context, t *store.Target) (*job, error) {
	j := &job{target: t, done: Parts(t)}
	var err error
	if j.post, err = s.Store.Post(ctx, t.AccountID, t.PostID); err != nil {
		return j, fmt.Errorf("read post: %w", err)
	}
	channel, err := s.Store.Channel(ctx, t.AccountID, t.ChannelID)
	if errors.Is(err, store.ErrNotFound) {
		return j, connectors.Rejected("channel_deleted", "The channel was deleted before the post was published.", "")
	}
	if err != nil {
		return j, fmt.Errorf("read channel: %w", err)
	}
	j.channel = channel
	j.info, _ = s.Channels.Info(channel.Connector)
	if channel.Status == store.ChannelDisabled {
		return j, connectors.Rejected("channel_disabled", "The channel was switched off before the post was published.", "")
	}
	conn, err := s.open(ctx, channel)
	if err != nil {
		return j, err
	}
	publisher, ok := conn.(connectors.Publisher)
	if !ok || j.info.Post == nil {
		return j, connectors.Unsupported("it publishes no posts")
	}
	j.conn = publisher
	override := OverrideOf(t)
	j.files, j.options = Files(j.post), override.Options
	content := contentFor(Content{Title: j.post.Title, Body: j.post.Body, FirstComment: j.post.FirstComment, Overflow: j.post.Overflow}, override)
	r, wrong, _ := render(content, j.info.Name, j.info.Post, s.limitsOf(ctx, channel, j.info, conn), j.files)
	if len(wrong) > 0 {
		return j, connectors.Rejected(wrong[0].Code, wrong[0].Message, wrong[0].Field)
	}
	j.title, j.parts, j.html, j.comment = r.title, r.parts, r.html, r.comment
	if len(j.done) > len(j.parts) {
		j.done = j.done[:len(j.parts)]
	}
	return j, nil
}

// open opens a channel. A connector that panics opens nothing.
func (s *Service) open(ctx context.Context, channel *store.Channel) (conn connectors.Conn, err error) {
	defer func() {
		if p := recover(); p != nil {
			conn, err = nil, fmt.Errorf("open channel: the connector panicked: %v", p)
		}
	}()
	return s.Channels.Open(ctx, channel)
}
