// Command soak runs real hub processes on a real PostgreSQL through minutes of
// trouble: calls that fail in every way, webhooks that are lost, doubled, late or too
// early, people who change their minds, kill -9, a database that crashes and whose link
// is cut. Then the trouble stops, and everything must come to rest as DS's last word on
// each dossier calls for, one of each (internal/verdict).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are what the command line says.
type options struct {
	seed     uint64
	duration time.Duration
	dossiers int
	hubs     int
}

// patience is how long everything may take to come to rest.
const patience = 5 * time.Minute

var errViolated = errors.New("the hub did not keep its promise")

func main() {
	var o options
	flag.Uint64Var(&o.seed, "seed", 1, "of everything that is left to chance")
	flag.DurationVar(&o.duration, "duration", 10*time.Minute, "how long there is trouble")
	flag.IntVar(&o.dossiers, "dossiers", 2000, "how many dossiers are filed")
	flag.IntVar(&o.hubs, "hubs", 3, "how many hub processes there are")
	flag.Parse()
	if flag.NArg() > 0 || o.duration < 10*time.Second || o.dossiers < 1 || o.hubs < 1 {
		fmt.Fprintln(os.Stderr, "soak: give -duration 10s or more, -dossiers and -hubs 1 or more, and nothing else")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1) //nolint:gocritic // stop only unhooks the signals
	}
}

func run(ctx context.Context, o options) (err error) {
	w, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close(err)) }()

	fmt.Printf("soak: seed %d, %v of trouble, %d dossiers, %d hubs\n", o.seed, o.duration, o.dossiers, o.hubs)
	begun := time.Now()
	if err := w.trouble(ctx); err != nil {
		return fmt.Errorf("seed %d, after %v: %w", o.seed, time.Since(begun).Round(time.Second), err)
	}
	fmt.Printf("soak: the trouble is over; waiting for rest, at most %v\n", patience)
	end, err := w.rest(ctx)
	if err != nil {
		return fmt.Errorf("seed %d: %w", o.seed, err)
	}
	w.print(end)
	if len(end.lapses) == 0 && end.left == 0 {
		return nil
	}
	w.tell(ctx, end)
	return fmt.Errorf("%w: seed %d", errViolated, o.seed)
}
