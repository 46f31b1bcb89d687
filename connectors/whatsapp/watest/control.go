package watest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const (
	maxControlBody = 64 << 20
	maxWait        = time.Minute // of a question that waits for an answer
)

// errUnknown is an answer with status 404.
var errUnknown = errors.New("unknown")

// Control is an HTTP handler through which another process steers the server: bodies and answers are JSON, people are named by phone
// number, and what goes wrong is answered with {"error": …} and status 400, 404 for an unknown person or group, or 409 if the server could not
// do it. It has no access control, so it may be served only on a loopback address.
func (s *Server) Control() http.Handler {
	mux := http.NewServeMux()
	c := control{server: s}
	post(mux, "/users", c.addUser)
	post(mux, "/groups", c.addGroup)
	post(mux, "/scan", c.scan)
	post(mux, "/code", c.code)
	post(mux, "/messages", c.message)
	post(mux, "/receipt", c.receipt)
	post(mux, "/typing", c.typing)
	post(mux, "/unlink", c.unlink)
	post(mux, "/drop", c.drop)
	post(mux, "/end", c.end)
	post(mux, "/timelock", c.timelock)
	post(mux, "/switch", c.change)
	get(mux, "/switch", func(*http.Request) (any, error) { return s.switched(), nil })
	get(mux, "/received", c.received)
	get(mux, "/passkey", c.passkey)
	get(mux, "/pending", c.pending)
	get(mux, "/connections", func(*http.Request) (any, error) { return s.Connections(), nil })
	get(mux, "/counters", func(*http.Request) (any, error) { return s.Counters(), nil })
	return mux
}

// control has the actions of the handler.
type control struct {
	server *Server
}

func post[T any](mux *http.ServeMux, path string, do func(context.Context, T) (any, error)) {
	mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		var in T
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControlBody))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&in); err != nil {
			reply(w, http.StatusBadRequest, map[string]string{"error": "read body: " + err.Error()})
			return
		}
		out, err := do(r.Context(), in)
		replyOrFail(w, out, err)
	})
}

func get(mux *http.ServeMux, path string, do func(*http.Request) (any, error)) {
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
		out, err := do(r)
		replyOrFail(w, out, err)
	})
}

func replyOrFail(w http.ResponseWriter, out any, err error) {
	switch {
	case errors.Is(err, errUnknown):
		reply(w, http.StatusNotFound, map[string]string{"error": err.Error()})
	case err != nil:
		reply(w, http.StatusConflict, map[string]string{"error": err.Error()})
	case out == nil:
		reply(w, http.StatusOK, struct{}{})
	default:
		reply(w, http.StatusOK, out)
	}
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

func (c control) user(number string) (*User, error) {
	if user := c.server.User(number); user != nil {
		return user, nil
	}
	return nil, fmt.Errorf("find person %q: %w", number, errUnknown)
}

func (c control) users(numbers ...string) ([]*User, error) {
	var all []*User
	for _, number := range numbers {
		user, err := c.user(number)
		if err != nil {
			return nil, err
		}
		all = append(all, user)
	}
	return all, nil
}

func (c control) addUser(_ context.Context, in struct{ PN, Name, LID string }) (any, error) {
	if _, err := strconv.ParseUint(in.PN, 10, 64); err != nil {
		return nil, fmt.Errorf("add person %q: pn is digits only", in.PN)
	}
	var options []UserOption
	if in.Name != "" {
		options = append(options, WithName(in.Name))
	}
	if in.LID != "" {
		options = append(options, WithLID(in.LID))
	}
	user := c.server.AddUser(in.PN, options...)
	return map[string]string{"pn": user.Number(), "jid": user.JID().String(), "lid": user.LID().String(), "name": user.Name()}, nil
}

func (c control) addGroup(_ context.Context, in struct {
	Subject string
	Members []string
},
) (any, error) {
	members, err := c.users(in.Members...)
	if err != nil {
		return nil, err
	}
	group, err := c.server.AddGroup(in.Subject, members...)
	if err != nil {
		return nil, err
	}
	return map[string]string{"jid": group.JID().String()}, nil
}

func (c control) scan(ctx context.Context, in struct{ PN, QR string }) (any, error) {
	user, err := c.user(in.PN)
	if err != nil {
		return nil, err
	}
	return device(user.Scan(ctx, in.QR))
}

func (c control) code(ctx context.Context, in struct{ PN, Code string }) (any, error) {
	user, err := c.user(in.PN)
	if err != nil {
		return nil, err
	}
	return device(user.EnterCode(ctx, in.Code))
}

func device(number uint16, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return map[string]uint16{"device": number}, nil
}

// outgoing is a message that a phone is to send: text, a file, or any waE2E.Message as protobuf's JSON.
type outgoing struct {
	From    string          // phone number
	To      string          // phone number, or a group's address
	ID      string          // of the message; empty: one is made
	OnPhone bool            // From types it to To, and To does not get it: From's devices see it
	Text    string          // with a file: the caption
	Message json.RawMessage // instead of Text and File
	File    *struct {
		Data      []byte // base64
		Mimetype  string
		AsPicture bool // otherwise it is a document
	}
}

func (c control) message(ctx context.Context, in outgoing) (any, error) {
	from, err := c.user(in.From)
	if err != nil {
		return nil, err
	}
	message, err := c.build(in)
	if err != nil {
		return nil, err
	}
	if in.ID == "" {
		in.ID = c.server.newID()
	}
	if err := c.sendTo(ctx, from, in, message); err != nil {
		return nil, err
	}
	return map[string]string{"id": in.ID}, nil
}

func (c control) sendTo(ctx context.Context, from *User, in outgoing, message *waE2E.Message) error {
	if jid, err := types.ParseJID(in.To); err == nil && jid.Server == types.GroupServer {
		group := c.server.Group(jid)
		switch {
		case group == nil:
			return fmt.Errorf("find group %q: %w", in.To, errUnknown)
		case in.OnPhone:
			return from.TypeOnPhone(ctx, jid, in.ID, message)
		}
		return from.SendToGroup(ctx, group, in.ID, message)
	}
	to, err := c.user(in.To)
	if err != nil {
		return err
	}
	if in.OnPhone {
		return from.TypeOnPhone(ctx, to.JID(), in.ID, message)
	}
	return from.SendTo(ctx, to, in.ID, message)
}

func (c control) build(in outgoing) (*waE2E.Message, error) {
	switch {
	case in.Message != nil:
		message := &waE2E.Message{}
		if err := protojson.Unmarshal(in.Message, message); err != nil {
			return nil, fmt.Errorf("read message: %w", err)
		}
		return message, nil
	case in.File == nil:
		return &waE2E.Message{Conversation: proto.String(in.Text)}, nil
	case in.File.AsPicture:
		m, err := c.server.MakeMedia(whatsmeow.MediaImage, in.File.Data)
		return &waE2E.Message{ImageMessage: &waE2E.ImageMessage{
			URL: &m.URL, DirectPath: &m.DirectPath, MediaKey: m.MediaKey, FileSHA256: m.FileSHA256, FileEncSHA256: m.FileEncSHA256,
			FileLength: &m.FileLength, Mimetype: &in.File.Mimetype, Caption: &in.Text,
		}}, err
	}
	m, err := c.server.MakeMedia(whatsmeow.MediaDocument, in.File.Data)
	return &waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{
		URL: &m.URL, DirectPath: &m.DirectPath, MediaKey: m.MediaKey, FileSHA256: m.FileSHA256, FileEncSHA256: m.FileEncSHA256,
		FileLength: &m.FileLength, Mimetype: &in.File.Mimetype, Caption: &in.Text,
	}}, err
}
