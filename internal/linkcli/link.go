package linkcli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/switchhook/switchhook/internal/apiclient"
	"github.com/switchhook/switchhook/internal/qrcode"
)

// pairTries is how often a code to type in is asked for while the server is not ready to give one.
const pairTries = 15

// Request says what to link.
type Request struct {
	Session string // the session's id, "sess_…"; empty makes a new one
	Name    string // of the new session
	Phone   string // with a number, the phone is linked by a code to type in instead of a QR code
}

// Link links a phone and returns nil once it is online. It shows each code and each change of the state. Its error wraps ErrNotLinked
// where linking has come to an end without success; the session stays and can be linked by a further call.
func Link(ctx context.Context, o Options, r Request) error {
	c, err := newClient(o)
	if err != nil {
		return err
	}
	s, err := c.begin(ctx, r)
	if err != nil {
		return err
	}
	if s.Status != "CONNECTED" && r.Phone != "" {
		if c.code, err = c.pair(ctx, s.ID, r.Phone); err != nil {
			return err
		}
		c.showStep(s.ID, c.code)
	}
	return c.follow(ctx, s.ID)
}

// begin makes a session, or sees to it that an earlier one waits for its phone.
func (c *client) begin(ctx context.Context, r Request) (*session, error) {
	var s session
	if r.Session == "" {
		if err := c.call(ctx, http.MethodPost, "/v1/sessions", map[string]string{"name": r.Name}, &s); err != nil {
			return nil, err
		}
		c.say("Session %s is made. To go on with it another time: --session %s", s.ID, s.ID)
		return &s, nil
	}
	path := "/v1/sessions/" + url.PathEscape(r.Session)
	if err := c.call(ctx, http.MethodGet, path, nil, &s); err != nil {
		return nil, err
	}
	if !waitsForLink(&s) || r.Phone != "" { // asking for a code to type in begins to link
		return &s, nil
	}
	err := c.call(ctx, http.MethodPost, path+"/link", nil, &s)
	var refused *apiclient.RefusalError
	if errors.As(err, &refused) && refused.Status == http.StatusConflict {
		return &s, nil // it is under way, or its state says why it cannot be
	}
	return &s, err
}

// waitsForLink tells whether nothing happens to a session before somebody begins anew.
func waitsForLink(s *session) bool {
	return s.Status == "LOGGED_OUT" || (s.Status == "DISCONNECTED" && !s.Retry)
}

// pair asks for a code to type in, and returns the step that it belongs to. A session that was just made is with no process yet, which takes a moment.
func (c *client) pair(ctx context.Context, id, phone string) (*step, error) {
	tick := time.NewTicker(c.Every)
	defer tick.Stop()
	for try := 1; ; try++ {
		given := step{Kind: "pairing_code"}
		err := c.call(ctx, http.MethodPost, "/v1/sessions/"+url.PathEscape(id)+"/pair", map[string]string{"phoneNumber": phone}, &given)
		if err == nil || over(err) || try == pairTries {
			return &given, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("stopped before there was a code: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// follow shows what happens until the session is online, or will not be.
func (c *client) follow(ctx context.Context, id string) error {
	tick := time.NewTicker(c.Every)
	defer tick.Stop()
	shown := ""
	for {
		var s session
		if err := c.call(ctx, http.MethodGet, "/v1/sessions/"+url.PathEscape(id), nil, &s); err != nil {
			if over(err) {
				return err
			}
			c.say("The server does not answer (%v). Trying again.", err)
		} else {
			if state := stateOf(&s); state != shown {
				shown = state
				c.show(&s)
			}
			if done, err := outcome(&s); done {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("stopped before the phone was linked: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// over tells whether asking again is pointless: the server has refused, other than for a moment.
func over(err error) bool {
	var refused *apiclient.RefusalError
	if !errors.As(err, &refused) {
		return errors.Is(err, context.Canceled)
	}
	return !refused.Passing()
}

// stateOf is what a user sees of a session: while it stays the same, nothing is shown again.
func stateOf(s *session) string {
	state := s.Status + "/" + s.Reason
	if s.Step != nil {
		state += "/" + s.Step.Kind + "/" + s.Step.Code
	}
	return state
}

// outcome tells whether linking is over, and how it ended.
func outcome(s *session) (done bool, err error) {
	switch {
	case s.Status == "CONNECTED":
		return true, nil
	case waitsForLink(s):
		return true, fmt.Errorf("%w: %s", ErrNotLinked, reasonOf(s))
	}
	return false, nil
}

func reasonOf(s *session) string {
	if s.Message != "" {
		return s.Message
	}
	return "its state is " + s.Status + " " + s.Reason
}

// show tells the user where linking stands and what to do.
func (c *client) show(s *session) {
	switch {
	case s.Status == "CONNECTED":
		c.say("Connected as %s. Send with POST /v1/messages and \"sessionId\": %q.", strings.TrimSpace(s.Phone+" "+plain(s.PushName)), s.ID)
	case s.Step != nil && c.code != nil && (s.Step.Kind == "qr" || s.Step.Code == c.code.Code):
		// The code to type in is on the screen already, and has taken the place of the QR code.
	case s.Step != nil:
		c.showStep(s.ID, s.Step)
	case s.Status == "PENDING":
		c.say("Waiting for the first code.")
	case s.Status == "CONNECTING":
		c.say("The phone has accepted. Connecting.")
	case s.Message != "":
		c.say("%s: %s", s.Status, plain(s.Message))
	default:
		c.say("%s", s.Status)
	}
}

func (c *client) showStep(id string, step *step) {
	switch step.Kind {
	case "qr":
		code, err := qrcode.New(step.Code)
		if err != nil {
			c.say("The code cannot be drawn (%v). Its text is:\n%s", err, step.Code)
			break
		}
		c.say("\n%s", code.Terminal())
	case "pairing_code":
		c.say("\n    %s\n", step.Code)
	case "passkey":
		c.say("\n    %s\n\nGive the answer of the passkey to: POST %s/v1/sessions/%s/passkey", step.Passkey, c.URL, id)
	case "passkey_confirm":
		c.say("\n    %s\n\nWhere the codes are the same: POST %s/v1/sessions/%s/passkey/confirm", step.Code, c.URL, id)
	}
	until := ""
	if !step.ExpiresAt.IsZero() {
		until = " (until " + step.ExpiresAt.Local().Format(time.TimeOnly) + ")"
	}
	c.say("%s%s", plain(step.Message), until)
}

// plain takes out what a terminal would obey: names come from other people's phones.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// List shows all sessions of the account, newest first.
func List(ctx context.Context, o Options) error {
	c, err := newClient(o)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(o.Out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tSTATUS\tPHONE\tNAME\tREASON")
	for cursor := ""; ; {
		var page struct {
			Data       []session `json:"data"`
			NextCursor string    `json:"nextCursor"`
		}
		if err := c.call(ctx, http.MethodGet, "/v1/sessions?limit=100&cursor="+url.QueryEscape(cursor), nil, &page); err != nil {
			return err
		}
		for _, s := range page.Data {
			_, _ = fmt.Fprintln(table, strings.Join([]string{s.ID, s.Status, s.Phone, plain(s.Name), plain(s.Message)}, "\t"))
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write list: %w", err)
	}
	return nil
}
