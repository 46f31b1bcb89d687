//go:build linux

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// browser asks for pages as a browser does: over a kept connection, with the cookies of a login, packed with gzip.
type browser struct {
	base   string
	key    string // for calls of the API
	client *http.Client
	csrf   *regexp.Regexp
	assets *regexp.Regexp
}

// page is an answer as it came.
type page struct {
	status int
	body   []byte // as it travelled
	packed bool
}

// plain returns the text of a page.
func (p *page) plain() ([]byte, error) {
	if !p.packed {
		return p.body, nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(p.body))
	if err != nil {
		return nil, fmt.Errorf("unpack page: %w", err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		return nil, fmt.Errorf("unpack page: %w", err)
	}
	return text, nil
}

// logIn opens the dashboard as a user does.
func logIn(ctx context.Context, base, key string) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("make cookies: %w", err)
	}
	b := &browser{
		base: base, key: key, csrf: regexp.MustCompile(`name="csrf" (?:value|content)="([^"]+)"`),
		assets: regexp.MustCompile(`(?:src|href)="(/app/assets/[^"#]+)`),
		client: &http.Client{Timeout: 90 * time.Second, Jar: jar, Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 1}},
	}
	// A page that leads elsewhere is not the page that is measured.
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	form, err := b.get(ctx, "/app/login", false)
	if err != nil {
		return nil, err
	}
	text, err := form.plain()
	if err != nil {
		return nil, err
	}
	token := b.csrf.FindSubmatch(text)
	if token == nil {
		return nil, errors.New("log in: the form has no token")
	}
	values := url.Values{"csrf": {html.UnescapeString(string(token[1]))}, "email": {benchEmail}, "password": {benchPassword}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/app/login", strings.NewReader(values.Encode()))
	if err != nil {
		return nil, fmt.Errorf("log in: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := b.do(request)
	if err == nil && answer.status != http.StatusSeeOther {
		err = fmt.Errorf("log in: status %d", answer.status)
	}
	return b, err
}

// get asks for a page, or with key for an answer of the API.
func (b *browser) get(ctx context.Context, address string, key bool) (*page, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+address, nil)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", address, err)
	}
	if key {
		request.Header.Set("Authorization", "Bearer "+b.key)
	}
	return b.do(request)
}

func (b *browser) do(request *http.Request) (*page, error) {
	request.Header.Set("Accept-Encoding", "gzip")
	response, err := b.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", request.URL.Path, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", request.URL.Path, err)
	}
	return &page{response.StatusCode, body, response.Header.Get("Content-Encoding") == "gzip"}, nil
}

// load loads all files that a page names, each once, and returns how many bytes they are.
func (b *browser) load(ctx context.Context, of *page) (int, error) {
	text, err := of.plain()
	if err != nil {
		return 0, err
	}
	loaded, sum := map[string]bool{}, 0
	for _, match := range b.assets.FindAllSubmatch(text, -1) {
		address := string(match[1])
		if loaded[address] {
			continue
		}
		loaded[address] = true
		file, err := b.get(ctx, address, false)
		if err != nil {
			return 0, err
		}
		if file.status != http.StatusOK {
			return 0, fmt.Errorf("get %s: status %d", address, file.status)
		}
		sum += len(file.body)
	}
	return sum, nil
}
