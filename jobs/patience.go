package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
)

const (
	// holdPatience is the longest hold that a reconciler that somebody waits for outlasts.
	holdPatience = 15 * time.Minute
	// waitsInARow is how often it waits for one and the same dossier or list.
	waitsInARow = 10
)

// HeldError says who keeps a queue from running, and why.
type HeldError struct {
	Queue, Author, Reason string
	// Until is when that ends by itself, or when an outage is probed next; zero for a
	// hold that somebody must lift.
	Until time.Time
}

// Error tells what to do, too.
func (e *HeldError) Error() string {
	text := fmt.Sprintf("queue %s is held by %s (%s): ", e.Queue, e.Author, e.Reason)
	switch {
	case e.Author == ledger.AuthorOutage:
		return text + "its service is not available, which the hub tries by itself; try again once passerelle holds list does not show it any more"
	case e.Until.IsZero():
		return text + "try again once it is lifted, with passerelle holds lift " + e.Queue
	default:
		return text + "try again after " + e.Until.Local().Format(time.DateTime)
	}
}

// rest ends an attempt that took its time, for the next one to go on; never before it
// came a step further.
func (r *run) rest() error {
	if r.worked && !r.scope.until.IsZero() && !time.Now().Before(r.scope.until) {
		return river.JobSnooze(0)
	}
	return nil
}

// admit returns an error when GitLab's queue is held: for a job one that puts it off.
func (r *run) admit(ctx context.Context) error {
	if !r.patient {
		return r.held(ctx, QueueGitLab)
	}
	return r.outlast(ctx, QueueGitLab)
}

// patiently does a part of the comparison, and does it again when a service asked us to
// wait and somebody has the patience; else the error puts a job off.
func (r *run) patiently(ctx context.Context, part func() error) error {
	for waits := 0; ; waits++ {
		err := part()
		failure := connectors.AsFailure(err)
		throttled := failure != nil && failure.Class == connectors.Throttled
		if !throttled && !putOff(err) || ctx.Err() != nil || waits == waitsInARow {
			return err
		}
		queue := QueueGitLab
		if throttled && failure.Service != gitlab.Service {
			queue = QueueDemarches
		}
		switch {
		case throttled && r.scope.DryRun:
			if err := r.pause(ctx, failure); err != nil {
				return err
			}
		case throttled:
			err = r.hold(ctx, queue, failure)
		}
		if !r.scope.DryRun && (!r.patient || !putOff(err)) {
			return err
		}
		if err := r.outlast(ctx, queue); err != nil {
			return err
		}
	}
}

// putOff reports whether an error puts a job off.
func putOff(err error) bool {
	snoozed := &rivertype.JobSnoozeError{}
	return errors.As(err, &snoozed)
}

// pause waits as a service asked for, without telling others: a dry run holds nobody up.
func (r *run) pause(ctx context.Context, failure *connectors.Failure) error {
	wait := r.Timing.UnnamedWait
	if !failure.RetryAt.IsZero() {
		wait = time.Until(failure.RetryAt)
	}
	if wait > holdPatience {
		return failure
	}
	r.tellWait(ctx, wait)
	return sleep(ctx, wait)
}

func (r *run) tellWait(ctx context.Context, wait time.Duration) {
	r.Logger.InfoContext(ctx, "waits until the service may be called again", "wait", wait.Round(time.Second).String())
}

// outlast waits until a queue is not held any more because its service asked for that.
// Other holds, and longer ones, are an error, but for a dry run, which only reads,
// administrators' holds are none.
func (r *run) outlast(ctx context.Context, queue string) error {
	begun, told := time.Now(), false
	for {
		holds, err := ledger.New(r.Pool).Holds(ctx, queue)
		if err != nil {
			return fmt.Errorf("read the holds on queue %s: %w", queue, err)
		}
		wait := time.Duration(0)
		for i := range holds {
			hold := &holds[i]
			asked := hold.Author == ledger.ActorHub
			switch {
			case asked && time.Since(begun)+hold.Remaining <= holdPatience:
				wait = max(wait, hold.Remaining, time.Millisecond)
			case r.scope.DryRun && !asked && hold.Probes == nil:
			default:
				held := &HeldError{Queue: queue, Author: hold.Author, Reason: hold.Reason}
				if hold.Until.Before(untilLifted) {
					held.Until = hold.Until
				}
				return held
			}
		}
		if wait == 0 {
			return nil
		}
		if !told {
			told = true
			r.tellWait(ctx, wait)
		}
		// It may be lifted meanwhile.
		if err := sleep(ctx, min(wait, time.Second)); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
