package gitlab_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	client "github.com/xanzy/go-gitlab"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

func TestDiscussions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "suivi")
	i := b.issue(t, p, "Un", "")
	r := newReceiver(t)
	b.hook(t, p, r)
	b.server.AddUser("agent", false)
	require.NoError(t, b.server.AddProjectMember("programme/suivi", "agent", gitlab.Developer))
	require.NoError(t, b.server.Comment("programme/suivi", 1, "agent", "/passerelle go\nparce que"))
	require.NoError(t, b.server.Comment("programme/suivi", 1, "agent", "Autre chose"))
	require.Empty(t, b.server.QuickActions(), "/passerelle is none of GitLab's commands")

	list, _, err := b.client.Discussions.ListIssueDiscussions(p.ID, i.IID, nil)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.True(t, list[0].IndividualNote)
	require.Equal(t, "/passerelle go\nparce que", list[0].Notes[0].Body)
	require.Equal(t, "agent", list[0].Notes[0].Author.Username)
	alone := <-r.received
	require.Equal(t, list[0].ID, alone.body["object_attributes"].(map[string]any)["discussion_id"])
	<-r.received

	reply, _, err := b.client.Discussions.AddIssueDiscussionNote(p.ID, i.IID, list[0].ID, &client.AddIssueDiscussionNoteOptions{Body: new("C’est noté.")})
	require.NoError(t, err)
	require.NoError(t, b.server.Reply("programme/suivi", 1, reply.ID, "agent", "Merci"))
	heard := <-r.received
	attributes := heard.body["object_attributes"].(map[string]any)
	require.Equal(t, "note", heard.body["object_kind"])
	require.Equal(t, list[0].ID, attributes["discussion_id"])
	require.Equal(t, "DiscussionNote", attributes["type"])

	d, _, err := b.client.Discussions.GetIssueDiscussion(p.ID, i.IID, list[0].ID)
	require.NoError(t, err)
	require.False(t, d.IndividualNote)
	require.Len(t, d.Notes, 3, "a reply to a reply joins the thread")
	require.Equal(t, "Merci", d.Notes[2].Body)
	at := fmt.Sprintf("/projects/%d/issues/1", p.ID)
	require.EqualValues(t, 4, b.call(t, http.MethodGet, at, nil).json(t)["user_notes_count"])

	// What began the thread goes; the thread stays what it was.
	require.Equal(t, 204, b.call(t, http.MethodDelete, fmt.Sprintf("%s/notes/%d", at, list[0].Notes[0].ID), nil).status)
	d, _, err = b.client.Discussions.GetIssueDiscussion(p.ID, i.IID, list[0].ID)
	require.NoError(t, err)
	require.Len(t, d.Notes, 2)

	begun, _, err := b.client.Discussions.CreateIssueDiscussion(p.ID, i.IID, &client.CreateIssueDiscussionOptions{Body: new("Un fil")})
	require.NoError(t, err)
	require.False(t, begun.IndividualNote)

	require.Equal(t, 404, b.call(t, http.MethodGet, at+"/discussions/nowhere", nil).status)
	require.Equal(t, 404, b.call(t, http.MethodPost, at+"/discussions/nowhere/notes", obj{"body": "x"}).status)
	require.JSONEq(t, `{"error":"body is missing"}`, b.call(t, http.MethodPost, at+"/discussions/"+begun.ID+"/notes", obj{}).body)
	require.Equal(t, 400, b.call(t, http.MethodPost, at+"/discussions/"+begun.ID+"/notes", obj{"body": "/close"}).status)
	require.Equal(t, "closed", b.server.Issues("programme/suivi")[0].State, "the command was carried out all the same")
}

func TestInternalThreadsAreForTheTeam(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "suivi")
	b.issue(t, p, "Un", "")
	guest := b.server.AddUser("invite", false)
	require.NoError(t, b.server.AddProjectMember("programme/suivi", "invite", gitlab.Guest))
	at := fmt.Sprintf("/projects/%d/issues/1", p.ID)
	id := b.call(t, http.MethodPost, at+"/notes", obj{"body": "Entre nous", "internal": true}).id(t)
	require.NoError(t, b.server.Reply("programme/suivi", 1, id, "passerelle", "Oui"))
	require.JSONEq(t, `[]`, b.callAs(t, guest, http.MethodGet, at+"/discussions", nil).body, "answers are internal, too")
	require.Error(t, b.server.Reply("programme/suivi", 1, id, "invite", "Et moi ?"))
}

func TestEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "suivi")
	_, _, err := b.client.Issues.CreateIssue(p.ID, &client.CreateIssueOptions{Title: new("Un"), Labels: &client.LabelOptions{"étape::1"}})
	require.NoError(t, err)
	b.server.AddUser("agent", false)
	require.NoError(t, b.server.AddProjectMember("programme/suivi", "agent", gitlab.Developer))
	at := fmt.Sprintf("/projects/%d/issues/1", p.ID)
	require.Equal(t, 200, b.call(t, http.MethodPut, at, obj{"add_labels": "étape::2", "remove_labels": "étape::1"}).status)
	require.NoError(t, b.server.Comment("programme/suivi", 1, "agent", "/label ~\"étape::1\"\n/close"))
	require.NoError(t, b.server.RemoveLabel("programme/suivi", 1, "agent", "étape::2"))
	require.NoError(t, b.server.AddLabel("programme/suivi", 1, "agent", "étape::1"), "it is there already")
	require.NoError(t, b.server.ReopenIssue("programme/suivi", 1, "agent"))
	require.NoError(t, b.server.ReopenIssue("programme/suivi", 1, "agent"), "it is open already")
	_, err = b.client.Labels.DeleteLabel(p.ID, "étape::2", nil)
	require.NoError(t, err)

	labels, _, err := b.client.ResourceLabelEvents.ListIssueLabelEvents(p.ID, 1, nil)
	require.NoError(t, err)
	var told []string
	for _, e := range labels {
		require.Equal(t, "Issue", e.ResourceType)
		told = append(told, fmt.Sprint(e.User.Username, " ", e.Action, " ", e.Label.Name))
	}
	require.Equal(t, []string{
		"passerelle add étape::1", "passerelle add ", "passerelle remove étape::1",
		"agent add étape::1", "agent remove ",
	}, told, "that of a label deleted since is null")
	states, _, err := b.client.ResourceStateEvents.ListIssueStateEvents(p.ID, 1, nil)
	require.NoError(t, err)
	require.Len(t, states, 2)
	require.EqualValues(t, "closed", states[0].State)
	require.EqualValues(t, "reopened", states[1].State)
	require.Equal(t, "agent", states[1].User.Username)
	require.Equal(t, b.clock.Now(), *states[1].CreatedAt)
}

func TestEditedNoteTouchesTheIssue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "suivi")
	b.issue(t, p, "Un", "")
	require.NoError(t, b.server.Comment("programme/suivi", 1, "passerelle", "Un"))
	b.clock.advance(1e9)
	require.NoError(t, b.server.EditNote("programme/suivi", 1, b.server.Notes("programme/suivi", 1)[0].ID, "passerelle", "Deux"))
	require.Equal(t, b.clock.Now(), b.server.Issues("programme/suivi")[0].UpdatedAt)
}

func TestSetHook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.project(t, "suivi")
	set := func(url string) gitlab.Hook {
		require.NoError(t, b.server.SetHook("programme/suivi", gitlab.Hook{Name: "Hub", URL: url, Events: []string{"issues_events"}}))
		var hooks []gitlab.Hook
		b.server.Read(func(v gitlab.View) { hooks = v.Hooks("programme/suivi") })
		require.Len(t, hooks, 1)
		return hooks[0]
	}
	first, second := set("https://a.example.org"), set("https://b.example.org")
	require.Equal(t, first.ID, second.ID)
	require.Equal(t, "https://b.example.org", second.URL)
	require.Error(t, b.server.SetHook("programme/rien", gitlab.Hook{}))
}
