package guest

import (
	"context"
	"time"
)

// watchInterval is how often work that the host does for a guest looks whether the guest must stop.
const watchInterval = 20 * time.Millisecond

// watch cancels work that the host does for the running guest, where no tick looks, once the execution must end. It
// returns when ctx ends. Any goroutine; started and deadline are those of the execution.
func (c *control) watch(ctx context.Context, cancel context.CancelFunc, started time.Time, deadline time.Duration) {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if c.kill.Load() || c.cause.Load() != 0 || deadline > 0 && time.Since(started) >= deadline {
				cancel()
				return
			}
		}
	}
}
