package server

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/media"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/post"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/safehttp"
	"github.com/switchhook/switchhook/internal/store"
)

// askTimeout bounds how long the hosts of a message's files are asked what those are.
const askTimeout = 3 * time.Second

// sendForm sends a message of a form: the field payload is what a request without files has as its body, and each media_file is a file. Those of a
// message that is refused are deleted.
func (s *Server) sendForm(r *request) (answer, error) {
	f, err := s.readForm(r, formFields{payload: "payload", of: "message", anyFile: true})
	if err != nil {
		return answer{}, err
	}
	return s.onceOfForm(r, f, func(r *request) (answer, error) {
		var body sendBody
		if err := decodeObject(f.payload, &body); err != nil {
			return answer{}, inPayload(err, "payload")
		}
		return s.send(r, body, f.files)
	})
}

// send sends a message of a body and of files that came with it.
func (s *Server) send(r *request, body sendBody, files []post.File) (answer, error) {
	given, mediaWrong := s.outMedia(body.Media)
	if err := problem.Invalid(append(body.check(len(files)), mediaWrong...)...); err != nil {
		return answer{}, err
	}
	channel, err := s.Store.Channel(r.ctx, r.account(), cmp.Or(body.ChannelID, body.SessionID))
	if err != nil {
		return answer{}, found(err, "channel")
	}
	s.askTypes(r, given)
	out := message.Out{
		ID: r.newID("msg", s.Accounts.IDs()), Channel: channel, To: strings.TrimSpace(body.To), Text: body.Text,
		ReplyTo: body.ReplyTo, Template: body.Template, Location: body.Location.place(), Contact: body.Contact, Reaction: body.Reaction,
	}
	for _, f := range files {
		out.Files = append(out.Files, f.ID)
		out.Media = append(out.Media, connectors.OutMedia{URL: f.URL, ContentType: f.ContentType, FileName: f.FileName, Size: f.Size})
	}
	out.Media = append(out.Media, given...)
	if err := s.attach(r, out.ID, files); err != nil {
		return answer{}, err
	}
	m, err := s.Messages.Send(r.ctx, out)
	if err != nil {
		return answer{}, err
	}
	s.discard(r, spare(files, m))
	return ok(showMessage(m, s.isWhatsApp(channel)))
}

// spare are the files that a message does without: a repeat of its request brought them once more.
func spare(files []post.File, m *store.Message) []post.File {
	kept := message.ReadContent(m.Content).Files
	return slices.DeleteFunc(slices.Clone(files), func(f post.File) bool { return slices.Contains(kept, f.ID) })
}

// outMedia checks the addresses of files to send: networks fetch them, so they must be public. What a file is that the client has not told, its name
// may tell.
func (s *Server) outMedia(given []mediaBody) ([]connectors.OutMedia, []problem.Field) {
	var wrong []problem.Field
	list := make([]connectors.OutMedia, 0, len(given))
	for _, file := range given {
		var failure *safehttp.Error
		address, err := s.HTTP.CheckURL(file.URL)
		if errors.As(err, &failure) {
			wrong = append(wrong, problem.Field{Field: "media.url", Code: problem.InvalidURL, Message: failure.Message})
		}
		list = append(list, connectors.OutMedia{URL: file.URL, ContentType: cmp.Or(file.ContentType, typeByName(file, address)), FileName: file.FileName})
	}
	return list, wrong
}

// askTypes asks the hosts of files what they are, where nobody has told. It takes three seconds at most: somebody waits for the message.
func (s *Server) askTypes(r *request, files []connectors.OutMedia) {
	ctx, cancel := context.WithTimeout(r.ctx, askTimeout)
	defer cancel()
	for i := range files {
		if files[i].ContentType == "" && ctx.Err() == nil {
			files[i].ContentType = s.Media.TypeAt(ctx, files[i].URL)
		}
	}
}

// typeByName is the type that a file's name tells, or the end of its address.
func typeByName(file mediaBody, address *url.URL) string {
	known := media.TypeByName(file.FileName)
	if known == "" && address != nil {
		known = media.TypeByName(address.Path)
	}
	return known
}
