package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/deploy"
	"github.com/cloud-pi-native/passerelle/internal/localpg/localpgtest"
)

func TestMain(m *testing.M) { localpgtest.Main(m) }

// terminal is where a test types command lines of passerelle.
type terminal struct {
	t       *testing.T
	ctx     context.Context
	environ []string
	pool    *pgxpool.Pool
}

// result is what came of a command line.
type result struct {
	code   int
	stdout string
	stderr string
}

// setup opens a terminal on a database with the hub's schema.
func setup(t *testing.T) *terminal {
	t.Helper()
	return setupOn(t, localpgtest.Migrated(t))
}

func setupOn(t *testing.T, database string) *terminal {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	pool, err := pgxpool.New(ctx, database)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return &terminal{t: t, ctx: ctx, pool: pool, environ: []string{"PASSERELLE_DATABASE_URL=" + database}}
}

// types runs a command line in this process.
func (c *terminal) types(args ...string) result {
	c.t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(&world{ctx: c.ctx, environ: c.environ, stdout: &stdout, stderr: &stderr}, args)
	return result{code, stdout.String(), stderr.String()}
}

// does is a command line that works.
func (c *terminal) does(args ...string) string {
	c.t.Helper()
	got := c.types(args...)
	require.Zero(c.t, got.code, got.stderr)
	require.Empty(c.t, got.stderr)
	return got.stdout
}

func (c *terminal) exec(sql string, args ...any) {
	c.t.Helper()
	_, err := c.pool.Exec(c.ctx, sql, args...)
	require.NoError(c.t, err)
}

// journeyFile is the path of the example journey.
func journeyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journey.yaml")
	require.NoError(t, os.WriteFile(path, deploy.ExampleJourney, 0o600))
	return path
}
