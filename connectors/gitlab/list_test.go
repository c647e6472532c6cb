package gitlab_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
)

// paged answers with a full page, then with one more item.
func paged(item string) func(http.ResponseWriter, request) {
	return func(w http.ResponseWriter, r request) {
		if strings.HasSuffix(r.path, "/user") {
			says(http.StatusOK, `{"id":7}`)(w, r)
			return
		}
		n := 100
		if r.query["page"][0] == "2" {
			n = 1
		}
		items := make([]string, n)
		for i := range items {
			items[i] = item
		}
		says(http.StatusOK, "["+strings.Join(items, ",")+"]")(w, r)
	}
}

func TestEachGroup(t *testing.T) {
	t.Parallel()
	b := setup(t, paged(`{"id":5,"full_path":"programme/a","visibility":"public","marked_for_deletion_on":"2026-11-23"}`))
	var got []gitlab.Group
	require.NoError(t, b.client.EachGroup(t.Context(), "programme", func(g gitlab.Group) { got = append(got, g) }))
	require.Len(t, got, 101)
	require.Equal(t, gitlab.Group{ID: 5, Path: "programme/a", Visibility: "public", Deleting: true}, got[100])
	require.Equal(t, "/forge/api/v4/groups/programme/subgroups", b.requests[1].path)
	require.Equal(t, map[string][]string{"order_by": {"id"}, "sort": {"asc"}, "page": {"2"}, "per_page": {"100"}}, b.requests[1].query)
}

func TestEachProject(t *testing.T) {
	t.Parallel()
	b := setup(t, paged(`{"id":6,"path_with_namespace":"programme/a/b","visibility":"private","creator_id":7,"archived":true}`))
	var got []gitlab.Project
	require.NoError(t, b.client.EachProject(t.Context(), "programme/x", func(p gitlab.Project) { got = append(got, p) }))
	require.Len(t, got, 101)
	require.Equal(t, gitlab.Project{ID: 6, Path: "programme/a/b", Visibility: "private", Creator: 7, Archived: true}, got[0])
	require.Equal(t, "/forge/api/v4/groups/programme%2Fx/projects", b.requests[1].path)
	require.Equal(t, []string{"true"}, b.requests[0].query["include_subgroups"])
	require.Equal(t, []string{"false"}, b.requests[0].query["with_shared"])
}

func TestByNumber(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusOK, `{"id":5,"iid":5,"full_path":"a","path_with_namespace":"a/b","user_notes_count":3,"updated_at":"2026-11-23T10:00:00Z"}`))
	group, err := b.client.GroupByID(t.Context(), 5)
	require.NoError(t, err)
	require.Equal(t, "a", group.Path)
	project, err := b.client.ProjectByID(t.Context(), 5)
	require.NoError(t, err)
	require.Equal(t, "a/b", project.Path)
	issue, err := b.client.Issue(t.Context(), "a/b", 5)
	require.NoError(t, err)
	require.Equal(t, 3, issue.Notes)
	require.False(t, issue.UpdatedAt.IsZero())
	var paths []string
	for _, r := range b.requests {
		paths = append(paths, r.method+" "+r.path)
	}
	require.Equal(t, []string{
		"GET /forge/api/v4/groups/5", "GET /forge/api/v4/projects/5", "GET /forge/api/v4/projects/a%2Fb/issues/5",
	}, paths)
}

func TestDeleteNote(t *testing.T) {
	t.Parallel()
	for status, fails := range map[int]bool{http.StatusNoContent: false, http.StatusNotFound: false, http.StatusForbidden: true} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			body := `{"message":"404 Note Not Found"}`
			if status == http.StatusNoContent {
				body = ""
			}
			b := setup(t, says(status, body))
			require.Equal(t, fails, b.client.DeleteNote(t.Context(), "a/b", 5, 9) != nil)
			require.Equal(t, "DELETE", b.requests[0].method)
			require.Equal(t, "/forge/api/v4/projects/a%2Fb/issues/5/notes/9", b.requests[0].path)
		})
	}
}

// Our own account does not count; who the others are is not read.
func TestAccess(t *testing.T) {
	t.Parallel()
	b := setup(t, func(w http.ResponseWriter, r request) {
		switch {
		case strings.HasSuffix(r.path, "/user"):
			says(http.StatusOK, `{"id":7}`)(w, r)
		case strings.HasSuffix(r.path, "/members"):
			says(http.StatusOK, `[{"id":7,"access_level":50},{"id":8,"access_level":40},{"id":9,"access_level":30}]`)(w, r)
		default:
			says(http.StatusOK, `[{"invite_email":"a@x.fr","access_level":30},{"invite_email":"b@x.fr","access_level":15}]`)(w, r)
		}
	})
	got, err := b.client.Access(t.Context(), 12)
	require.NoError(t, err)
	require.Equal(t, map[gitlab.AccessLevel]int{gitlab.Maintainer: 1, gitlab.Developer: 2, 15: 1}, got)
	for level := range got {
		parsed, err := gitlab.ParseAccessLevel(level.String())
		require.Equal(t, level != 15, err == nil)
		if err == nil {
			require.Equal(t, level, parsed)
		}
	}
}
