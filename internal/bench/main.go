// Command bench measures the hub on this machine and prints figures beside floors
// taken in the same run, as ratios: absolute times say little about another machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/hub"
	"github.com/cloud-pi-native/passerelle/internal/localpg"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/migrations"
)

type section struct {
	name string
	run  func(context.Context, *bench) error
}

var sections = []section{
	{"ingest", ingest},
	{"requests", requests},
	{"latency", latency},
	{"throughput", throughput},
	{"process", process},
	{"catchup", catchUp},
	{"quiet", quiet},
	{"scale", scale},
}

func main() {
	names := make([]string, 0, len(sections))
	for _, s := range sections {
		names = append(names, s.name)
	}
	only := flag.String("only", "", "run only these sections, separated by commas: "+strings.Join(names, ", "))
	dossiers := flag.Int("dossiers", 10_000, "dossiers in the sections process, catchup and quiet")
	profile := flag.String("cpuprofile", "", "write a CPU profile to this file")
	flag.Parse()
	if *profile != "" {
		file, err := os.Create(*profile)
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		_ = pprof.StartCPUProfile(file)
		defer pprof.StopCPUProfile()
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *only, *dossiers); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // stop only unhooks the signals
	}
}

func run(ctx context.Context, only string, dossiers int) (err error) {
	postgres, err := localpg.Start(ctx, localpg.Options{})
	if err != nil {
		return err
	}
	defer func() {
		if stopped := postgres.Stop(); err == nil {
			err = stopped
		}
	}()
	b := &bench{postgres: postgres, dossiers: dossiers}
	defer func() { err = errors.Join(err, b.end()) }()
	for _, s := range sections {
		if only != "" && !slices.Contains(strings.Split(only, ","), s.name) {
			continue
		}
		fmt.Printf("\n== %s\n", s.name)
		if err := s.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// bench is what the sections share: a Postgres that keeps what it answered.
type bench struct {
	postgres *localpg.Server
	dossiers int
	made     int
	// caughtUp is a hub that has settled a backlog, once one did.
	caughtUp *backlog
}

func (b *bench) end() error {
	if b.caughtUp == nil {
		return nil
	}
	return b.caughtUp.end()
}

// database makes an empty, migrated database.
func (b *bench) database(ctx context.Context) (string, *pgxpool.Pool, error) {
	b.made++
	url, err := b.postgres.CreateDatabase(ctx, fmt.Sprintf("bench_%d", b.made))
	if err != nil {
		return "", nil, err
	}
	pool, err := hub.OpenPool(ctx, url, 20)
	if err != nil {
		return "", nil, err
	}
	if _, err := migrations.Up(ctx, pool); err != nil {
		return "", nil, err
	}
	return url, pool, nil
}

// world is a stage with a hub on it.
type world struct {
	*stage.Stage

	pool     *pgxpool.Pool
	settings *config.Config
	hub      *hub.Hub
}

// start sets a stage up and starts a hub in this process.
func (b *bench) start(ctx context.Context, change func(*hub.Options)) (*world, error) {
	url, pool, err := b.database(ctx)
	if err != nil {
		return nil, err
	}
	w := &world{pool: pool}
	if w.Stage, err = stage.New(ctx, stage.Options{}); err != nil {
		return nil, err
	}
	if w.settings, err = w.Hub(url); err != nil {
		return nil, err
	}
	options := hub.Options{Config: w.settings, Logger: slog.New(slog.DiscardHandler), Version: "bench"}
	if change != nil {
		change(&options)
	}
	if w.hub, err = hub.Start(ctx, options); err != nil {
		return nil, err
	}
	w.SendTo("http://" + w.hub.Addr())
	return w, nil
}

func (w *world) end() error {
	err := w.hub.Stop()
	w.pool.Close()
	if closed := w.Close(); err == nil {
		err = closed
	}
	return err
}

// file files a form without a webhook.
func (w *world) file(n int) (int, error) {
	return w.DS.File(stage.Form, demarches.Application{
		Email: "camille.durand@example.org", Answers: demarches.ConsoleAccessAnswers(fmt.Sprintf("Projet %06d", n)),
	}, demarches.WithoutWebhook())
}

// accept files a form and accepts it; one webhook tells of it.
func (w *world) accept(n int) error {
	number, err := w.file(n)
	if err != nil {
		return err
	}
	if err := w.DS.StartInstruction(number, demarches.WithoutWebhook()); err != nil {
		return err
	}
	return w.DS.Accept(number, "")
}

// settled waits until so many dossiers have their message and no job is left.
func (w *world) settled(ctx context.Context, messages int) error {
	const left = `select (select count(*) from resources where kind = 'message' and done_at is not null) >= $1
		and not exists (select from river_job where state in ('available', 'running', 'retryable', 'scheduled', 'pending'))`
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		var done bool
		if err := w.pool.QueryRow(ctx, left, messages).Scan(&done); err != nil || done {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func median[T float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func quantile(values []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
