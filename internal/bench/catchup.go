package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// backlog is a hub in a process of its own that found many dossiers at its start and
// settled them.
type backlog struct {
	*outside

	// ahead is how far the simulators' clock is ahead.
	ahead *atomic.Int64
}

// catchUp counts what a hub costs that finds everything at its start: each dossier was
// filed while it was away, and gets an issue and a message.
func catchUp(ctx context.Context, b *bench) error {
	_, err := b.backlog(ctx)
	return err
}

// backlog files the dossiers, starts the hub and prints what it took. The second call
// returns what the first set up.
func (b *bench) backlog(ctx context.Context) (*backlog, error) {
	if b.caughtUp != nil {
		return b.caughtUp, nil
	}
	ahead := &atomic.Int64{}
	w, err := b.outside(ctx, stage.Options{Clock: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	if err != nil {
		return nil, err
	}
	b.caughtUp = &backlog{outside: w, ahead: ahead}
	ahead.Store(-int64(2 * time.Hour)) // it was long ago
	for n := range b.dossiers {
		if _, err := w.file(n); err != nil {
			return nil, err
		}
	}
	// Dossiers that are older than the ledger cost a look more; these are not.
	if _, err := w.pool.Exec(ctx, "update installation set began_at = began_at - interval '3 hours'"); err != nil {
		return nil, err
	}
	w.DS.Faults().ResetCalls()
	begun := time.Now()
	if err := w.serve(ctx, "PASSERELLE_POLL_INTERVAL=1h"); err != nil {
		return nil, err
	}
	if err := w.counted(ctx, "select count(*) from dossiers", b.dossiers); err != nil {
		return nil, err
	}
	found := time.Since(begun).Seconds()
	if err := w.settled(ctx, b.dossiers); err != nil {
		return nil, err
	}
	took, calls := time.Since(begun).Seconds(), w.DS.Faults().Calls()
	fmt.Printf("%d dossiers found in %.0f s by %d reads (%.0f dossiers/s)\n", b.dossiers, found, calls["Changes"]+calls["Headings"]+calls["Newest"], float64(b.dossiers)/found)
	fmt.Printf("settled, each with its issue and its message, in %.0f s (%.0f dossiers/s); reads of single dossiers: %d\n",
		took, float64(b.dossiers)/took, calls["Dossier"]+calls["FindMessage"])
	fmt.Printf("resident: %s MiB, highest %s MiB\n", resident(w.pid()), highest(w.pid()))
	return b.caughtUp, nil
}

// counted waits until a query returns so many.
func (w *world) counted(ctx context.Context, sql string, want int) error {
	for {
		var have int
		if err := w.pool.QueryRow(ctx, sql).Scan(&have); err != nil || have >= want {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// polls is how many polls came to their end.
const polls = "select count(*) from river_job where kind = 'poll_demarche' and state = 'completed'"

// quiet measures a hub with many settled dossiers and nothing new: what a poll costs, and
// what it costs to be there.
func quiet(ctx context.Context, b *bench) error {
	w, err := b.backlog(ctx)
	if err != nil {
		return err
	}
	// What is newest is alone, as on an ordinary day: a poll begins ten minutes before it.
	w.ahead.Store(0)
	if _, err := w.file(b.dossiers); err != nil {
		return err
	}
	restart := func(interval string) error {
		if err := w.stop(); err != nil {
			return err
		}
		var before int
		if err := w.pool.QueryRow(ctx, polls).Scan(&before); err != nil {
			return err
		}
		if err := w.serve(ctx, "PASSERELLE_POLL_INTERVAL="+interval); err != nil {
			return err
		}
		return w.counted(ctx, polls, before+1)
	}
	if err := restart("1h"); err != nil { // the messages' dates, and the one that is new
		return err
	}
	if err := w.settled(ctx, b.dossiers+1); err != nil {
		return err
	}
	if err := restart("1h"); err != nil {
		return err
	}
	const idle, count = 30 * time.Second, 20
	used := processCPU(w.pid())
	time.Sleep(idle) //nolint:forbidigo // idle is a state that lasts
	rest := (processCPU(w.pid()) - used) / idle.Seconds()

	if err := restart("5s"); err != nil {
		return err
	}
	w.DS.Faults().ResetCalls()
	w.GitLab.Faults().ResetCalls()
	var before int
	if err := w.pool.QueryRow(ctx, polls).Scan(&before); err != nil {
		return err
	}
	used, begun := processCPU(w.pid()), time.Now()
	if err := w.counted(ctx, polls, before+count); err != nil {
		return err
	}
	took := time.Since(begun).Seconds()
	each := (processCPU(w.pid()) - used - rest*took) / count
	reads, writes := 0, 0
	for call, n := range w.DS.Faults().Calls() {
		if call != "SendMessage" && call != "StartInstruction" {
			reads += n
		} else {
			writes += n
		}
	}
	for call, n := range w.GitLab.Faults().Calls() {
		if strings.HasPrefix(call, "GET ") {
			reads += n
		} else {
			writes += n
		}
	}
	fmt.Printf("%d settled dossiers, %d polls: %.1f requests for each poll, %d writes\n", b.dossiers+1, count, float64(reads+writes)/count, writes)
	fmt.Printf("CPU: %.1f ms for each poll, %.1f ms a second at rest; %.0f s an hour with a poll every two minutes\n",
		1000*each, 1000*rest, 30*each+3600*rest)
	fmt.Printf("resident: %s MiB\n", resident(w.pid()))
	return nil
}
