package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/switchhook/switchhook/internal/media"
	"github.com/switchhook/switchhook/internal/post"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// fetchesAtOnce is how many files of one request are fetched at a time.
	fetchesAtOnce = 4
	// discardTimeout bounds the deletion of what a refused request has brought.
	discardTimeout = 20 * time.Second
)

// storeFile takes a file of a form as it arrives. What is wrong with it is said of the field.
func (s *Server) storeFile(r *request, fields formFields, field, name string, body io.Reader) (post.File, error) {
	m, address, err := s.Media.Store(r.ctx, media.Upload{AccountID: r.account(), Any: fields.anyFile, FileName: name, Reader: body, MaxBytes: s.MaxUpload})
	if err != nil {
		return post.File{}, ofField(err, field)
	}
	return fileOf(m, address), nil
}

// fileOf is a stored file as posts keep it.
func fileOf(m *store.Media, address string) post.File {
	return post.File{
		ID: m.ID, URL: address, Kind: post.FileKind(m.ContentType), ContentType: m.ContentType, FileName: m.FileName, Size: m.Size,
	}
}

// ofField says of a field what is wrong with the file in it.
func ofField(err error, field string) error {
	var p *problem.Error
	if !errors.As(err, &p) {
		return err
	}
	told := *p
	told.Field = field
	if len(p.Fields) > 0 {
		told.Fields = []problem.Field{{Field: field, Code: p.Fields[0].Code, Message: p.Fields[0].Message}}
	}
	return &told
}

// attach gives files to a post or message that is about to be stored, so that they are kept as long as it waits. Files of one that is never stored
// are deleted as old ones are.
func (s *Server) attach(r *request, ownerID string, files []post.File) error {
	ids := make([]string, len(files))
	for i, f := range files {
		ids[i] = f.ID
	}
	err := s.Store.AttachMedia(r.ctx, r.account(), ids, ownerID)
	if errors.Is(err, store.ErrNotFound) {
		return problem.InvalidOne("media", "A file is not here any more. Send it again.")
	}
	return err
}

// postFiles fetches the files that a post names by their addresses, and finds those that it has already. All that is wrong is reported at once;
// then nothing stays.
func (s *Server) postFiles(r *request, given []postMedia, present []post.File) ([]post.File, error) {
	if len(given) > maxFiles {
		return nil, problem.InvalidOne("media", fmt.Sprintf("A post has at most %d files.", maxFiles))
	}
	files, failures := make([]post.File, len(given)), make([]error, len(given))
	turns := make(chan struct{}, fetchesAtOnce)
	var wait sync.WaitGroup
	for i, g := range given {
		turns <- struct{}{}
		wait.Go(func() {
			defer func() { <-turns }()
			files[i], failures[i] = s.postFile(r, fmt.Sprintf("media[%d]", i), g, present)
			files[i].Alt = g.Alt
		})
	}
	wait.Wait()
	if err := together(failures); err != nil {
		s.discardNew(r, files, present)
		return nil, err
	}
	return files, nil
}

func (s *Server) postFile(r *request, field string, g postMedia, present []post.File) (post.File, error) {
	switch {
	case g.ID != "" && g.URL != "", g.ID == "" && g.URL == "":
		return post.File{}, problem.InvalidOne(field, field+" must have a url to fetch the file from, or the id of a file that the post has already.")
	case g.URL != "":
		m, address, err := s.Media.Fetch(r.ctx, r.account(), g.URL)
		if err != nil {
			return post.File{}, ofField(err, field+".url")
		}
		return fileOf(m, address), nil
	}
	for _, f := range present {
		if f.ID == g.ID {
			return f, nil
		}
	}
	return post.File{}, problem.InvalidOne(field+".id", fmt.Sprintf("The post has no file %q. Give the url of a new one.", g.ID))
}

// together joins what is wrong with several files. A failure of the server, or of a host, stands for all.
func together(failures []error) error {
	var wrong []problem.Field
	for _, err := range failures {
		var p *problem.Error
		switch {
		case err == nil:
		case errors.As(err, &p) && len(p.Fields) > 0:
			wrong = append(wrong, p.Fields...)
		default:
			return err
		}
	}
	return problem.Invalid(wrong...)
}

// discardNew deletes files that a post did not have before.
func (s *Server) discardNew(r *request, files, present []post.File) {
	var fresh []post.File
	for _, f := range files {
		if f.ID != "" && !hasFile(present, f.ID) {
			fresh = append(fresh, f)
		}
	}
	s.discard(r, fresh)
}

// discard deletes files that nothing needs. What cannot be deleted now is deleted by the purge.
func (s *Server) discard(r *request, files []post.File) {
	if len(files) == 0 {
		return
	}
	ids := make([]string, len(files))
	for i, f := range files {
		ids[i] = f.ID
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), discardTimeout)
	defer cancel()
	if err := s.Media.Discard(ctx, r.account(), ids); err != nil {
		s.Logger.WarnContext(ctx, "media.discard_failed", "request_id", r.id, "account_id", r.account(), "error", err)
	}
}
