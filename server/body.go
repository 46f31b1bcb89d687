package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/problem"
)

// decode reads a JSON object into target, a pointer to a struct with json tags. It reports everything that is wrong with
// the fields at once: see decodeObject. An absent body counts as {}.
func (r *request) decode(target any) error {
	raw, err := r.rawJSON()
	if err != nil {
		return err
	}
	return decodeObject(raw, target)
}

// rawJSON returns the body's bytes after the checks that concern it as a whole.
func (r *request) rawJSON() ([]byte, error) {
	raw, err := r.rawBody()
	if err != nil {
		return nil, err
	}
	if len(raw) == 0 {
		return []byte("{}"), nil
	}
	kind, params, err := mime.ParseMediaType(r.Get(fiber.HeaderContentType))
	charset := strings.ToLower(params["charset"])
	if err != nil || kind != fiber.MIMEApplicationJSON || (charset != "" && charset != "utf-8" && charset != "utf8") {
		return nil, problem.New(problem.UnsupportedMediaType, "Send the body as JSON in UTF-8, with the header Content-Type: application/json.")
	}
	return raw, nil
}

// rawBody returns the body as it was sent: nothing unpacks it, since a few kilobytes can unpack to gigabytes.
func (r *request) rawBody() ([]byte, error) { return r.rawBodyUpTo(maxBody) }

// checkEncoding refuses bodies that would have to be unpacked.
func (r *request) checkEncoding() error {
	if encoding := r.Get(fiber.HeaderContentEncoding); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return problem.New(problem.EncodedBody, "The body is compressed. Send it as it is, without a Content-Encoding header.")
	}
	return nil
}

// rawBodyUpTo is rawBody with a limit of its own, in whole MiB.
func (r *request) rawBodyUpTo(most int) ([]byte, error) {
	if err := r.checkEncoding(); err != nil {
		return nil, err
	}
	raw := r.Request().Body()
	if len(raw) > most {
		return nil, problem.New(problem.BodyTooLarge, fmt.Sprintf("The body is larger than %d MiB. Send media by URL instead.", most>>20))
	}
	return raw, nil
}

// writeAnswer writes an answer; see encode.
func writeAnswer(c *fiber.Ctx, a answer) error {
	status, body, err := encode(a)
	if err != nil {
		return err
	}
	c.Status(status)
	switch {
	case a.raw != nil:
		c.Set(fiber.HeaderContentType, a.contentType)
	case a.body != nil:
		c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	default:
		return nil // no body, or one that the handler streams
	}
	c.Response().SetBodyRaw(body)
	return nil
}

// encode gives an answer's bytes; none for an answer without a body. In JSON <, > and & stay as they are: texts are people's messages.
func encode(a answer) (int, []byte, error) {
	if a.raw != nil || a.body == nil {
		return a.status, a.raw, nil
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(a.body); err != nil {
		return 0, nil, fmt.Errorf("encode answer: %w", err)
	}
	return a.status, bytes.TrimRight(out.Bytes(), "\n"), nil
}

func retryAfterSeconds(wait time.Duration) string {
	return strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10)
}
