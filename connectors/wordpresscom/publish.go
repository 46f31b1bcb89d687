package wordpresscom

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/connectors/wordpress"
)

const pageSize = 100 // the most that an answer has

// newPost is the body of POST /sites/{site}/posts/new.
type newPost struct {
	Title         string   `json:"title"`
	Content       string   `json:"content"`
	Excerpt       string   `json:"excerpt,omitempty"`
	Status        string   `json:"status"`
	Slug          string   `json:"slug"`
	FeaturedImage string   `json:"featured_image,omitempty"` // an id
	Categories    []string `json:"categories,omitempty"`     // names; made where they are not there
	Tags          []string `json:"tags,omitempty"`
	Publicize     bool     `json:"publicize"` // true, which is WordPress.com's default, would post on the owner's other networks too
}

// stored is a post as a site has it.
type stored struct {
	ID     int64     `json:"ID"`
	Slug   string    `json:"slug"`
	URL    string    `json:"URL"`
	Status string    `json:"status"`
	Title  string    `json:"title"`
	Date   time.Time `json:"date"`
}

// Publish puts the files into the site's media library, and makes one post.
func (c *conn) Publish(ctx context.Context, post connectors.OutPost) (connectors.Published, error) {
	if wordpress.Empty(post) {
		return connectors.Published{}, connectors.Rejected(connectors.CodeInvalidContent, "The post is empty. Give it a title, a text or a file.", "body")
	}
	var files []wordpress.File
	for _, file := range post.Media {
		uploaded, err := c.upload(ctx, file)
		if err != nil {
			return connectors.Published{}, err
		}
		files = append(files, uploaded)
	}
	featured, files := wordpress.Featured(post, files)
	body := newPost{
		Title: wordpress.Escape(post.Title), Excerpt: wordpress.Escape(post.Options[wordpress.OptionExcerpt]), Status: wordpress.Status(post),
		Categories: wordpress.Names(post.Options[wordpress.OptionCategories]), Tags: wordpress.Names(post.Options[wordpress.OptionTags]),
	}
	body.Slug, _ = wordpress.Slug(post)
	var warnings []string
	body.Content, warnings = wordpress.Content(post, c.format, files)
	if featured != 0 {
		body.FeaturedImage = strconv.FormatInt(featured, 10)
	}
	if err := c.api.tokens.Prepare(ctx); err != nil {
		return connectors.Published{}, err
	}
	if err := post.Begin(ctx); err != nil {
		return connectors.Published{}, err
	}
	published, err := c.create(ctx, body)
	published.Warnings = append(published.Warnings, warnings...)
	return published, err
}

// create makes the post, which is the one request that matters.
func (c *conn) create(ctx context.Context, body newPost) (connectors.Published, error) {
	response, err := c.api.do(ctx, c.site+"/posts/new", func() (httpcall.Request, error) { return httpcall.Request{Method: http.MethodPost, JSON: body}, nil })
	if err != nil {
		return connectors.Published{}, err
	}
	if response.Status < 200 || response.Status > 299 {
		return connectors.Published{}, c.api.failure(response)
	}
	var answer stored
	if json.Unmarshal(response.Body, &answer) != nil || answer.ID == 0 {
		return connectors.Published{}, connectors.Unconfirmed(errUnexpected())
	}
	published := answer.published()
	if answer.Status != body.Status {
		published.Warnings = append(published.Warnings, fmt.Sprintf("The site made the post's status %q instead of %q.", connectors.Clean(answer.Status), body.Status))
	}
	return published, nil
}

// published returns the post, with its address where people can see it.
func (s stored) published() connectors.Published {
	published := connectors.Published{ProviderID: strconv.FormatInt(s.ID, 10)}
	address, err := url.Parse(s.URL)
	if err == nil && (address.Scheme == "https" || address.Scheme == "http") && address.Host != "" && s.Status == wordpress.StatusPublish {
		published.URL = s.URL
	}
	return published
}

// upload puts a file into the media library with its description. Nothing is public by that, so no error is Unconfirmed.
func (c *conn) upload(ctx context.Context, file connectors.PostMedia) (wordpress.File, error) {
	content, err := file.Open()
	if err != nil {
		return wordpress.File{}, connectors.Retryable(fmt.Errorf("open file: %w", err))
	}
	defer content.Close()
	response, err := c.api.do(ctx, c.site+"/media/new", func() (httpcall.Request, error) {
		if _, err := content.Seek(0, 0); err != nil {
			return httpcall.Request{}, connectors.Retryable(fmt.Errorf("rewind file: %w", err))
		}
		var fields []wordpress.FormField
		if file.Alt != "" {
			fields = append(fields, wordpress.FormField{Name: "attrs[0][alt]", Value: file.Alt})
		}
		form, err := wordpress.Form(file, content, "media[]", fields...)
		if err != nil {
			return httpcall.Request{}, connectors.Retryable(err)
		}
		return httpcall.Request{Method: http.MethodPost, Stream: form}, nil
	})
	if err != nil {
		return wordpress.File{}, connectors.Harmless(err)
	}
	if response.Status < 200 || response.Status > 299 {
		return wordpress.File{}, connectors.Harmless(c.api.failure(response))
	}
	return c.readUpload(file, response.Body)
}

func (c *conn) readUpload(file connectors.PostMedia, body []byte) (wordpress.File, error) {
	var answer struct {
		Media []struct {
			ID  int64  `json:"ID"`
			URL string `json:"URL"`
		} `json:"media"`
		Errors []struct {
			Error   string `json:"error"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	switch {
	case json.Unmarshal(body, &answer) != nil:
		return wordpress.File{}, connectors.Retryable(errUnexpected())
	case len(answer.Media) == 1 && answer.Media[0].ID != 0 && answer.Media[0].URL != "":
		return wordpress.File{ID: answer.Media[0].ID, URL: answer.Media[0].URL, Alt: file.Alt, Video: file.Kind == "video"}, nil
	case len(answer.Errors) > 0:
		failed := mediaRejected()
		words := c.api.clean(answer.Errors[0].Error + ": " + answer.Errors[0].Message)
		failed.Provider = &connectors.ProviderError{Code: http.StatusOK, Message: words}
		return wordpress.File{}, failed
	}
	return wordpress.File{}, connectors.Retryable(errUnexpected())
}

// FindPost looks for the post among the newest hundred, see wordpress.Find.
func (c *conn) FindPost(ctx context.Context, post connectors.OutPost) (connectors.Published, bool, error) {
	query := url.Values{
		"context": {"edit"}, "status": {"any"}, "order_by": {"ID"}, "order": {"DESC"}, "number": {strconv.Itoa(pageSize)}, "fields": {"ID,slug,URL,status,title,date"},
	}
	var page struct {
		Posts *[]stored `json:"posts"`
	}
	if err := c.api.get(ctx, c.site+"/posts?"+query.Encode(), &page); err != nil {
		return connectors.Published{}, false, err
	}
	if page.Posts == nil {
		return connectors.Published{}, false, connectors.Retryable(errUnexpected())
	}
	var newest []wordpress.Candidate
	for _, s := range *page.Posts {
		if s.ID == 0 || s.Date.IsZero() {
			return connectors.Published{}, false, connectors.Retryable(errUnexpected())
		}
		newest = append(newest, wordpress.Candidate{Slug: s.Slug, Title: s.Title, At: s.Date})
	}
	i, err := wordpress.Find(post, newest, len(newest) >= pageSize)
	if i < 0 {
		return connectors.Published{}, false, err
	}
	return (*page.Posts)[i].published(), true, nil
}
