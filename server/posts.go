package server

import (
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/post"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// postBody is what a client may say of a post. What is nil stays as it is, or has its default.
type postBody struct {
	Title        *string                   `json:"title"`
	Body         *string                   `json:"body"`
	ChannelIDs   *[]string                 `json:"channelIds"`
	QueueID      *string                   `json:"queueId"`
	PublishAt    *time.Time                `json:"publishAt"`
	Media        *[]postMedia              `json:"media"`
	Overrides    *map[string]post.Override `json:"overrides"`
	FirstComment *string                   `json:"firstComment"`
	Overflow     *string                   `json:"overflow"`
	Draft        *bool                     `json:"draft"`
	SlotAt       *time.Time                `json:"slotAt"` // in a change, alone
}

// postMedia is a file of a post: one to fetch, or one that the post has already.
type postMedia struct {
	ID  string `json:"id"`
	URL string `json:"url"`
	Alt string `json:"alt"`
}

// apply puts what was given into a draft. Channels take the place of a queue and the reverse, unless both are given, which is refused later.
func (b postBody) apply(d *post.Draft) {
	for _, field := range []struct{ to, from *string }{
		{&d.Title, b.Title}, {&d.Body, b.Body}, {&d.FirstComment, b.FirstComment}, {&d.Overflow, b.Overflow},
	} {
		if field.from != nil {
			*field.to = *field.from
		}
	}
	if b.ChannelIDs != nil {
		d.ChannelIDs, d.QueueID = *b.ChannelIDs, ""
	}
	if b.QueueID != nil {
		d.QueueID = *b.QueueID
		if d.QueueID != "" {
			d.PublishAt = time.Time{}
		}
		if b.ChannelIDs == nil && d.QueueID != "" {
			d.ChannelIDs = nil
		}
	}
	if b.PublishAt != nil {
		d.PublishAt = *b.PublishAt
	}
	if b.Draft != nil {
		d.Hold = *b.Draft
	}
	if b.Overrides != nil {
		d.Overrides = *b.Overrides
	} else if b.ChannelIDs != nil {
		for channelID := range d.Overrides {
			if !slices.Contains(d.ChannelIDs, channelID) {
				delete(d.Overrides, channelID)
			}
		}
	}
}

func (s *Server) listPosts(r *request) (answer, error) {
	page, err := r.searchPage("post")
	if err != nil {
		return answer{}, err
	}
	var statuses []string
	for _, status := range []store.PostStatus{
		store.PostDraft, store.PostQueued, store.PostScheduled, store.PostPublishing, store.PostPublished, store.PostFailed,
		store.PostUnconfirmed, store.PostCancelled, store.PostPartial,
	} {
		statuses = append(statuses, string(status))
	}
	status, err := r.oneOf("status", statuses...)
	if err != nil {
		return answer{}, err
	}
	filter := store.PostFilter{Status: store.PostStatus(status), QueueID: r.Query("queueId"), ChannelID: r.Query("channelId"), Origin: r.Query("origin")}
	if filter.From, filter.To, err = r.during("from", "to"); err != nil {
		return answer{}, err
	}
	posts, err := s.Posts.List(r.ctx, r.account(), filter, page)
	if err != nil {
		return answer{}, err
	}
	platforms, err := s.platforms(r, posts...)
	if err != nil {
		return answer{}, err
	}
	return listOf(posts, page, func(p *post.Post) postView { return showPost(p, platforms) }, func(p *post.Post) string { return p.ID })
}

func (s *Server) createPost(r *request) (answer, error) {
	if r.uploads() {
		return s.createPostOfForm(r)
	}
	var body postBody
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	if body.SlotAt != nil {
		return answer{}, noSlot()
	}
	return s.makePost(r, body, nil)
}

// createPostOfForm makes a post of a form: the field payload is what a request without files has as its body, each media_file is a file, and
// the field alt describes them in their order.
func (s *Server) createPostOfForm(r *request) (answer, error) {
	f, err := s.readForm(r, formFields{payload: "payload", alt: "alt", of: "post"})
	if err != nil {
		return answer{}, err
	}
	return s.onceOfForm(r, f, func(r *request) (answer, error) {
		var body postBody
		if err := decodeObject(f.payload, &body); err != nil {
			return answer{}, err
		}
		if body.SlotAt != nil {
			return answer{}, noSlot()
		}
		return s.makePost(r, body, f.files)
	})
}

// makePost makes a post of a body and of files that came with it.
func (s *Server) makePost(r *request, body postBody, files []post.File) (answer, error) {
	d := post.Draft{ID: r.newID("post", s.Accounts.IDs()), AccountID: r.account(), Origin: "api"}
	body.apply(&d)
	d.Media = files
	if body.Media != nil {
		fetched, err := s.postFiles(r, *body.Media, nil)
		if err != nil {
			return answer{}, err // of a form, the files go with it
		}
		d.Media = append(d.Media, fetched...)
	}
	p, err := s.create(r, d)
	if err != nil {
		return answer{}, err
	}
	return s.postAnswer(r, fiber.StatusAccepted, p)
}

// create makes a post of a draft whose files are stored. Where it is refused, or was made before, they are deleted.
func (s *Server) create(r *request, d post.Draft) (*post.Post, error) {
	err := s.attach(r, d.ID, d.Media)
	var p *post.Post
	if err == nil {
		p, err = s.Posts.Create(r.ctx, d)
	}
	if err != nil {
		s.discard(r, d.Media)
		return nil, err
	}
	s.discardNew(r, d.Media, post.Files(p.Post))
	return p, nil
}

func hasFile(files []post.File, fileID string) bool {
	return slices.ContainsFunc(files, func(f post.File) bool { return f.ID == fileID })
}

func (s *Server) getPost(r *request) (answer, error) {
	p, err := s.Posts.Get(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, err
	}
	return s.postAnswer(r, fiber.StatusOK, p)
}

// changePost changes what a body names of a post that nobody has begun to publish.
func (s *Server) changePost(r *request) (answer, error) {
	before, err := s.Posts.Get(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, err
	}
	var body postBody
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	if body.SlotAt != nil {
		return s.movePost(r, before, body)
	}
	d := draftOf(before)
	body.apply(&d)
	old := d.Media
	if body.Media != nil {
		if d.Media, err = s.postFiles(r, *body.Media, old); err != nil {
			return answer{}, err
		}
	}
	var p *post.Post
	if err = s.attach(r, d.ID, d.Media); err == nil {
		p, err = s.Posts.Update(r.ctx, d)
	}
	if err != nil {
		s.discardNew(r, d.Media, old)
		return answer{}, err
	}
	s.discardNew(r, old, d.Media)
	return s.postAnswer(r, fiber.StatusOK, p)
}

func noSlot() error {
	return problem.InvalidOne("slotAt", "A new post gets the next free slot of its queue by itself. Give slotAt in a change, to move it.")
}

// movePost gives a post that waits in a queue another slot.
func (s *Server) movePost(r *request, before *post.Post, body postBody) (answer, error) {
	alone := body
	alone.SlotAt = nil
	if alone != (postBody{}) {
		return answer{}, problem.InvalidOne("slotAt", "Give slotAt alone: it moves the post and changes nothing else.")
	}
	if before.QueueID == "" {
		return answer{}, problem.InvalidOne("slotAt", "The post is in no queue. Change its publishAt.")
	}
	if err := s.Queues.Move(r.ctx, r.account(), before.QueueID, before.ID, *body.SlotAt); err != nil {
		return answer{}, err
	}
	return s.getPost(r)
}

// draftOf is a post as the draft that would make it.
func draftOf(p *post.Post) post.Draft {
	d := post.Draft{
		ID: p.ID, AccountID: p.AccountID, QueueID: p.QueueID, PublishAt: p.PublishAt, Hold: p.Status == store.PostDraft, Media: post.Files(p.Post),
		Origin: p.Origin, Overrides: map[string]post.Override{},
		Content: post.Content{Title: p.Title, Body: p.Body, FirstComment: p.FirstComment, Overflow: p.Overflow},
	}
	for _, t := range p.Targets {
		if p.QueueID == "" {
			d.ChannelIDs = append(d.ChannelIDs, t.ChannelID)
		}
		if t.Override != "" {
			d.Overrides[t.ChannelID] = post.OverrideOf(t)
		}
	}
	return d
}

// cancelPost ends a post before its publishing begins. It stays to be seen.
func (s *Server) cancelPost(r *request) (answer, error) {
	p, err := s.Posts.Cancel(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, err
	}
	return s.postAnswer(r, fiber.StatusOK, p)
}

func (s *Server) retryPost(r *request) (answer, error) {
	var body struct {
		Unconfirmed bool `json:"unconfirmed"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	p, err := s.Posts.Retry(r.ctx, r.account(), r.Params("id"), body.Unconfirmed)
	if err != nil {
		return answer{}, err
	}
	return s.postAnswer(r, fiber.StatusAccepted, p)
}

func (s *Server) postAnswer(r *request, status int, p *post.Post) (answer, error) {
	platforms, err := s.platforms(r, p)
	if err != nil {
		return answer{}, problem.Internal(err)
	}
	return answer{status: status, body: showPost(p, platforms)}, nil
}
