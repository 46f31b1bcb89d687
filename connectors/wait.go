package connectors

import (
	"context"
	"fmt"
	"time"
)

// Wait waits for d, or until ctx ends, whose error it then wraps.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait: %w", ctx.Err())
	}
}
