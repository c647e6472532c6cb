package hub_test

import (
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// comments has somebody comment on the dossier's issue, and returns the comment's id.
func (r *rig) comments(number int, user, body string) int {
	r.t.Helper()
	iid := r.issueOf(number).IID
	require.NoError(r.t, r.GitLab.Comment(stage.TrackingProject, iid, user, body))
	last := 0
	for _, note := range r.GitLab.Notes(stage.TrackingProject, iid) {
		if note.Author == user {
			last = max(last, note.ID)
		}
	}
	return last
}

// track has the hub list the tracking issues now, and waits until it has.
func (r *rig) track() {
	r.t.Helper()
	client, err := jobs.NewClient(jobs.Options{Pool: r.pool, InsertOnly: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(r.t, err)
	inserted, err := client.Insert(r.ctx, jobs.TrackIssues{}, nil)
	require.NoError(r.t, err)
	r.eventually("the tracking issues are listed", func() bool {
		return count(r, "select count(*) from river_job where state = 'completed' and id = $1", inserted.Job.ID) == 1
	})
}

// orders has an agent comment, waits for the hub's answer in the thread and until all
// that follows is done, and returns the answer.
func (r *rig) orders(number int, command string) string {
	r.t.Helper()
	return r.answerTo(number, r.comments(number, stage.ServiceAgent, command))
}

// answerTo waits for the hub's answer to a comment, and until nothing is left to do.
func (r *rig) answerTo(number, note int) string {
	r.t.Helper()
	r.answers(number, fmt.Sprintf("note %d", note))
	r.settled()
	return r.answersOn(number, fmt.Sprintf("note %d", note))
}

// answers waits until a comment or an event was answered.
func (r *rig) answers(number int, command string) {
	r.t.Helper()
	r.eventually("an answer to "+command, func() bool {
		return count(r, "select count(*) from resources where dossier = $1 and kind = 'answer' and key = $2 and done_at is not null", number, command) == 1
	})
}

// answersOn is the one answer to a comment or an event.
func (r *rig) answersOn(number int, command string) string {
	r.t.Helper()
	mark := r.marks().Mark(int64(number), onboarding.AnswerKey(command))
	var found []string
	for _, note := range r.GitLab.Notes(stage.TrackingProject, r.issueOf(number).IID) {
		if note.Author == stage.User && strings.Contains(note.Body, mark) {
			found = append(found, note.Body)
		}
	}
	require.Len(r.t, found, 1, "answers to %s", command)
	return found[0]
}

func (r *rig) marks() onboarding.Marks { return onboarding.NewMarks(r.config.MarkKey) }

// lastOf is the id of the last thing that somebody did: of the last command of a source.
func (r *rig) lastOf(number int, source onboarding.Source) string {
	r.t.Helper()
	return fmt.Sprintf("%s %d", source, count(r, "select coalesce(max(id), 0) from commands where dossier = $1 and source = $2", number, string(source)))
}

// dossierState is the dossier's state in DS.
func (r *rig) dossierState(number int) string {
	view, _ := r.DS.Dossier(number)
	return string(view.State)
}

func (r *rig) step(number int) int {
	r.t.Helper()
	return count(r, "select step from dossiers where number = $1", number)
}

// hubNote is the hub's one note on the dossier's issue.
func (r *rig) hubNote(number int) string {
	r.t.Helper()
	mark := r.marks().Mark(int64(number), onboarding.NoteKey)
	var found []string
	for _, note := range r.GitLab.Notes(stage.TrackingProject, r.issueOf(number).IID) {
		if note.Author == stage.User && strings.Contains(note.Body, mark) {
			found = append(found, note.Body)
		}
	}
	require.Len(r.t, found, 1)
	return found[0]
}

// lastMessage is the hub's last message to the applicant.
func (r *rig) lastMessage(number int) string {
	r.t.Helper()
	messages := r.messages(number)
	require.NotEmpty(r.t, messages)
	return messages[len(messages)-1].Body
}

// unmet files a form of a team that lacks a hard prerequisite.
func (r *rig) unmet(project string) int {
	r.t.Helper()
	answers := demarches.ConsoleAccessAnswers(project)
	answers[demarches.FieldStateless] = false
	return r.fileAnswers(answers)
}

// prequalify files the first form.
func (r *rig) prequalify(project string) int {
	r.t.Helper()
	number, err := r.DS.File(stage.Prequalification, demarches.Application{
		Email: "camille.durand@example.org", Applicant: demarches.Applicant{FirstName: "Camille", LastName: "Durand"},
		Answers: demarches.PrequalificationAnswers(project),
	})
	require.NoError(r.t, err)
	r.hooks++
	return number
}

// One team's journey from the first form to the last step, decided in GitLab: what an
// agent writes there ends in DS, and each step tells the applicant.
func TestGates_WholeJourney(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	first := r.prequalify("Portail des agents")
	r.settled()
	require.Equal(t, 1, r.step(first))
	require.Contains(t, r.issueOf(first).Labels, "étape::1")

	require.Contains(t, r.orders(first, "/passerelle go"), "go à l’étape 1")
	require.Equal(t, "accepte", r.dossierState(first))
	r.hooks += 2 // of what the hub changed in DS
	require.Equal(t, 2, r.step(first))
	message := r.lastMessage(first)
	link, err := url.Parse(regexp.MustCompile(`http\S+/commencer/\S+`).FindString(message))
	require.NoError(t, err)
	require.Less(t, len(link.String()), 2000)
	require.Contains(t, link.Path, "cloud-pi-native")

	answers := demarches.ConsoleAccessAnswers("Portail des agents")
	reference := r.marks().Reference("CPN", int64(first))
	require.Contains(t, message, reference)
	require.Contains(t, link.Query(), "champ_"+strings.TrimRight(demarches.ChampID(demarches.FieldPrequalification), "="))
	answers[demarches.FieldPrequalification] = reference
	second := r.fileAnswers(answers)
	r.settled()
	require.Equal(t, 2, r.step(second))
	require.Equal(t, first, count(r, "select follows from dossiers where number = $1", second))
	r.eventually("the first issue leads to the second", func() bool { return r.issueOf(first).State == "closed" })
	r.settled()
	require.Contains(t, r.hubNote(first), fmt.Sprintf("/-/issues/%d", r.issueOf(second).IID))
	shown, _ := r.DS.Dossier(first)
	require.Contains(t, shown.Annotations[351], fmt.Sprintf("Se poursuit avec le dossier n° %d", second))
	require.Contains(t, r.hubNote(second), fmt.Sprintf("/-/issues/%d", r.issueOf(first).IID))

	require.Contains(t, r.orders(second, "Tout est en ordre.\n\n/passerelle go"), "go à l’étape 2")
	require.Equal(t, "accepte", r.dossierState(second))
	require.Equal(t, []string{"received", "accepted 1"}, r.sent(second))
	project := r.groupOf(second) + "/bac-a-sable"
	require.Equal(t, []string{"provisoire"}, r.project(project).Topics)
	require.Contains(t, r.project(project).Description, "provisoire")

	// The third gate is passed by label, the fourth by comment.
	require.NoError(t, r.GitLab.AddLabel(stage.TrackingProject, r.issueOf(second).IID, stage.ServiceAgent, "go"))
	r.eventually("the go is carried out", func() bool { return r.step(second) == 4 })
	r.settled()
	require.Contains(t, r.answersOn(second, r.lastOf(second, onboarding.FromLabel)), "étape 4")
	require.ElementsMatch(t, []string{"étape::4", "état::accepté"}, r.issueOf(second).Labels)
	require.Contains(t, r.orders(second, "/passerelle hébergement DEM-2026-042"), "DEM-2026-042")
	require.Contains(t, r.hubNote(second), "DEM-2026-042")

	require.Contains(t, r.orders(second, "/passerelle go"), "étape 5")
	require.Equal(t, []string{"production"}, r.project(project).Topics)
	require.Contains(t, r.project(project).Description, "en production")
	require.NotContains(t, r.project(project).Description, "provisoire")
	require.NotContains(t, r.project(project).Description, "%!")
	require.Equal(t, []string{"received", "accepted 1", "step 4", "step 5"}, r.sent(second))
	require.Equal(t, "opened", r.issueOf(second).State, "a check-up remains")
	require.Contains(t, r.orders(second, "/passerelle statut"), "Étape 5")

	want := accepted(1)
	want.Issues, want.Closed, want.Messages = 2, 1, 2+4
	want.Notes = 2 + 5 + 6 // the hub's, the comments, and the answers to them and to the label
	r.sound(want)
	require.Equal(t, 4, count(r, "select count(*) from gates where decision = 'go'"))
	require.Equal(t, 1, count(r, "select count(*) from spells where dossier = $1 and step = 5 and until is null", second))
}

// Where an agent decides in GitLab and another in DS, both orders end the same, and DS
// has the last word.
func TestGates_BothOrders(t *testing.T) {
	t.Parallel()

	t.Run("GoThenAcceptedInDS", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		r.start()
		number := r.file("Portail")
		r.settled()
		r.orders(number, "/passerelle go")
		require.Equal(t, "accepte", r.dossierState(number))
		require.Error(t, r.DS.Accept(number, ""), "it is accepted already")
		r.sound(withAnswers(accepted(1), 1))
	})
	t.Run("AcceptedInDSThenGo", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		r.start()
		number := r.file("Portail")
		r.settled()
		r.accept(number)
		r.settled()
		require.Equal(t, 3, r.step(number))
		require.Contains(t, r.orders(number, "/passerelle go"), "étape 4", "it is the next gate's")
	})
	t.Run("NoGoRefusesInDS", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		r.start()
		number := r.file("Portail")
		r.settled()
		r.orders(number, "/passerelle no-go Le projet relève d’une autre offre.")
		require.Equal(t, "refuse", r.dossierState(number))
		view, _ := r.DS.Dossier(number)
		require.Equal(t, motivation, view.Motivation)
		require.Contains(t, r.lastMessage(number), motivation)
		require.ElementsMatch(t, []string{"étape::2", "état::refusé", "no-go"}, r.issueOf(number).Labels)
		require.Equal(t, "closed", r.issueOf(number).State)
	})
	t.Run("NoGoByLabelHasTheGatesReason", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		r.start()
		number := r.file("Portail")
		r.settled()
		require.NoError(t, r.GitLab.AddLabel(stage.TrackingProject, r.issueOf(number).IID, stage.ServiceAgent, "no-go"))
		r.eventually("it is refused", func() bool { return r.dossierState(number) == "refuse" })
		r.settled()
		view, _ := r.DS.Dossier(number)
		require.Equal(t, r.config.Journey.Step(2).Gate.Reason, view.Motivation)
	})
	t.Run("RefusedInDSThenGo", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		r.start()
		number := r.file("Portail")
		r.settled()
		r.refuse(number)
		r.settled()
		require.NoError(t, r.GitLab.AddLabel(stage.TrackingProject, r.issueOf(number).IID, stage.ServiceAgent, "go"))
		r.eventually("the label is answered", func() bool {
			return count(r, "select count(*) from resources where kind = 'answer' and done_at is not null") == 1
		})
		r.settled()
		require.Contains(t, r.answersOn(number, r.lastOf(number, onboarding.FromLabel)), "Démarches Simplifiées")
		require.ElementsMatch(t, []string{"étape::2", "état::refusé", "no-go"}, r.issueOf(number).Labels, "it is put back")
		require.Equal(t, "refuse", r.dossierState(number))
	})
	t.Run("GoIsOvertakenByARefusalInDS", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		hub := r.start()
		number := r.file("Portail")
		r.settled()
		require.NoError(t, hub.Stop())
		r.quietly(r.DS.StartInstruction(number, demarches.WithoutWebhook()))
		r.quietly(r.DS.Refuse(number, motivation, demarches.WithoutWebhook()))
		note := r.comments(number, stage.ServiceAgent, "/passerelle go")
		r.start()
		r.answerTo(number, note)
		r.poll()
		r.settled()
		require.Equal(t, "refuse", r.dossierState(number))
		require.Equal(t, "closed", r.issueOf(number).State)
		require.NotContains(t, r.issueOf(number).Labels, "go")
		told := fmt.Sprintf("note %d", note)
		if count(r, "select count(*) from commands where outcome = 'done'") == 1 {
			told = fmt.Sprintf("overruled %d", note) // the go was taken before DS was read
		}
		require.Contains(t, r.answersOn(number, told), "Démarches Simplifiées a une décision")
	})
	t.Run("GoneBackOnInDS", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		r.start()
		number := r.file("Portail")
		r.settled()
		r.orders(number, "/passerelle go")
		r.act(r.DS.BackToInstruction(number))
		r.settled()
		r.poll()
		r.settled()
		require.Equal(t, "en_instruction", r.dossierState(number), "it is not accepted again")
		require.Equal(t, 2, r.step(number))
	})
}

// withAnswers is the stock with so many answers of the hub's.
func withAnswers(s stock, answers int) stock {
	s.Notes += 2 * answers // the comments and the answers
	return s
}

// A hard prerequisite that is not met keeps the gate shut: the dossier goes back to its
// applicant, or somebody gives a reason.
func TestGates_HardGate(t *testing.T) {
	t.Parallel()

	t.Run("CorrectedAndReturned", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		r.start()
		number := r.unmet("Portail")
		r.settled()
		require.Contains(t, r.hubNote(number), "sans état")
		require.Contains(t, r.orders(number, "/passerelle go"), "sans état")
		require.Equal(t, "en_construction", r.dossierState(number))
		r.act(r.DS.StartInstruction(number))
		r.settled()
		r.orders(number, "/passerelle corriger Merci de préciser où est gardé l’état.")
		require.Contains(t, r.lastMessage(number), "Merci de préciser où est gardé l’état.")
		require.Contains(t, r.lastMessage(number), "sans état")
		r.poll()
		r.settled()
		require.Equal(t, "en_construction", r.dossierState(number))
		require.Equal(t, 1, count(r, "select count(*) from dossiers where waiting = 'applicant'"))
		require.Contains(t, r.orders(number, "/passerelle go malgré tout"), "correction")

		require.NoError(t, r.DS.Edit(number, demarches.ConsoleAccessAnswers("Portail")))
		r.poll()
		r.settled()
		r.orders(number, "/passerelle go")
		require.Equal(t, "accepte", r.dossierState(number))
		require.Zero(t, count(r, "select count(*) from ledger_entries where kind = 'gate_overridden'"))
	})
	t.Run("OverriddenWithAReason", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		r.start()
		number := r.unmet("Portail")
		r.settled()
		r.orders(number, "/passerelle go La migration de l’état est planifiée.")
		require.Equal(t, "accepte", r.dossierState(number))
		require.Contains(t, r.hubNote(number), "La migration de l’état est planifiée.")
		require.Equal(t, []string{`{"by":"gitlab","prerequisites":["stateless"],"step":2}`}, r.data(number, "gate_overridden"))
	})
	t.Run("OverriddenInDS", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		r.start()
		number := r.unmet("Portail")
		r.settled()
		r.accept(number)
		r.settled()
		require.Equal(t, []string{`{"by":"demarches","prerequisites":["stateless"],"step":2}`}, r.data(number, "gate_overridden"))
		require.Contains(t, r.hubNote(number), "Démarches Simplifiées")
	})
}

// Who may not decide is told so, whatever is edited or redelivered is done once, and what
// no webhook told is found.
func TestGates_Commands(t *testing.T) {
	t.Parallel()

	t.Run("Strangers", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		r.start()
		number := r.file("Portail")
		r.settled()
		answer := r.answerTo(number, r.comments(number, stage.Reporter, "/passerelle go"))
		require.Contains(t, answer, "`developer`")
		require.Equal(t, "en_construction", r.dossierState(number))
		require.Equal(t, 2, r.step(number))
	})
	t.Run("EditedAndDoubled", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		r.start()
		number := r.file("Portail")
		r.settled()
		r.GitLab.SetDispatch(func(gitlab.Delivery) []time.Duration { return []time.Duration{0, 0} })
		note := r.comments(number, stage.ServiceAgent, "/passerelle bloquer en attente du budget")
		r.answerTo(number, note)
		require.Contains(t, r.issueOf(number).Labels, "bloqué")
		require.NoError(t, r.GitLab.EditNote(stage.TrackingProject, r.issueOf(number).IID, note, stage.ServiceAgent, "/passerelle go"))
		r.delivered()
		r.settled()
		require.Equal(t, 1, count(r, "select count(*) from commands"))
		require.Equal(t, "en_construction", r.dossierState(number))
	})
	t.Run("WithoutWebhook", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		r.start()
		number := r.file("Portail")
		r.settled()
		r.GitLab.SetDispatch(func(gitlab.Delivery) []time.Duration { return nil })
		note := r.comments(number, stage.ServiceAgent, "/passerelle bloquer en attente du budget")
		r.track()
		r.answerTo(number, note)
		require.Contains(t, r.issueOf(number).Labels, "bloqué")
		r.track()
		r.settled()
		require.Equal(t, 1, count(r, "select count(*) from commands"))
	})
	t.Run("Typo", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		r.start()
		number := r.file("Portail")
		r.settled()
		require.Contains(t, r.orders(number, "/passerelle blocquer budget"), "bloquer")
		require.NotContains(t, r.issueOf(number).Labels, "bloqué")
	})
	t.Run("Labels", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		r.start()
		number := r.file("Portail")
		r.settled()
		iid := r.issueOf(number).IID
		require.NoError(t, r.GitLab.AddLabel(stage.TrackingProject, iid, stage.ServiceAgent, "étape::4"))
		r.eventually("it is answered", func() bool {
			return count(r, "select count(*) from resources where kind = 'answer' and done_at is not null") == 1
		})
		r.settled()
		require.ElementsMatch(t, []string{"étape::2", "état::déposé"}, r.issueOf(number).Labels)
		require.Equal(t, 2, r.step(number))

		require.NoError(t, r.GitLab.CloseIssue(stage.TrackingProject, iid, stage.ServiceAgent))
		r.eventually("it is answered", func() bool {
			return count(r, "select count(*) from resources where kind = 'answer' and done_at is not null") == 2
		})
		r.settled()
		require.Equal(t, "opened", r.issueOf(number).State)
		require.Contains(t, r.answersOn(number, r.lastOf(number, onboarding.FromState)), "/passerelle")
	})
}
