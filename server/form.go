package server

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/post"
	"github.com/switchhook/switchhook/internal/problem"
)

const (
	// maxParts bounds the parts of a form: 30 files, their descriptions and the text.
	maxParts = 100
	// maxFiles is how many files a form may have: as many as a post. Networks take fewer in one message.
	maxFiles = 30
	// maxFileName bounds the name of a file, in bytes; file systems have the same limit.
	maxFileName = 255
	// fileField is the name of the parts that are files. Some clients write a list's brackets behind it.
	fileField = "media_file"
)

// formFields names the fields of a form beside its files.
type formFields struct {
	payload string // holds JSON; required, once
	alt     string // describes a file, in their order; empty: there is none
	of      string // what the form makes: "post" or "message"
	anyFile bool   // it takes files of all types, and not only pictures and films
}

// form is what a multipart body held. Its files are stored already.
type form struct {
	payload []byte
	files   []post.File
	alts    []string
	digests []string // of the files, in hex
}

// reading is a form that is being read.
type reading struct {
	fields formFields
	body   io.Reader
	store  func(field, name string, body io.Reader) (post.File, error)
	cut    func() error // why the body could not be read to its end; nil where it could
	form   form
	parts  int
}

// readForm reads a multipart body part by part; its files go to the store as they arrive. Where anything is wrong, nothing of it stays.
func (s *Server) readForm(r *request, fields formFields) (*form, error) {
	if err := r.checkEncoding(); err != nil {
		return nil, err
	}
	_, params, err := mime.ParseMediaType(r.Get(fiber.HeaderContentType))
	if err != nil || params["boundary"] == "" {
		return nil, invalidForm("its Content-Type names no usable boundary. Leave that header to your HTTP client")
	}
	in := s.intake(r, s.MaxUpload, s.app.Server().ReadTimeout)
	if in == nil {
		return nil, invalidForm("it is empty")
	}
	f := &reading{
		fields: fields, body: in,
		store: func(field, name string, body io.Reader) (post.File, error) {
			return s.storeFile(r, fields, field, name, body)
		},
		cut: func() error {
			if in.err == nil {
				return nil
			}
			return s.cut(r, in)
		},
	}
	if err := f.readAll(params["boundary"]); err != nil {
		s.discard(r, f.form.files)
		return nil, err
	}
	return &f.form, nil
}

func invalidForm(reason string) *problem.Error {
	return problem.New(problem.InvalidForm, "The body is not usable as a form with files: "+reason+".")
}

func (f *reading) readAll(boundary string) error {
	form := multipart.NewReader(f.body, boundary)
	for {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return f.failed(err)
		}
		if f.parts++; f.parts > maxParts {
			return invalidForm(fmt.Sprintf("it has more than %d parts", maxParts))
		}
		if err := f.read(part); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, f.body); err != nil { // what stands behind the form
		return f.failed(err)
	}
	if f.parts == 0 {
		return invalidForm("it has no parts")
	}
	if f.form.payload == nil {
		return &problem.Error{
			Code: problem.RequiredField, Field: f.fields.payload, Message: fmt.Sprintf("The form has no field %s: the %s as JSON.", f.fields.payload, f.fields.of),
		}
	}
	if len(f.form.alts) > len(f.form.files) {
		return problem.InvalidOne(f.fields.alt, fmt.Sprintf("The form has more fields %s than files.", f.fields.alt))
	}
	for i, alt := range f.form.alts {
		f.form.files[i].Alt = alt
	}
	return nil
}

// failed says why a form cannot be read on: because of the line, or of what came over it.
func (f *reading) failed(err error) error {
	if cut := f.cut(); cut != nil {
		return cut
	}
	var known *problem.Error
	if errors.As(err, &known) {
		return err
	}
	return invalidForm("it is cut off, or is no form at all")
}

// read reads one part.
func (f *reading) read(part *multipart.Part) error {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil || params["name"] == "" {
		return invalidForm("one of its parts has no name")
	}
	if encoding := part.Header.Get("Content-Transfer-Encoding"); encoding != "" && !slices.Contains([]string{"binary", "8bit", "7bit"}, strings.ToLower(encoding)) {
		return invalidForm("one of its parts has a Content-Transfer-Encoding. Send the bytes as they are")
	}
	fileName, isFile := params["filename"]
	switch name := params["name"]; {
	case name == fileField || name == fileField+"[]":
		if !isFile {
			return problem.InvalidOne(fileField, fileField+" must be a file: a part with a file name.")
		}
		return f.file(part, fileName)
	case name == f.fields.payload:
		return f.payload(part)
	case f.fields.alt != "" && (name == f.fields.alt || name == f.fields.alt+"[]"):
		alt, err := f.text(part, name)
		f.form.alts = append(f.form.alts, string(alt))
		return err
	default:
		name = strings.ToValidUTF8(name, "")
		return &problem.Error{
			Code: problem.UnknownField, Field: name,
			Message: fmt.Sprintf("The form has no field %q here. It takes %s, and files as %s.", name, f.fields.names(), fileField),
		}
	}
}

func (fields formFields) names() string {
	if fields.alt == "" {
		return fields.payload
	}
	return fields.payload + ", " + fields.alt
}

func (f *reading) payload(part *multipart.Part) error {
	if f.form.payload != nil {
		return problem.InvalidOne(f.fields.payload, "The form has the field "+f.fields.payload+" twice.")
	}
	raw, err := f.text(part, f.fields.payload)
	if err != nil {
		return err
	}
	f.form.payload = raw
	// What is no object is refused before files are taken. Its fields are looked at later.
	if reason := doubtful(raw); reason != "" {
		return inPayload(invalidJSON(reason), f.fields.payload)
	}
	_, err = splitObject(raw)
	return inPayload(err, f.fields.payload)
}

// inPayload names the field of a form that an error about JSON means.
func inPayload(err error, field string) error {
	var p *problem.Error
	if errors.As(err, &p) && p.Code == problem.InvalidJSON {
		return &problem.Error{Code: p.Code, Field: field, Message: strings.Replace(p.Message, "The body is", field+" is", 1)}
	}
	return err
}

// text reads a part that is no file.
func (f *reading) text(part *multipart.Part, name string) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(part, maxBody+1))
	switch {
	case err != nil:
		return nil, f.failed(err)
	case len(raw) > maxBody:
		return nil, &problem.Error{Code: problem.BodyTooLarge, Field: name, Message: name + " is larger than 1 MiB."}
	case !storable(string(raw)):
		return nil, problem.InvalidOne(name, name+" must be text in UTF-8 without NUL characters.")
	}
	return raw, nil
}

// file stores a part that is a file.
func (f *reading) file(part *multipart.Part, name string) error {
	field := fmt.Sprintf("%s[%d]", fileField, len(f.form.files))
	if len(f.form.files) == maxFiles {
		return problem.InvalidOne(fileField, fmt.Sprintf("A %s has at most %d files.", f.fields.of, maxFiles))
	}
	if !fileNameIsPlain(name) {
		return problem.InvalidOne(field, fmt.Sprintf("The file's name must be a plain name in UTF-8 of at most %d bytes, without folders or control characters.", maxFileName))
	}
	sum := sha256.New()
	stored, err := f.store(field, name, io.TeeReader(part, sum))
	if err != nil {
		return f.failed(err)
	}
	f.form.files = append(f.form.files, stored)
	f.form.digests = append(f.form.digests, hex.EncodeToString(sum.Sum(nil)))
	return nil
}

// fileNameIsPlain tells a name from a path, and from what no file is called.
func fileNameIsPlain(name string) bool {
	return name != "" && len(name) <= maxFileName && utf8.ValidString(name) && name != "." && name != ".." &&
		!strings.ContainsAny(name, `/\`) && !strings.ContainsFunc(name, unicode.IsControl)
}

// onceOfForm is once for a form that has been read. Clients write another boundary in each try, so it is known by what it holds. Of a form that
// acts no more the files are deleted.
func (s *Server) onceOfForm(r *request, f *form, handle func(*request) (answer, error)) (answer, error) {
	if r.Get(idempotencyHeader) == "" {
		return s.keepFiles(r, f, handle)
	}
	content := string(f.payload) + "\n" + strings.Join(f.digests, "\n") + "\n" + strings.Join(f.alts, "\n")
	used := false
	a, err := s.onceWith(r, []byte(content), func(r *request) (answer, error) {
		used = true
		return s.keepFiles(r, f, handle)
	})
	if !used {
		s.discard(r, f.files)
	}
	return a, err
}

// keepFiles deletes a form's files where its handler fails.
func (s *Server) keepFiles(r *request, f *form, handle func(*request) (answer, error)) (answer, error) {
	a, err := handle(r)
	if err != nil {
		s.discard(r, f.files)
	}
	return a, err
}
