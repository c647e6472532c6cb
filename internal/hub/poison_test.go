package hub_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/connectors/demarches"
	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	simulated "github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/telemetry"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// A job that panics is recorded with its stack and tried again; what it had in hand is
// free for the next attempt.
func TestPanic(t *testing.T) {
	t.Parallel()
	r := setup(t)
	first := r.start()
	r.file("Portail des agents")
	r.settled()
	require.NoError(t, first.Stop())

	// A crew without texts: the first thing that it has to write makes it panic.
	ds, err := demarches.New(demarches.Options{URL: r.config.DSURL, Token: r.config.DSToken, Instructeur: r.config.DSInstructeur})
	require.NoError(t, err)
	git, err := gitlab.New(gitlab.Options{URL: r.config.GitLabURL, Token: r.config.GitLabToken})
	require.NoError(t, err)
	crippled, err := jobs.NewClient(jobs.Options{
		Pool: r.pool, Journey: r.config.Journey, Marks: onboarding.NewMarks(r.config.MarkKey), Demarches: ds, GitLab: git,
		RootGroup: r.config.GitLabRootGroup, TrackingProject: r.config.GitLabTrackingProject,
		Timing: r.timing, Workers: 2, Logger: slog.New(slog.DiscardHandler), Metrics: telemetry.NewMetrics(),
	})
	require.NoError(t, err)
	require.NoError(t, crippled.Start(r.ctx))
	r.file("Un autre", simulated.WithoutWebhook())
	const panicked = `select count(*) from river_job
		where errors[1]->>'trace' like '%texts.(*Texts)%' and state in ('retryable', 'available') and attempt > 1`
	r.eventually("its jobs panic, and are tried again", func() bool { r.unhold(); return count(r, panicked) > 0 })
	require.NoError(t, crippled.StopAndCancel(r.ctx))
	require.Zero(t, count(r, "select count(*) from river_job where state in ('cancelled', 'discarded')"))

	r.start()
	r.sound(stock{Issues: 2, Notes: 2, Messages: 2})
}

// A job that hangs, here because somebody else holds its row in the database, is cut
// off, delays no other, and is tried again.
func TestHangingJob(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.timing.CallTimeout = 200 * time.Millisecond
	r.startPolled()
	number, other := r.file("Portail des agents"), r.file("Un autre")
	r.settled()

	tx, err := r.pool.Begin(r.ctx)
	require.NoError(t, err)
	_, err = tx.Exec(r.ctx, "select from dossiers where number = $1 for update", number)
	require.NoError(t, err)
	r.accept(number)
	r.accept(other)
	r.eventually("the other one is served", func() bool { return r.stock().Projects == 1 && r.stock().Messages == 3 })
	r.eventually("the hanging one is cut off", func() bool {
		return count(r, "select count(*) from river_job where (args->>'dossier')::bigint = $1 and array_length(errors, 1) > 0", number) > 0
	})
	require.NoError(t, tx.Rollback(r.ctx))
	r.sound(accepted(2))
}

// A new dossier does not wait for the end of a backlog: of a hundred that a poll found,
// most are still to be done when it has its issue.
func TestNewBesideABacklog(t *testing.T) {
	t.Parallel()
	const backlog = 100
	r := setup(t)
	r.config.Workers = 4
	for i := range backlog {
		r.file(fmt.Sprintf("Ancien %d", i), simulated.WithoutWebhook())
	}
	r.config.Journey.Demarches[0].Import = onboarding.ImportAll
	r.GitLab.Faults().Add(fault.Rule{Operation: postIssue, Kind: fault.Slow, Delay: 20 * time.Millisecond})
	r.start()
	r.eventually("the backlog is found", func() bool { return count(r, "select count(*) from dossiers") == backlog })
	r.file("Nouveau")
	r.eventually("the new one is found", func() bool { return count(r, "select count(*) from dossiers") == backlog+1 })
	before := r.stock().Issues
	number := count(r, "select max(number) from dossiers")
	r.eventually("it has its issue", func() bool {
		return count(r, "select count(*) from ledger_entries where kind = 'issue_opened' and chain = $1", number) == 1
	})
	// Those under way end first, and a worker may have taken up one more meanwhile.
	require.Less(t, r.issueOf(number).IID, before+3*r.config.Workers)
	r.sound(stock{Issues: backlog + 1, Notes: backlog + 1, Messages: backlog + 1})
}
