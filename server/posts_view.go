package server

import (
	"github.com/switchhook/switchhook/internal/post"
	"github.com/switchhook/switchhook/internal/store"
)

// postView is a post as answers show it.
type postView struct {
	postOutcome
	Title        string     `json:"title"`
	Body         string     `json:"body"`
	FirstComment string     `json:"firstComment"`
	Overflow     string     `json:"overflow"`
	Media        []fileView `json:"media"`
	QueueID      *string    `json:"queueId"`
	Origin       string     `json:"origin"`
	CreatedAt    timestamp  `json:"createdAt"`
	UpdatedAt    timestamp  `json:"updatedAt"`
}

// postOutcome is what becomes of a post: all that an incoming webhook answers.
type postOutcome struct {
	ID        string         `json:"id"`
	Status    string         `json:"status"`
	PublishAt timestamp      `json:"publishAt"`
	SlotAt    timestamp      `json:"slotAt"`
	Targets   []targetView   `json:"targets"`
	Warnings  []post.Warning `json:"warnings"` // of this request only
}

// targetView is what becomes of a post on one channel.
type targetView struct {
	ChannelID      string         `json:"channelId"`
	Platform       string         `json:"platform"`  // empty once the channel is deleted
	Connector      string         `json:"connector"` // likewise
	Status         string         `json:"status"`
	URL            *string        `json:"url"`
	PlatformPostID *string        `json:"platformPostId"`
	Error          *targetError   `json:"error"`
	Warnings       []string       `json:"warnings"` // what the network left out or changed
	Parts          []post.Part    `json:"parts"`    // of a text that goes out in several posts, those that are out
	Override       *post.Override `json:"override"`
	DueAt          timestamp      `json:"dueAt"` // while it waits: when it is tried next
	PublishedAt    timestamp      `json:"publishedAt"`
}

// targetError is why a post is not, or perhaps not, on a channel.
type targetError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// fileView is a file of a post.
type fileView struct {
	ID          string `json:"id"`
	URL         string `json:"url"`
	Kind        string `json:"kind"`
	ContentType string `json:"contentType"`
	FileName    string `json:"fileName"`
	Size        int64  `json:"size"`
	Alt         string `json:"alt"`
}

// network names the network of a channel.
type network struct{ platform, connector string }

// platforms finds the networks of posts' channels, by the channels' ids. A channel that is deleted has none.
func (s *Server) platforms(r *request, posts ...*post.Post) (map[string]network, error) {
	var ids []string
	for _, p := range posts {
		for _, t := range p.Targets {
			ids = append(ids, t.ChannelID)
		}
	}
	channels, err := s.Store.ChannelsByIDAny(r.ctx, ids)
	if err != nil {
		return nil, err
	}
	networks := map[string]network{}
	for channelID, c := range channels {
		if c.AccountID == r.account() {
			info, _ := s.Channels.Info(c.Connector)
			networks[channelID] = network{info.Platform, c.Connector}
		}
	}
	return networks, nil
}

func showPost(p *post.Post, networks map[string]network) postView {
	view := postView{
		postOutcome: showOutcome(p, networks),
		Title:       p.Title, Body: p.Body, FirstComment: p.FirstComment, Overflow: p.Overflow, Media: []fileView{}, QueueID: orNull(p.QueueID),
		Origin: p.Origin, CreatedAt: timestamp(p.CreatedAt), UpdatedAt: timestamp(p.UpdatedAt),
	}
	if view.Overflow == "" {
		view.Overflow = post.OverflowError
	}
	for _, f := range post.Files(p.Post) {
		view.Media = append(view.Media, fileView(f))
	}
	return view
}

func showOutcome(p *post.Post, networks map[string]network) postOutcome {
	view := postOutcome{
		ID: p.ID, Status: string(p.Status), PublishAt: timestamp(p.PublishAt), SlotAt: timestamp(p.SlotAt),
		Targets: []targetView{}, Warnings: p.Warnings,
	}
	if view.Warnings == nil {
		view.Warnings = []post.Warning{}
	}
	for _, t := range p.Targets {
		view.Targets = append(view.Targets, showTarget(t, networks[t.ChannelID]))
	}
	return view
}

func showTarget(t *store.Target, of network) targetView {
	view := targetView{
		ChannelID: t.ChannelID, Platform: of.platform, Connector: of.connector, Status: string(t.Status), URL: orNull(t.URL), PlatformPostID: orNull(t.ProviderID),
		Warnings: post.Warnings(t), PublishedAt: timestamp(t.PublishedAt), Parts: []post.Part{},
	}
	if t.ErrorCode != "" {
		view.Error = &targetError{t.ErrorCode, t.ErrorMessage}
	}
	if view.Warnings == nil {
		view.Warnings = []string{}
	}
	if parts := post.Parts(t); len(parts) > 1 || (len(parts) == 1 && t.Status != store.PostPublished) {
		view.Parts = parts
	}
	if t.Override != "" {
		override := post.OverrideOf(t)
		view.Override = &override
	}
	if t.Status == store.PostQueued || t.Status == store.PostScheduled {
		view.DueAt = timestamp(t.DueAt)
	}
	return view
}

// orNull shows an empty text as null.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
