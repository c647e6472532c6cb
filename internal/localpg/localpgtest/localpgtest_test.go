//go:build unix

package localpgtest

import (
	"context"
	"database/sql"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/peterldowns/pgtestdb"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { Main(m) }

// tableMigrator makes one table, and counts how often it is asked to.
type tableMigrator struct{ ran int }

func (*tableMigrator) Hash() (string, error) { return "localpgtest-table", nil }

func (m *tableMigrator) Migrate(ctx context.Context, db *sql.DB, _ pgtestdb.Config) error {
	m.ran++
	_, err := db.ExecContext(ctx, "CREATE TABLE things (name text PRIMARY KEY)")
	return err
}

func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) })
	return conn
}

func TestDatabase(t *testing.T) {
	t.Parallel()

	t.Run("EachTestHasItsOwnCopyOfOneTemplate", func(t *testing.T) {
		t.Parallel()

		migrator := &tableMigrator{}
		first, second := Database(t, migrator), Database(t, migrator)
		require.NotEqual(t, first, second)
		require.Equal(t, 1, migrator.ran)

		for _, address := range []string{first, second} {
			_, err := connect(t, address).Exec(t.Context(), "INSERT INTO things VALUES ('one')")
			require.NoError(t, err)
		}
	})

	t.Run("WithoutAMigratorItIsEmpty", func(t *testing.T) {
		t.Parallel()

		var tables int
		err := connect(t, Database(t, nil)).QueryRow(t.Context(),
			"SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&tables)
		require.NoError(t, err)
		require.Zero(t, tables)
	})

	t.Run("ItsRoleIsNoSuperuser", func(t *testing.T) {
		t.Parallel()

		_, err := connect(t, Database(t, nil)).Exec(t.Context(), "CREATE DATABASE another")
		require.ErrorContains(t, err, "permission denied")
	})

	t.Run("ItIsRemovedWithWhatIsStillConnected", func(t *testing.T) {
		t.Parallel()

		var name string
		t.Run("Inner", func(t *testing.T) { //nolint:paralleltest // its end is what the outer one looks at
			conn, err := pgx.Connect(t.Context(), Database(t, nil))
			require.NoError(t, err)
			name = conn.Config().Database
		})

		var exists bool
		err := connect(t, URL(t)).QueryRow(t.Context(),
			"SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists)
		require.NoError(t, err)
		require.False(t, exists)
	})
}

func TestURL_TakesTheServerThatTheEnvironmentNames(t *testing.T) {
	const given = "postgres://someone@db.example/postgres"
	t.Setenv(EnvURL, given)
	require.Equal(t, given, URL(t))
}

func TestTemplateConfig(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct{ name, address, want string }{
		{"TCP", "postgres://u:p@db.example:5433/main?sslmode=require", "postgres://u:p@db.example:5433/main?sslmode=require"},
		{"IPv6", "postgres://u:p@[::1]:5433/main?sslmode=disable", "postgres://u:p@[::1]:5433/main?sslmode=disable"},
		{"Socket", "postgres://u@/main?host=%2Frun%2Fpg&port=5433&sslmode=disable", "postgres://u:@:5433/main?host=%2Frun%2Fpg&sslmode=disable"},
		{"Escapes", "postgres://u%40x:p%2F%3A@db.example:5432/main?sslmode=disable", "postgres://u%40x:p%2F%3A@db.example:5432/main?sslmode=disable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			config, err := templateConfig(tt.address)
			require.NoError(t, err)
			require.Equal(t, tt.want, config.URL())

			// And pgx reads in it what it read in the original.
			before, err := pgx.ParseConfig(tt.address)
			require.NoError(t, err)
			after, err := pgx.ParseConfig(config.URL())
			require.NoError(t, err)
			require.Equal(t, before.Host, after.Host)
			require.Equal(t, before.Port, after.Port)
			require.Equal(t, before.User, after.User)
			require.Equal(t, before.Password, after.Password)
			require.Equal(t, before.Database, after.Database)
		})
	}
}

func TestDir(t *testing.T) {
	t.Parallel()

	var dir string
	t.Run("Inner", func(t *testing.T) {
		dir = Dir(t)
		require.DirExists(t, dir)
	})
	_, err := os.Stat(dir)
	require.ErrorIs(t, err, os.ErrNotExist)
}
