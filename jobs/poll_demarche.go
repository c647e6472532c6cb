package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/demarches"
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
	// removedOverlap is the same for removals, which DS back-dates to when the
	// applicant hid the dossier.
	removedOverlap = 7 * 24 * time.Hour
	// pollTimeout bounds one poll; what it read by then is not lost.
	pollTimeout = 10 * time.Minute
)

// The priorities of the jobs that follow: what a webhook told of comes before what
// a poll found, so that a backlog does not keep a new dossier waiting.
const priorityPolled = 2

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

// Timeout is longer than that of other jobs: a catch-up may have many pages.
func (w *pollDemarche) Timeout(*river.Job[PollDemarche]) time.Duration { return pollTimeout }

// Work reads page after page. What a page shows, what follows from it and how far
// the poll has come are stored together.
func (w *pollDemarche) Work(ctx context.Context, job *river.Job[PollDemarche]) error {
	c, q, number := w.crew, ledger.New(w.crew.Pool), job.Args.Demarche
	if err := c.held(ctx, job.Queue); err != nil {
		return err
	}
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
	newest, err := q.Cursor(ctx, ledger.CursorParams{Demarche: number, Newest: begin})
	if err != nil {
		return fmt.Errorf("read how far démarche %d was polled: %w", number, err)
	}
	cursor := demarches.Cursor{
		Since: earlier(newest, pollOverlap), RemovedSince: earlier(newest, removedOverlap), WithRemoved: true,
	}
	for more := true; more; {
		page, err := w.page(ctx, number, cursor)
		if err != nil {
			return w.fail(ctx, job, err)
		}
		cursor, more = page.Next, page.HasMore
	}
	return nil
}

// page reads and stores one page.
func (w *pollDemarche) page(ctx context.Context, demarche int64, cursor demarches.Cursor) (demarches.Page, error) {
	c := w.crew
	begun, err := ledger.New(c.Pool).Now(ctx)
	if err != nil {
		return demarches.Page{}, fmt.Errorf("read the database's clock: %w", err)
	}
	page, err := c.Demarches.Changes(ctx, demarche, cursor)
	if err != nil {
		return demarches.Page{}, err
	}
	err = pgx.BeginFunc(ctx, c.Pool, func(tx pgx.Tx) error {
		err := c.absorb(ctx, client(ctx), tx, sighting{
			begun: begun, dossiers: page.Dossiers, removed: page.Removed, priority: priorityPolled,
		})
		if err != nil {
			return err
		}
		return ledger.New(tx).AdvanceCursor(ctx, ledger.AdvanceCursorParams{Demarche: demarche, Newest: page.Newest})
	})
	if err != nil {
		return demarches.Page{}, fmt.Errorf("store a page of démarche %d: %w", demarche, err)
	}
	return page, nil
}

// fail says what a page that could not be read or stored means. Even what needs a
// human is tried again: a poll that fails for good would only be followed by the next.
func (w *pollDemarche) fail(ctx context.Context, job *river.Job[PollDemarche], err error) error {
	failure := connectors.AsFailure(err)
	if failure != nil && ctx.Err() == nil && failure.Class == connectors.Throttled {
		return w.crew.hold(ctx, job.Queue, failure)
	}
	return fmt.Errorf("démarche %d: %w", job.Args.Demarche, err)
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
