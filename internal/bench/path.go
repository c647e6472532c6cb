package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// requests counts what one dossier costs, filed, taken into instruction and accepted.
func requests(ctx context.Context, b *bench) (err error) {
	w, err := b.start(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.end()) }()
	// Dossiers that are older than the ledger cost a look more; these are not.
	if _, err := w.pool.Exec(ctx, "update installation set began_at = began_at - interval '1 hour'"); err != nil {
		return err
	}
	if err := w.accept(0); err != nil { // what is looked up once for the process
		return err
	}
	if err := w.settled(ctx, 1); err != nil {
		return err
	}
	w.DS.Faults().ResetCalls()
	w.GitLab.Faults().ResetCalls()
	number, err := w.DS.File(stage.Form, demarches.Application{Answers: demarches.ConsoleAccessAnswers("Projet mesuré")})
	if err != nil {
		return err
	}
	steps := []struct {
		name     string
		messages int
		act      func() error
	}{
		{"filed", 2, func() error { return nil }},
		{"in instruction", 2, func() error { return w.DS.StartInstruction(number) }},
		{"accepted", 3, func() error { return w.DS.Accept(number, "") }},
	}
	for i, step := range steps {
		if err := step.act(); err != nil {
			return err
		}
		if err := w.delivered(ctx, i+2); err != nil {
			return err
		}
		if err := w.settled(ctx, step.messages); err != nil {
			return err
		}
		fmt.Printf("%s:\n", step.name)
		for service, calls := range map[string]map[string]int{"DS": w.DS.Faults().Calls(), "GitLab": w.GitLab.Faults().Calls()} {
			for _, call := range slices.Sorted(maps.Keys(calls)) {
				fmt.Printf("  %2d %s %s\n", calls[call], service, call)
			}
		}
		w.DS.Faults().ResetCalls()
		w.GitLab.Faults().ResetCalls()
	}
	return nil
}

// delivered waits until so many deliveries were dealt with.
func (w *world) delivered(ctx context.Context, count int) error {
	for {
		var deliveries int
		err := w.pool.QueryRow(ctx, "select count(*) from deliveries where source = 'demarches' and settled_at is not null").Scan(&deliveries)
		if err != nil || deliveries >= count {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// latency times one webhook, from the act in DS to the finished issue and sandbox.
func latency(ctx context.Context, b *bench) (err error) {
	w, err := b.start(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.end()) }()
	const runs = 20
	var times []time.Duration
	for n := range runs + 1 {
		begun := time.Now()
		if err := w.accept(n); err != nil {
			return err
		}
		err := w.GitLab.WaitFor(ctx, func(v gitlab.View) bool {
			if v.IssueCount(stage.TrackingProject) < n+1 {
				return false
			}
			projects := v.Projects()
			last := projects[len(projects)-1]
			return len(projects) == n+2 && len(v.Invitations(groupOf(last.FullPath))) >= 3
		})
		if err != nil {
			return err
		}
		if n > 0 { // the first opens the connections
			times = append(times, time.Since(begun))
		}
		if err := w.settled(ctx, n+1); err != nil {
			return err
		}
	}
	fmt.Printf("one webhook to the finished issue and sandbox: median %.1f ms, p90 %.1f ms, of %d\n",
		ms(quantile(times, 0.5)), ms(quantile(times, 0.9)), runs)
	return nil
}

func groupOf(project string) string {
	for i := len(project) - 1; i >= 0; i-- {
		if project[i] == '/' {
			return project[:i]
		}
	}
	return project
}

// throughput settles many dossiers at once, found by one poll, and compares with
// jobs that do nothing.
func throughput(ctx context.Context, b *bench) (err error) {
	const dossiers = 1000
	noop, err := noopJobs(ctx, b, 10*dossiers)
	if err != nil {
		return err
	}
	w, err := b.start(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.end()) }()
	before, transactions := cpu(), w.transactions(ctx)
	begun := time.Now()
	for n := range dossiers {
		if err := w.accept(n); err != nil {
			return err
		}
	}
	if err := w.settled(ctx, dossiers); err != nil {
		return err
	}
	took := time.Since(begun).Seconds()
	var worked int
	if err := w.pool.QueryRow(ctx, "select count(*) from river_job where state = 'completed'").Scan(&worked); err != nil {
		return err
	}
	fmt.Printf("dossiers settled: %.0f/s (%d accepted, services answering at once, in this process too)\n", dossiers/took, dossiers)
	fmt.Printf("jobs worked on the way: %.0f/s, no-op jobs worked: %.0f/s, ratio %.2f\n", float64(worked)/took, noop, float64(worked)/took/noop)
	fmt.Printf("CPU of hub and simulators: %.1f ms for each dossier; jobs: %.1f; Postgres transactions: %.1f\n",
		1000*(cpu()-before)/dossiers, float64(worked)/dossiers, float64(w.transactions(ctx)-transactions)/dossiers)
	return nil
}

func (w *world) transactions(ctx context.Context) int64 {
	var count int64
	_ = w.pool.QueryRow(ctx, "select xact_commit from pg_stat_database where datname = current_database()").Scan(&count)
	return count
}

// cpu is the processor time of this process so far, in seconds.
func cpu() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

type noop struct{}

func (noop) Kind() string { return "noop" }

type noopWorker struct{ river.WorkerDefaults[noop] }

func (noopWorker) Work(context.Context, *river.Job[noop]) error { return nil }

// noopJobs returns how many jobs per second River works that do nothing, with the
// hub's own settings.
func noopJobs(ctx context.Context, b *bench, count int) (float64, error) {
	url, pool, err := b.database(ctx)
	if err != nil {
		return 0, err
	}
	_ = url
	defer pool.Close()
	workers := river.NewWorkers()
	river.AddWorker(workers, &noopWorker{})
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Workers: workers, Logger: slog.New(slog.DiscardHandler),
		Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 40}},
		FetchCooldown: 2 * time.Millisecond, FetchPollInterval: 500 * time.Millisecond,
	})
	if err != nil {
		return 0, err
	}
	params := make([]river.InsertManyParams, count)
	for i := range params {
		params[i].Args = noop{}
	}
	if _, err := client.InsertManyFast(ctx, params); err != nil {
		return 0, err
	}
	begun := time.Now()
	if err := client.Start(ctx); err != nil {
		return 0, err
	}
	if err := worked(ctx, pool, count); err != nil {
		return 0, err
	}
	took := time.Since(begun).Seconds()
	return float64(count) / took, client.Stop(ctx)
}

func worked(ctx context.Context, pool *pgxpool.Pool, count int) error {
	for {
		var done int
		err := pool.QueryRow(ctx, "select count(*) from river_job where state = 'completed'").Scan(&done)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) || done >= count {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
