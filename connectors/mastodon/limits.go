package mastodon

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// What an instance may say at most; what is more is a mistake, and is not believed.
const (
	mostText  = 1_000_000
	mostFiles = 100
	mostTypes = 100
)

// instance is the part of GET /api/v2/instance, and of v1, that tells limits.
type instance struct {
	Configuration *struct {
		Statuses struct {
			MaxCharacters    int `json:"max_characters"`
			MaxMedia         int `json:"max_media_attachments"`
			CharactersPerURL int `json:"characters_reserved_per_url"`
		} `json:"statuses"`
		Media struct {
			Types       []string `json:"supported_mime_types"`
			ImageSize   int64    `json:"image_size_limit"`
			VideoSize   int64    `json:"video_size_limit"`
			Description int      `json:"description_limit"`
		} `json:"media_attachments"`
	} `json:"configuration"`
	MaxTootChars int `json:"max_toot_chars"` // of v1, on servers without configuration
}

// PostLimits asks the instance for its limits. Older servers tell them at the first version of the same address.
func (c *conn) PostLimits(ctx context.Context) (connectors.PostLimits, error) {
	var failed error
	for _, path := range []string{"/api/v2/instance", "/api/v1/instance"} {
		response, err := c.api.do(ctx, path, httpcall.Request{Method: http.MethodGet})
		if err != nil {
			return connectors.PostLimits{}, err
		}
		var answer instance
		switch {
		case response.Status != http.StatusOK:
			failed = c.api.failure(response)
		case json.Unmarshal(response.Body, &answer) != nil:
			failed = connectors.Retryable(errUnexpected())
		default:
			return answer.limits(), nil
		}
	}
	return connectors.PostLimits{}, failed
}

// limits translates. What is missing or senseless stays 0, which means the limit of the kind.
func (i instance) limits() connectors.PostLimits {
	limits := connectors.PostLimits{Counter: connectors.CountMastodon, TextLength: within(i.MaxTootChars, mostText)}
	if i.Configuration == nil {
		return limits
	}
	statuses, media := i.Configuration.Statuses, i.Configuration.Media
	if most := within(statuses.MaxCharacters, mostText); most > 0 {
		limits.TextLength = most
	}
	limits.URLLength, limits.AltLength = within(statuses.CharactersPerURL, mostText), within(media.Description, mostText)
	limits.Images = within(statuses.MaxMedia, mostFiles)
	limits.ImageBytes, limits.VideoBytes = max(media.ImageSize, 0), max(media.VideoSize, 0)
	for _, contentType := range media.Types[:min(len(media.Types), mostTypes)] {
		switch family, _, _ := strings.Cut(contentType, "/"); family {
		case "image":
			limits.ImageTypes = append(limits.ImageTypes, contentType)
		case "video":
			limits.VideoTypes = append(limits.VideoTypes, contentType)
		}
	}
	return limits
}

// within returns a number between 1 and most, and 0 for any other.
func within(n, most int) int {
	if n < 1 || n > most {
		return 0
	}
	return n
}
