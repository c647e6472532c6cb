package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// VerifyResources compares what the ledger says exists with GitLab.
type VerifyResources struct{}

// Kind is River's name of the job.
func (VerifyResources) Kind() string { return "verify_resources" }

// InsertOpts puts the job on GitLab's queue, once at a time and behind all others.
func (VerifyResources) InsertOpts() river.InsertOpts {
	opts := onceOpts(QueueGitLab)
	opts.Priority = 4
	return opts
}

const (
	// verifyTimeout bounds one attempt: VerifyPatience, and one list, which cannot be
	// broken off and gone on with: a call for each hundred things. River asks the worker
	// for it before it takes a job for stuck.
	verifyTimeout = 20 * time.Minute
	// memberRuns is in how many runs each group's members are counted once: GitLab has
	// no list of the members of many groups.
	memberRuns = 7
)

// verifyPeriodically has the leader among all replicas ask often whether it is time:
// when the last run was is in the database, and a start of the hub is no reason for one.
func verifyPeriodically(interval time.Duration) *river.PeriodicJob {
	return river.NewPeriodicJob(
		river.PeriodicInterval(max(interval/24, time.Second)),
		func() (river.JobArgs, *river.InsertOpts) { return VerifyResources{}, nil },
		&river.PeriodicJobOpts{RunOnStart: true, ID: "verify_resources"},
	)
}

type verifyResources struct {
	river.WorkerDefaults[VerifyResources]

	crew *crew
}

// Timeout is longer than that of other jobs.
func (*verifyResources) Timeout(*river.Job[VerifyResources]) time.Duration { return verifyTimeout }

// Work compares everything, if it is time, or goes on where the attempt before ended,
// for whatever reason.
func (w *verifyResources) Work(ctx context.Context, _ *river.Job[VerifyResources]) error {
	c, q := w.crew, ledger.New(w.crew.Pool)
	last, err := q.LastVerification(ctx)
	if err != nil {
		return fmt.Errorf("read when the ledger was last compared with GitLab: %w", err)
	}
	if last.Now.Sub(last.BegunAt) < c.Timing.VerifyInterval {
		c.listings.keep(last.Runs, nil)
		return nil
	}
	v, err := w.begin(ctx)
	if err != nil {
		return err
	}
	reconciler := Reconciler{crew: c, river: client(ctx), actor: ledger.ActorHub}
	seen := c.listings.take(v.run)
	if seen == nil {
		if seen, err = reconciler.newListing(ctx); err != nil {
			return err
		}
	}
	scope := Scope{
		All: true, notesSince: last.BegunAt.Add(-clockSkew),
		membersOf: func(dossier int64) bool { return dossier%memberRuns == last.Runs%memberRuns },
		after:     v.reached, until: time.Now().Add(c.Timing.VerifyPatience), seen: seen, passed: v.passed,
	}
	err = reconciler.Run(ctx, scope, func(f *Finding) {
		v.found[f.Kind]++
		c.Logger.InfoContext(ctx, "the ledger and GitLab differ", "dossier", f.Dossier, "difference", f.Kind,
			"resource", f.Resource.String(), "id", f.Thing.ID, "remedy", f.Remedy, "done", f.Done)
	})
	if some := (&incomplete{}); errors.As(err, &some) {
		// They are compared the next time: the others must not wait for them.
		c.Logger.WarnContext(ctx, "dossiers could not be compared with GitLab", "dossiers", some.dossiers, "last", some.last)
		err = nil
	}
	if err != nil {
		c.listings.keep(v.run, seen)
		return errors.Join(fmt.Errorf("compare the ledger with GitLab: %w", err), v.store(ctx))
	}
	if err := v.store(ctx); err != nil {
		return err
	}
	c.Metrics.Differences.Reset()
	for kind, n := range v.found {
		c.Metrics.Differences.WithLabelValues(string(kind)).Set(float64(n))
	}
	if err := q.EndVerification(ctx, v.run); err != nil {
		return fmt.Errorf("note that the ledger was compared with GitLab: %w", err)
	}
	return nil
}

// verification is how far a comparison has come, over all its attempts.
type verification struct {
	crew *crew
	run  int64
	// reached is the last dossier that was dealt with, found counts the differences, and
	// unstored the dossiers since this was stored.
	reached  int64
	found    map[onboarding.DifferenceKind]int
	unstored int
}

// begin begins a comparison, or reads how far the one under way has come.
func (w *verifyResources) begin(ctx context.Context) (*verification, error) {
	row, err := ledger.New(w.crew.Pool).BeginVerification(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin to compare the ledger with GitLab: %w", err)
	}
	v := &verification{crew: w.crew, run: row.Run, reached: row.Reached}
	if err := json.Unmarshal(row.Found, &v.found); err != nil {
		return nil, fmt.Errorf("read what a comparison with GitLab found: %w", err)
	}
	return v, nil
}

// passed notes a dossier that was dealt with.
func (v *verification) passed(ctx context.Context, dossier int64) error {
	v.reached = dossier
	if v.unstored++; v.unstored < dossiersAtOnce {
		return nil
	}
	return v.store(ctx)
}

// store stores how far the comparison has come. It works after ctx ended.
func (v *verification) store(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	found, err := json.Marshal(v.found)
	if err != nil {
		return fmt.Errorf("write what a comparison with GitLab found: %w", err)
	}
	err = ledger.New(v.crew.Pool).ReachVerification(ctx, ledger.ReachVerificationParams{Run: v.run, Reached: v.reached, Found: found})
	if err != nil {
		return fmt.Errorf("store how far a comparison with GitLab has come: %w", err)
	}
	v.unstored = 0
	return nil
}
