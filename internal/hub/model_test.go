package hub_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/hub"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/internal/verdict"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// Whatever happens in DS, on the way from there, to calls and to the hub, in whatever
// order: once it stops, DS's last word holds, with one of everything. The soak asks the
// same of real processes (internal/verdict says what is asked).
func TestModel(t *testing.T) {
	t.Parallel()
	for n := range 8 { // side by side: they wait more than they compute
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				m := openModel(t, rt)
				defer m.close()
				m.run()
				m.judge()
			})
		})
	}
}

// model is what should be true of DS, beside a hub that has to find it out.
type model struct {
	*rig

	rt       *rapid.T
	hub      *hub.Hub // nil while none runs
	dossiers []*modelled
	// way holds the webhooks that DS sent and nobody received yet.
	way []webhook
}

// modelled is one dossier.
type modelled struct {
	number   int
	state    demarches.State
	presence demarches.Presence
	hidden   bool // at some time
	// ordered tells that agents decided in GitLab: what the hub makes of it in DS comes
	// when it comes, in between what people do there.
	ordered   bool
	decisions int
}

type webhook struct {
	number int
	state  demarches.State
	at     time.Time
}

const (
	maxDossiers = 4
	// modelTime bounds one check. A lost call is settled within seconds; the rest is for
	// a busy machine.
	modelTime = 2 * time.Minute
	// latestCommit is how long DS takes at most to show what it has dated.
	latestCommit = 300 * time.Millisecond
)

func openModel(t *testing.T, rt *rapid.T) *model {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), modelTime)
	rt.Cleanup(cancel)
	r := &rig{t: t, ctx: ctx, timing: quick(), clock: &clock{}}
	r.lossy()
	var err error
	if r.Stage, err = stage.New(ctx, stage.Options{Clock: r.clock.now}); err != nil {
		rt.Fatal(err)
	}
	m := &model{rig: r.anew(), rt: rt}
	m.startHub()
	return m
}

func (m *model) close() {
	if m.hub != nil {
		m.hub.Kill()
	}
	m.pool.Close()
	if err := m.Close(); err != nil {
		m.rt.Error(err)
	}
}

func (m *model) startHub() {
	m.hub = m.start(func(o *hubOptions) { o.Logger = slog.New(slog.DiscardHandler) })
}

// step is one thing that can happen; nothing does where it makes no sense.
type step struct {
	name   string
	weight int
	do     func(*rapid.T)
}

func (m *model) steps() []step {
	return []step{
		{"file", 1, m.fileOne},
		{"people", 3, m.people},
		{"order", 2, m.order},
		{"deliver", 2, m.deliver},
		{"double", 1, m.double},
		{"lose", 1, m.loseHook},
		{"fault", 3, m.fault},
		{"poll", 1, func(*rapid.T) { m.askForPoll() }},
		{"rest", 1, func(*rapid.T) { m.rest() }},
		{"kill", 1, func(*rapid.T) { m.end((*hub.Hub).Kill) }},
		{"stop", 1, func(*rapid.T) { m.end(func(h *hub.Hub) { _ = h.Stop() }) }},
		{"start", 2, func(*rapid.T) { m.startAgain() }},
		{"time goes", 1, func(rt *rapid.T) {
			m.clock.advance(time.Duration(rapid.IntRange(1, 20).Draw(rt, "seconds")) * time.Second)
		}},
	}
}

// run draws steps and has them happen.
func (m *model) run() {
	var names []string
	do := map[string]func(*rapid.T){}
	for _, step := range m.steps() {
		names = append(names, slices.Repeat([]string{step.name}, step.weight)...)
		do[step.name] = step.do
	}
	m.fileOne(m.rt)
	for range rapid.IntRange(5, 35).Draw(m.rt, "steps") {
		do[rapid.SampledFrom(names).Draw(m.rt, "step")](m.rt)
	}
}

// options say how soon DS shows an act after dating it.
func options(rt *rapid.T) []demarches.ActOption {
	late := rapid.SampledFrom([]time.Duration{0, 0, 0, latestCommit / 10, latestCommit}).Draw(rt, "late commit")
	return []demarches.ActOption{demarches.WithoutWebhook(), demarches.VisibleAfter(late)}
}

func (m *model) fileOne(rt *rapid.T) {
	if len(m.dossiers) == maxDossiers {
		return
	}
	number := m.file(fmt.Sprintf("Projet %d", len(m.dossiers)), options(rt)...)
	d := &modelled{number: number, state: demarches.EnConstruction, presence: demarches.Present}
	m.dossiers = append(m.dossiers, d)
	m.tell(d)
	m.follow(rt)
}

// tell has DS send a webhook, which happens on changes of state alone.
func (m *model) tell(d *modelled) {
	m.way = append(m.way, webhook{d.number, d.state, m.updated(d.number)})
}

// people do something that is possible.
func (m *model) people(rt *rapid.T) {
	d := rapid.SampledFrom(m.dossiers).Draw(rt, "dossier")
	if d.ordered {
		d.state = m.stateOf(d)
	}
	before := d.state
	act := rapid.SampledFrom(d.possible()).Draw(rt, "act")
	if err := m.do(d, act, options(rt)); err != nil && !d.ordered {
		rt.Fatalf("dossier %d, %s: %v", d.number, act, err)
	}
	if d.ordered {
		d.state = m.stateOf(d)
	}
	if d.state != before {
		m.tell(d)
	}
	m.follow(rt)
}

func (m *model) stateOf(d *modelled) demarches.State {
	view, _ := m.DS.Dossier(d.number)
	return view.State
}

// order has an agent decide in GitLab, by a comment or by a label; or somebody who may
// not.
func (m *model) order(rt *rapid.T) {
	d := rapid.SampledFrom(m.dossiers).Draw(rt, "dossier")
	iid := 0
	m.GitLab.Read(func(v gitlab.View) {
		for _, issue := range v.Issues(stage.TrackingProject) {
			if strings.Contains(issue.Description, m.marks().Mark(int64(d.number), onboarding.IssueKey)) {
				iid = issue.IID
			}
		}
	})
	if iid == 0 {
		return
	}
	d.ordered = true
	what := rapid.SampledFrom([]string{
		"/passerelle go", "/passerelle go", "/passerelle go malgré tout", "/passerelle no-go " + motivation, "/passerelle bloquer en attente",
		"/passerelle débloquer", "/passerelle débloquer\n/passerelle go", "/passerelle statut", "+go", "+no-go", "+bloqué", "-bloqué",
	}).Draw(rt, "order")
	var err error
	switch what[0] {
	case '+':
		err = m.GitLab.AddLabel(stage.TrackingProject, iid, stage.ServiceAgent, what[1:])
	case '-':
		err = m.GitLab.RemoveLabel(stage.TrackingProject, iid, stage.ServiceAgent, what[1:])
	default:
		by := rapid.SampledFrom([]string{stage.ServiceAgent, stage.ServiceAgent, stage.ServiceAgent, stage.Reporter}).Draw(rt, "by")
		err = m.GitLab.Comment(stage.TrackingProject, iid, by, what)
	}
	if err != nil {
		rt.Fatalf("dossier %d, %s: %v", d.number, what, err)
	}
	m.follow(rt)
}

// trackAll has the hub list what happened on the tracking issues.
func (m *model) trackAll() {
	client, err := jobs.NewClient(jobs.Options{Pool: m.pool, InsertOnly: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		m.rt.Fatal(err)
	}
	var id int64
	m.wait("no other listing is under way", func() bool {
		m.unhold()
		inserted, err := client.Insert(m.ctx, jobs.TrackIssues{}, nil)
		if err != nil {
			m.rt.Fatal(err)
		}
		id = inserted.Job.ID
		return !inserted.UniqueSkippedAsDuplicate
	})
	m.wait("the listing is done", func() bool {
		m.unhold()
		return count(m.rig, "select count(*) from river_job where state = 'completed' and id = $1", id) == 1
	})
}

// follow says how soon the hub hears of the last act: later, at once, or at once and
// with time to deal with it.
func (m *model) follow(rt *rapid.T) {
	how := rapid.SampledFrom([]string{"later", "at once", "in peace", "in peace"}).Draw(rt, "heard of")
	if how == "later" {
		return
	}
	for _, h := range m.way {
		m.send(h)
	}
	m.way = nil
	if how == "in peace" {
		m.rest()
	}
}

func (d *modelled) possible() []string {
	switch {
	case d.presence == demarches.Purged:
		return []string{"nothing"}
	case d.presence == demarches.Trashed:
		return []string{"restore", "restore", "purge"}
	case d.state == demarches.EnConstruction:
		return []string{"instruct", "instruct", "edit", "delete"}
	case d.state == demarches.EnInstruction:
		return []string{"accept", "accept", "refuse", "class", "back to construction"}
	default:
		return []string{"back to instruction", "back to instruction", "delete"}
	}
}

func (m *model) do(d *modelled, act string, o []demarches.ActOption) error {
	decide := func(to demarches.State, err error) error {
		d.state = to
		d.decisions++
		return err
	}
	switch act {
	case "instruct":
		d.state = demarches.EnInstruction
		return m.DS.StartInstruction(d.number, o...)
	case "edit":
		return m.DS.Edit(d.number, demarches.Answers{demarches.FieldProjectName: fmt.Sprintf("Projet %d rebaptisé", d.number)}, o...)
	case "accept":
		return decide(demarches.Accepte, m.DS.Accept(d.number, "", o...))
	case "refuse":
		return decide(demarches.Refuse, m.DS.Refuse(d.number, motivation, o...))
	case "class":
		return decide(demarches.SansSuite, m.DS.Class(d.number, motivation, o...))
	case "back to construction":
		d.state = demarches.EnConstruction
		return m.DS.BackToConstruction(d.number, o...)
	case "back to instruction":
		d.state = demarches.EnInstruction
		return m.DS.BackToInstruction(d.number, o...)
	case "delete":
		d.presence, d.hidden = demarches.Trashed, true
		return m.DS.Delete(d.number, o...)
	case "restore":
		m.clock.advance(time.Second) // DS's dates have whole seconds, and people take their time
		d.presence = demarches.Present
		return m.DS.Restore(d.number, o...)
	case "purge":
		d.presence = demarches.Purged
		return m.DS.Purge(d.number, o...)
	}
	return nil
}

func (m *model) send(h webhook) {
	if m.hub != nil {
		m.hook(m.address, hookFor(h.number, onboarding.State(h.state), h.at))
	}
}

// deliver delivers any webhook that is under way: late, and out of order.
func (m *model) deliver(rt *rapid.T) {
	m.double(rt)
	m.loseHook(rt)
}

// double delivers the webhook that is next, and leaves it under way.
func (m *model) double(rt *rapid.T) {
	if len(m.way) > 0 {
		n := rapid.IntRange(0, len(m.way)-1).Draw(rt, "webhook")
		m.way[0], m.way[n] = m.way[n], m.way[0]
		m.send(m.way[0])
	}
}

func (m *model) loseHook(*rapid.T) {
	if len(m.way) > 0 {
		m.way = m.way[1:]
	}
}

// fault has one of the next calls meet trouble: more often one that the hub must look
// for before it repeats it, and trouble that has an effect all the same.
func (m *model) fault(rt *rapid.T) {
	kinds := append(slices.Clone(fault.Kinds), fault.LateEffect, fault.LateEffect, fault.ResetAfter, fault.Hang)
	calls := append(creatingCalls(), postIssue, sendMessage, sendMessage, postNote, putIssue, putNote, postReply, acceptCall, refuseCall, instruct, annotate, "")
	rule := fault.Rule{
		Kind: rapid.SampledFrom(kinds).Draw(rt, "kind"), Times: 1, Skip: rapid.SampledFrom([]int{0, 0, 0, 1, 3}).Draw(rt, "skip"),
		Operation: rapid.SampledFrom(calls).Draw(rt, "call"),
	}
	switch rule.Kind {
	case fault.LateEffect, fault.Slow:
		rule.Delay = lossDelay
	case fault.StatusAfter:
		rule.Status = http.StatusBadGateway
	}
	if rule.Operation != "" && inDS(rule.Operation) || rule.Operation == "" && rapid.Bool().Draw(rt, "in DS") {
		m.DS.Faults().Add(rule)
		return
	}
	m.GitLab.Faults().Add(rule)
}

func (m *model) end(how func(*hub.Hub)) {
	if m.hub != nil {
		how(m.hub)
		m.hub = nil
	}
}

func (m *model) startAgain() {
	if m.hub == nil {
		m.expire()
		m.startHub()
	}
}

// askForPoll enqueues a poll, unless one waits already, and returns its job.
func (m *model) askForPoll() (id int64, asked bool) {
	client, err := jobs.NewClient(jobs.Options{Pool: m.pool, InsertOnly: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		m.rt.Fatal(err)
	}
	inserted, err := client.Insert(m.ctx, jobs.PollDemarche{Demarche: stage.Form}, nil)
	if err != nil {
		m.rt.Fatal(err)
	}
	return inserted.Job.ID, !inserted.UniqueSkippedAsDuplicate
}

// rest waits until the hub has done what it knows of, and lets pass the pauses that
// services ask for.
func (m *model) rest() {
	if m.hub != nil {
		m.wait("work is left", func() bool { m.unhold(); left, err := verdict.Left(m.ctx, m.pool); return err == nil && left == 0 })
	}
}

// wait is eventually for a check: in vain is a failure that shrinks.
func (m *model) wait(what string, done func() bool) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-m.ctx.Done():
			m.rt.Fatalf("in vain: %s\n%s", what, m.account())
		}
	}
}

// pollAll has a whole poll done.
func (m *model) pollAll() {
	var id int64
	m.wait("no other poll is under way", func() (asked bool) { m.unhold(); id, asked = m.askForPoll(); return asked })
	m.wait("the poll is done", func() bool {
		m.unhold()
		return count(m.rig, "select count(*) from river_job where state = 'completed' and id = $1", id) == 1
	})
}

// judge ends the trouble, lets the hub find out and finish, and judges.
func (m *model) judge() {
	m.DS.Faults().Clear()
	m.GitLab.Faults().Clear()
	m.startAgain()
	calm := time.Now()
	m.wait("DS shows everything", func() bool { return time.Since(calm) > latestCommit+latestCommit/10 })
	m.trackAll()
	m.rest()
	m.pollAll()
	m.rest()
	m.pollAll() // for what the first brought up
	m.rest()

	for _, d := range m.dossiers {
		view, _ := m.DS.Dossier(d.number)
		if !d.ordered && view.State != d.state || view.Presence != d.presence {
			m.rt.Fatalf("dossier %d is %s and %s, the model says %s and %s", d.number, view.State, view.Presence, d.state, d.presence)
		}
	}
	judge := verdict.Judge{
		DS: m.DS, GitLab: m.GitLab, Journey: m.config.Journey, Marks: onboarding.NewMarks(m.config.MarkKey), EverHidden: m.everHidden,
	}
	_, lapses := judge.Services()
	loose, err := judge.Books(m.ctx, m.pool)
	if err != nil {
		m.rt.Fatal(err)
	}
	if lapses = append(lapses, loose...); len(lapses) > 0 {
		m.rt.Fatalf("%v\n%s", lapses, m.account(lapses...))
	}
}

func (m *model) everHidden(number int) bool {
	for _, d := range m.dossiers {
		if d.number == number {
			return d.hidden
		}
	}
	return false
}

// account is what the ledger tells of the dossiers that something is wrong with, or of
// all, and what River has left.
func (m *model) account(wrong ...verdict.Lapse) string {
	var numbers []int
	for _, lapse := range wrong {
		numbers = append(numbers, lapse.Dossier)
	}
	return strings.Join(append(
		list(m.rig, `select concat_ws(' ', chain, seq, kind, data) from ledger_entries
			where coalesce(array_length($1::int[], 1), 0) = 0 or chain = any($1::int[]) order by chain, seq`, numbers),
		list(m.rig, `select concat_ws(' ', id, kind, state, attempt, args, errors[array_upper(errors, 1)]->>'error') from river_job
			where state <> 'completed' order by id limit 40`)...), "\n")
}
