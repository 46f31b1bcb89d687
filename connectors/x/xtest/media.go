package xtest

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
)

// read takes a multipart body apart.
func read(r *http.Request) (size int, name, contentType string, err error) {
	file, header, err := r.FormFile("media")
	if err != nil {
		return 0, "", "", err
	}
	content, err := io.ReadAll(file)
	return len(content), header.Filename, header.Header.Get("Content-Type"), err
}

func (s *Server) uploadAtOnce(w http.ResponseWriter, r *http.Request) {
	size, name, contentType, err := read(r)
	if err != nil || r.FormValue("media_category") != "tweet_image" {
		invalid(w)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	upload := Upload{ID: strconv.Itoa(500 + len(s.uploads)), Category: "tweet_image", ContentType: contentType, FileName: name, Pieces: []int{size}}
	s.uploads = append(s.uploads, upload)
	answer(w, http.StatusOK, data(map[string]any{"id": upload.ID, "media_key": "3_" + upload.ID, "expires_after_secs": 86400, "size": size}))
}

func (s *Server) initialize(w http.ResponseWriter, r *http.Request) {
	var given struct {
		Type     string `json:"media_type"`
		Total    int64  `json:"total_bytes"`
		Category string `json:"media_category"`
	}
	if json.NewDecoder(r.Body).Decode(&given) != nil || given.Total <= 0 || !slices.Contains([]string{"tweet_video", "tweet_gif"}, given.Category) {
		invalid(w)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	upload := Upload{ID: strconv.Itoa(500 + len(s.uploads)), Category: given.Category, ContentType: given.Type, Total: given.Total}
	s.uploads = append(s.uploads, upload)
	answer(w, http.StatusOK, data(map[string]any{"id": upload.ID, "media_key": "7_" + upload.ID, "expires_after_secs": 86400}))
}

// find returns where an upload stands, -1 where there is none.
func (s *Server) find(id string) int {
	return slices.IndexFunc(s.uploads, func(u Upload) bool { return u.ID == id })
}

func (s *Server) appendPiece(w http.ResponseWriter, r *http.Request) {
	size, name, _, err := read(r)
	index, indexErr := strconv.Atoi(r.FormValue("segment_index"))
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.find(r.PathValue("id"))
	if err != nil || indexErr != nil || at < 0 || index > len(s.uploads[at].Pieces) || size > 5<<20 {
		invalid(w)
		return
	}
	if index == len(s.uploads[at].Pieces) {
		s.uploads[at].Pieces = append(s.uploads[at].Pieces, size)
	}
	s.uploads[at].FileName = name
	answer(w, http.StatusOK, data(map[string]any{"expires_at": 1}))
}

func (s *Server) finalize(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.find(r.PathValue("id"))
	if at < 0 {
		invalid(w)
		return
	}
	total := int64(0)
	for _, size := range s.uploads[at].Pieces {
		total += int64(size)
	}
	if total != s.uploads[at].Total {
		answer(w, http.StatusBadRequest, map[string]any{"title": "Invalid Request", "detail": "Segments do not add up to provided total file size."})
		return
	}
	s.progress(w, s.uploads[at].ID)
}

func (s *Server) look(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.find(r.URL.Query().Get("media_id"))
	if at < 0 || r.URL.Query().Get("command") != "STATUS" {
		invalid(w)
		return
	}
	s.progress(w, s.uploads[at].ID)
}

func (s *Server) progress(w http.ResponseWriter, id string) {
	info := map[string]any{"state": "succeeded", "progress_percent": 100}
	switch {
	case s.processing > 0:
		s.processing--
		info = map[string]any{"state": "in_progress", "check_after_secs": 3, "progress_percent": 8}
	case s.broken != "":
		info = map[string]any{"state": "failed", "error": map[string]any{"code": 1, "name": "InvalidMedia", "message": s.broken}}
	}
	answer(w, http.StatusOK, data(map[string]any{"id": id, "media_key": "7_" + id, "processing_info": info}))
}

func (s *Server) describe(w http.ResponseWriter, r *http.Request) {
	var given struct {
		ID       string `json:"id"`
		Metadata struct {
			Alt struct {
				Text string `json:"text"`
			} `json:"alt_text"`
		} `json:"metadata"`
	}
	err := json.NewDecoder(r.Body).Decode(&given)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.find(given.ID)
	if err != nil || at < 0 || given.Metadata.Alt.Text == "" {
		invalid(w)
		return
	}
	s.uploads[at].Alt = given.Metadata.Alt.Text
	answer(w, http.StatusOK, data(map[string]any{"id": given.ID, "associated_metadata": map[string]any{}}))
}

func invalid(w http.ResponseWriter) {
	answer(w, http.StatusBadRequest, map[string]any{
		"title": "Invalid Request", "type": "https://api.x.com/2/problems/invalid-request", "detail": "One or more parameters to your request was invalid.",
	})
}
