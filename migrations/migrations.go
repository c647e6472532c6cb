// Package migrations brings a database up to date: our own schema, by numbered SQL
// files, and River's, by its own migrator.
package migrations

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed *.sql
var files embed.FS

// FS holds the numbered SQL files, for whoever must know when they change.
var FS fs.FS = files

// lockKey is the advisory lock under which migrations run, one process at a time.
const lockKey = 0x70617373 // "pass"

// Status says where a database stands.
type Status struct {
	Ours, OursWanted   int64
	River, RiverWanted int
}

// Behind reports whether migrations are missing.
func (s Status) Behind() bool { return s.Ours < s.OursWanted || s.River < s.RiverWanted }

// String tells both versions and what they should be.
func (s Status) String() string {
	return fmt.Sprintf("passerelle %d of %d, river %d of %d", s.Ours, s.OursWanted, s.River, s.RiverWanted)
}

// migrator is both migrators on one database.
type migrator struct {
	ours  *goose.Provider
	river *rivermigrate.Migrator[pgx.Tx]
	pool  *pgxpool.Pool
	close func() error
}

var quiet = slog.New(slog.DiscardHandler)

func open(pool *pgxpool.Pool) (*migrator, error) {
	db := stdlib.OpenDBFromPool(pool)
	ours, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("read our migrations: %w", err)
	}
	river, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: quiet})
	if err != nil {
		return nil, fmt.Errorf("read River's migrations: %w", err)
	}
	return &migrator{ours: ours, river: river, pool: pool, close: db.Close}, nil
}

// locked runs f while no other process migrates the same database.
func locked(ctx context.Context, pool *pgxpool.Pool, f func(*migrator) error) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", lockKey); err != nil {
		return fmt.Errorf("wait for other migrations: %w", err)
	}
	defer func() { _, _ = conn.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock($1)", lockKey) }()
	m, err := open(pool)
	if err != nil {
		return err
	}
	defer func() { _ = m.close() }()
	return f(m)
}

// Up applies what is missing. Several processes may call it at once: each waits
// for the one before it and finds nothing left to do.
func Up(ctx context.Context, pool *pgxpool.Pool) (Status, error) {
	var status Status
	err := locked(ctx, pool, func(m *migrator) error {
		if _, err := m.ours.Up(ctx); err != nil {
			return fmt.Errorf("migrate our schema: %w", err)
		}
		if _, err := m.river.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			return fmt.Errorf("migrate River's schema: %w", err)
		}
		var err error
		status, err = m.status(ctx)
		return err
	})
	return status, err
}

// Down takes everything away, River's schema and ours: all data is lost.
func Down(ctx context.Context, pool *pgxpool.Pool) (Status, error) {
	var status Status
	err := locked(ctx, pool, func(m *migrator) error {
		// River's way down makes an index unique that finished jobs would break.
		const forget = "do $$ begin if to_regclass('river_job') is not null then delete from river_job; end if; end $$"
		if _, err := pool.Exec(ctx, forget); err != nil {
			return fmt.Errorf("take the jobs away: %w", err)
		}
		if _, err := m.river.Migrate(ctx, rivermigrate.DirectionDown, &rivermigrate.MigrateOpts{TargetVersion: -1}); err != nil {
			return fmt.Errorf("take River's schema away: %w", err)
		}
		if _, err := m.ours.DownTo(ctx, 0); err != nil {
			return fmt.Errorf("take our schema away: %w", err)
		}
		var err error
		status, err = m.status(ctx)
		return err
	})
	return status, err
}

// Check returns where the database stands, changing nothing in it.
func Check(ctx context.Context, pool *pgxpool.Pool) (Status, error) {
	m, err := open(pool)
	if err != nil {
		return Status{}, err
	}
	defer func() { _ = m.close() }()
	return m.status(ctx)
}

// status reads the versions without goose, which would create its table.
func (m *migrator) status(ctx context.Context) (Status, error) {
	var status Status
	for _, source := range m.ours.ListSources() {
		status.OursWanted = max(status.OursWanted, source.Version)
	}
	for _, migration := range m.river.AllVersions() {
		status.RiverWanted = max(status.RiverWanted, migration.Version)
	}
	var begun bool
	if err := m.pool.QueryRow(ctx, "select to_regclass('goose_db_version') is not null").Scan(&begun); err != nil {
		return Status{}, fmt.Errorf("read the schema's version: %w", err)
	}
	if begun {
		const current = "select coalesce(max(version_id) filter (where is_applied), 0) from goose_db_version"
		if err := m.pool.QueryRow(ctx, current).Scan(&status.Ours); err != nil {
			return Status{}, fmt.Errorf("read the schema's version: %w", err)
		}
	}
	existing, err := m.river.ExistingVersions(ctx)
	if err != nil {
		return Status{}, fmt.Errorf("read the version of River's schema: %w", err)
	}
	for _, migration := range existing {
		status.River = max(status.River, migration.Version)
	}
	return status, nil
}
