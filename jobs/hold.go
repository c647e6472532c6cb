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

// unnamedWait is how long a queue is held when a service asks us to wait and does
// not say until when: the window of both services' limits is a minute.
const unnamedWait = time.Minute

// held returns an error that puts the job off when its queue is held on any
// replica, nil when it is not. No attempt is spent.
func (c *crew) held(ctx context.Context, queue string) error {
	hold, err := ledger.New(c.Pool).HeldUntil(ctx, queue)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("read the holds on queue %s: %w", queue, err)
	}
	return after(time.Until(hold.Until))
}

// hold keeps the queue from running on every replica, for as long as a throttling
// service asked, and puts the job off. The first to notice logs it.
func (c *crew) hold(ctx context.Context, queue string, failure *connectors.Failure) error {
	until := failure.RetryAt
	if until.IsZero() || until.Before(time.Now()) {
		until = time.Now().Add(unnamedWait)
	}
	prolonged, err := ledger.New(c.Pool).Hold(ctx, ledger.HoldParams{
		Queue: queue, Author: ledger.ActorHub, Reason: failure.Error(), Until: until,
	})
	if err != nil {
		return fmt.Errorf("hold queue %s: %w", queue, err)
	}
	if prolonged > 0 {
		c.Metrics.Throttled.WithLabelValues(queue).Inc()
		c.Logger.WarnContext(ctx, "the service asked us to wait: its queue is held", "queue", queue, "until", until, "reason", failure.Error())
	}
	return after(time.Until(until))
}

// after puts a job off, spread over a second so that not all come back at once.
func after(d time.Duration) error {
	return river.JobSnooze(max(d, 0) + rand.N(time.Second))
}
