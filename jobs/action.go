package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// ActionArgs are the arguments of every job that carries out actions: which
// dossier, and a fingerprint of what was planned, by which River knows a job that
// is enqueued twice. They say nothing of what is to be done: the job plans itself.
type ActionArgs struct {
	Dossier int64  `json:"dossier"`
	Plan    string `json:"plan"`
}

func (a ActionArgs) args() ActionArgs { return a }

// actionArgs is what the arguments of these jobs have in common.
type actionArgs interface {
	river.JobArgs
	args() ActionArgs
}

// onceOpts are the insert options of a job that is enqueued once. Completed jobs
// do not count: what was done once may have to be done again.
func onceOpts(queue string) river.InsertOpts {
	return river.InsertOpts{
		Queue: queue,
		UniqueOpts: river.UniqueOpts{
			ByArgs: true,
			ByState: []rivertype.JobState{
				rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
				rivertype.JobStateRetryable, rivertype.JobStateScheduled,
			},
		},
	}
}

// jobFor returns the arguments that enqueue a plan's work.
func jobFor(dossier int64, work onboarding.Work) river.JobArgs {
	args := ActionArgs{Dossier: dossier, Plan: work.Key}
	switch work.Job {
	case onboarding.ProvisionSandbox:
		return ProvisionSandbox{args}
	case onboarding.ArchiveSandbox:
		return ArchiveSandbox{args}
	case onboarding.OpenTrackingIssue:
		return OpenTrackingIssue{args}
	case onboarding.UpdateTrackingIssue:
		return UpdateTrackingIssue{args}
	case onboarding.WriteBack:
		return WriteBack{args}
	default:
		panic("no job carries out " + string(work.Job))
	}
}

// enqueue inserts a plan's jobs in tx. Those that wait already are not doubled.
func enqueue(ctx context.Context, river *Client, tx pgx.Tx, jobs []insertion) error {
	if len(jobs) == 0 {
		return nil
	}
	params := make([]insertParams, 0, len(jobs))
	for _, job := range jobs {
		params = append(params, insertParams{Args: jobFor(job.dossier, job.work), InsertOpts: &insertOpts{Priority: job.priority}})
	}
	if _, err := river.InsertManyTx(ctx, tx, params); err != nil {
		return fmt.Errorf("enqueue jobs: %w", err)
	}
	return nil
}

type (
	insertParams = river.InsertManyParams
	insertOpts   = river.InsertOpts
)

// insertion is one job to be enqueued.
type insertion struct {
	dossier  int64
	work     onboarding.Work
	priority int
}

// actionWorker carries out the actions of one kind of job, one after the other,
// until the plan holds none any more.
type actionWorker[A actionArgs] struct {
	river.WorkerDefaults[A]

	crew *crew
	// perform makes the calls that one action needs.
	perform func(context.Context, *task) (outcome, error)
}

// Work carries out the job.
func (w *actionWorker[A]) Work(ctx context.Context, job *river.Job[A]) error {
	c, dossier, kind := w.crew, job.Args.args().Dossier, onboarding.Job(job.Kind)
	lease, err := c.take(ctx, job.Queue, dossier, toAct)
	if err != nil {
		return err
	}
	defer c.release(ctx, lease)

	hand := &hand{crew: c, lease: lease, job: kind, priority: job.Priority, river: client(ctx)}
	refused := map[onboarding.ResourceKey]error{}
	for {
		task, err := hand.advance(ctx)
		if err == nil && task == nil {
			break
		}
		if err == nil {
			var outcome outcome
			if outcome, err = w.perform(ctx, task); err == nil {
				hand.report(task, outcome)
				delete(refused, task.action.Resource)
				if !outcome.unasked {
					c.answered(ctx, lease.gate)
				}
				continue
			}
			err = hand.fail(ctx, task, err)
		}
		if errors.As(err, &refusal{}) {
			refused[task.action.Resource] = err
			continue
		}
		// A later attempt would know nothing of what was refused: this one ends with
		// it, and what is left is for a job of its own.
		if len(refused) == 0 || hand.handOver(ctx) != nil {
			return err
		}
		break
	}
	if len(refused) > 0 {
		return river.JobCancel(errors.Join(slices.Collect(maps.Values(refused))...))
	}
	return nil
}
