package telnyx

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// outgoing is the body of POST /v2/messages.
type outgoing struct {
	From       string   `json:"from"`
	To         string   `json:"to"`
	Text       string   `json:"text,omitempty"`
	MediaURLs  []string `json:"media_urls,omitempty"`
	Profile    string   `json:"messaging_profile_id,omitempty"`
	WebhookURL string   `json:"webhook_url,omitempty"`
}

// Send makes one POST to /v2/messages. SMS knows no replies, so ReplyTo has no effect.
func (c *conn) Send(ctx context.Context, message connectors.OutMessage) (connectors.Receipt, error) {
	if err := connectors.CheckLimits(c.info, message); err != nil {
		return connectors.Receipt{}, err
	}
	to := connectors.Digits(message.To)
	if to == "" {
		return connectors.Receipt{}, connectors.Rejected(connectors.CodeInvalidRecipient, "The recipient must be a phone number with its country code, such as +16311112222.", "to")
	}
	body := outgoing{From: c.sender(), To: "+" + to, Text: message.Text, Profile: c.profile, WebhookURL: c.statusCallback(message.ID)}
	total := int64(0)
	for _, file := range message.Media {
		body.MediaURLs = append(body.MediaURLs, file.URL)
		total += file.Size
	}
	if total > maxMediaBytes {
		return connectors.Receipt{}, connectors.Rejected(connectors.CodeInvalidContent, "The files of one message may have 1 MB together. Send smaller ones, or fewer.", "media")
	}
	response, err := httpcall.Do(ctx, c.http, httpcall.Request{Method: http.MethodPost, URL: c.baseURL + "/v2/messages", JSON: body, Bearer: c.apiKey})
	if err != nil {
		return connectors.Receipt{}, err
	}
	if response.Status < 200 || response.Status > 299 {
		return connectors.Receipt{}, c.failure(response)
	}
	return receipt(response.Body)
}

// sender returns the channel's own address as Telnyx writes it.
func (c *conn) sender() string {
	if len(c.address) <= maxShortCode {
		return c.address
	}
	return "+" + c.address
}

// receipt reads a success. Without an id the message went out and cannot be followed, which is not a success either.
func receipt(body []byte) (connectors.Receipt, error) {
	var answer struct {
		Data payload `json:"data"`
	}
	if !decode(body, &answer) || answer.Data.ID == "" {
		return connectors.Receipt{}, connectors.Unconfirmed(errors.New("the answer of Telnyx names no message"))
	}
	switch status := answer.Data.status(); status {
	case connectors.StatusFailed:
		own, failed := meaning(answer.Data.Errors)
		if failed == nil {
			failed = connectors.Rejected(httpcall.CodeProviderRejected, "Telnyx took the message and failed it at once. Its own words say why.", "")
		}
		failed.Provider = own
		return connectors.Receipt{}, failed
	case "":
		return connectors.Receipt{ProviderID: answer.Data.ID, Status: connectors.StatusSent}, nil // queued and the like: Telnyx has accepted it
	default:
		return connectors.Receipt{ProviderID: answer.Data.ID, Status: status}, nil
	}
}

// Check asks for one messaging profile, which every key may read that may send.
func (c *conn) Check(ctx context.Context) error {
	response, err := httpcall.Do(ctx, c.http, httpcall.Request{URL: c.baseURL + "/v2/messaging_profiles?page%5Bsize%5D=1", Bearer: c.apiKey})
	if err != nil {
		return err
	}
	if response.Status == http.StatusOK {
		var answer struct {
			Data []json.RawMessage `json:"data"`
		}
		if !decode(response.Body, &answer) || answer.Data == nil {
			return connectors.Retryable(errors.New("the answer of Telnyx is no list of profiles"))
		}
		return nil
	}
	failed := c.failure(response)
	if failed.Kind == connectors.KindRejected {
		unlinked := connectors.Unlinked(connectors.CodeAuthFailed, "Telnyx does not let this API key read the account. Enter a V2 API key that may.")
		unlinked.Provider, unlinked.Err = failed.Provider, failed.Err
		return unlinked
	}
	return failed
}

// statusCallback returns where Telnyx reports the fate of a message, or "" where it could not reach it: then the address in the
// messaging profile counts. An operator's own API address is taken to reach everything.
func (c *conn) statusCallback(messageID string) string {
	return httpcall.StatusCallback(c.callbackURL, messageID, c.baseURL != defaultBaseURL)
}
