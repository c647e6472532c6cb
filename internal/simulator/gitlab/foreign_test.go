package gitlab_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	client "github.com/xanzy/go-gitlab"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

// inPages lists everything as clients do: page after page, as the answers say.
func inPages[T any](t *testing.T, list func(client.ListOptions) ([]T, *client.Response, error)) (all []T) {
	t.Helper()
	options := client.ListOptions{PerPage: 2, Page: 1}
	for {
		page, res, err := list(options)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page), 2)
		all = append(all, page...)
		require.Equal(t, options.Page, res.CurrentPage)
		if res.NextPage == 0 {
			require.Len(t, all, res.TotalItems)
			return all
		}
		options.Page = res.NextPage
	}
}

// TestForeignClient goes through the life of groups, projects, issues, members,
// labels, notes and files with a client that nobody here wrote.
func TestForeignClient(t *testing.T) {
	t.Parallel()
	setupTeam := func(t *testing.T) (*testBundle, *client.Group, *client.Project) {
		t.Helper()
		b := setup(t)
		g, _, err := b.client.Groups.CreateGroup(&client.CreateGroupOptions{Name: new("Équipe"), Path: new("equipe"), ParentID: new(b.root.ID), Description: new("d")})
		require.NoError(t, err)
		p, _, err := b.client.Projects.CreateProject(&client.CreateProjectOptions{Name: new("Bac à sable"), Path: new("bac"), NamespaceID: new(g.ID), InitializeWithReadme: new(true)})
		require.NoError(t, err)
		return b, g, p
	}

	t.Run("groups", func(t *testing.T) {
		t.Parallel()
		b, g, _ := setupTeam(t)
		for n := range 5 {
			_, _, err := b.client.Groups.CreateGroup(&client.CreateGroupOptions{Name: new(fmt.Sprintf("G%d", n)), Path: new(fmt.Sprintf("g%d", n)), ParentID: new(g.ID)})
			require.NoError(t, err)
		}
		all := inPages(t, func(o client.ListOptions) ([]*client.Group, *client.Response, error) {
			return b.client.Groups.ListSubGroups(g.ID, &client.ListSubGroupsOptions{ListOptions: o})
		})
		require.Len(t, all, 5)
		found, _, err := b.client.Groups.GetGroup("programme/equipe", nil)
		require.NoError(t, err)
		require.Equal(t, g.ID, found.ID)
		require.Equal(t, "Équipe", found.Name)
		searched, _, err := b.client.Groups.ListGroups(&client.ListGroupsOptions{Search: new("g3")})
		require.NoError(t, err)
		require.Len(t, searched, 1)
		_, err = b.client.Groups.DeleteGroup(searched[0].ID, nil)
		require.NoError(t, err)
		_, res, err := b.client.Groups.GetGroup("programme/equipe/g3", nil)
		require.ErrorIs(t, err, client.ErrNotFound)
		require.Equal(t, 404, res.StatusCode)
	})

	t.Run("projects", func(t *testing.T) {
		t.Parallel()
		b, g, p := setupTeam(t)
		for n := range 4 {
			_, _, err := b.client.Projects.CreateProject(&client.CreateProjectOptions{Name: new(fmt.Sprintf("P%d", n)), NamespaceID: new(g.ID)})
			require.NoError(t, err)
		}
		all := inPages(t, func(o client.ListOptions) ([]*client.Project, *client.Response, error) {
			return b.client.Groups.ListGroupProjects(g.ID, &client.ListGroupProjectsOptions{ListOptions: o})
		})
		require.Len(t, all, 5)
		all = inPages(t, func(o client.ListOptions) ([]*client.Project, *client.Response, error) {
			return b.client.Projects.ListProjects(&client.ListProjectsOptions{ListOptions: o, Membership: new(true)})
		})
		require.Len(t, all, 5)
		archived, _, err := b.client.Projects.ArchiveProject(p.ID)
		require.NoError(t, err)
		require.True(t, archived.Archived)
		_, res, err := b.client.Issues.CreateIssue(p.ID, &client.CreateIssueOptions{Title: new("non")})
		require.Error(t, err)
		require.Equal(t, 403, res.StatusCode)
		_, _, err = b.client.Projects.UnarchiveProject(p.ID)
		require.NoError(t, err)
		_, err = b.client.Projects.DeleteProject(p.ID, nil)
		require.NoError(t, err)
		_, _, err = b.client.Projects.GetProject("programme/equipe/bac", nil)
		require.ErrorIs(t, err, client.ErrNotFound)
		require.Equal(t, 201, b.call(t, "POST", fmt.Sprintf("/projects/%d/restore", p.ID), nil).status)
	})

	t.Run("issues, labels, notes", func(t *testing.T) {
		t.Parallel()
		b, g, p := setupTeam(t)
		_, _, err := b.client.GroupLabels.CreateGroupLabel(g.ID, &client.CreateGroupLabelOptions{Name: new("étape::1"), Color: new("#336699")})
		require.NoError(t, err)
		label, _, err := b.client.Labels.CreateLabel(p.ID, &client.CreateLabelOptions{Name: new("bogue"), Color: new("#ff0000")})
		require.NoError(t, err)
		got, _, err := b.client.Labels.GetLabel(p.ID, label.ID)
		require.NoError(t, err)
		require.Equal(t, "bogue", got.Name)
		_, _, err = b.client.Labels.UpdateLabel(p.ID, "bogue", &client.UpdateLabelOptions{NewName: new("défaut"), Color: new("#00ff00")})
		require.NoError(t, err)
		labels := inPages(t, func(o client.ListOptions) ([]*client.Label, *client.Response, error) {
			return b.client.Labels.ListLabels(p.ID, &client.ListLabelsOptions{ListOptions: o})
		})
		require.Len(t, labels, 2)

		for n := range 5 {
			_, _, err := b.client.Issues.CreateIssue(p.ID, &client.CreateIssueOptions{
				Title: new(fmt.Sprintf("Ticket %d", n)), Description: new("- [ ] faire"), Labels: &client.LabelOptions{"étape::1", "défaut"},
			})
			require.NoError(t, err)
		}
		issues := inPages(t, func(o client.ListOptions) ([]*client.Issue, *client.Response, error) {
			return b.client.Issues.ListProjectIssues(p.ID, &client.ListProjectIssuesOptions{ListOptions: o, State: new("opened")})
		})
		require.Len(t, issues, 5)
		closed, _, err := b.client.Issues.UpdateIssue(p.ID, 3, &client.UpdateIssueOptions{StateEvent: new("close"), RemoveLabels: &client.LabelOptions{"défaut"}})
		require.NoError(t, err)
		require.Equal(t, "closed", closed.State)
		require.Equal(t, client.Labels{"étape::1"}, closed.Labels)
		read, _, err := b.client.Issues.GetIssue(p.ID, 3)
		require.NoError(t, err)
		require.NotNil(t, read.ClosedAt)
		require.Equal(t, "passerelle", read.ClosedBy.Username)
		require.Equal(t, 1, read.TaskCompletionStatus.Count)
		reopened, _, err := b.client.Issues.UpdateIssue(p.ID, 3, &client.UpdateIssueOptions{StateEvent: new("reopen")})
		require.NoError(t, err)
		require.Equal(t, "opened", reopened.State)
		_, err = b.client.Issues.DeleteIssue(p.ID, 5)
		require.NoError(t, err)

		for n := range 3 {
			_, _, err := b.client.Notes.CreateIssueNote(p.ID, 1, &client.CreateIssueNoteOptions{Body: new(fmt.Sprintf("note %d", n))})
			require.NoError(t, err)
		}
		notes := inPages(t, func(o client.ListOptions) ([]*client.Note, *client.Response, error) {
			return b.client.Notes.ListIssueNotes(p.ID, 1, &client.ListIssueNotesOptions{ListOptions: o, Sort: new("asc")})
		})
		require.Len(t, notes, 3)
		note, _, err := b.client.Notes.GetIssueNote(p.ID, 1, notes[1].ID)
		require.NoError(t, err)
		require.Equal(t, "note 1", note.Body)

		_, err = b.client.Labels.DeleteLabel(p.ID, "défaut", nil)
		require.NoError(t, err)
		read, _, err = b.client.Issues.GetIssue(p.ID, 1)
		require.NoError(t, err)
		require.Equal(t, client.Labels{"étape::1"}, read.Labels)
	})

	t.Run("members", func(t *testing.T) {
		t.Parallel()
		b, g, p := setupTeam(t)
		var ids []int
		for n := range 4 {
			name := fmt.Sprintf("membre%d", n)
			b.server.AddUser(name, false)
			users, _, err := b.client.Users.ListUsers(&client.ListUsersOptions{Username: &name})
			require.NoError(t, err)
			ids = append(ids, users[0].ID)
		}
		for _, id := range ids[:3] {
			_, _, err := b.client.GroupMembers.AddGroupMember(g.ID, &client.AddGroupMemberOptions{UserID: new(id), AccessLevel: new(client.DeveloperPermissions)})
			require.NoError(t, err)
		}
		members := inPages(t, func(o client.ListOptions) ([]*client.GroupMember, *client.Response, error) {
			return b.client.Groups.ListGroupMembers(g.ID, &client.ListGroupMembersOptions{ListOptions: o})
		})
		require.Len(t, members, 3)
		_, _, err := b.client.ProjectMembers.AddProjectMember(p.ID, &client.AddProjectMemberOptions{UserID: ids[3], AccessLevel: new(client.MaintainerPermissions)})
		require.NoError(t, err)
		edited, _, err := b.client.ProjectMembers.EditProjectMember(p.ID, ids[3], &client.EditProjectMemberOptions{AccessLevel: new(client.ReporterPermissions)})
		require.NoError(t, err)
		require.Equal(t, client.ReporterPermissions, edited.AccessLevel)
		one, _, err := b.client.ProjectMembers.GetInheritedProjectMember(p.ID, ids[0])
		require.NoError(t, err)
		require.Equal(t, client.DeveloperPermissions, one.AccessLevel)
		everybody := inPages(t, func(o client.ListOptions) ([]*client.ProjectMember, *client.Response, error) {
			return b.client.ProjectMembers.ListAllProjectMembers(p.ID, &client.ListProjectMembersOptions{ListOptions: o})
		})
		require.Len(t, everybody, 5)
		_, err = b.client.ProjectMembers.DeleteProjectMember(p.ID, ids[3])
		require.NoError(t, err)
		_, err = b.client.GroupMembers.RemoveGroupMember(g.ID, ids[0], nil)
		require.NoError(t, err)
		group, _, err := b.client.GroupMembers.GetGroupMember(g.ID, ids[1])
		require.NoError(t, err)
		require.Equal(t, "membre1", group.Username)

		_, _, err = b.client.Invites.GroupInvites(g.ID, &client.InvitesOptions{Email: new("claire@example.org"), AccessLevel: new(client.DeveloperPermissions)})
		require.NoError(t, err)
		invited, _, err := b.client.Invites.ListPendingGroupInvitations(g.ID, nil)
		require.NoError(t, err)
		require.Len(t, invited, 1)
	})

	t.Run("files", func(t *testing.T) {
		t.Parallel()
		b, _, p := setupTeam(t)
		for _, name := range []string{"a.txt", "dossier/b.txt", "dossier/é è.txt"} {
			_, _, err := b.client.RepositoryFiles.CreateFile(p.ID, name, &client.CreateFileOptions{Branch: new("main"), Content: new("contenu"), CommitMessage: new("Ajoute " + name)})
			require.NoError(t, err)
		}
		tree := inPages(t, func(o client.ListOptions) ([]*client.TreeNode, *client.Response, error) {
			return b.client.Repositories.ListTree(p.ID, &client.ListTreeOptions{ListOptions: o, Recursive: new(true)})
		})
		require.True(t, slices.ContainsFunc(tree, func(n *client.TreeNode) bool { return n.Path == "dossier/é è.txt" }))
		content, _, err := b.client.RepositoryFiles.GetRawFile(p.ID, "dossier/é è.txt", &client.GetRawFileOptions{Ref: new("main")})
		require.NoError(t, err)
		require.Equal(t, "contenu", string(content))
		_, _, err = b.client.RepositoryFiles.UpdateFile(p.ID, "a.txt", &client.UpdateFileOptions{Branch: new("main"), Content: new("neuf"), CommitMessage: new("Change")})
		require.NoError(t, err)
		_, err = b.client.RepositoryFiles.DeleteFile(p.ID, "dossier/b.txt", &client.DeleteFileOptions{Branch: new("main"), CommitMessage: new("Retire")})
		require.NoError(t, err)
		commits := inPages(t, func(o client.ListOptions) ([]*client.Commit, *client.Response, error) {
			return b.client.Commits.ListCommits(p.ID, &client.ListCommitsOptions{ListOptions: o})
		})
		require.Len(t, commits, 6)
		commit, _, err := b.client.Commits.GetCommit(p.ID, commits[0].ID, nil)
		require.NoError(t, err)
		require.Equal(t, "Retire", commit.Title)
		require.Equal(t, gitlab.Private, string(p.Visibility))
	})
}
