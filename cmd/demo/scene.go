package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/hub"
	"github.com/cloud-pi-native/passerelle/internal/localpg"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/jobs"
	"github.com/cloud-pi-native/passerelle/migrations"
)

// The ports that are tried first: addresses that stay the same from one start to the
// next. A run that ends by itself takes whichever are free.
const (
	dsPort      = 8091
	gitlabPort  = 8092
	controlPort = 8093
)

// scene is everything that runs: database, simulated services, hub.
type scene struct {
	*stage.Stage

	settings *config.Config
	postgres *localpg.Server
	pool     *pgxpool.Pool
	hub      *hub.Hub
	critic   *critic
	earlier  earlier
	kept     bool
	drawer   *drawer // nil unless kept
	keys     *keptKeys
	progress []keptSample // of the samples, when an earlier run's state was taken up
	current  *play        // once it has begun
	control  *control     // nil in a run that ends by itself
}

// openScene starts everything. What it started before an error it has ended.
func openScene(ctx context.Context, o options, logger *slog.Logger) (_ *scene, err error) {
	s := &scene{kept: o.data != "", keys: &keptKeys{Keys: stage.NewKeys()}}
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
	if s.pool, err = hub.OpenPool(ctx, database, 4); err != nil {
		return nil, err
	}
	if _, err := migrations.Up(ctx, s.pool); err != nil {
		return nil, err
	}
	if err := s.raise(ctx, o); err != nil {
		return nil, err
	}
	if s.settings, err = s.Hub(database); err != nil {
		return nil, err
	}
	s.critic = newCritic(s)
	for _, trouble := range o.troubles {
		s.Troubles.Cause(trouble)
	}
	settings := hub.Options{Config: s.settings, Logger: logger, Version: version}
	if !o.once || o.tour {
		if s.control, err = openControl(ctx, s, o.listen); err != nil {
			return nil, err
		}
	}
	if !o.once || len(o.troubles) > 0 || s.kept || o.tour {
		settings.Timing = lively()
	}
	if o.tour {
		settings.Timing.PollInterval = tourRound
	}
	if s.hub, err = hub.Start(ctx, settings); err != nil {
		return nil, err
	}
	s.SendTo("http://" + s.hub.Addr())
	return s, nil
}

// tourRound is how often the hub looks for what no webhook told while somebody waits for it.
const tourRound = 2 * time.Second

// lively is the timing of a hub that somebody watches: it asks again within seconds
// where a hub in service is patient, and what a killed one had in hand is free again
// within half a minute.
func lively() *jobs.Timing {
	timing := jobs.DefaultTiming()
	timing.CallTimeout = 4 * time.Second
	timing.EffectMargin = 2 * time.Second
	timing.PollInterval = 10 * time.Second
	timing.RetryCap = 3 * time.Second
	return &timing
}

// raise sets the simulated services up: as an earlier run left them, if that is
// known, else as new.
func (s *scene) raise(ctx context.Context, o options) (err error) {
	at := stage.Options{Listen: strings.Trim(o.listen, "[]")}
	if s.kept {
		if s.drawer, err = openDrawer(o.data); err != nil {
			return err
		}
		if s.keys, err = s.drawer.keys(); err != nil {
			return err
		}
		if at.State, err = s.takeUp(ctx); err != nil {
			return err
		}
	}
	if at.State == nil {
		if s.earlier, err = settleEarlier(ctx, s.pool); err != nil {
			return err
		}
		at.FirstDossier = s.earlier.next
	}
	if !o.once {
		at.DSPort, at.GitLabPort = cmp.Or(s.keys.DSPort, dsPort), cmp.Or(s.keys.GitLabPort, gitlabPort)
		at.KeepPorts = s.keys.DSPort != 0 && s.keys.GitLabPort != 0
	}
	at.Keys = s.keys.Keys
	if s.Stage, err = stage.New(ctx, at); err != nil {
		return s.explainPort(err, at.Listen)
	}
	if s.earlier.issue > 0 {
		if err := s.GitLab.SkipIssues(stage.TrackingProject, s.earlier.issue); err != nil {
			return fmt.Errorf("number the tracking issues: %w", err)
		}
	}
	return nil
}

// explainPort is explainListen for a demo that may keep its ports: the links that it
// wrote into GitLab and DS lead to no other.
func (s *scene) explainPort(err error, host string) error {
	if listening, ok := errors.AsType[*net.OpError](err); ok && s.drawer != nil && errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("another program listens on %s, where the links that this demo wrote lead: stop that program, or give another folder as -data", listening.Addr)
	}
	return explainListen(err, host)
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

// explainListen makes one sentence of why an address cannot be listened on.
func explainListen(err error, host string) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("another program listens on %s already: stop it, or give another port", host)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("listening on %s is not permitted: give a port above 1023", host)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is no address of this machine: leave -listen out, or write one of its addresses", host)
	}
	if _, unknown := errors.AsType[*net.DNSError](err); unknown {
		return fmt.Errorf("%s is not known: leave -listen out, or write an address of this machine", host)
	}
	return err
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
		err = errors.Join(err, s.keep(0, true))
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
