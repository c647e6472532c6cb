package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/hub"
	"github.com/cloud-pi-native/passerelle/internal/localpg"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/migrations"
)

// scene is everything that runs: database, simulated services, hub.
type scene struct {
	*stage.Stage

	settings *config.Config
	postgres *localpg.Server
	pool     *pgxpool.Pool
	hub      *hub.Hub
	earlier  earlier
	kept     bool
}

// openScene starts everything. What it started before an error it has ended.
func openScene(ctx context.Context, o options, logger *slog.Logger) (_ *scene, err error) {
	s := &scene{kept: o.data != ""}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(nil))
		}
	}()
	// Nothing that is thrown away need survive the machine's crash.
	if s.postgres, err = localpg.Start(ctx, localpg.Options{Dir: o.data, FastUnsafe: !s.kept}); err != nil {
		return nil, explain(err, o.data)
	}
	database, err := s.postgres.CreateDatabase(ctx, "passerelle")
	if err != nil {
		return nil, explain(err, o.data)
	}
	if s.pool, err = hub.OpenPool(ctx, database, 2); err != nil {
		return nil, err
	}
	if _, err := migrations.Up(ctx, s.pool); err != nil {
		return nil, err
	}
	if s.earlier, err = settleEarlier(ctx, s.pool); err != nil {
		return nil, err
	}
	if s.Stage, err = stage.New(ctx, stage.Options{FirstDossier: s.earlier.next}); err != nil {
		return nil, err
	}
	if s.settings, err = s.Hub(database); err != nil {
		return nil, err
	}
	s.hub, err = hub.Start(ctx, hub.Options{Config: s.settings, Logger: logger, Version: version})
	if err != nil {
		return nil, err
	}
	s.SendTo("http://" + s.hub.Addr())
	return s, nil
}

// explain makes one sentence of why the database could not be started.
func explain(err error, data string) error {
	switch {
	case data == "":
	case errors.Is(err, fs.ErrPermission) && !strings.Contains(err.Error(), "may not enter"):
		return fmt.Errorf("-data %s: permission denied: give a folder that you may write to, or that does not exist yet", data)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		return fmt.Errorf("-data %s is not a folder: give an empty one, or one that does not exist yet", data)
	}
	return errors.New(strings.TrimPrefix(err.Error(), "localpg: "))
}

// close ends everything, in order; once hurry says so, at once. A temporary
// database goes with its folder either way.
func (s *scene) close(hurry <-chan struct{}) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.closeServices() }()
	var err error
	select {
	case err = <-ended:
		go func() {
			select {
			case <-hurry:
				cancel()
			case <-ctx.Done():
			}
		}()
	case <-hurry:
		// Whatever the hub still does ends with this process.
		err = errors.New("stopped at once, with work under way")
		cancel()
	}
	if s.postgres == nil {
		return err
	}
	if s.kept {
		// Stop waits as long as it takes; this does not, once ctx ends.
		err = errors.Join(err, s.postgres.Halt(ctx, localpg.Fast))
	}
	return errors.Join(err, s.postgres.Stop())
}

func (s *scene) closeServices() error {
	var err error
	if s.hub != nil {
		err = s.hub.Stop()
	}
	if s.Stage != nil {
		err = errors.Join(err, s.Close())
	}
	if s.pool != nil {
		s.pool.Close()
	}
	return err
}
