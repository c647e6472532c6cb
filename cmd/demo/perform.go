package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
)

// errInterrupted is Ctrl-C before the samples were settled.
var errInterrupted = errors.New("interrupted before every sample was settled")

// perform runs the demo and returns its exit code.
func (d *demo) perform(ctx context.Context, o options) (code int, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	out := &pipe{to: d.stdout, broken: func() { stop(errors.New("nobody reads the output any more")) }}
	errs := &pipe{to: d.stderr, broken: func() {}}
	told := out // where progress goes
	if o.json {
		told = errs
	}
	if o.only != "" {
		return d.performAlone(ctx, o, out)
	}
	level := &slog.LevelVar{}
	level.Set(slog.LevelWarn)
	if !o.once || o.tour {
		level.Set(slog.LevelError) // the trouble page tells the rest, and the addresses stay in sight
	}
	logger := slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: level}))

	fmt.Fprintln(told, "starting PostgreSQL, the simulated services and the hub")
	s, err := openScene(ctx, o, logger)
	if err != nil {
		if ctx.Err() != nil {
			err = errInterrupted
			if o.tour {
				err = errTourInterrupted
			}
		}
		return exitFailed, err
	}
	defer func() {
		level.Set(slog.LevelError + 1) // what the end cuts off is no news
		if ctx.Err() != nil {
			fmt.Fprintln(told, "stopping; Ctrl-C once more stops at once")
		}
		if closing := s.close(d.hurry); closing != nil {
			code, err = exitFailed, errors.Join(err, closing)
		}
	}()
	go func() {
		select {
		case err := <-s.hub.Failed():
			stop(fmt.Errorf("the hub cannot serve HTTP any more: %w", err))
		case <-ctx.Done():
		}
	}()
	s.introduce(told)
	if d.ready != nil {
		d.ready(s)
	}
	if o.tour {
		if err := s.playTour(ctx, o, out); err != nil {
			return exitFailed, err
		}
		if o.once {
			return 0, nil
		}
		return s.stay(ctx, d.settled, told)
	}
	return s.play(ctx, o, d.settled, out, told, errs)
}

// introduce tells what runs, and where.
func (s *scene) introduce(w io.Writer) {
	where := "in a temporary folder"
	if s.kept {
		where = "in " + s.postgres.Dir()
	}
	fmt.Fprintf(w, "  PostgreSQL         %s\n  DS (simulated)     %s\n  GitLab (simulated) %s\n  Passerelle         http://%s\n\n",
		where, s.DSURL, s.GitLabURL, s.hub.Addr())
	if s.control != nil && len(s.Troubles.Cases()) > 0 {
		fmt.Fprintf(w, "there is trouble from the start; mend it at %s/trouble\n\n", s.control.URL)
	}
	switch {
	case s.resumed():
		fmt.Fprintf(w, "everything is as it was when the demo stopped: %d dossiers\n\n", len(s.DS.Dossiers()))
	case s.earlier.dossiers > 0:
		fmt.Fprintf(w, "the ledger holds %d dossiers of earlier runs, of which DS and GitLab have nothing as new; %d jobs for them were dropped\n\n",
			s.earlier.dossiers, s.earlier.dropped)
	}
}

// play plays the samples and tells what became of them.
func (s *scene) play(ctx context.Context, o options, settled func(*scene), out, told, errs io.Writer) (int, error) {
	p, err := newPlay(s, cast(max(o.dossiers, len(s.progress))))
	if err != nil {
		return exitFailed, err
	}
	s.current = p
	following, enough := context.WithCancel(ctx)
	var followers sync.WaitGroup
	live := newProgress(told, s.pool)
	followers.Go(func() { live.follow(following) })
	followers.Go(func() { s.keepOn(following, errs) })
	defer followers.Wait()
	defer enough()

	p.perform(ctx, o.timeout, live.add)
	if ctx.Err() != nil {
		return exitFailed, interruption(ctx)
	}
	live.tell(ctx)
	result, err := p.conclude(ctx)
	if err != nil {
		return exitFailed, err
	}
	switch {
	case o.json:
		err = p.printJSON(out, result)
	case s.resumed():
		var all verdict
		if all, err = s.deliver(ctx); err == nil {
			err = printAll(out, all)
		}
	default:
		err = p.printTable(out, result)
	}
	if err != nil {
		return exitFailed, fmt.Errorf("print the result: %w", err)
	}
	code := 0
	for _, failure := range result.failures() {
		fmt.Fprintln(errs, "demo:", failure)
		code = exitFailed
	}
	if !o.once {
		staying, err := s.stay(ctx, settled, told)
		return max(code, staying), err
	}
	return code, nil
}

// stay goes on running until ctx ends.
func (s *scene) stay(ctx context.Context, settled func(*scene), told io.Writer) (int, error) {
	if err := s.control.printPlaces(told); err != nil {
		return exitFailed, fmt.Errorf("print the addresses: %w", err)
	}
	after := "which leaves nothing behind"
	if s.kept {
		after = "and another start with the same -data continues here"
	}
	fmt.Fprintln(told, "\neverything goes on running until Ctrl-C,", after)
	if settled != nil {
		settled(s)
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return exitFailed, cause
	}
	return 0, nil
}

// interruption says why ctx ended.
func interruption(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return errInterrupted
}

// pipe is a writer for several goroutines that tells when nobody reads it.
type pipe struct {
	mu     sync.Mutex
	to     io.Writer
	broken func()
}

func (p *pipe) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, err := p.to.Write(text)
	if err != nil {
		p.broken()
	}
	return n, err
}
