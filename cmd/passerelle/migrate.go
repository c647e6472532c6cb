package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/hub"
	"github.com/cloud-pi-native/passerelle/migrations"
)

type migrateCommand struct {
	Up     migrateUp     `cmd:"" help:"Apply what is missing, ours and River's."`
	Down   migrateDown   `cmd:"" help:"Take all tables away, with everything in them."`
	Status migrateStatus `cmd:"" help:"Tell where the database stands; exit code 1 when it is behind."`
}

type (
	migrateUp   struct{}
	migrateDown struct {
		Yes bool `help:"Confirm that all data is to be lost."`
	}
	migrateStatus struct{}
)

// Run applies what is missing.
func (migrateUp) Run(w *world) error {
	return w.onDatabase(func(pool *pgxpool.Pool) error {
		status, err := migrations.Up(w.ctx, pool)
		return w.tell(status, err)
	})
}

// Run takes everything away.
func (m migrateDown) Run(w *world) error {
	if !m.Yes {
		return errors.New("this loses the ledger and all jobs: back the database up, then say passerelle migrate down --yes")
	}
	return w.onDatabase(func(pool *pgxpool.Pool) error {
		status, err := migrations.Down(w.ctx, pool)
		return w.tell(status, err)
	})
}

// Run tells where the database stands.
func (migrateStatus) Run(w *world) error {
	return w.onDatabase(func(pool *pgxpool.Pool) error {
		status, err := migrations.Check(w.ctx, pool)
		if err = w.tell(status, err); err == nil && status.Behind() {
			return errors.New("the database is behind: run passerelle migrate up")
		}
		return err
	})
}

func (w *world) tell(status migrations.Status, err error) error {
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w.stdout, status)
	return err
}

// onDatabase runs f with connections to the configured database.
func (w *world) onDatabase(f func(*pgxpool.Pool) error) error {
	settings, err := config.DatabaseFromEnvironment(w.environ)
	if err != nil {
		return err
	}
	pool, err := hub.OpenPool(w.ctx, settings.DatabaseURL, settings.DatabaseConnections)
	if err != nil {
		return err
	}
	defer pool.Close()
	return f(pool)
}

// onMigrated is onDatabase for commands that read what the hub keeps.
func (w *world) onMigrated(f func(context.Context, *pgxpool.Pool) error) error {
	return w.onDatabase(func(pool *pgxpool.Pool) error {
		status, err := migrations.Check(w.ctx, pool)
		if err != nil {
			return err
		}
		if status.Behind() {
			return &hub.BehindError{Status: status}
		}
		return f(w.ctx, pool)
	})
}
