package hub_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

func TestAccepted(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()

	number := r.file("Portail des agents")
	r.sound(stock{Issues: 1, Notes: 1, Messages: 1})
	issue := r.issueOf(number)
	require.Equal(t, []string{"étape::2", "état::déposé"}, issue.Labels)
	require.Equal(t, "opened", issue.State)
	require.Contains(t, issue.Title, "Portail des agents")
	require.Equal(t, 5, strings.Count(issue.Description, "### Étape "))
	require.NotZero(t, strings.Count(issue.Description, "- [ ] "))
	require.NoError(t, r.GitLab.AddGroupMember("programme", stage.User, gitlab.Owner))
	require.NoError(t, r.GitLab.TickBox(stage.TrackingProject, issue.IID, stage.User, "diagnostic flash"))
	ticked := r.issueOf(number).Description

	r.act(r.DS.StartInstruction(number))
	r.sound(stock{Issues: 1, Notes: 1, Messages: 1})
	require.Equal(t, []string{"étape::2", "état::en instruction"}, r.issueOf(number).Labels)

	r.act(r.DS.Accept(number, ""))
	r.sound(accepted(1))

	group := r.groupOf(number)
	require.Equal(t, stage.RootGroup+"/direction-du-numerique-portail-des-agents", group)
	sandbox := r.project(group + "/bac-a-sable")
	require.Equal(t, "Bac à sable", sandbox.Name)
	require.Equal(t, "main", sandbox.DefaultBranch)
	require.Equal(t, ".gitlab-ci-dso.yml", sandbox.CIConfigPath)
	files := r.GitLab.Files(sandbox.FullPath)
	require.Len(t, files, 5)
	require.Contains(t, files["Dockerfile"], "USER 65532")
	require.Contains(t, files["README.md"], "Portail des agents")
	require.Contains(t, files["index.html"], "Portail des agents")
	require.Contains(t, files[".gitlab-ci-dso.yml"], "kaniko")

	levels := map[string]int{}
	for _, invitation := range r.GitLab.Invitations(group) {
		levels[invitation.Email] = invitation.AccessLevel
	}
	require.Equal(t, map[string]int{
		"camille.martin@interieur.example": gitlab.Maintainer,
		"alex.petit@interieur.example":     gitlab.Developer,
		"sacha.durand@interieur.example":   gitlab.Developer,
		"camille.durand@example.org":       gitlab.Reporter,
	}, levels)

	issue = r.issueOf(number)
	require.Equal(t, []string{"étape::3", "état::accepté"}, issue.Labels)
	require.Equal(t, "opened", issue.State)
	require.Equal(t, ticked, issue.Description, "the description is the agents'")
	require.Contains(t, r.noteOn(issue), group+"/bac-a-sable")
	messages := r.messages(number)
	require.Contains(t, messages[0].Body, "bien reçu")
	require.Contains(t, messages[1].Body, group+"/bac-a-sable")

	kinds := r.kinds(number)
	// The note and the annotations are written again when something is told later.
	require.Subset(t, kinds, []string{"note_written", "annotations_written"})
	require.ElementsMatch(t, []string{
		"dossier_seen", "message_sent", "issue_opened", "state_changed", "issue_updated", "state_changed", "step_changed",
		"group_created", "project_created", "files_committed", "members_invited", "members_invited", "members_invited",
		"issue_updated", "message_sent", "eligibility_assessed", "gate_decided",
	}, slices.DeleteFunc(slices.Clone(kinds), func(kind string) bool { return kind == "note_written" || kind == "annotations_written" }))
	made := slices.DeleteFunc(kinds, func(kind string) bool {
		return !slices.Contains([]string{"dossier_seen", "group_created", "project_created", "files_committed"}, kind)
	})
	require.Equal(t, []string{"dossier_seen", "group_created", "project_created", "files_committed"}, made)
	require.Equal(t, []string{"received", "accepted 1"}, r.sent(number))
	view, _ := r.DS.Dossier(number)
	require.Equal(t, demarches.Accepte, view.State)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, decide := range map[string]func(*rig, int) error{
		"refuse":     func(r *rig, number int) error { return r.DS.Refuse(number, motivation) },
		"sans suite": func(r *rig, number int) error { return r.DS.Class(number, motivation) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.start()
			number := r.file("Portail des agents")
			r.settled()
			r.act(r.DS.StartInstruction(number))
			r.settled()
			r.act(decide(r, number))
			r.sound(stock{Issues: 1, Closed: 1, Notes: 1, Messages: 2})

			issue := r.issueOf(number)
			require.ElementsMatch(t, []string{"étape::2", "état::" + strings.Replace(name, "refuse", "refusé", 1), "no-go"}, issue.Labels)
			require.Contains(t, r.noteOn(issue), "Le projet relève d’une autre offre")
			require.Contains(t, r.messages(number)[1].Body, motivation)
			require.Equal(t, []string{"received", "refused 1"}, r.sent(number))
		})
	}
}

// A dossier that is decided before the hub ever saw it gets its answer, and neither
// an issue nor a sandbox.
func TestFirstSeenRefused(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	number := r.file("Portail des agents", demarches.WithoutWebhook())
	r.quietly(r.DS.StartInstruction(number, demarches.WithoutWebhook()))
	r.act(r.DS.Refuse(number, motivation))
	r.sound(stock{Messages: 1})
	require.Equal(t, []string{"refused 1"}, r.sent(number))
	require.Equal(t, []string{"dossier_seen", "eligibility_assessed", "gate_decided", "message_sent", "annotations_written"}, r.kinds(number))
}

func TestAcceptedRefusedAccepted(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	number := r.file("Portail des agents")
	r.settled()
	r.accept(number)
	r.sound(accepted(1))

	r.turnDown(number)
	refused := accepted(1)
	refused.Archived, refused.Closed, refused.Messages = 1, 1, 3
	r.sound(refused)
	require.Contains(t, r.noteOn(r.issueOf(number)), "lecture seule")
	require.Contains(t, r.kinds(number), "project_archived")

	// The team's work of the meantime stays.
	r.act(r.DS.BackToInstruction(number))
	r.act(r.DS.Accept(number, ""))
	again := accepted(1)
	again.Messages = 4
	r.sound(again)
	require.Equal(t, []string{"étape::3", "état::accepté"}, r.issueOf(number).Labels)
	require.NotContains(t, r.noteOn(r.issueOf(number)), "lecture seule")
	require.Equal(t, []string{"received", "accepted 1", "refused 2", "accepted 3"}, r.sent(number))
	require.Contains(t, r.kinds(number), "project_activated")

	// A decision that comes out the same is one more decision.
	r.act(r.DS.BackToInstruction(number))
	r.settled()
	r.act(r.DS.Accept(number, ""))
	again.Messages = 5
	r.sound(again)
}

// Going back works wherever it comes, and undoes nothing that was made.
func TestGoingBack(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	number := r.file("Portail des agents")
	r.settled()

	r.act(r.DS.StartInstruction(number))
	r.settled()
	r.act(r.DS.BackToConstruction(number))
	r.sound(stock{Issues: 1, Notes: 1, Messages: 1})
	require.Equal(t, []string{"étape::2", "état::déposé"}, r.issueOf(number).Labels)

	r.accept(number)
	r.sound(accepted(1))
	r.act(r.DS.BackToInstruction(number))
	r.sound(accepted(1))
	require.Equal(t, []string{"étape::2", "état::en instruction"}, r.issueOf(number).Labels)

	// Even under another name, the sandbox is the one that it has.
	r.act(r.DS.BackToConstruction(number))
	r.quietly(r.DS.Edit(number, demarches.Answers{demarches.FieldProjectName: "Un autre nom"}))
	r.settled()
	r.accept(number)
	again := accepted(1)
	again.Messages = 3
	r.sound(again)
	require.Equal(t, []string{"received", "accepted 1", "accepted 2"}, r.sent(number))

	r.turnDown(number)
	r.settled()
	r.act(r.DS.BackToInstruction(number))
	again.Messages, again.Archived = 4, 1
	r.sound(again) // archived until it is accepted again
	require.Equal(t, "opened", r.issueOf(number).State)
}

func TestDeleted(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.startPolled()
	trashed, purged, restored, unseen := r.file("Corbeille"), r.file("Supprimé"), r.file("Restauré"), r.file("Jamais vu", demarches.WithoutWebhook())
	r.settled()
	for _, number := range []int{trashed, purged, restored, unseen} {
		r.quietly(r.DS.Delete(number))
	}
	r.poll()
	open := stock{Issues: 3, Notes: 3, Messages: 3}
	r.sound(open) // what is in the bin can come back
	for _, number := range []int{trashed, purged, restored} {
		require.Contains(t, r.kinds(number), "dossier_trashed")
	}

	r.quietly(r.DS.Purge(purged))
	r.quietly(r.DS.Purge(unseen))
	r.quietly(r.DS.Restore(restored))
	r.poll()
	r.poll() // says nothing new
	open.Closed = 1
	r.sound(open)
	require.Equal(t, "closed", r.issueOf(purged).State)
	require.ElementsMatch(t, []string{"étape::2", "état::supprimé"}, r.issueOf(purged).Labels)
	after := func(number int) []string {
		kinds := r.kinds(number)
		return kinds[slices.Index(kinds, "dossier_trashed"):]
	}
	require.Equal(t, []string{"dossier_trashed", "dossier_deleted", "issue_updated", "note_written"}, after(purged))
	require.Equal(t, []string{"dossier_trashed"}, after(trashed))
	require.Equal(t, []string{"dossier_trashed", "dossier_restored"}, after(restored))
	require.Empty(t, r.kinds(unseen))

	r.accept(restored)
	open.Groups, open.Projects, open.Commits, open.Invitations, open.Messages = 1, 1, 1, 4, 4
	r.sound(open)
}

// A dossier deleted after its acceptance keeps its sandbox.
func TestDeletedAfterAcceptance(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	number := r.file("Portail des agents")
	r.accept(number)
	r.settled()
	r.quietly(r.DS.Delete(number))
	r.quietly(r.DS.Purge(number))
	r.poll()
	want := r.stock()
	want.Closed = 1
	r.sound(want)
	require.Equal(t, 1, want.Projects)
	require.Zero(t, want.Archived)
}

// instruct_on_receipt takes a dossier up once, and leaves it alone when an agent gave
// it back.
func TestInstructOnReceipt(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.config.Journey.DSTransitions = onboarding.InstructOnReceipt
	r.start()
	number := r.file("Portail des agents")
	r.hooks++ // of the hub's own act
	r.sound(stock{Issues: 1, Notes: 1, Messages: 1})
	state := func() demarches.State {
		view, _ := r.DS.Dossier(number)
		return view.State
	}
	require.Equal(t, demarches.EnInstruction, state())
	require.Contains(t, r.kinds(number), "instruction_begun")
	require.Equal(t, []string{"étape::2", "état::en instruction"}, r.issueOf(number).Labels)

	r.act(r.DS.BackToConstruction(number))
	r.settled()
	r.quietly(r.DS.Edit(number, demarches.Answers{demarches.FieldServices: 12}))
	r.poll()
	r.sound(stock{Issues: 1, Notes: 1, Messages: 1})
	require.Equal(t, demarches.EnConstruction, state())
	require.Equal(t, 1, r.DS.Faults().Calls()["StartInstruction"])
}
