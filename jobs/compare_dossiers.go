package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/cloud-pi-native/passerelle/connectors/demarches"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
)

// CompareDossiers compares all dossiers of one form with what the ledger holds, by
// their headings, and has what differs looked at: what slipped through polling. The poll
// enqueues it when the last one is long enough ago.
type CompareDossiers struct {
	Demarche int64 `json:"demarche"`
}

// Kind is River's name of the job.
func (CompareDossiers) Kind() string { return "compare_dossiers" }

// InsertOpts puts the job on DS's queue, once at a time, behind everything else.
func (CompareDossiers) InsertOpts() river.InsertOpts {
	options := onceOpts(QueueDemarches)
	options.Priority = priorityCompared
	return options
}

type compareDossiers struct {
	river.WorkerDefaults[CompareDossiers]

	crew *crew
}

// comparison is how far one comparison has come; it is stored with each page.
type comparison struct {
	Begun    time.Time `json:"begun"`
	After    string    `json:"after"`
	Listed   int       `json:"listed"`
	Differed int       `json:"differed"`
}

// Work reads page after page of headings. In the order of their changes a dossier that
// changes meanwhile is met again, and none is missed.
func (w *compareDossiers) Work(ctx context.Context, job *river.Job[CompareDossiers]) error {
	c, q, number := w.crew, ledger.New(w.crew.Pool), job.Args.Demarche
	if c.Journey.Demarche(number) == nil {
		return nil // a job from before the journey file was changed
	}
	stored, err := q.Comparison(ctx, number)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // nothing was read yet
	} else if err != nil {
		return fmt.Errorf("read where the comparison of démarche %d stands: %w", number, err)
	}
	at, err := w.begin(ctx, q, number, stored.Comparison)
	if err != nil {
		return err
	}
	for begun := time.Now(); ; {
		if time.Since(begun) > pollPatience {
			return river.JobSnooze(0)
		}
		gate, err := c.enter(ctx, job.Queue)
		if err != nil {
			return err
		}
		more, err := w.page(ctx, number, &at, &stored)
		if err != nil {
			return w.fail(ctx, job, gate, err)
		}
		c.answered(ctx, gate)
		if !more {
			return w.end(ctx, number, &at)
		}
	}
}

// begin takes up the comparison that is under way, or begins one.
func (w *compareDossiers) begin(ctx context.Context, q *ledger.Queries, demarche int64, stored []byte) (at comparison, err error) {
	if stored != nil {
		if err := json.Unmarshal(stored, &at); err != nil {
			return at, fmt.Errorf("read where the comparison of démarche %d stands: %w", demarche, err)
		}
		return at, nil
	}
	if err := q.ForgetListed(ctx, demarche); err != nil {
		return at, fmt.Errorf("begin the comparison of démarche %d: %w", demarche, err)
	}
	if at.Begun, err = q.Now(ctx); err != nil {
		return at, fmt.Errorf("read the database's clock: %w", err)
	}
	return at, nil
}

// page compares one page of headings.
func (w *compareDossiers) page(ctx context.Context, demarche int64, at *comparison, stored *ledger.ComparisonRow) (more bool, err error) {
	c := w.crew
	begun, err := ledger.New(c.Pool).Now(ctx)
	if err != nil {
		return false, fmt.Errorf("read the database's clock: %w", err)
	}
	page, err := c.Demarches.Headings(ctx, demarche, demarches.Cursor{After: at.After})
	if err != nil {
		return false, err
	}
	numbers := make([]int64, 0, len(page.Headings))
	for _, heading := range page.Headings {
		numbers = append(numbers, heading.Number)
	}
	next := *at
	next.After, next.Listed = page.After, at.Listed+len(numbers)
	err = pgx.BeginFunc(ctx, c.Pool, func(tx pgx.Tx) error {
		q := ledger.New(tx)
		rows, err := q.Known(ctx, numbers)
		if err != nil {
			return fmt.Errorf("read %d dossiers: %w", len(numbers), err)
		}
		known := map[int64]*ledger.KnownRow{}
		for i := range rows {
			known[rows[i].Number] = &rows[i]
		}
		var differing []int64
		for _, heading := range page.Headings {
			if differs(heading, known[heading.Number], begun, stored) {
				differing = append(differing, heading.Number)
			}
		}
		next.Differed += len(differing)
		if err := look(ctx, client(ctx), tx, demarche, differing, insertOpts{Priority: priorityCompared}); err != nil {
			return err
		}
		if err := q.List(ctx, ledger.ListParams{Demarche: demarche, Numbers: numbers}); err != nil {
			return fmt.Errorf("note what démarche %d lists: %w", demarche, err)
		}
		position, err := json.Marshal(next)
		if err != nil {
			return fmt.Errorf("note where the comparison of démarche %d stands: %w", demarche, err)
		}
		return q.SaveComparison(ctx, ledger.SaveComparisonParams{Demarche: demarche, Comparison: position})
	})
	if err != nil {
		return false, fmt.Errorf("compare a page of démarche %d: %w", demarche, err)
	}
	w.count(demarche, "equal", len(numbers)-next.Differed+at.Differed)
	w.count(demarche, "differing", next.Differed-at.Differed)
	*at = next
	return page.HasMore, nil
}

// differs reports whether a dossier has to be looked at. What changed after the place
// where the next poll begins is that poll's matter; what changed before the hub's work
// began, and was never seen, is nobody's.
func differs(h demarches.Heading, known *ledger.KnownRow, begun time.Time, stored *ledger.ComparisonRow) bool {
	switch {
	case !h.UpdatedAt.Before(earlier(stored.Newest, pollOverlap)):
		return false
	case known == nil:
		return !h.UpdatedAt.Before(stored.TakeUpFrom.Truncate(time.Second))
	case !begun.After(known.FetchStartedAt):
		return false // it was read meanwhile
	}
	return known.Gone || known.State != string(h.State) || !known.UpdatedAt.Equal(h.UpdatedAt)
}

// end has what DS lists no more looked at, too. That it does not show it says nothing
// yet; from now on the lists of removals are read far enough back to find it there.
func (w *compareDossiers) end(ctx context.Context, demarche int64, at *comparison) error {
	c := w.crew
	var unlisted []int64
	err := pgx.BeginFunc(ctx, c.Pool, func(tx pgx.Tx) (err error) {
		q := ledger.New(tx)
		if unlisted, err = q.Miss(ctx, ledger.MissParams{Demarche: demarche, Begun: at.Begun}); err != nil {
			return err
		}
		if err := look(ctx, client(ctx), tx, demarche, unlisted, insertOpts{Priority: priorityCompared}); err != nil {
			return err
		}
		if err := q.ForgetListed(ctx, demarche); err != nil {
			return err
		}
		return q.EndComparison(ctx, ledger.EndComparisonParams{Demarche: demarche, Begun: &at.Begun})
	})
	if err != nil {
		return fmt.Errorf("end the comparison of démarche %d: %w", demarche, err)
	}
	w.count(demarche, "unlisted", len(unlisted))
	c.Logger.InfoContext(ctx, "compared with DS", "demarche", demarche, "listed", at.Listed, "differing", at.Differed, "unlisted", len(unlisted))
	return nil
}

func (w *compareDossiers) count(demarche int64, result string, n int) {
	w.crew.Metrics.Compared.WithLabelValues(strconv.FormatInt(demarche, 10), result).Add(float64(n))
}

// fail says what a page that could not be read means. As with a poll, it is tried again.
func (w *compareDossiers) fail(ctx context.Context, job *river.Job[CompareDossiers], gate *gate, err error) error {
	return w.crew.pageFailed(ctx, gate, job.Args.Demarche, err, func() error {
		return ledger.New(w.crew.Pool).SaveComparison(ctx, ledger.SaveComparisonParams{Demarche: job.Args.Demarche})
	})
}
