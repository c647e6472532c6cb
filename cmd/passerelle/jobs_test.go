package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os/user"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/jobs"
)

// job enqueues a job that makes a dossier's sandbox and leaves it failed for good.
func (c *terminal) job(dossier int64) int64 {
	c.t.Helper()
	client, err := jobs.NewClient(jobs.Options{Pool: c.pool, InsertOnly: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(c.t, err)
	inserted, err := client.Insert(c.ctx, jobs.ProvisionSandbox{ActionArgs: jobs.ActionArgs{Dossier: dossier, Plan: "a"}}, nil)
	require.NoError(c.t, err)
	c.exec(`update river_job set state = 'cancelled', attempt = 1, finalized_at = now(),
		errors = array['{"at":"2026-11-23T10:00:00Z","attempt":1,"error":"JobCancelError: GitLab: the token ran out\nand a second reason","trace":""}']::jsonb[] where id = $1`, inserted.Job.ID)
	return inserted.Job.ID
}

func TestJobs(t *testing.T) {
	t.Parallel()

	t.Run("List", func(t *testing.T) {
		t.Parallel()
		c := setup(t)
		require.Len(t, strings.Split(strings.TrimSpace(c.does("jobs", "list")), "\n"), 1, "the titles alone")
		require.JSONEq(t, `{"jobs": []}`, c.does("jobs", "list", "--json"))
		first := c.job(42)
		for dossier := range int64(3) {
			c.job(dossier + 100)
		}
		out := c.does("jobs", "list", "--dossier", "42", "--state", "cancelled", "--kind", "provision_sandbox")
		require.Contains(t, out, fmt.Sprint(first))
		require.Contains(t, out, "cancelled (failed)")
		require.Contains(t, out, "GitLab: the token ran out …")
		require.NotContains(t, out, "JobCancelError", "a word of the library's")
		require.NotContains(t, out, "more:")

		out = c.does("jobs", "list", "--limit", "2")
		_, after, found := strings.Cut(strings.TrimSpace(out), "more: --after ")
		require.True(t, found, out)
		var page struct {
			Jobs []jobs.Job
			Next string
		}
		require.NoError(t, json.Unmarshal([]byte(c.does("jobs", "list", "--limit", "2", "--after", after, "--json")), &page))
		require.Len(t, page.Jobs, 2)
		require.Empty(t, page.Next)
		require.Equal(t, first, page.Jobs[1].ID)

		for _, args := range [][]string{{"--state", "lost"}, {"--limit", "0"}, {"--after", "x"}} {
			got := c.types(append([]string{"jobs", "list"}, args...)...)
			require.NotZero(t, got.code)
			require.Contains(t, got.stderr, strings.TrimPrefix(args[0], "--"))
		}
	})

	t.Run("Show", func(t *testing.T) {
		t.Parallel()
		c := setup(t)
		id := fmt.Sprint(c.job(42))
		out := c.does("jobs", "show", id)
		require.Contains(t, out, "provision_sandbox")
		require.Contains(t, out, "GitLab: the token ran out")
		var job jobs.Job
		require.NoError(t, json.Unmarshal([]byte(c.does("jobs", "show", id, "--json")), &job))
		require.Equal(t, int64(42), job.Dossier)

		got := c.types("jobs", "show", "9999")
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "no such job")
	})

	t.Run("Replay", func(t *testing.T) {
		t.Parallel()
		c := setup(t)
		id := fmt.Sprint(c.job(42))
		require.Equal(t, 1, c.types("jobs", "replay", id, "--reason", "x").code, "that is no reason")
		require.Contains(t, c.does("jobs", "replay", id, "--reason", "the token was renewed"), "available")
		require.Equal(t, 1, c.types("jobs", "replay", id, "--reason", "once more").code, "it is on its way")

		current, err := user.Current()
		require.NoError(t, err)
		out := c.does("ledger", "show", "42")
		require.Contains(t, out, "cli:"+current.Username)
		require.Contains(t, out, "job_replayed")
		require.Contains(t, out, "the token was renewed")
	})
}
