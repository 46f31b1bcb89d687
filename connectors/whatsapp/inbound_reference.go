package whatsapp

import (
	"context"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
)

// reference reads what belongs to an earlier message: reactions, comments, pins, and what is encrypted with that message's secret.
func (d *draft) reference(ctx context.Context, name string, m *waE2E.Message, nested int) bool {
	switch name {
	case "reactionMessage":
		return d.reaction(m.GetReactionMessage())
	case "encReactionMessage", "encCommentMessage", "secretEncryptedMessage":
		return d.secret(ctx, m, nested)
	case "commentMessage":
		comment := m.GetCommentMessage()
		d.message.ReplyTo = messageID(comment.GetTargetMessageKey())
		return comment.GetMessage() != nil && d.describe(ctx, comment.GetMessage(), nested+1)
	case "pinInChatMessage":
		d.mark("pin", m.GetPinInChatMessage().GetType() == waE2E.PinInChatMessage_UNPIN_FOR_ALL, m.GetPinInChatMessage().GetKey())
	case "keepInChatMessage":
		d.mark("keep", m.GetKeepInChatMessage().GetKeepType() == waE2E.KeepType_UNDO_KEEP_FOR_ALL, m.GetKeepInChatMessage().GetKey())
	default:
		return false
	}
	return true
}

func (d *draft) reaction(r *waE2E.ReactionMessage) bool {
	target := messageID(r.GetKey())
	if target == "" {
		return false
	}
	emoji := clean(r.GetText(), mostName)
	d.message.Type, d.message.Text, d.message.ReplyTo = "reaction", emoji, target
	d.facts["reaction"] = map[string]any{"messageId": target, "emoji": emoji}
	return true
}

func (d *draft) mark(kind string, undone bool, key *waCommon.MessageKey) {
	if undone {
		kind = "un" + kind
	}
	d.other(kind, "")
	d.message.ReplyTo = messageID(key)
}

// protocol reads what changes an earlier message. The rest of its kind is talk between devices. Nobody has verified that the sender may
// change that message: it is for the receiver to compare the two senders.
func (d *draft) protocol(ctx context.Context, p *waE2E.ProtocolMessage, nested int) bool {
	target := messageID(p.GetKey())
	switch {
	case p.Type == nil: // it would read as 0, a deletion
		return false
	case p.GetType() == waE2E.ProtocolMessage_REVOKE && target != "":
		deleted := map[string]any{"messageId": target}
		if author := d.personNamed(ctx, p.GetKey().GetParticipant()); author != "" {
			deleted["from"] = author
		}
		d.message.Type, d.facts["deleted"] = "deleted", deleted
	case p.GetType() == waE2E.ProtocolMessage_MESSAGE_EDIT && target != "":
		return d.edit(ctx, target, p.GetEditedMessage(), nested)
	case p.GetType() == waE2E.ProtocolMessage_SHARE_PHONE_NUMBER:
		d.other("sharePhoneNumber", "")
	case p.GetType() == waE2E.ProtocolMessage_STATUS_MENTION_MESSAGE:
		d.other("statusMention", "")
	default:
		return false
	}
	return true
}

// edit describes the new content. The id of the edit is its own, so that it is not taken for a repeat of the original.
func (d *draft) edit(ctx context.Context, target string, content *waE2E.Message, nested int) bool {
	d.facts["edited"] = map[string]any{"messageId": target}
	if content == nil || !d.describe(ctx, content, nested+1) {
		d.other("edit", "")
	}
	return true
}

// secret opens what is encrypted with the secret of the message that it belongs to. That secret is not there where that message came before
// the device was linked; then only its id is told.
func (d *draft) secret(ctx context.Context, m *waE2E.Message, nested int) bool {
	if d.decrypt != nil {
		if plain, err := d.decrypt(ctx, d.evt); err == nil && plain != nil {
			if m.GetSecretEncryptedMessage() == nil || plain.GetProtocolMessage() != nil {
				return d.describe(ctx, plain, nested+1)
			}
			return d.edit(ctx, messageID(m.GetSecretEncryptedMessage().GetTargetMessageKey()), plain, nested)
		}
	}
	switch {
	case m.GetEncReactionMessage() != nil:
		d.other("encReaction", "")
		d.message.ReplyTo = messageID(m.GetEncReactionMessage().GetTargetMessageKey())
	case m.GetEncCommentMessage() != nil:
		d.other("encComment", "")
		d.message.ReplyTo = messageID(m.GetEncCommentMessage().GetTargetMessageKey())
	default:
		d.other("edit", "")
		d.facts["edited"] = map[string]any{"messageId": messageID(m.GetSecretEncryptedMessage().GetTargetMessageKey())}
	}
	return true
}

// messageID is the id that a key names; one too long to be one is none.
func messageID(key *waCommon.MessageKey) string {
	if len(key.GetID()) > mostID {
		return ""
	}
	return clean(key.GetID(), mostID)
}
