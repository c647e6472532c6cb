package hub_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// remind has the hub look for reminders that are due now, and waits until all that
// follows is done.
func (r *rig) remind() {
	r.t.Helper()
	client, err := jobs.NewClient(jobs.Options{Pool: r.pool, InsertOnly: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(r.t, err)
	inserted, err := client.Insert(r.ctx, jobs.Remind{}, nil)
	require.NoError(r.t, err)
	r.eventually("reminders are looked for", func() bool {
		return count(r, "select count(*) from river_job where state = 'completed' and id = $1", inserted.Job.ID) == 1
	})
	r.settled()
}

// passes lets so many days pass, and moves on into working hours.
func (r *rig) passes(days int) {
	r.t.Helper()
	now := r.clock.now()
	r.clock.advance(r.config.Journey.Reminders.Due(now, days).Add(time.Minute).Sub(now))
}

// reminders are the hub's reminders on the dossier's issue.
func (r *rig) reminders(number int) (n int) {
	r.t.Helper()
	for _, note := range r.GitLab.Notes(stage.TrackingProject, r.issueOf(number).IID) {
		if note.Author == stage.User && strings.Contains(note.Body, "Rappel") {
			n++
		}
	}
	return n
}

// Where nothing moves, whoever has to act is reminded, in growing intervals and in working
// hours, three times; a movement begins anew.
func TestReminders(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	number := r.file("Portail")
	r.settled()
	r.passes(9)
	r.remind()
	require.Zero(t, r.reminders(number), "too early")
	for i, days := range []int{2, 20, 40} {
		r.passes(days)
		r.remind()
		require.Equal(t, i+1, r.reminders(number))
		r.remind()
		require.Equal(t, i+1, r.reminders(number), "once each")
	}
	r.passes(90)
	r.remind()
	require.Equal(t, 3, r.reminders(number), "not after the third")
	require.Equal(t, []string{"received"}, r.sent(number))

	r.accept(number) // from here on it is the team's turn
	r.settled()
	r.passes(11)
	r.remind()
	require.Equal(t, 3, r.reminders(number))
	require.Len(t, r.sent(number), 3)
	require.Contains(t, r.sent(number)[2], "reminder")
	require.Contains(t, r.lastMessage(number), "étape 3")

	r.act(r.DS.BackToInstruction(number))
	r.settled()
	now := r.clock.now().In(time.UTC)
	saturday := now.AddDate(0, 0, 14+int(time.Saturday-now.Weekday()))
	r.clock.advance(saturday.Sub(now))
	r.remind()
	require.Equal(t, 3, r.reminders(number), "nobody is reminded on a Saturday")
	r.passes(0)
	r.remind()
	require.Equal(t, 4, r.reminders(number))
}

// A message that DS does not take is recorded, and the agents see why.
func TestMessageThatCannotBeSent(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	number := r.file("Portail")
	r.settled()
	r.quietly(r.DS.DeleteAccount(number))
	r.accept(number)
	r.settled()
	require.Equal(t, []string{"received"}, r.sent(number))
	require.Equal(t, []string{`{"message":"accepted 1","reason":"account_deleted"}`}, r.data(number, "message_waived"))
	require.Contains(t, r.hubNote(number), "compte")
}

// otherJourney is a stage with another programme's form, and a hub for its journey.
func otherJourney(t *testing.T) *rig {
	t.Helper()
	r := setupStage(t, stage.Options{Forms: []demarches.Form{{
		Number: otherForm, Title: "Accessibility support", Path: "accessibility",
		Fields: []demarches.Field{
			{StableID: 701, Label: "Organisation", Type: demarches.Text},
			{StableID: 702, Label: "Service", Type: demarches.Text},
			{StableID: 703, Label: "What it does", Type: demarches.Textarea},
			{StableID: 704, Label: "Contact", Type: demarches.Email},
		},
	}}})
	journey, err := config.LoadJourney("../onboarding/testdata/other.yaml")
	require.NoError(t, err)
	r.config.Journey = journey
	return r
}

const otherForm = 777

func (r *rig) fileOther(project string) int {
	r.t.Helper()
	number, err := r.DS.File(otherForm, demarches.Application{
		Email: "camille.durand@example.org", Applicant: demarches.Applicant{FirstName: "Camille", LastName: "Durand"},
		Answers: demarches.Answers{701: "City library", 702: project, 703: "A catalogue.", 704: "pilot@example.org"},
	})
	require.NoError(r.t, err)
	r.hooks++
	return number
}

// Another programme's journey, with other forms, steps, labels and rights, in English.
func TestSecondJourney(t *testing.T) {
	t.Parallel()
	r := otherJourney(t)
	r.start()
	number := r.fileOther("Library catalogue")
	r.settled()
	require.ElementsMatch(t, []string{"a11y-apply", "a11y-filed"}, r.issueOf(number).Labels)
	iid := r.issueOf(number).IID

	require.Contains(t, r.orders(number, "/passerelle go"), "maintainer", "a developer may not decide here")
	require.NoError(t, r.GitLab.AddLabel(stage.TrackingProject, iid, stage.TrackingMaintainer, "yes"))
	r.eventually("it is accepted", func() bool { return r.step(number) == 2 })
	r.settled()
	require.Equal(t, "accepte", r.dossierState(number))
	require.ElementsMatch(t, []string{"a11y-audit", "a11y-accepted"}, r.issueOf(number).Labels)
	project := r.groupOf(number) + "/audit"
	require.Equal(t, []string{"audit-under-way"}, r.project(project).Topics)
	require.Contains(t, r.lastMessage(number), "accepted")

	require.Contains(t, r.answerTo(number, r.comments(number, stage.TrackingMaintainer, "/passerelle no-go The worst obstacle is still there.")), "no-go")
	require.Equal(t, "closed", r.issueOf(number).State, "a no-go stops here")
	require.True(t, r.project(project).Archived)
	require.ElementsMatch(t, []string{"a11y-audit", "a11y-accepted", "no"}, r.issueOf(number).Labels)
	require.Contains(t, r.lastMessage(number), "The worst obstacle is still there.")

	r.answerTo(number, r.comments(number, stage.TrackingMaintainer, "/passerelle go"))
	require.Equal(t, 3, r.step(number))
	require.False(t, r.project(project).Archived)
	require.Equal(t, []string{"audited"}, r.project(project).Topics)
	require.Equal(t, "closed", r.issueOf(number).State, "it is over")
	require.ElementsMatch(t, []string{"a11y-follow", "a11y-accepted"}, r.issueOf(number).Labels)
	require.Equal(t, gitlab.Private, r.project(project).Visibility)
	r.readsAs(number, "Open to All", "Cloud Pi", "dnum-mi", "CPN")
}

// readsAs makes sure that what people read of a dossier names its programme and no other.
func (r *rig) readsAs(number int, name string, others ...string) {
	r.t.Helper()
	issue, project := r.issueOf(number), r.project(r.groupOf(number)+"/audit")
	read := []string{issue.Title, issue.Description, project.Description}
	for _, note := range r.GitLab.Notes(stage.TrackingProject, issue.IID) {
		read = append(read, note.Body)
	}
	for _, message := range r.messages(number) {
		read = append(read, message.Body)
	}
	for _, group := range r.GitLab.Groups() {
		if group.FullPath == r.groupOf(number) {
			read = append(read, group.Description)
		}
	}
	for _, content := range r.GitLab.Files(project.FullPath) {
		read = append(read, content)
	}
	require.Greater(r.t, len(read), 12)
	for _, other := range others {
		require.NotContains(r.t, strings.Join(read, "\n"), other)
	}
	require.Contains(r.t, strings.Join(read, "\n"), name)
}
