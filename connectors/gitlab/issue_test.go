package gitlab_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
)

const issueJSON = `{"id":900,"iid":12,"web_url":"https://gitlab.fr/s/-/issues/12","state":"opened","labels":["étape::2","bot"],"description":"corps","created_at":"2026-11-23T10:15:30.123Z"}`

func TestOpenIssue(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusCreated, issueJSON))
	got, err := b.client.OpenIssue(t.Context(), "pilotage/suivi", gitlab.NewIssue{
		Title: "Étoile", Description: "corps", Labels: []string{"étape::2", "bot"}, Confidential: true,
	})
	require.NoError(t, err)
	require.Equal(t, gitlab.Issue{
		IID: 12, ID: 900, URL: "https://gitlab.fr/s/-/issues/12", State: "opened", Labels: []string{"étape::2", "bot"},
		Description: "corps", CreatedAt: time.Date(2026, 11, 23, 10, 15, 30, 123e6, time.UTC),
	}, got)
	require.Equal(t, "/forge/api/v4/projects/pilotage%2Fsuivi/issues", b.requests[0].path)
	require.Equal(t, map[string]any{"title": "Étoile", "description": "corps", "labels": "étape::2,bot", "confidential": true}, b.requests[0].body)
}

func TestChangeIssue(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusOK, issueJSON))
	_, err := b.client.ChangeIssue(t.Context(), "pilotage/suivi", 12, gitlab.IssueChange{
		AddLabels: []string{"étape::3"}, RemoveLabels: []string{"étape::1", "étape::2"}, StateEvent: "reopen",
	})
	require.NoError(t, err)
	_, err = b.client.ChangeIssue(t.Context(), "pilotage/suivi", 12, gitlab.IssueChange{StateEvent: "close"})
	require.NoError(t, err)
	require.Equal(t, http.MethodPut, b.requests[0].method)
	require.Equal(t, "/forge/api/v4/projects/pilotage%2Fsuivi/issues/12", b.requests[0].path)
	require.Equal(t, map[string]any{"add_labels": "étape::3", "remove_labels": "étape::1,étape::2", "state_event": "reopen"}, b.requests[0].body)
	require.Equal(t, map[string]any{"state_event": "close"}, b.requests[1].body, "the description is left alone")
}

// listing answers GET /user with number 77, and the pages of a list after it.
func listing(pages ...string) func(w http.ResponseWriter, r request) {
	return func(w http.ResponseWriter, r request) {
		if r.path == "/forge/api/v4/user" {
			says(http.StatusOK, `{"id":77,"email":"bot@x.fr"}`)(w, r)
			return
		}
		page := 1
		_, _ = fmt.Sscan(strings.Join(r.query["page"], ""), &page)
		if page > len(pages) {
			says(http.StatusOK, `[]`)(w, r)
			return
		}
		if page < len(pages) {
			w.Header().Set("X-Next-Page", fmt.Sprint(page+1))
		}
		says(http.StatusOK, pages[page-1])(w, r)
	}
}

func TestFindIssue(t *testing.T) {
	t.Parallel()
	marked := func(i gitlab.Issue) bool { return strings.Contains(i.Description, "marque") }
	b := setup(t, listing(
		`[{"iid":3,"description":"autre"},{"iid":9,"description":"marque"}]`,
		`[{"iid":5,"description":"une marque"},{"iid":11,"description":"marque"}]`,
	))
	since := time.Date(2026, 11, 23, 11, 0, 0, 0, time.FixedZone("", 3600))
	got, found, err := b.client.FindIssue(t.Context(), "pilotage/suivi", since, marked)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, int64(5), got.IID, "the lowest number, whatever the order")
	require.Equal(t, map[string][]string{
		"author_id": {"77"}, "created_after": {"2026-11-23T10:00:00Z"}, "order_by": {"created_at"}, "sort": {"asc"},
		"scope": {"all"}, "state": {"all"}, "per_page": {"100"}, "page": {"1"},
	}, b.requests[1].query)
	require.Len(t, b.requests, 3)

	_, found, err = b.client.FindIssue(t.Context(), "pilotage/suivi", time.Time{}, func(gitlab.Issue) bool { return false })
	require.NoError(t, err)
	require.False(t, found)
	require.Len(t, b.requests, 5, "the user is asked for once")
	require.NotContains(t, b.requests[3].query, "created_after")
}

func TestFindIssueWithoutPageHeaders(t *testing.T) {
	t.Parallel()
	full := "[" + strings.Repeat(`{"iid":1},`, 99) + `{"iid":1}]`
	pages := listing(full, `[{"iid":2,"description":"marque"}]`)
	b := setup(t, func(w http.ResponseWriter, r request) { pages(headerless{w}, r) })
	got, found, err := b.client.FindIssue(t.Context(), "s", time.Time{}, func(i gitlab.Issue) bool { return i.Description == "marque" })
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, int64(2), got.IID)
}

type headerless struct{ http.ResponseWriter }

func (headerless) Header() http.Header { return http.Header{} }

func TestFindIssueIsBounded(t *testing.T) {
	t.Parallel()
	full := "[" + strings.Repeat(`{"iid":1},`, 99) + `{"iid":1}]`
	b := setup(t, func(w http.ResponseWriter, r request) {
		if r.path == "/forge/api/v4/user" {
			says(http.StatusOK, `{"id":77}`)(w, r)
			return
		}
		says(http.StatusOK, full)(w, r)
	})
	_, _, err := b.client.FindIssue(t.Context(), "s", time.Time{}, func(gitlab.Issue) bool { return false })
	f := failureOf(t, err)
	require.Equal(t, connectors.Permanent, f.Class, "not found would be a guess")
	require.Contains(t, f.Detail, "100000 issues")
}

func TestFindFailures(t *testing.T) {
	t.Parallel()
	t.Run("user", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(http.StatusOK, `{}`))
		_, _, err := b.client.FindIssue(t.Context(), "s", time.Time{}, func(gitlab.Issue) bool { return true })
		require.Equal(t, connectors.Transient, failureOf(t, err).Class)
		_, _, err = b.client.FindNote(t.Context(), "s", 12, func(gitlab.Note) bool { return true })
		require.Equal(t, connectors.Transient, failureOf(t, err).Class)
	})
	t.Run("list", func(t *testing.T) {
		t.Parallel()
		b := setup(t, listing(`{"message":"no"}`))
		_, _, err := b.client.FindIssue(t.Context(), "s", time.Time{}, func(gitlab.Issue) bool { return true })
		require.Equal(t, connectors.Transient, failureOf(t, err).Class)
		_, _, err = b.client.FindNote(t.Context(), "s", 12, func(gitlab.Note) bool { return true })
		require.Equal(t, connectors.Transient, failureOf(t, err).Class)
	})
}

func TestNotes(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusCreated, `{"id":501,"body":"point","created_at":"2026-11-23T10:15:30Z","author":{"id":77}}`))
	note, err := b.client.AddNote(t.Context(), "pilotage/suivi", 12, "point")
	require.NoError(t, err)
	require.Equal(t, gitlab.Note{ID: 501, Body: "point", CreatedAt: time.Date(2026, 11, 23, 10, 15, 30, 0, time.UTC)}, note)
	require.NoError(t, b.client.EditNote(t.Context(), "pilotage/suivi", 12, 501, "point 2"))
	require.Equal(t, "POST /forge/api/v4/projects/pilotage%2Fsuivi/issues/12/notes", b.requests[0].method+" "+b.requests[0].path)
	require.Equal(t, "PUT /forge/api/v4/projects/pilotage%2Fsuivi/issues/12/notes/501", b.requests[1].method+" "+b.requests[1].path)
	require.Equal(t, map[string]any{"body": "point 2"}, b.requests[1].body)

	t.Run("a body of quick actions alone", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(http.StatusAccepted, `{"commands_changes":{"state_event":"close"},"summary":["Closed this issue."]}`))
		_, err := b.client.AddNote(t.Context(), "s", 12, "/close")
		require.False(t, failureOf(t, err).NoEffect)
	})
}

func TestFindNote(t *testing.T) {
	t.Parallel()
	b := setup(t, listing(
		`[{"id":1,"body":"marque","author":{"id":5}},{"id":2,"body":"marque","system":true,"author":{"id":77}},{"id":3,"body":"autre","author":{"id":77}}]`,
		`[{"id":4,"body":"marque","author":{"id":77}},{"id":5,"body":"marque","author":{"id":77}}]`,
		`[{"id":6,"body":"marque","author":{"id":77}}]`,
	))
	got, found, err := b.client.FindNote(t.Context(), "pilotage/suivi", 12, func(n gitlab.Note) bool { return n.Body == "marque" })
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, int64(4), got.ID, "ours, and the oldest")
	require.Len(t, b.requests, 3, "the rest is not read")
	require.Equal(t, map[string][]string{"order_by": {"created_at"}, "sort": {"asc"}, "per_page": {"100"}, "page": {"1"}}, b.requests[1].query)

	_, found, err = b.client.FindNote(t.Context(), "pilotage/suivi", 12, func(gitlab.Note) bool { return false })
	require.NoError(t, err)
	require.False(t, found)
}
