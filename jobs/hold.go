package jobs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
)

// What holds a queue, as metrics count it.
const (
	causeThrottled = "throttled"
	causeOutage    = "outage"
	causeDenied    = "denied"
)

// gate is a job's way into a queue: past its holds, or as the probe of an outage.
type gate struct {
	queue string
	// probes is how many probes of the outage failed, when this job is the next one;
	// nil when there is no outage.
	probes *int32
}

// probing reports whether the job tries if a service answers again.
func (g *gate) probing() bool { return g.probes != nil }

// enter returns an error that puts the job off, without spending an attempt, when its
// queue is held on any replica. When the hold is an outage's whose probe is due, the
// first job to come is let through as the probe.
func (c *crew) enter(ctx context.Context, queue string) (*gate, error) {
	held, wait, spread, err := c.holds(ctx, queue)
	switch {
	case err != nil:
		return nil, err
	case !held:
		return &gate{queue: queue}, nil
	case wait > 0:
		return nil, c.putOff(wait, spread)
	}
	// What holds without a time left is an outage whose probe is due.
	probes, err := ledger.New(c.Pool).ClaimProbe(ctx, ledger.ClaimProbeParams{
		Queue: queue, Author: ledger.AuthorOutage, Term: c.Timing.leaseTerm(),
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows): // another job was first
		return nil, c.putOff(c.Timing.probePause(0), spread)
	case err != nil:
		return nil, fmt.Errorf("probe queue %s: %w", queue, err)
	}
	return &gate{queue: queue, probes: probes}, nil
}

// held is enter for what is no probe.
func (c *crew) held(ctx context.Context, queue string) error {
	held, wait, spread, err := c.holds(ctx, queue)
	if err != nil || !held {
		return err
	}
	return c.putOff(wait, spread)
}

// holds tells whether a queue is held, how long that will last, and over which time
// those who wait are to be spread.
func (c *crew) holds(ctx context.Context, queue string) (held bool, wait, spread time.Duration, err error) {
	all, err := ledger.New(c.Pool).Holds(ctx, queue)
	if err != nil {
		return false, 0, 0, fmt.Errorf("read the holds on queue %s: %w", queue, err)
	}
	for i := range all {
		wait, spread = max(wait, all[i].Remaining), max(spread, all[i].Age/10)
	}
	return len(all) > 0, wait, spread, nil
}

// putOff puts a job off while its queue is held: not for so long that it would not
// notice that the hold was lifted, and spread over a time that grows with that of the
// hold, since the longer it lasts the more jobs gather.
func (c *crew) putOff(wait, spread time.Duration) error {
	nap := c.Timing.longestNap()
	return river.JobSnooze(max(min(wait, nap), 0) + rand.N(min(max(spread, time.Second), nap)+1))
}

// leave gives a probe back that came to no call.
func (c *crew) leave(ctx context.Context, g *gate) {
	if g == nil || !g.probing() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := ledger.New(c.Pool).ReturnProbe(ctx, ledger.ReturnProbeParams{Queue: g.queue, Author: ledger.AuthorOutage})
	if err != nil {
		c.Logger.WarnContext(ctx, "a probe could not be given back; the next one is made when its time is over", "queue", g.queue, "error", err)
	}
	g.probes = nil
}

// failed notes that a call failed. The error puts the job off because its queue is
// held from now on; with nil, the failure is the job's own.
func (c *crew) failed(ctx context.Context, g *gate, subject string, failure *connectors.Failure) error {
	switch {
	case failure.Class == connectors.Denied:
		// One refusal is as good as three: it is not about this dossier.
		return c.unavailable(ctx, g, failure, causeDenied)
	case failure.Down && (g.probing() || c.outages.failed(g.queue, subject) >= failuresOfAnOutage):
		return c.unavailable(ctx, g, failure, causeOutage)
	case failure.Down, failure.Local:
		return nil
	}
	c.answered(ctx, g)
	if failure.Class == connectors.Throttled {
		return c.hold(ctx, g.queue, failure)
	}
	return nil
}

// answered notes that the service does what it is asked, or says why it does not.
func (c *crew) answered(ctx context.Context, g *gate) {
	c.outages.over(g.queue)
	if g.probing() {
		c.available(ctx, g)
	}
}

// hold keeps the queue from running on every replica, for as long as a throttling
// service asked, and puts the job off. The first to notice logs it.
func (c *crew) hold(ctx context.Context, queue string, failure *connectors.Failure) error {
	pause := time.Until(failure.RetryAt)
	if pause <= 0 {
		pause = c.Timing.UnnamedWait
	}
	held, err := ledger.New(c.Pool).Hold(ctx, ledger.HoldParams{
		Queue: queue, Author: ledger.ActorHub, Reason: failure.Error(), Pause: pause,
	})
	if err != nil {
		return fmt.Errorf("hold queue %s: %w", queue, err)
	}
	if held.Begun {
		c.Metrics.Holds.WithLabelValues(queue, causeThrottled).Inc()
		c.Logger.WarnContext(ctx, "the service asked us to wait: its queue is held", "queue", queue, "until", held.Until, "reason", failure.Error())
	}
	return c.putOff(pause, 0)
}

// after puts a job off, spread over a second so that not all come back at once.
func after(d time.Duration) error {
	return river.JobSnooze(max(d, 0) + rand.N(time.Second))
}
