package linkedin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

const (
	firstLook  = 2 * time.Second
	lastLook   = 15 * time.Second // the waits between two looks grow until here
	lookFor    = 15 * time.Minute // how long LinkedIn may work on a film
	chunkTries = 3                // of one piece of a film
	mostChunks = 10_000
)

// sendImage uploads a picture and returns its URN. Nothing is public by that, so no error is Unconfirmed.
func (c *conn) sendImage(ctx context.Context, file connectors.PostMedia) (string, error) {
	var answer struct {
		Value struct {
			URL   string `json:"uploadUrl"`
			Image string `json:"image"`
		} `json:"value"`
	}
	body := map[string]any{"initializeUploadRequest": map[string]string{"owner": c.author}}
	if err := c.api.call(ctx, http.MethodPost, "/rest/images?action=initializeUpload", body, &answer); err != nil {
		return "", err
	}
	if !isURN(answer.Value.Image, "image") {
		return "", connectors.Retryable(errUnexpected())
	}
	_, err := c.sendPart(ctx, answer.Value.URL, file, 0, file.Size)
	return answer.Value.Image, err
}

// film is the answer to the beginning of a film's upload.
type film struct {
	Value struct {
		Video        string `json:"video"`
		Token        string `json:"uploadToken"`
		Instructions []struct {
			URL   string `json:"uploadUrl"`
			First int64  `json:"firstByte"`
			Last  int64  `json:"lastByte"` // included
		} `json:"uploadInstructions"`
	} `json:"value"`
}

// covers tells whether the pieces are those of a file of that size, one after another.
func (f film) covers(size int64) bool {
	next := int64(0)
	for _, piece := range f.Value.Instructions {
		if piece.First != next || piece.Last < piece.First {
			return false
		}
		next = piece.Last + 1
	}
	return next == size && len(f.Value.Instructions) <= mostChunks
}

// sendFilm uploads a film in the pieces that LinkedIn asks for, each to an address of its own, waits until LinkedIn has worked on it, and returns its URN.
func (c *conn) sendFilm(ctx context.Context, file connectors.PostMedia) (string, error) {
	var begun film
	body := map[string]any{"initializeUploadRequest": map[string]any{
		"owner": c.author, "fileSizeBytes": file.Size, "uploadCaptions": false, "uploadThumbnail": false,
	}}
	if err := c.api.call(ctx, http.MethodPost, "/rest/videos?action=initializeUpload", body, &begun); err != nil {
		return "", err
	}
	if !isURN(begun.Value.Video, "video") || !begun.covers(file.Size) {
		return "", connectors.Retryable(errUnexpected())
	}
	parts := make([]string, 0, len(begun.Value.Instructions))
	for _, piece := range begun.Value.Instructions {
		tag, err := c.sendPiece(ctx, piece.URL, file, piece.First, piece.Last-piece.First+1)
		if err != nil {
			return "", err
		}
		parts = append(parts, tag)
	}
	body = map[string]any{"finalizeUploadRequest": map[string]any{
		"video": begun.Value.Video, "uploadToken": begun.Value.Token, "uploadedPartIds": parts,
	}}
	if err := c.api.call(ctx, http.MethodPost, "/rest/videos?action=finalizeUpload", body, nil); err != nil {
		return "", err
	}
	return begun.Value.Video, c.await(ctx, begun.Value.Video, file.FileName)
}

// sendPiece uploads a piece of a film, again where it may not have arrived, and returns its ETag.
func (c *conn) sendPiece(ctx context.Context, address string, file connectors.PostMedia, offset, size int64) (string, error) {
	for try := 1; ; try++ {
		tag, err := c.sendPart(ctx, address, file, offset, size)
		if err == nil && tag == "" {
			err = connectors.Retryable(errUnexpected())
		}
		if err == nil || try == chunkTries || connectors.AsError(err).Kind != connectors.KindRetryable {
			return tag, err
		}
		if err := c.wait(ctx, time.Duration(try)*time.Second); err != nil {
			return "", connectors.Retryable(fmt.Errorf("wait for upload: %w", err))
		}
	}
}

// sendPart puts a part of a file to an address and returns the answer's ETag. The file is read while it is sent.
func (c *conn) sendPart(ctx context.Context, address string, file connectors.PostMedia, offset, size int64) (string, error) {
	var opened []io.Closer
	defer func() {
		for _, o := range opened {
			o.Close()
		}
	}()
	response, err := c.api.put(ctx, address, func() (*httpcall.Stream, error) {
		bytes, err := file.Open()
		if err != nil {
			return nil, connectors.Retryable(fmt.Errorf("open file: %w", err))
		}
		opened = append(opened, bytes)
		if _, err := bytes.Seek(offset, io.SeekStart); err != nil {
			return nil, connectors.Retryable(fmt.Errorf("read file: %w", err))
		}
		return &httpcall.Stream{Body: io.LimitReader(bytes, size), ContentType: "application/octet-stream", Length: size}, nil
	})
	return response.Header.Get("ETag"), err
}

// await looks at a film until LinkedIn is done with it. An app that may not look (403) goes on after a while.
func (c *conn) await(ctx context.Context, urn, name string) error {
	pause := firstLook
	for waited := time.Duration(0); waited < lookFor; waited += pause {
		if err := c.wait(ctx, pause); err != nil {
			return connectors.Retryable(fmt.Errorf("wait for film: %w", err))
		}
		var answer struct {
			Status string `json:"status"`
		}
		err := c.api.call(ctx, http.MethodGet, "/rest/videos/"+url.QueryEscape(urn), nil, &answer)
		if err != nil && connectors.AsError(err).Code == connectors.CodeScopeMissing {
			return c.leaveAlone(ctx)
		}
		if err != nil {
			return err
		}
		switch answer.Status {
		case "AVAILABLE":
			return nil
		case "PROCESSING", "WAITING_UPLOAD":
		case "PROCESSING_FAILED":
			return connectors.Rejected(connectors.CodeMediaRejected, "LinkedIn could not work on the film "+name+". Convert it to MP4 of 3 seconds to 30 minutes.", "media")
		default:
			return connectors.Retryable(errUnexpected())
		}
		pause = min(pause*3/2, lastLook)
	}
	failed := connectors.Retryable(errors.New("the network is still working on a film"))
	failed.Message = "LinkedIn is still working on the film " + name + " after a quarter of an hour. Try again later."
	return failed
}

// leaveAlone gives LinkedIn time for a film that it lets nobody look at.
func (c *conn) leaveAlone(ctx context.Context) error {
	if err := c.wait(ctx, lastLook); err != nil {
		return connectors.Retryable(fmt.Errorf("wait for film: %w", err))
	}
	return nil
}

// isURN tells whether a text is a URN of a kind.
func isURN(text, kind string) bool {
	return regexp.MustCompile(`^urn:li:` + kind + `:[A-Za-z0-9_-]+$`).MatchString(text)
}
