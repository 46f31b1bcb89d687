package server

import (
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/account"
	"github.com/switchhook/switchhook/internal/post"
	"github.com/switchhook/switchhook/internal/problem"
)

// hookBody is a post as the SocialOomph contract writes it.
type hookBody struct {
	Title string `json:"title"`
	Body  string `json:"body"`
}

// authenticateHook finds the incoming webhook of the address. The token in it is the whole credential.
func (s *Server) authenticateHook(r *request) error {
	w, err := s.Incoming.ByToken(r.ctx, r.Params("token"))
	if err != nil {
		return err
	}
	r.incoming = w
	r.principal = account.Principal{AccountID: w.AccountID}
	return nil
}

// hook takes a post for the channels of an incoming webhook, at once, or for the end of its queue.
func (s *Server) hook(r *request) (answer, error) {
	if strings.HasPrefix(s.BaseURL, "https://") && !secure(r) {
		return answer{}, problem.New(problem.HTTPSRequired,
			"Incoming webhooks take https only. Use the address that begins with "+s.BaseURL+". (For the operator: a proxy in front of this server must send X-Forwarded-Proto.)")
	}
	if r.uploads() {
		f, err := s.readForm(r, formFields{payload: "json_payload", of: "post"})
		if err != nil {
			return answer{}, err
		}
		return s.onceOfForm(r, f, func(r *request) (answer, error) {
			var body hookBody
			if err := decodeObject(f.payload, &body); err != nil {
				return answer{}, err
			}
			return s.publishHook(r, body, f.files)
		})
	}
	var body hookBody
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	return s.publishHook(r, body, nil)
}

// secure reports whether a proxy says that a request came over TLS. Anybody is believed: this keeps senders from showing their own token to the
// line by mistake, and who lies about it shows no other.
func secure(r *request) bool {
	first, _, _ := strings.Cut(r.Get(fiber.HeaderXForwardedProto), ",")
	return strings.EqualFold(strings.TrimSpace(first), "https") || r.Context().IsTLS()
}

func (s *Server) publishHook(r *request, body hookBody, files []post.File) (answer, error) {
	w := r.incoming
	p, err := s.create(r, post.Draft{
		ID: r.newID("post", s.Accounts.IDs()), AccountID: w.AccountID, Content: post.Content{Title: body.Title, Body: body.Body},
		ChannelIDs: w.ChannelIDs, QueueID: w.QueueID, Media: files, Origin: w.ID,
	})
	if err != nil {
		return answer{}, forSender(err)
	}
	s.Incoming.Used(r.ctx, w)
	networks, err := s.platforms(r, p)
	if err != nil {
		return answer{}, err
	}
	return answer{status: fiber.StatusAccepted, body: showOutcome(p, networks)}, nil
}

// forSender words an error for somebody who knows the address only, and nothing of the account: fields are those of the body, and where the
// channels or the queue are gone, that is not the address's fault.
func forSender(err error) error {
	var p *problem.Error
	if !errors.As(err, &p) {
		return err
	}
	told := *p
	told.Fields = nil
	gone := p.Code == problem.NotFound || p.Code == problem.Conflict
	for _, field := range p.Fields {
		gone = gone || field.Code == problem.NotFound
		if rest, ok := strings.CutPrefix(field.Field, "targets."); ok {
			_, field.Field, _ = strings.Cut(rest, ".")
		}
		told.Fields = append(told.Fields, field)
	}
	if gone {
		return &problem.Error{
			Code: problem.ChannelNotConnected, Err: err,
			Message: "The channels or the queue that this incoming webhook leads to are not there any more. Its owner must give it others: PATCH /v1/incoming-webhooks/:id.",
		}
	}
	if len(told.Fields) > 0 {
		told.Field = told.Fields[0].Field
	}
	return &told
}
