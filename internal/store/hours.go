package store

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"go.mau.fi/util/dbutil"
)

const (
	// hourShards is how many rows an hour's counts are spread over on PostgreSQL, where two transactions that change the same row wait for
	// each other's commit.
	hourShards = 4
	// lastWithin is how far LastOutcomes looks back.
	lastWithin = 8 * 24 * time.Hour

	hourColumns = `account_id, hour, webhook_id, shard, delivered, failed, inbound, outbound, delivered_at, failed_at`
	hourWidth   = 10
	addHours    = `ON CONFLICT (account_id, hour, webhook_id, shard) DO UPDATE SET
		delivered = hours.delivered + excluded.delivered, failed = hours.failed + excluded.failed,
		inbound = hours.inbound + excluded.inbound, outbound = hours.outbound + excluded.outbound,
		delivered_at = CASE WHEN excluded.delivered_at > hours.delivered_at THEN excluded.delivered_at ELSE hours.delivered_at END,
		failed_at = CASE WHEN excluded.failed_at > hours.failed_at THEN excluded.failed_at ELSE hours.failed_at END`
	webhookHoursQuery = `SELECT hour, webhook_id, CAST(SUM(delivered) AS BIGINT), CAST(SUM(failed) AS BIGINT) FROM hours
		WHERE account_id = $1 AND hour >= $2 AND webhook_id <> '' AND ($3 = '' OR webhook_id = $3) GROUP BY hour, webhook_id`
	messageHoursQuery = `SELECT CAST(COALESCE(SUM(inbound), 0) AS BIGINT), CAST(COALESCE(SUM(outbound), 0) AS BIGINT) FROM hours WHERE account_id = $1 AND hour >= $2 AND webhook_id = ''`
	lastOutcomesQuery = `SELECT COALESCE(MAX(delivered_at), 0), COALESCE(MAX(failed_at), 0) FROM hours
		WHERE account_id = $1 AND hour >= $2 AND webhook_id = $3`
	// Of more than openRead pending deliveries those that are due first stand for all: grouping takes far longer than counting.
	openRead       = 5000
	openHoursQuery = `SELECT webhook_id, created_at / 3600000 * 3600000, COUNT(*) FROM (SELECT webhook_id, created_at FROM deliveries
		WHERE status = 'pending' AND account_id = $1 ORDER BY due_at LIMIT $3) open WHERE created_at >= $2 GROUP BY 1, 2`
)

// hourKey names a row of counts. webhookID is empty for messages.
type hourKey struct{ accountID, webhookID string }

// hourCount is what happened in one group of writes.
type hourCount struct{ delivered, failed, inbound, outbound, deliveredAt, failedAt int64 }

// tally counts what one transaction does.
type tally map[hourKey]hourCount

// attempts counts how attempts ended: a delivery fails once, when its schedule is over. An attempt that two workers made is counted twice.
func (t tally) attempts(results []*AttemptResult, now time.Time) {
	for _, r := range results {
		key := hourKey{r.Delivery.AccountID, r.Delivery.WebhookID}
		count := t[key]
		switch r.Delivery.Status {
		case DeliveryDelivered:
			count.delivered++
			count.deliveredAt = Millis(now)
		case DeliveryFailed:
			count.failed++
			count.failedAt = Millis(now)
		case DeliveryPending, DeliveryHeld, DeliveryCancelled:
			count.failedAt = Millis(now)
		}
		t[key] = count
	}
}

func (t tally) messages(messages []*Message) {
	for _, m := range messages {
		key := hourKey{m.AccountID, ""}
		count := t[key]
		if m.Direction == Inbound {
			count.inbound++
		} else {
			count.outbound++
		}
		t[key] = count
	}
}

// addTally adds counts to the hour of now. It comes last in a batch, so that what others wait for is held shortly.
func (s *Store) addTally(b *batch, t tally, now time.Time) {
	if len(t) == 0 {
		return
	}
	shard := 0
	if s.db.Dialect == dbutil.Postgres {
		shard = rand.N(hourShards) //nolint:gosec // spreading needs no secrecy
	}
	keys := make([]hourKey, 0, len(t))
	for key := range t {
		keys = append(keys, key)
	}
	// All transactions lock in the same order.
	slices.SortFunc(keys, func(x, y hourKey) int {
		return cmp.Or(strings.Compare(x.accountID, y.accountID), strings.Compare(x.webhookID, y.webhookID))
	})
	args := make([]any, 0, len(keys)*hourWidth)
	for _, key := range keys {
		c := t[key]
		args = append(args, key.accountID, Millis(now.Truncate(time.Hour)), key.webhookID, shard, c.delivered, c.failed, c.inbound, c.outbound, c.deliveredAt, c.failedAt)
	}
	b.insert(`INSERT INTO hours (`+hourColumns+`)`, addHours, hourWidth, args)
}

// Hour is what became of deliveries in one hour.
type Hour struct {
	At                time.Time // when it begins
	Delivered, Failed int64     // in this hour, whenever they were made
	Pending           int64     // made in this hour and still open
}

// DayHours is how many hours WebhookHours returns: the present one, which is not over, is the last.
const DayHours = 24

// DayStart returns when the first of the DayHours hours begins that end with the present one.
func DayStart(now time.Time) time.Time {
	return now.UTC().Truncate(time.Hour).Add(-(DayHours - 1) * time.Hour)
}

// WebhookHours returns the last DayHours hours of each webhook of an account that anything happened to, or of the one with this id, by the
// webhooks' ids. Deliveries count also where their webhook is deleted by now. Of very many pending deliveries only the first are counted.
func (s *Store) WebhookHours(ctx context.Context, accountID, webhookID string, now time.Time) (map[string][]Hour, error) {
	start := DayStart(now)
	all := map[string][]Hour{}
	hour := func(webhookID string, at int64) *Hour {
		if all[webhookID] == nil {
			all[webhookID] = EmptyHours(now)
		}
		return &all[webhookID][min(max(0, (at-Millis(start))/time.Hour.Milliseconds()), DayHours-1)]
	}
	b := &batch{}
	queryInto(b, scanHour, func(r hourRow) {
		h := hour(r.webhookID, r.at)
		h.Delivered, h.Failed = h.Delivered+r.delivered, h.Failed+r.failed
	}, webhookHoursQuery, accountID, Millis(start), webhookID)
	queryInto(b, scanOpenHour, func(r hourRow) {
		if webhookID == "" || webhookID == r.webhookID {
			hour(r.webhookID, r.at).Pending += r.pending
		}
	}, openHoursQuery, accountID, Millis(start), openRead)
	return all, s.ask(ctx, b)
}

// EmptyHours returns the last DayHours hours, in which nothing happened.
func EmptyHours(now time.Time) []Hour {
	hours := make([]Hour, DayHours)
	for i := range hours {
		hours[i].At = DayStart(now).Add(time.Duration(i) * time.Hour)
	}
	return hours
}

type hourRow struct {
	webhookID                      string
	at, delivered, failed, pending int64
}

func scanHour(row dbutil.Scannable) (r hourRow, err error) {
	return r, row.Scan(&r.at, &r.webhookID, &r.delivered, &r.failed)
}

func scanOpenHour(row dbutil.Scannable) (r hourRow, err error) {
	return r, row.Scan(&r.webhookID, &r.at, &r.pending)
}

// LastOutcomes returns when a webhook of an account last got an event, and when an attempt last failed; zero where that has not happened for
// eight days.
func (s *Store) LastOutcomes(ctx context.Context, accountID, webhookID string, now time.Time) (delivered, failed time.Time, err error) {
	var good, bad int64
	err = s.reader(ctx).QueryRowContext(ctx, lastOutcomesQuery, accountID, Millis(now.Add(-lastWithin)), webhookID).Scan(&good, &bad)
	return FromMillis(good), FromMillis(bad), err
}
