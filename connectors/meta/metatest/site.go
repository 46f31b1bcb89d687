package metatest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Chunk is how many bytes of a film the stand-in wants at once.
const Chunk = 1000

// Now is when everything happens that the stand-in publishes.
func Now() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }

// Post is what is public: a post or a film of a Page, or a post of an Instagram account.
type Post struct {
	ID   string
	Edge string // "feed", "videos" or "media"
	Text string
	Link string
	Type string   // of Instagram: IMAGE, VIDEO, CAROUSEL_ALBUM
	Of   []string // pictures of a Page, or the container
	At   time.Time
}

// Photo is a picture that nobody sees yet.
type Photo struct {
	ID      string
	Alt     string
	Type    string
	Content []byte
}

// Comment is a comment below a post.
type Comment struct{ On, Text string }

// site is what is published. The server's lock guards it.
type site struct {
	posts    []Post
	photos   []Photo
	films    map[string]*film // by upload session
	contains map[string]map[string]any
	comments []Comment
	states   []string
	used     int
	total    int
	pages    []map[string]any
	granted  []string
	count    int
}

type film struct {
	id      string
	size    int
	content []byte
}

func newSite() site {
	return site{films: map[string]*film{}, contains: map[string]map[string]any{}, total: 100, count: 500}
}

// Add publishes something as others do.
func (s *Server) Add(post Post) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.site.add(post)
}

// Posts returns what is public, in its order.
func (s *Server) Posts() []Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.site.posts)
}

// Photos returns the pictures that were uploaded to a Page.
func (s *Server) Photos() []Photo {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.site.photos)
}

// Film returns the bytes of the first film that was uploaded to a Page.
func (s *Server) Film() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.site.films {
		return f.content
	}
	return nil
}

// Comments returns the comments.
func (s *Server) Comments() []Comment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.site.comments)
}

// SetStates makes the next looks at a film or a container find these states; what stands after a space is the text beside the state. Later looks find
// that it is done.
func (s *Server) SetStates(states ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.site.states = states
}

// SetQuota sets how many posts an Instagram account has published of those that it may.
func (s *Server) SetQuota(used, total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.site.used, s.site.total = used, total
}

func (s *site) next() string {
	s.count++
	return strconv.Itoa(s.count)
}

func (s *site) add(post Post) string {
	if post.ID == "" {
		post.ID = s.next()
	}
	post.Text = strings.TrimSpace(post.Text) // as both networks do
	if post.At.IsZero() {
		post.At = Now()
	}
	s.posts = append(s.posts, post)
	return post.ID
}

// act answers a request of a Page's or an account's edge, or of one object; nil where there is no such thing.
func (s *site) act(r *http.Request, target string, body []byte) any {
	owner, edge := path.Split(target)
	owner = strings.Trim(owner, "/")
	var given map[string]any
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") && json.Unmarshal(body, &given) != nil {
		return nil
	}
	switch r.Method + " " + edge {
	case "POST feed":
		return s.post(owner, given)
	case "POST photos":
		return s.photo(r, body)
	case "POST videos":
		return s.video(r, given, body)
	case "GET feed", "GET videos", "GET media":
		return s.list(edge)
	case "POST comments":
		s.comments = append(s.comments, Comment{owner, text(given["message"])})
		return map[string]any{"id": owner + "_" + s.next()}
	case "POST media":
		id := s.next()
		s.contains[id] = given
		return map[string]any{"id": id}
	case "POST media_publish":
		return s.publishContainer(text(given["creation_id"]))
	case "GET content_publishing_limit":
		return map[string]any{"data": []any{map[string]any{"quota_usage": s.used, "config": map[string]any{"quota_total": s.total, "quota_duration": 86400}}}}
	}
	if r.Method == http.MethodGet {
		return s.object(edge)
	}
	return nil
}

// post publishes in the feed. A picture can be used once.
func (s *site) post(page string, given map[string]any) any {
	post := Post{ID: page + "_" + s.next(), Edge: "feed", Text: text(given["message"]), Link: text(given["link"])}
	media, _ := given["attached_media"].([]any)
	for _, one := range media {
		attached, _ := one.(map[string]any)
		post.Of = append(post.Of, text(attached["media_fbid"]))
	}
	if post.Text == "" && post.Link == "" && len(post.Of) == 0 {
		return nil
	}
	s.add(post)
	return map[string]any{"id": post.ID, "permalink_url": "https://www.facebook.com/shop/posts/" + post.ID}
}

func (s *site) photo(r *http.Request, body []byte) any {
	fields, contentType, content := parts(r, body)
	if fields["published"] != "false" || fields["source"] == "" {
		return nil
	}
	photo := Photo{ID: s.next(), Alt: fields["alt_text_custom"], Type: contentType, Content: content}
	s.photos = append(s.photos, photo)
	return map[string]any{"id": photo.ID}
}

// video takes the phases of an upload. Only the last one makes the film public.
func (s *site) video(r *http.Request, given map[string]any, body []byte) any {
	switch given["upload_phase"] {
	case "start":
		size, _ := given["file_size"].(float64)
		id, session := s.next(), "session"+s.next()
		s.films[session] = &film{id: id, size: int(size)}
		return map[string]any{"upload_session_id": session, "video_id": id, "start_offset": "0", "end_offset": strconv.Itoa(min(Chunk, int(size)))}
	case "finish":
		f := s.films[text(given["upload_session_id"])]
		if f == nil || len(f.content) != f.size {
			return nil
		}
		s.add(Post{ID: f.id, Edge: "videos", Text: text(given["description"])})
		return map[string]any{"success": true}
	}
	fields, _, content := parts(r, body)
	f := s.films[fields["upload_session_id"]]
	if f == nil || fields["upload_phase"] != "transfer" || len(content) > Chunk {
		return nil
	}
	if at, err := strconv.Atoi(fields["start_offset"]); err == nil && at == len(f.content) {
		f.content = append(f.content, content...)
	}
	return map[string]any{"start_offset": strconv.Itoa(len(f.content)), "end_offset": strconv.Itoa(min(len(f.content)+Chunk, f.size))}
}

// list lists what is public, the newest first.
func (s *site) list(edge string) any {
	data := []any{}
	for _, post := range slices.Backward(s.posts) {
		if post.Edge != edge || len(data) == 100 {
			continue
		}
		at := post.At.UTC().Format("2006-01-02T15:04:05-0700")
		one := map[string]any{"id": post.ID, "permalink_url": permalink(post)}
		switch edge {
		case "feed":
			one["message"], one["created_time"] = post.Text, at
		case "videos":
			one["description"], one["created_time"], one["status"] = post.Text, at, map[string]any{"video_status": "ready"}
		case "media":
			one["caption"], one["timestamp"], one["media_type"], one["permalink"] = post.Text, at, post.Type, permalink(post)
		}
		data = append(data, one)
	}
	return map[string]any{"data": data}
}

func permalink(post Post) string {
	switch post.Edge {
	case "videos":
		return "/shop/videos/" + post.ID + "/" // without a host, as Facebook has it
	case "media":
		return "https://www.instagram.com/p/" + post.ID + "/"
	}
	return "https://www.facebook.com/shop/posts/" + post.ID
}

func (s *site) publishContainer(id string) any {
	given := s.contains[id]
	if given == nil || slices.ContainsFunc(s.posts, func(p Post) bool { return slices.Equal(p.Of, []string{id}) }) {
		return nil
	}
	kind := map[any]string{"REELS": "VIDEO", "CAROUSEL": "CAROUSEL_ALBUM"}[given["media_type"]]
	if kind == "" {
		kind = "IMAGE"
	}
	return map[string]any{"id": s.add(Post{Edge: "media", Text: text(given["caption"]), Type: kind, Of: []string{id}})}
}

// object answers a look at a film, a container or a post.
func (s *site) object(id string) any {
	for _, post := range s.posts {
		switch {
		case post.ID == id && post.Edge == "videos":
			state, _ := s.state("ready")
			return map[string]any{"id": id, "permalink_url": permalink(post), "status": map[string]any{"video_status": state}}
		case post.ID == id:
			return map[string]any{"id": id, "permalink": permalink(post)}
		case slices.Equal(post.Of, []string{id}):
			return map[string]any{"id": id, "status_code": "PUBLISHED"}
		}
	}
	if s.contains[id] == nil {
		return nil
	}
	state, words := s.state("FINISHED")
	return map[string]any{"id": id, "status_code": state, "status": words}
}

func (s *site) state(usual string) (state, words string) {
	if len(s.states) == 0 {
		return usual, ""
	}
	state, words, _ = strings.Cut(s.states[0], " ")
	s.states = s.states[1:]
	return state, words
}

func text(value any) string {
	t, _ := value.(string)
	return t
}

// parts reads a form with one file. The file's name stands under the name of its field.
func parts(r *http.Request, body []byte) (fields map[string]string, contentType string, content []byte) {
	fields = map[string]string{}
	_, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || int64(len(body)) != r.ContentLength {
		return fields, "", nil
	}
	form := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	for {
		part, err := form.NextPart()
		if err != nil {
			return fields, contentType, content
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return map[string]string{}, "", nil
		}
		fields[part.FormName()] = string(value)
		if part.FileName() != "" {
			fields[part.FormName()], contentType, content = part.FileName(), part.Header.Get("Content-Type"), value
		}
	}
}
