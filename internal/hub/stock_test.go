package hub_test

import (
	"maps"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// stock counts what GitLab and DS hold because of the hub, and of strangers that
// the test put below the root group.
type stock struct {
	Groups, Projects, Archived, Commits, Invitations int
	Issues, Closed, Notes                            int
	Messages                                         int
}

// each is the stock of n dossiers that were accepted at once.
func accepted(n int) stock {
	return stock{Groups: n, Projects: n, Commits: n, Invitations: 4 * n, Issues: n, Notes: n, Messages: 2 * n}
}

func (r *rig) stock() stock {
	var s stock
	r.GitLab.Read(func(v gitlab.View) {
		for _, group := range v.Groups() {
			if below(group.FullPath) {
				s.Groups++
				s.Invitations += len(v.Invitations(group.FullPath))
			}
		}
		for _, project := range v.Projects() {
			if !below(project.FullPath) {
				continue
			}
			s.Projects++
			s.Commits += v.Commits(project.FullPath)
			if project.Archived {
				s.Archived++
			}
		}
		for _, issue := range v.Issues(stage.TrackingProject) {
			s.Issues++
			if issue.State == "closed" {
				s.Closed++
			}
			for _, note := range v.Notes(stage.TrackingProject, issue.IID) {
				if !note.System {
					s.Notes++
				}
			}
		}
	})
	for _, dossier := range r.DS.Dossiers() {
		s.Messages += len(r.messages(dossier.Number))
	}
	return s
}

func below(path string) bool { return strings.HasPrefix(path, stage.RootGroup+"/") }

// openIntents are the intents without an outcome.
const openIntents = "select dossier || ' ' || kind || ' ' || key from resources where intent_at is not null and done_at is null"

// sound waits until everything is settled, and asserts what both services hold and
// what is true of every hub that is done: nothing is public, nothing that was typed
// was executed, every intent has its outcome, the ledger verifies. failed are the
// kinds of jobs of which one or more must have failed for good.
func (r *rig) sound(want stock, failed ...string) {
	r.t.Helper()
	r.settled()
	require.Equal(r.t, want, r.stock())

	require.ElementsMatch(r.t, failed,
		list(r, "select distinct kind::text from river_job where state in ('cancelled', 'discarded')"), "jobs that failed for good")
	require.Empty(r.t, list(r, openIntents), "open intents")
	require.Empty(r.t, list(r, "select dossier || ' ' || purpose from leases"), "leases")
	_, _, err := ledger.New(r.pool).Verify(r.ctx, func(broken *ledger.BrokenChain) { r.t.Error(broken) })
	require.NoError(r.t, err)

	r.GitLab.Read(func(v gitlab.View) {
		for _, group := range v.Groups() {
			if below(group.FullPath) {
				require.Equal(r.t, gitlab.Private, group.Visibility)
			}
		}
		for _, project := range v.Projects() {
			require.Equal(r.t, gitlab.Private, project.Visibility)
		}
		for _, issue := range v.Issues(stage.TrackingProject) {
			require.True(r.t, issue.Confidential)
			require.False(r.t, issue.Locked)
			require.Empty(r.t, issue.AssigneeIDs)
			require.Empty(r.t, issue.DueDate)
		}
		require.Empty(r.t, v.QuickActions())
		require.Empty(r.t, v.Mentions())
	})
}

// issueOf is a dossier's tracking issue.
func (r *rig) issueOf(number int) gitlab.Issue {
	r.t.Helper()
	iid := count(r, "select external_id::int from resources where kind = 'issue' and dossier = $1", number)
	for _, issue := range r.GitLab.Issues(stage.TrackingProject) {
		if issue.IID == iid {
			return issue
		}
	}
	require.FailNow(r.t, "no issue")
	return gitlab.Issue{}
}

// noteOn is the text of the one comment on an issue.
func (r *rig) noteOn(issue gitlab.Issue) string {
	r.t.Helper()
	notes := slices.DeleteFunc(r.GitLab.Notes(stage.TrackingProject, issue.IID), func(n gitlab.Note) bool { return n.System })
	require.Len(r.t, notes, 1)
	return notes[0].Body
}

// sandboxOf is the full path of a dossier's group.
func (r *rig) groupOf(number int) string {
	r.t.Helper()
	paths := list(r, "select path from resources where kind = 'group' and dossier = $1", number)
	require.Len(r.t, paths, 1)
	return paths[0]
}

func (r *rig) project(path string) gitlab.Project {
	r.t.Helper()
	for _, project := range r.GitLab.Projects() {
		if project.FullPath == path {
			return project
		}
	}
	require.FailNow(r.t, "no project at "+path)
	return gitlab.Project{}
}

// messages are those that the hub sent to a dossier's applicant.
func (r *rig) messages(number int) []demarches.Message {
	return slices.DeleteFunc(r.DS.Messages(number), func(m demarches.Message) bool {
		return m.Automatic || m.From != stage.Agent
	})
}

// sent are the kinds and rounds of the messages that the ledger says were sent.
func (r *rig) sent(number int) []string {
	r.t.Helper()
	return list(r, "select data::jsonb->>'message' from ledger_entries where kind = 'message_sent' and chain = $1 order by seq", number)
}

// kinds are the kinds of a dossier's ledger entries, in order.
func (r *rig) kinds(number int) []string {
	r.t.Helper()
	return list(r, "select kind from ledger_entries where chain = $1 order by seq", number)
}

// calls are the requests that a service counted since it was last asked to forget.
func calls(faults interface{ Calls() map[string]int }) map[string]int {
	all := faults.Calls()
	maps.DeleteFunc(all, func(_ string, n int) bool { return n == 0 })
	return all
}
