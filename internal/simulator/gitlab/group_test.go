package gitlab_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	client "github.com/xanzy/go-gitlab"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

func TestCreateGroup(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := b.call(t, http.MethodPost, "/groups", obj{
		"name": "Équipe (une)", "path": "equipe-1", "parent_id": b.root.ID, "description": "mark", "project_creation_level": "maintainer",
	})
	require.Equal(t, 201, made.status, made.body)
	g := made.json(t)
	require.Equal(t, "private", g["visibility"])
	require.Equal(t, "programme/equipe-1", g["full_path"])
	require.Equal(t, "maintainer", g["project_creation_level"])
	require.Equal(t, "2026-03-02T09:30:00.000Z", g["created_at"])

	taken := b.call(t, http.MethodPost, "/groups", obj{"name": "Autre", "path": "Equipe-1", "parent_id": b.root.ID})
	require.Equal(t, 400, taken.status)
	require.JSONEq(t, `{"message":"Failed to save group {:path=>[\"has already been taken\"]}"}`, taken.body)
	taken = b.call(t, http.MethodPost, "/groups", obj{"name": "Équipe (une)", "path": "equipe-2", "parent_id": b.root.ID})
	require.JSONEq(t, `{"message":"Failed to save group {:name=>[\"has already been taken\"]}"}`, taken.body)
	require.JSONEq(t, `{"error":"name is missing, path is missing"}`, b.call(t, http.MethodPost, "/groups", obj{}).body)
	require.Contains(t, b.call(t, http.MethodPost, "/groups", obj{"name": "x", "path": "xx", "parent_id": b.root.ID, "visibility": "public"}).body, "visibility_level")
	require.Equal(t, 404, b.call(t, http.MethodPost, "/groups", obj{"name": "x", "path": "xx", "parent_id": 99999}).status)

	got := b.call(t, http.MethodGet, "/groups/programme%2Fequipe-1", nil)
	require.Equal(t, made.id(t), got.id(t))
	require.Equal(t, made.id(t), b.call(t, http.MethodGet, fmt.Sprintf("/groups/%d", made.id(t)), nil).id(t))
}

func TestNewHashErrors(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *gitlab.Options) { o.NewHashErrors = true })
	taken := b.call(t, http.MethodPost, "/groups", obj{"name": "Autre", "path": "programme"})
	require.JSONEq(t, `{"message":"Failed to save group {path: [\"has already been taken\"]}"}`, taken.body)
}

func TestPathRules(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"-a", "a.", "a.git", "a.atom", "a--b", "a._b", "é", "a b", "_a", "a/b", "", strings.Repeat("a", 256)} {
		a := b.call(t, http.MethodPost, "/groups", obj{"name": "Nom", "path": path, "parent_id": b.root.ID})
		require.Equal(t, 400, a.status, path)
		require.Contains(t, a.body, "Failed to save group {:path", path)
		if path != "" { // without one, the name makes the path
			a = b.call(t, http.MethodPost, "/projects", obj{"name": "Nom", "path": path, "namespace_id": b.root.ID})
			require.Equal(t, 400, a.status, path)
			require.Contains(t, a.body, `{"message":{"path":[`, path)
		}
	}
	for _, path := range []string{"admin", "API", "groups", "dashboard", "users"} {
		require.Contains(t, b.call(t, http.MethodPost, "/groups", obj{"name": "Nom", "path": path}).body, "is a reserved name")
	}
	require.Contains(t, b.call(t, http.MethodPost, "/projects", obj{"path": "wikis", "namespace_id": b.root.ID}).body, "wikis is a reserved name")
	for n, path := range []string{"a", "a-b_c.d", "A1", "0", strings.Repeat("a", 255)} {
		name := fmt.Sprintf("Nom %d", n)
		require.Equal(t, 201, b.call(t, http.MethodPost, "/groups", obj{"name": name, "path": path, "parent_id": b.root.ID}).status, path)
	}
	require.Equal(t, 201, b.call(t, http.MethodPost, "/projects", obj{"path": "p-b_c.d", "namespace_id": b.root.ID}).status)

	// Names hold accents, but not everything.
	require.Equal(t, 201, b.call(t, http.MethodPost, "/projects", obj{"name": "Démarche été 2026", "namespace_id": b.root.ID}).status)
	require.Contains(t, b.call(t, http.MethodPost, "/projects", obj{"name": "L'été", "path": "ete", "namespace_id": b.root.ID}).body, "can contain only letters")
	require.Contains(t, b.call(t, http.MethodPost, "/groups", obj{"name": "a<b>", "path": "ab"}).json(t)["message"], ":name=>")
}

func TestListGroupsInPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for n := range 45 {
		_, _, err := b.client.Groups.CreateGroup(&client.CreateGroupOptions{
			Name: new(fmt.Sprintf("Equipe %02d", n)), Path: new(fmt.Sprintf("equipe-%02d", n)), ParentID: &b.root.ID,
		})
		require.NoError(t, err)
	}

	var names []string
	options := &client.ListSubGroupsOptions{ListOptions: client.ListOptions{PerPage: 20}}
	for {
		page, res, err := b.client.Groups.ListSubGroups("programme", options)
		require.NoError(t, err)
		require.Equal(t, 45, res.TotalItems)
		require.Equal(t, 3, res.TotalPages)
		for _, g := range page {
			names = append(names, g.Name)
		}
		if options.Page = res.NextPage; options.Page == 0 {
			break
		}
	}
	require.Len(t, names, 45)
	require.IsIncreasing(t, names)

	a := b.call(t, http.MethodGet, "/groups/programme/subgroups?per_page=1000&page=1", nil)
	require.Equal(t, "100", a.header.Get("X-Per-Page"))
	require.Empty(t, a.header.Get("X-Next-Page"))
	a = b.call(t, http.MethodGet, "/groups?search=equipe-1&per_page=4&page=2", nil)
	require.Equal(t, "10", a.header.Get("X-Total"))
	require.Equal(t, "3", a.header.Get("X-Next-Page"))
	require.Equal(t, "1", a.header.Get("X-Prev-Page"))
	for _, rel := range []string{"prev", "next", "first", "last"} {
		require.Contains(t, a.header.Get("Link"), `rel="`+rel+`"`)
	}
	require.Contains(t, a.header.Get("Link"), "/api/v4/groups?page=3&per_page=4&search=equipe-1>")
	require.Equal(t, "[]", b.call(t, http.MethodGet, "/groups?page=99", nil).body)

	top := b.call(t, http.MethodGet, "/groups?top_level_only=true", nil)
	require.Equal(t, "1", top.header.Get("X-Total"))
	all, _, err := b.client.Groups.ListDescendantGroups("programme", nil)
	require.NoError(t, err)
	require.Len(t, all, 20)
}

func TestRenameAndDeleteGroup(t *testing.T) {
	t.Parallel()
	b := setup(t)
	g, err := b.server.CreateGroup("programme/equipe/interne", "passerelle")
	require.NoError(t, err)
	_, err = b.server.CreateProject("programme/equipe/interne/app")
	require.NoError(t, err)

	_, _, err = b.client.Groups.UpdateGroup("programme/equipe", &client.UpdateGroupOptions{Path: new("equipe-neuve")})
	require.NoError(t, err)
	p, _, err := b.client.Projects.GetProject("programme/equipe-neuve/interne/app", nil)
	require.NoError(t, err)
	require.Equal(t, g.ID, p.Namespace.ID)
	require.Equal(t, 404, b.call(t, http.MethodGet, "/groups/programme%2Fequipe%2Finterne", nil).status, "groups are not led on")
	same, _, err := b.client.Projects.GetProject("programme/equipe/interne/app", nil)
	require.NoError(t, err, "projects are")
	require.Equal(t, p.ID, same.ID)

	a := b.call(t, http.MethodDelete, fmt.Sprintf("/groups/%d", g.ID), nil)
	require.Equal(t, 202, a.status)
	marked := b.call(t, http.MethodGet, fmt.Sprintf("/groups/%d", g.ID), nil).json(t)
	require.Equal(t, fmt.Sprintf("interne-deletion_scheduled-%d", g.ID), marked["path"])
	require.Equal(t, "2026-03-02", marked["marked_for_deletion_on"])
	require.Equal(t, 400, b.call(t, http.MethodDelete, fmt.Sprintf("/groups/%d", g.ID), nil).status)
	require.Equal(t, 404, b.call(t, http.MethodGet, "/groups/programme%2Fequipe-neuve%2Finterne", nil).status)
	again, err := b.server.CreateGroup("programme/equipe-neuve/interne")
	require.NoError(t, err, "its path is free")
	require.NotEqual(t, g.ID, again.ID)
	require.Equal(t, 400, b.call(t, http.MethodPost, fmt.Sprintf("/groups/%d/restore", g.ID), nil).status)
	require.NoError(t, b.server.PurgeGroup("programme/equipe-neuve/interne"))
	require.Equal(t, 201, b.call(t, http.MethodPost, fmt.Sprintf("/groups/%d/restore", g.ID), nil).status)
	_, _, err = b.client.Projects.GetProject("programme/equipe-neuve/interne/app", nil)
	require.NoError(t, err)
}

func TestStrangersGroup(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.server.AddUser("marie", false)
	_, err := b.server.CreateGroup("etrangers/secret", "marie")
	require.NoError(t, err)
	_, err = b.server.CreateGroup("etrangers/secret")
	require.ErrorContains(t, err, "has already been taken")
	a := b.call(t, http.MethodPost, "/groups", obj{"name": "Etrangers", "path": "etrangers"})
	require.Equal(t, 400, a.status)
	require.Contains(t, a.body, "has already been taken", "taken, though invisible")
	require.Equal(t, 404, b.call(t, http.MethodGet, "/groups/etrangers", nil).status)
}
