package whatsapp

import (
	"strings"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// mostWraps is how deep content may be wrapped. A message for one view with a document in a disappearing chat from the owner's phone has five.
const mostWraps = 8

// wrapping is what the layers around a message's content say.
type wrapping struct {
	viewOnce    bool
	association *waE2E.MessageAssociation
}

// unwrap takes off the layers around a message's content. WhatsApp adds kinds of layer all the time; they all have the same form.
func unwrap(m *waE2E.Message) (*waE2E.Message, wrapping) {
	var around wrapping
	for range mostWraps {
		if a := m.GetMessageContextInfo().GetMessageAssociation(); a != nil {
			around.association = a
		}
		name, inner := layer(m)
		if inner == nil {
			break
		}
		around.viewOnce = around.viewOnce || strings.HasPrefix(name, "viewOnce")
		m = inner
	}
	return m, around
}

// layer finds the message inside a message.
func layer(m *waE2E.Message) (name string, inner *waE2E.Message) {
	if sent := m.GetDeviceSentMessage().GetMessage(); sent != nil {
		return "deviceSentMessage", sent
	}
	reflected := m.ProtoReflect()
	fields := reflected.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if field.Message() == nil || !reflected.Has(field) {
			continue
		}
		if wrapped, ok := reflected.Get(field).Message().Interface().(*waE2E.FutureProofMessage); ok && wrapped.GetMessage() != nil {
			return string(field.Name()), wrapped.GetMessage()
		}
	}
	return "", nil
}

// contentOf names the first part of a message that a person has written, with its circumstances. The name is "" where there is none, and
// "unknown" where it is newer than our copy of WhatsApp's definitions.
func contentOf(m *waE2E.Message) (name string, circumstances *waE2E.ContextInfo) {
	reflected := m.ProtoReflect()
	fields := reflected.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !reflected.Has(field) || isSilent(string(field.Name())) {
			continue
		}
		if field.Message() == nil {
			if reflected.Get(field).String() == "" {
				continue
			}
			return string(field.Name()), nil
		}
		return string(field.Name()), contextOf(reflected.Get(field).Message())
	}
	if len(reflected.GetUnknown()) > 0 {
		return "unknown", nil
	}
	return "", nil
}

func contextOf(content protoreflect.Message) *waE2E.ContextInfo {
	field := content.Descriptor().Fields().ByName("contextInfo")
	if field == nil || field.Message() == nil || !content.Has(field) {
		return nil
	}
	info, _ := content.Get(field).Message().Interface().(*waE2E.ContextInfo)
	return info
}

// isSilent says whether a part of a message belongs to the protocol between devices, or only announces further messages, as that of an
// album does.
func isSilent(name string) bool {
	switch name {
	case "messageContextInfo", "senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage", "deviceSentMessage", "call", "chat",
		"stickerSyncRmrMessage", "albumMessage", "groupRootKeyShare", "rootSecretDistributeMessage", "messageHistoryBundle", "messageHistoryNotice",
		"statusLinkPreviewMetadata", "botPlatformRegistrationSuccessMessage":
		return true
	}
	return false
}

// contentKind makes the name of a part of a message one for people.
func contentKind(name string) string {
	return strings.TrimSuffix(strings.TrimSuffix(name, "Message"), "Messsage") // the latter is how WhatsApp spells one of them
}
