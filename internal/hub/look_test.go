package hub_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
)

// The look for what a lost call may have made fails, too: that is no reason to
// believe that it made nothing.
func TestLookFails(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]fault.Rule{
		"503": {Kind: fault.Status, Times: 2},
		"429": {Kind: fault.Throttle, Times: 1},
		"cut": {Kind: fault.ResetBefore, Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t).lossy()
			r.start()
			for _, call := range []string{postIssue, postNote, sendMessage} {
				r.lose(call, fault.Rule{Kind: fault.ResetAfter, Times: 1})
			}
			r.lose("GET /projects/:id/issues", failure)
			r.lose("GET /projects/:id/issues/:iid/notes", failure)
			failure.Operation = "FindMessage"
			r.DS.Faults().Add(failure)
			number := r.file("Portail des agents")
			r.settledUnheld()
			r.accept(number)
			r.settledUnheld()
			r.sound(accepted(1))
			require.Equal(t, 2*failure.Times, r.GitLab.Faults().Fired()[failure.Kind])
			require.Equal(t, failure.Times, r.DS.Faults().Fired()[failure.Kind])
		})
	}
	t.Run("for what is no longer wanted", func(t *testing.T) {
		t.Parallel()
		r := setup(t).lossy()
		r.start()
		number := r.file("Portail des agents")
		r.settled()
		rule, struck := once(fault.Rule{Kind: fault.Hang})
		r.lose(postGroup, rule)
		r.lose("GET /groups/:id", fault.Rule{Kind: fault.Status, Times: 2, Skip: 1}) // the root group is found first
		r.accept(number)
		r.received("the group", struck)
		r.turnDown(number)
		r.sound(stock{Groups: 1, Issues: 1, Closed: 1, Notes: 1, Messages: 2})
		require.Equal(t, 1, count(r, "select count(*) from resources where kind = 'group' and done_at is not null"), "an orphan")
	})
}

// An old change that comes late does not undo a newer one.
func TestOldChangeComesLate(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]string{
		"archive": "POST /projects/:id/archive", "labels": putIssue, "note": putNote,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t).lossy()
			r.start()
			number := r.file("Portail des agents")
			r.settled()
			r.accept(number)
			r.settled()
			rule, struck := once(fault.Rule{Kind: fault.LateEffect, Delay: lossMargin - 100*time.Millisecond})
			r.act(r.DS.BackToInstruction(number))
			r.settled()
			r.lose(late, rule)
			r.act(r.DS.Refuse(number, motivation))
			r.received("the change", struck)
			r.act(r.DS.BackToInstruction(number))
			r.act(r.DS.Accept(number, ""))
			r.settled()
			require.NoError(t, r.GitLab.Faults().WaitFired(r.ctx, fault.LateEffect, 1))
			want := accepted(1)
			want.Messages = len(r.messages(number))
			r.sound(want)
			require.Equal(t, []string{"étape::3", "état::accepté"}, sorted(r.issueOf(number).Labels))
			require.NotContains(t, r.noteOn(r.issueOf(number)), "lecture seule")
		})
	}
}
