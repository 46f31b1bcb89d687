package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/group"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/safehttp"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/webhook"
)

// claimSize is how many deliveries one sweep takes at a time.
const claimSize = 256

// recordSize is how many attempts one transaction stores.
const recordSize = 256

// Alarm wakes this or another worker when a retry is due. It does not block; what it loses, the sweep finds.
type Alarm interface {
	At(ctx context.Context, taskType, id string, attempt int, at time.Time) error
}

// Limiter counts a webhook's own rate limit over all processes.
type Limiter interface {
	Take(ctx context.Context, key string, rate limit.Rate) (limit.Result, error)
}

// Replier sends the messages that a receiver's answer asked for.
type Replier interface {
	// Kick tells that there are queued messages. It does not block.
	Kick()
}

// Publisher raises the event that tells of a webhook that was switched off.
type Publisher interface {
	Publish(ctx context.Context, draft *event.Draft) error
}

// Observer counts attempts for the metrics.
type Observer interface {
	ObserveAttempt(result string, took time.Duration, lag time.Duration)
}

// Options wires a Service. All fields are required but Bell.
type Options struct {
	Store    *store.Store
	IDs      *id.Generator
	HTTP     *safehttp.Client
	Sealer   *secret.Sealer
	Alarm    Alarm
	Limiter  Limiter
	Observer Observer
	Logger   *slog.Logger
	Now      func() time.Time
	WorkerID string
	Schedule []time.Duration // waits between tries
	Parallel int             // transactions at a time; 1 for SQLite
	Bell     *live.Bell      // optional: tells open pages
}

// Service delivers. It is a Dispatcher for event.Publisher.
type Service struct {
	Options
	lanes   *lanes
	records *group.Committer[*store.AttemptResult]
	formats map[string]webhook.Format
	bodies  *bodies
	ctx     context.Context //nolint:containedctx // of attempts, which belong to no caller; ends when a stop has waited long enough
	cancel  context.CancelFunc

	// Publisher and service need each other, so these two come after New, by Connect.
	publisher Publisher
	replier   Replier

	troubled atomic.Int64    // when the database last failed, in epoch milliseconds
	suspects map[string]bool // of Reclaim
	missedAt time.Time       // of Reclaim
}

var _ event.Dispatcher = (*Service)(nil)

// New wires a Service. A missing part is an error that names it.
func New(o Options) (*Service, error) {
	for name, missing := range map[string]bool{
		"Store": o.Store == nil, "IDs": o.IDs == nil, "HTTP": o.HTTP == nil, "Sealer": o.Sealer == nil, "Alarm": o.Alarm == nil,
		"Limiter": o.Limiter == nil, "Observer": o.Observer == nil, "Logger": o.Logger == nil, "Now": o.Now == nil,
		"WorkerID": o.WorkerID == "", "Schedule": len(o.Schedule) == 0,
	} {
		if missing {
			return nil, fmt.Errorf("make delivery service: Options.%s is missing", name)
		}
	}
	s := &Service{Options: o, formats: webhook.Formats(), bodies: newBodies()}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.lanes = newLanes(o.Now, newWorkers(s.run).start)
	s.records = group.New(recordSize, max(1, o.Parallel), s.record)
	return s, nil
}

// Connect gives the service the parts that need the service themselves. It is called once, before the first delivery.
func (s *Service) Connect(publisher Publisher, replier Replier) {
	s.publisher, s.replier = publisher, replier
}

// Reserve asks for room for one delivery.
func (s *Service) Reserve(webhookID string) bool { return s.lanes.reserve(webhookID) }

// Unreserve gives room back. The delivery may have been stored all the same, when only the answer of the commit was lost.
func (s *Service) Unreserve(webhookID string) {
	s.lanes.unreserve(webhookID)
	s.noteTrouble()
}

// Dispatch delivers what this process owns and has reserved room for.
func (s *Service) Dispatch(d *store.Delivery, w *store.Webhook, e *store.Event) {
	if !s.lanes.put(job{delivery: d, webhook: w, event: e, readAt: s.Now()}) {
		s.giveBack(s.ctx, []string{d.ID}, s.Now())
	}
}

// Deliver claims deliveries by id and starts them: the handler of the "deliver" task. What belongs to a living worker,
// is not due, or finds no room is left alone; the sweep comes to it.
func (s *Service) Deliver(ctx context.Context, ids []string) error {
	room, _ := s.lanes.room()
	if room < len(ids) {
		return nil
	}
	claimed, err := s.Store.ClaimAny(ctx, s.WorkerID, s.Now(), ids)
	if err != nil {
		s.noteTrouble()
		return fmt.Errorf("claim deliveries: %w", err)
	}
	return s.begin(ctx, claimed)
}

// Sweep claims and starts whatever is due and nobody's, until there is no more or no more room. It runs periodically, and
// whenever a lane that was full has room again.
func (s *Service) Sweep(ctx context.Context) error {
	for ctx.Err() == nil {
		room, full := s.lanes.room()
		if room < claimSize {
			return nil
		}
		claimed, err := s.Store.ClaimDueAny(ctx, s.WorkerID, s.Now(), claimSize, full)
		if err != nil {
			s.noteTrouble()
			return fmt.Errorf("claim due deliveries: %w", err)
		}
		if err := s.begin(ctx, claimed); err != nil {
			return err
		}
		if len(claimed) < claimSize {
			return nil
		}
	}
	return nil
}

// More tells when a sweep is worth while before its time.
func (s *Service) More() <-chan struct{} { return s.lanes.more }

// begin reads what claimed deliveries need and starts them.
func (s *Service) begin(ctx context.Context, claimed []*store.Delivery) error {
	if len(claimed) == 0 {
		return nil
	}
	events, webhooks := map[string]bool{}, map[string]bool{}
	for _, d := range claimed {
		events[d.EventID], webhooks[d.WebhookID] = true, true
	}
	readAt := s.Now()
	foundWebhooks, err := s.Store.WebhooksAny(ctx, keys(webhooks))
	if err == nil {
		var foundEvents map[string]*store.Event
		if foundEvents, err = s.Store.EventsAny(ctx, keys(events)); err == nil {
			jobs := make([]job, len(claimed))
			for i, d := range claimed {
				jobs[i] = job{delivery: d, webhook: foundWebhooks[d.WebhookID], event: foundEvents[d.EventID], readAt: readAt}
			}
			s.start(ctx, jobs)
			return nil
		}
	}
	ids := make([]string, len(claimed))
	for i, d := range claimed {
		ids[i] = d.ID
	}
	s.giveBack(ctx, ids, readAt)
	return fmt.Errorf("read claimed deliveries: %w", err)
}

// start runs the claimed deliveries that can be made and ends the others.
func (s *Service) start(ctx context.Context, jobs []job) {
	var over []job
	for _, j := range jobs {
		if j.webhook == nil || j.event == nil || j.webhook.Status != store.WebhookActive {
			over = append(over, j)
			continue
		}
		if !s.lanes.accept(j) {
			s.giveBack(ctx, []string{j.delivery.ID}, j.readAt)
		}
	}
	if len(over) > 0 {
		s.end(ctx, over)
	}
}

// end closes deliveries that cannot be made: their webhook or event is gone, or the webhook is not active.
func (s *Service) end(ctx context.Context, over []job) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	err := s.Store.InTransaction(ctx, func(ctx context.Context) error {
		for _, j := range over {
			status, reason := ending(j)
			if err := s.Store.EndDeliveryAny(ctx, j.delivery.ID, s.WorkerID, status, reason, s.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.noteTrouble()
		s.Logger.Error("delivery.end_failed", "count", len(over), "error", err)
		return
	}
	for _, j := range over {
		s.Bell.Ring(j.delivery.AccountID, live.Delivery, j.delivery.ID, j.delivery.WebhookID)
	}
}

// ending is how a delivery ends that cannot be made, and why.
func ending(j job) (store.DeliveryStatus, string) {
	switch {
	case j.event == nil:
		return store.DeliveryCancelled, "The event is older than the retention and was deleted."
	case j.webhook == nil:
		return store.DeliveryCancelled, "The webhook was deleted."
	case j.webhook.Status == store.WebhookPaused:
		return store.DeliveryHeld, store.HeldByPause
	case j.webhook.Status == store.WebhookDisabled:
		return store.DeliveryHeld, store.HeldByDisable
	}
	return store.DeliveryCancelled, j.webhook.StatusReason
}

// giveBack frees deliveries that were claimed and not tried.
func (s *Service) giveBack(ctx context.Context, ids []string, due time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if err := s.Store.ReleaseAny(ctx, s.WorkerID, due, ids); err != nil {
		s.noteTrouble() // free at the next Reclaim, or when this worker is gone
		s.Logger.Error("delivery.release_failed", "count", len(ids), "error", err)
	}
}

// Stop refuses new work, frees what has not begun, and waits for attempts under way. When ctx ends first, they are cut off
// and made again later, by whoever sweeps.
func (s *Service) Stop(ctx context.Context) error {
	left := s.lanes.close()
	ids := make([]string, len(left))
	for i, j := range left {
		ids[i] = j.delivery.ID
	}
	s.giveBack(ctx, ids, s.Now())
	err := s.lanes.waitIdle(ctx)
	s.cancel()
	if err != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		err = errors.Join(err, s.lanes.waitIdle(last))
	}
	s.records.Close()
	return err
}

func keys(set map[string]bool) []string {
	all := make([]string, 0, len(set))
	for key := range set {
		all = append(all, key)
	}
	return all
}
