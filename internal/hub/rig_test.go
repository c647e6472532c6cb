package hub_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/hub"
	"github.com/cloud-pi-native/passerelle/internal/localpg/localpgtest"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// allLosses has every call meet every loss, which takes minutes.
var allLosses = flag.Bool("all-losses", false, "have every call meet every loss")

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		runChild()
		return
	}
	// These tests wait for hubs more than they compute. The command line still wins.
	for name, value := range map[string]string{
		"test.parallel":    "12",
		"rapid.checks":     "3", // each is seconds of a hub's life, and there are 8 at once
		"rapid.shrinktime": "60s",
	} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	localpgtest.Main(m)
}

// rig is a stage, a database and hubs on it, for one test.
type hubOptions = hub.Options

type rig struct {
	*stage.Stage

	t        *testing.T
	ctx      context.Context
	database string
	pool     *pgxpool.Pool
	config   *config.Config
	timing   jobs.Timing
	clock    *clock
	// address is that of the hub that was started last.
	address string
	// hooks counts the webhooks that a hub must have stored by now.
	hooks int
}

// clock is the simulators' clock: the real one, moved forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// quick is the timing of a hub under test: the same rules, in fractions of a second.
func quick() jobs.Timing {
	return jobs.Timing{
		CallTimeout:     5 * time.Second, // tests in which calls hang have less
		EffectMargin:    300 * time.Millisecond,
		PollInterval:    time.Hour, // tests that want a poll ask for it
		VerifyPatience:  time.Minute,
		RetryCap:        50 * time.Millisecond,
		DatesAhead:      365 * 24 * time.Hour, // tests move DS's clock
		AskAgain:        50 * time.Millisecond,
		CompareInterval: 24 * time.Hour, // as with polls
		UnreadableRetry: time.Hour,
		UnreadableCap:   time.Hour,
		UnnamedWait:     time.Minute,
		ProbeAfter:      50 * time.Millisecond,
		WakeInterval:    time.Hour, // as with polls
		DrainTimeout:    10 * time.Second,
	}
}

// Where answers are lost: an effect that is late comes after its caller gave up, and
// long before anybody may conclude that it did not.
const (
	lossTimeout = 300 * time.Millisecond
	lossDelay   = 600 * time.Millisecond
	lossMargin  = 1500 * time.Millisecond
)

func (r *rig) lossy() *rig {
	r.timing.CallTimeout, r.timing.EffectMargin = lossTimeout, lossMargin
	return r
}

// setup sets a stage and an empty database up; the test starts its hubs.
func setup(t *testing.T) *rig {
	t.Helper()
	return setupStage(t, stage.Options{})
}

func setupStage(t *testing.T, o stage.Options) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	r := &rig{t: t, ctx: ctx, timing: quick(), clock: &clock{}}
	var err error
	o.Clock = r.clock.now
	r.Stage, err = stage.New(ctx, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })

	return r.anew()
}

// anew is the same stage with another, empty database.
func (r *rig) anew() *rig {
	r.t.Helper()
	other := r.on(localpgtest.Migrated(r.t))
	// The database is a copy; the ledger in it begins now.
	other.exec("update installation set began_at = clock_timestamp()")
	return other
}

// on is the same stage with another database.
func (r *rig) on(database string) *rig {
	r.t.Helper()
	other := &rig{Stage: r.Stage, t: r.t, ctx: r.ctx, timing: r.timing, clock: r.clock, database: database}
	var err error
	other.config, err = r.Hub(other.database)
	require.NoError(r.t, err)
	other.config.DatabaseConnections = 8
	other.config.Workers = 8
	other.pool, err = pgxpool.New(r.ctx, other.database)
	require.NoError(r.t, err)
	r.t.Cleanup(other.pool.Close)
	return other
}

// start starts a hub and has DS send its webhooks there.
func (r *rig) start(options ...func(*hubOptions)) *hub.Hub {
	r.t.Helper()
	o := hub.Options{Config: r.config, Logger: slog.New(&testLog{t: r.t}), Version: "test", Timing: &r.timing, StoreTimeout: 20 * time.Second, Clock: r.clock.now}
	for _, option := range options {
		option(&o)
	}
	running, err := hub.Start(r.ctx, o)
	require.NoError(r.t, err)
	r.t.Cleanup(running.Kill)
	r.address = base(running)
	r.SendTo(r.address)
	return running
}

// startPolled starts a hub and waits for the poll and the list of tracking issues that it
// begins with.
func (r *rig) startPolled(options ...func(*hubOptions)) *hub.Hub {
	r.t.Helper()
	polls, lists := r.polls(), r.lists()
	running := r.start(options...)
	r.eventually("the poll at start", func() bool { return r.polls() > polls && r.lists() > lists })
	return running
}

// lists counts how often the tracking issues were listed.
func (r *rig) lists() int {
	r.t.Helper()
	return count(r, "select count(*) from river_job where kind = 'track_issues' and state = 'completed'")
}

// polls counts those of the console-access form.
func (r *rig) polls() int {
	r.t.Helper()
	return count(r, "select count(*) from river_job where kind = 'poll_demarche' and state = 'completed' and args->>'demarche' = $1", strconv.Itoa(stage.Form))
}

func base(h *hub.Hub) string { return "http://" + h.Addr() }

// file files a form for a project and returns the dossier's number. With options,
// whether a webhook comes is the caller's business.
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
	if len(options) == 0 {
		r.hooks++
	}
	return number
}

// act is an act in DS that sends a webhook to a hub that listens; quietly is one
// that does not.
func (r *rig) act(err error) {
	r.t.Helper()
	require.NoError(r.t, err)
	r.hooks++
}

func (r *rig) quietly(err error) {
	r.t.Helper()
	require.NoError(r.t, err)
}

// accept takes a dossier from filed to accepted, refuse to refused.
func (r *rig) accept(number int) {
	r.t.Helper()
	r.act(r.DS.StartInstruction(number))
	r.act(r.DS.Accept(number, ""))
}

func (r *rig) refuse(number int) {
	r.t.Helper()
	r.act(r.DS.StartInstruction(number))
	r.act(r.DS.Refuse(number, motivation))
}

// turnDown goes back on an acceptance and refuses.
func (r *rig) turnDown(number int) {
	r.t.Helper()
	r.act(r.DS.BackToInstruction(number))
	r.act(r.DS.Refuse(number, motivation))
}

const motivation = "Le projet relève d’une autre offre."

// hook sends a webhook by hand, as DS does, and returns the answer's status: 0 when
// nobody answered.
func (r *rig) hook(base string, form url.Values) int {
	request, err := http.NewRequestWithContext(r.ctx, http.MethodPost, base+"/webhooks/demarches/"+r.Secret, strings.NewReader(form.Encode()))
	if err != nil {
		r.t.Error(err)
		return 0
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// get is what stands at an address of the hub.
func (r *rig) get(address string) string {
	r.t.Helper()
	response, err := http.Get(address)
	require.NoError(r.t, err)
	answer, err := io.ReadAll(response.Body)
	require.NoError(r.t, err)
	require.NoError(r.t, response.Body.Close())
	return string(answer)
}

// updated is the date that DS's webhook for a dossier bears.
func (r *rig) updated(number int) time.Time {
	view, _ := r.DS.Dossier(number)
	return view.Updated
}

func hookFor(number int, state onboarding.State, at time.Time) url.Values {
	return url.Values{
		"procedure_id": {strconv.Itoa(stage.Form)}, "dossier_id": {strconv.Itoa(number)},
		"state": {string(state)}, "updated_at": {at.Format("2006-01-02 15:04:05 -0700")},
	}
}

// poll has the hub poll DS now, and waits until it has.
func (r *rig) poll() {
	r.t.Helper()
	client, err := jobs.NewClient(jobs.Options{Pool: r.pool, InsertOnly: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(r.t, err)
	var id int64
	r.eventually("no other poll is under way", func() bool {
		inserted, err := client.Insert(r.ctx, jobs.PollDemarche{Demarche: stage.Form}, nil)
		require.NoError(r.t, err)
		id = inserted.Job.ID
		return !inserted.UniqueSkippedAsDuplicate
	})
	r.eventually("the poll is done", func() bool {
		return count(r, "select count(*) from river_job where state = 'completed' and id = $1", id) == 1
	})
}

// settled waits until every webhook that was sent is stored and answered for, and no
// job is left to do.
func (r *rig) settled() {
	r.t.Helper()
	r.eventually("work is left", func() bool { return r.left() == 0 })
}

// delivered waits until every webhook that was sent is stored: none is on its way to a
// hub that is about to be killed.
func (r *rig) delivered() {
	r.t.Helper()
	r.eventually("no webhook is under way", func() bool {
		return r.gitlabDelivered() && count(r, "select count(*) from deliveries where source = 'demarches'") == r.hooks
	})
}

// gitlabDelivered says whether none of GitLab's webhooks is on its way.
func (r *rig) gitlabDelivered() bool {
	now, cancel := context.WithCancel(r.ctx)
	cancel()
	return r.GitLab.WaitDelivered(now) == nil
}

func (r *rig) left() int {
	r.t.Helper()
	if !r.gitlabDelivered() {
		return 1
	}
	return count(r, `select
		(select count(*) from river_job where state not in ('completed', 'cancelled', 'discarded')) +
		(select count(*) from deliveries where settled_at is null) +
		(select greatest($1 - count(*), 0) from deliveries where source = 'demarches')`, r.hooks)
}

// settledUnheld is settled where services ask us to wait longer than a test can.
func (r *rig) settledUnheld() {
	r.t.Helper()
	r.eventually("work is left", func() bool { r.unhold(); return r.left() == 0 })
}

// unhold lets the time pass for which queues are held and jobs put off.
func (r *rig) unhold() {
	r.t.Helper()
	r.exec("update queue_holds set until = clock_timestamp()")
	r.exec("update river_job set state = 'available', scheduled_at = clock_timestamp() where state in ('scheduled', 'retryable')")
}

// expire lets the time pass after which what a dead process had is anybody's: its
// leases, its jobs, its leadership.
func (r *rig) expire() {
	r.t.Helper()
	r.exec("update leases set until = clock_timestamp()")
	r.exec("update river_job set attempted_at = attempted_at - interval '1 day' where state = 'running'")
	r.exec("update river_leader set elected_at = elected_at - interval '1 day', expires_at = clock_timestamp()")
}

func (r *rig) exec(sql string) {
	r.t.Helper()
	_, err := r.pool.Exec(r.ctx, sql)
	require.NoError(r.t, err)
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

// received waits for a signal of the test's.
func (r *rig) received(what string, signal <-chan struct{}) {
	r.t.Helper()
	select {
	case <-signal:
	case <-r.ctx.Done():
		r.dump()
		require.FailNow(r.t, "in vain: "+what)
	}
}

// count is the number that a query returns.
func count(r *rig, sql string, args ...any) int {
	r.t.Helper()
	ctx := context.WithoutCancel(r.ctx) // the test's time is watched elsewhere
	var n int
	require.NoError(r.t, r.pool.QueryRow(ctx, sql, args...).Scan(&n))
	return n
}

// list is what a query of one column of text returns.
func list(r *rig, sql string, args ...any) []string {
	r.t.Helper()
	rows, err := r.pool.Query(context.WithoutCancel(r.ctx), sql, args...)
	require.NoError(r.t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(r.t, err)
	return all
}

// dump prints what a failed test needs to be understood.
func (r *rig) dump() {
	r.t.Helper()
	for _, sql := range []string{
		`select concat_ws(' ', id, kind, state, attempt, args, errors[array_upper(errors, 1)]->>'error') from river_job order by id desc limit 40`,
		`select concat_ws(' ', dossier, kind, key, intent_at, done_at, failed_revision, failure) from resources order by dossier limit 40`,
		`select concat_ws(' ', chain, seq, kind, data) from ledger_entries order by at desc limit 40`,
		`select concat_ws(' ', id, dossier, state, asks, outcome) from deliveries order by id desc limit 20`,
	} {
		r.t.Log(strings.Join(list(r, sql), "\n"))
	}
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
	record.Attrs(func(a slog.Attr) bool { fmt.Fprintf(&text, " %s", a); return true })
	l.t.Log(record.Message + text.String())
	return nil
}

func (l *testLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *testLog) WithGroup(string) slog.Handler      { return l }
