package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/web"
	"github.com/cloud-pi-native/passerelle/jobs"
)

const jobsPath = "/admin/api/v1/jobs"

// job enqueues a job that makes the sandbox of a dossier and leaves it in a state.
func (r *rig) job(dossier int64, plan, state string) int64 {
	r.t.Helper()
	inserted, err := r.river.Insert(r.ctx, jobs.ProvisionSandbox{ActionArgs: jobs.ActionArgs{Dossier: dossier, Plan: plan}}, nil)
	require.NoError(r.t, err)
	require.False(r.t, inserted.UniqueSkippedAsDuplicate)
	r.becomes(inserted.Job.ID, state)
	return inserted.Job.ID
}

func (r *rig) becomes(id int64, state string) {
	r.t.Helper()
	r.exec(`update river_job set state = $2::text::river_job_state, attempt = 3, attempted_at = now(),
		finalized_at = case when $2 in ('cancelled', 'completed', 'discarded') then now() end,
		scheduled_at = case when $2 in ('scheduled', 'retryable') then now() + interval '1 hour' else scheduled_at end,
		errors = array['{"at":"2026-11-23T10:00:00Z","attempt":3,"error":"GitLab: no","trace":""}']::jsonb[] where id = $1`, id, state)
}

func (r *rig) as(token, method, path, body string) answer {
	r.t.Helper()
	return r.call(method, path, body, "Authorization", "Bearer "+token, "Content-Type", "application/json")
}

func (r *rig) replay(token string, id int64, reason string) answer {
	r.t.Helper()
	body, err := json.Marshal(map[string]string{"reason": reason})
	require.NoError(r.t, err)
	return r.as(token, http.MethodPost, fmt.Sprintf("%s/%d/replay", jobsPath, id), string(body))
}

// list returns the jobs of a page and where the next begins.
func (r *rig) list(query string) (ids []int64, next string) {
	r.t.Helper()
	got := r.as(viewer, http.MethodGet, jobsPath+query, "")
	require.Equal(r.t, http.StatusOK, got.status, got.body)
	require.Contains(r.t, got.header.Get("Content-Type"), "application/json")
	var page struct {
		Jobs []jobs.Job
		Next string
	}
	require.NoError(r.t, json.Unmarshal([]byte(got.body), &page))
	require.NotContains(r.t, got.body, "null")
	for i := range page.Jobs {
		ids = append(ids, page.Jobs[i].ID)
	}
	return ids, page.Next
}

func (r *rig) show(id int64) jobs.Job {
	r.t.Helper()
	got := r.as(viewer, http.MethodGet, fmt.Sprintf("%s/%d", jobsPath, id), "")
	require.Equal(r.t, http.StatusOK, got.status, got.body)
	var job jobs.Job
	require.NoError(r.t, json.Unmarshal([]byte(got.body), &job))
	return job
}

func TestAdmin_WithoutTokensItDoesNotExist(t *testing.T) {
	t.Parallel()
	r := setup(t, func(o *web.Options) { o.AdminTokens = nil })
	id := r.job(42, "a", "discarded")
	for _, got := range []answer{
		r.as(admin, http.MethodGet, jobsPath, ""), r.as("", http.MethodGet, jobsPath, ""),
		r.as(admin, http.MethodGet, fmt.Sprintf("%s/%d", jobsPath, id), ""), r.replay(admin, id, "because"),
	} {
		require.Equal(t, http.StatusNotFound, got.status)
		got.problem(t)
	}
}

func TestAdmin_Access(t *testing.T) {
	t.Parallel()
	r := setup(t)
	id := r.job(42, "a", "discarded")

	for _, authorization := range []string{"", "Bearer", "Bearer ", "Bearer x", "Basic " + admin, admin, "Bearer " + admin + "x", "Bearer " + strings.ToUpper(admin)} {
		for _, got := range []answer{
			r.call(http.MethodGet, jobsPath, "", "Authorization", authorization),
			r.call(http.MethodGet, fmt.Sprintf("%s/%d", jobsPath, id), "", "Authorization", authorization),
			r.call(http.MethodPost, fmt.Sprintf("%s/%d/replay", jobsPath, id), `{"reason": "because"}`, "Authorization", authorization),
		} {
			require.Equal(t, http.StatusUnauthorized, got.status, authorization)
			require.Equal(t, "Authorization", got.problem(t)["field"])
			require.Contains(t, got.header.Get("WWW-Authenticate"), "Bearer")
		}
	}

	require.Equal(t, http.StatusOK, r.as(viewer, http.MethodGet, jobsPath, "").status)
	require.Equal(t, http.StatusOK, r.call(http.MethodGet, jobsPath, "", "Authorization", "bearer "+viewer).status)
	got := r.replay(viewer, id, "because")
	require.Equal(t, http.StatusForbidden, got.status, "a viewer reads")
	require.Contains(t, got.problem(t)["detail"], "operator")

	require.Zero(t, r.count("select count(*) from ledger_entries"))
	require.Equal(t, 1, r.count("select count(*) from river_job where state = 'discarded'"))
	require.Equal(t, http.StatusAccepted, r.replay(admin, id, "because").status, "an administrator may do all")
}

func TestAdmin_ListJobs(t *testing.T) {
	t.Parallel()
	r := setup(t)
	discarded, completed := r.job(42, "a", "discarded"), r.job(42, "b", "completed")
	waiting := r.job(43, "c", "available")
	inserted, err := r.river.Insert(r.ctx, jobs.SyncDossier{Dossier: 42, Delivery: 1}, nil)
	require.NoError(t, err)
	sync := inserted.Job.ID

	for query, want := range map[string][]int64{
		"":                                       {sync, waiting, completed, discarded},
		"?state=discarded":                       {discarded},
		"?state=discarded&state=completed":       {completed, discarded},
		"?kind=sync_dossier":                     {sync},
		"?kind=sync_dossier&kind=x":              {sync},
		"?dossier=42":                            {sync, completed, discarded},
		"?dossier=42&kind=provision_sandbox":     {completed, discarded},
		"?dossier=4":                             nil,
		"?kind=%27%3Bdrop%20table%20river_job--": nil,
		"?limit=2":                               {sync, waiting},
	} {
		ids, _ := r.list(query)
		require.Equal(t, want, ids, query)
	}

	for query, field := range map[string]string{
		"?limit=0": "limit", "?limit=101": "limit", "?limit=many": "limit", "?state=lost": "state", "?dossier=-1": "dossier",
		"?dossier=x": "dossier", "?after=x": "after", "?states=discarded": "states", "?kind=%zz": "", "?kind=a;b": "",
	} {
		got := r.as(viewer, http.MethodGet, jobsPath+query, "")
		require.Equal(t, http.StatusBadRequest, got.status, query)
		if document := got.problem(t); field != "" {
			require.Equal(t, field, document["field"])
		}
	}
}

func TestAdmin_Pages(t *testing.T) {
	t.Parallel()
	r := setup(t)
	const many = 230
	for dossier := range int64(many) {
		_, err := r.river.Insert(r.ctx, jobs.SyncDossier{Dossier: dossier + 1, Delivery: 1}, nil)
		require.NoError(t, err)
	}
	for limit, pages := range map[int]int{100: 3, 50: 5, 23: 10} {
		var (
			all  []int64
			next string
			n    int
		)
		for query := fmt.Sprintf("?limit=%d", limit); ; query = fmt.Sprintf("?limit=%d&after=%s", limit, next) {
			ids, after := r.list(query)
			require.NotEmpty(t, ids, "the last page is not an empty one")
			all, next, n = append(all, ids...), after, n+1
			// What is enqueued meanwhile disturbs no page.
			_, err := r.river.Insert(r.ctx, jobs.SyncDossier{Dossier: 1, Delivery: 2}, nil)
			require.NoError(t, err)
			if next == "" {
				break
			}
		}
		require.Equal(t, pages, n)
		for i := 1; i < len(all); i++ {
			require.Equal(t, all[i-1]-1, all[i], "no gap and no repetition")
		}
		require.Equal(t, int64(1), all[len(all)-1])
		r.exec("delete from river_job where args->>'delivery' = '2'")
		r.exec("select setval(pg_get_serial_sequence('river_job', 'id'), $1)", many)
	}
}

func TestAdmin_ShowJob(t *testing.T) {
	t.Parallel()
	r := setup(t)
	id := r.job(42, "a", "discarded")
	job := r.show(id)
	require.Equal(t, "provision_sandbox", job.Kind)
	require.Equal(t, int64(42), job.Dossier)
	require.Equal(t, "gitlab", job.Queue)
	require.True(t, job.Failed)
	require.Len(t, job.Errors, 1)
	require.Equal(t, "GitLab: no", job.Errors[0].Error)

	for _, missing := range []string{"/9999", "/0", "/-1", "/x", "/99999999999999999999"} {
		got := r.as(viewer, http.MethodGet, jobsPath+missing, "")
		require.Equal(t, http.StatusNotFound, got.status, missing)
		got.problem(t)
	}
}

// A job that failed for good is told from one that somebody cancelled.
func TestAdmin_FailedOrCancelled(t *testing.T) {
	t.Parallel()
	r := setup(t)
	failed, cancelled := r.job(42, "a", "cancelled"), r.job(42, "b", "available")
	_, err := r.river.JobCancel(r.ctx, cancelled)
	require.NoError(t, err)
	require.True(t, r.show(failed).Failed)
	require.Equal(t, "cancelled", r.show(cancelled).State)
	require.False(t, r.show(cancelled).Failed)
}
