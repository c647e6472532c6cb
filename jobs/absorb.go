package jobs

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// sighting is what one look at DS showed: dossiers, and dossiers that are gone.
type sighting struct {
	// begun is when the look began, by the database's clock: it orders snapshots.
	begun    time.Time
	dossiers []onboarding.Dossier
	removed  []onboarding.Removal
	// replan plans known dossiers too, so that what was lost of their jobs is
	// enqueued again.
	replan   bool
	priority int
}

// absorb stores in tx what DS showed, appends the facts that are new and enqueues
// what follows from them.
func (c *crew) absorb(ctx context.Context, river *Client, tx pgx.Tx, s sighting) error {
	a := absorption{crew: c, q: ledger.New(tx), sighting: s, rows: map[int64]*ledger.Dossier{}}
	if err := a.lock(ctx); err != nil {
		return err
	}
	if err := a.read(ctx); err != nil {
		return err
	}
	for i := range s.dossiers {
		if err := a.see(ctx, &s.dossiers[i]); err != nil {
			return err
		}
	}
	for _, removal := range s.removed {
		if err := a.miss(ctx, removal); err != nil {
			return err
		}
	}
	if err := a.q.Append(ctx, a.facts...); err != nil {
		return fmt.Errorf("append to the ledger: %w", err)
	}
	jobs, concerned, err := a.plan(ctx)
	if err != nil {
		return err
	}
	for because, links := range concerned {
		if err := c.concern(ctx, river, tx, links, because); err != nil {
			return err
		}
	}
	return enqueue(ctx, river, tx, jobs)
}

type absorption struct {
	*crew
	sighting

	q      *ledger.Queries
	rows   map[int64]*ledger.Dossier
	facts  []ledger.Fact
	toPlan []planned
}

// planned is a dossier to be planned, at its new revision.
type planned struct {
	dossier  *onboarding.Dossier
	row      *ledger.Dossier
	revision int32
	// news says that DS says something else than before.
	news bool
}

// lock locks the known dossiers of the sighting, in the order of their numbers.
func (a *absorption) lock(ctx context.Context) error {
	slices.SortFunc(a.dossiers, func(x, y onboarding.Dossier) int { return cmp.Compare(x.Number, y.Number) })
	var numbers []int64
	for i := range a.dossiers {
		numbers = append(numbers, a.dossiers[i].Number)
	}
	for _, removal := range a.removed {
		numbers = append(numbers, removal.Number)
	}
	rows, err := a.q.LockDossiers(ctx, numbers)
	if err != nil {
		return fmt.Errorf("lock %d dossiers: %w", len(numbers), err)
	}
	for i := range rows {
		a.rows[rows[i].Number] = &rows[i]
	}
	return nil
}

// read takes the marks from dossiers that could not be read before.
func (a *absorption) read(ctx context.Context) error {
	var numbers []int64
	for i := range a.dossiers {
		numbers = append(numbers, a.dossiers[i].Number)
	}
	marks, err := a.q.UnmarkUnreadable(ctx, numbers)
	if err != nil {
		return fmt.Errorf("note that %d dossiers are readable: %w", len(numbers), err)
	}
	for _, mark := range marks {
		a.Metrics.Unreadable.WithLabelValues("read").Inc()
		a.fact(mark.Number, ledger.DossierReadable, map[string]any{"since": mark.Since})
	}
	return nil
}

// see stores what DS says of one dossier, if that is news.
func (a *absorption) see(ctx context.Context, d *onboarding.Dossier) error {
	snapshot, fingerprint, err := encode(d)
	if err != nil {
		return err
	}
	step := int32(a.Journey.FormStep(d))
	row := a.rows[d.Number]
	if row == nil {
		inserted, err := a.q.InsertDossier(ctx, ledger.InsertDossierParams{
			Number: d.Number, Demarche: d.Demarche, State: string(d.State), Step: step, FiledAt: d.FiledAt,
			UpdatedAt: d.UpdatedAt, FetchStartedAt: a.begun, Snapshot: snapshot, Fingerprint: fingerprint,
			Candidate: a.candidate(d),
		})
		if err != nil {
			return fmt.Errorf("store dossier %d: %w", d.Number, err)
		}
		if inserted > 0 {
			a.Metrics.Changes.WithLabelValues("new").Inc()
			a.fact(d.Number, ledger.DossierSeen, map[string]any{"state": d.State, "step": step, "filed_at": d.FiledAt})
			a.toPlan = append(a.toPlan, planned{d, &ledger.Dossier{Number: d.Number, Candidate: a.candidate(d)}, 1, true})
			return nil
		}
		// Somebody else saw it first, a moment ago.
		rows, err := a.q.LockDossiers(ctx, []int64{d.Number})
		if err != nil {
			return fmt.Errorf("lock dossier %d: %w", d.Number, err)
		}
		if len(rows) == 0 {
			return fmt.Errorf("dossier %d is there and is not: it is looked at again", d.Number)
		}
		row = &rows[0]
	}
	if !a.begun.After(row.FetchStartedAt) {
		return nil // a later look was stored already
	}
	gone := row.TrashedAt != nil || row.DeletedAt != nil
	if row.Fingerprint == fingerprint && !gone {
		return a.seeAgain(ctx, row, d)
	}
	a.Metrics.Changes.WithLabelValues("changed").Inc()
	err = a.q.UpdateDossier(ctx, ledger.UpdateDossierParams{
		Number: d.Number, Demarche: d.Demarche, State: string(d.State),
		UpdatedAt: d.UpdatedAt, FetchStartedAt: a.begun, Snapshot: snapshot, Fingerprint: fingerprint,
	})
	if err != nil {
		return fmt.Errorf("store dossier %d: %w", d.Number, err)
	}
	switch {
	case gone:
		a.fact(d.Number, ledger.DossierRestored, map[string]any{"state": d.State})
	case row.State != string(d.State):
		a.fact(d.Number, ledger.StateChanged, map[string]any{"from": row.State, "to": d.State, "updated_at": d.UpdatedAt})
	default:
		a.fact(d.Number, ledger.DossierEdited, map[string]any{"updated_at": d.UpdatedAt})
	}
	a.toPlan = append(a.toPlan, planned{d, row, row.Revision + 1, true})
	return nil
}

// seeAgain notes a look that brought nothing new.
func (a *absorption) seeAgain(ctx context.Context, row *ledger.Dossier, d *onboarding.Dossier) error {
	a.Metrics.Changes.WithLabelValues("known").Inc()
	moved, forgiven := !row.UpdatedAt.Equal(d.UpdatedAt), int64(0)
	if moved {
		// It may have been in DS's bin and back, which takes no message meanwhile and
		// leaves nothing but this date when it is over before the next poll.
		var err error
		if forgiven, err = a.q.ForgiveRefusals(ctx, d.Number); err != nil {
			return fmt.Errorf("forgive what DS refused of dossier %d: %w", d.Number, err)
		}
	}
	if a.replan || forgiven > 0 {
		a.toPlan = append(a.toPlan, planned{d, row, row.Revision, false})
	} else if !moved && row.MissingSince == nil {
		return nil
	}
	err := a.q.TouchDossier(ctx, ledger.TouchDossierParams{Number: d.Number, FetchStartedAt: a.begun, UpdatedAt: d.UpdatedAt})
	if err != nil {
		return fmt.Errorf("note the look at dossier %d: %w", d.Number, err)
	}
	return nil
}

// miss notes that a dossier is in DS's bin, or gone for good. Dossiers that were
// never seen are none of ours.
func (a *absorption) miss(ctx context.Context, removal onboarding.Removal) error {
	row := a.rows[removal.Number]
	if row == nil || row.DeletedAt != nil || !a.begun.After(row.FetchStartedAt) {
		return nil
	}
	data := map[string]any{"reason": removal.Reason, "at": removal.At}
	if !removal.Final {
		if row.TrashedAt != nil {
			return nil
		}
		a.fact(removal.Number, ledger.DossierTrashed, data)
		return a.q.TrashDossier(ctx, ledger.TrashDossierParams{Number: removal.Number, At: &removal.At, FetchStartedAt: a.begun})
	}
	var d onboarding.Dossier
	if err := json.Unmarshal(row.Snapshot, &d); err != nil {
		return fmt.Errorf("read the snapshot of dossier %d: %w", removal.Number, err)
	}
	d.State = onboarding.Deleted
	if d.EndedAt.IsZero() {
		d.EndedAt = removal.At
	}
	snapshot, fingerprint, err := encode(&d)
	if err != nil {
		return err
	}
	err = a.q.DeleteDossier(ctx, ledger.DeleteDossierParams{
		Number: removal.Number, At: &removal.At, FetchStartedAt: a.begun, Snapshot: snapshot, Fingerprint: fingerprint,
	})
	if err != nil {
		return fmt.Errorf("note that dossier %d was deleted: %w", removal.Number, err)
	}
	a.fact(removal.Number, ledger.DossierDeleted, data)
	a.toPlan = append(a.toPlan, planned{&d, row, row.Revision + 1, true})
	return nil
}

// fact notes a fact that was read in DS.
func (a *absorption) fact(dossier int64, kind ledger.EntryKind, data map[string]any) {
	a.facts = append(a.facts, ledger.Fact{Chain: dossier, Actor: ledger.ActorDS, Kind: kind, Data: data})
}

// plan stores where the dossiers that brought news stand, and returns the jobs that
// follow and, by what happened, the links of those that concern others.
func (a *absorption) plan(ctx context.Context) ([]insertion, map[string]onboarding.Links, error) {
	if len(a.toPlan) == 0 {
		return nil, nil, nil
	}
	var numbers []int64
	for _, p := range a.toPlan {
		numbers = append(numbers, p.dossier.Number)
	}
	commands, err := a.q.Commands(ctx, numbers)
	if err != nil {
		return nil, nil, fmt.Errorf("read the commands for %d dossiers: %w", len(numbers), err)
	}
	given := ledger.CommandsOf(commands)
	former := map[int64]int64{}
	for _, p := range a.toPlan {
		if former[p.dossier.Number], err = a.link(ctx, a.q, p.row, p.dossier, given[p.dossier.Number]); err != nil {
			return nil, nil, err
		}
	}
	record, err := a.records(ctx, a.q, numbers)
	if err != nil {
		return nil, nil, err
	}
	var jobs []insertion
	concerned := map[string]onboarding.Links{}
	for _, p := range a.toPlan {
		r := record(p.dossier.Number, p.revision)
		if r.ImportFrom, err = a.importFrom(ctx, a.q, p.dossier.Demarche); err != nil {
			return nil, nil, err
		}
		r.SeenAt = a.begun
		if err := a.stand(ctx, a.q, p.row, p.dossier, r); err != nil {
			return nil, nil, err
		}
		if err := a.wake(ctx, a.q, p.row, p.dossier, r); err != nil {
			return nil, nil, err
		}
		if p.news {
			concerned[fmt.Sprintf("dossier %d at %d", p.dossier.Number, p.revision)] = r.Links.And(former[p.dossier.Number])
		}
		for _, work := range onboarding.Sort(onboarding.Plan(a.Journey, p.dossier, r), p.revision) {
			jobs = append(jobs, insertion{p.dossier.Number, work, a.priority})
		}
	}
	return jobs, concerned, nil
}

// encode returns a dossier as it is stored, and a fingerprint of what it says. DS's
// date of the last change is left out: our own writes move it. That of its end goes
// with its state and its decisions.
func encode(d *onboarding.Dossier) (snapshot []byte, fingerprint string, err error) {
	if snapshot, err = json.Marshal(d); err != nil {
		return nil, "", fmt.Errorf("encode dossier %d: %w", d.Number, err)
	}
	dateless := *d
	dateless.UpdatedAt, dateless.EndedAt = time.Time{}, time.Time{}
	said, err := json.Marshal(dateless)
	if err != nil {
		return nil, "", fmt.Errorf("encode dossier %d: %w", d.Number, err)
	}
	sum := sha256.Sum256(said)
	return withoutNUL(snapshot), hex.EncodeToString(sum[:16]), nil
}

// withoutNUL takes the one character out of a JSON text that jsonb does not hold:
// one dossier with it must not keep a page of others from being stored.
func withoutNUL(text []byte) []byte {
	const escape = `\u0000`
	if !bytes.Contains(text, []byte(escape)) {
		return text
	}
	kept := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] != '\\':
			kept = append(kept, text[i])
		case bytes.HasPrefix(text[i:], []byte(escape)):
			i += len(escape) - 1
		default: // another escape; the character behind it is none
			kept = append(kept, text[i], text[i+1])
			i++
		}
	}
	return kept
}
