package web

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// Kinds of a notice.
const (
	noticeGood = "success"
	noticeBad  = "danger"
)

// say has app.js show a sentence beside what htmx swaps.
func (p *page) say(kind, text string) error {
	header, err := json.Marshal(map[string]any{"notice": map[string]string{"kind": kind, "text": text}})
	if err != nil {
		return fmt.Errorf("encode notice: %w", err)
	}
	p.Set("HX-Trigger", ascii(string(header)))
	return nil
}

// notice answers htmx with nothing but a failure's sentence.
func (p *page) notice(f *failure) error {
	p.Set("HX-Reswap", "none")
	if err := p.say(noticeBad, f.Message); err != nil {
		return err
	}
	return p.Status(f.Status).SendString(f.Message)
}

// ascii writes JSON so that it can stand in a header.
func ascii(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r < 0x80:
			out.WriteRune(r)
		case r > 0xFFFF:
			r -= 0x10000
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xD800+(r>>10), 0xDC00+(r&0x3FF))
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

// done answers htmx with a notice and no part of the page; the page's live parts see what changed.
func (p *page) done(text string) error {
	if err := p.say(noticeGood, text); err != nil {
		return err
	}
	p.Set("HX-Reswap", "none")
	return p.SendStatus(fiber.StatusOK)
}
