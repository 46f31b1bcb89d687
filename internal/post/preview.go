package post

import (
	"context"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/richtext"
	"github.com/switchhook/switchhook/internal/store"
)

// Preview is what would become of a draft.
type Preview struct {
	Targets []TargetPreview
	Wrong   []problem.Field // what does not depend on a channel
}

// TargetPreview is what would become of a draft on one channel.
type TargetPreview struct {
	ChannelID string
	Title     string   // as the network takes it
	Parts     []string // the text as the network takes it: one, or several where it is split
	Comment   string   // the first comment, where the network has one
	Length    int      // of the whole text, as the network counts
	Limits    connectors.PostLimits
	Wrong     []problem.Field // fields as of Create
	Warnings  []Warning
}

// Preview checks a draft as Create does, and shows it as each channel takes it. Nothing is stored, and files need not be here: their types, sizes and
// descriptions are looked at. It may ask a network for its limits. The error is a problem where the queue is not there.
func (s *Service) Preview(ctx context.Context, d Draft) (*Preview, error) {
	p := &Preview{Wrong: s.checkWhole(d, store.FromMillis(store.Millis(s.Now())))}
	channelIDs := d.ChannelIDs
	if d.QueueID != "" {
		ids, err := s.Slots.Channels(ctx, d.AccountID, d.QueueID)
		if err != nil {
			return nil, err
		}
		channelIDs = ids
	}
	if len(channelIDs) > maxTargets || len(d.Body)+len(d.Title) > maxBody {
		return p, nil // Wrong says so
	}
	for _, channelID := range channelIDs {
		e := s.examine(ctx, d, channelID)
		shown := TargetPreview{
			ChannelID: channelID, Title: e.title, Parts: e.parts, Comment: e.comment, Limits: e.limits, Wrong: e.wrong, Warnings: e.warnings,
		}
		if shown.Parts == nil && e.text != "" {
			shown.Parts = []string{e.text} // too long: shown whole
		}
		shown.Length = richtext.Count(strings.TrimSpace(e.text), counterOf(e.limits))
		p.Targets = append(p.Targets, shown)
	}
	return p, nil
}
