package whatsapp

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"

	"github.com/switchhook/switchhook/connectors"
)

const (
	ackTimeout  = 30 * time.Second // for the server's answer to a message that has left; it normally takes less than one
	sendTimeout = 75 * time.Second // for a whole SendMessage, with the questions that it asks first
	readTimeout = 20 * time.Second // to tell that messages were read

	messageIDBytes = 9 // as many as whatsmeow's own ids have
)

// outboundOptions is what an outbound is made of.
type outboundOptions struct {
	Client       *whatsmeow.Client // required; its logger is replaced by one that also listens, so this must come before Connect
	Info         connectors.Info   // the kind's, for its limits
	Typing       bool              // the settings of the session
	CheckNumbers bool
	Public       *http.Client                               // required: the door to addresses that users give
	Now          func() time.Time                           // required
	Ready        func() error                               // required: whether the device is online and ours, else why not; asked before each write, must not block
	Own          func() (number, lid types.JID)             // required: who the device is linked to
	Wait         func(context.Context, time.Duration) error // nil: a timer. It ends early with the context's error
	Random       func() float64                             // nil: math/rand; from 0 to below 1
}

// outbound sends what goes out through one linked device. It is safe for concurrent use.
type outbound struct {
	client        *whatsmeow.Client
	info          connectors.Info
	typing        bool
	checksNumbers bool
	public        *http.Client
	now           func() time.Time
	ready         func() error
	own           func() (number, lid types.JID)
	wait          func(context.Context, time.Duration) error
	random        func() float64

	turn    chan struct{} // full while a message is being sent: whatsmeow's own lock would not end with a context
	numbers *numberCache
	unsent  *sealWatch
}

// newOutbound returns an outbound. A missing option is an error that names it.
func newOutbound(o outboundOptions) (*outbound, error) {
	for name, missing := range map[string]bool{
		"Client": o.Client == nil, "Public": o.Public == nil, "Now": o.Now == nil, "Ready": o.Ready == nil, "Own": o.Own == nil,
	} {
		if missing {
			return nil, errors.New("whatsapp: outboundOptions." + name + " is missing")
		}
	}
	if o.Wait == nil {
		o.Wait = connectors.Wait
	}
	if o.Random == nil {
		o.Random = mathrand.Float64
	}
	watch := newSealWatch()
	o.Client.Log = watch.logger(o.Client.Log)
	return &outbound{
		client: o.Client, info: o.Info, typing: o.Typing, checksNumbers: o.CheckNumbers, public: o.Public, now: o.Now, ready: o.Ready, own: o.Own,
		wait: o.Wait, random: o.Random, turn: make(chan struct{}, 1), numbers: newNumberCache(), unsent: watch,
	}, nil
}

// newMessageID makes the id of a message yet to be sent: "3EB0" and 18 upper-case hex digits, the form of WhatsApp Web.
func newMessageID() string {
	random := make([]byte, messageIDBytes)
	_, _ = rand.Read(random) // never fails
	return whatsmeow.WebMessageIDPrefix + strings.ToUpper(hex.EncodeToString(random))
}

// send sends one message under its ProviderID and returns when WhatsApp's server has taken it. All that can be done without the recipient
// noticing comes first: the number is looked up, and the file fetched and uploaded. Errors of that are never Unconfirmed.
func (o *outbound) send(ctx context.Context, message connectors.OutMessage) (connectors.Receipt, error) {
	if err := connectors.CheckLimits(o.info, message); err != nil {
		return connectors.Receipt{}, err
	}
	to, err := parseRecipient(message.To)
	if err != nil {
		return connectors.Receipt{}, err
	}
	chat, err := o.resolve(ctx, to)
	if err != nil {
		return connectors.Receipt{}, err
	}
	content, err := o.content(ctx, chat, message)
	if err != nil {
		return connectors.Receipt{}, err
	}
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		return connectors.Receipt{}, connectors.Retryable(ctx.Err())
	}
	voice := content.GetAudioMessage().GetPTT()
	if len(message.Media) == 0 || voice {
		o.showTyping(ctx, chat, message.Text, voice)
	}
	if err := ctx.Err(); err != nil {
		return connectors.Receipt{}, connectors.Retryable(err)
	}
	if err := o.ready(); err != nil {
		return connectors.Receipt{}, err
	}
	return o.deliver(ctx, chat, message.ProviderID, content)
}

// deliver hands a finished message to the server.
func (o *outbound) deliver(ctx context.Context, chat types.JID, id string, content *waE2E.Message) (connectors.Receipt, error) {
	if id == "" {
		id = newMessageID()
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	ctx, done := withTurn(ctx)
	defer done()
	o.unsent.begin(id)
	response, err := o.client.SendMessage(ctx, chat, content, whatsmeow.SendRequestExtra{ID: id, Timeout: ackTimeout})
	failed := o.unsent.end(id)
	if err != nil {
		refused := sendError(response, err)
		if refused.Provider != nil && refused.Provider.Code == ackStaleGroup {
			_, _ = o.client.GetGroupInfo(ctx, chat) // renews what whatsmeow remembers of the group, for the next try
		}
		return connectors.Receipt{}, refused
	}
	if isPerson(chat) && o.reachedNobody(ctx, chat, failed) {
		nobody := connectors.Retryable(nil)
		nobody.Code = codeNotEncrypted
		nobody.Message = "The message could not be encrypted for any device of the recipient, so nobody got it. Try again in a moment."
		return connectors.Receipt{}, nobody
	}
	return connectors.Receipt{ProviderID: id, Status: connectors.StatusSent}, nil
}

// reachedNobody tells whether a message that the server has taken holds nothing that a device of the recipient could read. whatsmeow sends it
// all the same, to the sender's own phone. failed are the devices for which encryption failed. The devices are in whatsmeow's memory, because
// it has just asked for them; where it has to ask again and that fails, the message counts as sent.
func (o *outbound) reachedNobody(ctx context.Context, chat types.JID, failed []types.JID) bool {
	devices, err := o.client.GetUserDevices(ctx, []types.JID{o.byLID(ctx, chat)})
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(devices, func(device types.JID) bool { return !slices.Contains(failed, device) })
}

// markRead tells the writer of messages in one chat that they have been read. chat.Chat is where they stand and chat.Sender, in a group, who
// wrote them; all of them must be by the same person. Telling it twice does no harm, so no error is Unconfirmed.
func (o *outbound) markRead(ctx context.Context, chat connectors.Quoted, ids []string) error {
	to, err := parseRecipient(chat.Chat)
	if err != nil {
		return err
	}
	sender := personJID(chat.Sender)
	if to.jid.Server == types.GroupServer && sender.IsEmpty() {
		return connectors.Rejected(connectors.CodeInvalidContent, "It is not known who wrote this message, so it cannot be marked as read.", "messageId")
	}
	if len(ids) == 0 {
		return nil
	}
	if err := o.ready(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if !sender.IsEmpty() {
		sender = o.byLID(ctx, sender)
	}
	if err := o.client.MarkRead(ctx, ids, o.now(), o.byLID(ctx, to.jid), sender); err != nil {
		return queryError(err)
	}
	return nil
}
