package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/localpg/localpgtest"
)

func TestVersionAndUsage(t *testing.T) {
	t.Parallel()
	c := &terminal{t: t, ctx: t.Context()}
	require.Equal(t, "passerelle dev\n", c.does("version"))

	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"jobs", "replay", "--help"}, {"serve", "-h"}} {
		got := c.types(args...)
		require.Zero(t, got.code)
		require.Contains(t, got.stdout, "Usage: passerelle")
	}
	for _, args := range [][]string{
		{},
		{"dance"},
		{"serve", "--quickly"},
		{"serve", "--http-only", "--workers-only"},
		{"jobs"},
		{"jobs", "show"},
		{"jobs", "show", "x"},
		{"jobs", "replay", "1"},
		{"ledger", "show"},
		{"reconcile"},
		{"migrate"},
		{"version", "x"},
	} {
		got := c.types(args...)
		require.Equal(t, 2, got.code, args)
		require.Contains(t, got.stderr, "passerelle --help", args)
		require.Empty(t, got.stdout, args)
	}
}

func TestServe_TellsEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	c := &terminal{t: t, ctx: t.Context(), environ: []string{"PASSERELLE_LISTEN=8080", "PASSERELLE_DS_TOKKEN=x"}}
	got := c.types("serve")
	require.Equal(t, 2, got.code)
	for _, variable := range config.Variables() {
		if variable.Required {
			require.Contains(t, got.stderr, "  "+variable.Name+" is not set")
		}
	}
	require.Contains(t, got.stderr, "PASSERELLE_LISTEN")
	require.Contains(t, got.stderr, "did you mean PASSERELLE_DS_TOKEN?")
}

func TestDatabase_Wrong(t *testing.T) {
	t.Parallel()
	commands := [][]string{
		{"migrate", "up"}, {"migrate", "status"}, {"migrate", "down", "--yes"}, {"jobs", "list"}, {"ledger", "verify"}, {"ledger", "show", "1"},
	}
	for _, args := range commands {
		c := &terminal{t: t, ctx: t.Context()}
		got := c.types(args...)
		require.Equal(t, 2, got.code, args)
		require.Contains(t, got.stderr, "PASSERELLE_DATABASE_URL is not set")
		require.NotContains(t, got.stderr, "PASSERELLE_DS_URL", "what only serve needs")

		c.environ = []string{"PASSERELLE_DATABASE_URL=postgres://u:s3cret@127.0.0.1:1/x?sslmode=disable"}
		got = c.types(args...)
		require.Equal(t, 1, got.code, args)
		require.Contains(t, got.stderr, "127.0.0.1:1 does not answer")
		require.NotContains(t, got.stderr, "s3cret")
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	c := setupOn(t, localpgtest.Database(t, nil))
	for range 2 {
		got := c.types("migrate", "status")
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stdout, "passerelle 0 of ")
		require.Contains(t, got.stderr, "passerelle migrate up")
	}
	for _, args := range [][]string{{"jobs", "list"}, {"jobs", "show", "1"}, {"ledger", "verify"}, {"ledger", "show", "1"}} {
		got := c.types(args...)
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "passerelle migrate up")
	}
	for range 2 {
		require.NotContains(t, c.does("migrate", "up"), " 0 of ")
		require.NotContains(t, c.does("migrate", "status"), " 0 of ")
	}

	got := c.types("migrate", "down")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.stderr, "--yes")
	c.does("migrate", "status")
	require.Contains(t, c.does("migrate", "down", "--yes"), "passerelle 0 of ")
	require.Equal(t, 1, c.types("migrate", "status").code)
	c.does("migrate", "up")
}

// The program holds nothing that is for the demo and the tests.
func TestDependencies(t *testing.T) {
	t.Parallel()
	list, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	packages := strings.Fields(string(list))
	require.Contains(t, packages, "github.com/cloud-pi-native/passerelle/internal/hub")
	for _, name := range packages {
		for _, foreign := range []string{
			"passerelle/internal/simulator", "passerelle/internal/stage", "passerelle/internal/localpg", "passerelle/internal/bench",
			"passerelle/internal/soak", "passerelle/internal/verdict", "toxiproxy",
			"passerelle/cmd/demo", "stretchr/testify", "pgtestdb", "rapid", "embedded-postgres", "graph-gophers", "compose-go",
		} {
			require.NotContains(t, name, foreign)
		}
		require.NotEqual(t, "testing", name)
		require.NotContains(t, name, "net/http/httptest")
	}
}
