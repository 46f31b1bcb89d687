package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// postPageData is what the page of one post shows.
type postPageData struct {
	Post  *postRow
	Queue string // name of its queue
	Came  string // name of the incoming webhook that it came by
}

func (p *page) postID() string { return url.PathEscape(p.Params("id")) }

// onePost reads a post with the names of its channels.
func (w *Web) onePost(p *page) (*postRow, error) {
	var row postRow
	if err := p.read(&row, "/v1/posts/"+p.postID(), nil); err != nil {
		return nil, err
	}
	channels, err := p.publishers()
	if err != nil {
		return nil, err
	}
	w.nameTargets(channels, &row)
	return &row, nil
}

func (w *Web) postPageData(p *page) (*postPageData, error) {
	row, err := w.onePost(p)
	if err != nil {
		return nil, err
	}
	d := &postPageData{Post: row}
	var named struct {
		Name string `json:"name"`
	}
	if row.QueueID != nil && p.read(&named, "/v1/queues/"+url.PathEscape(*row.QueueID), nil) == nil { // it may be deleted
		d.Queue = visible(named.Name)
	}
	if row.Origin != "api" && p.read(&named, "/v1/incoming-webhooks/"+url.PathEscape(row.Origin), nil) == nil {
		d.Came = visible(named.Name)
	}
	return d, nil
}

func (w *Web) postPage(p *page) error {
	d, err := w.postPageData(p)
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "posts/post", d.Post.Label(), d)
}

func (w *Web) postState(p *page) error {
	d, err := w.postPageData(p)
	if err != nil {
		return err
	}
	return p.fragment("posts/post", "state", d)
}

func (w *Web) cancelPost(p *page) error {
	if err := p.send("DELETE", "/v1/posts/"+p.postID(), nil, nil); err != nil {
		return err
	}
	return p.redirect("/app/posts/"+p.postID(), w.text("posts.cancelled"))
}

// retryPost publishes again what failed; what is unconfirmed only where the user says that it is not there.
func (w *Web) retryPost(p *page) error {
	body := map[string]bool{}
	if p.text("unconfirmed") == "true" {
		body["unconfirmed"] = true
	}
	if err := p.send("POST", "/v1/posts/"+p.postID()+"/retry", body, nil); err != nil {
		return err
	}
	return p.redirect("/app/posts/"+p.postID(), w.text("posts.retried"))
}

// releasePost publishes a draft.
func (w *Web) releasePost(p *page) error {
	var row postRow
	if err := p.send("PATCH", "/v1/posts/"+p.postID(), map[string]bool{"draft": false}, &row); err != nil {
		return err
	}
	return p.redirect("/app/posts/"+p.postID(), w.taken(&row))
}

// taken says that a post was taken, and what should be known of it.
func (w *Web) taken(row *postRow) string {
	key := "posts.taken." + takenAs(row)
	sentences := []string{w.text(key)}
	for _, warning := range row.Warnings {
		if !slices.Contains(sentences, warning.Message) && len(sentences) < 6 {
			sentences = append(sentences, warning.Message)
		}
	}
	return strings.Join(sentences, " ")
}

func takenAs(row *postRow) string {
	switch {
	case row.Status == "draft":
		return "draft"
	case row.SlotAt != nil:
		return "slot"
	case row.Status == "scheduled":
		return "time"
	}
	return "now"
}
