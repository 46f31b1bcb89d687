package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	idempotencyHeader = "Idempotency-Key"
	// replayedHeader marks an answer that was given before.
	replayedHeader = "Idempotency-Replayed"
	// maxIdempotencyKey is what the usual clients' keys (UUIDs, n8n's execution ids) stay far below.
	maxIdempotencyKey = 255
	// settleTimeout is for storing the outcome of a call, whatever became of the request meanwhile.
	settleTimeout = 5 * time.Second
	// busyRetryAfter is when a call that is still being worked on may be asked for again.
	busyRetryAfter = time.Second
)

// once runs a handler so that calls with the same Idempotency-Key act once. The row with the key is there before the
// handler begins. It carries the seed of which the ids are made that the handler makes, so that whoever goes on after
// a crash finds what was done already.
func (s *Server) once(r *request) (answer, error) {
	body, err := r.rawBody()
	if err != nil {
		return answer{}, err
	}
	return s.onceWith(r, body, r.route.handle)
}

// onceWith is once for a request that is known by the given content.
func (s *Server) onceWith(r *request, content []byte, handle func(*request) (answer, error)) (answer, error) {
	call, err := s.newCall(r, content)
	if err != nil {
		return answer{}, err
	}
	earlier, err := s.Store.ClaimIdempotencyKey(r.ctx, call)
	if err != nil {
		return answer{}, problem.Unavailable(fmt.Errorf("store idempotency key: %w", err))
	}
	if earlier != nil {
		if earlier.Fingerprint != call.Fingerprint {
			return answer{}, &problem.Error{
				Code: problem.IdempotencyConflict, Field: idempotencyHeader,
				Message: "This Idempotency-Key was used with another request. Use a new key for a new request.",
			}
		}
		if earlier.Status != 0 {
			return s.replayed(r, earlier)
		}
		if err := s.takeOver(r, call); err != nil {
			return answer{}, err
		}
		call.Seed = earlier.Seed
	}
	return s.run(r, call, handle)
}

func (s *Server) newCall(r *request, content []byte) (*store.IdempotencyKey, error) {
	key := r.Get(idempotencyHeader)
	if len(key) > maxIdempotencyKey || strings.ContainsFunc(key, func(c rune) bool { return c < ' ' || c > '~' }) {
		return nil, problem.InvalidOne(idempotencyHeader, fmt.Sprintf("Idempotency-Key must be 1 to %d printable ASCII characters.", maxIdempotencyKey))
	}
	hash := sha256.New()
	for _, part := range []string{r.Method(), r.OriginalURL(), string(content)} {
		_, _ = fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return &store.IdempotencyKey{
		AccountID: r.account(), Key: key, Fingerprint: hex.EncodeToString(hash.Sum(nil)), Owner: s.WorkerID, CreatedAt: s.Now(),
		Seed: strings.TrimPrefix(s.Accounts.IDs().New("x"), "x_"),
	}, nil
}

// takeOver makes a call ours that nobody works on any more.
func (s *Server) takeOver(r *request, call *store.IdempotencyKey) error {
	err := s.Store.TakeOverIdempotencyKey(r.ctx, call.AccountID, call.Key, s.WorkerID, s.Now())
	if errors.Is(err, store.ErrNotFound) {
		return &problem.Error{
			Code: problem.IdempotencyBusy, Field: idempotencyHeader, RetryAfter: busyRetryAfter,
			Message: "The first request with this Idempotency-Key is still being worked on. Ask again in a moment for its answer.",
		}
	}
	if err != nil {
		return problem.Unavailable(fmt.Errorf("take over idempotency key: %w", err))
	}
	s.Logger.WarnContext(r.ctx, "idempotency.taken_over", "account_id", call.AccountID, "request_id", r.id)
	return nil
}

// replayed gives the answer of an earlier call again.
func (s *Server) replayed(r *request, earlier *store.IdempotencyKey) (answer, error) {
	body, err := s.Accounts.OpenAnswer(earlier.AccountID, earlier.Key, earlier.Body)
	if err != nil {
		return answer{}, err
	}
	r.Set(replayedHeader, "true")
	return rawAnswer(earlier.Status, body), nil
}

// run runs the handler and keeps what it makes of the call. A handler that panics leaves it abandoned.
func (s *Server) run(r *request, call *store.IdempotencyKey, handle func(*request) (answer, error)) (a answer, failure error) {
	r.seed = call.Seed
	settle := s.abandon
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), settleTimeout)
		defer cancel()
		if err := settle(ctx, call); err != nil { // the call has acted all the same: its answer stands
			s.Logger.ErrorContext(ctx, "idempotency.not_stored", "request_id", r.id, "account_id", call.AccountID, "error", err)
		}
	}()
	a, failure = handle(r)
	if failure == nil {
		status, body, err := encode(a)
		if err != nil {
			return answer{}, err
		}
		settle = s.keep(status, body)
		if status >= fiber.StatusBadRequest {
			settle = s.forget
		}
		return rawAnswer(status, body), nil
	}
	switch p := asProblem(failure); p.Code {
	case problem.Unconfirmed:
		status, body, err := encode(answer{status: p.Status(), body: errorBody{
			Code: p.Code, Message: p.Message, Field: p.Field, RequestID: r.id, Errors: p.Fields, Provider: p.Provider,
		}})
		if err != nil {
			return answer{}, err
		}
		settle = s.keep(status, body)
	case problem.InternalError, problem.ServiceUnavailable:
		// It may have acted. A repeat goes on with the same seed and finds out.
	default:
		settle = s.forget
	}
	return a, failure
}

type settlement func(context.Context, *store.IdempotencyKey) error

func (s *Server) keep(status int, body []byte) settlement {
	return func(ctx context.Context, call *store.IdempotencyKey) error {
		sealed, err := s.Accounts.SealAnswer(call.AccountID, call.Key, body)
		if err != nil {
			return err
		}
		return s.Store.FinishIdempotencyKey(ctx, call.AccountID, call.Key, call.Owner, status, sealed)
	}
}

func (s *Server) abandon(ctx context.Context, call *store.IdempotencyKey) error {
	return s.Store.AbandonIdempotencyKey(ctx, call.AccountID, call.Key, call.Owner)
}

func (s *Server) forget(ctx context.Context, call *store.IdempotencyKey) error {
	return s.Store.DeleteIdempotencyKey(ctx, call.AccountID, call.Key, call.Owner)
}

// rawAnswer is an answer of bytes at hand. All routes that take an Idempotency-Key answer JSON, or nothing.
func rawAnswer(status int, body []byte) answer {
	if len(body) == 0 {
		return answer{status: status}
	}
	return answer{status: status, raw: body, contentType: fiber.MIMEApplicationJSON}
}
