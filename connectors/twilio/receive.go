package twilio

import (
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/switchhook/switchhook/connectors"
)

// emptyTwiML tells Twilio to answer nothing by itself.
const emptyTwiML = `<?xml version="1.0" encoding="UTF-8"?><Response/>`

// maxInboundMedia bounds what one callback can make us fetch; Twilio sends at most ten files.
const maxInboundMedia = 10

// Receive reads a message or the status of one. Twilio posts one of them in each callback; with a signed body that is no form there
// is nothing that we know.
func (c *conn) Receive(request connectors.CallbackRequest) (connectors.CallbackResult, error) {
	params, ok := verify(c.authToken, request)
	if !ok {
		return connectors.CallbackResult{}, connectors.ErrSignature
	}
	result := connectors.CallbackResult{Response: connectors.CallbackResponse{ContentType: "text/xml", Body: emptyTwiML}}
	if request.Method != http.MethodGet && !isForm(request) {
		return result, nil
	}
	if status := params.Get("MessageStatus"); status != "" && status != "received" && status != "receiving" {
		if update, ok := statusUpdate(request.URL, params); ok {
			result.Statuses = append(result.Statuses, update)
		}
		return result, nil
	}
	if message, ok := c.inbound(params); ok {
		result.Messages = append(result.Messages, message)
	}
	return result, nil
}

// reportable returns what a status of Twilio's means to us, or "" for those before a message has left Twilio.
func reportable(status string) connectors.Status {
	switch status {
	case "sent":
		return connectors.StatusSent
	case "delivered":
		return connectors.StatusDelivered
	case "read":
		return connectors.StatusRead
	case "failed", "undelivered", "canceled":
		return connectors.StatusFailed
	}
	return ""
}

// statusUpdate reads a status callback. Our own id stands in the URL that we gave Twilio, which the signature covers.
func statusUpdate(address string, params url.Values) (connectors.StatusUpdate, bool) {
	update := connectors.StatusUpdate{ProviderID: messageSID(params), Status: reportable(params.Get("MessageStatus"))}
	if called, err := url.Parse(address); err == nil {
		update.MessageID = called.Query().Get("message")
	}
	if update.Status == "" || (update.ProviderID == "" && update.MessageID == "") {
		return connectors.StatusUpdate{}, false
	}
	if update.Status == connectors.StatusFailed {
		update.Error = deliveryError(params)
	}
	return update, true
}

// deliveryError puts a failed delivery into words: the channel's own where it has some, else ours.
func deliveryError(params url.Values) *connectors.ProviderError {
	code, err := strconv.Atoi(params.Get("ErrorCode"))
	if err != nil || code < 0 {
		code = 0
	}
	words := text(params, "ChannelStatusMessage")
	if known := refusalOf(code); words == "" && known != nil {
		words = known.Message
	}
	if words == "" {
		words = "Twilio could not deliver the message."
	}
	own := map[string]any{"code": code, "status": params.Get("MessageStatus")}
	if code > 0 {
		own["moreInfo"] = "https://www.twilio.com/docs/errors/" + strconv.Itoa(code)
	}
	raw, err := json.Marshal(own)
	if err != nil {
		raw = nil
	}
	return &connectors.ProviderError{Code: code, Message: words, Raw: raw}
}

func messageSID(params url.Values) string {
	for _, name := range []string{"MessageSid", "SmsMessageSid", "SmsSid"} {
		if sid := text(params, name); sid != "" {
			return sid
		}
	}
	return ""
}

// inbound reads a message. One without an id or without a sender is none.
func (c *conn) inbound(params url.Values) (connectors.InMessage, bool) {
	message := connectors.InMessage{
		ProviderID: messageSID(params),
		From:       person(text(params, "From"), text(params, "WaId"), text(params, "ExternalUserId")),
		FromName:   text(params, "ProfileName"),
		To:         c.address,
		Text:       text(params, "Body"),
		Media:      media(params),
		ReplyTo:    text(params, "OriginalRepliedMessageSid"),
		Extra:      extra(params),
	}
	message.Type = messageType(params, message)
	if button := text(params, "ButtonText"); message.Text == "" {
		message.Text = button
	}
	return message, message.ProviderID != "" && message.From != ""
}

func media(params url.Values) []connectors.MediaRef {
	count, err := strconv.Atoi(params.Get("NumMedia"))
	if err != nil {
		return nil
	}
	var files []connectors.MediaRef
	for i := range min(count, maxInboundMedia) {
		index := strconv.Itoa(i)
		if address := text(params, "MediaUrl"+index); address != "" {
			files = append(files, connectors.MediaRef{URL: address, ContentType: text(params, "MediaContentType"+index)})
		}
	}
	return files
}

// messageType trusts the content over MessageType, which only WhatsApp sends and which names some types that we do not have.
func messageType(params url.Values, message connectors.InMessage) string {
	if _, found := message.Extra["location"]; found {
		return "location"
	}
	if len(message.Media) > 0 && params.Get("MessageType") == "sticker" {
		return "sticker"
	}
	return connectors.MessageType(message.Media)
}

// extra collects what only WhatsApp tells.
func extra(params url.Values) map[string]any {
	facts := map[string]any{}
	if place := location(params); place != nil {
		facts["location"] = place
	}
	if params.Has("ButtonText") || params.Has("ButtonPayload") {
		facts["button"] = map[string]any{"text": text(params, "ButtonText"), "payload": text(params, "ButtonPayload")}
	}
	if id := text(params, "ExternalUserId"); id != "" {
		facts["externalUserId"] = id
	}
	if params.Get("Forwarded") == "true" || params.Get("FrequentlyForwarded") == "true" {
		facts["forwarded"] = true
	}
	if advert := referral(params); advert != nil {
		facts["referral"] = advert
	}
	if len(facts) == 0 {
		return nil
	}
	return facts
}

// referral tells which advertisement a conversation began with.
func referral(params url.Values) map[string]any {
	facts := map[string]any{}
	for name, key := range map[string]string{
		"ReferralBody": "body", "ReferralHeadline": "headline", "ReferralSourceId": "sourceId", "ReferralSourceType": "sourceType",
		"ReferralSourceUrl": "sourceUrl", "ReferralMediaUrl": "mediaUrl", "ReferralMediaContentType": "mediaContentType", "ReferralCtwaClid": "ctwaClid",
	} {
		if value := text(params, name); value != "" {
			facts[key] = value
		}
	}
	if len(facts) == 0 {
		return nil
	}
	return facts
}

func location(params url.Values) map[string]any {
	latitude, errLatitude := strconv.ParseFloat(params.Get("Latitude"), 64)
	longitude, errLongitude := strconv.ParseFloat(params.Get("Longitude"), 64)
	// The negated form also refuses NaN, which JSON cannot carry.
	if errLatitude != nil || errLongitude != nil || !(math.Abs(latitude) <= 90) || !(math.Abs(longitude) <= 180) {
		return nil
	}
	place := map[string]any{"latitude": latitude, "longitude": longitude}
	for name, key := range map[string]string{"Label": "name", "Address": "address"} {
		if value := text(params, name); value != "" {
			place[key] = value
		}
	}
	return place
}

// text returns a parameter as text that every database and JSON can hold.
func text(params url.Values, name string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(params.Get(name), "\uFFFD"), "\x00", "")
}
