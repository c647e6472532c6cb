package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

const (
	// scaled is how many dossiers each number of hubs settles, and serviceTime how long a
	// call to DS or GitLab takes then, as it does with services elsewhere.
	scaled      = 400
	serviceTime = 200 * time.Millisecond
)

// scale settles dossiers with one hub, two and three, against services that take their
// time, and tells what a dossier costs the database.
func scale(ctx context.Context, b *bench) error {
	var alone float64
	for hubs := 1; hubs <= 3; hubs++ {
		rate, err := scaleTo(ctx, b, hubs)
		if err != nil {
			return err
		}
		if hubs == 1 {
			alone = rate
		}
		fmt.Printf("%d hubs: %.1f dossiers/s accepted and settled, calls of %v; ratio to one %.2f\n", hubs, rate, serviceTime, rate/alone)
	}
	return nil
}

func scaleTo(ctx context.Context, b *bench, hubs int) (rate float64, err error) {
	w, err := b.outside(ctx, stage.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.end()) }()
	if err := w.serve(ctx); err != nil {
		return 0, err
	}
	var others []*exec.Cmd
	defer func() {
		for _, other := range others {
			err = errors.Join(err, other.Process.Signal(syscall.SIGTERM), other.Wait())
		}
	}()
	for range hubs - 1 {
		other, err := w.another(ctx)
		if err != nil {
			return 0, err
		}
		others = append(others, other)
	}
	slow := fault.Rule{Kind: fault.Slow, Delay: serviceTime}
	w.DS.Faults().Add(slow)
	w.GitLab.Faults().Add(slow)
	written, transactions := w.walBytes(ctx), w.transactions(ctx)
	begun := time.Now()
	for n := range scaled {
		if err := w.accept(n); err != nil {
			return 0, err
		}
	}
	if err := w.settled(ctx, scaled); err != nil {
		return 0, err
	}
	took := time.Since(begun).Seconds()
	if hubs == 1 {
		fmt.Printf("each dossier: %.0f transactions, %.1f KiB of WAL\n",
			float64(w.transactions(ctx)-transactions)/scaled, float64(w.walBytes(ctx)-written)/scaled/1024)
		if err := w.sizes(ctx); err != nil {
			return 0, err
		}
	}
	return scaled / took, nil
}

// another starts one more hub on the same database.
func (w *outside) another(ctx context.Context) (*exec.Cmd, error) {
	listen, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	hub := exec.CommandContext(ctx, w.binary, "serve")
	hub.Env, hub.Stderr = append(slices.Clone(w.environment), "PASSERELLE_LISTEN="+listen), os.Stderr
	if err := hub.Start(); err != nil {
		return nil, err
	}
	return hub, waitReady(ctx, "http://"+listen+"/readyz")
}

func (w *world) walBytes(ctx context.Context) int64 {
	var bytes int64
	_ = w.pool.QueryRow(ctx, "select (pg_current_wal_lsn() - '0/0')::bigint").Scan(&bytes)
	return bytes
}

// sizes prints what a dossier takes on disk, by table with its indexes.
func (w *world) sizes(ctx context.Context) error {
	rows, err := w.pool.Query(ctx, `select relname::text, pg_total_relation_size(oid)::bigint from pg_class
		where relkind = 'r' and relnamespace = 'public'::regnamespace order by 2 desc limit 6`)
	if err != nil {
		return err
	}
	var table string
	var size int64
	_, err = pgx.ForEachRow(rows, []any{&table, &size}, func() error {
		fmt.Printf("  %-16s %5.1f KiB for each dossier\n", table, float64(size)/scaled/1024)
		return nil
	})
	return err
}
