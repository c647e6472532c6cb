package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// hand acts for one dossier: step by step, each step planned anew under the
// dossier's row lock. One transaction records the outcome of the last step, the
// jobs that follow from it and the intent of the next.
type hand struct {
	*crew

	lease    *lease
	job      onboarding.Job
	priority int
	river    *Client
	done     *report
}

type report struct {
	task    *task
	outcome outcome
}

// task is one action about to be carried out.
type task struct {
	action  onboarding.Action
	dossier onboarding.Dossier
	record  onboarding.Record
	// look says that the thing may exist already: ask before creating it. What an
	// earlier call of ours made was not made before since; a zero time stands for
	// what a ledger that was lost may have made, at any time before this one began.
	look  bool
	since time.Time
	// lost says that a ledger that was lost may have made it.
	lost bool
}

// subject is what the failures of an outage are counted by.
func (t *task) subject() string { return fmt.Sprintf("dossier %d", t.dossier.Number) }

// resource is what the ledger holds of the thing that the task is about.
func (t *task) resource() onboarding.Resource { return t.record.Get(t.action.Resource) }

// opened reports whether the tracking issue was opened, whose address other dossiers of
// the onboarding lead to.
func (r *report) opened() bool {
	return slices.ContainsFunc(r.outcome.changes, func(c change) bool { return c.key == onboarding.IssueKey })
}

// outcome is what came of a task.
type outcome struct {
	// changes holds a row for each resource that exists now, or has new content.
	changes []change
	facts   []ledger.Fact
	// absent says that an action that only looks found nothing.
	absent bool
	// unasked says that no service had to be asked.
	unasked bool
	// look says that DS shows something else now.
	look bool
	// takenUp is the number of the tracking issue that was there already: what people did
	// on it is still to be seen. 0 for none.
	takenUp int64
}

type change struct {
	key                   onboarding.ResourceKey
	externalID, url, path string
	applied               string
}

// report keeps what came of a task until the next step records it.
func (h *hand) report(t *task, o outcome) { h.done = &report{task: t, outcome: o} }

// clockSkew is how far the clocks of two services may be apart.
const clockSkew = 10 * time.Minute

// advance records the outcome of the last task, if any, plans, enqueues what other
// jobs have to do, and returns the next task of this job, its intent committed. It
// returns nil when nothing is left to do; the lease is given back then.
//
// When the job is being stopped, what was done by then is recorded all the same.
func (h *hand) advance(ctx context.Context) (*task, error) {
	stopped := ctx.Err()
	stopping := stopped != nil
	if stopping {
		if h.done == nil {
			return nil, stopped
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
	}
	var (
		next *task
		wait time.Duration
		held bool
	)
	err := pgx.BeginFunc(ctx, h.Pool, func(tx pgx.Tx) error {
		q := ledger.New(tx)
		row, err := q.LockDossier(ctx, ledger.LockDossierParams{
			Number: h.lease.dossier, Purpose: string(h.lease.purpose), Owner: h.lease.owner,
			Queue: h.lease.gate.queue, Probing: h.lease.gate.probing(),
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // there is no such dossier (any more)
		} else if err != nil {
			return fmt.Errorf("read dossier %d: %w", h.lease.dossier, err)
		}
		if !row.Leased {
			return fmt.Errorf("dossier %d: the lease ran out while its job was at work; it goes on at the next attempt", h.lease.dossier)
		}
		if err := h.record(ctx, q); err != nil {
			return err
		}
		dossier, record, err := h.load(ctx, q, &row.Dossier)
		if err != nil {
			return err
		}
		works := onboarding.Sort(onboarding.Plan(h.Journey, dossier, record), record.Revision)
		var others []insertion
		for _, work := range works {
			if work.Job != h.job {
				others = append(others, insertion{dossier.Number, work, h.priority})
				continue
			}
			next = &task{action: work.Actions[0], dossier: *dossier, record: record}
		}
		if err := enqueue(ctx, h.river, tx, others); err != nil {
			return err
		}
		if err := h.follow(ctx, tx, &row.Dossier, record.Links); err != nil {
			return err
		}
		if next == nil {
			if err := h.stand(ctx, q, &row.Dossier, dossier, record); err != nil {
				return err
			}
			if err := h.wake(ctx, q, &row.Dossier, dossier, record); err != nil {
				return err
			}
			return h.lease.dropIn(ctx, tx)
		}
		if held = row.Held; held || stopping {
			return nil
		}
		wait, err = h.intend(ctx, q, next, &row)
		return err
	})
	if err != nil {
		h.lease.dropped = false
		return nil, err
	}
	h.done = nil
	switch {
	case next == nil:
		return nil, nil //nolint:nilnil // nothing is left to do
	case stopping:
		return nil, stopped
	case held:
		return nil, busy() // the next attempt asks for how long
	case wait > 0:
		return nil, after(wait)
	}
	return next, nil
}

// follow has dossiers looked at that the outcome of the last task concerns: this one, when
// DS shows something else now, and the others of its onboarding, which lead to its issue.
func (h *hand) follow(ctx context.Context, tx pgx.Tx, row *ledger.Dossier, links onboarding.Links) error {
	if h.done == nil {
		return nil
	}
	if h.done.outcome.look {
		if err := lookBecause(ctx, h.river, tx, row, h.done.task.action.Resource.String()); err != nil {
			return err
		}
	}
	if h.done.outcome.takenUp != 0 {
		if err := lookAtIssue(ctx, h.river, tx, h.done.outcome.takenUp); err != nil {
			return err
		}
	}
	if h.done.opened() {
		if err := h.heedStrays(ctx, tx); err != nil {
			return err
		}
		return h.concern(ctx, h.river, tx, links, fmt.Sprintf("issue of %d", row.Number))
	}
	return nil
}

// heedStrays has the issue that was just opened looked at when GitLab told of one that
// nobody knew: somebody may have written there before its number was recorded.
func (h *hand) heedStrays(ctx context.Context, tx pgx.Tx) error {
	stray, err := ledger.New(tx).StrayDeliveries(ctx)
	if err != nil || !stray {
		return err
	}
	for _, c := range h.done.outcome.changes {
		if iid, err := strconv.ParseInt(c.externalID, 10, 64); c.key == onboarding.IssueKey && err == nil {
			return lookAtIssue(ctx, h.river, tx, iid)
		}
	}
	return nil
}

// handOver enqueues all that is planned, this job's kind included, and gives the
// lease back.
func (h *hand) handOver(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := pgx.BeginFunc(ctx, h.Pool, func(tx pgx.Tx) error {
		q := ledger.New(tx)
		rows, err := q.LockDossiers(ctx, []int64{h.lease.dossier})
		if err != nil || len(rows) == 0 {
			return err
		}
		dossier, record, err := h.load(ctx, q, &rows[0])
		if err != nil {
			return err
		}
		var jobs []insertion
		for _, work := range onboarding.Sort(onboarding.Plan(h.Journey, dossier, record), record.Revision) {
			jobs = append(jobs, insertion{dossier.Number, work, h.priority})
		}
		if err := enqueue(ctx, h.river, tx, jobs); err != nil {
			return err
		}
		return h.lease.dropIn(ctx, tx)
	})
	if err != nil {
		h.lease.dropped = false
	}
	return err
}

// record writes the outcome of the last task.
func (h *hand) record(ctx context.Context, q *ledger.Queries) error {
	if h.done == nil {
		return nil
	}
	if h.done.outcome.absent {
		if err := h.withdraw(ctx, q, h.done.task); err != nil {
			return err
		}
	}
	for _, c := range h.done.outcome.changes {
		err := q.RecordOutcome(ctx, ledger.RecordOutcomeParams{
			Dossier: h.lease.dossier, System: string(c.key.System), Kind: string(c.key.Kind), Key: c.key.Key,
			ExternalID: c.externalID, Url: c.url, Path: c.path, Applied: c.applied,
		})
		if err != nil {
			return fmt.Errorf("record the %s of dossier %d: %w", c.key, h.lease.dossier, err)
		}
	}
	if err := q.Append(ctx, h.done.outcome.facts...); err != nil {
		return fmt.Errorf("append to the ledger of dossier %d: %w", h.lease.dossier, err)
	}
	return nil
}

// load reads what the plan is made of.
func (c *crew) load(ctx context.Context, q *ledger.Queries, row *ledger.Dossier) (*onboarding.Dossier, onboarding.Record, error) {
	var dossier onboarding.Dossier
	if err := json.Unmarshal(row.Snapshot, &dossier); err != nil {
		return nil, onboarding.Record{}, fmt.Errorf("read the snapshot of dossier %d: %w", row.Number, err)
	}
	records, err := c.records(ctx, q, []int64{row.Number})
	if err != nil {
		return nil, onboarding.Record{}, err
	}
	record := records(row.Number, row.Revision)
	record.SeenAt = row.FetchStartedAt
	record.ImportFrom, err = c.importFrom(ctx, q, row.Demarche)
	return &dossier, record, err
}

// intend writes the intent of a task. When an earlier intent for the same thing is
// so young that its effect may still show, it returns how long to wait instead.
func (h *hand) intend(ctx context.Context, q *ledger.Queries, t *task, row *ledger.LockDossierRow) (time.Duration, error) {
	resource, path := t.resource(), h.groupPath(t)
	if resource.Open() && resource.Path != path {
		// It may have been made under the name that the project had then.
		t.action.Settle = true
	}
	if resource.Unsure() && t.action.Waits() {
		if wait := h.Timing.CallTimeout + h.Timing.EffectMargin - row.Now.Sub(resource.IntentAt); wait > 0 {
			return wait, nil
		}
	}
	t.lost = t.dossier.FiledAt.Before(row.LedgerBeganAt)
	switch {
	case !t.action.Looks():
	case resource.Open():
		t.look, t.since = true, resource.FirstIntentAt.Add(-clockSkew)
	case t.lost:
		t.look = true
	}
	if t.action.Settle {
		path = "" // where it was looked for first is where it may be
	}
	key := t.action.Resource
	err := q.RecordIntent(ctx, ledger.RecordIntentParams{
		Dossier: t.dossier.Number, System: string(key.System), Kind: string(key.Kind), Key: key.Key, Path: path,
	})
	if err != nil {
		return 0, fmt.Errorf("record the intent to %s for dossier %d: %w", t.action.Kind, t.dossier.Number, err)
	}
	return 0, nil
}

// restamp counts the wait for a late effect from now: the call may have begun long
// after its intent, behind a look or a wait of its own.
func (h *hand) restamp(ctx context.Context, t *task) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	key := t.action.Resource
	return ledger.New(h.Pool).RestampIntent(ctx, ledger.RestampIntentParams{
		Dossier: t.dossier.Number, System: string(key.System), Kind: string(key.Kind), Key: key.Key,
	})
}

// groupPath is the path that a group is about to be made at first, empty for
// everything else: the name that it follows from can change before it is known
// whether it was made.
func (h *hand) groupPath(t *task) string {
	if t.action.Kind != onboarding.CreateGroup {
		return ""
	}
	path, _ := onboarding.GroupPaths(h.Journey.Request(&t.dossier), t.dossier.Number)
	return path
}

func (h *hand) withdraw(ctx context.Context, q *ledger.Queries, t *task) error {
	key := t.action.Resource
	return q.WithdrawIntent(ctx, ledger.WithdrawIntentParams{
		Dossier: t.dossier.Number, System: string(key.System), Kind: string(key.Kind), Key: key.Key,
	})
}

// refusal is an action that failed for good; the job goes on with the rest of its
// plan and fails at the end.
type refusal struct{ error }

// fail records what a failed task means: a hold of the queue when the service asked
// us to wait, a failure for a human when trying again is no use. Everything else is
// tried again.
func (h *hand) fail(ctx context.Context, t *task, cause error) error {
	failure := connectors.AsFailure(cause)
	if failure == nil || !failure.NoEffect {
		if err := h.restamp(ctx, t); err != nil {
			return errors.Join(cause, err)
		}
	}
	if failure == nil || ctx.Err() != nil {
		return cause
	}
	q := ledger.New(h.Pool)
	// That this attempt had no effect says nothing of an earlier one: the look for
	// what that may have made can have failed.
	if failure.NoEffect && !t.resource().Unsure() {
		if err := h.withdraw(ctx, q, t); err != nil {
			return err
		}
	}
	if err := h.failed(ctx, h.lease.gate, t.subject(), failure); err != nil {
		return err
	}
	if failure.Class != connectors.Permanent {
		return fmt.Errorf("dossier %d: %s: %w", t.dossier.Number, t.action.Kind, cause)
	}
	if err := h.recordFailure(ctx, t, failure); err != nil {
		return err
	}
	return refusal{fmt.Errorf("dossier %d: %s: %w", t.dossier.Number, t.action.Kind, failure)}
}

func (h *hand) recordFailure(ctx context.Context, t *task, failure *connectors.Failure) error {
	return pgx.BeginFunc(ctx, h.Pool, func(tx pgx.Tx) error {
		q, key := ledger.New(tx), t.action.Resource
		err := q.RecordFailure(ctx, ledger.RecordFailureParams{
			Dossier: t.dossier.Number, System: string(key.System), Kind: string(key.Kind), Key: key.Key,
			FailedRevision: t.record.Revision, Failure: failure.Error(),
		})
		if err != nil {
			return fmt.Errorf("record the failure of dossier %d: %w", t.dossier.Number, err)
		}
		return q.Append(ctx, t.fact(ledger.ActionFailed, map[string]any{
			"action": t.action.Kind, "resource": key.String(), "reason": failure.Error(),
		}))
	})
}

// fact is a fact about the task's dossier, by the hub.
func (t *task) fact(kind ledger.EntryKind, data map[string]any) ledger.Fact {
	return ledger.Fact{Chain: t.dossier.Number, Actor: ledger.ActorHub, Kind: kind, Data: data}
}

// refuse is a failure that our own checks find before GitLab is called, or in its
// answer.
func refuse(call, detail, advice string) error {
	return &connectors.Failure{
		Service: "GitLab", Call: call, Class: connectors.Permanent, Local: true, NoEffect: true, Detail: detail, Advice: advice,
	}
}
