package jobs

import (
	"context"
	"encoding/json"
	"errors"
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
	// pollPatience bounds how long one attempt reads on; a catch-up goes on where it
	// stands. After a crash the next poll need not wait for a long one's end.
	pollPatience = time.Minute
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
	stand, err := q.Cursor(ctx, ledger.CursorParams{Demarche: number, Newest: begin})
	if err != nil {
		return fmt.Errorf("read how far démarche %d was polled: %w", number, err)
	}
	cursor := demarches.Cursor{Since: earlier(stand.Newest, pollOverlap), RemovedSince: earlier(stand.RemovedSince, 0), WithRemoved: true}
	if stand.Position != nil {
		if err := json.Unmarshal(stand.Position, &cursor); err != nil {
			return fmt.Errorf("read where the catch-up of démarche %d stands: %w", number, err)
		}
	}
	for begun := time.Now(); ; {
		gate, err := c.enter(ctx, job.Queue)
		if err != nil {
			return err
		}
		page, err := w.page(ctx, number, cursor)
		if err != nil {
			return w.fail(ctx, job, gate, err)
		}
		c.answered(ctx, gate)
		if !page.HasMore {
			break
		}
		if time.Since(begun) > pollPatience {
			return river.JobSnooze(0)
		}
		cursor = page.Next
	}
	if err := q.EndCatchUp(ctx, ledger.EndCatchUpParams{Demarche: number, SweptAt: now}); err != nil {
		return fmt.Errorf("note that démarche %d was polled: %w", number, err)
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
	position, err := json.Marshal(page.Next)
	if err != nil {
		return demarches.Page{}, fmt.Errorf("note where the catch-up of démarche %d stands: %w", demarche, err)
	}
	if !page.HasMore {
		position = nil
	}
	err = pgx.BeginFunc(ctx, c.Pool, func(tx pgx.Tx) error {
		err := c.absorb(ctx, client(ctx), tx, sighting{
			begun: begun, dossiers: page.Dossiers, removed: page.Removed, priority: priorityPolled,
		})
		if err != nil {
			return err
		}
		return ledger.New(tx).AdvanceCursor(ctx, ledger.AdvanceCursorParams{Demarche: demarche, Newest: page.Newest, Position: position})
	})
	if err != nil {
		return demarches.Page{}, fmt.Errorf("store a page of démarche %d: %w", demarche, err)
	}
	return page, nil
}

// fail says what a page that could not be read or stored means. Even what needs a
// human is tried again: a poll that fails for good would only be followed by the next.
func (w *pollDemarche) fail(ctx context.Context, job *river.Job[PollDemarche], gate *gate, err error) error {
	defer w.crew.leave(ctx, gate)
	failure, about := connectors.AsFailure(err), fmt.Sprintf("démarche %d", job.Args.Demarche)
	if failure != nil && ctx.Err() == nil {
		if held := w.crew.failed(ctx, gate, about, failure); held != nil {
			return held
		}
	}
	if failure != nil && ctx.Err() == nil && failure.Class == connectors.Permanent {
		// It may be the position that DS refuses; what was read by then is known.
		if forgotten := ledger.New(w.crew.Pool).ForgetPosition(ctx, job.Args.Demarche); forgotten != nil {
			return errors.Join(err, forgotten)
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
