package wordpress

import (
	"errors"
	"html"
	"regexp"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

// clockSkew is by which a site's clock may be behind ours.
const clockSkew = time.Minute

// Candidate is one of a site's posts.
type Candidate struct {
	Slug, Title string // Title as HTML
	At          time.Time
}

// Find looks for a post among a site's newest ones: by the mark at the end of its slug, or where the user gave the slug, by slug, title and time.
// more says that the site has older ones beside these. It returns -1 where the post is surely not there. Where one could be it but
// is not surely, or where more would have to be looked at, it is an error, Retryable.
func Find(post connectors.OutPost, newest []Candidate, more bool) (int, error) {
	since, unsure := post.StartedAt.Add(-clockSkew), false
	for i, candidate := range newest {
		recent := !candidate.At.Before(since)
		more = more && recent
		switch candidate.compare(post, recent) {
		case same:
			return i, nil
		case similar:
			unsure = true
		}
	}
	if unsure || more {
		return -1, connectors.Retryable(errors.New("the site's posts do not tell whether it is among them"))
	}
	return -1, nil
}

// likeness is how far a post of the site is the one that is looked for.
type likeness int

const (
	other likeness = iota
	similar
	same
)

func (c Candidate) compare(post connectors.OutPost, recent bool) likeness {
	slug, marked := Slug(post)
	slug = strings.ToLower(slug)
	sameTitle := squeeze(html.UnescapeString(c.Title)) == squeeze(post.Title)
	switch {
	case marked && strings.HasSuffix(c.Slug, Mark(post)):
		return same
	case marked && c.Slug == "" && recent && sameTitle: // contributors' posts have no slug before their review
		return similar
	case marked || !recent:
		return other
	case sameTitle && (c.Slug == slug || regexp.MustCompile(`^`+regexp.QuoteMeta(slug)+`-\d+$`).MatchString(c.Slug)):
		return same
	case sameTitle:
		return similar // WordPress may have written the slug in another way
	}
	return other
}

// squeeze drops white space, which WordPress trims.
func squeeze(text string) string { return strings.Join(strings.Fields(text), "") }
