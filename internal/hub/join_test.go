package hub_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

func follows(r *rig, number int) int {
	r.t.Helper()
	return count(r, "select coalesce(follows, 0) from dossiers where number = $1", number)
}

// qualified is a dossier of the first form that got its go.
func (r *rig) qualified(project string) int {
	r.t.Helper()
	number := r.prequalify(project)
	r.settled()
	r.orders(number, "/passerelle go")
	r.hooks += 2 // of what the hub changed in DS
	r.settled()
	return number
}

// Dossiers of the same applicant and project are proposed to the agents, who join them;
// they are not joined by themselves.
func TestJoin_Proposed(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	first := r.qualified("Portail des agents")
	stranger := r.prequalify("Autre projet")
	r.settled()
	second := r.file("PORTAIL des  agents")
	r.settled()
	require.Zero(t, follows(r, second))
	proposal := fmt.Sprintf("/passerelle rattacher %d", first)
	require.Contains(t, r.hubNote(second), proposal)
	require.NotContains(t, r.hubNote(second), fmt.Sprint(stranger))
	require.Equal(t, "opened", r.issueOf(first).State)

	r.orders(second, "/passerelle rattacher 999")
	require.Zero(t, follows(r, second))
	r.orders(second, proposal)
	require.Equal(t, first, follows(r, second))
	require.NotContains(t, r.hubNote(second), proposal)
	require.Equal(t, "closed", r.issueOf(first).State)
	require.Equal(t, []string{fmt.Sprintf(`{"by":"agent","follows":%d}`, first)}, r.data(second, "dossiers_joined"))
}

// A reference that is none of ours joins nothing, and the agents see it; one that its
// applicant corrects does.
func TestJoin_BadReference(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	first := r.qualified("Portail des agents")
	answers := demarches.ConsoleAccessAnswers("Portail")
	answers[demarches.FieldPrequalification] = fmt.Sprintf("CPN-%d-AAAAAAAA", first)
	second := r.fileAnswers(answers)
	r.settled()
	require.Zero(t, follows(r, second))
	require.Contains(t, r.hubNote(second), "référence saisie")

	require.NoError(t, r.DS.Edit(second, demarches.Answers{demarches.FieldPrequalification: " " + r.marks().Reference("CPN", int64(first))}))
	r.poll()
	r.settled()
	require.Equal(t, first, follows(r, second))
	require.NotContains(t, r.hubNote(second), "référence saisie")
}

// Labels say what commands say: whoever may not decide does not by a label either, a
// block is lifted by taking its label off, and go and no-go at once decide nothing.
func TestGates_ByLabel(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	number := r.file("Portail")
	r.settled()
	iid := r.issueOf(number).IID
	done := func(what string, n int) {
		t.Helper()
		r.eventually(what, func() bool {
			return count(r, "select count(*) from resources where kind = 'answer' and done_at is not null") == n
		})
		r.settled()
	}
	label := func(user, name string) {
		t.Helper()
		require.NoError(t, r.GitLab.AddLabel(stage.TrackingProject, iid, user, name))
	}

	label(stage.ServiceAgent, "bloqué")
	done("blocked", 1)
	require.Contains(t, r.issueOf(number).Labels, "bloqué")
	require.NoError(t, r.GitLab.RemoveLabel(stage.TrackingProject, iid, stage.ServiceAgent, "bloqué"))
	done("lifted", 2)
	require.NotContains(t, r.issueOf(number).Labels, "bloqué")
	require.Zero(t, count(r, "select count(*) from dossiers where standing->>'blocked' = 'true'"))

	r.GitLab.SetDispatch(func(gitlab.Delivery) []time.Duration { return nil })
	label(stage.ServiceAgent, "go")
	label(stage.ServiceAgent, "no-go")
	r.track()
	done("a contradiction", 4)
	require.ElementsMatch(t, []string{"étape::2", "état::déposé"}, r.issueOf(number).Labels)
	require.Equal(t, "en_construction", r.dossierState(number))
	require.Zero(t, count(r, "select count(*) from commands where verb in ('go', 'no-go')"))
}

// A no-go where the team may try again stays in its step; a label in DS shows the step.
func TestGates_NoGoAndAgain(t *testing.T) {
	t.Parallel()
	console := demarches.ConsoleAccessForm(tagged)
	console.Labels = []string{"Étape 2", "Étape 3", "Étape 4"}
	console.Path = "autre"
	r := setupStage(t, stage.Options{Forms: []demarches.Form{console}})
	form := *r.config.Journey.Demarche(stage.Form)
	form.Number, form.Path = tagged, "autre"
	form.Labels = map[int]string{2: "Étape 2", 3: "Étape 3", 4: "Étape 4"}
	r.config.Journey.Demarches = append(r.config.Journey.Demarches, form)
	require.Empty(t, r.config.Journey.Validate())
	r.start()
	number, err := r.DS.File(tagged, demarches.Application{
		Email: "camille.durand@example.org", Applicant: demarches.Applicant{FirstName: "Camille", LastName: "Durand"},
		Answers: demarches.ConsoleAccessAnswers("Portail"),
	})
	require.NoError(t, err)
	r.hooks++
	r.settled()
	labels := func() []string {
		view, _ := r.DS.Dossier(number)
		return view.Labels
	}
	require.Equal(t, []string{"Étape 2"}, labels())
	r.accept(number)
	r.settled()
	require.Equal(t, []string{"Étape 3"}, labels())

	r.orders(number, "/passerelle no-go Les tests échouent encore.")
	require.Equal(t, "accepte", r.dossierState(number), "DS's decision stands")
	require.Equal(t, 3, r.step(number))
	require.Contains(t, r.issueOf(number).Labels, "no-go")
	require.Equal(t, "opened", r.issueOf(number).State)
	require.Contains(t, r.lastMessage(number), "Les tests échouent encore.")
	require.False(t, r.project(r.groupOf(number)+"/bac-a-sable").Archived)

	r.orders(number, "/passerelle go")
	require.Equal(t, 4, r.step(number))
	require.NotContains(t, r.issueOf(number).Labels, "no-go")
	require.Equal(t, []string{"Étape 4"}, labels())
	require.Len(t, r.sent(number), 4)
	require.Contains(t, r.sent(number)[2], "no_go 3")
	require.Equal(t, "step 4", r.sent(number)[3])
}

// One decision passes one gate, however often and in however many ways it is given: what
// was given before the issue showed the next step meant the one before.
func TestGates_OneGoPassesOneGate(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	number := r.file("Portail")
	r.settled()
	r.accept(number)
	r.settled()
	require.Equal(t, 3, r.step(number))
	r.GitLab.SetDispatch(func(gitlab.Delivery) []time.Duration { return nil })
	first := r.comments(number, stage.ServiceAgent, "/passerelle go")
	second := r.comments(number, stage.TrackingMaintainer, "/passerelle go")
	require.NoError(t, r.GitLab.AddLabel(stage.TrackingProject, r.issueOf(number).IID, stage.ServiceAgent, "go"))
	r.track()
	r.answerTo(number, first)
	require.Contains(t, r.answerTo(number, second), "entre-temps")
	require.Equal(t, 4, r.step(number))
	require.NotContains(t, r.issueOf(number).Labels, "go")
	r.track()
	r.settled()
	require.Equal(t, 4, r.step(number))
}

// A check-up remains, each year.
func TestReminders_CheckUp(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	number := r.file("Portail")
	r.settled()
	r.accept(number)
	r.settled()
	r.orders(number, "/passerelle go")
	r.orders(number, "/passerelle go")
	require.Equal(t, 5, r.step(number))
	checkUps := func() int {
		return count(r, "select count(*) from resources where kind = 'reminder' and key like 'check_up %' and done_at is not null")
	}
	r.passes(300)
	r.remind()
	require.Zero(t, checkUps())
	for year := range 2 {
		r.passes(366)
		r.remind()
		r.remind()
		require.Equal(t, year+1, checkUps(), "once a year")
	}
}

const tagged = 4321

// The journey in English says the same.
func TestJourney_InEnglish(t *testing.T) {
	t.Parallel()
	r := setup(t)
	journey, err := config.LoadJourney("../../deploy/journey.example.en.yaml")
	require.NoError(t, err)
	r.config.Journey = journey
	r.start()
	number := r.file("Portail")
	r.settled()
	require.Contains(t, r.hubNote(number), "Step 2 of 5")
	require.Contains(t, r.orders(number, "/passerelle aide"), "/passerelle no-go")
	require.Contains(t, r.lastMessage(number), "Hello")
	r.orders(number, "/passerelle go")
	require.Equal(t, onboarding.Accepte, onboarding.State(r.dossierState(number)))
}
