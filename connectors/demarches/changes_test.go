package demarches_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/demarches"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	answers := []string{
		`{"data":{"demarche":{
			"dossiers":{"pageInfo":{"hasNextPage":true,"endCursor":"C1"},"nodes":[` +
			dossierJSON(41, "2026-11-23T10:15:30+01:00", personne) + `,null,` +
			dossierJSON(42, "2026-11-23T10:15:31+01:00", entreprise) + `]},
			"deletedDossiers":{"pageInfo":{"hasNextPage":true,"endCursor":"D1"},"nodes":[
				{"number":30,"reason":"user_request","dateSupression":"2026-11-01T00:00:00+01:00"},null]},
			"pendingDeletedDossiers":{"pageInfo":{"hasNextPage":false,"endCursor":null},"nodes":[]}}}}`,
		`{"data":{"demarche":{
			"dossiers":{"pageInfo":{"hasNextPage":false,"endCursor":"C2"},"nodes":[]},
			"deletedDossiers":{"pageInfo":{"hasNextPage":true,"endCursor":"D2"},"nodes":[]}}}}`,
		`{"data":{"demarche":{
			"deletedDossiers":{"pageInfo":{"hasNextPage":false,"endCursor":"D3"},"nodes":[
				{"number":31,"reason":"expired","dateSupression":"2026-11-02T00:00:00+01:00"}]}}}}`,
	}
	n := 0
	b := setup(t, func(w http.ResponseWriter, r request) {
		says(http.StatusOK, answers[n])(w, r)
		n++
	})
	since := time.Date(2026, 11, 23, 8, 0, 0, 999, time.UTC)
	cur := demarches.Cursor{Since: since, RemovedSince: since.Add(-time.Hour), WithRemoved: true}

	page, err := b.client.Changes(t.Context(), 7, cur)
	require.NoError(t, err)
	require.True(t, page.HasMore)
	require.Len(t, page.Dossiers, 2)
	require.Equal(t, int64(41), page.Dossiers[0].Number)
	require.Equal(t, "DINUM", page.Dossiers[1].Demandeur)
	require.Len(t, page.Dossiers[1].Answers, 8, "everything that one dossier's query gives")
	require.Equal(t, page.Dossiers[1].UpdatedAt, page.Newest)
	require.Len(t, page.Removed, 1)
	require.Equal(t, int64(30), page.Removed[0].Number)
	require.True(t, page.Removed[0].Final)
	require.Equal(t, map[string]any{
		"demarche": 7.0, "first": 100.0,
		"since": "2026-11-23T08:00:00Z", "removedSince": "2026-11-23T07:00:00Z",
		"after": nil, "deletedAfter": nil, "pendingAfter": nil,
		"withDossiers": true, "withDeleted": true, "withPending": true,
	}, b.requests[0].Variables)

	page, err = b.client.Changes(t.Context(), 7, page.Next)
	require.NoError(t, err)
	require.True(t, page.HasMore)
	require.Empty(t, page.Dossiers)
	require.Zero(t, page.Newest)
	vars := b.requests[1].Variables
	require.Equal(t, "C1", vars["after"])
	require.Equal(t, "D1", vars["deletedAfter"])
	require.Equal(t, false, vars["withPending"])
	require.Equal(t, "2026-11-23T08:00:00Z", vars["since"], "the order depends on it")

	page, err = b.client.Changes(t.Context(), 7, page.Next)
	require.NoError(t, err)
	require.False(t, page.HasMore)
	require.Equal(t, false, b.requests[2].Variables["withDossiers"])
	require.Equal(t, []onboarding.Removal{{Number: 31, Reason: "expired", At: page.Removed[0].At, Final: true}}, page.Removed)
	require.Len(t, b.requests, 3)
}

func TestChangesFromTheBeginning(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusOK, `{"data":{"demarche":{"dossiers":{"pageInfo":{"hasNextPage":false,"endCursor":null},"nodes":[]}}}}`))
	page, err := b.client.Changes(t.Context(), 7, demarches.Cursor{First: 10})
	require.NoError(t, err)
	require.False(t, page.HasMore)
	require.EqualValues(t, 10, b.requests[0].Variables["first"])
	require.Equal(t, "1970-01-01T00:00:00Z", b.requests[0].Variables["since"])
	require.Equal(t, false, b.requests[0].Variables["withDeleted"])
}

func TestChangesInTheBin(t *testing.T) {
	t.Parallel()
	const none = `{"pageInfo":{"hasNextPage":false,"endCursor":null},"nodes":[]}`
	b := setup(t, says(http.StatusOK, `{"data":{"demarche":{"dossiers":`+none+`,"deletedDossiers":`+none+`,
		"pendingDeletedDossiers":{"pageInfo":{"hasNextPage":false,"endCursor":"x"},"nodes":[
			{"number":5,"reason":"user_request","dateSupression":"2026-11-01T00:00:00+01:00"}]}}}}`))
	page, err := b.client.Changes(t.Context(), 7, demarches.Cursor{WithRemoved: true})
	require.NoError(t, err)
	require.Len(t, page.Removed, 1)
	require.False(t, page.Removed[0].Final)
}

func TestChangesUnusable(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no way on":    `{"data":{"demarche":{"dossiers":{"pageInfo":{"hasNextPage":true,"endCursor":null},"nodes":[]}}}}`,
		"no dossiers":  `{"data":{"demarche":{}}}`,
		"no démarche":  `{"data":{"demarche":null}}`,
		"wrong dates":  `{"data":{"demarche":{"dossiers":{"pageInfo":{"hasNextPage":false},"nodes":[{"dateDepot":"hier"}]}}}}`,
		"partial data": fmt.Sprintf(`{"data":{"demarche":{"dossiers":{"pageInfo":{"hasNextPage":false,"endCursor":null},"nodes":[%s]}}},"errors":[{"message":"Timeout","extensions":{"code":"timeout"}}]}`, dossierJSON(1, "2026-11-23T10:15:31+01:00", personne)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, says(http.StatusOK, body))
			page, err := b.client.Changes(t.Context(), 7, demarches.Cursor{})
			require.Equal(t, connectors.Transient, failureOf(t, err).Class)
			require.Zero(t, page)
		})
	}
	t.Run("standing still", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(http.StatusOK, `{"data":{"demarche":{"dossiers":{"pageInfo":{"hasNextPage":true,"endCursor":"C1"},"nodes":[]}}}}`))
		_, err := b.client.Changes(t.Context(), 7, demarches.Cursor{After: "C1"})
		require.Equal(t, connectors.Transient, failureOf(t, err).Class)
	})
	t.Run("not ours", func(t *testing.T) {
		t.Parallel()
		b := setup(t, says(http.StatusOK, `{"data":null,"errors":[{"message":"Demarche not found","extensions":{"code":"not_found"}}]}`))
		_, err := b.client.Changes(t.Context(), 7, demarches.Cursor{})
		f := failureOf(t, err)
		require.True(t, f.NotFound)
		require.Contains(t, f.Advice, "démarche's number")
	})
}
