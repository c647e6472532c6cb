package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// SyncTrackingIssue looks at a tracking issue for what people did there, because a
// delivery said that there is something to see, or because GitLab lists it as changed.
type SyncTrackingIssue struct {
	Issue    int64 `json:"issue"`
	Delivery int64 `json:"delivery"`
}

// Kind is River's name of the job.
func (SyncTrackingIssue) Kind() string { return "sync_tracking_issue" }

// InsertOpts puts the job on GitLab's queue. Every delivery has its job.
func (s SyncTrackingIssue) InsertOpts() river.InsertOpts {
	if s.Delivery == 0 {
		return onceOpts(QueueGitLab)
	}
	return river.InsertOpts{Queue: QueueGitLab}
}

// lookAtIssue has a tracking issue looked at that the ledger took up: it may have been
// listed, as nobody's, before.
func lookAtIssue(ctx context.Context, river *Client, tx pgx.Tx, iid int64) error {
	if _, err := river.InsertTx(ctx, tx, SyncTrackingIssue{Issue: iid}, &insertOpts{Priority: priorityPolled}); err != nil {
		return fmt.Errorf("enqueue the look at issue %d: %w", iid, err)
	}
	return nil
}

type syncTrackingIssue struct {
	river.WorkerDefaults[SyncTrackingIssue]

	crew *crew
}

// Work reads the issue, unless a later look covers the delivery, decides each command
// that is new and stores what follows.
func (w *syncTrackingIssue) Work(ctx context.Context, job *river.Job[SyncTrackingIssue]) error {
	c, q, iid := w.crew, ledger.New(w.crew.Pool), job.Args.Issue
	dossier, err := q.TrackedBy(ctx, strconv.FormatInt(iid, 10))
	if errors.Is(err, pgx.ErrNoRows) {
		return w.settle(ctx, q, job.Args.Delivery, outcomeForeign)
	} else if err != nil {
		return fmt.Errorf("find the dossier of issue %d: %w", iid, err)
	}
	lease, err := c.take(ctx, job.Queue, dossier, toTrack)
	if err != nil {
		return err
	}
	defer c.release(ctx, lease)
	if job.Args.Delivery != 0 {
		covered, err := q.TrackingCovered(ctx, ledger.TrackingCoveredParams{Delivery: job.Args.Delivery, Dossier: dossier})
		if err != nil {
			return fmt.Errorf("read delivery %d: %w", job.Args.Delivery, err)
		}
		if covered {
			return w.settle(ctx, q, job.Args.Delivery, outcomeCovered)
		}
	}
	see := &tracking{crew: c, dossier: dossier, lease: lease, levels: map[int64]gitlab.AccessLevel{}}
	if see.trail, err = c.trail(ctx, iid); err == nil {
		err = see.rights(ctx, q)
	}
	if err != nil {
		return w.fail(ctx, q, lease, job.Args.Delivery, err)
	}
	c.answered(ctx, lease.gate)
	err = pgx.BeginFunc(ctx, c.Pool, func(tx pgx.Tx) error {
		if err := see.absorb(ctx, client(ctx), tx, job.Priority); err != nil {
			return err
		}
		if err := w.settle(ctx, ledger.New(tx), job.Args.Delivery, outcomeLooked); err != nil {
			return err
		}
		return lease.dropIn(ctx, tx)
	})
	if err != nil {
		lease.dropped = false
		return fmt.Errorf("store what happened on issue %d of dossier %d: %w", iid, dossier, err)
	}
	return nil
}

func (w *syncTrackingIssue) fail(ctx context.Context, q *ledger.Queries, lease *lease, delivery int64, err error) error {
	failure, about := connectors.AsFailure(err), fmt.Sprintf("dossier %d", lease.dossier)
	if failure == nil || ctx.Err() != nil {
		return err
	}
	if held := w.crew.failed(ctx, lease.gate, about, failure); held != nil {
		return held
	}
	switch {
	case failure.NotFound: // deleted by somebody: verify_resources notes it
		return w.settle(ctx, q, delivery, outcomeNotSeen)
	case failure.Class == connectors.Permanent:
		return river.JobCancel(fmt.Errorf("%s: read its tracking issue: %w", about, err))
	default:
		return fmt.Errorf("%s: read its tracking issue: %w", about, err)
	}
}

func (w *syncTrackingIssue) settle(ctx context.Context, q *ledger.Queries, delivery int64, outcome string) error {
	if delivery == 0 {
		return nil
	}
	if err := q.SettleDelivery(ctx, ledger.SettleDeliveryParams{ID: delivery, Outcome: &outcome}); err != nil {
		return fmt.Errorf("settle delivery %d: %w", delivery, err)
	}
	return nil
}

// tracking is one look at a tracking issue.
type tracking struct {
	*crew

	dossier int64
	lease   *lease
	trail   trail
	// levels are the access levels of those who gave commands, by their ids in GitLab.
	levels map[int64]gitlab.AccessLevel
}

// rights asks GitLab what those may do whose commands are new. It is asked each time:
// rights that somebody lost a minute ago are lost.
func (t *tracking) rights(ctx context.Context, q *ledger.Queries) error {
	rows, err := q.Commands(ctx, []int64{t.dossier})
	if err != nil {
		return fmt.Errorf("read the commands for dossier %d: %w", t.dossier, err)
	}
	before := ledger.CommandsOf(rows)[t.dossier]
	for _, c := range append(t.trail.written(), t.trail.decided(t.Journey.GitLab.Labels)...) {
		if _, asked := t.levels[c.Author]; asked || known(before, &c) {
			continue
		}
		if t.levels[c.Author], err = t.GitLab.AccessLevel(ctx, t.TrackingProject, c.Author); err != nil {
			return err
		}
	}
	return nil
}

// absorb stores in tx what people did, where the onboarding stands then, and enqueues
// what follows.
func (t *tracking) absorb(ctx context.Context, river *Client, tx pgx.Tx, priority int) error {
	q := ledger.New(tx)
	rows, err := q.LockDossiers(ctx, []int64{t.dossier})
	if err != nil || len(rows) == 0 {
		return err
	}
	row := &rows[0]
	d, record, err := t.load(ctx, q, row)
	if err != nil {
		return err
	}
	fresh, untidy, err := t.fresh(ctx, q, d, &record)
	if err != nil {
		return err
	}
	for i := range fresh {
		if _, err := q.InsertCommand(ctx, ledger.NewInsertCommand(t.dossier, &fresh[i])); err != nil {
			return fmt.Errorf("store a command for dossier %d: %w", t.dossier, err)
		}
		if err := q.Append(ctx, commandFact(t.dossier, &fresh[i])); err != nil {
			return fmt.Errorf("append to the ledger of dossier %d: %w", t.dossier, err)
		}
	}
	if untidy {
		key := onboarding.LabelsKey
		err := q.RecordOutcome(ctx, ledger.RecordOutcomeParams{
			Dossier: t.dossier, System: string(key.System), Kind: string(key.Kind), Applied: disarranged,
		})
		if err != nil {
			return fmt.Errorf("note that the labels of dossier %d were changed: %w", t.dossier, err)
		}
	}
	err = q.Tracked(ctx, ledger.TrackedParams{
		Number: t.dossier, TrackedAt: &t.lease.takenAt, TrackedUpdatedAt: &t.trail.issue.UpdatedAt, TrackedComments: t.trail.comments(),
	})
	if err != nil {
		return fmt.Errorf("note the look at the tracking issue of dossier %d: %w", t.dossier, err)
	}
	former, err := t.link(ctx, q, row, d, record.Commands)
	if err != nil {
		return err
	}
	if record, err = t.again(ctx, q, row, record); err != nil {
		return err
	}
	if err := t.stand(ctx, q, row, d, record); err != nil {
		return err
	}
	if err := t.wake(ctx, q, row, d, record); err != nil {
		return err
	}
	for i := range fresh {
		if fresh[i].Verb != onboarding.VerbJoin || fresh[i].Outcome != onboarding.Done {
			continue
		}
		if err := t.concern(ctx, river, tx, record.Links.And(former), fmt.Sprintf("%s of %d", fresh[i].Key(), t.dossier)); err != nil {
			return err
		}
	}
	var jobs []insertion
	for _, work := range onboarding.Sort(onboarding.Plan(t.Journey, d, record), record.Revision) {
		jobs = append(jobs, insertion{t.dossier, work, priority})
	}
	return enqueue(ctx, river, tx, jobs)
}

// disarranged is what the labels' row holds as applied when somebody changed them.
const disarranged = "disarranged"

// again reads the record once more, after commands and links were stored.
func (t *tracking) again(ctx context.Context, q *ledger.Queries, row *ledger.Dossier, before onboarding.Record) (onboarding.Record, error) {
	records, err := t.records(ctx, q, []int64{row.Number})
	if err != nil {
		return before, err
	}
	record := records(row.Number, row.Revision)
	record.ImportFrom, record.SeenAt = before.ImportFrom, before.SeenAt
	return record, nil
}

// fresh decides what is new, in the order in which it was done, and adds it to the record.
// untidy tells that the issue does not look as the ledger says it was left.
func (t *tracking) fresh(ctx context.Context, q *ledger.Queries, d *onboarding.Dossier, record *onboarding.Record) (fresh []onboarding.Command, untidy bool, err error) {
	before := record.Commands
	decide := func(c onboarding.Command) {
		decided := onboarding.Decide(t.Journey, d, *record, c, int(t.levels[c.Author]) >= t.Journey.DecidingLevel())
		fresh = append(fresh, decided)
		record.Commands = append(slices.Clone(record.Commands), decided)
	}
	given := slices.DeleteFunc(append(t.trail.written(), t.labelled(before)...), func(c onboarding.Command) bool { return known(before, &c) })
	inOrder(given)
	joinable, err := t.joinable(ctx, q, d, given)
	if err != nil {
		return nil, false, err
	}
	record.Links.Joinable, record.Shown = joinable, t.trail.shown(t.Journey.GitLab.Labels)
	restored := map[string][]onboarding.Command{}
	for _, c := range given {
		key := c.Key()
		if _, asked := restored[key]; !asked {
			restored[key], _ = t.trail.answered(t.Marks.Mark(t.dossier, onboarding.AnswerKey(key)))
		}
		if past, found := onboarding.Retrace(c, restored[key]); found {
			// Decided by a ledger that was lost, and answered.
			fresh = append(fresh, past)
			record.Commands = append(slices.Clone(record.Commands), past)
			continue
		}
		decide(c)
	}
	// What our own change of the issue is about to put right, or put right while it was
	// being read, is nobody's doing.
	labels := record.Get(onboarding.LabelsKey)
	face, others := t.Journey.Face(d, onboarding.Record{Commands: before, Links: record.Links})
	if labels.Unsure() || labels.Applied != face.Fingerprint() || !labels.DoneAt.Before(t.lease.takenAt) {
		return fresh, false, nil
	}
	for _, wrong := range t.trail.wrong(face, others) {
		untidy = true
		if wrong.Author != 0 && !known(record.Commands, &wrong) {
			decide(wrong)
		}
	}
	return fresh, untidy, nil
}

// labelled returns what labels decide. Go and no-go at once decide nothing.
func (t *tracking) labelled(before []onboarding.Command) []onboarding.Command {
	labels := t.Journey.GitLab.Labels
	commands := slices.DeleteFunc(t.trail.decided(labels), func(c onboarding.Command) bool { return known(before, &c) })
	contradict := slices.ContainsFunc(commands, func(c onboarding.Command) bool { return c.Verb == onboarding.VerbGo }) &&
		slices.ContainsFunc(commands, func(c onboarding.Command) bool { return c.Verb == onboarding.VerbNoGo }) &&
		slices.Contains(t.trail.issue.Labels, labels.Go) && slices.Contains(t.trail.issue.Labels, labels.NoGo)
	for i := range commands {
		if contradict && (commands[i].Verb == onboarding.VerbGo || commands[i].Verb == onboarding.VerbNoGo) {
			commands[i].Verb = onboarding.VerbRelabel
		}
	}
	return commands
}

// joinable returns the numbers that commands name and that are dossiers of earlier forms.
func (t *tracking) joinable(ctx context.Context, q *ledger.Queries, d *onboarding.Dossier, given []onboarding.Command) ([]int64, error) {
	var numbers []int64
	for _, c := range given {
		if number, err := strconv.ParseInt(c.Argument, 10, 64); c.Verb == onboarding.VerbJoin && err == nil {
			numbers = append(numbers, number)
		}
	}
	if len(numbers) == 0 {
		return nil, nil
	}
	return t.earlier(ctx, q, d, numbers)
}

// commandFact is the fact of a command, without what was written.
func commandFact(dossier int64, c *onboarding.Command) ledger.Fact {
	return ledger.Fact{
		Chain: dossier, Actor: fmt.Sprintf("gitlab:%d", c.Author), Kind: ledger.CommandGiven,
		Data: map[string]any{"command": c.Key(), "verb": c.Verb, "step": c.Step, "outcome": c.Outcome},
	}
}
