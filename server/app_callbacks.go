package server

import (
	"errors"
	"slices"
	"sync"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// appParallel is how many channels' items of one callback are stored at a time. Each store waits for the disk; together they share it.
const appParallel = 16

// maxAppBody is how large an app's callback may be: it may carry the news of a thousand channels. Meta's own limit is 3 MB.
const maxAppBody = 4 * maxBody

// metaCallback takes what Meta sends to an app, for all of its channels.
func (s *Server) metaCallback(r *request) (answer, error) { return s.appCallback(r, "meta") }

// appCallback takes what a provider sends to an app of its, verified with the app's secret, and gives each channel what is the channel's. Like
// callback it answers 2xx only when everything is on disk; what is stored already when another part fails is recognised when it comes again.
func (s *Server) appCallback(r *request, name string) (answer, error) {
	seen := seenCallback{started: s.Now(), shared: true, verified: true}
	app := s.Apps[name]
	if app == nil {
		return answer{}, problem.NotFoundOf("app")
	}
	body, err := r.rawBodyUpTo(maxAppBody)
	if err != nil {
		return answer{}, err
	}
	seen.request = s.callbackRequest(r, body)
	result, err := app.ReceiveApp(seen.request)
	if errors.Is(err, connectors.ErrSignature) {
		s.seen.warn("callback.refused", "app", name, "reason", "signature") // it concerns no account
		return answer{}, problem.New(problem.InvalidSignature, "The callback is not signed by the app that this server is set up for. Check the app's secret and verify token in the server's settings.")
	}
	if err != nil {
		return answer{}, callbackProblem(err)
	}
	took, err := s.receiveItems(r, result.Items)
	a := callbackAnswer(result.Response)
	if err != nil {
		a = answer{}
	}
	for _, share := range took {
		seen.messages, seen.statuses = share.messages, share.statuses
		s.seen.note(seen, share.channel, share.err, answeredStatus(a, err))
	}
	return a, err
}

// share is what of an app's callback was one channel's.
type share struct {
	channel            *store.Channel
	messages, statuses int
	err                error
}

// receiveItems stores every item at every channel that it concerns. One that fails does not keep the others from being stored; the first
// error is returned, and what each channel got.
func (s *Server) receiveItems(r *request, items []connectors.AppItem) (map[string]*share, error) {
	var wait sync.WaitGroup
	var mu sync.Mutex
	shares := map[string]*share{}
	took := func(channel *store.Channel, item connectors.AppItem, err error) {
		mu.Lock()
		defer mu.Unlock()
		of := shares[channel.ID]
		if of == nil {
			of = &share{channel: channel}
			shares[channel.ID] = of
		}
		of.messages, of.statuses = of.messages+len(item.Messages), of.statuses+len(item.Statuses)
		if of.err == nil {
			of.err = err
		}
	}
	failures := make(chan error, len(items))
	turns := make(chan struct{}, appParallel)
	for _, item := range items {
		turns <- struct{}{}
		wait.Go(func() {
			defer func() { <-turns }()
			if err := s.receiveItem(r, item, took); err != nil {
				failures <- err
			}
		})
	}
	wait.Wait()
	close(failures)
	return shares, <-failures
}

// receiveItem stores an item at each channel of its address whose owner has shown to the network that it is theirs: several accounts
// may have connected the same Page, and one that has only written its id down gets nothing of it.
func (s *Server) receiveItem(r *request, item connectors.AppItem, took func(*store.Channel, connectors.AppItem, error)) error {
	channels, err := s.Store.ChannelsByAddressAny(r.ctx, item.Kind, item.Address)
	if err != nil {
		return problem.Unavailable(err)
	}
	var first error
	for _, channel := range channels {
		theirs, err := s.Channels.Verified(r.ctx, channel)
		if err != nil && first == nil {
			first = problem.Unavailable(err)
		}
		if !theirs {
			continue
		}
		// A copy, because it is tidied before it is stored.
		own := connectors.CallbackResult{Messages: slices.Clone(item.Messages), Statuses: slices.Clone(item.Statuses)}
		err = s.receive(r, channel, own)
		took(channel, item, err)
		if err != nil && first == nil {
			first = err
		}
	}
	return first
}

// callbackAnswer is what a provider wants to hear.
func callbackAnswer(response connectors.CallbackResponse) answer {
	contentType := response.ContentType
	if contentType == "" {
		contentType = fiber.MIMETextPlainCharsetUTF8
	}
	return answer{status: fiber.StatusOK, raw: []byte(response.Body), contentType: contentType}
}
