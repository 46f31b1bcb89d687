//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

// Who the bench is in the product.
const (
	benchEmail    = "bench@example.com"
	benchPassword = "correct horse battery staple"
)

// api calls the product's HTTP interface, to prepare and to profile; the load has its own client.
type api struct {
	base       string
	credential string
	client     *http.Client
}

func newAPI(base string) *api {
	return &api{base: base, client: &http.Client{Timeout: 90 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
}

// call sends body as JSON and reads the answer into result; both may be nil. Any status but a 2xx is an error.
func (a *api) call(ctx context.Context, method, path string, body, result any) error {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return fmt.Errorf("call %s: %w", path, err)
		}
	}
	answer, err := a.do(ctx, method, a.base+path, raw)
	if err != nil {
		return err
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(answer, result); err != nil {
		return fmt.Errorf("call %s: %w", path, err)
	}
	return nil
}

func (a *api) do(ctx context.Context, method, url string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", url, err)
	}
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	if a.credential != "" {
		request.Header.Set("Authorization", "Bearer "+a.credential)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", url, err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", url, err)
	}
	if response.StatusCode/100 != 2 {
		return nil, fmt.Errorf("call %s: %s: %s", url, response.Status, answer)
	}
	return answer, nil
}

// prepare makes an account with a key, a sandbox channel and its webhooks, and returns where the channel's callbacks go.
func (a *api) prepare(ctx context.Context, signingSecret, receiverURL string, webhooks int) (string, error) {
	var session struct{ Token string }
	account := map[string]string{"email": benchEmail, "password": benchPassword, "organization": "Bench"}
	if err := a.call(ctx, http.MethodPost, "/v1/auth/register", account, &session); err != nil {
		return "", err
	}
	a.credential = session.Token
	var key struct{ Key string }
	if err := a.call(ctx, http.MethodPost, "/v1/keys", map[string]string{"name": "bench"}, &key); err != nil {
		return "", err
	}
	a.credential = key.Key
	var channel struct{ ID string }
	sandbox := map[string]any{"connector": "sandbox", "name": "Bench", "config": map[string]string{"number": "+15550000001", "signingSecret": signingSecret}}
	if err := a.call(ctx, http.MethodPost, "/v1/channels", sandbox, &channel); err != nil {
		return "", err
	}
	for i := range webhooks {
		webhook := map[string]any{"url": receiverURL + strconv.Itoa(i), "events": []string{"message.received"}, "channelIds": []string{channel.ID}}
		if err := a.call(ctx, http.MethodPost, "/v1/webhooks", webhook, nil); err != nil {
			return "", err
		}
	}
	return a.base + "/callbacks/sandbox/" + channel.ID, nil
}

// saveProfile writes one of net/http/pprof's profiles into a file. It blocks as long as the profile takes.
func (a *api) saveProfile(ctx context.Context, address, profile, file string) error {
	raw, err := a.do(ctx, http.MethodGet, "http://"+address+"/debug/pprof/"+profile, nil)
	if err != nil {
		return fmt.Errorf("profile the product: %w", err)
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return fmt.Errorf("profile the product: %w", err)
	}
	return nil
}
