// Package jobs is the work that Passerelle does in the background, with River: one
// file per kind of job, and what they share.
//
// No job decides anything: sync_dossier and poll_demarche store what DS says,
// onboarding.Plan says what is still to be done, and the other jobs do it, planning
// again after each step.
package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"github.com/cloud-pi-native/passerelle/connectors/demarches"
	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/onboarding/texts"
	"github.com/cloud-pi-native/passerelle/internal/telemetry"
)

// The queues, one for each service that its jobs call, so that the trouble of one
// does not keep the other's jobs.
const (
	QueueDemarches = "demarches"
	QueueGitLab    = "gitlab"
)

// Client is River's client, as Passerelle uses it.
type Client = river.Client[pgx.Tx]

// Timing holds the times that the jobs go by.
type Timing struct {
	// CallTimeout bounds one call to DS or GitLab.
	CallTimeout time.Duration
	// EffectMargin is how long after CallTimeout an effect may still show. An
	// intent without an outcome is asked after only when it is older than both.
	EffectMargin time.Duration
	// PollInterval is the time from one poll of a form to the next.
	PollInterval time.Duration
	// VerifyInterval is the time from one comparison with GitLab to the next; none is
	// made by itself when it is zero.
	VerifyInterval time.Duration
	// VerifyPatience bounds how long one attempt at it goes on; the next begins where it
	// stands.
	VerifyPatience time.Duration
	// RetryCap bounds the delay between two attempts at a job.
	RetryCap time.Duration
	// CompareInterval is the time from one comparison of a whole form to the next.
	CompareInterval time.Duration
	// UnreadableRetry is the first delay before a dossier that DS fails to give is
	// tried again; it doubles up to UnreadableCap.
	UnreadableRetry time.Duration
	UnreadableCap   time.Duration
	// DatesAhead is how far DS's dates may lie ahead of the database's clock: those of a
	// clock that is more than a little fast do not tell how far polls have come.
	DatesAhead time.Duration
	// AskAgain is the first delay before DS is asked again while it still shows
	// something older than a webhook said; it doubles.
	AskAgain time.Duration
	// UnnamedWait is how long a queue is held when a service asks us to wait and does
	// not say until when: the window of both services' limits is a minute.
	UnnamedWait time.Duration
	// ProbeAfter is the time from the beginning of an outage to its first probe; it
	// doubles from one probe to the next, up to five minutes or RetryCap.
	ProbeAfter time.Duration
	// WakeInterval is the time from one look for reminders that are due to the next.
	WakeInterval time.Duration
	// DrainTimeout bounds how long running jobs may take to end when the hub stops.
	DrainTimeout time.Duration
}

// DefaultTiming is the timing of a hub in service.
func DefaultTiming() Timing {
	return Timing{
		CallTimeout:     30 * time.Second,
		EffectMargin:    15 * time.Second,
		PollInterval:    2 * time.Minute,
		VerifyInterval:  24 * time.Hour,
		VerifyPatience:  time.Minute,
		RetryCap:        30 * time.Minute,
		CompareInterval: 24 * time.Hour,
		UnreadableRetry: time.Minute,
		UnreadableCap:   time.Hour,
		DatesAhead:      5 * time.Minute,
		AskAgain:        time.Second,
		UnnamedWait:     time.Minute,
		ProbeAfter:      15 * time.Second,
		WakeInterval:    5 * time.Minute,
		DrainTimeout:    20 * time.Second,
	}
}

// jobTimeout bounds one attempt at a job: a few calls, each up to its timeout.
func (t Timing) jobTimeout() time.Duration { return 4*t.CallTimeout + 10*time.Second }

// leaseTerm is longer than a job may run.
func (t Timing) leaseTerm() time.Duration { return t.jobTimeout() + 10*time.Second }

// wakeAgain is when a dossier that was woken is woken again, in case nothing came of it.
func (t Timing) wakeAgain() time.Duration { return 12 * t.WakeInterval }

// Options are what the jobs work with.
type Options struct {
	Pool      *pgxpool.Pool
	Journey   *onboarding.Journey
	Texts     *texts.Texts
	Marks     onboarding.Marks
	Demarches *demarches.Client
	GitLab    *gitlab.Client
	// RootGroup and TrackingProject are full paths in GitLab.
	RootGroup       string
	TrackingProject string
	Timing          Timing
	// Workers is how many jobs of each queue run at once.
	Workers int
	// InsertOnly makes a client that enqueues jobs and works none.
	InsertOnly bool
	// Clock tells the time by which reminders are due; time.Now if nil.
	Clock   func() time.Time
	Logger  *slog.Logger
	Metrics *telemetry.Metrics
}

// NewClient returns a River client with all our workers, not yet started.
func NewClient(o Options) (*Client, error) {
	config := &river.Config{
		Logger:      quieter(o.Logger),
		MaxAttempts: maxAttempts,
		// Jobs that failed for good stay until somebody deals with them.
		CancelledJobRetentionPeriod: -1,
		DiscardedJobRetentionPeriod: -1,
	}
	if o.InsertOnly {
		return river.NewClient(riverpgxv5.New(o.Pool), config)
	}
	c := newCrew(o)
	workers := river.NewWorkers()
	river.AddWorker(workers, &syncDossier{crew: c})
	river.AddWorker(workers, &pollDemarche{crew: c})
	river.AddWorker(workers, &compareDossiers{crew: c})
	river.AddWorker(workers, &actionWorker[ProvisionSandbox]{crew: c, perform: c.provisionSandbox})
	river.AddWorker(workers, &actionWorker[ArchiveSandbox]{crew: c, perform: c.archiveSandbox})
	river.AddWorker(workers, &actionWorker[OpenTrackingIssue]{crew: c, perform: c.openTrackingIssue})
	river.AddWorker(workers, &actionWorker[UpdateTrackingIssue]{crew: c, perform: c.updateTrackingIssue})
	river.AddWorker(workers, &actionWorker[WriteBack]{crew: c, perform: c.writeBack})
	river.AddWorker(workers, &syncTrackingIssue{crew: c})
	river.AddWorker(workers, &trackIssues{crew: c})
	river.AddWorker(workers, &remind{crew: c})
	river.AddWorker(workers, &verifyResources{crew: c})

	config.Workers = workers
	config.Queues = map[string]river.QueueConfig{
		QueueDemarches: {MaxWorkers: o.Workers},
		QueueGitLab:    {MaxWorkers: o.Workers},
	}
	for _, demarche := range o.Journey.Demarches {
		config.PeriodicJobs = append(config.PeriodicJobs, pollPeriodically(demarche.Number, o.Timing.PollInterval))
	}
	config.PeriodicJobs = append(config.PeriodicJobs, trackPeriodically(o.Timing.PollInterval), remindPeriodically(o.Timing.WakeInterval))
	if o.Timing.VerifyInterval > 0 {
		config.PeriodicJobs = append(config.PeriodicJobs, verifyPeriodically(o.Timing.VerifyInterval))
	}
	config.FetchCooldown = 2 * time.Millisecond
	config.FetchPollInterval = 500 * time.Millisecond
	config.JobTimeout = o.Timing.jobTimeout()
	// After a crash, not an hour: as soon as the job cannot be running any more.
	config.RescueStuckJobsAfter = o.Timing.jobTimeout() + 5*time.Second
	config.RetryPolicy = retryPolicy{ceiling: o.Timing.RetryCap}
	config.SoftStopTimeout = o.Timing.DrainTimeout
	config.Plugins = []rivertype.Plugin{&observer{metrics: o.Metrics, logger: o.Logger}}
	client, err := river.NewClient(riverpgxv5.New(o.Pool), config)
	if err != nil {
		return nil, fmt.Errorf("set up the background jobs: %w", err)
	}
	return client, nil
}

// crew is what all workers share.
type crew struct {
	Options
	turns     *turns
	outages   *outages
	imports   imports
	rootGroup rootGroup

	pastIssues, pastGroups, pastProjects *past

	listings listings
}

func newCrew(o Options) *crew {
	return &crew{
		Options: o, turns: newTurns(), outages: newOutages(),
		pastIssues: newPast(), pastGroups: newPast(), pastProjects: newPast(),
	}
}

// client is the River client that the job in ctx runs in.
func client(ctx context.Context) *Client { return river.ClientFromContext[pgx.Tx](ctx) }
