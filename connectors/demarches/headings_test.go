package demarches_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/demarches"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

func TestHeadings(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusOK, `{"data":{"demarche":{"dossiers":{"pageInfo":{"hasNextPage":true,"endCursor":"C3"},"edges":[
		{"cursor":"C1","node":{"number":41,"state":"accepte","dateDerniereModification":"2026-11-23T10:15:30+01:00"}},
		{"cursor":"C2","node":null},null,
		{"cursor":"C3","node":{"number":42,"state":"en_construction","dateDerniereModification":"2026-11-23T10:15:31+01:00"}}]}}}}`))
	page, err := b.client.Headings(t.Context(), 7, demarches.Cursor{After: "C0", First: 25})
	require.NoError(t, err)
	require.Equal(t, "C3", page.After)
	require.True(t, page.HasMore)
	require.Len(t, page.Headings, 2)
	at := time.Date(2026, 11, 23, 9, 15, 30, 0, time.UTC)
	require.True(t, page.Headings[0].UpdatedAt.Equal(at))
	page.Headings[0].UpdatedAt = at
	require.Equal(t, demarches.Heading{Number: 41, State: onboarding.Accepte, UpdatedAt: at, After: "C1"}, page.Headings[0])
	require.Equal(t, "C3", page.Headings[1].After)
	require.Equal(t, map[string]any{"demarche": 7.0, "first": 25.0, "after": "C0", "since": "1970-01-01T00:00:00Z"}, b.requests[0].Variables)
	require.NotContains(t, b.requests[0].Query, "champs")
}

func TestNewest(t *testing.T) {
	t.Parallel()
	b := setup(t, says(http.StatusOK, `{"data":{"demarche":{"dossiers":{"edges":[
		{"cursor":"C3","node":{"number":42,"state":"en_construction","dateDerniereModification":"2026-11-23T10:15:31+01:00"}}]}}}}`))
	newest, ok, err := b.client.Newest(t.Context(), 7, time.Time{})
	require.NoError(t, err)
	require.True(t, ok)
	require.EqualValues(t, 42, newest.Number)
	require.Equal(t, map[string]any{"demarche": 7.0, "since": "1970-01-01T00:00:00Z"}, b.requests[0].Variables)

	b = setup(t, says(http.StatusOK, `{"data":{"demarche":{"dossiers":{"edges":[]}}}}`))
	_, ok, err = b.client.Newest(t.Context(), 7, time.Time{})
	require.NoError(t, err)
	require.False(t, ok)
	b = setup(t, says(http.StatusOK, `{"data":{"demarche":null}}`))
	_, _, err = b.client.Newest(t.Context(), 7, time.Time{})
	require.Equal(t, connectors.Transient, failureOf(t, err).Class)
}

func TestHeadingsUnusable(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no way on":   `{"data":{"demarche":{"dossiers":{"pageInfo":{"hasNextPage":true,"endCursor":null},"edges":[]}}}}`,
		"no dossiers": `{"data":{"demarche":{}}}`,
		"no démarche": `{"data":{"demarche":null}}`,
		"timeout":     `{"data":null,"errors":[{"message":"Timeout","extensions":{"code":"timeout"}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, says(http.StatusOK, body))
			page, err := b.client.Headings(t.Context(), 7, demarches.Cursor{})
			require.Equal(t, connectors.Transient, failureOf(t, err).Class)
			require.Zero(t, page)
		})
	}
}

func TestCursorDone(t *testing.T) {
	t.Parallel()
	require.False(t, demarches.Cursor{}.Done())
	require.True(t, demarches.Cursor{DossiersDone: true}.Done())
	require.False(t, demarches.Cursor{DossiersDone: true, WithRemoved: true, PendingDone: true}.Done())
	require.True(t, demarches.Cursor{DossiersDone: true, WithRemoved: true, PendingDone: true, DeletedDone: true}.Done())
}

// Which failures may be the page's own, so that asking for less of it makes sense.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	rootError := func(code string) string {
		return `{"data":null,"errors":[{"message":"Oh ` + code + `","extensions":{"code":"` + code + `"}}]}`
	}
	for name, tt := range map[string]struct {
		status int
		body   string
		says   string
	}{
		"invalid null":       {200, rootError("invalid_null"), "Oh invalid_null"},
		"timeout":            {200, rootError("timeout"), "Oh timeout"},
		"internal error":     {500, rootError("internal_server_error"), "Oh internal_server_error"},
		"load balancer":      {502, "<html>", "bad gateway"},
		"load balancer late": {504, "<html>", "gateway timeout"},
		"too large":          {200, strings.Repeat(" ", 16<<20) + "{}", "the answer is larger than 16 MiB"},
		"nonsense":           {200, "<html>", "the answer is not one that DS gives"},
		"down":               {503, "<html>", ""},
		"throttled":          {429, "", ""},
		"expired":            {401, rootError("unauthorized"), ""},
		"refused":            {403, "", ""},
		"hidden":             {200, rootError("unauthorized"), ""},
		"not found":          {200, rootError("not_found"), ""},
		"bad request":        {200, rootError("bad_request"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, says(tt.status, tt.body))
			_, err := b.client.Changes(t.Context(), 7, demarches.Cursor{})
			require.Equal(t, tt.says, failureOf(t, err).Unreadable)
			_, err = b.client.Dossier(t.Context(), 42)
			require.Equal(t, tt.says, failureOf(t, err).Unreadable, "the same, whichever call finds it")
			_, err = b.client.SendMessage(t.Context(), 7, 42, "RG9zc2llci00Mg==", demarches.Message{Body: "Bonjour"})
			require.Empty(t, failureOf(t, err).Unreadable)
		})
	}
}
