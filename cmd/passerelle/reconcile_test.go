package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/hub"
	"github.com/cloud-pi-native/passerelle/internal/localpg/localpgtest"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// reconciled is a terminal beside a running hub with two accepted dossiers.
type reconciled struct {
	*terminal
	*stage.Stage

	numbers []int
}

func setupReconciled(t *testing.T) *reconciled {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	t.Cleanup(cancel)
	set, err := stage.New(ctx, stage.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, set.Close()) })
	database := localpgtest.Migrated(t)
	c := &reconciled{terminal: setupOn(t, database), Stage: set}
	c.environ, err = set.Environment(database, journeyFile(t))
	require.NoError(t, err)
	c.environ = append(c.environ, "PASSERELLE_LISTEN=127.0.0.1:0", "PASSERELLE_DATABASE_CONNECTIONS=8", "PASSERELLE_WORKERS=4")
	settings, err := config.FromEnvironment(c.environ)
	require.NoError(t, err)
	running, err := hub.Start(ctx, hub.Options{Config: settings, Logger: slog.New(slog.DiscardHandler), Version: "test"})
	require.NoError(t, err)
	t.Cleanup(running.Kill)
	set.SendTo("http://" + running.Addr())

	for _, project := range []string{"Portail", "Registre"} {
		number, err := set.DS.File(stage.Form, demarches.Application{
			Email: "camille@example.org", Applicant: demarches.Applicant{FirstName: "Camille", LastName: "Durand"},
			Answers: demarches.ConsoleAccessAnswers(project),
		})
		require.NoError(t, err)
		require.NoError(t, set.DS.StartInstruction(number))
		require.NoError(t, set.DS.Accept(number, ""))
		c.numbers = append(c.numbers, number)
	}
	// Each of the six changes sends a webhook, which may arrive after all is done.
	c.eventually("both have their sandbox, message and note, and the last webhook was looked at", `select
		(select count(*) from deliveries where source = 'demarches') = 6 and
		(select count(*) from ledger_entries where kind = 'message_sent' and data::jsonb->>'message' = 'accepted 1') = 2 and
		(select count(*) from ledger_entries where kind = 'note_written') >= 2 and
		not exists (select from river_job where state not in ('completed', 'cancelled', 'discarded'))`)
	return c
}

// eventually waits until a query says so.
func (c *reconciled) eventually(what, sql string) {
	c.t.Helper()
	deadline, cancel := context.WithTimeout(c.ctx, time.Minute)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		var so bool
		require.NoError(c.t, c.pool.QueryRow(c.ctx, sql).Scan(&so))
		if so {
			return
		}
		select {
		case <-ticker.C:
		case <-deadline.Done():
			require.FailNow(c.t, "in vain: "+what)
		}
	}
}

// path is a dossier's group as the ledger has it.
func (c *reconciled) path(number int) (path string) {
	c.t.Helper()
	require.NoError(c.t, c.pool.QueryRow(c.ctx, "select path from resources where kind = 'group' and dossier = $1", number).Scan(&path))
	return path
}

// state is all that a dry run must not change.
func (c *reconciled) state() (state string) {
	c.t.Helper()
	require.NoError(c.t, c.pool.QueryRow(c.ctx, `select concat(
		(select string_agg(r::text, e'\n' order by r::text) from resources r), (select count(*) from ledger_entries),
		(select count(*) from leases), (select count(*) from river_job), (select v::text from verification v))`).Scan(&state))
	return state
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	c := setupReconciled(t)
	one, other := fmt.Sprint(c.numbers[0]), fmt.Sprint(c.numbers[1])
	require.Equal(t, "the ledger and GitLab agree\n", c.does("reconcile", "--all", "--dry-run"))

	require.NoError(t, c.GitLab.MoveGroup(c.path(c.numbers[0]), stage.User, "autre-nom"))
	require.NoError(t, c.GitLab.PurgeProject(c.path(c.numbers[1])+"/bac-a-sable"))
	before := c.state()
	c.GitLab.Faults().ResetCalls()
	c.DS.Faults().ResetCalls()
	got := c.types("reconcile", "--all", "--dry-run")
	require.Equal(t, 3, got.code, got.stderr)
	require.Equal(t, before, c.state(), "a dry run changes nothing")
	for call := range c.GitLab.Faults().Calls() {
		require.True(t, strings.HasPrefix(call, "GET "), call)
	}
	lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
	require.Len(t, lines, 4)
	require.Equal(t, []string{"DOSSIER", "WHAT", "RESOURCE", "LEDGER", "SAYS", "GITLAB", "SHOWS", "REMEDY"}, strings.Fields(lines[0]))
	require.Equal(t, []string{one, "moved", "group", c.path(c.numbers[0]), "embarquement/autre-nom", "to", "be", "followed"}, strings.Fields(lines[1]))
	require.Equal(t, []string{"not", "there", "to", "be", "noted", "as", "gone"}, strings.Fields(lines[3])[5:])

	require.Zero(t, c.types("reconcile", other, "--dry-run", "--json").code-3)
	var said struct{ Differences []difference }
	require.NoError(t, json.Unmarshal([]byte(c.types("reconcile", one, "--dry-run", "--json").stdout), &said))
	require.Len(t, said.Differences, 2)
	require.Equal(t, "embarquement/autre-nom/bac-a-sable", said.Differences[1].GitLab)

	out := c.does("reconcile", one)
	require.Contains(t, out, "followed")
	require.NotContains(t, out, other)
	require.Equal(t, "embarquement/autre-nom", c.path(c.numbers[0]))
	require.Contains(t, c.does("reconcile", "--all"), "noted as gone")
	require.Equal(t, "the ledger and GitLab agree\n", c.does("reconcile", "--all", "--dry-run"))
	require.Contains(t, c.does("ledger", "show", other), "cli:")

	require.Equal(t, 3, c.types("reconcile", other, "--recreate", "--dry-run").code)
	require.Contains(t, c.does("reconcile", other, "--recreate"), "is being made anew")
	c.eventually("it is made anew", "select count(*) = 3 from ledger_entries where kind = 'files_committed'")
}

func TestReconcile_Errors(t *testing.T) {
	t.Parallel()
	c := setupReconciled(t)
	for _, args := range [][]string{{}, {"--dry-run"}, {"--recreate"}, {"x"}, {"1001", "--all"}, {"-5"}, {"0"}} {
		got := c.types(append([]string{"reconcile"}, args...)...)
		require.Equal(t, 2, got.code, args)
		require.Contains(t, got.stderr, "passerelle --help", args)
	}
	got := c.types("reconcile", "77")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.stderr, "dossier 77: the ledger holds nothing of it")

	c.GitLab.Faults().Add(fault.Rule{Operation: "GET /groups/:id/projects", Kind: fault.Status, Times: 1})
	got = c.types("reconcile", "--all", "--dry-run")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.stderr, "list projects")
	require.NotContains(t, got.stdout, "agree")

	c.environ = nil
	require.Equal(t, 2, c.types("reconcile", "--all").code, "not configured")
}

// Who keeps the queue from running is said; what only reads is not kept by administrators,
// and what a service asks to be waited for is waited for.
func TestReconcile_Held(t *testing.T) {
	t.Parallel()
	c := setupReconciled(t)
	for _, args := range [][]string{{"reconcile", "--all", "--dry-run"}, {"reconcile", "--all"}} {
		c.GitLab.Faults().Add(fault.Rule{Operation: "GET /groups/:id/projects", Kind: fault.Throttle, Times: 1})
		got := c.types(args...)
		require.Zero(t, got.code, got.stderr)
		require.Contains(t, got.stdout, "agree")
		require.Contains(t, got.stderr, "waits until the service may be called again")
	}

	c.does("holds", "set", "gitlab", "--reason", "GitLab is being upgraded")
	require.Equal(t, "the ledger and GitLab agree\n", c.does("reconcile", "--all", "--dry-run"))
	got := c.types("reconcile", "--all")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.stderr, "queue gitlab is held by cli:")
	require.Contains(t, got.stderr, "(GitLab is being upgraded): try again once it is lifted, with passerelle holds lift gitlab")
	c.does("holds", "lift", "gitlab", "--reason", "done")
	c.does("holds", "set", "gitlab", "--reason", "an hour off", "--for", "1h")
	require.Contains(t, c.types("reconcile", "--all").stderr, "(an hour off): try again after ")
	c.does("holds", "lift", "gitlab", "--reason", "done")

	c.exec("insert into queue_holds (queue, author, reason, until, probes) values ('gitlab', 'hub', 'asked for an hour', clock_timestamp() + interval '1 hour', null)")
	got = c.types("reconcile", "--all", "--dry-run")
	require.Equal(t, 1, got.code, "nobody waits for an hour")
	require.Contains(t, got.stderr, "held by hub (asked for an hour): try again after ")
	c.exec("delete from queue_holds")
	c.exec("insert into queue_holds (queue, author, reason, until, probes) values ('gitlab', 'hub: outage', 'no answer', clock_timestamp() + interval '1 hour', 3)")
	got = c.types("reconcile", "--all")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.stderr, "held by hub: outage (no answer): its service is not available")
	require.NotContains(t, got.stderr, "asked")
}
