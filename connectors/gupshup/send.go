package gupshup

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// Send makes one POST of a form. ReplyTo has no effect; a template takes the place of the text.
func (c *conn) Send(ctx context.Context, message connectors.OutMessage) (connectors.Receipt, error) {
	if err := connectors.CheckLimits(c.info, message); err != nil {
		return connectors.Receipt{}, err
	}
	path, form, err := c.form(message)
	if err != nil {
		return connectors.Receipt{}, err
	}
	request := c.request(http.MethodPost, path)
	request.Form = form
	response, err := httpcall.Do(ctx, c.http, request)
	if err != nil {
		return connectors.Receipt{}, err
	}
	if response.Status < 200 || response.Status > 299 {
		return connectors.Receipt{}, c.failure(response)
	}
	return receipt(response)
}

// form builds the request's path and fields. Its errors are Rejected.
func (c *conn) form(message connectors.OutMessage) (path string, form url.Values, err error) {
	to := connectors.Digits(message.To)
	if to == "" {
		return "", nil, connectors.Rejected(connectors.CodeInvalidRecipient, "The recipient must be a phone number with its country code, such as +919876543210.", "to")
	}
	form = url.Values{"channel": {"whatsapp"}, "source": {c.address}, "src.name": {c.app}, "destination": {to}}
	if message.Template == nil {
		object, err := content(message)
		if err != nil {
			return "", nil, err
		}
		return "/wa/api/v1/msg", form, put(form, "message", object)
	}
	object, err := templateOf(*message.Template)
	if err != nil {
		return "", nil, err
	}
	if err := put(form, "template", object); err != nil {
		return "", nil, err
	}
	if len(message.Media) > 0 {
		object, err := header(message.Media[0])
		if err != nil {
			return "", nil, err
		}
		return "/wa/api/v1/template/msg", form, put(form, "message", object)
	}
	return "/wa/api/v1/template/msg", form, nil
}

func put(form url.Values, name string, object map[string]any) error {
	text, err := encode(object)
	if err != nil {
		return err
	}
	form.Set(name, text)
	return nil
}

// receipt reads a success. Without an id the message went out and cannot be followed, which is not a success either; unless the
// answer says itself that it is an error.
func receipt(response httpcall.Response) (connectors.Receipt, error) {
	var answer struct {
		Status    string `json:"status"`
		MessageID string `json:"messageId"`
	}
	if err := json.Unmarshal(response.Body, &answer); err != nil || (answer.MessageID == "" && answer.Status != "error") {
		return connectors.Receipt{}, connectors.Unconfirmed(errors.New("the answer of Gupshup names no message"))
	}
	if answer.Status != "error" {
		return connectors.Receipt{ProviderID: answer.MessageID, Status: connectors.StatusSent}, nil
	}
	refusal := readRefusal(response.Body)
	failed := refusalOf(refusal.Code)
	if failed == nil {
		failed = connectors.Rejected(httpcall.CodeProviderRejected, "Gupshup refuses this message. Its own words say why; correct the message before you send it again.", "")
	}
	failed.Provider = refusal
	return connectors.Receipt{}, failed
}

// Check asks for the balance of the account's wallet. The name of the app and the number only show when a message is sent.
func (c *conn) Check(ctx context.Context) error {
	response, err := httpcall.Do(ctx, c.http, c.request(http.MethodGet, "/sm/api/v2/wallet/balance"))
	if err != nil {
		return err
	}
	if response.Status == http.StatusOK {
		var answer struct {
			Status string `json:"status"`
		}
		if err := json.Unmarshal(response.Body, &answer); err != nil || answer.Status == "" {
			return connectors.Retryable(errors.New("the answer of Gupshup is no balance"))
		}
		if answer.Status != "error" {
			return nil
		}
		return unlinked(readRefusal(response.Body))
	}
	if failed := c.failure(response); failed.Kind != connectors.KindRejected {
		return failed
	}
	return unlinked(readRefusal(response.Body))
}

// unlinked is what a refusal means that any working key would not get.
func unlinked(refusal *connectors.ProviderError) *connectors.Error {
	failed := connectors.Unlinked(connectors.CodeAuthFailed, "Gupshup does not accept this API key. Enter the one that the Gupshup dashboard shows.")
	failed.Provider = refusal
	return failed
}

func (c *conn) request(method, path string) httpcall.Request {
	return httpcall.Request{Method: method, URL: c.baseURL + path, Header: http.Header{"apikey": {c.apiKey}}}
}
