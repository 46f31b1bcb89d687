package whatsapp

import (
	"context"
	"errors"
	"fmt"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types/events"
)

// ivLength is the length of an AES-GCM nonce in bytes. One of another length makes the standard library panic, and it comes from a stranger.
const ivLength = 12

// votesWith opens votes with the poll secrets that a client has kept: inbound.decryptVote.
func votesWith(client *whatsmeow.Client) func(context.Context, *events.Message) (*waE2E.PollVoteMessage, error) {
	return func(ctx context.Context, evt *events.Message) (*waE2E.PollVoteMessage, error) {
		if len(evt.Message.GetPollUpdateMessage().GetVote().GetEncIV()) != ivLength {
			return nil, errors.New("the vote is malformed")
		}
		vote, err := client.DecryptPollVote(ctx, evt)
		if err != nil {
			return nil, fmt.Errorf("decrypt vote: %w", err)
		}
		return vote, nil
	}
}

// secretsWith opens reactions, comments and edits with the message secrets that a client has kept: inbound.decrypt.
func secretsWith(client *whatsmeow.Client) func(context.Context, *events.Message) (*waE2E.Message, error) {
	return func(ctx context.Context, evt *events.Message) (*waE2E.Message, error) {
		m := evt.Message
		switch {
		case len(m.GetEncReactionMessage().GetEncIV()) == ivLength:
			reaction, err := client.DecryptReaction(ctx, evt)
			if err != nil {
				return nil, fmt.Errorf("decrypt reaction: %w", err)
			}
			reaction.Key = m.GetEncReactionMessage().GetTargetMessageKey()
			return &waE2E.Message{ReactionMessage: reaction}, nil
		case len(m.GetEncCommentMessage().GetEncIV()) == ivLength:
			comment, err := client.DecryptComment(ctx, evt)
			if err != nil {
				return nil, fmt.Errorf("decrypt comment: %w", err)
			}
			target := m.GetEncCommentMessage().GetTargetMessageKey()
			return &waE2E.Message{CommentMessage: &waE2E.CommentMessage{Message: comment, TargetMessageKey: target}}, nil
		case len(m.GetSecretEncryptedMessage().GetEncIV()) == ivLength:
			edit, err := client.DecryptSecretEncryptedMessage(ctx, evt)
			if err != nil {
				return nil, fmt.Errorf("decrypt edit: %w", err)
			}
			return edit, nil
		}
		return nil, errors.New("there is nothing to decrypt, or it is malformed")
	}
}
