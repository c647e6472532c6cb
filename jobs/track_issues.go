package jobs

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/riverqueue/river"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
)

// TrackIssues lists the tracking issues that changed since the last time: what no webhook
// told of, and what happened while the hub was down.
type TrackIssues struct{}

// Kind is River's name of the job.
func (TrackIssues) Kind() string { return "track_issues" }

// InsertOpts puts the job on GitLab's queue, once at a time.
func (TrackIssues) InsertOpts() river.InsertOpts { return onceOpts(QueueGitLab) }

// trackPeriodically has the leader among all replicas enqueue it, at once when it starts
// to lead and then at every interval.
func trackPeriodically(interval time.Duration) *river.PeriodicJob {
	return river.NewPeriodicJob(
		river.PeriodicInterval(interval),
		func() (river.JobArgs, *river.InsertOpts) { return TrackIssues{}, nil },
		&river.PeriodicJobOpts{RunOnStart: true, ID: "track_issues"},
	)
}

type trackIssues struct {
	river.WorkerDefaults[TrackIssues]

	crew *crew
}

// Work reads the list a little further back than where the last one ended, since GitLab
// dates a change before it commits, and has each issue looked at on which something
// happened that is not the hub's own doing.
func (w *trackIssues) Work(ctx context.Context, job *river.Job[TrackIssues]) error {
	c, q := w.crew, ledger.New(w.crew.Pool)
	newest, err := q.Tracking(ctx)
	if err != nil {
		return fmt.Errorf("read how far changes of tracking issues were read: %w", err)
	}
	gate, err := c.enter(ctx, job.Queue)
	if err != nil {
		return err
	}
	var params ledger.UntrackedParams
	seen := newest
	if _, err = c.GitLab.Self(ctx); err == nil { // by which webhooks of the hub's own doing are known, too
		err = c.GitLab.EachIssueUpdated(ctx, c.TrackingProject, earlier(newest, pollOverlap), func(issue gitlab.Issue) {
			params.Iids = append(params.Iids, strconv.FormatInt(issue.IID, 10))
			params.Updated = append(params.Updated, issue.UpdatedAt)
			params.Comments = append(params.Comments, int32(issue.Notes))
			params.Faces = append(params.Faces, c.Journey.FaceOf(issue.Labels, issue.State == "closed").Fingerprint())
			if issue.UpdatedAt.After(seen) {
				seen = issue.UpdatedAt
			}
		})
	}
	if err != nil {
		defer c.leave(ctx, gate)
		if failure := connectors.AsFailure(err); failure != nil && ctx.Err() == nil {
			if held := c.failed(ctx, gate, "tracking project", failure); held != nil {
				return held
			}
		}
		return fmt.Errorf("list what changed in the tracking project: %w", err)
	}
	c.answered(ctx, gate)
	stirred, err := q.Untracked(ctx, params)
	if err != nil {
		return fmt.Errorf("compare the tracking issues with the ledger: %w", err)
	}
	var syncs []insertParams
	for _, issue := range stirred {
		if iid, err := strconv.ParseInt(issue.Iid, 10, 64); err == nil && issue.Stirred {
			syncs = append(syncs, insertParams{Args: SyncTrackingIssue{Issue: iid}, InsertOpts: &insertOpts{Priority: priorityPolled}})
		}
	}
	if len(syncs) > 0 {
		if _, err := client(ctx).InsertMany(ctx, syncs); err != nil {
			return fmt.Errorf("enqueue the look at %d tracking issues: %w", len(syncs), err)
		}
	}
	if err := q.AdvanceTracking(ctx, seen); err != nil {
		return fmt.Errorf("note how far changes of tracking issues were read: %w", err)
	}
	return nil
}
