package store

import (
	"context"
	"strconv"
)

// fewAmong is how many rows of a kind are few: they are read by the index of their kind and put in order. Of more of them the newest are soon met
// among the account's, in order.
const fewAmong = 1000

// fewDeliveries returns what a list of deliveries joins where its filter is for a kind of which there are few, and adds the join's condition; empty
// where there are many, or nothing is known. The databases cannot tell by themselves: SQLite keeps no statistics unless it is asked to, and
// PostgreSQL's say nothing of one account.
func (s *Store) fewDeliveries(ctx context.Context, accountID string, filter DeliveryFilter, w *where) (string, error) {
	var kind, few string
	args := []any{accountID}
	switch {
	case filter.Event != "" && filter.Event != commonEvent:
		kind = `events WHERE ` + uncommonEvents + ` AND account_id = $1 AND type = $2`
		args = append(args, filter.Event)
		few = `SELECT d.id AS one FROM (SELECT id AS event FROM ` + kind + `) e CROSS JOIN deliveries d WHERE d.event_id = e.event`
	case filter.Status == DeliveryPending:
		kind = `deliveries WHERE status = 'pending' AND account_id = $1`
		few = `SELECT id AS one FROM ` + kind
	default:
		return "", nil
	}
	var count int
	query := `SELECT COUNT(*) FROM (SELECT 1 FROM ` + kind + ` LIMIT ` + strconv.Itoa(fewAmong+1) + `) few`
	if err := s.reader(ctx).QueryRowContext(ctx, query, args...).Scan(&count); err != nil || count > fewAmong {
		return "", err
	}
	w.args = args // the account's id is the first already
	w.conditions = append(w.conditions, `id = one`)
	return `(` + few + `) few CROSS JOIN `, nil
}
