package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/localpg/localpgtest"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// While a deployment replaces one release by the next, both run on the new schema: the
// binary of the previous release and today's share the work, and nothing is doubled.
func TestPreviousRelease(t *testing.T) {
	t.Parallel()
	release, err := exec.CommandContext(t.Context(), "git", "describe", "--tags", "--match", "v*", "--abbrev=0", "HEAD").Output()
	if err != nil {
		t.Skip("there is no previous release: no tag v* leads here")
	}
	tag := strings.TrimSpace(string(release))
	dir := t.TempDir()
	run := func(where string, name string, args ...string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), name, args...)
		command.Dir, command.Env = where, append(os.Environ(), "CGO_ENABLED=0")
		out, err := command.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	run("", "git", "-C", "../..", "archive", "--output", filepath.Join(dir, "source.tar"), tag)
	run(dir, "tar", "-xf", "source.tar")
	previous, today := program(filepath.Join(dir, "previous")), program(filepath.Join(dir, "today"))
	run(dir, "go", "build", "-o", string(previous), "./cmd/passerelle")
	run("", "go", "build", "-o", string(today), ".")

	th := today.open(t, localpgtest.Migrated(t))
	old := *th
	old.program = string(previous)
	old.environ = append(slices.Clone(th.environ), "PASSERELLE_JOURNEY="+filepath.Join(dir, "deploy", "journey.example.yaml"))
	hubs := []*process{old.serve(), th.serve()}
	addresses := []string{hubs[0].ready(), hubs[1].ready()}
	const dossiers = 8
	for i := range dossiers {
		th.SendTo(addresses[i%2])
		number := th.file("Projet " + string(rune('A'+i)))
		th.SendTo(addresses[(i+1)%2])
		th.accept(number)
	}
	require.NoError(t, th.GitLab.WaitFor(th.ctx, func(v gitlab.View) bool {
		return len(v.Issues(stage.TrackingProject)) == dossiers && len(v.Projects()) == dossiers+1
	}))
	th.eventually(func() bool {
		return th.count("select count(*) from river_job where state not in ('completed', 'cancelled', 'discarded')") == 0 &&
			th.count("select count(*) from ledger_entries where kind = 'message_sent' and data::jsonb->>'message' = 'accepted 1'") == dossiers
	})
	require.Zero(t, th.count("select count(*) from resources where done_at is null"))
	require.Zero(t, th.count("select count(*) from river_job where state in ('cancelled', 'discarded')"))
	require.Len(t, th.GitLab.Issues(stage.TrackingProject), dossiers)
	require.Len(t, th.GitLab.Projects(), dossiers+1)
	for _, hub := range hubs {
		hub.signal(syscall.SIGTERM)
		code, said := hub.ends()
		require.Zero(t, code, said)
	}
}
