package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/tidwall/gjson"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
)

// Desk is where administrators look at jobs and replay what failed.
type Desk struct {
	Pool  *pgxpool.Pool
	River *Client
}

// Job is a job as administrators see it.
type Job struct {
	ID    int64  `json:"id"`
	Kind  string `json:"kind"`
	State string `json:"state"`
	// Failed tells a job that failed for good from one that somebody cancelled.
	Failed      bool           `json:"failed"`
	Dossier     int64          `json:"dossier,omitempty"`
	Queue       string         `json:"queue"`
	Attempt     int            `json:"attempt"`
	CreatedAt   time.Time      `json:"created_at"`
	ScheduledAt time.Time      `json:"scheduled_at"`
	AttemptedAt *time.Time     `json:"attempted_at,omitempty"`
	FinalizedAt *time.Time     `json:"finalized_at,omitempty"`
	Errors      []AttemptError `json:"errors,omitempty"`
}

// AttemptError is why one attempt at a job failed.
type AttemptError struct {
	At      time.Time `json:"at"`
	Attempt int       `json:"attempt"`
	Error   string    `json:"error"`
}

// errorsShown bounds the errors that a job is shown with: the latest ones.
const errorsShown = 20

// cancelPrefix is what River puts before the error of a job that failed for good.
const cancelPrefix = "JobCancelError: "

func newJob(row *rivertype.JobRow) Job {
	job := Job{
		ID: row.ID, Kind: row.Kind, State: string(row.State), Queue: row.Queue, Attempt: row.Attempt,
		Dossier: gjson.GetBytes(row.EncodedArgs, "dossier").Int(), CreatedAt: row.CreatedAt, ScheduledAt: row.ScheduledAt,
		AttemptedAt: row.AttemptedAt, FinalizedAt: row.FinalizedAt,
		Failed: row.State == rivertype.JobStateDiscarded ||
			row.State == rivertype.JobStateCancelled && !gjson.GetBytes(row.Metadata, "cancel_attempted_at").Exists(),
	}
	for _, e := range row.Errors[max(0, len(row.Errors)-errorsShown):] {
		job.Errors = append(job.Errors, AttemptError{At: e.At, Attempt: e.Attempt, Error: strings.TrimPrefix(e.Error, cancelPrefix)})
	}
	return job
}

// Filter says which jobs to list; zero values do not filter.
type Filter struct {
	States  []string
	Kinds   []string
	Dossier int64
	// Limit is the length of a page, 1 to 100.
	Limit int
	// After is where the page before ended.
	After string
}

// Page is a page of a list of jobs, as it is given out.
type Page struct {
	Jobs []Job `json:"jobs"`
	// Next is where the next page begins; it is missing on the last one.
	Next string `json:"next,omitempty"`
}

// BadFilter is the error for a filter that makes no sense.
type BadFilter struct{ Field, Reason string }

// Error names the field and why it makes no sense.
func (b *BadFilter) Error() string { return b.Field + ": " + b.Reason }

// List returns a page of jobs, the newest first, and where the next page begins: an
// empty string after the last one.
func (d *Desk) List(ctx context.Context, f Filter) (page []Job, next string, err error) {
	params := river.NewJobListParams().OrderBy(river.JobListOrderByID, river.SortOrderDesc)
	if f.Limit < 1 || f.Limit > 100 {
		return nil, "", &BadFilter{"limit", "write a number from 1 to 100"}
	}
	params = params.First(f.Limit + 1) // one more, to know whether another page follows
	if len(f.States) > 0 {
		var states []rivertype.JobState
		for _, state := range f.States {
			if !slices.Contains(rivertype.JobStates(), rivertype.JobState(state)) {
				return nil, "", &BadFilter{"state", fmt.Sprintf("%.40q is no state of a job; write one of %v", state, rivertype.JobStates())}
			}
			states = append(states, rivertype.JobState(state))
		}
		params = params.States(states...)
	}
	if len(f.Kinds) > 0 {
		params = params.Kinds(f.Kinds...)
	}
	if f.Dossier != 0 {
		params = params.Where("args @> jsonb_build_object('dossier', @dossier::bigint)", river.NamedArgs{"dossier": f.Dossier})
	}
	if f.After != "" {
		after, err := strconv.ParseInt(f.After, 10, 64)
		if err != nil {
			return nil, "", &BadFilter{"after", "is not what an earlier page gave as next"}
		}
		params = params.Where("id < @after::bigint", river.NamedArgs{"after": after})
	}
	result, err := d.River.JobList(ctx, params)
	if err != nil {
		return nil, "", fmt.Errorf("list jobs: %w", err)
	}
	page = []Job{}
	for _, row := range result.Jobs[:min(len(result.Jobs), f.Limit)] {
		page = append(page, newJob(row))
	}
	if len(result.Jobs) > f.Limit {
		next = strconv.FormatInt(page[f.Limit-1].ID, 10)
	}
	return page, next, nil
}

// ErrNoJob says that there is no job of that number.
var ErrNoJob = errors.New("there is no such job; finished jobs are kept for a day, failed ones until they are replayed")

// Show returns one job.
func (d *Desk) Show(ctx context.Context, id int64) (Job, error) {
	row, err := d.River.JobGet(ctx, id)
	if errors.Is(err, rivertype.ErrNotFound) {
		return Job{}, ErrNoJob
	} else if err != nil {
		return Job{}, fmt.Errorf("read job %d: %w", id, err)
	}
	return newJob(row), nil
}

// Conflict is the error for a job that cannot be replayed now.
type Conflict struct{ Reason string }

// Error says why the job cannot be replayed.
func (c *Conflict) Error() string { return c.Reason }

// reasonLimit bounds the reason for what an administrator does, in characters.
const reasonLimit = 500

// Replay makes a job run once more, now, whatever became of it. Who asked for it
// and why is a ledger entry of the job's dossier. What failed for good is planned
// again; what is done already, or is no longer wanted, is not done again.
func (d *Desk) Replay(ctx context.Context, id int64, actor, reason string) (Job, error) {
	if err := checkReason(reason); err != nil {
		return Job{}, err
	}
	var job Job
	err := pgx.BeginFunc(ctx, d.Pool, func(tx pgx.Tx) error {
		q := ledger.New(tx)
		if err := q.LockJob(ctx, id); err != nil {
			return fmt.Errorf("lock job %d: %w", id, err)
		}
		row, err := d.River.JobGetTx(ctx, tx, id)
		if errors.Is(err, rivertype.ErrNotFound) {
			return ErrNoJob
		} else if err != nil {
			return fmt.Errorf("read job %d: %w", id, err)
		}
		job = newJob(row)
		// In the order of every other transaction: first the dossier.
		if _, err := q.LockDossiers(ctx, []int64{job.Dossier}); err != nil {
			return fmt.Errorf("lock dossier %d: %w", job.Dossier, err)
		}
		if row.State == rivertype.JobStateRunning || row.State == rivertype.JobStateAvailable {
			return &Conflict{fmt.Sprintf("job %d is %s: it need not be replayed; look at it again in a moment", id, row.State)}
		}
		if row, err = d.River.JobRetryTx(ctx, tx, id); err != nil {
			return err
		}
		if row.State != rivertype.JobStateAvailable {
			return &Conflict{fmt.Sprintf("job %d is %s by now: look at it again in a moment", id, row.State)}
		}
		if job.Dossier != 0 {
			if err := q.ForgiveFailures(ctx, job.Dossier); err != nil {
				return fmt.Errorf("let the failed actions of dossier %d be tried again: %w", job.Dossier, err)
			}
		}
		data := map[string]any{"job": id, "kind": job.Kind, "reason": reason}
		job = newJob(row)
		// The hub's own chain holds what belongs to no dossier.
		return q.Append(ctx, ledger.Fact{Chain: job.Dossier, Actor: actor, Kind: ledger.JobReplayed, Data: data})
	})
	var violation *pgconn.PgError
	if errors.As(err, &violation) && violation.Code == "23505" {
		return Job{}, d.twin(ctx, job)
	}
	if err != nil {
		return Job{}, err
	}
	return job, nil
}

func checkReason(reason string) error {
	if n := utf8.RuneCountInString(reason); n < 3 || n > reasonLimit || strings.ContainsRune(reason, 0) {
		return &BadFilter{"reason", fmt.Sprintf("write why, in 3 to %d characters", reasonLimit)}
	}
	return nil
}

// twin names the live job that does the same, for which this one cannot be replayed.
func (d *Desk) twin(ctx context.Context, job Job) error {
	params := river.NewJobListParams().First(1).
		States(rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled).
		Where("unique_key = (select unique_key from river_job where id = @replayed::bigint)", river.NamedArgs{"replayed": job.ID})
	twins, err := d.River.JobList(ctx, params)
	if err != nil || len(twins.Jobs) == 0 {
		return &Conflict{fmt.Sprintf("another job that does the same as job %d is on its way; look again in a moment", job.ID)}
	}
	twin := twins.Jobs[0]
	return &Conflict{fmt.Sprintf("job %d does the same as job %d and is %s: replay that one if need be", twin.ID, job.ID, twin.State)}
}
