package gitlab_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	client "github.com/xanzy/go-gitlab"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

func TestMembers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.server.AddUser("marie", false)
	users, _, err := b.client.Users.ListUsers(&client.ListUsersOptions{Username: new("marie")})
	require.NoError(t, err)
	marie := users[0].ID

	m, _, err := b.client.GroupMembers.AddGroupMember("programme", &client.AddGroupMemberOptions{UserID: &marie, AccessLevel: new(client.DeveloperPermissions)})
	require.NoError(t, err)
	require.Equal(t, client.DeveloperPermissions, m.AccessLevel)
	again := b.call(t, http.MethodPost, "/groups/programme/members", obj{"user_id": marie, "access_level": 30})
	require.Equal(t, 409, again.status)
	require.JSONEq(t, `{"message":"Member already exists"}`, again.body)
	require.Equal(t, 404, b.call(t, http.MethodPost, "/groups/programme/members", obj{"user_id": 999, "access_level": 30}).status)
	require.Equal(t, 400, b.call(t, http.MethodPost, "/groups/programme/members", obj{"user_id": marie}).status)
	require.Equal(t, 400, b.call(t, http.MethodPost, "/groups/programme/members", obj{"user_id": marie, "access_level": 31}).status)

	p := b.project(t, "un")
	below := b.call(t, http.MethodPost, "/projects/programme%2Fun/members", obj{"user_id": marie, "access_level": 20})
	require.Equal(t, 400, below.status)
	require.Contains(t, below.body, "should be greater than or equal to Developer inherited membership from group programme")
	direct, _, err := b.client.ProjectMembers.ListProjectMembers(p.ID, nil)
	require.NoError(t, err)
	require.Empty(t, direct)
	all, _, err := b.client.ProjectMembers.ListAllProjectMembers(p.ID, nil)
	require.NoError(t, err)
	require.Len(t, all, 2, "passerelle and marie")

	_, _, err = b.client.GroupMembers.EditGroupMember("programme", marie, &client.EditGroupMemberOptions{AccessLevel: new(client.MaintainerPermissions)})
	require.NoError(t, err)
	require.EqualValues(t, 40, b.call(t, http.MethodGet, fmt.Sprintf("/projects/%d/members/all/%d", p.ID, marie), nil).json(t)["access_level"])
	_, err = b.client.GroupMembers.RemoveGroupMember("programme", marie, nil)
	require.NoError(t, err)
	require.Equal(t, 404, b.call(t, http.MethodGet, fmt.Sprintf("/groups/programme/members/%d", marie), nil).status)
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.server.AddUser("marie", false) // marie@example.org
	invite := func(email string) string {
		a := b.call(t, http.MethodPost, "/groups/programme/invitations", obj{"email": email, "access_level": 30})
		require.Equal(t, 201, a.status)
		return a.body
	}
	require.JSONEq(t, `{"status":"success"}`, invite("a@x.fr"))
	require.JSONEq(t, `{"status":"error","message":{"A@x.fr":"Invite email has already been taken","pas une adresse":"Invite email is invalid"}}`,
		invite("A@x.fr,b@x.fr,pas une adresse"), "the good one went through")
	require.JSONEq(t, `{"status":"success"}`, invite("Marie@example.org"))
	require.JSONEq(t, `{"status":"error","message":{"marie@example.org":"User already exists in source"}}`, invite("marie@example.org"))
	require.JSONEq(t, `{"status":"error","message":"Emails cannot be blank"}`, invite(""))
	require.JSONEq(t, `{"status":"error","message":"Too many users specified (limit is 100)"}`, invite(strings.Repeat("z@x.fr,", 101)))
	require.Equal(t, 400, b.call(t, http.MethodPost, "/groups/programme/invitations", obj{"access_level": 30}).status)

	var emails []string
	for _, i := range b.server.Invitations("programme") {
		emails = append(emails, i.Email)
	}
	require.Equal(t, []string{"a@x.fr", "b@x.fr"}, emails)
	require.Equal(t, "marie", b.server.Members("programme")[1].Username)

	listed, _, err := b.client.Invites.ListPendingGroupInvitations("programme", nil)
	require.NoError(t, err)
	require.Len(t, listed, 2)
	require.Equal(t, 204, b.call(t, http.MethodDelete, "/groups/programme/invitations/"+url.PathEscape("a@x.fr"), nil).status)

	p := b.project(t, "un")
	result, _, err := b.client.Invites.ProjectInvites(p.ID, &client.InvitesOptions{Email: new("c@x.fr"), AccessLevel: new(client.DeveloperPermissions)})
	require.NoError(t, err)
	require.Equal(t, "success", result.Status)
	require.Len(t, b.server.Invitations("programme/un"), 1)
}

func TestLabels(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "un")
	l, _, err := b.client.GroupLabels.CreateGroupLabel("programme", &client.CreateGroupLabelOptions{Name: new("étape::1"), Color: new("#ff0000")})
	require.NoError(t, err)
	again := b.call(t, http.MethodPost, "/groups/programme/labels", obj{"name": "étape::1", "color": "#00ff00"})
	require.Equal(t, 409, again.status)
	require.JSONEq(t, `{"message":"Label already exists"}`, again.body)
	require.Equal(t, 409, b.call(t, http.MethodPost, "/projects/programme%2Fun/labels", obj{"name": "étape::1", "color": "#00ff00"}).status)
	require.Equal(t, 400, b.call(t, http.MethodPost, "/projects/programme%2Fun/labels", obj{"name": "a,b", "color": "#00ff00"}).status)
	require.JSONEq(t, `{"error":"color is missing"}`, b.call(t, http.MethodPost, "/projects/programme%2Fun/labels", obj{"name": "x"}).body)
	_, _, err = b.client.Labels.CreateLabel(p.ID, &client.CreateLabelOptions{Name: new("propre"), Color: new("#00ff00")})
	require.NoError(t, err)

	labels, _, err := b.client.Labels.ListLabels(p.ID, nil)
	require.NoError(t, err)
	require.Len(t, labels, 2)

	i := b.issue(t, p, "x", "")
	require.NoError(t, b.server.SetLabels("programme/un", i.IID, "", "étape::1", "neuf"))
	_, _, err = b.client.GroupLabels.UpdateGroupLabel("programme", l.ID, &client.UpdateGroupLabelOptions{NewName: new("étape::2")})
	require.NoError(t, err)
	require.Equal(t, []string{"neuf", "étape::2"}, b.server.Issues("programme/un")[0].Labels)
	require.Equal(t, 204, b.call(t, http.MethodDelete, "/projects/programme%2Fun/labels/neuf", nil).status)
	require.Equal(t, []string{"étape::2"}, b.server.Issues("programme/un")[0].Labels)
	require.Len(t, b.server.Labels("programme"), 1)
	require.Equal(t, gitlab.Label{ID: l.ID, Name: "étape::2", Color: "#ff0000", CreatedAt: b.clock.Now()}, b.server.Labels("programme")[0])
}
