package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// SyncDossier looks at a dossier because a delivery said that there is something to
// see: every delivery has its job, and many of them can be answered by one look. Without
// a delivery it is a look of the hub's own, enqueued once.
type SyncDossier struct {
	Dossier  int64 `json:"dossier"`
	Delivery int64 `json:"delivery"`
	// Demarche is the form that lists the dossier, when there is no delivery.
	Demarche int64 `json:"demarche,omitempty"`
	// Because is what happened that calls for a look of the hub's own: one that began
	// before does not stand for it.
	Because string `json:"because,omitempty"`
}

// Kind is River's name of the job.
func (SyncDossier) Kind() string { return "sync_dossier" }

// InsertOpts puts the job on DS's queue.
func (s SyncDossier) InsertOpts() river.InsertOpts {
	if s.Delivery == 0 {
		return onceOpts(QueueDemarches)
	}
	return river.InsertOpts{Queue: QueueDemarches}
}

// What became of a delivery.
const (
	outcomeLooked  = "looked"         // the dossier was read after it came
	outcomeCovered = "covered"        // a look that began after it came answers it
	outcomeBehind  = "behind"         // DS went on showing something older; polling will tell
	outcomeNotSeen = "not_visible"    // DS shows no such dossier; polling will tell if that changes
	outcomeForeign = "other_demarche" // the dossier is of a form that is not configured
	outcomeFailing = "unreadable"     // DS fails to give the dossier; it is tried again by itself
	maxAsks        = 6                // with a doubling delay: about a minute in all
)

type syncDossier struct {
	river.WorkerDefaults[SyncDossier]

	crew *crew
}

// Work reads the dossier, unless a later look covers the delivery, and stores what
// it says.
func (w *syncDossier) Work(ctx context.Context, job *river.Job[SyncDossier]) error {
	c, q, number := w.crew, ledger.New(w.crew.Pool), job.Args.Dossier
	lease, err := c.take(ctx, job.Queue, number, toRead)
	if err != nil {
		return err
	}
	defer c.release(ctx, lease)

	delivery := ledger.DeliveryRow{Demarche: job.Args.Demarche}
	if job.Args.Delivery != 0 {
		if delivery, err = q.Delivery(ctx, job.Args.Delivery); err != nil {
			return fmt.Errorf("read delivery %d: %w", job.Args.Delivery, err)
		}
	}
	if delivery.Covered {
		return w.settle(ctx, q, delivery.ID, outcomeCovered)
	}
	dossier, err := c.Demarches.Dossier(ctx, number)
	if err != nil {
		return w.fail(ctx, q, lease, &delivery, err)
	}
	c.answered(ctx, lease.gate)
	if c.Journey.Demarche(dossier.Demarche) == nil {
		return w.settle(ctx, q, delivery.ID, outcomeForeign)
	}
	behind := delivery.HintedAt != nil && dossier.UpdatedAt.Before(*delivery.HintedAt) &&
		delivery.HintedAt.Before(delivery.Now.Add(5*time.Minute))
	err = pgx.BeginFunc(ctx, c.Pool, func(tx pgx.Tx) error {
		err := c.absorb(ctx, client(ctx), tx, sighting{
			begun: lease.takenAt, dossiers: []onboarding.Dossier{dossier}, replan: true, priority: job.Priority,
		})
		if err != nil {
			return err
		}
		if !behind {
			if err := w.settle(ctx, ledger.New(tx), delivery.ID, outcomeLooked); err != nil {
				return err
			}
		}
		return lease.dropIn(ctx, tx)
	})
	if err != nil {
		lease.dropped = false
		return fmt.Errorf("store dossier %d: %w", number, err)
	}
	if behind {
		return w.askAgain(ctx, q, &delivery, outcomeBehind)
	}
	return nil
}

// fail says what it means that the dossier could not be read.
func (w *syncDossier) fail(ctx context.Context, q *ledger.Queries, lease *lease, delivery *ledger.DeliveryRow, err error) error {
	failure := connectors.AsFailure(err)
	if failure == nil || ctx.Err() != nil {
		return err
	}
	about := fmt.Sprintf("dossier %d", lease.dossier)
	if held := w.crew.failed(ctx, lease.gate, about, failure); held != nil {
		return held
	}
	switch {
	case failure.NotFound && delivery.ID == 0:
		return pgx.BeginFunc(ctx, w.crew.Pool, func(tx pgx.Tx) error { return forget(ctx, ledger.New(tx), lease.dossier) })
	case failure.NotFound:
		return w.askAgain(ctx, q, delivery, outcomeNotSeen)
	case failure.Unreadable != "":
		return w.tryLater(ctx, delivery, lease.dossier, failure)
	case failure.Class == connectors.Permanent && delivery.ID == 0:
		// The next comparison asks again; failed jobs would pile up, one each day.
		w.crew.Logger.WarnContext(ctx, "a dossier could not be looked at; it will be at the next comparison", "dossier", lease.dossier, "error", err)
		return nil
	case failure.Class == connectors.Permanent:
		return river.JobCancel(fmt.Errorf("%s: %w", about, err))
	default:
		return fmt.Errorf("%s: %w", about, err)
	}
}

// askAgain puts the job off while DS does not show yet what the delivery told of. It
// gives up after a while: polling finds what comes later.
func (w *syncDossier) askAgain(ctx context.Context, q *ledger.Queries, delivery *ledger.DeliveryRow, otherwise string) error {
	if delivery.Asks >= maxAsks {
		return w.settle(ctx, q, delivery.ID, otherwise)
	}
	if err := q.AskAgain(ctx, delivery.ID); err != nil {
		return fmt.Errorf("note the look for delivery %d: %w", delivery.ID, err)
	}
	return river.JobSnooze(w.crew.Timing.AskAgain << delivery.Asks)
}

// tryLater deals with a failure that may be the dossier's own: DS fails to give it. When
// that is certain, or is known already, the dossier is marked and tried again by itself.
func (w *syncDossier) tryLater(ctx context.Context, delivery *ledger.DeliveryRow, number int64, failure *connectors.Failure) error {
	var next time.Time
	err := pgx.BeginFunc(ctx, w.crew.Pool, func(tx pgx.Tx) error {
		q, reason := ledger.New(tx), reasonOf(failure)
		if failure.Class != connectors.Permanent {
			before, err := q.Unreadable(ctx, number)
			if err != nil {
				return errors.Join(fmt.Errorf("dossier %d: %w", number, failure), ignoreNone(err))
			}
			reason = before.Error
		}
		var err error
		next, err = w.crew.mark(ctx, q, unreadable{number: number, demarche: delivery.Demarche, reason: reason})
		if err != nil || delivery.ID == 0 {
			return err
		}
		if err := w.settle(ctx, q, delivery.ID, outcomeFailing); err != nil {
			return err
		}
		return look(ctx, client(ctx), tx, delivery.Demarche, []int64{number}, insertOpts{ScheduledAt: next, Priority: priorityRetried})
	})
	if err != nil {
		return err
	}
	if delivery.ID == 0 {
		return river.JobSnooze(max(time.Until(next), 0))
	}
	return nil
}

// ignoreNone is err, unless that is that there is no row.
func ignoreNone(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}

func (w *syncDossier) settle(ctx context.Context, q *ledger.Queries, delivery int64, outcome string) error {
	if delivery == 0 {
		return nil
	}
	if err := q.SettleDelivery(ctx, ledger.SettleDeliveryParams{ID: delivery, Outcome: &outcome}); err != nil {
		return fmt.Errorf("settle delivery %d: %w", delivery, err)
	}
	return nil
}
