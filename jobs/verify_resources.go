package jobs

import (
	"context"
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
	// verifyTimeout bounds one run: it makes a call for each hundred things, and more
	// for each difference.
	verifyTimeout = time.Hour
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

// Work compares everything, if it is time.
func (w *verifyResources) Work(ctx context.Context, _ *river.Job[VerifyResources]) error {
	c, q := w.crew, ledger.New(w.crew.Pool)
	last, err := q.LastVerification(ctx)
	if err != nil {
		return fmt.Errorf("read when the ledger was last compared with GitLab: %w", err)
	}
	if last.Now.Sub(last.BegunAt) < c.Timing.VerifyInterval {
		return nil
	}
	counts := map[onboarding.DifferenceKind]int{}
	scope := Scope{All: true, notesSince: last.BegunAt.Add(-clockSkew), membersOf: func(dossier int64) bool {
		return dossier%memberRuns == last.Runs%memberRuns
	}}
	reconciler := Reconciler{crew: c, river: client(ctx), actor: ledger.ActorHub}
	err = reconciler.Run(ctx, scope, func(f *Finding) {
		counts[f.Kind]++
		c.Logger.InfoContext(ctx, "the ledger and GitLab differ", "dossier", f.Dossier, "difference", f.Kind,
			"resource", f.Resource.String(), "id", f.Thing.ID, "remedy", f.Remedy, "done", f.Done)
	})
	if err != nil {
		return fmt.Errorf("compare the ledger with GitLab: %w", err)
	}
	c.Metrics.Differences.Reset()
	for kind, n := range counts {
		c.Metrics.Differences.WithLabelValues(string(kind)).Set(float64(n))
	}
	if err := q.EndVerification(ctx, last.Now); err != nil {
		return fmt.Errorf("note that the ledger was compared with GitLab: %w", err)
	}
	return nil
}
