package hub_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What an accepted dossier costs in requests, when nothing is in the way.
func TestRequestsPerDossier(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.clock.advance(2 * time.Second) // a dossier as old as the ledger is looked for
	r.startPolled()
	r.accept(r.file("Le premier")) // leads to the root group and to our agent, once
	r.settled()

	costs := func(what string, act func(), ds, gitlab map[string]int) {
		t.Helper()
		r.DS.Faults().ResetCalls()
		r.GitLab.Faults().ResetCalls()
		act()
		r.settled()
		require.Equal(t, ds, calls(r.DS.Faults()), what)
		made := calls(r.GitLab.Faults())
		if made[putNote] == 2 {
			made[putNote] = 1 // it tells of the state first when the sandbox takes longer
		}
		require.Equal(t, gitlab, made, what)
	}
	var number int
	costs("filed", func() { number = r.file("Portail des agents") },
		map[string]int{"Dossier": 1, sendMessage: 1, "Annotate": 1}, map[string]int{postIssue: 1, postNote: 1})
	costs("in instruction", func() { r.act(r.DS.StartInstruction(number)) },
		map[string]int{"Dossier": 1}, map[string]int{putIssue: 1, putNote: 1})
	costs("accepted", func() { r.act(r.DS.Accept(number, "")) },
		map[string]int{"Dossier": 1, sendMessage: 1, "Annotate": 1},
		map[string]int{postGroup: 1, postProject: 1, postCommit: 1, postInvitation: 3, putIssue: 1, putNote: 1})
	costs("back in instruction", func() { r.act(r.DS.BackToInstruction(number)) },
		map[string]int{"Dossier": 1, "Annotate": 1}, map[string]int{putIssue: 1, putNote: 1})

	// The issue is updated once more when the archive comes after its note.
	r.GitLab.Faults().ResetCalls()
	r.act(r.DS.Refuse(number, motivation))
	r.settled()
	made := calls(r.GitLab.Faults())
	require.LessOrEqual(t, made[putNote], 2)
	delete(made, putNote)
	require.Equal(t, map[string]int{"POST /projects/:id/archive": 1, putIssue: 1}, made)
}
