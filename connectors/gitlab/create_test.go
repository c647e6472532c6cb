package gitlab_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
)

func TestCreateGroup(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusCreated, `{"id":12,"full_path":"programme/étoile","web_url":"https://gitlab.fr/programme/etoile","description":"marque"}`))
	got, err := b.client.CreateGroup(t.Context(), gitlab.NewGroup{ParentID: 5, Name: "Étoile", Path: "etoile", Description: "marque"})
	require.NoError(t, err)
	require.Equal(t, int64(12), got.ID)
	require.Equal(t, "https://gitlab.fr/programme/etoile", got.URL)
	require.Equal(t, "/forge/api/v4/groups", b.requests[0].path)
	require.Equal(t, map[string]any{
		"parent_id": 5.0, "name": "Étoile", "path": "etoile", "description": "marque", "visibility": "private",
		"project_creation_level": "maintainer", "subgroup_creation_level": "maintainer",
	}, b.requests[0].body)

	_, err = b.client.CreateGroup(t.Context(), gitlab.NewGroup{Name: "Racine", Path: "racine"})
	require.NoError(t, err)
	require.NotContains(t, b.requests[1].body, "parent_id")
}

func TestGroupStates(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusOK, `{"id":12,"archived":true,"marked_for_deletion_on":"2026-11-23"}`))
	got, err := b.client.Group(t.Context(), "a")
	require.NoError(t, err)
	require.True(t, got.Archived)
	require.True(t, got.Deleting)
}

func TestCreateProject(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusCreated, `{"id":33,"path_with_namespace":"programme/etoile/bac","web_url":"https://gitlab.fr/p","default_branch":"main","empty_repo":true,"archived":false,"description":null}`))
	got, err := b.client.CreateProject(t.Context(), gitlab.NewProject{
		NamespaceID: 12, Name: "Bac à sable", Path: "bac", Description: "marque", DefaultBranch: "main",
		CIConfigPath: ".ci.yml", Topics: []string{"passerelle"},
	})
	require.NoError(t, err)
	require.Equal(t, gitlab.Project{ID: 33, Path: "programme/etoile/bac", URL: "https://gitlab.fr/p", DefaultBranch: "main", Empty: true}, got)
	require.Equal(t, map[string]any{
		"namespace_id": 12.0, "name": "Bac à sable", "path": "bac", "description": "marque", "visibility": "private",
		"default_branch": "main", "ci_config_path": ".ci.yml", "topics": []any{"passerelle"}, "initialize_with_readme": false,
	}, b.requests[0].body)
}

func TestTaken(t *testing.T) {
	t.Parallel()
	group := func(t *testing.T, b *testBundle) error {
		t.Helper()
		_, err := b.client.CreateGroup(t.Context(), gitlab.NewGroup{Path: "g"})
		return err
	}
	project := func(t *testing.T, b *testBundle) error {
		t.Helper()
		_, err := b.client.CreateProject(t.Context(), gitlab.NewProject{Path: "p"})
		return err
	}
	commit := func(t *testing.T, b *testBundle) error {
		t.Helper()
		_, _, err := b.client.CommitFiles(t.Context(), 33, "main", "m", []gitlab.File{{Path: "a"}})
		return err
	}
	for name, tt := range map[string]struct {
		create func(*testing.T, *testBundle) error
		body   string
		detail string
	}{
		"group":         {group, `{"message":"Failed to save group {:path=>[\"has already been taken\"]}"}`, "group g: Failed to save group path: has already been taken"},
		"group, recent": {group, `{"message":"Failed to save group {path: [\"has already been taken\"]}"}`, "group g: Failed to save group path: has already been taken"},
		"project": {
			project, `{"message":{"path":["has already been taken"],"name":["has already been taken"],"project_namespace.name":["has already been taken"]}}`,
			"project p: name: has already been taken; path: has already been taken; project_namespace.name: has already been taken",
		},
		"file": {commit, `{"message":"A file with this name already exists"}`, "project 33: A file with this name already exists"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.create(t, setup(t, says(http.StatusBadRequest, tt.body)))
			f := failureOf(t, err)
			require.True(t, gitlab.IsTaken(err))
			require.Equal(t, connectors.Permanent, f.Class)
			require.True(t, f.NoEffect)
			require.Equal(t, tt.detail, f.Detail)
		})
	}
	require.False(t, gitlab.IsTaken(nil))
}

func TestArchive(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusCreated, `{"id":33,"archived":true,"marked_for_deletion_at":"2026-11-23"}`))
	require.NoError(t, b.client.ArchiveProject(t.Context(), 33))
	require.NoError(t, b.client.UnarchiveProject(t.Context(), 33))
	require.Equal(t, "/forge/api/v4/projects/33/archive", b.requests[0].path)
	require.Equal(t, "/forge/api/v4/projects/33/unarchive", b.requests[1].path)
	got, err := b.client.Project(t.Context(), "33")
	require.NoError(t, err)
	require.True(t, got.Archived)
	require.True(t, got.Deleting)
}

func TestCommitFiles(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusCreated, `{"id":"abc123","web_url":"https://gitlab.fr/p/-/commit/abc123"}`))
	sha, url, err := b.client.CommitFiles(t.Context(), 33, "main", "Premier pas", []gitlab.File{
		{Path: "README.md", Content: "# Bonjour\n"},
		{Path: "run.sh", Content: "#!/bin/sh\n", Executable: true},
		{Path: "logo", Content: "\xff\x00"},
	})
	require.NoError(t, err)
	require.Equal(t, "abc123", sha)
	require.Equal(t, "https://gitlab.fr/p/-/commit/abc123", url)
	require.Len(t, b.requests, 1)
	require.Equal(t, "/forge/api/v4/projects/33/repository/commits", b.requests[0].path)
	require.Equal(t, map[string]any{
		"branch": "main", "commit_message": "Premier pas", "actions": []any{
			map[string]any{"action": "create", "file_path": "README.md", "content": "# Bonjour\n"},
			map[string]any{"action": "create", "file_path": "run.sh", "content": "#!/bin/sh\n", "execute_filemode": true},
			map[string]any{"action": "create", "file_path": "logo", "content": "/wA=", "encoding": "base64"},
		},
	}, b.requests[0].body)
}
