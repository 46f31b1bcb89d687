package whatsapp

import (
	"context"
	"slices"
	"strings"

	"go.mau.fi/whatsmeow/proto/waE2E"
)

// circumstances tells what a message answers, whom it mentions and where it comes from.
func (d *draft) circumstances(ctx context.Context, info *waE2E.ContextInfo) {
	if info == nil {
		return
	}
	if id := info.GetStanzaID(); id != "" && len(id) <= mostID && d.message.ReplyTo == "" {
		d.message.ReplyTo = clean(id, mostID)
		d.quote(ctx, info)
	}
	if info.GetIsForwarded() || info.GetForwardingScore() > 0 {
		d.facts["forwarded"] = true
	}
	if seconds := info.GetExpiration(); seconds > 0 {
		d.facts["expiresIn"] = seconds
	}
	var mentions []string
	for _, named := range info.GetMentionedJID()[:min(len(info.GetMentionedJID()), mostMentions)] {
		if address := d.personNamed(ctx, named); address != "" && !slices.Contains(mentions, address) {
			mentions = append(mentions, address)
		}
	}
	if len(mentions) > 0 {
		d.facts["mentions"] = mentions
	}
	d.referral(info.GetExternalAdReply())
}

// quote shows the beginning of the message that is answered, as the answer brings it along. Its sender could have changed it.
func (d *draft) quote(ctx context.Context, info *waE2E.ContextInfo) {
	inner, _ := unwrap(info.GetQuotedMessage())
	quoted := map[string]any{"text": clean(textOf(inner), mostQuote)}
	if author := d.personNamed(ctx, info.GetParticipant()); author != "" {
		quoted["from"] = author
	}
	if chat := d.personNamed(ctx, info.GetRemoteJID()); chat != "" && chat != d.message.From && chat != d.message.Chat {
		quoted["chat"] = chat // an answer to a story, or a private one to a message in a group
	}
	d.facts["quoted"] = quoted
}

// referral tells of the advertisement from which a person came, under the names that whatsappcloud gives it.
func (d *draft) referral(ad *waE2E.ContextInfo_ExternalAdReplyInfo) {
	if ad.GetSourceID() == "" && ad.GetCtwaClid() == "" {
		return // a preview of a link, which has the same form
	}
	shown := map[string]any{}
	media := ad.GetMediaURL()
	if media == "" {
		media = ad.GetThumbnailURL()
	}
	kind := ""
	if ad.GetMediaType() != waE2E.ContextInfo_ExternalAdReplyInfo_NONE {
		kind = strings.ToLower(ad.GetMediaType().String())
	}
	for key, value := range map[string]string{
		"headline": clean(ad.GetTitle(), mostQuote), "body": clean(ad.GetBody(), mostQuote), "sourceType": clean(ad.GetSourceType(), mostName),
		"sourceId": clean(ad.GetSourceID(), mostName), "sourceUrl": clean(ad.GetSourceURL(), mostLink), "mediaType": kind,
		"mediaUrl": clean(media, mostLink), "ctwaClid": clean(ad.GetCtwaClid(), mostQuote),
	} {
		if value != "" {
			shown[key] = value
		}
	}
	d.facts["referral"] = shown
}

// association tells to which message another one belongs, as the pictures of an album do, or the same picture in a better quality.
func (d *draft) association(a *waE2E.MessageAssociation) {
	parent := messageID(a.GetParentMessageKey())
	if parent == "" || a.GetAssociationType() == waE2E.MessageAssociation_UNKNOWN {
		return
	}
	d.facts["partOf"] = map[string]any{"messageId": parent, "kind": strings.ToLower(a.GetAssociationType().String())}
}
