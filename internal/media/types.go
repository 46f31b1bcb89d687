package media

import (
	"context"
	"io"
	"mime"
	"path"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/switchhook/switchhook/connectors/httpcall"
)

// askedBytes is how many bytes at a file's beginning tell its type: as many as the mimetype package looks at.
const askedBytes = 3 << 10

// documents are further files that people send in messages.
func documents() []format {
	return []format{
		{"audio/mpeg", []string{".mp3"}},
		{"audio/mp4", []string{".m4a"}},
		{"audio/ogg", []string{".ogg", ".oga", ".opus"}},
		{"audio/aac", []string{".aac"}},
		{"audio/amr", []string{".amr"}},
		{"audio/wav", []string{".wav"}},
		{"application/pdf", []string{".pdf"}},
		{"application/msword", []string{".doc"}},
		{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", []string{".docx"}},
		{"application/vnd.ms-excel", []string{".xls"}},
		{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", []string{".xlsx"}},
		{"application/vnd.ms-powerpoint", []string{".ppt"}},
		{"application/vnd.openxmlformats-officedocument.presentationml.presentation", []string{".pptx"}},
		{"text/plain", []string{".txt"}},
		{"text/csv", []string{".csv"}},
		{"text/vcard", []string{".vcf"}},
		{"text/calendar", []string{".ics"}},
		{"application/zip", []string{".zip"}},
	}
}

// TypeByName returns the content type of files whose names end as this one does, and empty where the name tells nothing.
func TypeByName(name string) string {
	extension := strings.ToLower(path.Ext(name))
	for _, known := range slices.Concat(formats(), documents()) {
		if slices.Contains(known.extensions, extension) {
			return known.contentType
		}
	}
	return ""
}

// vague tells of a type found in bytes that a file's name may tell more.
func vague(contentType string) bool {
	return slices.Contains([]string{"application/octet-stream", "text/plain", "application/zip", ""}, contentType)
}

// TypeAt asks the host of a public address what the file there is, and returns its content type, or empty where that cannot be known before
// ctx ends. It never fails: a file may be had by others though not by us.
func (s *Service) TypeAt(ctx context.Context, address string) string {
	// Plain http is refused by the client itself, except into networks that the operator has opened.
	file, err := httpcall.FetchFile(ctx, s.o.HTTP, httpcall.Request{URL: address}, httpcall.FetchOptions{AllowHTTP: true, Now: s.o.Now()})
	if err != nil {
		return ""
	}
	defer context.AfterFunc(ctx, func() { _ = file.Body.Close() })() // a body that drips ends in time
	defer func() { _ = file.Body.Close() }()
	told, _, err := mime.ParseMediaType(file.ContentType)
	if err == nil && !vague(told) && told != "text/html" {
		return told
	}
	head, err := io.ReadAll(io.LimitReader(file.Body, askedBytes))
	if err != nil {
		return ""
	}
	found, _, _ := strings.Cut(mimetype.Detect(head).String(), ";")
	if vague(found) || found == "text/html" { // the page of an error, more often than a file
		return ""
	}
	return found
}
