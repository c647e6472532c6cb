package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
)

// unreadable is a dossier that DS lists and fails to give.
type unreadable struct {
	number, demarche int64
	// updatedAt is DS's date of its last change; nil when only a webhook told of it.
	updatedAt *time.Time
	// reason is why, the same whichever call found it.
	reason string
}

// reasonOf is what the ledger keeps of a failure to give a dossier.
func reasonOf(failure *connectors.Failure) string { return failure.Service + ": " + failure.Unreadable }

// mark notes in q's transaction that a dossier cannot be read, and tells when to try
// again: later each time. It is told once, until the reason is another.
func (c *crew) mark(ctx context.Context, q *ledger.Queries, u unreadable) (time.Time, error) {
	before, err := q.Unreadable(ctx, u.number)
	known := err == nil
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, fmt.Errorf("read whether dossier %d was unreadable: %w", u.number, err)
	}
	delay := min(c.Timing.UnreadableRetry<<min(before.Tries, 20), c.Timing.UnreadableCap)
	next, err := q.MarkUnreadable(ctx, ledger.MarkUnreadableParams{
		Number: u.number, Demarche: u.demarche, UpdatedAt: u.updatedAt, Error: u.reason, Delay: delay,
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("note that dossier %d is unreadable: %w", u.number, err)
	}
	if known && before.Error == u.reason {
		return next, nil
	}
	if !known {
		c.Metrics.Unreadable.WithLabelValues("marked").Inc()
	}
	c.Logger.WarnContext(ctx, "a dossier cannot be read: it is stepped over and tried again; if that lasts, tell DS's support team its number",
		"dossier", u.number, "demarche", u.demarche, "error", u.reason, "next_try", next)
	data := map[string]any{"error": u.reason}
	if u.updatedAt != nil {
		data["updated_at"] = u.updatedAt
	}
	err = q.Append(ctx, ledger.Fact{Chain: u.number, Actor: ledger.ActorDS, Kind: ledger.DossierUnreadable, Data: data})
	if err != nil {
		return time.Time{}, fmt.Errorf("append to the ledger of dossier %d: %w", u.number, err)
	}
	return next, nil
}

// forget takes the mark from a dossier that DS does not show any more. If it comes back,
// it is found as any other.
func forget(ctx context.Context, q *ledger.Queries, number int64) error {
	marks, err := q.UnmarkUnreadable(ctx, []int64{number})
	if err != nil {
		return fmt.Errorf("note that dossier %d is not visible: %w", number, err)
	}
	for _, mark := range marks {
		err := q.Append(ctx, ledger.Fact{
			Chain: number, Actor: ledger.ActorDS, Kind: ledger.DossierNotVisible, Data: map[string]any{"since": mark.Since},
		})
		if err != nil {
			return fmt.Errorf("append to the ledger of dossier %d: %w", number, err)
		}
	}
	return nil
}

// look enqueues a read of single dossiers in tx, at a time; those that one waits for
// already are not doubled.
func look(ctx context.Context, river *Client, tx pgx.Tx, demarche int64, numbers []int64, options insertOpts) error {
	if len(numbers) == 0 {
		return nil
	}
	params := make([]insertParams, 0, len(numbers))
	for _, number := range numbers {
		params = append(params, insertParams{Args: SyncDossier{Dossier: number, Demarche: demarche}, InsertOpts: &options})
	}
	if _, err := river.InsertManyTx(ctx, tx, params); err != nil {
		return fmt.Errorf("enqueue the look at %d dossiers: %w", len(numbers), err)
	}
	return nil
}
