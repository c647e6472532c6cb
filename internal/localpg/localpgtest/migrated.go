//go:build unix

package localpgtest

import (
	"context"
	"database/sql"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/peterldowns/pgtestdb"
	"github.com/peterldowns/pgtestdb/migrators/common"

	"github.com/cloud-pi-native/passerelle/migrations"
)

// Migrated is the address of a fresh database with the hub's schema in it.
func Migrated(tb testing.TB) string {
	tb.Helper()
	return Database(tb, migrator{})
}

type migrator struct{ pgtestdb.NoopMigrator }

// Hash changes when the schema does.
func (migrator) Hash() (string, error) { return common.HashDirs(migrations.FS, "*.sql", ".") }

// Migrate applies the migrations.
func (migrator) Migrate(ctx context.Context, _ *sql.DB, config pgtestdb.Config) error {
	pool, err := pgxpool.New(ctx, config.URL())
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = migrations.Up(ctx, pool)
	return err
}
