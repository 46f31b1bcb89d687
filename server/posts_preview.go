package server

import (
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/post"
	"github.com/switchhook/switchhook/internal/problem"
)

// previewBody is a post that is being written: its files are described, and need not be here.
type previewBody struct {
	Title        string                   `json:"title"`
	Body         string                   `json:"body"`
	ChannelIDs   []string                 `json:"channelIds"`
	QueueID      string                   `json:"queueId"`
	PublishAt    time.Time                `json:"publishAt"`
	Media        []previewMedia           `json:"media"`
	Overrides    map[string]post.Override `json:"overrides"`
	FirstComment string                   `json:"firstComment"`
	Overflow     string                   `json:"overflow"`
}

type previewMedia struct {
	ContentType string `json:"contentType"`
	Size        int64  `json:"size"`
	Alt         string `json:"alt"`
}

// postPreview is what would become of a post.
type postPreview struct {
	Data   []targetPreview `json:"data"`
	Errors []problem.Field `json:"errors"` // what does not depend on a channel
}

type targetPreview struct {
	ChannelID    string                `json:"channelId"`
	Title        string                `json:"title"`
	Parts        []string              `json:"parts"`
	FirstComment string                `json:"firstComment"`
	Length       int                   `json:"length"`
	Limits       connectors.PostLimits `json:"limits"`
	Errors       []problem.Field       `json:"errors"`
	Warnings     []post.Warning        `json:"warnings"`
}

// previewPost shows what would become of a post, as each of its channels takes it, and stores nothing.
func (s *Server) previewPost(r *request) (answer, error) {
	var body previewBody
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	d := post.Draft{
		AccountID: r.account(), ChannelIDs: body.ChannelIDs, QueueID: body.QueueID, PublishAt: body.PublishAt, Overrides: body.Overrides,
		Content: post.Content{Title: body.Title, Body: body.Body, FirstComment: body.FirstComment, Overflow: body.Overflow},
	}
	for _, m := range body.Media {
		d.Media = append(d.Media, post.File{Kind: post.FileKind(m.ContentType), ContentType: m.ContentType, Size: m.Size, Alt: m.Alt})
	}
	p, err := s.Posts.Preview(r.ctx, d)
	if err != nil {
		return answer{}, err
	}
	view := postPreview{Data: []targetPreview{}, Errors: orNone(p.Wrong)}
	for _, t := range p.Targets {
		view.Data = append(view.Data, targetPreview{
			t.ChannelID, t.Title, orNone(t.Parts), t.Comment, t.Length, t.Limits, orNone(t.Wrong), orNone(t.Warnings),
		})
	}
	return ok(view)
}

// orNone shows a list that is nil as an empty one.
func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
