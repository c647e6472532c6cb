package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/jobs"
)

func TestHolds(t *testing.T) {
	t.Parallel()
	c := setup(t)
	require.Contains(t, c.does("holds", "list"), "no queue is held")
	require.Contains(t, c.does("holds", "set", "gitlab", "--reason", "GitLab is being upgraded"), "queue gitlab is held")
	c.does("holds", "set", "demarches", "--reason", "a short break", "--for", "90m")
	c.exec("insert into queue_holds (queue, author, reason, until, probes) values ('gitlab', 'hub: outage', 'bad gateway', clock_timestamp() - interval '1 second', 4)")

	out := c.does("holds", "list")
	for _, text := range []string{"being upgraded", "lifted", "a short break", "bad gateway", "next try"} {
		require.Contains(t, out, text)
	}
	var page jobs.HoldsPage
	require.NoError(t, json.Unmarshal([]byte(c.does("holds", "list", "--json")), &page))
	require.Len(t, page.Holds, 3)
	require.NotNil(t, page.Holds[0].Until)
	require.Nil(t, page.Holds[1].Until)
	require.Equal(t, 4, page.Holds[2].Probes)

	require.Contains(t, c.does("holds", "lift", "gitlab", "--reason", "the upgrade is over"), "runs again")
	require.Contains(t, c.does("holds", "lift", "gitlab", "--reason", "the upgrade is over"), "was not held")
	require.NotContains(t, c.does("holds", "list"), "gitlab")
	story := c.does("ledger", "show", "0")
	require.Contains(t, story, "queue_held")
	require.Contains(t, story, "queue_released")

	for _, wrong := range [][]string{
		{"holds", "set", "github", "--reason", "no such queue"},
		{"holds", "set", "gitlab", "--reason", "x"},
		{"holds", "set", "gitlab", "--reason", "in the past", "--for=-1h"},
		{"holds", "lift", "github", "--reason", "no such queue"},
	} {
		got := c.types(wrong...)
		require.Equal(t, 1, got.code, wrong)
		require.NotEmpty(t, got.stderr)
	}
}
