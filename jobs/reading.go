package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/demarches"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
)

// catchUp is how far one poll has come. It is stored with each page, so that a poll
// that was interrupted goes on from there.
type catchUp struct {
	demarches.Cursor

	// Reached is the date of the newest change that was passed.
	Reached time.Time `json:"reached,omitzero"`
	// Last is what was the last to be read when the first of several pages was, and Until
	// its date. What comes behind it changed meanwhile, such as by our own messages to
	// those that were read: it is for the next poll.
	Last  int64     `json:"last,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Read counts the dossiers so far.
	Read int `json:"read,omitzero"`
	// TooMany is how many DS failed to give at once, and PagesRead how many pages were read
	// after that.
	TooMany   int `json:"too_many,omitzero"`
	PagesRead int `json:"pages_read,omitzero"`
}

// reach notes that a dossier was passed.
func (c *catchUp) reach(number int64, at time.Time) {
	if at.After(c.Reached) {
		c.Reached = at
	}
	if !c.Until.IsZero() && (at.After(c.Until) || number == c.Last && at.Equal(c.Until)) {
		c.DossiersDone = true
	}
}

// patientPages is how many pages are read before what was too many is tried again: DS
// takes its time to fail.
const patientPages = 8

// widen asks for twice as many after a page that was read.
func (c *catchUp) widen(size int) {
	c.First, c.PagesRead = min(2*size, demarches.PageSize), c.PagesRead+1
	switch {
	case c.TooMany == 0 || c.First < c.TooMany:
	case c.PagesRead < patientPages:
		c.First = size
	default:
		c.TooMany = 0
	}
}

// reading is one attempt at a poll, which steps over what DS fails to give.
//
// A page that cannot be read is asked for again with half as many dossiers; after each
// page that works, with twice as many, unless that was too many a few pages ago. One dossier that cannot be read is marked, tried
// again by itself, and passed.
type reading struct {
	*crew

	demarche int64
	at       catchUp
	// marked are the dossiers that could not be read before, with the date of the change
	// that could not: each poll would meet them again, as it begins before the newest.
	marked map[int64]time.Time
	// ahead are the headings of what comes next, if one of those is to come, and
	// aheadMore tells that there are others behind them.
	ahead     []demarches.Heading
	aheadMore bool
	// alive says that DS answered while a page could not be read.
	alive    bool
	progress *progress
}

func (c *crew) newReading(ctx context.Context, demarche int64, stand *ledger.CursorRow) (*reading, error) {
	r := &reading{crew: c, demarche: demarche, marked: map[int64]time.Time{}}
	r.at.Since, r.at.RemovedSince, r.at.WithRemoved = earlier(stand.Newest, pollOverlap), earlier(stand.RemovedSince, 0), true
	if stand.Position != nil {
		if err := json.Unmarshal(stand.Position, &r.at); err != nil {
			return nil, fmt.Errorf("read where the catch-up of démarche %d stands: %w", demarche, err)
		}
	}
	marks, err := ledger.New(c.Pool).UnreadableOf(ctx, demarche)
	if err != nil {
		return nil, fmt.Errorf("read which dossiers of démarche %d are unreadable: %w", demarche, err)
	}
	for _, mark := range marks {
		if mark.UpdatedAt != nil {
			r.marked[mark.Number] = *mark.UpdatedAt
		}
	}
	r.progress = newProgress(c, demarche, r.at.Read)
	return r, nil
}

// step reads and stores one page, or finds out how much of it can be read.
func (r *reading) step(ctx context.Context) error {
	size, err := r.free(ctx)
	if err != nil {
		return err
	}
	if size == 0 {
		return r.pass(ctx)
	}
	asked := r.at.Cursor
	asked.First = min(asked.Size(), size)
	if r.at.Size() < demarches.PageSize && !asked.DossiersDone {
		asked.WithRemoved = false // the removals may be what is too much; they are read afterwards
	}
	begun, err := ledger.New(r.Pool).Now(ctx)
	if err != nil {
		return fmt.Errorf("read the database's clock: %w", err)
	}
	page, err := r.Demarches.Changes(ctx, r.demarche, asked)
	if err != nil {
		return r.narrow(ctx, asked, err)
	}
	next := r.at
	next.Cursor, next.Read = page.Next, r.at.Read+len(page.Dossiers)
	next.WithRemoved = r.at.WithRemoved
	next.widen(r.at.Size())
	for i := range page.Dossiers {
		next.reach(page.Dossiers[i].Number, page.Dossiers[i].UpdatedAt)
	}
	if !next.DossiersDone && next.Until.IsZero() {
		// Before anything follows from this page.
		newest, _, err := r.Demarches.Newest(ctx, r.demarche, r.at.Since)
		if err != nil {
			return err
		}
		next.Last, next.Until = newest.Number, newest.UpdatedAt
	}
	err = r.advance(ctx, next, page.Newest, func(tx pgx.Tx) error {
		return r.absorb(ctx, client(ctx), tx, sighting{
			begun: begun, dossiers: page.Dossiers, removed: page.Removed, priority: priorityPolled,
		})
	})
	if err != nil {
		return fmt.Errorf("store a page of démarche %d: %w", r.demarche, err)
	}
	r.Metrics.Polled.WithLabelValues(strconv.FormatInt(r.demarche, 10)).Add(float64(len(page.Dossiers)))
	r.progress.tell(ctx, r.at.Read, !r.at.Done())
	return nil
}

// free returns how many dossiers can be read before the next that is known to be
// unreadable and has not changed since. It looks ahead only while one is to come.
func (r *reading) free(ctx context.Context) (int, error) {
	if r.at.DossiersDone || !r.marksAhead() {
		return demarches.PageSize, nil
	}
	if len(r.ahead) == 0 {
		page, err := r.Demarches.Headings(ctx, r.demarche, r.at.Cursor)
		if err != nil {
			return 0, err
		}
		r.ahead, r.aheadMore = page.Headings, page.HasMore
	}
	for i, heading := range r.ahead {
		if r.isMarked(heading) {
			return i, nil
		}
	}
	return max(len(r.ahead), 1), nil
}

func (r *reading) marksAhead() bool {
	for _, at := range r.marked {
		if !at.Before(r.at.Since) && !at.Before(r.at.Reached) {
			return true
		}
	}
	return false
}

func (r *reading) isMarked(h demarches.Heading) bool {
	at, marked := r.marked[h.Number]
	return marked && at.Equal(h.UpdatedAt)
}

// pass steps over the dossiers ahead that are known to be unreadable.
func (r *reading) pass(ctx context.Context) error {
	next := r.at
	var n int
	for n < len(r.ahead) && r.isMarked(r.ahead[n]) {
		delete(r.marked, r.ahead[n].Number)
		next.After = r.ahead[n].After
		next.reach(r.ahead[n].Number, r.ahead[n].UpdatedAt)
		n++
	}
	next.DossiersDone = next.DossiersDone || n == len(r.ahead) && !r.aheadMore
	return r.advance(ctx, next, next.Reached, nil)
}

// narrow deals with a page that was not read. Whether that is the page's fault, or DS
// gives nothing at all, is told by reading only the headings of the same place.
func (r *reading) narrow(ctx context.Context, asked demarches.Cursor, cause error) error {
	failure := connectors.AsFailure(cause)
	if failure == nil || failure.Unreadable == "" || asked.DossiersDone || ctx.Err() != nil {
		return cause
	}
	size := asked.First
	asked.First = 1
	if size > 1 && r.alive {
		return r.halve(ctx, size)
	}
	page, err := r.Demarches.Headings(ctx, r.demarche, asked)
	switch {
	case err != nil:
		return err
	case size > 1:
		r.alive = true
		return r.halve(ctx, size)
	case len(page.Headings) == 0:
		return cause // there is no dossier whose fault it could be
	}
	heading, next := page.Headings[0], r.at
	next.After, next.DossiersDone = heading.After, !page.HasMore
	next.reach(heading.Number, heading.UpdatedAt)
	next.TooMany = 0 // it was this one
	delete(r.marked, heading.Number)
	return r.advance(ctx, next, heading.UpdatedAt, func(tx pgx.Tx) error {
		again, err := r.mark(ctx, ledger.New(tx), unreadable{
			number: heading.Number, demarche: r.demarche, updatedAt: &heading.UpdatedAt, reason: reasonOf(failure),
		})
		if err != nil {
			return err
		}
		return look(ctx, client(ctx), tx, r.demarche, []int64{heading.Number}, insertOpts{ScheduledAt: again, Priority: priorityRetried})
	})
}

// halve asks for half as many from now on, in a later attempt too.
func (r *reading) halve(ctx context.Context, size int) error {
	next := r.at
	next.First, next.TooMany, next.PagesRead = size/2, size, 0
	return r.advance(ctx, next, time.Time{}, nil)
}

// advance stores how far the poll has come, together with what store stores.
func (r *reading) advance(ctx context.Context, next catchUp, newest time.Time, store func(pgx.Tx) error) error {
	var position []byte
	if !next.Done() {
		var err error
		if position, err = json.Marshal(next); err != nil {
			return fmt.Errorf("note where the catch-up of démarche %d stands: %w", r.demarche, err)
		}
	}
	err := pgx.BeginFunc(ctx, r.Pool, func(tx pgx.Tx) error {
		if store != nil {
			if err := store(tx); err != nil {
				return err
			}
		}
		return ledger.New(tx).AdvanceCursor(ctx, ledger.AdvanceCursorParams{
			Demarche: r.demarche, Newest: newest, Position: position, Ahead: r.Timing.DatesAhead,
		})
	})
	if err != nil {
		return fmt.Errorf("store how far démarche %d was read: %w", r.demarche, err)
	}
	passed := slices.IndexFunc(r.ahead, func(h demarches.Heading) bool { return h.After == next.After })
	if next.After != r.at.After {
		r.ahead = r.ahead[passed+1:]
		if passed < 0 {
			r.ahead = nil
		}
	}
	r.at = next
	return nil
}
