package whatsapp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"math"
	"time"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waVnameCert"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"
)

const inOwnNumber = "16311113333"

// The people and the group of the tests.

func janePhone() types.JID { return types.JID{User: "15551234567", Server: types.DefaultUserServer} }

func janeLID() types.JID { return types.JID{User: "100000000000001", Server: types.HiddenUserServer} }

func bobPhone() types.JID { return types.JID{User: "491701234567", Server: types.DefaultUserServer} }

func bobLID() types.JID { return types.JID{User: "100000000000002", Server: types.HiddenUserServer} }

func unnamed() types.JID { return types.JID{User: "100000000000099", Server: types.HiddenUserServer} }

func ownLID() types.JID { return types.JID{User: "100000000000000", Server: types.HiddenUserServer} }

func team() types.JID { return types.JID{User: "120363041234567890", Server: types.GroupServer} }

// inEverything lets all kinds of chat in and knows the numbers of Jane and Bob.
func inEverything() *inbound {
	return &inbound{
		settings: settings{receiveOwn: true, receiveGroups: true, receiveStatus: true},
		own:      func() (number, lid types.JID) { return types.NewJID(inOwnNumber, types.DefaultUserServer), ownLID() },
		phoneOf: func(_ context.Context, lid types.JID) types.JID {
			return map[types.JID]types.JID{janeLID(): janePhone(), bobLID(): bobPhone()}[lid]
		},
		groupName: func(_ context.Context, group types.JID) string {
			return map[types.JID]string{team(): "The team"}[group]
		},
	}
}

// fromJane is a message in the form that WhatsApp uses today: by the hidden id, with the phone number beside it.
func fromJane(m *waE2E.Message) *events.Message {
	evt := &events.Message{
		Info: types.MessageInfo{
			MessageSource: types.MessageSource{
				Chat: janeLID(), Sender: types.JID{User: janeLID().User, Server: janeLID().Server, Device: 3}, AddressingMode: types.AddressingModeLID,
				SenderAlt: types.JID{User: janePhone().User, Server: janePhone().Server, Device: 3},
			},
			ID: "3EB0A1B2C3D4E5F60718", PushName: "Jane Doe", Timestamp: time.Date(2026, 6, 29, 14, 21, 7, 0, time.UTC),
		},
		RawMessage: m,
	}
	return evt.UnwrapRaw()
}

func changed(evt *events.Message, change func(*events.Message)) *events.Message {
	change(evt)
	return evt
}

func inTeam(evt *events.Message) {
	evt.Info.Chat, evt.Info.IsGroup = team(), true
}

func keyOf(id string) *waCommon.MessageKey {
	return &waCommon.MessageKey{RemoteJID: proto.String(janeLID().String()), FromMe: proto.Bool(true), ID: proto.String(id)}
}

func layerOf(m *waE2E.Message) *waE2E.FutureProofMessage {
	return &waE2E.FutureProofMessage{Message: m}
}

func quotingBob(text string) *waE2E.ContextInfo {
	return &waE2E.ContextInfo{
		StanzaID: proto.String("3EB0FFFFFFFFFFFFFFFF"), Participant: proto.String(bobLID().String()), QuotedMessage: &waE2E.Message{Conversation: &text},
	}
}

func written(words string, info *waE2E.ContextInfo) *waE2E.Message {
	return &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: &words, ContextInfo: info}}
}

func sumOf(of string) []byte {
	sum := sha256.Sum256([]byte(of))
	return sum[:]
}

func imagePart() *waE2E.ImageMessage {
	return &waE2E.ImageMessage{
		URL: proto.String("https://evil.example/v/t62.7118-24/1"), DirectPath: proto.String("/v/t62.7118-24/1_n.enc?ccb=11-4&oh=01_Q5&oe=66"),
		Mimetype: proto.String("image/jpeg"), Caption: proto.String("The sea"), MediaKey: bytes.Repeat([]byte{7}, 32), FileSHA256: sumOf("plain"),
		FileEncSHA256: sumOf("encrypted"), FileLength: proto.Uint64(12345),
	}
}

func videoPart() *waE2E.VideoMessage {
	return &waE2E.VideoMessage{
		DirectPath: proto.String("/v/t62.7161-24/2_n.enc?oh=1"), Mimetype: proto.String("video/mp4"), MediaKey: bytes.Repeat([]byte{8}, 32),
		FileSHA256: sumOf("film"), FileEncSHA256: sumOf("encrypted film"), FileLength: proto.Uint64(54321), Seconds: proto.Uint32(9),
	}
}

func audioPart() *waE2E.AudioMessage {
	return &waE2E.AudioMessage{
		DirectPath: proto.String("/v/t62.7117-24/3_n.enc"), Mimetype: proto.String("audio/ogg; codecs=opus"), MediaKey: bytes.Repeat([]byte{9}, 32),
		FileSHA256: sumOf("voice"), FileEncSHA256: sumOf("encrypted voice"), Seconds: proto.Uint32(4), PTT: proto.Bool(true),
	}
}

func documentPart() *waE2E.DocumentMessage {
	return &waE2E.DocumentMessage{
		DirectPath: proto.String("/v/t62.7119-24/4_n.enc"), Mimetype: proto.String("application/pdf"), MediaKey: bytes.Repeat([]byte{10}, 32),
		FileSHA256: sumOf("letter"), FileName: proto.String("offer.pdf"), Caption: proto.String("Please sign"),
	}
}

const janesCard = "BEGIN:VCARD\nVERSION:3.0\nN:Roe;Richard;;;\nFN:Richard Roe\nORG:Roe\\, Inc.;\nitem1.TEL;type=CELL;waid=15550001111:+1 (555) 000-1111\n" +
	"TEL;TYPE=work:+49 30 123456\nTEL:110\nitem2.EMAIL;type=INTERNET:richard@roe.example\nEND:VCARD"

// inboundRows are the kinds of message, one each. What becomes of them is in testdata/inbound.
func inboundRows() map[string]*events.Message {
	all := map[string]*events.Message{}
	for _, part := range []map[string]*events.Message{writtenRows(), fileRows(), referenceRows(), placeRows(), businessRows()} {
		for name, evt := range part {
			all[name] = evt
		}
	}
	return all
}

func writtenRows() map[string]*events.Message {
	return map[string]*events.Message{
		"text":          fromJane(&waE2E.Message{Conversation: proto.String("Hi there!")}),
		"text extended": fromJane(written("See https://example.com", &waE2E.ContextInfo{MentionedJID: []string{bobLID().String(), unnamed().String(), bobPhone().String(), "x"}})),
		"text by number": changed(fromJane(&waE2E.Message{Conversation: proto.String("Hi")}), func(evt *events.Message) {
			evt.Info.Sender, evt.Info.SenderAlt, evt.Info.Chat = janePhone(), janeLID(), janePhone()
		}),
		"text without a number": changed(fromJane(&waE2E.Message{Conversation: proto.String("Hi")}), func(evt *events.Message) {
			evt.Info.Sender, evt.Info.SenderAlt, evt.Info.Chat, evt.Info.PushName = unnamed(), types.EmptyJID, unnamed(), "-"
		}),
		"text of a business": changed(fromJane(&waE2E.Message{Conversation: proto.String("Hi")}), func(evt *events.Message) {
			name := &types.VerifiedName{Details: &waVnameCert.VerifiedNameCertificate_Details{VerifiedName: proto.String("Roe, Inc.")}}
			evt.Info.PushName, evt.Info.VerifiedName, evt.Info.SenderAlt = "", name, types.EmptyJID
		}),
		"reply":        fromJane(written("Yes", quotingBob("Shall we?"))),
		"forwarded":    fromJane(written("Look", &waE2E.ContextInfo{IsForwarded: proto.Bool(true), ForwardingScore: proto.Uint32(7)})),
		"disappearing": fromJane(&waE2E.Message{EphemeralMessage: layerOf(written("Psst", &waE2E.ContextInfo{Expiration: proto.Uint32(604800)}))}),
		"advertisement": fromJane(written("I saw your ad", &waE2E.ContextInfo{ExternalAdReply: &waE2E.ContextInfo_ExternalAdReplyInfo{
			Title: proto.String("Shoes"), Body: proto.String("All sizes"), SourceType: proto.String("ad"), SourceID: proto.String("23842"),
			SourceURL: proto.String("https://fb.me/x"), CtwaClid: proto.String("Afg"), MediaType: waE2E.ContextInfo_ExternalAdReplyInfo_IMAGE.Enum(),
			ThumbnailURL: proto.String("https://example.com/t.jpg"),
		}})),
		"contact": fromJane(&waE2E.Message{ContactMessage: &waE2E.ContactMessage{DisplayName: proto.String("Richard"), Vcard: proto.String(janesCard)}}),
		"contacts": fromJane(&waE2E.Message{ContactsArrayMessage: &waE2E.ContactsArrayMessage{Contacts: []*waE2E.ContactMessage{
			{Vcard: proto.String(janesCard)}, nil, {DisplayName: proto.String("Nobody")},
		}}}),
		"location": fromJane(&waE2E.Message{LocationMessage: &waE2E.LocationMessage{
			DegreesLatitude: proto.Float64(52.52), DegreesLongitude: proto.Float64(13.405), Name: proto.String("Berlin"), Address: proto.String("Unter den Linden 1"),
		}}),
		"live location": fromJane(&waE2E.Message{LiveLocationMessage: &waE2E.LiveLocationMessage{
			DegreesLatitude: proto.Float64(0), DegreesLongitude: proto.Float64(-180), AccuracyInMeters: proto.Uint32(12), Caption: proto.String("On my way"),
		}}),
		"poll": fromJane(&waE2E.Message{PollCreationMessageV3: &waE2E.PollCreationMessage{
			Name: proto.String("Lunch?"), SelectableOptionsCount: proto.Uint32(1),
			Options: []*waE2E.PollCreationMessage_Option{{OptionName: proto.String("Soup")}, nil, {OptionName: proto.String("Pizza")}},
		}}),
		"reply to a story": fromJane(written("Lovely", &waE2E.ContextInfo{
			StanzaID: proto.String("3EB0STORY"), Participant: proto.String(inOwnNumber + "@s.whatsapp.net"), RemoteJID: proto.String("status@broadcast"),
		})),
		"text for one view": fromJane(&waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String("Psst"), ViewOnce: proto.Bool(true)}}),
		"location shared live": fromJane(&waE2E.Message{LocationMessage: &waE2E.LocationMessage{
			DegreesLatitude: proto.Float64(1), DegreesLongitude: proto.Float64(2), IsLive: proto.Bool(true),
		}}),
		"shared number": fromJane(&waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_SHARE_PHONE_NUMBER.Enum()}}),
		"story that mentions the owner": fromJane(&waE2E.Message{StatusMentionMessage: layerOf(&waE2E.Message{
			ProtocolMessage: &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_STATUS_MENTION_MESSAGE.Enum()},
		})}),
		"poll vote": fromJane(&waE2E.Message{PollUpdateMessage: &waE2E.PollUpdateMessage{PollCreationMessageKey: keyOf("3EB0POLL")}}),
	}
}

func fileRows() map[string]*events.Message {
	gif, round, once, withheld, plainImage := videoPart(), videoPart(), imagePart(), imagePart(), imagePart()
	gif.GifPlayback = proto.Bool(true)
	once.ViewOnce = proto.Bool(true)
	withheld.ViewOnce, withheld.DirectPath, withheld.URL, withheld.Caption = proto.Bool(true), nil, nil, nil
	plainImage.DirectPath, plainImage.URL = nil, proto.String("https://mmg.whatsapp.net/v/t62.7118-24/1_n.enc?oh=1")
	song := audioPart()
	song.PTT, song.Mimetype = nil, proto.String("audio/mpeg")
	return map[string]*events.Message{
		"image":            fromJane(&waE2E.Message{ImageMessage: imagePart()}),
		"image by address": fromJane(&waE2E.Message{ImageMessage: plainImage}),
		"image of an album": fromJane(&waE2E.Message{ImageMessage: imagePart(), MessageContextInfo: &waE2E.MessageContextInfo{
			MessageAssociation: &waE2E.MessageAssociation{AssociationType: waE2E.MessageAssociation_MEDIA_ALBUM.Enum(), ParentMessageKey: keyOf("3EB0ALBUM")},
		}}),
		"image for one view":   fromJane(&waE2E.Message{ViewOnceMessageV2: layerOf(&waE2E.Message{ImageMessage: once})}),
		"image withheld":       fromJane(&waE2E.Message{ImageMessage: withheld}),
		"video":                fromJane(&waE2E.Message{VideoMessage: videoPart()}),
		"video as gif":         fromJane(&waE2E.Message{VideoMessage: gif}),
		"video round":          fromJane(&waE2E.Message{PtvMessage: round}),
		"audio":                fromJane(&waE2E.Message{AudioMessage: song}),
		"voice note":           fromJane(&waE2E.Message{AudioMessage: audioPart()}),
		"document":             fromJane(&waE2E.Message{DocumentMessage: documentPart()}),
		"document and caption": fromJane(&waE2E.Message{DocumentWithCaptionMessage: layerOf(&waE2E.Message{DocumentMessage: documentPart()})}),
		"sticker": fromJane(&waE2E.Message{StickerMessage: &waE2E.StickerMessage{
			DirectPath: proto.String("/v/t62.15575-24/5_n.enc"), Mimetype: proto.String("image/webp"), MediaKey: bytes.Repeat([]byte{11}, 32),
			FileSHA256: sumOf("sticker"), IsAnimated: proto.Bool(true),
		}}),
	}
}

func referenceRows() map[string]*events.Message {
	edit := func(content *waE2E.Message) *waE2E.Message {
		return &waE2E.Message{EditedMessage: layerOf(&waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
			Key: keyOf("3EB0OLD"), Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(), EditedMessage: content,
		}})}
	}
	newCaption := &waE2E.Message{ImageMessage: &waE2E.ImageMessage{Caption: proto.String("The lake")}}
	revoked := keyOf("3EB0OLD")
	revoked.Participant = proto.String(bobLID().String())
	return map[string]*events.Message{
		"reaction":             fromJane(&waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{Key: keyOf("3EB0OLD"), Text: proto.String("👍")}}),
		"reaction taken back":  fromJane(&waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{Key: keyOf("3EB0OLD"), Text: proto.String("")}}),
		"reaction encrypted":   fromJane(&waE2E.Message{EncReactionMessage: &waE2E.EncReactionMessage{TargetMessageKey: keyOf("3EB0OLD")}}),
		"edit":                 fromJane(edit(&waE2E.Message{Conversation: proto.String("Hi, there!")})),
		"edit of a caption":    fromJane(edit(newCaption)),
		"edit without content": fromJane(edit(nil)),
		"edit encrypted":       fromJane(&waE2E.Message{SecretEncryptedMessage: &waE2E.SecretEncryptedMessage{TargetMessageKey: keyOf("3EB0OLD")}}),
		"deleted":              fromJane(&waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{Key: keyOf("3EB0OLD"), Type: waE2E.ProtocolMessage_REVOKE.Enum()}}),
		"deleted by an admin": changed(fromJane(&waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
			Key: revoked, Type: waE2E.ProtocolMessage_REVOKE.Enum(),
		}}), inTeam),
		"comment": fromJane(&waE2E.Message{CommentMessage: &waE2E.CommentMessage{
			Message: &waE2E.Message{Conversation: proto.String("Agreed")}, TargetMessageKey: keyOf("3EB0OLD"),
		}}),
		"comment encrypted": fromJane(&waE2E.Message{EncCommentMessage: &waE2E.EncCommentMessage{TargetMessageKey: keyOf("3EB0OLD")}}),
		"unpin":             fromJane(&waE2E.Message{PinInChatMessage: &waE2E.PinInChatMessage{Key: keyOf("3EB0OLD"), Type: waE2E.PinInChatMessage_UNPIN_FOR_ALL.Enum()}}),
		"keep":              fromJane(&waE2E.Message{KeepInChatMessage: &waE2E.KeepInChatMessage{Key: keyOf("3EB0OLD"), KeepType: waE2E.KeepType_KEEP_FOR_ALL.Enum()}}),
		"answer of a bot that goes on": changed(fromJane(written("Once upon", nil)), func(evt *events.Message) {
			evt.Info.MsgBotInfo.EditTargetID = "3EB0OLD"
		}),
		"pin": fromJane(&waE2E.Message{PinInChatMessage: &waE2E.PinInChatMessage{Key: keyOf("3EB0OLD"), Type: waE2E.PinInChatMessage_PIN_FOR_ALL.Enum()}}),
	}
}

func placeRows() map[string]*events.Message {
	sent := &waE2E.Message{DeviceSentMessage: &waE2E.DeviceSentMessage{
		DestinationJID: proto.String(janeLID().String()), Message: &waE2E.Message{Conversation: proto.String("From my phone")},
	}}
	fromOwner := func(evt *events.Message) {
		evt.Info.Sender, evt.Info.SenderAlt, evt.Info.IsFromMe, evt.Info.PushName = ownLID(), types.EmptyJID, true, "Me"
	}
	return map[string]*events.Message{
		"group":         changed(fromJane(written("Hello all", quotingBob("Anyone?"))), inTeam),
		"group unnamed": changed(fromJane(written("Hello", nil)), func(evt *events.Message) { evt.Info.Chat = types.NewJID("1-2", types.GroupServer) }),
		"own": changed(fromJane(sent), func(evt *events.Message) {
			fromOwner(evt)
			evt.Info.RecipientAlt = janePhone()
		}),
		"own in a group": changed(fromJane(written("Hello all", nil)), func(evt *events.Message) {
			fromOwner(evt)
			inTeam(evt)
		}),
		"broadcast list": changed(fromJane(written("Sale!", nil)), func(evt *events.Message) { evt.Info.Chat = types.NewJID("1454", types.BroadcastServer) }),
		"status":         changed(fromJane(&waE2E.Message{ImageMessage: imagePart()}), func(evt *events.Message) { evt.Info.Chat = types.StatusBroadcastJID }),
		"channel": changed(fromJane(written("News", nil)), func(evt *events.Message) {
			evt.Info.Chat = types.NewJID("120363999", types.NewsletterServer)
			evt.Info.Sender, evt.Info.SenderAlt = evt.Info.Chat, types.EmptyJID
		}),
		"channel edited": changed(fromJane(written("Newer", nil)), func(evt *events.Message) {
			evt.Info.Chat = types.NewJID("120363999", types.NewsletterServer)
			evt.Info.Sender, evt.Info.SenderAlt = evt.Info.Chat, types.EmptyJID
			evt.NewsletterMeta = &events.NewsletterMessageMeta{EditTS: time.UnixMilli(1696321271735)}
		}),
	}
}

func businessRows() map[string]*events.Message {
	title := "Yes, please"
	button := &waE2E.ButtonsResponseMessage{SelectedButtonID: proto.String("yes"), ContextInfo: quotingBob("Shall we?")}
	button.Response = &waE2E.ButtonsResponseMessage_SelectedDisplayText{SelectedDisplayText: title}
	flow := &waE2E.InteractiveResponseMessage{Body: &waE2E.InteractiveResponseMessage_Body{Text: &title}}
	flow.InteractiveResponseMessage = &waE2E.InteractiveResponseMessage_NativeFlowResponseMessage_{
		NativeFlowResponseMessage: &waE2E.InteractiveResponseMessage_NativeFlowResponseMessage{
			Name: proto.String("flow"), ParamsJSON: proto.String(`{"size":"L","count":2}`),
		},
	}
	hydrated := &waE2E.TemplateMessage_HydratedFourRowTemplate{HydratedContentText: proto.String("Your order is on its way"), HydratedFooterText: proto.String("Roe, Inc.")}
	hydrated.Title = &waE2E.TemplateMessage_HydratedFourRowTemplate_ImageMessage{ImageMessage: imagePart()}
	return map[string]*events.Message{
		"button":          fromJane(&waE2E.Message{ButtonsResponseMessage: button}),
		"template button": fromJane(&waE2E.Message{TemplateButtonReplyMessage: &waE2E.TemplateButtonReplyMessage{SelectedID: proto.String("1"), SelectedDisplayText: &title}}),
		"list": fromJane(&waE2E.Message{ListResponseMessage: &waE2E.ListResponseMessage{
			Title: proto.String("Tuesday"), Description: proto.String("at noon"),
			SingleSelectReply: &waE2E.ListResponseMessage_SingleSelectReply{SelectedRowID: proto.String("tue")},
		}}),
		"form":     fromJane(&waE2E.Message{InteractiveResponseMessage: flow}),
		"template": fromJane(&waE2E.Message{TemplateMessage: &waE2E.TemplateMessage{HydratedTemplate: hydrated}}),
		"buttons and a document": fromJane(&waE2E.Message{ButtonsMessage: &waE2E.ButtonsMessage{
			ContentText: proto.String("Shall we?"), Header: &waE2E.ButtonsMessage_DocumentMessage{DocumentMessage: documentPart()},
		}}),
		"interactive and a film": fromJane(&waE2E.Message{InteractiveMessage: &waE2E.InteractiveMessage{
			Body:   &waE2E.InteractiveMessage_Body{Text: proto.String("New!")},
			Header: &waE2E.InteractiveMessage_Header{Media: &waE2E.InteractiveMessage_Header_VideoMessage{VideoMessage: videoPart()}},
		}}),
		"buttons": fromJane(&waE2E.Message{ButtonsMessage: &waE2E.ButtonsMessage{ContentText: proto.String("Shall we?")}}),
		"order":   fromJane(&waE2E.Message{OrderMessage: &waE2E.OrderMessage{OrderID: proto.String("4711"), Message: proto.String("Two of these")}}),
		"product": fromJane(&waE2E.Message{ProductMessage: &waE2E.ProductMessage{
			Product: &waE2E.ProductMessage_ProductSnapshot{Title: proto.String("Shoes")},
		}}),
		"invite": fromJane(&waE2E.Message{GroupInviteMessage: &waE2E.GroupInviteMessage{GroupName: proto.String("The team"), InviteCode: proto.String("secret")}}),
		"event":  fromJane(&waE2E.Message{EventMessage: &waE2E.EventMessage{Name: proto.String("Party")}}),
		"off the map": fromJane(&waE2E.Message{LocationMessage: &waE2E.LocationMessage{
			DegreesLatitude: proto.Float64(math.NaN()), DegreesLongitude: proto.Float64(math.Inf(1)),
		}}),
	}
}
