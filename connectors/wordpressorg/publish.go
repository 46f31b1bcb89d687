package wordpressorg

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/connectors/wordpress"
)

// newPost is the body of POST /wp/v2/posts.
type newPost struct {
	Title         string  `json:"title"`
	Content       string  `json:"content"`
	Excerpt       string  `json:"excerpt,omitempty"`
	Status        string  `json:"status"`
	Slug          string  `json:"slug"`
	FeaturedMedia int64   `json:"featured_media,omitempty"`
	Categories    []int64 `json:"categories,omitempty"`
	Tags          []int64 `json:"tags,omitempty"`
}

// stored is a post as a site has it.
type stored struct {
	ID            int64  `json:"id"`
	Slug          string `json:"slug"`
	Link          string `json:"link"`
	Status        string `json:"status"`
	FeaturedMedia int64  `json:"featured_media"`
	DateGMT       string `json:"date_gmt"`
	Title         struct {
		Raw string `json:"raw"`
	} `json:"title"`
}

// Publish puts the files into the media library, finds or makes categories and tags, and makes one post.
func (c *conn) Publish(ctx context.Context, post connectors.OutPost) (connectors.Published, error) {
	if wordpress.Empty(post) {
		return connectors.Published{}, connectors.Rejected(connectors.CodeInvalidContent, "The post is empty. Give it a title, a text or a file.", "body")
	}
	body := newPost{Title: wordpress.Escape(post.Title), Status: wordpress.Status(post), Excerpt: wordpress.Escape(post.Options[wordpress.OptionExcerpt])}
	body.Slug, _ = wordpress.Slug(post)
	var err error
	if body.Categories, err = c.terms(ctx, "categories", post.Options[wordpress.OptionCategories]); err != nil {
		return connectors.Published{}, err
	}
	if body.Tags, err = c.terms(ctx, "tags", post.Options[wordpress.OptionTags]); err != nil {
		return connectors.Published{}, err
	}
	var files []wordpress.File
	for _, file := range post.Media {
		uploaded, err := c.upload(ctx, file)
		if err != nil {
			return connectors.Published{}, err
		}
		files = append(files, uploaded)
	}
	var warnings []string
	body.FeaturedMedia, files = wordpress.Featured(post, files)
	body.Content, warnings = wordpress.Content(post, c.format, files)
	if _, err := c.api.discover(ctx); err != nil {
		return connectors.Published{}, err // before Begin: nothing was sent
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
	response, err := c.api.do(ctx, "/wp/v2/posts", nil, httpcall.Request{Method: http.MethodPost, JSON: body})
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
	if answer.FeaturedMedia != body.FeaturedMedia { // unknown ones are accepted and left out
		published.Warnings = append(published.Warnings, "The site did not take the picture as the post's featured image.")
	}
	return published, nil
}

// published returns the post, with its address where people can see it.
func (s stored) published() connectors.Published {
	published := connectors.Published{ProviderID: strconv.FormatInt(s.ID, 10)}
	address, err := url.Parse(s.Link)
	if err == nil && (address.Scheme == "https" || address.Scheme == "http") && address.Host != "" && s.Status == wordpress.StatusPublish {
		published.URL = s.Link
	}
	return published
}

// terms returns the ids of categories or tags by their names; those that are not there are made.
func (c *conn) terms(ctx context.Context, taxonomy, list string) ([]int64, error) {
	var ids []int64
	for _, name := range wordpress.Names(list) {
		id, err := c.term(ctx, taxonomy, name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func (c *conn) term(ctx context.Context, taxonomy, name string) (int64, error) {
	var known []struct {
		ID   int64  `json:"id"`
		Name string `json:"name"` // as HTML
	}
	query := url.Values{"search": {name}, "per_page": {"100"}, "_fields": {"id,name"}}
	if err := c.api.get(ctx, "/wp/v2/"+taxonomy, query, &known); err != nil {
		return 0, err
	}
	for _, term := range known {
		if term.ID > 0 && strings.EqualFold(html.UnescapeString(term.Name), name) {
			return term.ID, nil
		}
	}
	response, err := c.api.do(ctx, "/wp/v2/"+taxonomy, nil, httpcall.Request{Method: http.MethodPost, JSON: map[string]string{"name": name}})
	if err != nil {
		return 0, connectors.Harmless(err)
	}
	told := readRefusal(response.Body)
	switch {
	case response.Status == http.StatusBadRequest && told.Code == "term_exists" && told.Data.TermID > 0:
		return told.Data.TermID, nil
	case response.Status == http.StatusForbidden && told.Code != "":
		failed := connectors.Rejected(connectors.CodeScopeMissing, fmt.Sprintf("There is no %q among the site's %s, and this user may not add it. Add it in WordPress, or leave it out.", name, taxonomy), "options."+taxonomy)
		failed.Provider = c.api.failure(response).Provider
		return 0, failed
	case response.Status < 200 || response.Status > 299:
		return 0, connectors.Harmless(c.api.failure(response))
	}
	var made struct {
		ID int64 `json:"id"`
	}
	if json.Unmarshal(response.Body, &made) != nil || made.ID == 0 {
		return 0, connectors.Retryable(errUnexpected())
	}
	return made.ID, nil
}

// upload puts a file into the media library with its description. Nothing is public by that, so no error is Unconfirmed.
func (c *conn) upload(ctx context.Context, file connectors.PostMedia) (wordpress.File, error) {
	content, err := file.Open()
	if err != nil {
		return wordpress.File{}, connectors.Retryable(fmt.Errorf("open file: %w", err))
	}
	defer content.Close()
	var fields []wordpress.FormField
	if file.Alt != "" {
		fields = append(fields, wordpress.FormField{Name: "alt_text", Value: wordpress.Escape(file.Alt)})
	}
	form, err := wordpress.Form(file, content, "file", fields...)
	if err != nil {
		return wordpress.File{}, connectors.Retryable(err)
	}
	response, err := c.api.do(ctx, "/wp/v2/media", nil, httpcall.Request{Method: http.MethodPost, Stream: form})
	if err != nil {
		return wordpress.File{}, connectors.Harmless(err)
	}
	if response.Status < 200 || response.Status > 299 {
		return wordpress.File{}, connectors.Harmless(c.api.failure(response))
	}
	var answer struct {
		ID        int64  `json:"id"`
		SourceURL string `json:"source_url"`
	}
	if json.Unmarshal(response.Body, &answer) != nil || answer.ID == 0 || answer.SourceURL == "" {
		return wordpress.File{}, connectors.Retryable(errUnexpected())
	}
	return wordpress.File{ID: answer.ID, URL: answer.SourceURL, Alt: file.Alt, Video: file.Kind == "video"}, nil
}
