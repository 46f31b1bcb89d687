package watest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/encoding/protojson"
)

func (c control) receipt(_ context.Context, in struct {
	From, To string
	Kind     ReceiptKind
	IDs      []string
},
) (any, error) {
	users, err := c.users(in.From, in.To)
	if err != nil {
		return nil, err
	}
	if in.Kind == "delivered" {
		in.Kind = Delivered
	}
	return nil, users[0].Receipt(users[1], in.Kind, in.IDs...)
}

func (c control) typing(_ context.Context, in struct {
	From, To string
	State    types.ChatPresence
},
) (any, error) {
	users, err := c.users(in.From, in.To)
	if err != nil {
		return nil, err
	}
	return nil, users[0].Typing(users[1], in.State)
}

func (c control) unlink(_ context.Context, in struct {
	PN     string
	Device uint16
},
) (any, error) {
	user, err := c.user(in.PN)
	if err != nil {
		return nil, err
	}
	if !user.Unlink(in.Device) {
		return nil, fmt.Errorf("unlink device %d of %s: %w", in.Device, in.PN, errUnknown)
	}
	return nil, nil
}

// drop cuts the lines of a person's devices, or without a pn all.
func (c control) drop(ctx context.Context, in struct{ PN string }) (any, error) {
	if in.PN == "" {
		c.server.DropAll()
		return nil, nil
	}
	return c.end(ctx, struct {
		PN  string
		End End
	}{PN: in.PN, End: LineCut})
}

func (c control) end(_ context.Context, in struct {
	PN  string
	End End
},
) (any, error) {
	user, err := c.user(in.PN)
	if err != nil {
		return nil, err
	}
	if !in.End.Valid() {
		return nil, fmt.Errorf("end connection with %q: there are only %v", in.End, Ends())
	}
	return map[string]int{"connections": user.End(in.End)}, nil
}

func (c control) timelock(_ context.Context, in struct {
	PN     string
	Active bool
	Until  time.Time
	Kind   string
},
) (any, error) {
	user, err := c.user(in.PN)
	if err != nil {
		return nil, err
	}
	return nil, user.Timelock(in.Active, in.Until, in.Kind)
}

// change sets the switches that the body names, and leaves the others.
func (c control) change(_ context.Context, in json.RawMessage) (any, error) {
	var failed error
	c.server.Switch(func(w *Switches) {
		changed := *w
		decoder := json.NewDecoder(bytes.NewReader(in))
		decoder.DisallowUnknownFields()
		failed = decoder.Decode(&changed)
		if failed == nil && changed.RefuseWith != "" && !changed.RefuseWith.Valid() {
			failed = fmt.Errorf("refuseWith %q: there are only %v", changed.RefuseWith, Ends())
		}
		if failed == nil {
			*w = changed
		}
	})
	if failed != nil {
		return nil, fmt.Errorf("read switches: %w", failed)
	}
	return c.server.switched(), nil
}

func (c control) pending(r *http.Request) (any, error) {
	user, err := c.user(r.FormValue("pn"))
	if err != nil {
		return nil, err
	}
	return map[string]any{"stanzas": user.Pending(), "messages": user.PendingMessages()}, nil
}

func (c control) passkey(r *http.Request) (any, error) {
	user, err := c.user(r.FormValue("pn"))
	if err != nil {
		return nil, err
	}
	code, err := user.PasskeyCode(r.Context())
	if err != nil {
		return nil, err
	}
	return map[string]string{"code": code}, nil
}

// shown is a message as the control shows it.
type shown struct {
	ID      string          `json:"id"`
	From    string          `json:"from"`
	Chat    string          `json:"chat"`
	Group   bool            `json:"group"`
	Copy    bool            `json:"copy"`
	Retry   int             `json:"retry"`
	Text    string          `json:"text"`
	Message json.RawMessage `json:"message"` // as protobuf's JSON
}

// received answers what a phone decrypted, and the receipts that it got, in their order. With wait, a duration such as 5s, it answers when there
// are more messages than after says, or when that time is over.
func (c control) received(r *http.Request) (any, error) {
	user, err := c.user(r.FormValue("pn"))
	if err != nil {
		return nil, err
	}
	after, _ := strconv.Atoi(r.FormValue("after"))     // absent: 0
	wait, _ := time.ParseDuration(r.FormValue("wait")) // absent: not at all
	ctx, cancel := context.WithTimeout(r.Context(), min(wait, maxWait))
	defer cancel()
	seen := 0
	_, _ = user.WaitMessage(ctx, func(Message) bool { seen++; return seen > after }) // too late is an answer too
	messages := []shown{}
	for i, m := range user.Received() {
		if i < after {
			continue
		}
		raw, err := protojson.Marshal(m.Message)
		if err != nil {
			return nil, fmt.Errorf("show message: %w", err)
		}
		messages = append(messages, shown{
			ID: m.ID, From: m.From.String(), Chat: m.Chat.String(), Group: m.Group, Copy: m.Copy, Retry: m.Retry, Text: m.Text(), Message: raw,
		})
	}
	receipts := []map[string]string{}
	for _, one := range user.receipts.all() {
		receipts = append(receipts, map[string]string{"id": one.ID, "from": one.From.String(), "kind": string(one.Kind)})
	}
	return map[string]any{"messages": messages, "receipts": receipts}, nil
}
