// Command figures fills a ledger with made-up onboardings and prints how long each of its
// figures takes to tell.
package main

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cloud-pi-native/passerelle/internal/localpg"
	"github.com/cloud-pi-native/passerelle/migrations"
)

//go:embed fill.sql
var fill string

// runs is how often each query is run; what is printed is the one in the middle.
const runs = 5

func main() {
	dossiers := flag.Int("dossiers", 100_000, "how many onboardings there are")
	explain := flag.Bool("explain", false, "print the plans, too")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *dossiers, *explain); err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1) //nolint:gocritic // stop only unhooks the signals
	}
}

func run(ctx context.Context, dossiers int, explain bool) (err error) {
	postgres, err := localpg.Start(ctx, localpg.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, postgres.Stop()) }()
	url, err := postgres.CreateDatabase(ctx, "figures")
	if err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return err
	}
	defer pool.Close()
	if _, err := migrations.Up(ctx, pool); err != nil {
		return err
	}
	return pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		if err := filled(ctx, c.Conn(), dossiers); err != nil {
			return err
		}
		return measure(ctx, c.Conn(), dossiers, explain)
	})
}

// filled fills the database and prints what is in it.
func filled(ctx context.Context, conn *pgx.Conn, dossiers int) error {
	if _, err := conn.Exec(ctx, "select set_config('figures.dossiers', $1, false)", strconv.Itoa(dossiers)); err != nil {
		return err
	}
	for _, sql := range []string{fill, "vacuum analyze"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("fill the database: %w", err)
		}
	}
	for _, table := range []string{"dossiers", "spells", "gates"} {
		var rows int
		var size string
		sql := "select count(*), pg_size_pretty(pg_total_relation_size('" + table + "')) from " + table
		if err := conn.QueryRow(ctx, sql).Scan(&rows, &size); err != nil {
			return err
		}
		fmt.Printf("%-9s %8d rows, %s\n", table, rows, size)
	}
	return nil
}

// measure prints the time of each query, and its plan if asked for.
func measure(ctx context.Context, conn *pgx.Conn, dossiers int, explain bool) error {
	one := fmt.Sprintf(" where dossier = %d", cmp.Or(dossiers/2, 1))
	for _, query := range []string{
		"select * from onboarding_steps" + one,
		"select * from onboarding_waits" + one,
		"select * from onboarding_steps",
		"select * from onboarding_waits",
		"select * from joined_dossiers",
		"select * from figures_steps",
		"select * from figures_waiting",
		"select * from figures_gates",
		"select * from figures_reasons",
		"select * from figures_conversion",
		"select * from figures_prerequisites",
	} {
		took, rows, err := timed(ctx, conn, query)
		if err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
		fmt.Printf("%8.1f ms %7d rows  %s\n", float64(took.Microseconds())/1000, rows, query)
		if explain {
			if err := plan(ctx, conn, query); err != nil {
				return err
			}
		}
	}
	return nil
}

// timed is how long a query takes, with its answer, and how many rows that has.
func timed(ctx context.Context, conn *pgx.Conn, query string) (took time.Duration, n int64, err error) {
	var times []time.Duration
	for range runs {
		begun := time.Now()
		rows, err := conn.Query(ctx, query)
		if err != nil {
			return 0, 0, err
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return 0, 0, err
		}
		n, times = rows.CommandTag().RowsAffected(), append(times, time.Since(begun))
	}
	slices.Sort(times)
	return times[runs/2], n, nil
}

func plan(ctx context.Context, conn *pgx.Conn, query string) error {
	rows, err := conn.Query(ctx, "explain (analyze, costs off, timing off, buffers off) "+query)
	if err != nil {
		return err
	}
	var line string
	_, err = pgx.ForEachRow(rows, []any{&line}, func() error {
		fmt.Println("    " + line)
		return nil
	})
	return err
}
