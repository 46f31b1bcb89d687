package mastodon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

const (
	firstLook   = time.Second
	lastLook    = 10 * time.Second // the waits between two looks grow until here
	lookFor     = 10 * time.Minute // how long an instance may work on one file
	uploadTries = 2                // after so many answers 500 the file itself is at fault
)

// attachment is a file that an instance has.
type attachment struct {
	ID string `json:"id"`
}

// upload gives the instance a file, waits until it can be attached, and returns its id. Nothing is public by that, so no error is Unconfirmed.
func (c *conn) upload(ctx context.Context, file connectors.PostMedia) (string, error) {
	var response httpcall.Response
	for range uploadTries {
		var err error
		if response, err = c.sendFile(ctx, file); err != nil {
			return "", connectors.Harmless(err)
		}
		if response.Status != http.StatusInternalServerError {
			break
		}
	}
	switch response.Status {
	case http.StatusOK, http.StatusAccepted:
	case http.StatusInternalServerError:
		return "", c.mediaRejected(response, "The instance could not work on the file "+file.FileName+", twice. Convert it to a common format.")
	case http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return "", c.mediaRejected(response, "The instance refuses the file "+file.FileName+": its type, its size or its content.")
	default:
		return "", connectors.Harmless(c.api.failure(response))
	}
	var answer attachment
	if json.Unmarshal(response.Body, &answer) != nil || answer.ID == "" {
		return "", connectors.Retryable(errUnexpected())
	}
	if response.Status == http.StatusAccepted {
		return answer.ID, c.await(ctx, answer.ID, file.FileName)
	}
	return answer.ID, nil
}

func (c *conn) mediaRejected(response httpcall.Response, sentence string) *connectors.Error {
	failed := connectors.Rejected(connectors.CodeMediaRejected, sentence, "media")
	failed.Provider, failed.Err = c.api.refusal(response), fmt.Errorf("the instance answered %d to a file", response.Status)
	return failed
}

// sendFile makes the request of an upload. The file is read while it is sent.
func (c *conn) sendFile(ctx context.Context, file connectors.PostMedia) (httpcall.Response, error) {
	content, err := file.Open()
	if err != nil {
		return httpcall.Response{}, connectors.Retryable(fmt.Errorf("open file: %w", err))
	}
	defer content.Close()
	var frame bytes.Buffer
	form := multipart.NewWriter(&frame)
	if file.Alt != "" {
		err = form.WriteField("description", file.Alt)
	}
	_, partErr := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition("file", file.FileName)}, "Content-Type": {file.ContentType},
	})
	before := frame.Len()
	if err = errors.Join(err, partErr, form.Close()); err != nil {
		return httpcall.Response{}, connectors.Retryable(err) // a buffer takes everything
	}
	body := io.MultiReader(bytes.NewReader(frame.Bytes()[:before]), content, bytes.NewReader(frame.Bytes()[before:]))
	return c.api.do(ctx, "/api/v2/media", httpcall.Request{Method: http.MethodPost, Stream: &httpcall.Stream{
		Body: body, ContentType: form.FormDataContentType(), Length: int64(frame.Len()) + file.Size,
	}})
}

// await looks at a file until the instance is done with it: 206 while it works, 200 when the file can be attached, 422 when it cannot.
func (c *conn) await(ctx context.Context, id, name string) error {
	pause := firstLook
	for waited := time.Duration(0); waited < lookFor; waited += pause {
		if err := c.wait(ctx, pause); err != nil {
			return connectors.Retryable(fmt.Errorf("wait for file: %w", err))
		}
		response, err := c.api.do(ctx, "/api/v1/media/"+url.PathEscape(id), httpcall.Request{Method: http.MethodGet})
		if err != nil {
			return err
		}
		switch response.Status {
		case http.StatusOK:
			return nil
		case http.StatusPartialContent:
		case http.StatusUnprocessableEntity:
			return c.mediaRejected(response, "The instance could not work on the file "+name+". Convert it to a common format.")
		default:
			return c.api.failure(response)
		}
		pause = min(pause*3/2, lastLook)
	}
	failed := connectors.Retryable(errors.New("the instance is still working on a file"))
	failed.Message = "The instance is still working on the file " + name + " after ten minutes. Try again later."
	return failed
}
