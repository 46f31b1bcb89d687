package linkedintest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
)

func (s *Server) beginImage(w http.ResponseWriter, r *http.Request) {
	var given struct {
		Request struct {
			Owner string `json:"owner"`
		} `json:"initializeUploadRequest"`
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &given) != nil || r.URL.Query().Get("action") != "initializeUpload" || given.Request.Owner == "" {
		refuse(w, http.StatusBadRequest, 100, "a field is missing")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := len(s.uploads)
	s.uploads = append(s.uploads, Upload{URN: fmt.Sprintf("urn:li:image:C4-%d_x", at), Begun: string(body), Pieces: make([]int, 1)})
	answer(w, http.StatusOK, map[string]any{"value": map[string]any{
		"uploadUrlExpiresAt": 1, "uploadUrl": s.address(at, 0), "image": s.uploads[at].URN,
	}})
}

func (s *Server) address(upload, piece int) string {
	return fmt.Sprintf("%s/dms-uploads/%d/%d?ca=vector", s.URL, upload, piece)
}

func (s *Server) video(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	switch r.URL.Query().Get("action") {
	case "initializeUpload":
		s.beginVideo(w, body)
	case "finalizeUpload":
		s.endVideo(w, body)
	default:
		refuse(w, http.StatusBadRequest, 100, "which action")
	}
}

func (s *Server) beginVideo(w http.ResponseWriter, body []byte) {
	var given struct {
		Request struct {
			Owner string `json:"owner"`
			Size  int64  `json:"fileSizeBytes"`
		} `json:"initializeUploadRequest"`
	}
	if json.Unmarshal(body, &given) != nil || given.Request.Owner == "" || given.Request.Size <= 0 {
		refuse(w, http.StatusBadRequest, 100, "a field is missing")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at, instructions := len(s.uploads), []any{}
	for first := int64(0); first < given.Request.Size; first += s.piece {
		instructions = append(instructions, map[string]any{
			"uploadUrl": s.address(at, len(instructions)), "firstByte": first, "lastByte": min(first+s.piece, given.Request.Size) - 1,
		})
	}
	s.uploads = append(s.uploads, Upload{URN: fmt.Sprintf("urn:li:video:D5-%d_x", at), Begun: string(body), Pieces: make([]int, len(instructions))})
	answer(w, http.StatusOK, map[string]any{"value": map[string]any{
		"video": s.uploads[at].URN, "uploadToken": "", "uploadInstructions": instructions, "uploadUrlsExpireAt": 1,
	}})
}

func (s *Server) put(w http.ResponseWriter, r *http.Request) {
	content, err := io.ReadAll(r.Body)
	upload, piece := number(r.PathValue("upload")), number(r.PathValue("piece"))
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || upload < 0 || upload >= len(s.uploads) || piece < 0 || piece >= len(s.uploads[upload].Pieces) || r.URL.Query().Get("ca") != "vector" {
		http.Error(w, "no such upload", http.StatusNotFound)
		return
	}
	s.uploads[upload].Pieces[piece] = len(content)
	w.Header().Set("ETag", tag(upload, piece))
	w.WriteHeader(http.StatusCreated)
}

func tag(upload, piece int) string { return fmt.Sprintf("/ambry-video/signedId/%d-%d", upload, piece) }

// endVideo takes a film whose pieces are named by their tags, in their order.
func (s *Server) endVideo(w http.ResponseWriter, body []byte) {
	var given struct {
		Request struct {
			Video string   `json:"video"`
			Token *string  `json:"uploadToken"`
			Parts []string `json:"uploadedPartIds"`
		} `json:"finalizeUploadRequest"`
	}
	err := json.Unmarshal(body, &given)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.uploads, func(u Upload) bool { return u.URN == given.Request.Video })
	if err != nil || at < 0 || given.Request.Token == nil || len(given.Request.Parts) != len(s.uploads[at].Pieces) {
		refuse(w, http.StatusBadRequest, 100, "a part is missing")
		return
	}
	for i, part := range given.Request.Parts {
		if part != tag(at, i) {
			refuse(w, http.StatusBadRequest, 100, "the parts are out of order")
			return
		}
	}
	s.uploads[at].Ended = true
	w.WriteHeader(http.StatusOK)
}

func (s *Server) look(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.uploads, func(u Upload) bool { return u.URN == r.PathValue("urn") })
	status := "AVAILABLE"
	switch {
	case at < 0:
		refuse(w, http.StatusNotFound, 0, "Not found")
		return
	case !s.uploads[at].Ended:
		status = "WAITING_UPLOAD"
	case s.processing > 0:
		s.processing--
		status = "PROCESSING"
	case s.broken:
		status = "PROCESSING_FAILED"
	}
	answer(w, http.StatusOK, map[string]any{"id": s.uploads[at].URN, "status": status, "owner": Member})
}
