package hub_test

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// The calls that follow from what agents decide in GitLab, and that show it in DS.
const (
	postReply   = "POST /projects/:id/issues/:iid/discussions/:discussion_id/notes"
	putProject  = "PUT /projects/:id"
	acceptCall  = "Accept"
	refuseCall  = "Refuse"
	classCall   = "Class"
	annotate    = "Annotate"
	addLabel    = "AddLabel"
	removeLabel = "RemoveLabel"
)

// inDS reports whether a call goes to DS.
func inDS(call string) bool { return !strings.Contains(call, " ") }

// plays are what agents do in GitLab, by the call of interest that follows from it. Each
// is told apart from what came before, and says what must be so in the end.
func plays() map[string]play {
	return map[string]play{
		instruct + " by go":   {call: instruct, act: decide("/passerelle go"), state: "accepte", stock: withAnswers(accepted(1), 1)},
		acceptCall:            {call: acceptCall, act: decide("/passerelle go"), state: "accepte", stock: withAnswers(accepted(1), 1)},
		refuseCall:            {call: refuseCall, act: decide("/passerelle no-go " + motivation), state: "refuse", stock: turnedDown},
		classCall:             {call: classCall, class: true, act: decide("/passerelle no-go " + motivation), state: "sans_suite", stock: turnedDown},
		sendMessage + " asks": {call: sendMessage, act: decide("/passerelle corriger Précisez l’hébergement."), state: "en_construction", stock: withAnswers(stock{Issues: 1, Notes: 1, Messages: 2}, 1)},
		postReply:             {call: postReply, act: decide("/passerelle bloquer en attente du budget"), state: "en_construction", stock: withAnswers(stock{Issues: 1, Notes: 1, Messages: 1}, 1)},
		postNote + " answers": {call: postNote, act: closeIssue, state: "en_construction", stock: stock{Issues: 1, Notes: 2, Messages: 1}},
		putIssue + " of go":   {call: putIssue, act: decide("/passerelle go"), state: "accepte", stock: withAnswers(accepted(1), 1)},
		annotate:              {call: annotate, act: decide("/passerelle go"), state: "accepte", stock: withAnswers(accepted(1), 1)},
		addLabel:              {call: addLabel, act: decide("/passerelle go"), state: "accepte", stock: withAnswers(accepted(1), 1)},
		removeLabel:           {call: removeLabel, act: decide("/passerelle go"), state: "accepte", stock: withAnswers(accepted(1), 1)},
		putProject: {
			call: putProject, before: []string{"/passerelle go", "/passerelle go"}, act: decide("/passerelle go"), state: "accepte",
			stock: func() stock { s := withAnswers(accepted(1), 3); s.Messages = 4; return s }(),
		},
	}
}

type play struct {
	call   string
	class  bool     // a no-go classes the dossier
	before []string // the commands that lead there
	act    func(r *rig, number int)
	state  string // in DS, in the end
	stock  stock
}

// turnedDown is the stock of a dossier that a no-go by comment turned down.
var turnedDown = stock{Issues: 1, Closed: 1, Notes: 3, Messages: 2}

func decide(text string) func(*rig, int) {
	return func(r *rig, number int) { r.comments(number, stage.ServiceAgent, text) }
}

func closeIssue(r *rig, number int) {
	require.NoError(r.t, r.GitLab.CloseIssue(stage.TrackingProject, r.issueOf(number).IID, stage.ServiceAgent))
}

// tags are the labels of the form in DS, by step.
var tags = map[int]string{2: "Étape 2", 3: "Étape 3", 4: "Étape 4", 5: "Étape 5"}

// prepare has the journey of the play.
func (p *play) prepare(r *rig) {
	r.t.Helper()
	for _, label := range tags {
		require.NoError(r.t, r.DS.CreateLabel(stage.Form, label))
	}
	r.config.Journey.Demarches[0].Labels = tags
	if p.class {
		r.config.Journey.Step(2).Gate.NoGo = onboarding.NoGoClass
	}
}

// begin files the dossier and gives the commands that come first.
func (p *play) begin(r *rig) (number int) {
	r.t.Helper()
	number = r.file("Portail des agents")
	r.settled()
	for _, text := range p.before {
		r.orders(number, text)
	}
	r.settled()
	return number
}

// ends asserts what must be so in the end: one answer to each comment or event, one
// message for each, the state as decided, and the same shown everywhere.
func (p *play) ends(r *rig, number int) {
	r.t.Helper()
	r.eventually("it is answered", func() bool {
		r.unhold()
		return count(r, "select count(*) from resources where kind = 'answer' and done_at is not null") == len(p.before)+1
	})
	r.eventually("it is in DS", func() bool { r.unhold(); return r.dossierState(number) == p.state })
	r.settledUnheld()
	r.poll() // what the hub changed in DS
	r.settledUnheld()
	r.sound(p.stock)
	for _, key := range list(r, "select key from resources where kind = 'answer'") {
		r.answersOn(number, key)
	}
	sent := r.sent(number)
	require.Len(r.t, sent, p.stock.Messages)
	step := r.step(number)
	view, _ := r.DS.Dossier(number)
	require.Equal(r.t, []string{tags[step]}, view.Labels)
	require.Contains(r.t, r.issueOf(number).Labels, fmt.Sprintf("étape::%d", step))
	require.Contains(r.t, fmt.Sprint(r.data(number, "annotations_written")), fmt.Sprintf(`"step":%d`, step))
}

// Whatever becomes of a call that follows from what an agent did in GitLab: one answer,
// one message, and the state as decided.
//
// Each call meets two of the eight losses, and each loss three of the calls; -all-losses
// (make losses) tries them all.
func TestGateLosses(t *testing.T) {
	t.Parallel()
	for i, what := range slices.Sorted(maps.Keys(plays())) {
		for k, how := range slices.Sorted(maps.Keys(losses())) {
			if !*allLosses && (i+k)%4 != 0 {
				continue
			}
			play, loss := plays()[what], losses()[how]
			t.Run(what+"/"+how, func(t *testing.T) {
				t.Parallel()
				r := setup(t).lossy()
				play.prepare(r)
				r.start()
				number := play.begin(r)
				rule, struck := once(loss)
				r.lose(play.call, rule)
				play.act(r, number)
				r.received("the call", struck)
				play.ends(r, number)
			})
		}
	}
}

// kill -9 where a call had its effect or had none, and its outcome is not stored: one of
// the two for each call, both with -all-losses.
func TestGateKillNine(t *testing.T) {
	t.Parallel()
	deaths := map[string]fault.Rule{"with effect": {Kind: fault.Hang}, "without effect": {Kind: fault.Slow, Delay: lossDelay}}
	for i, what := range slices.Sorted(maps.Keys(plays())) {
		for k, how := range slices.Sorted(maps.Keys(deaths)) {
			if !*allLosses && (i+k)%2 != 0 {
				continue
			}
			play, loss := plays()[what], deaths[how]
			t.Run(what+"/"+how, func(t *testing.T) {
				t.Parallel()
				r := setup(t).lossy()
				r.timing.CallTimeout = 2 * lossDelay
				play.prepare(r)
				child := r.startChild()
				number := play.begin(r)
				rule, struck := once(loss)
				r.lose(play.call, rule)
				play.act(r, number)
				r.received("the call", struck)
				if loss.Kind == fault.Hang {
					faults := r.GitLab.Faults()
					if inDS(play.call) {
						faults = r.DS.Faults()
					}
					require.NoError(t, faults.WaitFired(r.ctx, fault.Hang, 1))
				}
				r.eventually("no webhook is on its way", r.gitlabDelivered)
				require.NoError(t, child.Process.Kill())
				require.Error(t, child.Wait())
				r.expire()
				r.start()
				play.ends(r, number)
			})
		}
	}
}

// A reminder to the agents, and one to the applicant, is given once.
func TestReminderLosses(t *testing.T) {
	t.Parallel()
	for how, loss := range losses() {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			r := setup(t).lossy()
			r.start()
			waiting, theirs := r.file("Portail des agents"), r.file("Un autre")
			r.settled()
			r.accept(theirs)
			r.settled()
			want := r.stock()
			loss.Times = 1
			r.lose(postNote, loss)
			r.lose(sendMessage, loss)
			now := r.clock.now()
			r.clock.advance(r.config.Journey.Reminders.Due(now, 12).Add(time.Minute).Sub(now)) // in working hours
			r.wake()
			r.eventually("both are reminded", func() bool {
				return count(r, "select count(*) from resources where key like 'reminder %' and done_at is not null") == 2
			})
			r.settledUnheld()
			want.Notes++
			want.Messages++
			r.sound(want)
			require.Len(t, r.data(waiting, "reminder_given"), 1)
			require.Contains(t, strings.Join(r.sent(theirs), " "), "reminder")
		})
	}
}

// wake has the hub look for reminders that are due.
func (r *rig) wake() {
	r.t.Helper()
	client, err := jobs.NewClient(jobs.Options{Pool: r.pool, InsertOnly: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(r.t, err)
	_, err = client.Insert(r.ctx, jobs.Remind{}, nil)
	require.NoError(r.t, err)
}
