package hub_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
)

// The calls that bring something into being.
const (
	postGroup      = "POST /groups"
	postProject    = "POST /projects"
	postCommit     = "POST /projects/:id/repository/commits"
	postInvitation = "POST /groups/:id/invitations"
	postIssue      = "POST /projects/:id/issues"
	postNote       = "POST /projects/:id/issues/:iid/notes"
	putIssue       = "PUT /projects/:id/issues/:iid"
	putNote        = "PUT /projects/:id/issues/:iid/notes/:note_id"
	archive        = "POST /projects/:id/archive"
	unarchive      = "POST /projects/:id/unarchive"
	sendMessage    = "SendMessage"
	instruct       = "StartInstruction"
)

func creatingCalls() []string {
	return []string{postGroup, postProject, postCommit, postInvitation, postIssue, postNote, sendMessage}
}

// losses are the ways in which the answer to a call, or the call itself, is lost.
func losses() map[string]fault.Rule {
	return map[string]fault.Rule{
		"before the effect, cut off":           {Kind: fault.ResetBefore},
		"before the effect, 503":               {Kind: fault.Status, Status: http.StatusServiceUnavailable},
		"before the effect, slow":              {Kind: fault.Slow, Delay: lossDelay},
		"after the effect, cut off":            {Kind: fault.ResetAfter},
		"after the effect, no answer":          {Kind: fault.Hang},
		"after the effect, 502":                {Kind: fault.StatusAfter, Status: http.StatusBadGateway},
		"the effect comes when we are gone":    {Kind: fault.LateEffect, Delay: lossDelay},
		"the effect comes when we tried again": {Kind: fault.LateEffect, Delay: lossDelay + lossTimeout},
	}
}

func (r *rig) lose(call string, rule fault.Rule) {
	rule.Operation = call
	if inDS(call) {
		r.DS.Faults().Add(rule)
		return
	}
	r.GitLab.Faults().Add(rule)
}

// Whatever becomes of a call, there is one of each at the end.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for name, loss := range losses() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t).lossy()
			r.start()
			loss.Times = 1
			for _, call := range creatingCalls() {
				r.lose(call, loss)
			}
			number := r.file("Portail des agents")
			r.settled()
			r.lose(sendMessage, loss) // the next one, too
			r.accept(number)
			r.sound(accepted(1))
			require.Equal(t, len(creatingCalls())-1, r.GitLab.Faults().Fired()[loss.Kind])
			require.Equal(t, 2, r.DS.Faults().Fired()[loss.Kind])
			require.Equal(t, []string{"received", "accepted 1"}, r.sent(number))
			for _, kind := range []string{"group_created", "project_created", "files_committed", "issue_opened"} {
				require.Equal(t, 1, strings.Count(strings.Join(r.kinds(number), " "), kind), kind)
			}
		})
	}
}

// The same when two calls in a row are lost, each in its own way.
func TestLostAnswersTwice(t *testing.T) {
	t.Parallel()
	for _, call := range creatingCalls() {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			r := setup(t).lossy()
			r.start()
			r.lose(call, fault.Rule{Kind: fault.LateEffect, Delay: lossDelay, Times: 1})
			r.lose(call, fault.Rule{Kind: fault.ResetAfter, Times: 1})
			number := r.file("Portail des agents")
			r.settled()
			r.accept(number)
			r.sound(accepted(1))
		})
	}
}

// The dates of a hold, an issue's labels and an archive come out the same when they
// are set twice.
func TestLostUpdates(t *testing.T) {
	t.Parallel()
	for name, loss := range losses() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t).lossy()
			r.start()
			number := r.file("Portail des agents")
			r.settled()
			loss.Times = 1
			r.lose(putIssue, loss)
			r.lose(putNote, loss)
			r.lose(archive, loss)
			r.lose(unarchive, loss)
			r.accept(number)
			r.settled()
			r.turnDown(number)
			want := accepted(1)
			want.Archived, want.Closed, want.Messages = 1, 1, 3
			r.sound(want)

			r.act(r.DS.BackToInstruction(number))
			r.act(r.DS.Accept(number, ""))
			want.Archived, want.Closed, want.Messages = 0, 0, 4
			r.sound(want)
			require.Equal(t, []string{"étape::3", "état::accepté"}, sorted(r.issueOf(number).Labels))
			require.Equal(t, 4, r.GitLab.Faults().Fired()[loss.Kind])
		})
	}
}

func sorted(texts []string) []string {
	texts = slices.Clone(texts)
	slices.Sort(texts)
	return texts
}

// A change of state that DS made although its answer was lost is no failure: DS's state
// is what counts.
func TestLostTransitions(t *testing.T) {
	t.Parallel()
	for name, loss := range losses() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t).lossy()
			r.config.Journey.DSTransitions = onboarding.InstructOnReceipt
			r.start()
			loss.Times = 1
			r.lose(instruct, loss)
			number := r.file("Portail des agents")
			r.hooks++ // the transition's own
			require.NoError(t, r.DS.Faults().WaitFired(r.ctx, loss.Kind, 1))
			r.sound(stock{Issues: 1, Notes: 1, Messages: 1})
			view, _ := r.DS.Dossier(number)
			require.EqualValues(t, onboarding.EnInstruction, view.State)
		})
	}
}
