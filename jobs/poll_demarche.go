package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
)

// PollDemarche reads what changed in one form since the last poll: what no webhook
// told of, and what happened while the hub was down.
type PollDemarche struct {
	Demarche int64 `json:"demarche"`
}

// Kind is River's name of the job.
func (PollDemarche) Kind() string { return "poll_demarche" }

// InsertOpts puts the job on DS's queue, once at a time.
func (PollDemarche) InsertOpts() river.InsertOpts { return onceOpts(QueueDemarches) }

const (
	// pollOverlap is how far before the newest date seen each poll begins: DS dates
	// a change before it commits, so one can appear behind others.
	pollOverlap = 10 * time.Minute
	// pollPatience bounds how long one attempt reads on; a catch-up goes on where it
	// stands. After a crash the next poll need not wait for a long one's end.
	pollPatience = time.Minute
)

// The priorities of the jobs that follow: what a webhook told of comes before what
// a poll found, so that a backlog does not keep a new dossier waiting.
const (
	priorityPolled   = 2
	priorityRetried  = 3
	priorityCompared = 4
)

// pollPeriodically has the leader among all replicas enqueue the poll, at once when
// it starts to lead and then at every interval.
func pollPeriodically(demarche int64, interval time.Duration) *river.PeriodicJob {
	return river.NewPeriodicJob(
		river.PeriodicInterval(interval),
		func() (river.JobArgs, *river.InsertOpts) { return PollDemarche{Demarche: demarche}, nil },
		&river.PeriodicJobOpts{RunOnStart: true, ID: fmt.Sprintf("poll_demarche_%d", demarche)},
	)
}

type pollDemarche struct {
	river.WorkerDefaults[PollDemarche]

	crew *crew
}

// Work reads page after page. What a page shows, what follows from it and how far
// the poll has come are stored together.
func (w *pollDemarche) Work(ctx context.Context, job *river.Job[PollDemarche]) error {
	c, q, number := w.crew, ledger.New(w.crew.Pool), job.Args.Demarche
	demarche := c.Journey.Demarche(number)
	if demarche == nil {
		return nil // a job from before the journey file was changed
	}
	now, err := q.Now(ctx)
	if err != nil {
		return fmt.Errorf("read the database's clock: %w", err)
	}
	begin, err := demarche.Import.Since(now)
	if err != nil {
		return fmt.Errorf("démarche %d: import: %w", number, err)
	}
	stand, err := q.Cursor(ctx, ledger.CursorParams{Demarche: number, Newest: begin, CompareInterval: c.Timing.CompareInterval})
	if err != nil {
		return fmt.Errorf("read how far démarche %d was polled: %w", number, err)
	}
	r, err := c.newReading(ctx, number, &stand)
	if err != nil {
		return err
	}
	defer r.progress.pause()
	for begun := time.Now(); !r.at.Done(); {
		if time.Since(begun) > pollPatience {
			return river.JobSnooze(0)
		}
		gate, err := c.enter(ctx, job.Queue)
		if err != nil {
			return err
		}
		if err := r.step(ctx); err != nil {
			return w.fail(ctx, job, gate, err)
		}
		c.answered(ctx, gate)
	}
	if err := q.EndCatchUp(ctx, ledger.EndCatchUpParams{Demarche: number, SweptAt: now}); err != nil {
		return fmt.Errorf("note that démarche %d was polled: %w", number, err)
	}
	r.progress.end(ctx, r.at.Read)
	if !stand.CompareDue {
		return nil
	}
	if _, err := client(ctx).Insert(ctx, CompareDossiers{Demarche: number}, nil); err != nil {
		return fmt.Errorf("enqueue the comparison of démarche %d: %w", number, err)
	}
	return nil
}

// fail says what a page that could not be read or stored means.
func (w *pollDemarche) fail(ctx context.Context, job *river.Job[PollDemarche], gate *gate, err error) error {
	return w.crew.pageFailed(ctx, gate, job.Args.Demarche, err, func() error {
		return ledger.New(w.crew.Pool).ForgetPosition(ctx, job.Args.Demarche)
	})
}

// pageFailed says what a page means that could not be read or stored. Even what needs a
// human is tried again: a poll that fails for good would only be followed by the next.
// It may then be the position that DS refuses, which is forgotten; what was read by then
// is known.
func (c *crew) pageFailed(ctx context.Context, g *gate, demarche int64, err error, forget func() error) error {
	defer c.leave(ctx, g)
	failure, about := connectors.AsFailure(err), fmt.Sprintf("démarche %d", demarche)
	if failure != nil && ctx.Err() == nil {
		if held := c.failed(ctx, g, about, failure); held != nil {
			return held
		}
		if failure.Class == connectors.Permanent {
			if forgotten := forget(); forgotten != nil {
				return errors.Join(err, forgotten)
			}
		}
	}
	return fmt.Errorf("%s: %w", about, err)
}

// NextRetry is never later than the next poll would be.
func (w *pollDemarche) NextRetry(job *river.Job[PollDemarche]) time.Time {
	timing := w.crew.Timing
	return retryPolicy{ceiling: min(timing.PollInterval, timing.RetryCap)}.NextRetry(job.JobRow)
}

// earlier subtracts, but not from the beginning of time.
func earlier(t time.Time, d time.Duration) time.Time {
	if t.IsZero() || t.Unix() < 0 {
		return time.Time{}
	}
	return t.Add(-d)
}
