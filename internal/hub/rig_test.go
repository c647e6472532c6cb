package hub_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/hub"
	"github.com/cloud-pi-native/passerelle/internal/localpg/localpgtest"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/jobs"
)

func TestMain(m *testing.M) { localpgtest.Main(m) }

// rig is a stage, a database and hubs on it, for one test.
type rig struct {
	*stage.Stage

	t        *testing.T
	ctx      context.Context
	database string
	pool     *pgxpool.Pool
	config   *config.Config
	timing   jobs.Timing
}

// quick is the timing of a hub under test: the same rules, in fractions of a second.
func quick() jobs.Timing {
	return jobs.Timing{
		CallTimeout:  400 * time.Millisecond,
		EffectMargin: 300 * time.Millisecond,
		PollInterval: time.Hour, // tests that want a poll ask for it
		RetryCap:     50 * time.Millisecond,
		AskAgain:     20 * time.Millisecond,
		DrainTimeout: 10 * time.Second,
	}
}

// setup sets a stage and an empty database up; the test starts its hubs.
func setup(t *testing.T, options ...func(*stage.Options)) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	var o stage.Options
	for _, option := range options {
		option(&o)
	}
	set, err := stage.New(ctx, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, set.Close()) })

	r := &rig{Stage: set, t: t, ctx: ctx, database: localpgtest.Migrated(t), timing: quick()}
	r.config, err = set.Hub(r.database)
	require.NoError(t, err)
	r.config.DatabaseConnections = 8
	r.config.Workers = 8
	r.pool, err = pgxpool.New(ctx, r.database)
	require.NoError(t, err)
	t.Cleanup(r.pool.Close)
	return r
}

// start starts a hub and has DS send its webhooks there.
func (r *rig) start(options ...func(*hub.Options)) *hub.Hub {
	r.t.Helper()
	o := hub.Options{Config: r.config, Logger: slog.New(&testLog{t: r.t}), Version: "test", Timing: &r.timing}
	for _, option := range options {
		option(&o)
	}
	running, err := hub.Start(r.ctx, o)
	require.NoError(r.t, err)
	r.t.Cleanup(running.Kill)
	if running.Addr() != "" {
		r.SendTo("http://" + running.Addr())
	}
	return running
}

// file files a form for a project and returns the dossier's number.
func (r *rig) file(project string, options ...demarches.ActOption) int {
	r.t.Helper()
	return r.fileAnswers(demarches.ConsoleAccessAnswers(project), options...)
}

func (r *rig) fileAnswers(answers demarches.Answers, options ...demarches.ActOption) int {
	r.t.Helper()
	number, err := r.DS.File(stage.Form, demarches.Application{
		Email: "camille.durand@example.org", Applicant: demarches.Applicant{FirstName: "Camille", LastName: "Durand"}, Answers: answers,
	}, options...)
	require.NoError(r.t, err)
	return number
}

// accept takes a dossier from filed to accepted.
func (r *rig) accept(number int, options ...demarches.ActOption) {
	r.t.Helper()
	require.NoError(r.t, r.DS.StartInstruction(number, options...))
	require.NoError(r.t, r.DS.Accept(number, "", options...))
}

// hook sends a webhook by hand, as DS does, and returns the answer's status.
func (r *rig) hook(base string, form url.Values) int {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.ctx, http.MethodPost, base+"/webhooks/demarches/"+r.Secret, strings.NewReader(form.Encode()))
	require.NoError(r.t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	require.NoError(r.t, err)
	require.NoError(r.t, response.Body.Close())
	return response.StatusCode
}

func hookFor(number int, state onboarding.State, at time.Time) url.Values {
	return url.Values{
		"procedure_id": {strconv.Itoa(stage.Form)}, "dossier_id": {strconv.Itoa(number)},
		"state": {string(state)}, "updated_at": {at.Format("2006-01-02 15:04:05 -0700")},
	}
}

// settled waits until no job is left to do: none waits, runs or is to be retried,
// but for the next poll.
func (r *rig) settled() {
	r.t.Helper()
	const left = `select count(*) from river_job where state not in ('completed', 'cancelled', 'discarded')`
	r.eventually("jobs are left", func() bool {
		var count int
		require.NoError(r.t, r.pool.QueryRow(r.ctx, left).Scan(&count))
		return count == 0
	})
}

// eventually waits until done, which looks at the database, says so. Postgres gives
// no signal for what it holds: it is looked at again until the test's time is over.
func (r *rig) eventually(what string, done func() bool) {
	r.t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-r.ctx.Done():
			r.dump()
			require.FailNow(r.t, "in vain: "+what)
		}
	}
}

// until waits until GitLab looks as told.
func (r *rig) until(what string, done func(gitlab.View) bool) {
	r.t.Helper()
	if err := r.GitLab.WaitFor(r.ctx, done); err != nil {
		r.dump()
		require.NoError(r.t, err, what)
	}
}

// dump prints what a failed test needs to be understood.
func (r *rig) dump() {
	ctx := context.Background()
	rows, err := r.pool.Query(ctx, `select id, kind, state, args::text, coalesce(errors[array_upper(errors, 1)]::text, '') from river_job where kind <> 'poll_demarche' order by id limit 60`)
	if err != nil {
		r.t.Log(err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		values, err := rows.Values()
		r.t.Log(values, err)
	}
}

// group returns the group of a dossier, by the path that it must have.
func (r *rig) group(segment string) *gitlab.Group {
	for _, group := range r.GitLab.Groups() {
		if group.FullPath == stage.RootGroup+"/"+segment {
			return &group
		}
	}
	return nil
}

// messages returns the messages that the hub sent to a dossier's applicant.
func (r *rig) messages(number int) []demarches.Message {
	var ours []demarches.Message
	for _, message := range r.DS.Messages(number) {
		if !message.Automatic && message.From == stage.Agent {
			ours = append(ours, message)
		}
	}
	return ours
}

// kinds returns the kinds of a dossier's ledger entries, in order.
func (r *rig) kinds(number int) []string {
	r.t.Helper()
	rows, err := r.pool.Query(r.ctx, "select kind from ledger_entries where chain = $1 order by seq", number)
	require.NoError(r.t, err)
	defer rows.Close()
	var kinds []string
	for rows.Next() {
		var kind string
		require.NoError(r.t, rows.Scan(&kind))
		kinds = append(kinds, kind)
	}
	require.NoError(r.t, rows.Err())
	return kinds
}

// testLog writes the hub's warnings to the test's log.
type testLog struct {
	t *testing.T
	slog.Handler
}

func (l *testLog) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && l.t.Context().Err() == nil
}

func (l *testLog) Handle(_ context.Context, record slog.Record) error {
	var text strings.Builder
	record.Attrs(func(a slog.Attr) bool { text.WriteString(" " + a.String()); return true })
	l.t.Log(record.Message + text.String())
	return nil
}

func (l *testLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *testLog) WithGroup(string) slog.Handler      { return l }
