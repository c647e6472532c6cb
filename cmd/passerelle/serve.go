package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/hub"
	"github.com/cloud-pi-native/passerelle/internal/telemetry"
)

type serveCommand struct {
	HTTPOnly    bool `help:"Take webhooks in and serve the API, but work no jobs." xor:"half"`
	WorkersOnly bool `help:"Work jobs, but serve no HTTP."                         xor:"half"`
	Migrate     bool `help:"Bring the database up to date first."`
}

// Run serves until SIGTERM or SIGINT, then drains. A second signal ends it at once.
func (s *serveCommand) Run(w *world) error {
	settings, err := config.FromEnvironment(w.environ)
	if err != nil {
		return err
	}
	logger := telemetry.NewLogger(w.stderr, settings.LogLevel, settings.LogFormat)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)

	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	started := make(chan struct{})
	go func() { // a signal during start-up, which may wait for the database
		select {
		case received := <-signals:
			cancel()
			signals <- received
		case <-started:
		}
	}()
	running, err := hub.Start(ctx, hub.Options{
		Config: settings, Logger: logger, Version: version,
		HTTPOnly: s.HTTPOnly, WorkersOnly: s.WorkersOnly, Migrate: s.Migrate,
	})
	close(started)
	if err != nil && ctx.Err() != nil && w.ctx.Err() == nil {
		logger.Info("told to stop before it was ready")
		return nil
	}
	if err != nil {
		return err
	}
	logger.Info("the hub is ready", "version", version, "listen", running.Addr())

	select {
	case received := <-signals:
		logger.Info("draining: requests and jobs under way may end; a second signal ends them at once", "signal", received.String())
	case err := <-running.Failed():
		running.Kill()
		return fmt.Errorf("serve HTTP: %w", err)
	case <-w.ctx.Done():
	}
	drained := make(chan error, 1)
	go func() { drained <- running.Stop() }()
	select {
	case err := <-drained:
		if err == nil {
			logger.Info("drained")
		}
		return err
	case <-signals:
		logger.Warn("stopped at once; what was under way goes on at the next start")
		return exitCode(exitFailed)
	}
}
