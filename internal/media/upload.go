package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/safehttp"
	"github.com/switchhook/switchhook/internal/store"
)

// field is what problems of a file name as wrong.
const field = "media"

// Upload is a file of a post or a message as it comes.
type Upload struct {
	AccountID string
	Any       bool   // files of all types, as messages have them, and not only pictures and films
	PostID    string // empty: store.AttachMedia gives it to one
	FileName  string // as the user has it; never a path here
	Reader    io.Reader
	MaxBytes  int64 // 0: Options.MaxBytes
}

// Store takes a file and returns its row and its public address, whose token is kept nowhere else. Its bytes decide what it is, and its name only
// where they tell nothing. Problems: InvalidField where it is empty, no picture or film though it must be one, or does not arrive completely; BodyTooLarge; ServiceUnavailable where it cannot be
// stored; a problem that Reader returns. After any of them nothing is left of it. It may block, as long as Reader does.
func (s *Service) Store(ctx context.Context, u Upload) (*store.Media, string, error) {
	most := u.MaxBytes
	if most <= 0 {
		most = s.o.MaxBytes
	}
	f, err := s.spool(u.Reader, most)
	if err != nil {
		return nil, "", uploadProblem(err, most)
	}
	defer f.discard()
	contentType, extensions, err := typed(f, u)
	if err != nil {
		return nil, "", err
	}
	f.contentType = contentType
	m, address := s.row(u.AccountID)
	m.PostID, m.Status, m.Reason, m.ContentType, m.Size = u.PostID, store.MediaFailed, reasonDisk, contentType, f.size
	m.FileName = uploadName(u.FileName, contentType, extensions)
	// The row comes first, as one that the purge takes: if this process dies before the end, it finds the file by it.
	if err := s.o.Store.InsertUpload(ctx, m); err != nil {
		return nil, "", fmt.Errorf("store media: %w", err)
	}
	if err := s.keepUpload(ctx, m, f); err != nil {
		if err := s.Discard(context.WithoutCancel(ctx), m.AccountID, []string{m.ID}); err != nil {
			s.o.Logger.WarnContext(ctx, "media.discard_failed", "media_id", m.ID, "error", err) // the purge does it
		}
		return nil, "", uploadProblem(err, most)
	}
	return m, address, nil
}

// keepUpload brings the bytes of a row to the storage.
func (s *Service) keepUpload(ctx context.Context, m *store.Media, f *spooled) error {
	if err := s.put(ctx, m.ID, f); err != nil {
		return err
	}
	if err := s.o.Store.MediaStoredAny(ctx, m.ID, m.ContentType, m.Size); err != nil {
		return fmt.Errorf("store media: %w", err)
	}
	m.Status, m.Reason = store.MediaStored, ""
	return nil
}

// Fetch takes a file of a post from a public address, as Store does, in at most 90 seconds. Further problems: InvalidURL for an address that
// may not be called, InvalidField where there is no such file, and MediaUnavailable where its host fails.
func (s *Service) Fetch(ctx context.Context, accountID, address string) (*store.Media, string, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	// Plain http is refused by the client itself, except into networks that the operator has opened.
	file, err := httpcall.FetchFile(ctx, s.o.HTTP, httpcall.Request{URL: address}, httpcall.FetchOptions{AllowHTTP: true, Now: s.o.Now()})
	if err != nil {
		return nil, "", fetchProblem(err)
	}
	defer context.AfterFunc(ctx, func() { _ = file.Body.Close() })() // a body that drips ends in time
	defer func() { _ = file.Body.Close() }()
	if file.Size > s.o.MaxBytes {
		return nil, "", tooLarge(s.o.MaxBytes)
	}
	name := ""
	if parsed, err := url.Parse(address); err == nil {
		name = path.Base(parsed.Path)
	}
	return s.Store(ctx, Upload{AccountID: accountID, FileName: name, Reader: file.Body})
}

// fetchProblem says why an address gives no file.
func fetchProblem(err error) error {
	var refused *safehttp.Error
	if errors.As(err, &refused) && slices.Contains([]string{safehttp.CodeInvalidURL, safehttp.CodeHTTPSRequired, safehttp.CodePrivateAddress}, refused.Code) {
		return problem.Invalid(problem.Field{Field: field, Code: problem.InvalidURL, Message: refused.Message})
	}
	e := connectors.AsError(err)
	switch {
	case e.Code == "media_unavailable":
		return &problem.Error{Code: problem.InvalidField, Message: e.Message, Field: field, Err: err, Fields: []problem.Field{{Field: field, Code: problem.InvalidField, Message: e.Message}}}
	case e.Kind == connectors.KindRejected || e.Kind == connectors.KindUnlinked:
		return problem.InvalidOne(field, "There is no file at its address for us. The address must answer anybody with the file itself.")
	}
	return &problem.Error{
		Code: problem.MediaUnavailable, Message: "The file could not be fetched from its address at the moment. Try again, or upload the file itself.", Err: err,
		Field: field, RetryAfter: e.After,
	}
}

// uploadProblem says why a file could not be taken.
func uploadProblem(err error, most int64) error {
	var known *problem.Error
	if errors.As(err, &known) {
		return known
	}
	var f *failure
	if errors.As(err, &f) {
		switch f.reason {
		case reasonTooLarge:
			return tooLarge(most)
		case reasonBroken:
			p := problem.InvalidOne(field, "The file did not arrive completely. Send it again.")
			p.Err = err
			return p
		}
	}
	return problem.Unavailable(err)
}

func tooLarge(most int64) error {
	size := fmt.Sprintf("%d MiB", most>>20)
	if most < 1<<20 {
		size = fmt.Sprintf("%d bytes", most)
	}
	return &problem.Error{Code: problem.BodyTooLarge, Message: "A file is larger than " + size + ". Send a smaller one.", Field: field}
}

// format is a content type that networks show in posts, with the extensions of its files, the usual one first.
type format struct {
	contentType string
	extensions  []string
}

// formats are the pictures and films that at least one network takes. Everything else is refused: text that a browser would run (HTML, SVG),
// programs, archives, documents.
func formats() []format {
	return []format{
		{"image/jpeg", []string{".jpg", ".jpeg", ".jpe"}},
		{"image/png", []string{".png"}},
		{"image/gif", []string{".gif"}},
		{"image/webp", []string{".webp"}},
		{"image/avif", []string{".avif"}},
		{"image/heic", []string{".heic", ".heif"}},
		{"image/heif", []string{".heif", ".heic"}},
		{"image/bmp", []string{".bmp"}},
		{"image/tiff", []string{".tiff", ".tif"}},
		{"video/mp4", []string{".mp4", ".m4v"}},
		{"video/x-m4v", []string{".m4v", ".mp4"}},
		{"video/quicktime", []string{".mov", ".qt"}},
		{"video/webm", []string{".webm"}},
		{"video/3gpp", []string{".3gp"}},
		{"video/3gpp2", []string{".3g2"}},
		{"video/mpeg", []string{".mpeg", ".mpg"}},
		{"video/x-msvideo", []string{".avi"}},
		{"video/x-matroska", []string{".mkv"}},
	}
}

// shown returns the type of a file that a post can have, with the extensions that fit it.
func shown(f *spooled) (contentType string, extensions []string, err error) {
	if f.size == 0 {
		return "", nil, problem.InvalidOne(field, "The file is empty.")
	}
	contentType, _, _ = strings.Cut(f.contentType, ";")
	if contentType == "image/vnd.mozilla.apng" {
		contentType = "image/png" // an animated PNG is one, and networks know it by no other name
	}
	for _, known := range formats() {
		if known.contentType == contentType {
			return contentType, known.extensions, nil
		}
	}
	return "", nil, problem.InvalidOne(field, "A post takes pictures and films, such as JPEG, PNG, GIF, WebP and MP4. By its content, this file is "+contentType+".")
}

// typed returns the type of an upload, and the extensions that its name may have; none where any will do.
func typed(f *spooled, u Upload) (contentType string, extensions []string, err error) {
	contentType, extensions, err = shown(f)
	if err == nil || !u.Any || f.size == 0 {
		return contentType, extensions, err
	}
	contentType, _, _ = strings.Cut(f.contentType, ";")
	if byName := TypeByName(u.FileName); byName != "" && vague(contentType) {
		contentType = byName
	}
	return contentType, nil, nil
}

// uploadName returns a harmless form of a file's name with an extension that fits what the file is: networks and servers go by it.
func uploadName(name, contentType string, extensions []string) string {
	if len(extensions) == 0 {
		return cleanName(name, contentType, maxUploaded)
	}
	name = cleanName(name, contentType, maxUploaded-len(extensions[0]))
	extension := path.Ext(name)
	if slices.Contains(extensions, strings.ToLower(extension)) {
		return name
	}
	return strings.TrimSuffix(name, extension) + extensions[0]
}
