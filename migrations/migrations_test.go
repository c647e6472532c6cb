package migrations_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/localpg/localpgtest"
	"github.com/cloud-pi-native/passerelle/migrations"
)

func TestMain(m *testing.M) { localpgtest.Main(m) }

// testBundle is an empty database of its own.
type testBundle struct {
	t        *testing.T
	ctx      context.Context
	database string
	pool     *pgxpool.Pool
}

func setup(t *testing.T) *testBundle {
	t.Helper()
	b := &testBundle{t: t, ctx: context.WithoutCancel(t.Context()), database: localpgtest.Database(t, nil)}
	b.pool = b.open(4)
	return b
}

// open connects as another process does.
func (b *testBundle) open(connections int32) *pgxpool.Pool {
	b.t.Helper()
	settings, err := pgxpool.ParseConfig(b.database)
	require.NoError(b.t, err)
	settings.MaxConns = connections
	pool, err := pgxpool.NewWithConfig(b.ctx, settings)
	require.NoError(b.t, err)
	b.t.Cleanup(pool.Close)
	return pool
}

// objects counts what is in the database: tables, functions, types.
func (b *testBundle) objects() (n int) {
	b.t.Helper()
	const all = `select (select count(*) from pg_class where relnamespace = 'public'::regnamespace) +
		(select count(*) from pg_proc where pronamespace = 'public'::regnamespace) +
		(select count(*) from pg_type where typnamespace = 'public'::regnamespace)`
	require.NoError(b.t, b.pool.QueryRow(b.ctx, all).Scan(&n))
	return n
}

func (b *testBundle) requireCurrent(status migrations.Status, err error) {
	b.t.Helper()
	require.NoError(b.t, err)
	require.False(b.t, status.Behind(), status)
	require.Positive(b.t, status.Ours)
	require.Positive(b.t, status.River)
	require.Equal(b.t, status.OursWanted, status.Ours)
	require.Equal(b.t, status.RiverWanted, status.River)
}

func TestCheck_OfAnEmptyDatabaseCreatesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	status, err := migrations.Check(b.ctx, b.pool)
	require.NoError(t, err)
	require.True(t, status.Behind())
	require.Zero(t, status.Ours)
	require.Zero(t, status.River)
	require.Zero(t, b.objects())
}

func TestUp(t *testing.T) {
	t.Parallel()

	t.Run("FromEmptyAndAgain", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for range 2 {
			b.requireCurrent(migrations.Up(b.ctx, b.pool))
			b.requireCurrent(migrations.Check(b.ctx, b.pool))
		}
		// What is there survives another one.
		_, err := b.pool.Exec(b.ctx, "insert into ledger_entries (chain, actor, kind, data) values (1, 'hub', 'x', '{}')")
		require.NoError(t, err)
		b.requireCurrent(migrations.Up(b.ctx, b.pool))
		var n int
		require.NoError(t, b.pool.QueryRow(b.ctx, "select count(*) from ledger_entries").Scan(&n))
		require.Equal(t, 1, n)
	})

	// As few connections as the smallest configuration gives the workers.
	t.Run("WithTwoConnections", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.requireCurrent(migrations.Up(b.ctx, b.open(2)))
	})

	t.Run("ManyProcessesAtOnce", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		const processes = 6
		var group sync.WaitGroup
		errs := make([]error, processes)
		for i := range processes {
			pool := b.open(3)
			group.Go(func() {
				status, err := migrations.Up(b.ctx, pool)
				if err == nil && status.Behind() {
					err = errors.New("behind: " + status.String())
				}
				errs[i] = err
			})
		}
		group.Wait()
		require.NoError(t, errors.Join(errs...))
		b.requireCurrent(migrations.Check(b.ctx, b.pool))
		var locks int
		require.NoError(t, b.pool.QueryRow(b.ctx, "select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())").Scan(&locks))
		require.Zero(t, locks, "the lock is given back")
	})
}

func TestDown_AndUpAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.requireCurrent(migrations.Up(b.ctx, b.pool))
	// Finished jobs of one unique key, as every hub leaves them.
	_, err := b.pool.Exec(b.ctx, `insert into river_job (kind, args, max_attempts, state, finalized_at, unique_key)
		select 'poll_demarche', '{}', 1, 'completed', now(), 'x' from generate_series(1, 2)`)
	require.NoError(t, err)
	status, err := migrations.Down(b.ctx, b.pool)
	require.NoError(t, err)
	require.True(t, status.Behind())
	require.Zero(t, status.Ours)
	require.Zero(t, status.River)
	var left []string
	require.NoError(t, b.pool.QueryRow(b.ctx, "select coalesce(array_agg(tablename::text), '{}') from pg_tables where schemaname = 'public' and tablename <> 'goose_db_version'").Scan(&left))
	require.Empty(t, left)
	var functions int
	require.NoError(t, b.pool.QueryRow(b.ctx, "select count(*) from pg_proc where pronamespace = 'public'::regnamespace").Scan(&functions))
	require.Zero(t, functions)

	b.requireCurrent(migrations.Up(b.ctx, b.pool))
}

func TestStatus_Behind(t *testing.T) {
	t.Parallel()
	for want, status := range map[bool][]migrations.Status{
		false: {{Ours: 2, OursWanted: 2, River: 6, RiverWanted: 6}, {Ours: 3, OursWanted: 2, River: 7, RiverWanted: 6}},
		true:  {{Ours: 1, OursWanted: 2, River: 6, RiverWanted: 6}, {Ours: 2, OursWanted: 2, River: 5, RiverWanted: 6}},
	} {
		for _, s := range status {
			require.Equal(t, want, s.Behind(), s)
			require.Contains(t, s.String(), "passerelle")
			require.Contains(t, s.String(), "river")
		}
	}

	t.Run("HalfMigrated", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.requireCurrent(migrations.Up(b.ctx, b.pool))
		_, err := b.pool.Exec(b.ctx, "delete from river_migration where version = (select max(version) from river_migration)")
		require.NoError(t, err)
		status, err := migrations.Check(b.ctx, b.pool)
		require.NoError(t, err)
		require.True(t, status.Behind())
		require.Equal(t, status.OursWanted, status.Ours)
	})
}
