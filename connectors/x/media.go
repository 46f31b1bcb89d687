package x

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

const (
	chunk      = 4 << 20          // bytes of a film in one request; X takes up to 5 MB
	chunkTries = 3                // of one piece
	lookEvery  = 5 * time.Second  // where X does not say when to look again
	lookMost   = 30 * time.Second // however long X says
	lookFor    = 15 * time.Minute // how long X may work on one file
)

// uploaded is a file that X has.
type uploaded struct {
	Data struct {
		ID         string `json:"id"`
		Processing *struct {
			State string `json:"state"` // pending, in_progress, succeeded, failed
			After int    `json:"check_after_secs"`
			Error struct {
				Message string `json:"message"`
				Name    string `json:"name"`
			} `json:"error"`
		} `json:"processing_info"`
	} `json:"data"`
}

// upload gives X a file with its description, waits until it can be posted, and returns its id. Nothing is public by that, so no error is Unconfirmed.
func (c *conn) upload(ctx context.Context, file connectors.PostMedia) (string, error) {
	send := c.sendFilm
	if file.Kind == "image" {
		send = c.sendImage
	}
	id, err := send(ctx, file)
	if err != nil {
		return "", mediaRejected(connectors.AsError(err), "X refuses the file "+file.FileName+": its type, its size or its content.")
	}
	if file.Alt == "" || file.Kind == "video" {
		return id, nil
	}
	type altText struct {
		Text string `json:"text"`
	}
	return id, c.api.post(ctx, "/2/media/metadata", map[string]any{"id": id, "metadata": map[string]altText{"alt_text": {file.Alt}}}, nil)
}

// sendImage uploads a picture in one request.
func (c *conn) sendImage(ctx context.Context, file connectors.PostMedia) (string, error) {
	var answer uploaded
	err := c.sendPart(ctx, "/2/media/upload", file, part{fields: [][2]string{{"media_category", "tweet_image"}}, size: file.Size}, &answer)
	if err != nil {
		return "", err
	}
	if !isID(answer.Data.ID) {
		return "", connectors.Retryable(errUnexpected())
	}
	return answer.Data.ID, c.await(ctx, answer, file.FileName)
}

// sendFilm uploads a film or an animated picture in pieces.
func (c *conn) sendFilm(ctx context.Context, file connectors.PostMedia) (string, error) {
	category := "tweet_video"
	if file.Kind == "gif" {
		category = "tweet_gif"
	}
	var answer uploaded
	err := c.api.post(ctx, "/2/media/upload/initialize", map[string]any{
		"media_type": file.ContentType, "total_bytes": file.Size, "media_category": category,
	}, &answer)
	if err != nil {
		return "", err
	}
	id := answer.Data.ID
	if !isID(id) {
		return "", connectors.Retryable(errUnexpected())
	}
	for index, offset := 0, int64(0); offset < file.Size; index, offset = index+1, offset+chunk {
		piece := part{fields: [][2]string{{"segment_index", strconv.Itoa(index)}}, offset: offset, size: min(chunk, file.Size-offset)}
		if err := c.sendPiece(ctx, "/2/media/upload/"+id+"/append", file, piece); err != nil {
			return "", err
		}
	}
	var finished uploaded
	if err := c.api.post(ctx, "/2/media/upload/"+id+"/finalize", nil, &finished); err != nil {
		return "", err
	}
	if finished.Data.ID != id {
		return "", connectors.Retryable(errUnexpected())
	}
	return id, c.await(ctx, finished, file.FileName)
}

// sendPiece uploads one piece, again where it may not have arrived: pieces are numbered.
func (c *conn) sendPiece(ctx context.Context, path string, file connectors.PostMedia, piece part) error {
	for try := 1; ; try++ {
		err := c.sendPart(ctx, path, file, piece, nil)
		if err == nil || try == chunkTries || connectors.AsError(err).Kind != connectors.KindRetryable {
			return err
		}
		if err := c.wait(ctx, time.Duration(try)*time.Second); err != nil {
			return connectors.Retryable(fmt.Errorf("wait for upload: %w", err))
		}
	}
}

// part is a piece of a file with the fields that go before it.
type part struct {
	fields       [][2]string
	offset, size int64
}

// sendPart makes a request with a piece of a file, which is read while it is sent. answer may be nil.
func (c *conn) sendPart(ctx context.Context, path string, file connectors.PostMedia, piece part, answer any) error {
	var opened []io.Closer
	defer func() {
		for _, o := range opened {
			o.Close()
		}
	}()
	return c.api.harmless(ctx, path, answer, func() (httpcall.Request, error) {
		content, err := file.Open()
		if err != nil {
			return httpcall.Request{}, connectors.Retryable(fmt.Errorf("open file: %w", err))
		}
		opened = append(opened, content)
		if _, err := content.Seek(piece.offset, io.SeekStart); err != nil {
			return httpcall.Request{}, connectors.Retryable(fmt.Errorf("read file: %w", err))
		}
		stream, err := piece.stream(file, content)
		return httpcall.Request{Method: http.MethodPost, Stream: stream}, err
	})
}

// stream frames a piece as multipart/form-data.
func (p part) stream(file connectors.PostMedia, content io.Reader) (*httpcall.Stream, error) {
	var frame bytes.Buffer
	form := multipart.NewWriter(&frame)
	var failed error
	for _, field := range p.fields {
		failed = errors.Join(failed, form.WriteField(field[0], field[1]))
	}
	_, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition("media", file.FileName)}, "Content-Type": {file.ContentType},
	})
	before := frame.Len()
	if failed = errors.Join(failed, err, form.Close()); failed != nil {
		return nil, connectors.Retryable(failed) // a buffer takes everything
	}
	body := io.MultiReader(bytes.NewReader(frame.Bytes()[:before]), io.LimitReader(content, p.size), bytes.NewReader(frame.Bytes()[before:]))
	return &httpcall.Stream{Body: body, ContentType: form.FormDataContentType(), Length: int64(frame.Len()) + p.size}, nil
}

// await looks at a file until X is done with it.
func (c *conn) await(ctx context.Context, answer uploaded, name string) error {
	id := answer.Data.ID
	for waited := time.Duration(0); waited < lookFor; {
		info := answer.Data.Processing
		if info == nil || info.State == "succeeded" {
			return nil
		}
		switch info.State {
		case "failed":
			return c.broken(name, info.Error.Name, info.Error.Message)
		case "pending", "in_progress":
		default:
			return connectors.Retryable(errUnexpected())
		}
		pause := lookEvery
		if info.After > 0 {
			pause = min(time.Duration(min(info.After, 3600))*time.Second, lookMost)
		}
		if err := c.wait(ctx, pause); err != nil {
			return connectors.Retryable(fmt.Errorf("wait for file: %w", err))
		}
		waited += pause
		answer = uploaded{}
		if err := c.api.get(ctx, "/2/media/upload?"+url.Values{"command": {"STATUS"}, "media_id": {id}}.Encode(), &answer); err != nil {
			return err
		}
		if answer.Data.ID != id {
			return connectors.Retryable(errUnexpected())
		}
	}
	failed := connectors.Retryable(errors.New("the network is still working on a file"))
	failed.Message = "X is still working on the file " + name + " after a quarter of an hour. Try again later."
	return failed
}

// broken is a file that X could not work on.
func (c *conn) broken(name, code, words string) *connectors.Error {
	failed := connectors.Rejected(connectors.CodeMediaRejected, "X could not work on the file "+name+". Convert it to a common format.", "media")
	failed.Provider = &connectors.ProviderError{Message: c.api.clean(code + ": " + words)}
	return failed
}
