package gitlab_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	client "github.com/xanzy/go-gitlab"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

func TestCreateProject(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, _, err := b.client.Projects.CreateProject(&client.CreateProjectOptions{
		Name: new("Bac à sable"), Path: new("bac"), NamespaceID: &b.root.ID, Description: new("mark"),
		Topics: &[]string{"passerelle"}, CIConfigPath: new("ci.yml"), InitializeWithReadme: new(true), DefaultBranch: new("trunk"),
	})
	require.NoError(t, err)
	require.Equal(t, client.PrivateVisibility, p.Visibility)
	require.Equal(t, "programme/bac", p.PathWithNamespace)
	require.Equal(t, []string{"passerelle"}, p.Topics)
	require.Equal(t, "ci.yml", p.CIConfigPath)
	require.Equal(t, "trunk", p.DefaultBranch)
	require.False(t, p.EmptyRepo)
	require.Contains(t, b.server.Files("programme/bac")["README.md"], "# Bac à sable")

	taken := b.call(t, http.MethodPost, "/projects", obj{"name": "Bac à sable", "path": "BAC", "namespace_id": b.root.ID})
	require.Equal(t, 400, taken.status)
	require.JSONEq(t, `{"message":{"path":["has already been taken"],"name":["has already been taken"],"project_namespace.name":["has already been taken"]}}`, taken.body)
	taken = b.call(t, http.MethodPost, "/projects", obj{"name": "Bac à sable", "path": "autre", "namespace_id": b.root.ID})
	require.JSONEq(t, `{"message":{"name":["has already been taken"],"project_namespace.name":["has already been taken"]}}`, taken.body)

	require.JSONEq(t, `{"error":"name, path are missing, at least one parameter must be provided"}`, b.call(t, http.MethodPost, "/projects", obj{}).body)
	require.JSONEq(t, `{"message":{"namespace":["is not valid"]}}`, b.call(t, http.MethodPost, "/projects", obj{"name": "x", "namespace_id": 9999}).body)

	own := b.call(t, http.MethodPost, "/projects", obj{"name": "À moi seul"})
	require.Equal(t, "passerelle/moi-seul", own.json(t)["path_with_namespace"])
	require.Equal(t, true, own.json(t)["empty_repo"])
}

func TestEditProject(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "un")
	b.project(t, "deux")
	got, _, err := b.client.Projects.EditProject(p.ID, &client.EditProjectOptions{Description: new("d"), Topics: &[]string{"a"}, Path: new("uno"), Name: new("Uno")})
	require.NoError(t, err)
	require.Equal(t, "programme/uno", got.PathWithNamespace)
	require.Contains(t, b.call(t, http.MethodPut, fmt.Sprintf("/projects/%d", p.ID), obj{"path": "deux"}).body, "has already been taken")
	require.NoError(t, b.server.MoveProject("programme/uno", "", "un"))
	_, err = b.server.CreateGroup("programme/cave", "passerelle")
	require.NoError(t, err)
	moved, _, err := b.client.Projects.TransferProject(p.ID, &client.TransferProjectOptions{Namespace: "programme/cave"})
	require.NoError(t, err)
	require.Equal(t, "programme/cave/un", moved.PathWithNamespace)
}

func TestArchivedProjectRefusesWrites(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.project(t, "un")
	b.issue(t, p, "avant", "")
	user := b.server.AddUser("marie", false)
	require.NotEmpty(t, user)
	for range 2 { // idempotent
		a := b.call(t, http.MethodPost, fmt.Sprintf("/projects/%d/archive", p.ID), nil)
		require.Equal(t, 201, a.status)
		require.Equal(t, true, a.json(t)["archived"])
	}
	at := fmt.Sprintf("/projects/%d", p.ID)
	for path, body := range map[string]obj{
		"/issues":                {"title": "x"},
		"/issues/1/notes":        {"body": "x"},
		"/labels":                {"name": "x", "color": "#fff"},
		"/members":               {"user_id": 3, "access_level": 30},
		"/invitations":           {"email": "a@x.fr", "access_level": 30},
		"/repository/commits":    {"branch": "main", "commit_message": "x", "actions": []obj{{"action": "create", "file_path": "a", "content": ""}}},
		"/repository/files/a.md": {"branch": "main", "commit_message": "x", "content": ""},
	} {
		a := b.call(t, http.MethodPost, at+path, body)
		require.Equal(t, 403, a.status, path)
		require.JSONEq(t, `{"message":"403 Forbidden"}`, a.body, path)
	}
	require.Equal(t, 403, b.call(t, http.MethodPut, at+"/issues/1", obj{"state_event": "close"}).status)
	require.ErrorContains(t, b.server.CloseIssue("programme/un", 1, ""), "403")
	require.Equal(t, 200, b.call(t, http.MethodGet, at+"/issues/1", nil).status)

	for range 2 {
		a := b.call(t, http.MethodPost, at+"/unarchive", nil)
		require.Equal(t, 201, a.status)
		require.Equal(t, false, a.json(t)["archived"])
	}
	require.Equal(t, 201, b.call(t, http.MethodPost, at+"/issues", obj{"title": "x"}).status)
}

func TestDeleteProject(t *testing.T) {
	t.Parallel()

	t.Run("renames it", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		p := b.project(t, "un")
		require.Equal(t, 202, b.call(t, http.MethodDelete, "/projects/programme%2Fun", nil).status)
		got, _, err := b.client.Projects.GetProject(p.ID, nil)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("programme/un-deletion_scheduled-%d", p.ID), got.PathWithNamespace)
		require.NotNil(t, got.MarkedForDeletionAt)
		again := b.project(t, "un")
		require.NotEqual(t, p.ID, again.ID)
		a := b.call(t, http.MethodDelete, fmt.Sprintf("/projects/%d?permanently_remove=true&full_path=%s", p.ID, url.QueryEscape(got.PathWithNamespace)), nil)
		require.Equal(t, 202, a.status)
		require.Equal(t, 404, b.call(t, http.MethodGet, fmt.Sprintf("/projects/%d", p.ID), nil).status)
	})
	t.Run("keeps its path on older versions", func(t *testing.T) {
		t.Parallel()
		b := setup(t, func(o *gitlab.Options) { o.LegacyDeletion = true })
		p := b.project(t, "un")
		require.NoError(t, b.server.DeleteProject("programme/un", "passerelle"))
		a := b.call(t, http.MethodPost, "/projects", obj{"path": "un", "namespace_id": b.root.ID})
		require.Equal(t, 400, a.status)
		require.JSONEq(t, `{"message":{"base":["The project is still being deleted. Please try again later."],"limit_reached":[]}}`, a.body)
		require.Equal(t, 201, b.call(t, http.MethodPost, fmt.Sprintf("/projects/%d/restore", p.ID), nil).status)
		require.NoError(t, b.server.PurgeProject("programme/un"))
		b.project(t, "un")
	})
}

func TestListProjects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for n := range 25 {
		b.project(t, fmt.Sprintf("p-%02d", n))
	}
	_, err := b.server.CreateProject("programme/special")
	require.NoError(t, err)

	var paths []string
	options := &client.ListProjectsOptions{ListOptions: client.ListOptions{PerPage: 10}, Search: new("p-")}
	for {
		page, res, err := b.client.Projects.ListProjects(options)
		require.NoError(t, err)
		require.Equal(t, 25, res.TotalItems)
		for _, p := range page {
			paths = append(paths, p.Path)
		}
		if options.Page = res.NextPage; options.Page == 0 {
			break
		}
	}
	require.Len(t, paths, 25)
	require.Equal(t, "p-24", paths[0], "newest first")

	in, _, err := b.client.Groups.ListGroupProjects("programme", &client.ListGroupProjectsOptions{Search: new("spec")})
	require.NoError(t, err)
	require.Len(t, in, 1)

	// By keyset, following the links.
	next, seen := b.url+"/projects?pagination=keyset&order_by=id&sort=asc&per_page=10", 0
	for pages := 0; next != ""; pages++ {
		require.Less(t, pages, 5)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, next, nil)
		require.NoError(t, err)
		r.Header.Set("PRIVATE-TOKEN", hubToken)
		a := do(t, r)
		seen += strings.Count(a.body, `"path_with_namespace"`)
		next = ""
		if link := regexp.MustCompile(`<([^>]+)>; rel="next"`).FindStringSubmatch(a.header.Get("Link")); link != nil {
			next = link[1]
		}
	}
	require.Equal(t, 26, seen)
}
