// Package buckettest is a service that speaks enough of S3's protocol to keep files for tests. It checks every signature, and can be told to
// fail, to answer late or to cut the line.
package buckettest

import (
	"crypto/md5" // S3's Content-MD5
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the service takes.
const (
	Name      = "files"
	Region    = "eu-test-1"
	AccessKey = "access-key"
	SecretKey = "secret-key-of-the-test"
)

// Service is one bucket. URL is its endpoint, for addresses with the bucket in the path.
type Service struct {
	*httptest.Server
	mu      sync.Mutex
	objects map[string]object
	instead func(w http.ResponseWriter, r *http.Request) bool
	calls   []string
}

type object struct {
	content     []byte
	contentType string
}

// New starts a service, which ends with the test. With useTLS its certificate is that of httptest.
func New(t testing.TB, useTLS bool) *Service {
	t.Helper()
	s := &Service{objects: map[string]object{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Config.SetKeepAlivesEnabled(true)
	if useTLS {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// Instead sets what answers from now on; where it returns false, or is nil, the service itself does.
func (s *Service) Instead(answer func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instead = answer
}

// Names returns the names of what is stored, sorted.
func (s *Service) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

// Content returns a stored object with its content type.
func (s *Service) Content(name string) (content, contentType string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.objects[name].content), s.objects[name].contentType
}

// Delete forgets an object.
func (s *Service) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, name)
}

// Calls returns the method and the range of each request so far.
func (s *Service) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.calls = append(s.calls, strings.TrimSpace(r.Method+" "+r.Header.Get("Range")))
	instead := s.instead
	s.mu.Unlock()
	if instead != nil && instead(w, r) {
		return
	}
	body, err := verify(r)
	if err != nil {
		Refuse(w, http.StatusForbidden, "SignatureDoesNotMatch", err.Error())
		return
	}
	bucket, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if bucket != Name {
		Refuse(w, http.StatusNotFound, "NoSuchBucket", "There is no such bucket.")
		return
	}
	switch r.Method {
	case http.MethodPut:
		s.put(w, r, name, body)
	case http.MethodGet, http.MethodHead:
		s.get(w, r, name)
	case http.MethodDelete:
		s.Delete(name)
		w.WriteHeader(http.StatusNoContent)
	default:
		Refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "Not here.")
	}
}

// Refuse writes an error as S3 does.
func Refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, message)
}

func (s *Service) put(w http.ResponseWriter, r *http.Request, name string, body io.Reader) {
	content, err := io.ReadAll(body)
	if err != nil {
		Refuse(w, http.StatusBadRequest, "IncompleteBody", err.Error())
		return
	}
	length := r.ContentLength
	if decoded := r.Header.Get("X-Amz-Decoded-Content-Length"); decoded != "" {
		length, _ = strconv.ParseInt(decoded, 10, 64)
	}
	sum := md5.Sum(content)
	if given := r.Header.Get("Content-Md5"); int64(len(content)) != length || (given != "" && given != base64.StdEncoding.EncodeToString(sum[:])) {
		Refuse(w, http.StatusBadRequest, "BadDigest", "The body is another than was announced.")
		return
	}
	s.mu.Lock()
	s.objects[name] = object{content, r.Header.Get("Content-Type")}
	s.mu.Unlock()
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sum))
}

func (s *Service) get(w http.ResponseWriter, r *http.Request, name string) {
	s.mu.Lock()
	found, ok := s.objects[name]
	s.mu.Unlock()
	if !ok {
		Refuse(w, http.StatusNotFound, "NoSuchKey", "There is no such object.")
		return
	}
	w.Header().Set("Content-Type", found.contentType)
	w.Header().Set("ETag", `"an etag"`)
	http.ServeContent(w, r, "", time.Date(2026, 6, 29, 12, 0, 0, 0, time.UTC), strings.NewReader(string(found.content)))
}
