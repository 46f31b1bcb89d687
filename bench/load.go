//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// refusalPause keeps a connection from asking again at once what has just been refused.
const refusalPause = 20 * time.Millisecond

// poster posts events over one connection. It is used by one goroutine at a time.
type poster interface {
	post(ctx context.Context, m mark) error
}

// loaded is what came of a load on the sender's side.
type loaded struct {
	accepted  []int // sequence numbers
	refused   int
	complaint error // the first refusal
	began     time.Time
	took      time.Duration
}

// drive posts from every poster, one event after the other, until the time is over.
func drive(ctx context.Context, posters []poster, run int, length time.Duration) loaded {
	ctx, cancel := context.WithTimeout(ctx, length+30*time.Second)
	defer cancel()
	var next atomic.Int64
	var mu sync.Mutex
	var everyone sync.WaitGroup
	all := loaded{began: time.Now()}
	deadline := all.began.Add(length)
	for _, one := range posters {
		everyone.Go(func() {
			mine := postUntil(ctx, one, run, &next, deadline)
			mu.Lock()
			defer mu.Unlock()
			all.accepted = append(all.accepted, mine.accepted...)
			all.refused += mine.refused
			if all.complaint == nil {
				all.complaint = mine.complaint
			}
		})
	}
	everyone.Wait()
	all.took = time.Since(all.began)
	return all
}

func postUntil(ctx context.Context, one poster, run int, next *atomic.Int64, deadline time.Time) loaded {
	var mine loaded
	for now := time.Now(); now.Before(deadline) && ctx.Err() == nil; now = time.Now() {
		seq := int(next.Add(1) - 1)
		err := one.post(ctx, mark{run: run, seq: seq, started: now.UnixNano()})
		if err == nil {
			mine.accepted = append(mine.accepted, seq)
			continue
		}
		mine.refused++
		if mine.complaint == nil {
			mine.complaint = err
		}
		pause := time.NewTimer(refusalPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
	return mine
}

// callbackPoster posts signed sandbox callbacks. Its client is lean, because it shares the machine with what it measures.
type callbackPoster struct {
	client   *fasthttp.HostClient
	mac      hash.Hash
	request  fasthttp.Request
	response fasthttp.Response
	body     []byte
}

func callbackPosters(url, secret string, connections int) []poster {
	var uri fasthttp.URI
	_ = uri.Parse(nil, []byte(url)) // our own
	client := &fasthttp.HostClient{
		Addr: string(uri.Host()), MaxConns: connections, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second,
		RetryIfErr: func(*fasthttp.Request, int, error) (bool, bool) { return false, false },
	}
	posters := make([]poster, connections)
	for i := range posters {
		one := &callbackPoster{client: client, mac: hmac.New(sha256.New, []byte(secret))}
		one.request.SetRequestURI(url)
		one.request.Header.SetMethod(http.MethodPost)
		one.request.Header.SetContentType("application/json")
		posters[i] = one
	}
	return posters
}

// people is how many persons the messages of a load come from.
const people = 1000

func (p *callbackPoster) post(_ context.Context, m mark) error {
	p.body = fmt.Appendf(p.body[:0], `{"id":"bench-%04d-%08d","from":"+1631555%04d","name":"Emily Example","text":"`, m.run, m.seq, m.seq%people)
	p.body = appendMark(p.body, m)
	p.body = append(p.body, ` Is the blue one still there, and could you send it to me before Friday?"}`...)
	p.mac.Reset()
	p.mac.Write(p.body)
	p.request.Header.Set("X-Sandbox-Signature", "sha256="+hex.EncodeToString(p.mac.Sum(nil)))
	p.request.SetBodyRaw(p.body)
	if err := p.client.Do(&p.request, &p.response); err != nil {
		return fmt.Errorf("post callback: %w", err)
	}
	if code := p.response.StatusCode(); code/100 != 2 {
		return fmt.Errorf("post callback: %d: %s", code, p.response.Body())
	}
	return nil
}

// rawPoster posts what the product would deliver straight to the receiver, with nothing but net/http: the raw limit.
type rawPoster struct {
	client        *http.Client
	url           string
	before, after []byte // the body around the mark
	mac           hash.Hash
	body          []byte
}

// rawPosters takes a body that the product has delivered as the pattern of its own.
func rawPosters(url, secret string, sample []byte, connections int) ([]poster, error) {
	_, from, to, ok := findMark(sample)
	if !ok {
		return nil, errors.New("make raw load: the sample of a delivery has no mark")
	}
	client := &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{MaxIdleConns: connections, MaxIdleConnsPerHost: connections, DisableCompression: true},
	}
	posters := make([]poster, connections)
	for i := range posters {
		posters[i] = &rawPoster{client: client, url: url, before: sample[:from], after: sample[to:], mac: hmac.New(sha256.New, []byte(secret))}
	}
	return posters, nil
}

func (p *rawPoster) sign(parts ...[]byte) []byte {
	p.mac.Reset()
	for _, part := range parts {
		p.mac.Write(part)
	}
	return p.mac.Sum(nil)
}

func (p *rawPoster) post(ctx context.Context, m mark) error {
	p.body = appendMark(append(p.body[:0], p.before...), m)
	p.body = append(p.body, p.after...)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(p.body))
	if err != nil {
		return fmt.Errorf("post raw: %w", err)
	}
	id, at := fmt.Sprintf("evt_%026d", m.seq), strconv.FormatInt(m.started/int64(time.Second), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Webhook-Id", id)
	request.Header.Set("Webhook-Timestamp", at)
	request.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(p.sign([]byte(id+"."+at+"."), p.body)))
	request.Header.Set("X-Switchhook-Event", "message.received")
	request.Header.Set("X-Switchhook-Signature", "sha256="+hex.EncodeToString(p.sign(p.body)))
	request.Header.Set("X-Switchhook-Delivery", id)
	response, err := p.client.Do(request)
	if err != nil {
		return fmt.Errorf("post raw: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return fmt.Errorf("post raw: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("post raw: %s", response.Status)
	}
	return nil
}
