package stage_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/demarches"
	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	ds "github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	forge "github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// testBundle is a stage, and the connectors with which a hub calls it.
type testBundle struct {
	*stage.Stage

	demarches *demarches.Client
	gitlab    *gitlab.Client
}

func setup(t *testing.T, o stage.Options) *testBundle {
	t.Helper()
	var err error
	b := &testBundle{}
	b.Stage, err = stage.New(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	c, err := b.Hub("postgres://unused")
	require.NoError(t, err)
	b.demarches, err = demarches.New(demarches.Options{URL: c.DSURL, Token: c.DSToken, Instructeur: c.DSInstructeur})
	require.NoError(t, err)
	b.gitlab, err = gitlab.New(gitlab.Options{URL: c.GitLabURL, Token: c.GitLabToken})
	require.NoError(t, err)
	return b
}

func (b *testBundle) file(t *testing.T) onboarding.Dossier {
	t.Helper()
	number, err := b.DS.File(stage.Form, ds.Application{Answers: ds.ConsoleAccessAnswers("Guichet")})
	require.NoError(t, err)
	return b.read(t, int64(number))
}

func (b *testBundle) read(t *testing.T, number int64) onboarding.Dossier {
	t.Helper()
	d, err := b.demarches.Dossier(t.Context(), number)
	require.NoError(t, err)
	return d
}

func (b *testBundle) open(t *testing.T) gitlab.Issue {
	t.Helper()
	issue, err := b.gitlab.OpenIssue(t.Context(), stage.TrackingProject, gitlab.NewIssue{Title: "Guichet", Labels: []string{"étape::2"}})
	require.NoError(t, err)
	return issue
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	b := setup(t, stage.Options{})
	for state, decide := range map[onboarding.State]func(d onboarding.Dossier) error{
		onboarding.Accepte: func(d onboarding.Dossier) error {
			return b.demarches.Accept(t.Context(), stage.Form, d.Number, d.ID, "")
		},
		onboarding.Refuse: func(d onboarding.Dossier) error {
			return b.demarches.Refuse(t.Context(), stage.Form, d.Number, d.ID, "Hors périmètre")
		},
		onboarding.SansSuite: func(d onboarding.Dossier) error {
			return b.demarches.Class(t.Context(), stage.Form, d.Number, d.ID, "Sans nouvelles")
		},
	} {
		d := b.file(t)
		failure := connectors.AsFailure(decide(d))
		require.NotNil(t, failure, "%s: from en_construction that takes two calls", state)
		require.Equal(t, connectors.Permanent, failure.Class)
		require.True(t, failure.NoEffect)
		require.NoError(t, b.demarches.StartInstruction(t.Context(), stage.Form, d.Number, d.ID))
		require.NoError(t, decide(d), state)
		require.NoError(t, decide(d), "%s: once more", state)
		d = b.read(t, d.Number)
		require.Equal(t, state, d.State)
		require.Equal(t, 1, d.Decisions)
		require.Zero(t, d.ReopenedAt)
		require.NoError(t, b.DS.BackToInstruction(int(d.Number)))
		require.WithinDuration(t, time.Now(), b.read(t, d.Number).ReopenedAt, time.Minute)
	}
	d := b.file(t)
	require.NoError(t, b.demarches.StartInstruction(t.Context(), stage.Form, d.Number, d.ID))
	require.NoError(t, b.demarches.Refuse(t.Context(), stage.Form, d.Number, d.ID, "Hors périmètre"))
	require.Error(t, b.demarches.Accept(t.Context(), stage.Form, d.Number, d.ID, ""), "it is decided otherwise")
}

func TestCorrection(t *testing.T) {
	t.Parallel()
	b := setup(t, stage.Options{})
	d := b.file(t)
	require.NoError(t, b.demarches.StartInstruction(t.Context(), stage.Form, d.Number, d.ID))
	for range 2 { // the second is a message alone
		_, err := b.demarches.SendMessage(t.Context(), stage.Form, d.Number, d.ID, demarches.Message{Body: "Il manque le plan.", Correction: true})
		require.NoError(t, err)
	}
	asked := b.read(t, d.Number)
	require.True(t, asked.AwaitCorrection)
	require.Equal(t, onboarding.EnConstruction, asked.State)
	require.False(t, asked.ReopenedAt.IsZero())
	require.True(t, asked.AnswersAt.Equal(d.AnswersAt), "no answer changed")
	messages := b.DS.Messages(int(d.Number))
	require.Len(t, slices.DeleteFunc(messages, func(m ds.Message) bool { return m.Correction != "incomplete" }), 1)

	require.NoError(t, b.DS.Edit(int(d.Number), ds.Answers{ds.FieldCurrentForge: "Aucune"}))
	corrected := b.read(t, d.Number)
	require.False(t, corrected.AwaitCorrection)
	require.False(t, corrected.AnswersAt.Before(d.AnswersAt))

	require.NoError(t, b.demarches.StartInstruction(t.Context(), stage.Form, d.Number, d.ID))
	require.NoError(t, b.demarches.Accept(t.Context(), stage.Form, d.Number, d.ID, "Bienvenue"))
	_, err := b.demarches.SendMessage(t.Context(), stage.Form, d.Number, d.ID, demarches.Message{Body: "Encore ?", Correction: true})
	require.NoError(t, err, "passed over without a word")
	require.Equal(t, onboarding.Accepte, b.read(t, d.Number).State)
}

func TestAnnotations(t *testing.T) {
	t.Parallel()
	b := setup(t, stage.Options{})
	d := b.file(t)
	values := []demarches.AnnotationValue{
		{ID: ds.ChampID(ds.AnnotationStep), Text: "3"}, {ID: ds.ChampID(ds.AnnotationSupport), Text: "Oui\n/close"},
	}
	for range 2 {
		require.NoError(t, b.demarches.Annotate(t.Context(), stage.Form, d.Number, d.ID, values))
	}
	view, _ := b.DS.Dossier(int(d.Number))
	require.Equal(t, ds.Answers{ds.AnnotationStep: "3", ds.AnnotationSupport: "Oui\n/close"}, view.Annotations)

	for name, id := range map[string]string{"of another type": ds.ChampID(ds.AnnotationEligible), "not on the form": ds.ChampID(999)} {
		failure := connectors.AsFailure(b.demarches.Annotate(t.Context(), stage.Form, d.Number, d.ID,
			append([]demarches.AnnotationValue{{ID: id, Text: "oui"}}, values...)))
		require.NotNil(t, failure, name)
		require.Equal(t, connectors.Permanent, failure.Class, name)
		require.False(t, failure.NoEffect, "%s: the others were written", name)
		require.Contains(t, failure.Detail, id, name)
	}
}

func TestFormsAreOpen(t *testing.T) {
	t.Parallel()
	b := setup(t, stage.Options{})
	number, err := b.DS.File(stage.Prequalification, ds.Application{Answers: ds.PrequalificationAnswers("Guichet")})
	require.NoError(t, err)
	d := b.read(t, int64(number))
	require.EqualValues(t, stage.Prequalification, d.Demarche)
	require.Empty(t, d.Labels)
	labels, err := b.demarches.Labels(t.Context(), stage.Prequalification)
	require.NoError(t, err)
	require.Empty(t, labels)
	failure := connectors.AsFailure(b.demarches.AddLabel(t.Context(), stage.Form, d.Number, d.ID, ds.LabelID(1)))
	require.NotNil(t, failure)
	require.True(t, failure.NotFound)
}

func TestThreads(t *testing.T) {
	t.Parallel()
	b := setup(t, stage.Options{})
	issue := b.open(t)
	require.NoError(t, b.GitLab.Comment(stage.TrackingProject, int(issue.IID), stage.ServiceAgent, "/passerelle go"))
	list, err := b.gitlab.Discussions(t.Context(), stage.TrackingProject, issue.IID)
	require.NoError(t, err)
	at := slices.IndexFunc(list, func(d gitlab.Discussion) bool { return !d.Notes[0].System })
	require.GreaterOrEqual(t, at, 0)
	command := list[at].Notes[0]
	require.Equal(t, "/passerelle go", command.Body)
	require.Equal(t, stage.ServiceAgent, command.AuthorName)

	reply, err := b.gitlab.Reply(t.Context(), stage.TrackingProject, issue.IID, list[at].ID, "C’est noté.")
	require.NoError(t, err)
	require.Positive(t, reply.ID)
	require.NoError(t, b.GitLab.EditNote(stage.TrackingProject, int(issue.IID), int(command.ID), stage.ServiceAgent, "/passerelle no-go"))
	list, err = b.gitlab.Discussions(t.Context(), stage.TrackingProject, issue.IID)
	require.NoError(t, err)
	require.Len(t, list[at].Notes, 2)
	require.Equal(t, "/passerelle no-go", list[at].Notes[0].Body)
	require.Equal(t, reply.ID, list[at].Notes[1].ID)
	require.Equal(t, stage.User, list[at].Notes[1].AuthorName)

	_, err = b.gitlab.Reply(t.Context(), stage.TrackingProject, issue.IID, "nowhere", "x")
	require.True(t, connectors.IsNotFound(err))
}

func TestEvents(t *testing.T) {
	t.Parallel()
	b := setup(t, stage.Options{})
	issue := b.open(t)
	require.NoError(t, b.GitLab.AddLabel(stage.TrackingProject, int(issue.IID), stage.ServiceAgent, "go"))
	require.NoError(t, b.GitLab.RemoveLabel(stage.TrackingProject, int(issue.IID), stage.TrackingMaintainer, "go"))
	require.NoError(t, b.GitLab.CloseIssue(stage.TrackingProject, int(issue.IID), stage.ServiceAgent))
	require.NoError(t, b.GitLab.ReopenIssue(stage.TrackingProject, int(issue.IID), stage.ServiceAgent))
	labels, err := b.gitlab.LabelEvents(t.Context(), stage.TrackingProject, issue.IID)
	require.NoError(t, err)
	require.Len(t, labels, 3, "that with which it was opened included")
	require.Equal(t, "go", labels[1].Label)
	require.True(t, labels[1].Added)
	require.False(t, labels[2].Added)
	require.NotEqual(t, labels[1].AuthorID, labels[2].AuthorID)
	states, err := b.gitlab.StateEvents(t.Context(), stage.TrackingProject, issue.IID)
	require.NoError(t, err)
	require.Len(t, states, 2)
	require.Equal(t, "closed", states[0].State)
	require.Equal(t, "reopened", states[1].State)
	require.Equal(t, labels[1].AuthorID, states[0].AuthorID)

	var seen []int64
	visit := func(i gitlab.Issue) { seen = append(seen, i.IID) }
	require.NoError(t, b.gitlab.EachIssueUpdated(t.Context(), stage.TrackingProject, issue.CreatedAt, visit))
	require.Equal(t, []int64{issue.IID}, seen)
	require.NoError(t, b.gitlab.EachIssueUpdated(t.Context(), stage.TrackingProject, time.Now().Add(time.Hour), visit))
	require.Len(t, seen, 1)
}

func TestRoles(t *testing.T) {
	t.Parallel()
	b := setup(t, stage.Options{})
	for username, want := range map[string]gitlab.AccessLevel{
		stage.ServiceAgent: gitlab.Developer, stage.TrackingMaintainer: gitlab.Maintainer, stage.Reporter: gitlab.Reporter,
		stage.User: gitlab.Owner, "root": 0,
	} {
		var user forge.User
		b.GitLab.Read(func(v forge.View) { user, _ = v.User(username) })
		level, err := b.gitlab.AccessLevel(t.Context(), stage.TrackingProject, int64(user.ID))
		require.NoError(t, err)
		require.Equal(t, want, level, username)
	}
}

func TestTopics(t *testing.T) {
	t.Parallel()
	b := setup(t, stage.Options{})
	group, err := b.gitlab.Group(t.Context(), stage.RootGroup)
	require.NoError(t, err)
	p, err := b.gitlab.CreateProject(t.Context(), gitlab.NewProject{NamespaceID: group.ID, Name: "Un", Path: "un", Description: "d", Topics: []string{"go"}})
	require.NoError(t, err)
	require.Equal(t, []string{"go"}, p.Topics)
	p, err = b.gitlab.ChangeProject(t.Context(), p.ID, gitlab.ProjectChange{Topics: []string{"go", "étape-4"}})
	require.NoError(t, err)
	require.Equal(t, []string{"go", "étape-4"}, p.Topics)
	require.Equal(t, "d", p.Description, "what is not named stays")
	p, err = b.gitlab.ChangeProject(t.Context(), p.ID, gitlab.ProjectChange{Description: new("autre")})
	require.NoError(t, err)
	require.Equal(t, "autre", p.Description)
	require.Len(t, p.Topics, 2)
}

// What the simulated GitLab sends is what the connector reads, also after a restart.
func TestGitLabsWebhookReachesTheHub(t *testing.T) {
	t.Parallel()
	heard := make(chan gitlab.Hook, 100)
	var secret string
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if hook, err := gitlab.DecodeHook(body); err == nil && r.URL.Path == "/webhooks/gitlab" && r.Header.Get("X-Gitlab-Token") == secret {
			heard <- hook
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(hub.Close)
	keys := stage.NewKeys()
	keys.GitLabWebhook = "" // as of an earlier version
	b := setup(t, stage.Options{HubURL: hub.URL, Keys: keys})
	secret = b.GitLabSecret
	require.GreaterOrEqual(t, len(secret), 32)
	issue := b.open(t)
	told := <-heard
	require.NotZero(t, told.User)
	require.Equal(t, gitlab.Hook{Kind: "issue", Project: stage.TrackingProject, Issue: issue.IID, User: told.User}, told)
	require.NoError(t, b.GitLab.Comment(stage.TrackingProject, int(issue.IID), stage.ServiceAgent, "Bonjour"))
	by := <-heard
	require.NotContains(t, []int64{0, told.User}, by.User, "somebody else")
	require.Equal(t, gitlab.Hook{Kind: "note", Project: stage.TrackingProject, Issue: issue.IID, User: by.User}, by)

	state, err := b.State()
	require.NoError(t, err)
	again := setup(t, stage.Options{HubURL: hub.URL, Keys: keys, State: state})
	require.Equal(t, secret, again.GitLabSecret)
	require.NoError(t, again.GitLab.CloseIssue(stage.TrackingProject, int(issue.IID), stage.ServiceAgent))
	told = <-heard
	require.Equal(t, gitlab.Hook{Kind: "issue", Project: stage.TrackingProject, Issue: issue.IID, User: by.User}, told)
}
