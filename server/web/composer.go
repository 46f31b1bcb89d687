package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/switchhook/switchhook/internal/problem"
)

// postKind is what GET /v1/connectors says of a kind of channel and its posts.
type postKind struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	Post *struct {
		Text         string `json:"text"`
		Title        bool   `json:"title"`
		Split        bool   `json:"split"`
		FirstComment bool   `json:"firstComment"`
		Limits       struct {
			TextLength int `json:"textLength"`
			Images     int `json:"images"`
			Videos     int `json:"videos"`
		} `json:"limits"`
		Options []postOption `json:"options"`
	} `json:"post"`
}

// postOption is what a post may say for one network alone.
type postOption struct {
	Key     string   `json:"key"`
	Label   string   `json:"label"`
	Help    string   `json:"help"`
	Options []string `json:"options"`
	Default string   `json:"default"`
}

// Choices are the values of an option; the first leaves it as it is.
func (o postOption) Choices() []option {
	if len(o.Options) == 0 {
		return nil
	}
	choices := []option{{Label: "–"}}
	for _, value := range o.Options {
		choices = append(choices, option{Value: value, Label: strings.ReplaceAll(value, "_", " ")})
	}
	return choices
}

func (p *page) postKinds() (map[string]postKind, error) {
	var kinds list[postKind]
	if err := p.read(&kinds, "/v1/connectors", nil); err != nil {
		return nil, err
	}
	byKind := make(map[string]postKind, len(kinds.Data))
	for _, k := range kinds.Data {
		byKind[k.Kind] = k
	}
	return byKind, nil
}

// postBody is a post as the API takes it. What is nil is not said.
type postBody struct {
	Title        string                  `json:"title"`
	Body         string                  `json:"body"`
	ChannelIDs   []string                `json:"channelIds,omitempty"`
	QueueID      string                  `json:"queueId,omitempty"`
	PublishAt    string                  `json:"publishAt,omitempty"`
	Media        *[]postMedia            `json:"media,omitempty"`
	Overrides    map[string]postOverride `json:"overrides"`
	FirstComment string                  `json:"firstComment"`
	Overflow     string                  `json:"overflow,omitempty"`
	Draft        *bool                   `json:"draft,omitempty"`
}

type postMedia struct {
	ID          string `json:"id,omitempty"`
	URL         string `json:"url,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	Size        int64  `json:"size,omitempty"`
	Alt         string `json:"alt"`
}

type postOverride struct {
	Title        string            `json:"title,omitempty"`
	Body         string            `json:"body,omitempty"`
	FirstComment string            `json:"firstComment,omitempty"`
	Overflow     string            `json:"overflow,omitempty"`
	Options      map[string]string `json:"options,omitempty"`
}

// The ways in which a post that is written goes out: field "when".
const (
	whenGo    = "go"    // now, or in the queue's next free slot
	whenAt    = "at"    // at a time
	whenDraft = "draft" // not yet
)

// composed is the form of a post as the API takes it.
func (w *Web) composed(p *page, channels []postChannel) (postBody, error) {
	b := postBody{
		Title: p.text("title"), Body: p.form.Get("body"), FirstComment: p.text("firstComment"), Overflow: p.text("overflow"), QueueID: p.text("queue"),
		Overrides: map[string]postOverride{},
	}
	if b.QueueID == "" {
		b.ChannelIDs = p.form["channels"]
	}
	for _, c := range channels {
		o, said := p.override(c)
		if said && (b.QueueID != "" || slices.Contains(b.ChannelIDs, c.ID)) {
			b.Overrides[c.ID] = o
		}
	}
	draft := p.text("when") == whenDraft
	b.Draft = &draft
	if p.text("when") == whenAt && b.QueueID == "" {
		at, err := time.ParseInLocation(localFormat, p.text("at"), p.zone())
		if err != nil {
			return b, problem.InvalidOne("publishAt", w.text("posts.badTime"))
		}
		b.PublishAt = at.UTC().Format(time.RFC3339)
	}
	return b, nil
}

// override is what a form says differently on one channel, if anything.
func (p *page) override(c postChannel) (o postOverride, said bool) {
	prefix := "o." + c.ID + "."
	o = postOverride{
		Title: p.text(prefix + "title"), Body: strings.TrimSpace(p.form.Get(prefix + "body")), FirstComment: p.text(prefix + "firstComment"),
		Overflow: p.text(prefix + "overflow"), Options: map[string]string{},
	}
	if c.Kind.Post != nil {
		for _, field := range c.Kind.Post.Options {
			if value := p.text(prefix + "options." + field.Key); value != "" {
				o.Options[field.Key] = value
			}
		}
	}
	return o, o.Title != "" || o.Body != "" || o.FirstComment != "" || o.Overflow != "" || len(o.Options) > 0
}

// fetched are the files that a form names by their addresses.
func (p *page) fetched() []postMedia {
	files := []postMedia{}
	alts := p.form["mediaAlt"]
	for i, address := range p.form["mediaUrl"] {
		if address = strings.TrimSpace(address); address != "" {
			file := postMedia{URL: address}
			if i < len(alts) {
				file.Alt = strings.TrimSpace(alts[i])
			}
			files = append(files, file)
		}
	}
	return files
}

// kept are the files of a post that a form leaves to it.
func (p *page) kept() []postMedia {
	files := []postMedia{}
	for _, id := range p.form["keep"] {
		files = append(files, postMedia{ID: id, Alt: p.text("alt." + id)})
	}
	return files
}

// composerData is what the page shows on which a post is written or changed.
type composerData struct {
	Form       *form
	Post       *postRow // that is changed; nil: a new one
	To         string   // where the form is sent
	Channels   []postChannel
	Queues     []option
	Overflows  []option
	Zone       string
	Now        string // by the reader's clock, for the field of the time
	MediaRows  []mediaField
	TargetFail map[string]string // what is wrong, by channel
}

type mediaField struct{ URL, Alt string }

// urlRows is how many addresses of files can be given without JavaScript at once.
const urlRows = 3

func (w *Web) composerData(p *page, f *form, row *postRow) (*composerData, error) {
	channels, err := p.publishers()
	if err != nil {
		return nil, err
	}
	queues, err := p.queues()
	if err != nil {
		return nil, err
	}
	zone := p.zone()
	d := &composerData{
		Form: f, Post: row, To: "/app/posts/new", Channels: channels, Zone: zone.String(), Now: w.o.Now().In(zone).Format(localFormat),
		Queues: []option{{Label: w.text("composer.channels")}}, TargetFail: map[string]string{},
	}
	if row != nil {
		d.To = "/app/posts/" + row.ID + "/edit"
	}
	for _, q := range queues {
		d.Queues = append(d.Queues, option{Value: q.ID, Label: w.text("composer.queue", visible(q.Name)), Hint: strings.Join(q.ChannelIDs, " ")})
	}
	for _, way := range []string{"error", "truncate", "split"} {
		key := "composer.overflow." + way
		d.Overflows = append(d.Overflows, option{Value: way, Label: w.text(key)})
	}
	var files []postMedia
	if f != nil {
		files = (&page{form: f.Values}).fetched()
	}
	for i := range max(urlRows, len(files)) {
		field := mediaField{}
		if i < len(files) {
			field = mediaField{files[i].URL, files[i].Alt}
		}
		d.MediaRows = append(d.MediaRows, field)
	}
	return d, nil
}

// OverflowsOf are what one channel can do otherwise with a text that is too long; the first is what the post says.
func (d *composerData) OverflowsOf() []option {
	return append([]option{{Label: "–"}}, d.Overflows...)
}

// newPost is an empty form; the address can say where the post goes and when.
func (w *Web) newPost(p *page) error {
	f := &form{Values: url.Values{"when": {whenGo}, "overflow": {"error"}}}
	for _, name := range []string{"queue", "channels", "body", "title"} {
		if value := p.Query(name); value != "" {
			f.Values.Set(name, value)
		}
	}
	if day, err := time.ParseInLocation(dayFormat, p.Query("date"), p.zone()); err == nil {
		f.Values.Set("when", whenAt)
		f.Values.Set("at", day.Add(9*time.Hour).Format(localFormat))
	}
	d, err := w.composerData(p, f, nil)
	if err != nil {
		return err
	}
	if len(d.Channels) == 1 && len(f.Values["channels"]) == 0 {
		f.Values.Set("channels", d.Channels[0].ID)
	}
	return p.render(http.StatusOK, "posts/composer", w.text("composer.new"), d)
}

func (w *Web) createPost(p *page) error {
	channels, err := p.publishers()
	if err != nil {
		return err
	}
	body, err := w.composed(p, channels)
	if err == nil {
		media := p.fetched()
		body.Media = &media
		var row postRow
		if err = p.send("POST", "/v1/posts", body, &row); err == nil {
			return p.redirect("/app/posts/"+row.ID, w.taken(&row))
		}
	}
	return w.notComposed(p, err, nil)
}

// notComposed shows the form again, with what is wrong beside its fields.
func (w *Web) notComposed(p *page, wrong error, row *postRow) error {
	names := []string{"title", "body", "channelIds=channels", "queueId=queue", "publishAt=at", "media", "firstComment", "overflow"}
	channels, err := p.publishers()
	if err != nil {
		return err
	}
	for _, c := range channels {
		names = append(names, "targets."+c.ID+"=target."+c.ID, "overrides."+c.ID+"=target."+c.ID)
	}
	d, err := w.composerData(p, p.wrong(wrong, names...), row)
	if err != nil {
		return err
	}
	for _, fault := range w.problem(wrong).Errors {
		_, rest, _ := strings.Cut(fault.Field, ".")
		channelID, _, _ := strings.Cut(rest, ".")
		if strings.HasPrefix(fault.Field, "targets.") || strings.HasPrefix(fault.Field, "overrides.") {
			d.TargetFail[channelID] = strings.TrimSpace(d.TargetFail[channelID] + " " + fault.Message)
		}
	}
	title := w.text("composer.new")
	if row != nil {
		title = w.text("composer.edit")
	}
	return p.refused("posts/composer", title, d)
}

func (w *Web) editPost(p *page) error {
	row, err := w.onePost(p)
	if err != nil {
		return err
	}
	if !row.Waits() {
		return problem.New(problem.Conflict, w.text("posts.tooLate"))
	}
	d, err := w.composerData(p, p.formOf(row), row)
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "posts/composer", w.text("composer.edit"), d)
}

// formOf is the form that would make a post.
func (p *page) formOf(row *postRow) *form {
	f := filled(map[string]string{"title": row.Title, "body": row.Body, "firstComment": row.FirstComment, "overflow": row.Overflow, "when": whenGo})
	if row.QueueID != nil {
		f.Values.Set("queue", *row.QueueID)
	}
	if at, err := parseTime(row.PublishAt); err == nil && !at.IsZero() {
		f.Values.Set("when", whenAt)
		f.Values.Set("at", at.In(p.zone()).Format(localFormat))
	}
	if row.Status == "draft" {
		f.Values.Set("when", whenDraft)
	}
	for _, t := range row.Targets {
		f.Values.Add("channels", t.ChannelID)
		if o := t.Override; o != nil {
			for name, value := range map[string]string{"title": o.Title, "body": o.Body, "firstComment": o.FirstComment, "overflow": o.Overflow} {
				f.Values.Set("o."+t.ChannelID+"."+name, value)
			}
			for key, value := range o.Options {
				f.Values.Set("o."+t.ChannelID+".options."+key, value)
			}
		}
	}
	for _, file := range row.Media {
		f.Values.Add("keep", file.ID)
		f.Values.Set("alt."+file.ID, file.Alt)
	}
	return f
}

func (w *Web) changePost(p *page) error {
	before, err := w.onePost(p)
	if err != nil {
		return err
	}
	channels, err := p.publishers()
	if err != nil {
		return err
	}
	body, err := w.composed(p, channels)
	if err == nil {
		media := append(p.kept(), p.fetched()...)
		body.Media = &media
		if body.QueueID == "" && body.PublishAt == "" {
			body.PublishAt = w.o.Now().UTC().Format(time.RFC3339) // takes the time away that it had
		}
		var row postRow
		if err = p.send("PATCH", "/v1/posts/"+url.PathEscape(before.ID), body, &row); err == nil {
			return p.redirect("/app/posts/"+row.ID, w.taken(&row))
		}
	}
	return w.notComposed(p, err, before)
}

// postPayload answers with a form as the API takes it, for the script that sends its files along.
func (w *Web) postPayload(p *page) error {
	channels, err := p.publishers()
	if err != nil {
		return err
	}
	body, err := w.composed(p, channels)
	if err != nil {
		return err
	}
	media := p.fetched()
	body.Media = &media
	return p.JSON(body)
}
