package twiliotest

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"
)

const reportTimeout = 15 * time.Second // how long Twilio waits for an answer

// Sign returns the X-Twilio-Signature of a form posted to address, or with a nil form of a GET.
func Sign(token, address string, form url.Values) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	sort.Strings(names)
	mac := hmac.New(sha1.New, []byte(token))
	_, _ = io.WriteString(mac, address) // a hash takes everything
	for _, name := range names {
		_, _ = io.WriteString(mac, name+form.Get(name))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Callback makes the signed request that Twilio would make. address is the URL as the connector's owner made it public.
func Callback(ctx context.Context, token, address string, form url.Values) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("make callback: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("X-Twilio-Signature", Sign(token, address, form))
	return request, nil
}

// Inbound returns the form of an inbound SMS, or of a WhatsApp message where the addresses begin with "whatsapp:". Add to it what
// a test needs.
func Inbound(sid, from, to, text string) url.Values {
	return url.Values{
		"MessageSid": {sid}, "SmsSid": {sid}, "SmsMessageSid": {sid}, "SmsStatus": {"received"}, "AccountSid": {AccountSID},
		"ApiVersion": {"2010-04-01"}, "From": {from}, "To": {to}, "Body": {text}, "NumMedia": {"0"}, "NumSegments": {"1"},
	}
}

// StatusForm returns the form of a status callback; code is sent where it is not 0.
func StatusForm(sent Sent, status string, code int) url.Values {
	form := url.Values{
		"MessageSid": {sent.SID}, "SmsSid": {sent.SID}, "MessageStatus": {status}, "SmsStatus": {status},
		"AccountSid": {AccountSID}, "ApiVersion": {"2010-04-01"}, "From": {sent.From}, "To": {sent.To},
	}
	if code != 0 {
		form.Set("ErrorCode", strconv.Itoa(code))
	}
	return form
}

// Report posts a signed status callback to where the message asked for it, and returns the status of the answer.
func (s *Server) Report(ctx context.Context, sent Sent, status string, code int) (int, error) {
	request, err := Callback(ctx, AuthToken, sent.StatusCallback, StatusForm(sent, status, code))
	if err != nil {
		return 0, err
	}
	client := &http.Client{Timeout: reportTimeout}
	answer, err := client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("report status: %w", err)
	}
	defer answer.Body.Close()
	return answer.StatusCode, nil
}
