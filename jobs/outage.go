package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
)

// failuresOfAnOutage is how many dossiers in a row a service must have failed, with
// nothing answered between, to be taken for down.
const failuresOfAnOutage = 3

// outages counts, for each queue, the dossiers in a row for which the service did not
// answer as it does. Each replica counts for itself: what it finds holds for all.
type outages struct {
	mu      sync.Mutex
	failing map[string]map[string]bool
}

func newOutages() *outages { return &outages{failing: map[string]map[string]bool{}} }

// failed notes a failure and returns on how many dossiers there were some by now.
func (o *outages) failed(queue, subject string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failing[queue] == nil {
		o.failing[queue] = map[string]bool{}
	}
	o.failing[queue][subject] = true
	return len(o.failing[queue])
}

// over has the count begin anew.
func (o *outages) over(queue string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.failing, queue)
}

// probePause is the time before the next probe, when so many failed.
func (t Timing) probePause(failed int32) time.Duration {
	return min(t.ProbeAfter<<min(failed, 16), t.longestNap())
}

// longestNap bounds for how long a job that is held sleeps before it looks again, and
// the time between two probes.
func (t Timing) longestNap() time.Duration { return min(5*time.Minute, t.RetryCap) }

// unavailable holds the queue until a probe succeeds, and puts the job off.
func (c *crew) unavailable(ctx context.Context, g *gate, failure *connectors.Failure, cause string) error {
	q := ledger.New(c.Pool)
	c.outages.over(g.queue)
	if g.probing() {
		pause := c.Timing.probePause(*g.probes + 1)
		g.probes = nil
		err := q.ProbeFailed(ctx, ledger.ProbeFailedParams{
			Queue: g.queue, Author: ledger.AuthorOutage, Reason: failure.Error(), Pause: pause,
		})
		if err != nil {
			return fmt.Errorf("note the probe of queue %s: %w", g.queue, err)
		}
		return c.putOff(pause, 0)
	}
	pause := c.Timing.probePause(0)
	begun, err := q.HoldForOutage(ctx, ledger.HoldForOutageParams{
		Queue: g.queue, Author: ledger.AuthorOutage, Reason: failure.Error(), Pause: pause,
	})
	if err != nil {
		return fmt.Errorf("hold queue %s: %w", g.queue, err)
	}
	if begun > 0 {
		c.Metrics.Holds.WithLabelValues(g.queue, cause).Inc()
		level := slog.LevelWarn
		if cause == causeDenied {
			level = slog.LevelError // it does not pass by itself
		}
		c.Logger.Log(ctx, level, "the service is not available: its queue is held and probed until it is",
			"queue", g.queue, "cause", cause, "reason", failure.Error())
	}
	return c.putOff(pause, 0)
}

// available lifts the outage's hold: a probe succeeded.
func (c *crew) available(ctx context.Context, g *gate) {
	g.probes = nil
	lifted, err := ledger.New(c.Pool).EndOutage(ctx, ledger.EndOutageParams{Queue: g.queue, Author: ledger.AuthorOutage})
	switch {
	case err != nil:
		c.Logger.WarnContext(ctx, "the service is available again, but that could not be noted: the next probe will", "queue", g.queue, "error", err)
	case lifted > 0:
		c.Logger.InfoContext(ctx, "the service is available again: its queue runs", "queue", g.queue)
	}
}
