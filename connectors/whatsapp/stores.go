package whatsapp

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"go.mau.fi/util/dbutil"
	"go.mau.fi/whatsmeow/store/sqlstore"
	"go.mau.fi/whatsmeow/store/sqlstore/upgrades"
)

// upgradeLock is the advisory lock under which one process at a time upgrades the tables on PostgreSQL; the number is arbitrary.
const upgradeLock = 0x7761_6d65_6f77

// stores holds the library's view of each database. There is one for all sessions, because it caches what is common to them.
type stores struct {
	mu     sync.Mutex
	opened map[*dbutil.Database]*sqlstore.Container
}

func newStores() *stores { return &stores{opened: map[*dbutil.Database]*sqlstore.Container{}} }

// open returns the library's view of db, whose tables it makes or upgrades the first time.
func (s *stores) open(ctx context.Context, db *dbutil.Database, logger *slog.Logger) (*sqlstore.Container, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if container, ok := s.opened[db]; ok {
		return container, nil
	}
	child := db.Child("whatsmeow_version", upgrades.Table, nil)
	container := sqlstore.NewWithWrappedDB(child, newLog(logger))
	if err := upgrade(ctx, child, container); err != nil {
		return nil, err
	}
	s.opened[db] = container
	return container, nil
}

func upgrade(ctx context.Context, db *dbutil.Database, container *sqlstore.Container) error {
	work := container.Upgrade
	if db.Dialect == dbutil.Postgres { // a file of SQLite belongs to one process
		work = func(ctx context.Context) error {
			return db.DoTxn(ctx, nil, func(ctx context.Context) error {
				if _, err := db.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", upgradeLock); err != nil {
					return fmt.Errorf("lock: %w", err)
				}
				return container.Upgrade(ctx)
			})
		}
	}
	if err := work(ctx); err != nil {
		return fmt.Errorf("upgrade whatsapp tables: %w", err)
	}
	return nil
}
