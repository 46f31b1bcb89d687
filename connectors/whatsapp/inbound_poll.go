package whatsapp

import (
	"context"
	"encoding/hex"

	"go.mau.fi/whatsmeow/proto/waE2E"
)

// poll reads a poll, or a vote in one.
func (d *draft) poll(ctx context.Context, name string, m *waE2E.Message) bool {
	if name == "pollUpdateMessage" {
		return d.vote(ctx, m.GetPollUpdateMessage())
	}
	for _, p := range []*waE2E.PollCreationMessage{
		m.GetPollCreationMessage(), m.GetPollCreationMessageV2(), m.GetPollCreationMessageV3(), m.GetPollCreationMessageV5(), m.GetPollCreationMessageV6(),
	} {
		if p == nil {
			continue
		}
		question := clean(p.GetName(), mostText)
		options := make([]string, 0, min(len(p.GetOptions()), mostOptions))
		for _, option := range p.GetOptions()[:min(len(p.GetOptions()), mostOptions)] {
			options = append(options, clean(option.GetOptionName(), mostName))
		}
		d.message.Type, d.message.Text = "poll", question
		d.facts["poll"] = map[string]any{
			"name": clean(question, mostQuote), "options": options, "selectable": p.GetSelectableOptionsCount(), // 0: as many as one likes
		}
		return true
	}
	return false
}

// vote reads a vote. What was chosen is encrypted with the poll's secret, and is then told as the SHA-256 of each option's text.
func (d *draft) vote(ctx context.Context, update *waE2E.PollUpdateMessage) bool {
	target := messageID(update.GetPollCreationMessageKey())
	if target == "" {
		return false
	}
	poll := map[string]any{"messageId": target}
	d.message.Type, d.message.ReplyTo, d.facts["poll"] = "poll_vote", target, poll
	if d.decryptVote == nil {
		return true
	}
	chosen, err := d.decryptVote(ctx, d.evt)
	if err != nil || chosen == nil {
		return true // a vote in a poll that came before the device was linked
	}
	hashes := make([]string, 0, min(len(chosen.GetSelectedOptions()), mostOptions))
	for _, hash := range chosen.GetSelectedOptions()[:min(len(chosen.GetSelectedOptions()), mostOptions)] {
		hashes = append(hashes, hex.EncodeToString(hash[:min(len(hash), 32)]))
	}
	poll["optionHashes"] = hashes
	return true
}
