package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertype"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// Reconciler compares what the ledger says exists with GitLab, and has the two agree.
type Reconciler struct {
	*crew

	river *Client
	actor string
	// patient says that somebody waits for the end: what a service asks to be waited for
	// is waited for here, and does not put a job off.
	patient bool
}

// NewReconciler returns a reconciler that acts in somebody's name and works no jobs:
// what follows from what it finds is enqueued for a hub.
func NewReconciler(o Options, actor string) (*Reconciler, error) {
	o.InsertOnly = true
	client, err := NewClient(o)
	if err != nil {
		return nil, err
	}
	return &Reconciler{crew: newCrew(o), river: client, actor: actor, patient: true}, nil
}

// Scope says what to compare and how far to go.
type Scope struct {
	// All stands for every dossier, Dossier for one.
	All     bool
	Dossier int64
	// DryRun changes nothing, neither in GitLab nor in the ledger.
	DryRun bool
	// Recreate has what somebody deleted made anew.
	Recreate bool

	// messages has messages in DS looked for, too.
	messages bool
	// notesSince is when an issue must have been changed for its notes to be read; the
	// zero time stands for always.
	notesSince time.Time
	// membersOf says whose groups' members are counted; nil stands for everybody's.
	membersOf   func(dossier int64) bool
	ledgerBegan time.Time

	// after is the dossier behind which to go on, until when an attempt is to end, seen
	// what an earlier one listed.
	after int64
	until time.Time
	seen  *listing
	// passed is told of each dossier that was dealt with.
	passed func(ctx context.Context, dossier int64) error
}

// Finding is a difference and what became of it.
type Finding struct {
	onboarding.Difference

	Dossier int64
	// Done tells that it was dealt with.
	Done bool
}

const (
	// dossiersAtOnce is how many dossiers are read from the ledger at once.
	dossiersAtOnce = 200
	// failuresInARow is after how many dossiers with which a service failed a run ends,
	// because it is down.
	failuresInARow = 3
	// leasePatience is how long the reconciler waits for whoever acts for a dossier.
	leasePatience = 10 * time.Second
)

// ErrNoDossier says that the ledger holds no such dossier.
var ErrNoDossier = errors.New("the ledger holds nothing of it: nothing was seen of it yet")

// incomplete says that some dossiers could not be dealt with.
type incomplete struct {
	dossiers int
	last     error
}

func (e *incomplete) Error() string {
	return fmt.Sprintf("%d dossiers could not be dealt with, the last: %v", e.dossiers, e.last)
}

func (e *incomplete) Unwrap() error { return e.last }

// run is one run of a reconciler.
type run struct {
	*Reconciler

	scope  Scope
	seen   *listing
	visit  func(*Finding)
	worked bool // a list or a dossier was dealt with
	failed incomplete
	inARow int
}

// Run compares and tells visit of each difference. A service that asks us to wait
// holds its queue; that is waited for, or the error puts a job off.
func (r *Reconciler) Run(ctx context.Context, scope Scope, visit func(*Finding)) error {
	q := ledger.New(r.Pool)
	last, err := q.LastVerification(ctx)
	if err != nil {
		return fmt.Errorf("read since when the ledger is kept: %w", err)
	}
	scope.ledgerBegan = last.LedgerBeganAt
	scope.messages = scope.notesSince.IsZero()
	if !scope.All {
		switch _, err := q.Dossier(ctx, scope.Dossier); {
		case errors.Is(err, pgx.ErrNoRows):
			return fmt.Errorf("dossier %d: %w", scope.Dossier, ErrNoDossier)
		case err != nil:
			return fmt.Errorf("read dossier %d: %w", scope.Dossier, err)
		}
		scope.after = scope.Dossier - 1
	}
	one := &run{Reconciler: r, scope: scope, seen: scope.seen, visit: visit}
	if err := one.admit(ctx); err != nil {
		return err
	}
	if one.seen == nil {
		if one.seen, err = r.newListing(ctx); err != nil {
			return err
		}
	}
	if err := one.list(ctx); err != nil {
		return err
	}
	if err := one.dossiers(ctx); err != nil {
		return err
	}
	if scope.All {
		if err := one.strangers(ctx); err != nil {
			return err
		}
	}
	if one.failed.dossiers > 0 {
		return &one.failed
	}
	return nil
}

// dossiers goes through the dossiers, a page at a time.
func (r *run) dossiers(ctx context.Context) error {
	q := ledger.New(r.Pool)
	after, count := r.scope.after, int32(dossiersAtOnce)
	if !r.scope.All {
		count = 1
	}
	for {
		rows, err := q.DossiersAfter(ctx, ledger.DossiersAfterParams{After: after, Count: count})
		if err != nil {
			return fmt.Errorf("read dossiers: %w", err)
		}
		var numbers []int64
		for i := range rows {
			numbers = append(numbers, rows[i].Number)
		}
		record, err := r.records(ctx, q, numbers)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := r.rest(); err != nil {
				return err
			}
			if err := r.dossier(ctx, &rows[i], record(rows[i].Number, rows[i].Revision)); err != nil {
				return err
			}
			after, r.worked = rows[i].Number, true
		}
		if !r.scope.All || len(rows) < dossiersAtOnce {
			return nil
		}
	}
}

// dossier compares one dossier. A failure does not keep the others, unless the service
// asked us to wait or is down for every one.
func (r *run) dossier(ctx context.Context, row *ledger.Dossier, record onboarding.Record) error {
	err := r.patiently(ctx, func() error { return r.compare(ctx, row, record) })
	failure, held := connectors.AsFailure(err), &HeldError{}
	if err != nil && (ctx.Err() != nil || putOff(err) || errors.As(err, &held) ||
		failure != nil && failure.Class == connectors.Throttled) {
		return err
	}
	down := failure != nil && (failure.Down || failure.Class == connectors.Denied)
	if !down {
		delete(r.seen.marked, row.Number)
	}
	switch {
	case down:
		r.inARow++
	case err == nil || failure != nil:
		r.inARow = 0 // it answers
	}
	if err != nil {
		r.failed.dossiers++
		r.failed.last = fmt.Errorf("dossier %d: %w", row.Number, err)
		if r.inARow >= failuresInARow {
			return r.failed.last
		}
		r.Logger.WarnContext(ctx, "a dossier could not be compared with GitLab", "dossier", row.Number, "error", err)
	}
	if down || r.scope.passed == nil {
		return nil // what the service is down for is compared again if it stays down
	}
	return r.scope.passed(ctx, row.Number)
}

func (r *run) compare(ctx context.Context, row *ledger.Dossier, record onboarding.Record) error {
	var dossier onboarding.Dossier
	if err := json.Unmarshal(row.Snapshot, &dossier); err != nil {
		return fmt.Errorf("read the snapshot of dossier %d: %w", row.Number, err)
	}
	sight, err := r.sight(ctx, r.seen, &r.scope, row.Number, record)
	if err != nil {
		return err
	}
	sent, err := r.lostMessages(ctx, &dossier, record)
	if err != nil {
		return err
	}
	differences := onboarding.Compare(r.Journey, &dossier, record, sight, r.scope.ledgerBegan)
	look, stale := map[onboarding.ResourceKind]bool{}, false
	for i := range differences {
		if d := &differences[i]; d.Remedy != onboarding.ToList {
			look[onboarding.PartOf(d.Resource.Kind)] = true
			// Where something was moved to is followed as it was listed a moment ago.
			stale = stale || d.Kind != onboarding.DiffMoved || r.seen.old
		}
	}
	act := len(sent) > 0 || len(look) > 0
	if !stale {
		look = nil
	}
	act = act || r.scope.Recreate && len(onboarding.Renewals(record)) > 0
	if r.scope.DryRun || !act {
		differences = append(differences, sent...)
		if r.scope.Recreate {
			differences = append(differences, onboarding.Renewals(onboarding.Correct(record, differences, sight.Begun))...)
		}
		r.tell(ctx, row.Number, differences, false)
		return nil
	}
	lists := slices.DeleteFunc(slices.Clone(differences), func(d onboarding.Difference) bool { return d.Remedy != onboarding.ToList })
	if err := r.settle(ctx, row.Number, sight, look, sent); err != nil {
		return err
	}
	r.tell(ctx, row.Number, lists, false)
	return nil
}

// lostMessages looks in DS for what a ledger that was lost sent in rounds that are over:
// the plan asks for the present one alone.
func (r *run) lostMessages(ctx context.Context, dossier *onboarding.Dossier, record onboarding.Record) ([]onboarding.Difference, error) {
	if !r.scope.messages || !dossier.FiledAt.Before(r.scope.ledgerBegan) || dossier.State == onboarding.Deleted {
		return nil, nil
	}
	marks := map[string]onboarding.ResourceKey{}
	for _, key := range onboarding.LostMessages(r.Journey, dossier, record) {
		marks[r.Marks.Mark(dossier.Number, key)] = key
	}
	if len(marks) == 0 {
		return nil, nil
	}
	ids, err := r.Demarches.FindMessages(ctx, dossier.Number, slices.Collect(maps.Keys(marks)))
	if connectors.IsNotFound(err) {
		return nil, nil // not visible now
	} else if err != nil {
		return nil, err
	}
	var found []onboarding.Difference
	for _, mark := range slices.Sorted(maps.Keys(ids)) {
		found = append(found, onboarding.FoundMessage(marks[mark], ids[mark]))
	}
	return found, nil
}

// tell tells of differences. What everybody can see is told loudly.
func (r *run) tell(ctx context.Context, dossier int64, differences []onboarding.Difference, done bool) {
	for _, d := range differences {
		if d.Kind == onboarding.DiffVisibility {
			r.Logger.WarnContext(ctx, "a group or project of ours is not private: make it private in GitLab, or find out why it is not",
				"dossier", dossier, "resource", d.Resource.String(), "id", d.Thing.ID, "visibility", d.GitLab)
		}
		r.visit(&Finding{Dossier: dossier, Difference: d, Done: done && d.Remedy != onboarding.ToList})
	}
}

// settle deals with a dossier's differences under its lease: what was about to be made
// when the lists were read is there by now.
func (r *run) settle(ctx context.Context, number int64, sight onboarding.Sight, look map[onboarding.ResourceKind]bool, sent []onboarding.Difference) error {
	lease, err := r.takePatiently(ctx, number)
	if err != nil {
		return err
	}
	defer r.release(ctx, lease)
	// The lease must not run out on the way.
	ctx, cancel := context.WithTimeout(ctx, r.Timing.jobTimeout())
	defer cancel()

	dossier, record, err := r.reload(ctx, number)
	if err != nil {
		return err
	}
	if len(look) > 0 {
		if sight, err = r.again(ctx, look, sight, record); err != nil {
			return err
		}
	}
	differences := onboarding.Compare(r.Journey, dossier, record, sight, r.scope.ledgerBegan)
	differences = slices.DeleteFunc(differences, func(d onboarding.Difference) bool { return d.Remedy == onboarding.ToList })
	for _, d := range sent {
		if record.Get(d.Resource) == (onboarding.Resource{}) {
			differences = append(differences, d)
		}
	}
	if r.scope.Recreate {
		corrected := onboarding.Correct(record, differences, sight.Begun)
		differences = append(differences, onboarding.Renewals(corrected)...)
	}
	for i := range differences {
		if err := r.remove(ctx, &differences[i], record); err != nil {
			return err
		}
	}
	if err := r.record(ctx, lease, differences); err != nil {
		return err
	}
	r.tell(ctx, number, differences, true)
	return nil
}

// takePatiently takes the dossier's lease, and waits a while for whoever has it.
func (r *run) takePatiently(ctx context.Context, dossier int64) (*lease, error) {
	ctx, cancel := context.WithTimeout(ctx, leasePatience)
	defer cancel()
	for {
		lease, err := r.take(ctx, QueueGitLab, dossier, toAct)
		snoozed := &rivertype.JobSnoozeError{}
		if !errors.As(err, &snoozed) {
			return lease, err
		}
		if err := r.held(ctx, QueueGitLab); err != nil {
			return nil, err
		}
		select {
		case <-time.After(snoozed.Duration):
		case <-ctx.Done():
			return nil, errors.New("somebody acts for it at the moment: it is compared the next time")
		}
	}
}

// reload reads a dossier and what is recorded of it.
func (r *Reconciler) reload(ctx context.Context, number int64) (*onboarding.Dossier, onboarding.Record, error) {
	q := ledger.New(r.Pool)
	row, err := q.Dossier(ctx, number)
	if err != nil {
		return nil, onboarding.Record{}, fmt.Errorf("read dossier %d: %w", number, err)
	}
	return r.load(ctx, q, &row)
}

// remove closes, archives or deletes a duplicate. Each is the same whether it is done
// once or twice.
func (r *Reconciler) remove(ctx context.Context, d *onboarding.Difference, record onboarding.Record) error {
	var err error
	switch d.Remedy {
	case onboarding.ToClose:
		_, err = r.GitLab.ChangeIssue(ctx, r.TrackingProject, d.Thing.ID, gitlab.IssueChange{StateEvent: "close"})
	case onboarding.ToArchive:
		err = r.GitLab.ArchiveProject(ctx, d.Thing.ID)
	case onboarding.ToDelete:
		err = r.GitLab.DeleteNote(ctx, r.TrackingProject, knownID(record, onboarding.IssueKey), d.Thing.ID)
	default: // nothing is too many
	}
	if connectors.IsNotFound(err) {
		return nil // somebody was quicker
	}
	return err
}

// record writes what the differences mean for the ledger, and enqueues what follows.
func (r *run) record(ctx context.Context, lease *lease, differences []onboarding.Difference) error {
	err := pgx.BeginFunc(ctx, r.Pool, func(tx pgx.Tx) error {
		q := ledger.New(tx)
		row, err := q.LockDossier(ctx, ledger.LockDossierParams{
			Number: lease.dossier, Purpose: string(lease.purpose), Owner: lease.owner, Queue: QueueGitLab,
		})
		if err != nil {
			return fmt.Errorf("read dossier %d: %w", lease.dossier, err)
		}
		if !row.Leased {
			return fmt.Errorf("dossier %d: the lease ran out; it is compared the next time", lease.dossier)
		}
		dossier, record, err := r.load(ctx, q, &row.Dossier)
		if err != nil {
			return err
		}
		corrected := onboarding.Correct(record, differences, row.Now)
		if err := put(ctx, q, lease.dossier, record, corrected); err != nil {
			return err
		}
		var facts []ledger.Fact
		for i := range differences {
			facts = append(facts, r.fact(lease.dossier, &differences[i]))
		}
		if err := q.Append(ctx, facts...); err != nil {
			return fmt.Errorf("append to the ledger of dossier %d: %w", lease.dossier, err)
		}
		var jobs []insertion
		for _, work := range onboarding.Sort(onboarding.Plan(r.Journey, dossier, corrected), corrected.Revision) {
			jobs = append(jobs, insertion{dossier.Number, work, priorityPolled})
		}
		if err := enqueue(ctx, r.river, tx, jobs); err != nil {
			return err
		}
		if iid := knownID(corrected, onboarding.IssueKey); iid != 0 && iid != knownID(record, onboarding.IssueKey) {
			if err := lookAtIssue(ctx, r.river, tx, iid); err != nil {
				return err
			}
		}
		return lease.dropIn(ctx, tx)
	})
	if err != nil {
		lease.dropped = false
	}
	return err
}

// put writes the rows in which two records differ.
func put(ctx context.Context, q *ledger.Queries, dossier int64, before, after onboarding.Record) error {
	keys := maps.Clone(before.Resources)
	maps.Copy(keys, after.Resources)
	for _, key := range slices.SortedFunc(maps.Keys(keys), func(a, b onboarding.ResourceKey) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key))
	}) {
		row, kept := after.Resources[key]
		var err error
		switch old, known := before.Resources[key]; {
		case !kept:
			err = q.DropResource(ctx, ledger.DropResourceParams{
				Dossier: dossier, System: string(key.System), Kind: string(key.Kind), Key: key.Key,
			})
		case !known || row != old:
			err = q.PutResource(ctx, ledger.NewPutResource(dossier, key, row))
		}
		if err != nil {
			return fmt.Errorf("record the %s of dossier %d: %w", key, dossier, err)
		}
	}
	return nil
}

// fact is what the ledger says of a difference that was dealt with.
func (r *run) fact(dossier int64, d *onboarding.Difference) ledger.Fact {
	fact := ledger.Fact{Chain: dossier, Actor: r.actor, Data: map[string]any{"resource": d.Resource.String(), "id": d.Thing.ID}}
	switch d.Remedy {
	case onboarding.ToRecord:
		fact.Kind = ledger.ResourceGone
	case onboarding.ToAdopt:
		fact.Kind = ledger.ResourceFound
		fact.Data["path"], fact.Data["url"], fact.Data["known"] = r.place(d.Thing.Path), d.Thing.URL, r.place(d.Ledger)
		if r.place(d.Thing.Path) != d.Thing.Path {
			fact.Data["url"] = ""
		}
		if d.Thing.Message != "" {
			fact.Data["id"] = d.Thing.Message
		}
	case onboarding.ToClose, onboarding.ToArchive, onboarding.ToDelete:
		fact.Kind = ledger.DuplicateClosed
		fact.Data["kept"], fact.Data["remedy"] = d.Keep, d.Remedy
	case onboarding.ToRecreate:
		fact.Kind = ledger.ResourceRenewed
	default:
		switch d.Kind {
		case onboarding.DiffMoved:
			fact.Kind = ledger.ResourceMoved
			fact.Data["from"], fact.Data["to"] = r.place(d.Ledger), r.place(d.GitLab)
		case onboarding.DiffReturned:
			fact.Kind = ledger.ResourceReturned
		default:
			fact.Kind = ledger.ResourceFollowed
			fact.Data["known"], fact.Data["found"] = d.Ledger, d.GitLab
		}
	}
	return fact
}

// place is a path or an address of GitLab as the ledger may keep it for ever: below the
// root group or in the tracking project. Anywhere else it can hold a person's name.
func (c *crew) place(text string) string {
	if !strings.Contains(text, "/") || strings.HasPrefix(text, c.RootGroup+"/") || strings.Contains(text, "/"+c.TrackingProject+"/-/") {
		return text
	}
	return "elsewhere"
}

// strangers tells of what bears the mark of dossiers that the ledger does not know.
func (r *run) strangers(ctx context.Context) error {
	numbers := slices.Sorted(maps.Keys(r.seen.marked))
	known, err := ledger.New(r.Pool).KnownDossiers(ctx, numbers)
	if err != nil {
		return fmt.Errorf("read dossiers: %w", err)
	}
	for _, number := range numbers {
		if slices.Contains(known, number) {
			continue // filed since
		}
		for _, key := range []onboarding.ResourceKey{onboarding.GroupKey, onboarding.ProjectKey, onboarding.IssueKey} {
			for _, id := range r.seen.marked[number][key.Kind] {
				thing := r.seen.things[key.Kind][id]
				if thing.Deleting {
					continue
				}
				r.tell(ctx, number, []onboarding.Difference{{
					Kind: onboarding.DiffUnknown, Resource: key, Remedy: onboarding.ToList, Thing: thing,
					Ledger: "no such dossier", GitLab: thing.String(),
				}}, false)
			}
		}
	}
	return nil
}
