package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/switchhook/switchhook/internal/richtext"
)

func (w *Web) postRoutes() []Route {
	return []Route{
		{"GET", "/app/posts", loggedIn, w.postCalendar},
		{"GET", "/app/posts/calendar", loggedIn, w.postCalendarPart},
		{"GET", "/app/posts/list", loggedIn, w.postList},
		{"GET", "/app/posts/rows", loggedIn, w.postRows},
		{"GET", "/app/posts/new", loggedIn, w.newPost},
		{"POST", "/app/posts/new", loggedIn, w.createPost},
		{"POST", "/app/posts/preview", loggedIn, w.previewPost},
		{"POST", "/app/posts/payload", loggedIn, w.postPayload},
		{"GET", "/app/posts/:id", loggedIn, w.postPage},
		{"GET", "/app/posts/:id/state", loggedIn, w.postState},
		{"GET", "/app/posts/:id/edit", loggedIn, w.editPost},
		{"POST", "/app/posts/:id/edit", loggedIn, w.changePost},
		{"GET", "/app/posts/:id/move", loggedIn, w.movePage},
		{"POST", "/app/posts/:id/move", loggedIn, w.movePost},
		{"POST", "/app/posts/:id/cancel", loggedIn, w.cancelPost},
		{"POST", "/app/posts/:id/retry", loggedIn, w.retryPost},
		{"POST", "/app/posts/:id/release", loggedIn, w.releasePost},
	}
}

// postRow is a post as pages show it.
type postRow struct {
	ID           string        `json:"id"`
	Status       string        `json:"status"`
	Title        string        `json:"title"`
	Body         string        `json:"body"`
	FirstComment string        `json:"firstComment"`
	Overflow     string        `json:"overflow"`
	PublishAt    *string       `json:"publishAt"`
	SlotAt       *string       `json:"slotAt"`
	QueueID      *string       `json:"queueId"`
	Origin       string        `json:"origin"`
	CreatedAt    string        `json:"createdAt"`
	UpdatedAt    string        `json:"updatedAt"`
	Targets      []postTarget  `json:"targets"`
	Media        []postFile    `json:"media"`
	Warnings     []postWarning `json:"warnings"`
	Networks     []string      `json:"-"` // names of its channels
}

type postTarget struct {
	ChannelID   string        `json:"channelId"`
	Connector   string        `json:"connector"`
	Status      string        `json:"status"`
	URL         *string       `json:"url"`
	Error       *postWarning  `json:"error"`
	Warnings    []string      `json:"warnings"`
	Parts       []postPart    `json:"parts"`
	DueAt       *string       `json:"dueAt"`
	PublishedAt *string       `json:"publishedAt"`
	Override    *postOverride `json:"override"`
	Name        string        `json:"-"`
	Kind        string        `json:"-"`
}

type postPart struct {
	URL string `json:"url"`
}

type postFile struct {
	ID          string `json:"id"`
	URL         string `json:"url"`
	Kind        string `json:"kind"`
	ContentType string `json:"contentType"`
	FileName    string `json:"fileName"`
	Size        int64  `json:"size"`
	Alt         string `json:"alt"`
}

type postWarning struct {
	ChannelID string `json:"channelId"`
	Code      string `json:"code"`
	Message   string `json:"message"`
}

// postChannel is a channel that posts can go to.
type postChannel struct {
	ID            string   `json:"id"`
	Connector     string   `json:"connector"`
	Name          string   `json:"name"`
	Address       string   `json:"address"`
	Status        string   `json:"status"`
	StatusMessage string   `json:"statusMessage"`
	Kind          postKind `json:"-"`
}

// Label is what a person calls the channel.
func (c postChannel) Label() string {
	if c.Name != "" {
		return visible(c.Name)
	}
	return visible(c.Address)
}

// labelLength is how much of a post's text stands in for its title, in characters.
const labelLength = 90

// Label is what a post is called: its title, the beginning of its text, or its first file.
func (p *postRow) Label() string {
	text := richtext.StripTitle(p.Title)
	if text == "" {
		text = richtext.StripTitle(p.Body)
	}
	if text == "" && len(p.Media) > 0 {
		text = p.Media[0].FileName
	}
	if utf8.RuneCountInString(text) > labelLength {
		text = string([]rune(text)[:labelLength]) + "…"
	}
	if text == "" {
		text = p.ID
	}
	return visible(text)
}

// At is when the post appeared or will: as GET /v1/posts counts with from and to.
func (p *postRow) At() time.Time {
	var first time.Time
	for _, t := range p.Targets {
		if at, err := parseTime(t.PublishedAt); err == nil && !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	for _, planned := range []any{p.SlotAt, p.PublishAt, p.CreatedAt} {
		if at, err := parseTime(planned); first.IsZero() && err == nil {
			first = at
		}
	}
	return first
}

// Waits tells whether nobody has begun to publish the post, so that it can be changed, moved and cancelled.
func (p *postRow) Waits() bool {
	return p.Status == "draft" || p.Status == "scheduled" || (p.Status == "queued" && !slices.ContainsFunc(p.Targets, func(t postTarget) bool { return t.Error != nil }))
}

// Moves is how the post's time can be changed: "slot" in its queue, "time", or not at all.
func (p *postRow) Moves() string {
	switch {
	case !p.Waits() || p.Status == "draft":
		return ""
	case p.QueueID != nil && p.SlotAt != nil:
		return "slot"
	case p.Status == "scheduled":
		return "time"
	}
	return ""
}

// Has tells whether the post has a status on any of its channels.
func (p *postRow) Has(status string) bool {
	return slices.ContainsFunc(p.Targets, func(t postTarget) bool { return t.Status == status })
}

// zone is where the reader is, as their browser says in a cookie that posts.js sets; without it, UTC.
func (p *page) zone() *time.Location {
	name, err := url.QueryUnescape(p.Cookies("zone"))
	if err != nil || name == "" || name == "Local" {
		return time.UTC
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// everything reads the pages of a list until its end, but at most so many.
func everything[T any](p *page, path string, query url.Values, pages int) (all []T, more bool, err error) {
	if query == nil {
		query = url.Values{}
	}
	query.Set("limit", "100")
	for range pages {
		var part list[T]
		if err := p.read(&part, path, query); err != nil {
			return nil, false, err
		}
		all = append(all, part.Data...)
		if part.NextCursor == nil {
			return all, false, nil
		}
		query.Set("cursor", *part.NextCursor)
	}
	return all, true, nil
}

// channelPages and the others bound what one page of the dashboard reads.
const (
	channelPages = 3
	queuePages   = 1
	postPages    = 5
)

// networks are the names of the channels with these ids, in their order; one that was deleted is called so.
func (w *Web) networks(channels []postChannel, ids []string) []string {
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		name := w.text("posts.gone")
		if i := slices.IndexFunc(channels, func(c postChannel) bool { return c.ID == id }); i >= 0 {
			name = channels[i].Label()
		}
		names = append(names, name)
	}
	return names
}

// publishers reads the channels that posts can go to.
func (p *page) publishers() ([]postChannel, error) {
	channels, _, err := everything[postChannel](p, "/v1/channels", url.Values{"ability": {"publish"}}, channelPages)
	if err != nil {
		return nil, err
	}
	kinds, err := p.postKinds()
	if err != nil {
		return nil, err
	}
	for i := range channels {
		channels[i].Kind = kinds[channels[i].Connector]
	}
	slices.SortFunc(channels, func(a, b postChannel) int {
		return strings.Compare(strings.ToLower(a.Label()), strings.ToLower(b.Label()))
	})
	return channels, nil
}

// nameTargets gives the targets of posts the names of their channels.
func (w *Web) nameTargets(channels []postChannel, posts ...*postRow) {
	byID := map[string]postChannel{}
	for _, c := range channels {
		byID[c.ID] = c
	}
	for _, post := range posts {
		for i := range post.Targets {
			t := &post.Targets[i]
			c, known := byID[t.ChannelID]
			t.Name, t.Kind = c.Label(), c.Kind.Name
			if !known {
				t.Name = w.text("posts.gone")
			}
			post.Networks = append(post.Networks, t.Name)
		}
	}
}

// postListData is what the list of posts shows.
type postListData struct {
	Posts    []*postRow
	Filter   url.Values
	Filtered bool
	More     string
	Rows     string // address of the rows alone
	Statuses []option
	Channels []option
	Queues   []option
}

// filterOf keeps what a list is narrowed by.
func (p *page) filterOf(names ...string) url.Values {
	filter := url.Values{}
	for _, name := range names {
		if value := p.Query(name); value != "" {
			filter.Set(name, value)
		}
	}
	return filter
}

func (w *Web) postListOf(p *page) (*postListData, error) {
	filter := p.filterOf("q", "status", "channelId", "queueId", "origin")
	query := url.Values{"limit": {"25"}}
	for name, values := range filter {
		query[name] = values
	}
	if cursor := p.Query("cursor"); cursor != "" {
		query.Set("cursor", cursor)
	}
	var rows list[*postRow]
	if err := p.read(&rows, "/v1/posts", query); err != nil {
		return nil, err
	}
	channels, err := p.publishers()
	if err != nil {
		return nil, err
	}
	w.nameTargets(channels, rows.Data...)
	d := &postListData{Posts: rows.Data, Filter: filter, Filtered: len(filter) > 0, Channels: w.channelOptions(channels)}
	d.Rows = "/app/posts/rows?" + strings.TrimPrefix(string(p.Request().URI().QueryString()), "?")
	if rows.NextCursor != nil {
		further := url.Values{"cursor": {*rows.NextCursor}}
		for name, values := range filter {
			further[name] = values
		}
		d.More = "/app/posts/list?" + further.Encode()
	}
	return d, nil
}

func (w *Web) channelOptions(channels []postChannel) []option {
	options := []option{{Label: w.text("posts.anyChannel")}}
	for _, c := range channels {
		options = append(options, option{Value: c.ID, Label: c.Label()})
	}
	return options
}

func (w *Web) postList(p *page) error {
	d, err := w.postListOf(p)
	if err != nil {
		return err
	}
	d.Statuses = []option{{Label: w.text("posts.anyStatus")}}
	for _, status := range []string{"draft", "scheduled", "queued", "publishing", "published", "partial", "failed", "unconfirmed", "cancelled"} {
		d.Statuses = append(d.Statuses, option{Value: status, Label: w.text("status." + status)})
	}
	queues, err := p.queues()
	if err != nil {
		return err
	}
	d.Queues = []option{{Label: w.text("posts.anyQueue")}}
	for _, q := range queues {
		d.Queues = append(d.Queues, option{Value: q.ID, Label: visible(q.Name)})
	}
	return p.render(http.StatusOK, "posts/list", w.text("posts.title"), d)
}

func (w *Web) postRows(p *page) error {
	d, err := w.postListOf(p)
	if err != nil {
		return err
	}
	return p.fragment("posts/list", "rows", d)
}
