package store

import (
	"context"
	"fmt"
	"time"

	"go.mau.fi/util/dbutil"
)

const (
	// MostCounted is how far an overview counts rows one by one.
	MostCounted = 20_000
	// mostTroubles is how many channels, webhooks and posts in trouble an overview names, of each kind.
	mostTroubles = 20
)

// Overview is the state of an account at a glance. What has happened since Since counts; the counts of rows go up to MostCounted.
type Overview struct {
	Since            time.Time // when the first hour of Hours begins
	Channels         []ChannelCount
	Hours            []Hour
	Queue            QueueDepth
	Inbound          int64 // messages
	Outbound         int64
	FailedMessages   int64
	Unconfirmed      int64 // messages
	WaitingPosts     int64
	FailedPosts      int64 // on at least one of their channels
	FailedDeliveries int64 // which no replay has opened again
	Troubles         []Trouble
}

// QueueDepth is what of an account's deliveries is still to be done.
type QueueDepth struct {
	Due     int64 // now
	Waiting int64 // for their next try
	Held    int64
	Oldest  time.Time // since when the oldest that is due is
}

// Trouble is a thing of the user's that needs them.
type Trouble struct {
	Kind   string // "channel", "session", "webhook" or "post"
	ID     string
	Name   string // what the user knows it by; may be empty
	Status string
	Reason string // a sentence, or empty
}

const (
	channelCountsQuery = `SELECT connector, status, COUNT(*) FROM channels WHERE account_id = $1 GROUP BY connector, status ORDER BY connector, status`
	openOfAccount      = ` FROM deliveries WHERE status = 'pending' AND account_id = $1`
	queueDepthQuery    = `SELECT (SELECT COUNT(*) FROM (SELECT 1` + openOfAccount + ` AND due_at <= $2 LIMIT $3) due),
		(SELECT COUNT(*) FROM (SELECT 1` + openOfAccount + ` AND due_at > $2 LIMIT $3) waiting),
		(SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE status = 'held' AND webhook_id IN (SELECT id FROM webhooks WHERE account_id = $1) LIMIT $3) held),
		COALESCE((SELECT due_at` + openOfAccount + ` AND due_at <= $2 ORDER BY due_at LIMIT 1), 0)`
	// The condition of the index, word for word, and then what is meant.
	troubledMessages = `SELECT COUNT(*) FROM (SELECT 1 FROM messages WHERE status IN ('failed', 'unconfirmed') AND account_id = $1 AND status = '%s' AND created_at >= $2 LIMIT $3) m`
	countPosts       = `SELECT COUNT(*) FROM (SELECT 1 FROM posts WHERE account_id = $1 AND status IN (%s) AND updated_at >= $2 LIMIT $3) p`
	countFailedQuery = `SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE status = 'failed' AND account_id = $1 AND updated_at >= $2 LIMIT $3) f`

	channelTroublesQuery = `SELECT CASE WHEN s.id IS NULL THEN 'channel' ELSE 'session' END, c.id, c.name, COALESCE(s.status, c.status), COALESCE(s.message, c.status_message)
		FROM channels c LEFT JOIN sessions s ON s.id = c.id WHERE c.account_id = $1 AND c.status <> 'disabled' AND (s.id IS NULL AND c.status = 'needs_link'
			OR s.status IN ('PENDING', 'QR', 'LOGGED_OUT') OR s.status = 'DISCONNECTED' AND NOT s.retry) ORDER BY c.id DESC LIMIT $2`
	webhookTroublesQuery = `SELECT 'webhook', id, url, status, status_reason FROM webhooks WHERE account_id = $1 AND status = 'disabled' ORDER BY id DESC LIMIT $2`
	postTroublesQuery    = `SELECT 'post', id, title, status, COALESCE((SELECT error_message FROM targets t WHERE t.post_id = posts.id AND t.status IN ('failed', 'unconfirmed')
			ORDER BY t.position LIMIT 1), '') FROM posts
		WHERE account_id = $1 AND status IN ('failed', 'partial', 'unconfirmed') AND updated_at >= $2 ORDER BY updated_at DESC LIMIT $3`
)

// Overview returns the state of an account. It costs about the same however much the account has stored.
func (s *Store) Overview(ctx context.Context, accountID string, now time.Time) (*Overview, error) {
	o := &Overview{Since: DayStart(now)}
	since := Millis(o.Since)
	b := &batch{}
	queryInto(b, scanChannelCount, func(c ChannelCount) { o.Channels = append(o.Channels, c) }, channelCountsQuery, accountID)
	queryInto(b, scanQueueDepth, func(q QueueDepth) { o.Queue = q }, queueDepthQuery, accountID, Millis(now), MostCounted)
	queryInto(b, scanPair, func(n [2]int64) { o.Inbound, o.Outbound = n[0], n[1] }, messageHoursQuery, accountID, since)
	count := func(into *int64, query string, since int64) {
		queryInto(b, scanCount, func(n int64) { *into = n }, query, accountID, since, MostCounted)
	}
	count(&o.FailedMessages, fmt.Sprintf(troubledMessages, MessageFailed), since)
	count(&o.Unconfirmed, fmt.Sprintf(troubledMessages, MessageUnconfirmed), since)
	count(&o.WaitingPosts, fmt.Sprintf(countPosts, `'scheduled', 'queued'`), 0)
	count(&o.FailedPosts, fmt.Sprintf(countPosts, `'failed', 'partial'`), since)
	count(&o.FailedDeliveries, countFailedQuery, since)
	trouble := func(t Trouble) { o.Troubles = append(o.Troubles, t) }
	queryInto(b, scanTrouble, trouble, channelTroublesQuery, accountID, mostTroubles)
	queryInto(b, scanTrouble, trouble, webhookTroublesQuery, accountID, mostTroubles)
	queryInto(b, scanTrouble, trouble, postTroublesQuery, accountID, since, mostTroubles)
	if err := s.ask(ctx, b); err != nil {
		return nil, err
	}
	hours, err := s.WebhookHours(ctx, accountID, "", now)
	o.Hours = EmptyHours(now)
	for _, some := range hours {
		for i, h := range some {
			o.Hours[i].Delivered += h.Delivered
			o.Hours[i].Failed += h.Failed
			o.Hours[i].Pending += h.Pending
		}
	}
	return o, err
}

func scanChannelCount(row dbutil.Scannable) (c ChannelCount, err error) {
	return c, row.Scan(&c.Connector, &c.Status, &c.Count)
}

func scanQueueDepth(row dbutil.Scannable) (q QueueDepth, err error) {
	var oldest int64
	err = row.Scan(&q.Due, &q.Waiting, &q.Held, &oldest)
	q.Oldest = FromMillis(oldest)
	return q, err
}

func scanPair(row dbutil.Scannable) (n [2]int64, err error) { return n, row.Scan(&n[0], &n[1]) }

func scanCount(row dbutil.Scannable) (n int64, err error) { return n, row.Scan(&n) }

func scanTrouble(row dbutil.Scannable) (t Trouble, err error) {
	return t, row.Scan(&t.Kind, &t.ID, &t.Name, &t.Status, &t.Reason)
}
