package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// entries returns a chain's entries, after checking it.
func (r *rig) entries(chain int64) []ledger.LedgerEntry {
	r.t.Helper()
	q := ledger.New(r.pool)
	_, _, err := q.Verify(r.ctx, func(broken *ledger.BrokenChain) { r.t.Error(broken) })
	require.NoError(r.t, err)
	entries, err := q.Entries(r.ctx, chain)
	require.NoError(r.t, err)
	return entries
}

func TestReplay(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"cancelled", "discarded", "completed", "retryable", "scheduled"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			id := r.job(42, "a", state)
			got := r.replay(operator, id, "  the token was renewed ")
			require.Equal(t, http.StatusAccepted, got.status, got.body)

			var job jobs.Job
			require.NoError(t, json.Unmarshal([]byte(got.body), &job))
			require.Equal(t, "available", job.State)
			require.False(t, job.Failed)
			require.Equal(t, 1, r.count("select count(*) from river_job where state = 'available' and scheduled_at <= clock_timestamp() and max_attempts > attempt"))

			entries := r.entries(42)
			require.Len(t, entries, 1)
			require.Equal(t, "admin:jean", entries[0].Actor)
			require.Equal(t, "job_replayed", entries[0].Kind)
			require.JSONEq(t, fmt.Sprintf(`{"job": %d, "kind": "provision_sandbox", "reason": "the token was renewed"}`, id), entries[0].Data)
		})
	}
}

// requireUntouched checks that a refused replay left nothing behind.
func (r *rig) requireUntouched(id int64, state string) {
	r.t.Helper()
	require.Equal(r.t, state, r.show(id).State)
	require.Empty(r.t, r.entries(42))
}

func TestReplay_Conflicts(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"running", "available"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			id := r.job(42, "a", state)
			got := r.replay(operator, id, "because")
			require.Equal(t, http.StatusConflict, got.status)
			require.Contains(t, got.problem(t)["detail"], state)
			r.requireUntouched(id, state)
		})
	}

	t.Run("ATwinIsAlive", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		r.job(42, "b", "available") // of the same kind and dossier, and no twin
		id := r.job(42, "a", "cancelled")
		twin := r.job(42, "a", "retryable")
		r.job(42, "c", "available")
		r.exec("insert into resources (dossier, system, kind, key, failed_revision, failure) values (42, 'gitlab', 'group', '', 3, 'no')")
		got := r.replay(operator, id, "because")
		require.Equal(t, http.StatusConflict, got.status)
		require.Contains(t, got.problem(t)["detail"], fmt.Sprintf("job %d does the same as job %d and is retryable", twin, id))
		r.requireUntouched(id, "cancelled")
		require.Equal(t, 1, r.count("select count(*) from resources where failed_revision = 3"))

		r.becomes(twin, "completed")
		require.Equal(t, http.StatusAccepted, r.replay(operator, id, "because").status)
	})

	t.Run("AtOnce", func(t *testing.T) {
		t.Parallel()
		r := setup(t)
		id := r.job(42, "a", "discarded")
		statuses := make(chan int, 8)
		for range cap(statuses) {
			go func() { statuses <- r.replay(operator, id, "because").status }()
		}
		accepted := 0
		for range cap(statuses) {
			switch status := <-statuses; status {
			case http.StatusAccepted:
				accepted++
			default:
				require.Equal(t, http.StatusConflict, status)
			}
		}
		require.Equal(t, 1, accepted)
		require.Len(t, r.entries(42), 1)
	})
}

func TestReplay_WhatFailedIsTriedAgain(t *testing.T) {
	t.Parallel()
	r := setup(t)
	id := r.job(42, "a", "cancelled")
	for _, dossier := range []int{42, 43} {
		r.exec("insert into resources (dossier, system, kind, key, failed_revision, failure) values ($1, 'gitlab', 'group', '', 3, 'no')", dossier)
	}
	require.Equal(t, http.StatusAccepted, r.replay(operator, id, "because").status)
	require.Equal(t, 1, r.count("select count(*) from resources where dossier = 42 and failed_revision = 0 and failure = ''"))
	require.Equal(t, 1, r.count("select count(*) from resources where dossier = 43 and failed_revision = 3"))
}

func TestReplay_WhatBelongsToNoDossier(t *testing.T) {
	t.Parallel()
	r := setup(t)
	inserted, err := r.river.Insert(r.ctx, jobs.PollDemarche{Demarche: 12345}, nil)
	require.NoError(t, err)
	r.becomes(inserted.Job.ID, "cancelled")
	require.Equal(t, http.StatusAccepted, r.replay(admin, inserted.Job.ID, "because").status)
	require.Len(t, r.entries(ledger.HubChain), 1)
}

func TestReplay_AReasonIsNeeded(t *testing.T) {
	t.Parallel()
	r := setup(t)
	id := r.job(42, "a", "discarded")
	for body, field := range map[string]string{
		"":                                   "body",
		"null":                               "reason",
		"{}":                                 "reason",
		`{"reason": ""}`:                     "reason",
		`{"reason": "  a  "}`:                "reason",
		`{"reason": 12}`:                     "body",
		`{"reason": "because", "who": "me"}`: "body",
		`["because"]`:                        "body",
		`{"reason": "because"`:               "body",
		`{"reason": "` + strings.Repeat("é", 501) + `"}`:    "reason",
		`{"reason": "` + strings.Repeat("x", 20<<10) + `"}`: "body",
	} {
		got := r.as(operator, http.MethodPost, fmt.Sprintf("%s/%d/replay", jobsPath, id), body)
		require.Equal(t, http.StatusBadRequest, got.status, body)
		require.Equal(t, field, got.problem(t)["field"], body)
	}
	r.requireUntouched(id, "discarded")
	require.Equal(t, http.StatusAccepted, r.replay(operator, id, strings.Repeat("é", 500)).status)

	require.Equal(t, http.StatusNotFound, r.replay(operator, 9999, "because").status)
	require.Equal(t, http.StatusNotFound, r.as(operator, http.MethodPost, jobsPath+"/x/replay", `{"reason": "because"}`).status)
	require.Equal(t, http.StatusMethodNotAllowed, r.as(operator, http.MethodGet, fmt.Sprintf("%s/%d/replay", jobsPath, id), "").status)
}

// A reason may hold anything that people type.
func TestReplay_StrangeReasons(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for i, reason := range []string{"two\nlines", "\u0000nul", "<script>", `"}, "x": {"`, "'; drop table river_job; --", "\u2028 é 🚀"} {
		id := r.job(42, fmt.Sprint(i), "discarded")
		got := r.replay(operator, id, reason)
		if strings.Contains(reason, "\u0000") {
			require.Equal(t, http.StatusBadRequest, got.status)
			continue
		}
		require.Equal(t, http.StatusAccepted, got.status, got.body)
	}
	require.Len(t, r.entries(42), 5)
}
