package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/gofiber/fiber/v2"
)

// list is what the API answers on lists.
type list[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"nextCursor"`
}

// read asks the API for something and decodes it into target, a pointer. The error is a *failure where the API refused.
func (p *page) read(target any, path string, query url.Values) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return p.call(Call{Method: fiber.MethodGet, Target: path}, target)
}

// send has the API do something. body is sent as JSON, nil as none; the answer is decoded into target unless that is nil. A form that carries the
// field "once" acts once, however often it is sent.
func (p *page) send(method, path string, body, target any) error {
	c := Call{Method: method, Target: path}
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode call: %w", err)
		}
		c.Body, c.ContentType = raw, fiber.MIMEApplicationJSON
	}
	if once := p.form.Get("once"); once != "" && len(once) <= 64 {
		c.Idempotency = "dashboard-" + once
	}
	return p.call(c, target)
}

func (p *page) call(c Call, target any) error {
	status, answer := p.web.o.API.Call(p.ctx, p.login.Principal, c)
	if status >= http.StatusBadRequest {
		f := &failure{}
		if err := json.Unmarshal(answer, f); err != nil {
			return fmt.Errorf("read refusal of %s %s: %w", c.Method, c.Target, err)
		}
		f.Status = status
		f.sort()
		return f
	}
	if target == nil || len(answer) == 0 {
		return nil
	}
	if err := json.Unmarshal(answer, target); err != nil {
		return fmt.Errorf("read answer to %s %s: %w", c.Method, c.Target, err)
	}
	return nil
}
