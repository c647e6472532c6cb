package gitlab_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
)

func TestDiscussions(t *testing.T) {
	t.Parallel()
	b := setup(t, listing(
		`[{"id":"6a9c","individual_note":true,"notes":[{"id":1,"body":"/passerelle go","system":false,"author":{"id":9,"username":"camille.roy"},
			"created_at":"2026-11-23T10:00:00Z","updated_at":"2026-11-23T10:05:00Z"}]}]`,
		`[{"id":"87ab","individual_note":false,"notes":[{"id":2,"system":true},{"id":3,"body":"b"}]}]`,
	))
	got, err := b.client.Discussions(t.Context(), "pilotage/suivi", 12)
	require.NoError(t, err)
	require.Equal(t, []gitlab.Discussion{
		{ID: "6a9c", Notes: []gitlab.DiscussionNote{{
			ID: 1, AuthorID: 9, AuthorName: "camille.roy", Body: "/passerelle go",
			CreatedAt: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), UpdatedAt: time.Date(2026, 11, 23, 10, 5, 0, 0, time.UTC),
		}}},
		{ID: "87ab", Notes: []gitlab.DiscussionNote{{ID: 2, System: true}, {ID: 3, Body: "b"}}},
	}, got)
	require.Equal(t, "/forge/api/v4/projects/pilotage%2Fsuivi/issues/12/discussions", b.requests[0].path)
	require.Equal(t, map[string][]string{"page": {"1"}, "per_page": {"100"}}, b.requests[0].query)
	require.Len(t, b.requests, 2)
}

func TestReply(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusCreated, `{"id":4,"body":"C’est noté.","created_at":"2026-11-23T10:00:00Z"}`))
	got, err := b.client.Reply(t.Context(), "pilotage/suivi", 12, "6a/9c", "C’est noté.")
	require.NoError(t, err)
	require.Equal(t, int64(4), got.ID)
	require.Equal(t, "/forge/api/v4/projects/pilotage%2Fsuivi/issues/12/discussions/6a%2F9c/notes", b.requests[0].path)
	require.Equal(t, map[string]any{"body": "C’est noté."}, b.requests[0].body)
}

func TestEventsOfAnIssue(t *testing.T) {
	t.Parallel()
	labels := setup(t, listing(
		`[{"id":7,"user":{"id":9},"created_at":"2026-11-23T10:00:00Z","label":{"name":"go"},"action":"add"}]`,
		`[{"id":8,"user":null,"created_at":"2026-11-23T11:00:00Z","label":null,"action":"remove"}]`,
	))
	got, err := labels.client.LabelEvents(t.Context(), "pilotage/suivi", 12)
	require.NoError(t, err)
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	require.Equal(t, []gitlab.LabelEvent{{ID: 7, AuthorID: 9, Label: "go", Added: true, At: at}, {ID: 8, At: at.Add(time.Hour)}}, got,
		"the label, or the account, may be gone")
	require.Equal(t, "/forge/api/v4/projects/pilotage%2Fsuivi/issues/12/resource_label_events", labels.requests[0].path)

	states := setup(t, listing(`[{"id":7,"user":{"id":9},"created_at":"2026-11-23T10:00:00Z","state":"closed"}]`))
	closed, err := states.client.StateEvents(t.Context(), "pilotage/suivi", 12)
	require.NoError(t, err)
	require.Equal(t, []gitlab.StateEvent{{ID: 7, AuthorID: 9, State: "closed", At: at}}, closed)
	require.Equal(t, "/forge/api/v4/projects/pilotage%2Fsuivi/issues/12/resource_state_events", states.requests[0].path)
}

func TestConversationUnreadable(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"message":"no"}`, `[{}]`, `<html>`} {
		b := setup(t, listing(body))
		_, err := b.client.Discussions(t.Context(), "s", 12)
		require.Equal(t, connectors.Transient, failureOf(t, err).Class)
		_, err = b.client.LabelEvents(t.Context(), "s", 12)
		require.Equal(t, connectors.Transient, failureOf(t, err).Class)
		_, err = b.client.StateEvents(t.Context(), "s", 12)
		require.Equal(t, connectors.Transient, failureOf(t, err).Class)
	}
	b := setup(t, says(http.StatusNotFound, `{"message":"404 Not found"}`))
	_, err := b.client.Discussions(t.Context(), "s", 12)
	require.True(t, connectors.IsNotFound(err))
}

func TestEachIssueUpdated(t *testing.T) {
	t.Parallel()
	b := setup(t, listing(`[{"iid":3},{"iid":9}]`))
	var seen []int64
	since := time.Date(2026, 11, 23, 11, 0, 0, 0, time.FixedZone("", 3600))
	require.NoError(t, b.client.EachIssueUpdated(t.Context(), "pilotage/suivi", since, func(i gitlab.Issue) { seen = append(seen, i.IID) }))
	require.Equal(t, []int64{3, 9}, seen)
	require.Equal(t, map[string][]string{
		"updated_after": {"2026-11-23T10:00:00Z"}, "order_by": {"updated_at"}, "sort": {"asc"},
		"scope": {"all"}, "state": {"all"}, "per_page": {"100"}, "page": {"1"},
	}, b.requests[0].query)
}

// The next page begins where the one before ended: counted pages shift when an issue of the
// first is changed meanwhile.
func TestEachIssueUpdated_Pages(t *testing.T) {
	t.Parallel()
	page := func(from, n int, at string) string {
		var issues []string
		for i := range n {
			issues = append(issues, fmt.Sprintf(`{"iid":%d,"updated_at":%q}`, from+i, at))
		}
		return "[" + strings.Join(issues, ",") + "]"
	}
	pages := []string{
		page(1, 100, "2026-11-23T10:05:00.5Z"), page(100, 100, "2026-11-23T10:05:00.9Z"), page(200, 1, "2026-11-23T10:06:00Z"),
	}
	asked := 0
	b := setup(t, func(w http.ResponseWriter, _ request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, pages[asked])
		asked++
	})
	seen := map[int64]bool{}
	require.NoError(t, b.client.EachIssueUpdated(t.Context(), "s", time.Time{}, func(i gitlab.Issue) { seen[i.IID] = true }))
	require.Len(t, seen, 200)
	var where []string
	for _, request := range b.requests {
		where = append(where, strings.Join(request.query["updated_after"], "")+" "+request.query["page"][0])
	}
	require.Equal(t, []string{" 1", "2026-11-23T10:05:00Z 1", "2026-11-23T10:05:00Z 2"}, where, "a second that is too full is paged")
}

func TestAccessLevel(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusOK, `{"id":9,"username":"camille.roy","access_level":30}`))
	level, err := b.client.AccessLevel(t.Context(), "pilotage/suivi", 9)
	require.NoError(t, err)
	require.Equal(t, gitlab.Developer, level)
	require.Equal(t, "/forge/api/v4/projects/pilotage%2Fsuivi/members/all/9", b.requests[0].path)

	nobody := setup(t, says(http.StatusNotFound, `{"message":"404 Not found"}`))
	level, err = nobody.client.AccessLevel(t.Context(), "s", 9)
	require.NoError(t, err)
	require.Zero(t, level)
	for _, status := range []int{http.StatusForbidden, http.StatusBadGateway, http.StatusOK} {
		down := setup(t, says(status, `{}`))
		_, err = down.client.AccessLevel(t.Context(), "s", 9)
		require.Equal(t, status, failureOf(t, err).Status)
	}
}

func TestChangeProject(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusOK, `{"id":6,"path_with_namespace":"a/b","topics":["go","étape-4"]}`))
	p, err := b.client.ChangeProject(t.Context(), 6, gitlab.ProjectChange{Topics: []string{"go", "étape-4"}})
	require.NoError(t, err)
	require.Equal(t, []string{"go", "étape-4"}, p.Topics)
	_, err = b.client.ChangeProject(t.Context(), 6, gitlab.ProjectChange{Description: new(""), Topics: []string{}})
	require.NoError(t, err)
	require.Equal(t, http.MethodPut, b.requests[0].method)
	require.Equal(t, "/forge/api/v4/projects/6", b.requests[0].path)
	require.Equal(t, map[string]any{"topics": []any{"go", "étape-4"}}, b.requests[0].body, "what is not set is left alone")
	require.Equal(t, map[string]any{"description": "", "topics": []any{}}, b.requests[1].body)
}
