package instagram

import (
	"fmt"
	"image/jpeg"
	"regexp"

	"github.com/switchhook/switchhook/connectors"
)

// Limits of posts, as Meta's pages have them.
const (
	maxCaption  = 2200 // characters
	maxHashtags = 30
	maxMentions = 20
	maxFiles    = 10        // in a carousel
	maxPhoto    = 8 << 20   // bytes
	maxVideo    = 300 << 20 // bytes

	widest = 1.91 // of a picture's sides, one to the other
)

const (
	optionFeed  = "shareToFeed"
	optionThumb = "thumbOffset"
)

func postInfo() *connectors.PostInfo {
	return &connectors.PostInfo{
		Text: connectors.PostPlain, FirstComment: true, Fetches: true,
		Limits: connectors.PostLimits{
			Counter: connectors.CountRunes, TextLength: maxCaption, MediaRequired: true, Images: maxFiles, Videos: maxFiles, Mixed: true,
			ImageBytes: maxPhoto, VideoBytes: maxVideo, ImageTypes: []string{"image/jpeg"}, VideoTypes: []string{"video/mp4", "video/quicktime"},
		},
		Options: []connectors.Field{
			{
				Key: optionFeed, Label: "Show in the feed", Type: connectors.FieldSelect, Options: []string{"yes", "no"},
				Help: "Whether a film, which is a reel, stands among the account's posts too.",
			},
			{
				Key: optionThumb, Label: "Cover", Type: connectors.FieldText, Pattern: "[0-9]{1,6}", Placeholder: "1500",
				Help: "The milliseconds from a film's beginning at which its cover is taken.",
			},
		},
	}
}

// checkPost refuses what Instagram would refuse, before any call.
func checkPost(post connectors.OutPost) error {
	switch hashtags, mentions := countTags(post.Text); {
	case len(post.Media) == 0:
		return connectors.Rejected(connectors.CodeMediaRejected, "Instagram takes no post without a picture or a film.", "media")
	case len(post.Media) > maxFiles:
		return connectors.Rejected(connectors.CodeMediaRejected, fmt.Sprintf("Instagram takes at most %d files in one post; this one has %d.", maxFiles, len(post.Media)), "media")
	case hashtags > maxHashtags:
		return connectors.Rejected(connectors.CodeInvalidContent, fmt.Sprintf("Instagram takes at most %d hashtags in a caption; this one has %d.", maxHashtags, hashtags), "body")
	case mentions > maxMentions:
		return connectors.Rejected(connectors.CodeInvalidContent, fmt.Sprintf("Instagram takes at most %d mentions in a caption; this one has %d.", maxMentions, mentions), "body")
	}
	for i, file := range post.Media {
		if err := checkFile(file, fmt.Sprintf("media[%d]", i)); err != nil {
			return err
		}
	}
	return nil
}

func checkFile(file connectors.PostMedia, field string) error {
	rejected := func(sentence string) error { return connectors.Rejected(connectors.CodeMediaRejected, sentence, field) }
	most := int64(maxPhoto)
	if file.Kind == "video" {
		most = maxVideo
	}
	switch {
	case file.URL == "":
		return rejected("Instagram fetches files itself, so that the server must have a public address: the operator sets BASE_URL.")
	case file.Size > most:
		return rejected(fmt.Sprintf("The file %s has %d bytes; Instagram takes at most %d. Make it smaller.", file.FileName, file.Size, most))
	case file.Kind == "video":
		return nil
	case file.ContentType != "image/jpeg":
		return rejected("The picture " + file.FileName + " is of the type " + file.ContentType + "; Instagram takes JPEG alone. Convert it.")
	case tooLong(file):
		return rejected("The picture " + file.FileName + " is too long: Instagram takes sides from 4:5 to 1.91:1. Crop it.")
	}
	return nil
}

// tooLong tells whether a picture's sides are out of proportion whichever way it is turned: how it is to be turned stands elsewhere in the file. Where its size cannot
// be read, Instagram judges.
func tooLong(file connectors.PostMedia) bool {
	if file.Open == nil {
		return false
	}
	content, err := file.Open()
	if err != nil {
		return false
	}
	defer content.Close()
	size, err := jpeg.DecodeConfig(content) // reads the head of the file alone
	if err != nil || size.Width <= 0 || size.Height <= 0 {
		return false
	}
	longer, shorter := max(size.Width, size.Height), min(size.Width, size.Height)
	return float64(longer) > (widest+0.01)*float64(shorter) // pixels are whole
}

// countTags counts the hashtags and mentions of a text, as far as they begin a word.
func countTags(text string) (hashtags, mentions int) {
	hashtags = len(regexp.MustCompile(`(?:^|[^\pL\pN_&/])#\pN*[\pL_]`).FindAllString(text, -1))
	mentions = len(regexp.MustCompile(`(?:^|[^\pL\pN_./])@[A-Za-z0-9_]`).FindAllString(text, -1))
	return hashtags, mentions
}
