package facebook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/posting"
)

const (
	chunkTries = 3               // of one piece of a film
	chunkPause = 2 * time.Second // before the second try; longer before the next
	firstLook  = 2 * time.Second
	lastLook   = 30 * time.Second // the waits between two looks grow until here
	lookFor    = 4 * time.Minute  // how long a published film is watched; Facebook may work on it for longer
)

// session is the upload of one film.
type session struct {
	ID    string `json:"upload_session_id"`
	Video string `json:"video_id"`
	piece
}

// piece is the part of a film that Facebook wants next, in bytes from its beginning. It wants no more where both are the same.
type piece struct {
	Start offset `json:"start_offset"`
	End   offset `json:"end_offset"`
}

// offset is a number that comes as a text.
type offset int64

// UnmarshalJSON takes a number or a text.
func (o *offset) UnmarshalJSON(raw []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	if err != nil {
		return fmt.Errorf("read offset: %w", err)
	}
	*o = offset(n)
	return nil
}

// publishVideo uploads a film in pieces. The request that ends the upload publishes it; what it looks like is known a while later.
func (c *conn) publishVideo(ctx context.Context, post connectors.OutPost) (connectors.Published, error) {
	file := post.Media[0]
	content, err := open(file)
	if err != nil {
		return connectors.Published{}, err
	}
	defer content.Close()
	upload, err := c.upload(ctx, file, content)
	if err != nil {
		return connectors.Published{}, err
	}
	if err := post.Begin(ctx); err != nil {
		return connectors.Published{}, err
	}
	body := map[string]string{"upload_phase": "finish", "upload_session_id": upload.ID}
	if post.Text != "" {
		body["description"] = post.Text
	}
	var answer struct {
		Success bool `json:"success"`
	}
	if err := c.graph.ForVideos().Publish(ctx, c.edge("videos"), body, &answer); err != nil {
		return connectors.Published{}, err
	}
	if !answer.Success {
		return connectors.Published{}, posting.Unnamed("success")
	}
	return c.await(ctx, upload.Video, file)
}

// upload gives Facebook a film that nobody sees yet.
func (c *conn) upload(ctx context.Context, file connectors.PostMedia, content io.ReadSeeker) (session, error) {
	graph := c.graph.ForVideos()
	var s session
	if err := graph.Post(ctx, c.edge("videos"), map[string]any{"upload_phase": "start", "file_size": file.Size}, &s); err != nil {
		return session{}, connectors.Harmless(err)
	}
	if s.ID == "" || s.Video == "" {
		return session{}, posting.Unexpected("upload session")
	}
	for s.Start != s.End {
		if s.Start < 0 || s.End <= s.Start || int64(s.End) > file.Size {
			return session{}, posting.Unexpected("usable offset")
		}
		next, err := c.transfer(ctx, graph, s, file, content)
		if err != nil {
			return session{}, err
		}
		if next.Start <= s.Start { // or it would go on for ever
			return session{}, posting.Unexpected("usable offset")
		}
		s.piece = next
	}
	if int64(s.Start) != file.Size {
		return session{}, posting.Unexpected("usable offset")
	}
	return s, nil
}

// transfer sends one piece, a few times where that fails for a while: the pieces before need not go again.
func (c *conn) transfer(ctx context.Context, graph *meta.Graph, s session, file connectors.PostMedia, content io.ReadSeeker) (piece, error) {
	for try := 1; ; try++ {
		next, err := c.transferOnce(ctx, graph, s, file, content)
		if err == nil {
			return next, nil
		}
		failed := connectors.Harmless(err)
		if failed.Kind != connectors.KindRetryable || try == chunkTries {
			return piece{}, failed
		}
		if err := c.options.Pause(ctx, time.Duration(try)*chunkPause); err != nil {
			return piece{}, failed
		}
	}
}

func (c *conn) transferOnce(ctx context.Context, graph *meta.Graph, s session, file connectors.PostMedia, content io.ReadSeeker) (piece, error) {
	if _, err := content.Seek(int64(s.Start), io.SeekStart); err != nil {
		return piece{}, connectors.Retryable(fmt.Errorf("read film: %w", err))
	}
	body, err := form([]field{
		{"upload_phase", "transfer"}, {"upload_session_id", s.ID}, {"start_offset", strconv.FormatInt(int64(s.Start), 10)},
	}, part{name: "video_file_chunk", fileName: file.FileName, contentType: "application/octet-stream", content: content, size: int64(s.End - s.Start)})
	if err != nil {
		return piece{}, err
	}
	var next *piece
	if err := graph.Upload(ctx, c.edge("videos"), body, &next); err != nil {
		return piece{}, err
	}
	if next == nil {
		return piece{}, posting.Unexpected("usable offset")
	}
	return *next, nil
}

// await looks at a film that is published until Facebook has worked on it. Only that Facebook could not is a failure: else the film is out, or will be.
func (c *conn) await(ctx context.Context, id string, file connectors.PostMedia) (connectors.Published, error) {
	out := published(id, "")
	if file.Alt != "" {
		out.Warnings = append(out.Warnings, "Facebook takes no description of a film, so it was left out.")
	}
	pause := firstLook
	for waited := time.Duration(0); waited < lookFor; waited += pause {
		var v video
		err := c.graph.Get(ctx, "/"+url.PathEscape(id)+"?fields=status,permalink_url,post_id", &v)
		switch {
		case err != nil && connectors.AsError(err).Kind != connectors.KindRetryable:
			return out, nil
		case err != nil:
		case v.Status.Video == "error":
			failed := connectors.Rejected(connectors.CodeMediaRejected, "Facebook could not work on the film "+file.FileName+". Convert it to MP4 with H.264 and AAC.", "media")
			failed.Err = errors.New("the film's status is error")
			return connectors.Published{}, failed
		default:
			out.URL = posting.Address(v.Permalink, out.URL)
			if v.Status.Video == "ready" {
				return out, nil
			}
		}
		pause = min(pause*3/2, lastLook)
		if c.options.Pause(ctx, pause) != nil {
			break
		}
	}
	out.Warnings = append(out.Warnings, "Facebook is still working on the film. It appears on the Page when that is done.")
	return out, nil
}

// video is a film as Facebook has it.
type video struct {
	ID          string `json:"id"`
	Description string `json:"description"`
	Created     string `json:"created_time"`
	Permalink   string `json:"permalink_url"`
	Status      struct {
		Video string `json:"video_status"` // processing, ready, error and others
	} `json:"status"`
}
