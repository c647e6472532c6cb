package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// Remind plans the onboardings anew in which nothing moved for so long that somebody is to
// be reminded, and those from before it was kept where they stand.
type Remind struct{}

// Kind is River's name of the job.
func (Remind) Kind() string { return "remind" }

// InsertOpts puts the job on DS's queue, once at a time; it calls nobody.
func (Remind) InsertOpts() river.InsertOpts { return onceOpts(QueueDemarches) }

// remindPeriodically has the leader among all replicas enqueue it.
func remindPeriodically(interval time.Duration) *river.PeriodicJob {
	return river.NewPeriodicJob(
		river.PeriodicInterval(interval),
		func() (river.JobArgs, *river.InsertOpts) { return Remind{}, nil },
		&river.PeriodicJobOpts{RunOnStart: true, ID: "remind"},
	)
}

// wokenAtOnce is how many onboardings are planned in one transaction.
const wokenAtOnce = 100

type remind struct {
	river.WorkerDefaults[Remind]

	crew *crew
}

// Work plans what is due. Each onboarding is put off as it is planned, so that the next
// ones get their turn.
func (w *remind) Work(ctx context.Context, _ *river.Job[Remind]) error {
	c := w.crew
	for {
		numbers, err := ledger.New(c.Pool).Awake(ctx, ledger.AwakeParams{Now: c.now(), Count: wokenAtOnce})
		if err != nil {
			return fmt.Errorf("look for reminders that are due: %w", err)
		}
		if len(numbers) == 0 {
			return nil
		}
		err = pgx.BeginFunc(ctx, c.Pool, func(tx pgx.Tx) error { return w.plan(ctx, tx, numbers) })
		if err != nil {
			return err
		}
	}
}

func (w *remind) plan(ctx context.Context, tx pgx.Tx, numbers []int64) error {
	c, q := w.crew, ledger.New(tx)
	rows, err := q.LockDossiers(ctx, numbers)
	if err != nil {
		return fmt.Errorf("lock %d dossiers: %w", len(numbers), err)
	}
	var jobs []insertion
	for i := range rows {
		d, record, err := c.load(ctx, q, &rows[i])
		if err != nil {
			return err
		}
		if err := c.stand(ctx, q, &rows[i], d, record); err != nil {
			return err
		}
		if err := c.wake(ctx, q, &rows[i], d, record); err != nil {
			return err
		}
		for _, work := range onboarding.Sort(onboarding.Plan(c.Journey, d, record), record.Revision) {
			jobs = append(jobs, insertion{d.Number, work, priorityPolled})
		}
	}
	return enqueue(ctx, client(ctx), tx, jobs)
}
