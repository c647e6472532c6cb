package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"

	"github.com/cloud-pi-native/passerelle/internal/hub"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/jobs"
)

const (
	connections = 32
	rounds      = 7
	roundTime   = 2 * time.Second
	hook        = "procedure_id=12345&dossier_id=%d&state=accepte&updated_at=2026-11-23+10%%3A15%%3A30+%%2B0100"
)

// ingest compares webhooks accepted per second with two floors on the same Postgres,
// round by round.
func ingest(ctx context.Context, b *bench) error {
	w, err := b.start(ctx, func(o *hub.Options) { o.HTTPOnly = true })
	if err != nil {
		return err
	}
	floors, err := startFloors(ctx, b)
	if err != nil {
		return err
	}
	targets := []struct{ name, url string }{
		{"passerelle", "http://" + w.hub.Addr() + "/webhooks/demarches/" + w.Secret},
		{"floor: one insert and InsertTx", floors + "/transaction"},
		{"floor: both rows in one statement", floors + "/statement"},
	}
	rates := make([][]float64, len(targets))
	times := make([][]time.Duration, len(targets))
	for range rounds {
		for i, target := range targets {
			rate, took, err := post(ctx, target.url)
			if err != nil {
				return fmt.Errorf("%s: %w", target.name, err)
			}
			rates[i], times[i] = append(rates[i], rate), append(times[i], took...)
		}
	}
	for i, target := range targets {
		fmt.Printf("%-36s %7.0f/s  median %6.2f ms  p99 %6.2f ms\n", target.name, median(rates[i]),
			ms(quantile(times[i], 0.5)), ms(quantile(times[i], 0.99)))
	}
	for i := 1; i < len(targets); i++ {
		ratios := make([]float64, rounds)
		for r := range ratios {
			ratios[r] = rates[0][r] / rates[i][r]
		}
		fmt.Printf("ratio to %s: %.2f (median of %d rounds)\n", targets[i].name, median(ratios), rounds)
	}
	return w.end()
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// post sends webhooks over so many connections for a round's time and returns how
// many were accepted per second, and how long each took.
func post(ctx context.Context, url string) (float64, []time.Duration, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	var (
		wait   sync.WaitGroup
		number atomic.Int64
		mu     sync.Mutex
		times  []time.Duration
		failed error
	)
	begun := time.Now()
	for range connections {
		wait.Go(func() {
			var mine []time.Duration
			for time.Since(begun) < roundTime && ctx.Err() == nil {
				sent := time.Now()
				err := postOne(ctx, client, url, number.Add(1))
				if err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
					return
				}
				mine = append(mine, time.Since(sent))
			}
			mu.Lock()
			times = append(times, mine...)
			mu.Unlock()
		})
	}
	wait.Wait()
	return float64(len(times)) / time.Since(begun).Seconds(), times, failed
}

func postOne(ctx context.Context, client *http.Client, url string, number int64) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(fmt.Sprintf(hook, number)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", echo.MIMEApplicationForm)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("answered %s", response.Status)
	}
	return nil
}

// startFloors serves the two floors: what a bare echo, pgx and River take to do the
// same two inserts.
func startFloors(ctx context.Context, b *bench) (string, error) {
	url, pool, err := b.database(ctx)
	if err != nil {
		return "", err
	}
	pool.Close()
	if pool, err = hub.OpenPool(ctx, url, 8); err != nil { // as many as the hub's requests have
		return "", err
	}
	client, err := jobs.NewClient(jobs.Options{Pool: pool, InsertOnly: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return "", err
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.POST("/transaction", func(c echo.Context) error { return inTransaction(c, pool, client) })
	e.POST("/statement", func(c echo.Context) error { return inStatement(c, pool) })
	var settings net.ListenConfig
	listener, err := settings.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	e.Server.Handler = e
	go func() { _ = e.Server.Serve(listener) }()
	return "http://" + listener.Addr().String(), nil
}

func inTransaction(c echo.Context, pool *pgxpool.Pool, client *jobs.Client) error {
	ctx := c.Request().Context()
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var id int64
		err := tx.QueryRow(ctx, "insert into deliveries (source, demarche, dossier, state) values ('floor', $1, $2, 'accepte') returning id",
			stage.Form, 1).Scan(&id)
		if err != nil {
			return err
		}
		_, err = client.InsertTx(ctx, tx, jobs.SyncDossier{Dossier: 1, Delivery: id}, nil)
		return err
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func inStatement(c echo.Context, pool *pgxpool.Pool) error {
	_, err := pool.Exec(c.Request().Context(), `with delivery as (
			insert into deliveries (source, demarche, dossier, state) values ('floor', $1, $2, 'accepte') returning id)
		insert into river_job (args, kind, queue, max_attempts, priority, state)
		select jsonb_build_object('dossier', $2::bigint, 'delivery', id), 'sync_dossier', 'demarches', 200, 1, 'available' from delivery`,
		int64(stage.Form), int64(1))
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
