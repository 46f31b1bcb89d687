package twilio

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// Send makes one POST to Messages.json. Twilio has no replies outward, so ReplyTo has no effect; a template takes the place
// of the text.
func (c *conn) Send(ctx context.Context, message connectors.OutMessage) (connectors.Receipt, error) {
	if err := connectors.CheckLimits(c.info, message); err != nil {
		return connectors.Receipt{}, err
	}
	form, err := c.form(message)
	if err != nil {
		return connectors.Receipt{}, err
	}
	response, err := httpcall.Do(ctx, c.http, c.request(http.MethodPost, "/Messages.json", form))
	if err != nil {
		return connectors.Receipt{}, err
	}
	if response.Status < 200 || response.Status > 299 {
		return connectors.Receipt{}, c.failure(response)
	}
	return receipt(response.Body)
}

// form builds the request's fields. Its errors are Rejected.
func (c *conn) form(message connectors.OutMessage) (url.Values, error) {
	to := c.recipient(message.To)
	if to == "" {
		return nil, connectors.Rejected(connectors.CodeInvalidRecipient, "The recipient must be a phone number with its country code, such as +16311112222.", "to")
	}
	form := url.Values{"To": {to}, "From": {c.sender()}}
	if c.service != "" {
		form.Set("MessagingServiceSid", c.service)
	}
	if callback := c.statusCallback(message.ID); callback != "" {
		form.Set("StatusCallback", callback)
	}
	if message.Template != nil {
		return form, addTemplate(form, message.Template)
	}
	if message.Text != "" {
		form.Set("Body", message.Text)
	}
	for _, file := range message.Media {
		form.Add("MediaUrl", file.URL)
	}
	return form, nil
}

func addTemplate(form url.Values, template *connectors.Template) error {
	if !strings.HasPrefix(template.Name, "HX") || len(template.Name) != 34 {
		return connectors.Rejected(connectors.CodeInvalidContent, "A template is named by its content SID: HX and 32 hexadecimal digits, from the Content Template Builder of the Twilio console.", "template.name")
	}
	form.Set("ContentSid", template.Name)
	if len(template.Variables) == 0 {
		return nil
	}
	variables, err := json.Marshal(template.Variables)
	if err != nil {
		return connectors.Rejected(connectors.CodeInvalidContent, "The template's variables cannot be written as JSON.", "template.variables")
	}
	form.Set("ContentVariables", string(variables))
	return nil
}

// receipt reads a success. Without an id the message went out and cannot be followed, which is not a success either.
func receipt(body []byte) (connectors.Receipt, error) {
	var answer struct {
		SID          string `json:"sid"`
		Status       string `json:"status"`
		ErrorCode    int    `json:"error_code"`
		ErrorMessage string `json:"error_message"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.SID == "" {
		return connectors.Receipt{}, connectors.Unconfirmed(errors.New("the answer of Twilio names no message"))
	}
	status := reportable(answer.Status)
	switch status {
	case connectors.StatusFailed:
		failed := refusalOf(answer.ErrorCode)
		if failed == nil {
			failed = connectors.Rejected(httpcall.CodeProviderRejected, "Twilio took the message and failed it at once. Its own words say why.", "")
		}
		failed.Provider = &connectors.ProviderError{Code: answer.ErrorCode, Message: answer.ErrorMessage}
		return connectors.Receipt{}, failed
	case "":
		status = connectors.StatusSent // queued and the like: Twilio has accepted it
	}
	return connectors.Receipt{ProviderID: answer.SID, Status: status}, nil
}

// Check asks for the account with the auth token, and for the newest message with the API key where there is one: a standard
// key may not read accounts.
func (c *conn) Check(ctx context.Context) error {
	body, err := c.read(ctx, httpcall.Request{URL: c.accountURL() + ".json", User: c.accountSID, Password: c.authToken})
	if err != nil {
		return err
	}
	var account struct {
		Status string `json:"status"`
	}
	if err := json.Unmarshal(body, &account); err != nil {
		return connectors.Retryable(errors.New("the answer of Twilio is no account"))
	}
	if account.Status == "suspended" || account.Status == "closed" {
		return suspended()
	}
	if c.user == c.accountSID {
		return nil
	}
	_, err = c.read(ctx, c.request(http.MethodGet, "/Messages.json?PageSize=1", nil))
	return err
}

// read makes a call that any working credentials may make, so that a refusal means that these do not work.
func (c *conn) read(ctx context.Context, request httpcall.Request) ([]byte, error) {
	response, err := httpcall.Do(ctx, c.http, request)
	if err != nil {
		return nil, err
	}
	if response.Status == http.StatusOK {
		return response.Body, nil
	}
	failed := c.failure(response)
	if failed.Kind == connectors.KindRejected {
		unlinked := connectors.Unlinked(connectors.CodeAuthFailed, "Twilio does not let these credentials read the account. Check the account SID and the auth token, or the API key.")
		unlinked.Provider, unlinked.Err = failed.Provider, failed.Err
		return nil, unlinked
	}
	return nil, failed
}

func (c *conn) accountURL() string {
	return c.baseURL + "/2010-04-01/Accounts/" + url.PathEscape(c.accountSID)
}

func (c *conn) request(method, path string, form url.Values) httpcall.Request {
	return httpcall.Request{Method: method, URL: c.accountURL() + path, Form: form, User: c.user, Password: c.password}
}

// FetchMedia opens a file of an inbound message. Twilio keeps them behind the account's credentials, which go to Twilio alone:
// neither to the storage that it redirects to, nor to another address that a callback may name.
func (c *conn) FetchMedia(ctx context.Context, ref connectors.MediaRef) (body io.ReadCloser, contentType string, err error) {
	request := httpcall.Request{URL: ref.URL}
	if c.ownsURL(ref.URL) {
		request.User, request.Password = c.user, c.password
	}
	options := httpcall.FetchOptions{AllowHTTP: strings.HasPrefix(c.baseURL, "http://"), Now: c.now()}
	return httpcall.Fetch(ctx, c.http, request, options)
}

// ownsURL tells whether an address belongs to the API: its own origin, or with the real Twilio any of its regions' hosts.
func (c *conn) ownsURL(address string) bool {
	if httpcall.SameOrigin(address, c.baseURL) {
		return true
	}
	file, err := url.Parse(address)
	return err == nil && c.baseURL == defaultBaseURL && file.Scheme == "https" && file.Port() == "" && strings.HasSuffix(strings.ToLower(file.Hostname()), ".twilio.com")
}
