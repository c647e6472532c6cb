// Package hub puts the hub together: configuration, database, background jobs and
// HTTP. The program, the demo and the tests all start it from here.
package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"

	"github.com/cloud-pi-native/passerelle/connectors/demarches"
	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/onboarding/texts"
	"github.com/cloud-pi-native/passerelle/internal/telemetry"
	"github.com/cloud-pi-native/passerelle/internal/web"
	"github.com/cloud-pi-native/passerelle/jobs"
	"github.com/cloud-pi-native/passerelle/migrations"
)

// Options say what to start.
type Options struct {
	Config *config.Config
	Logger *slog.Logger
	// Version is told to the services that the hub calls.
	Version string
	// HTTPOnly starts no workers, WorkersOnly no HTTP.
	HTTPOnly, WorkersOnly bool
	// Migrate brings the database up to date first.
	Migrate bool
	// Timing overrides the times that follow from the configuration, for tests, and
	// StoreTimeout how long a webhook may wait to be stored.
	Timing       *jobs.Timing
	StoreTimeout time.Duration
	// Clock tells the time by which reminders are due; time.Now if nil.
	Clock func() time.Time
}

// Hub is a running hub.
type Hub struct {
	logger   *slog.Logger
	workers  *pgxpool.Pool
	requests *pgxpool.Pool
	river    *jobs.Client
	echo     *echo.Echo
	listener net.Listener
	served   chan error
	isSelf   func(user int64) bool
	working  bool
	stop     sync.Once
	stopErr  error
}

// BehindError says that the database lacks migrations.
type BehindError struct{ Status migrations.Status }

// Error names the command that mends it.
func (b *BehindError) Error() string {
	return fmt.Sprintf("the database is behind (%s): run passerelle migrate up, or start with passerelle serve --migrate", b.Status)
}

// Start starts a hub. It returns once webhooks are accepted and jobs are worked.
func Start(ctx context.Context, o Options) (_ *Hub, err error) {
	h := &Hub{logger: o.Logger, served: make(chan error, 1)}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	// Requests have connections of their own, so that no amount of work in the
	// background keeps a webhook from being stored.
	requests := max(o.Config.DatabaseConnections*2/5, 2)
	if h.requests, err = OpenPool(ctx, o.Config.DatabaseURL, requests); err != nil {
		return nil, err
	}
	if h.workers, err = OpenPool(ctx, o.Config.DatabaseURL, o.Config.DatabaseConnections-requests); err != nil {
		return nil, err
	}
	if err := h.migrate(ctx, o.Migrate); err != nil {
		return nil, err
	}
	metrics := telemetry.NewMetrics()
	if err := h.startWorkers(ctx, o, metrics); err != nil {
		return nil, err
	}
	if err := h.serve(ctx, o, metrics); err != nil {
		return nil, errors.Join(err, h.stopWorkers(true))
	}
	return h, nil
}

// OpenPool connects to the database, at most with so many connections.
func OpenPool(ctx context.Context, url string, connections int32) (*pgxpool.Pool, error) {
	settings, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("PASSERELLE_DATABASE_URL is not the address of a PostgreSQL database") // err may hold the password
	}
	settings.MaxConns = connections
	settings.ConnConfig.ConnectTimeout = 5 * time.Second
	if settings.ConnConfig.RuntimeParams["application_name"] == "" {
		settings.ConnConfig.RuntimeParams["application_name"] = "passerelle"
	}
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return nil, fmt.Errorf("set up the connections to the database: %w", err)
	}
	ping, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := pool.Ping(ping); err != nil {
		pool.Close()
		return nil, fmt.Errorf("the database at %s does not answer: start it, or correct PASSERELLE_DATABASE_URL: %w",
			net.JoinHostPort(settings.ConnConfig.Host, fmt.Sprint(settings.ConnConfig.Port)), err)
	}
	return pool, nil
}

func (h *Hub) migrate(ctx context.Context, up bool) error {
	if up {
		status, err := migrations.Up(ctx, h.workers)
		if err != nil {
			return err
		}
		h.logger.InfoContext(ctx, "the database is up to date", "migrations", status.String())
		return nil
	}
	status, err := migrations.Check(ctx, h.workers)
	if err != nil {
		return err
	}
	if status.Behind() {
		return &BehindError{status}
	}
	return nil
}

// jobOptions are what the jobs work with.
func jobOptions(o Options, pool *pgxpool.Pool, metrics *telemetry.Metrics) (jobs.Options, error) {
	marks := onboarding.NewMarks(o.Config.MarkKey)
	options := jobs.Options{
		Pool: pool, Journey: o.Config.Journey, Marks: marks, Logger: o.Logger, Metrics: metrics,
		RootGroup: o.Config.GitLabRootGroup, TrackingProject: o.Config.GitLabTrackingProject,
		Workers: o.Config.Workers, InsertOnly: o.HTTPOnly, Timing: jobs.DefaultTiming(), Clock: o.Clock,
	}
	options.Timing.CallTimeout = o.Config.CallTimeout
	options.Timing.PollInterval = o.Config.PollInterval
	options.Timing.VerifyInterval = o.Config.VerifyInterval
	options.Timing.RetryCap = o.Config.RetryCap
	if o.Timing != nil {
		options.Timing = *o.Timing
	}
	var err error
	options.Texts, err = texts.New(o.Config.Journey, marks, texts.Site{DSURL: o.Config.DSURL, PublicURL: o.Config.PublicURL})
	if err != nil {
		return options, fmt.Errorf("read the templates: %w", err)
	}
	agent := "passerelle/" + o.Version
	options.Demarches, err = demarches.New(demarches.Options{
		URL: o.Config.DSURL, Token: o.Config.DSToken, Instructeur: o.Config.DSInstructeur,
		Timeout: options.Timing.CallTimeout, UserAgent: agent, OnCall: metrics.Call("demarches"),
	})
	if err != nil {
		return options, fmt.Errorf("set up the connection to DS: %w", err)
	}
	options.GitLab, err = gitlab.New(gitlab.Options{
		URL: o.Config.GitLabURL, Token: o.Config.GitLabToken,
		Timeout: options.Timing.CallTimeout, UserAgent: agent, OnCall: metrics.Call("gitlab"),
	})
	if err != nil {
		return options, fmt.Errorf("set up the connection to GitLab: %w", err)
	}
	return options, nil
}

// NewReconciler returns what compares the ledger with GitLab, in somebody's name.
func NewReconciler(o Options, pool *pgxpool.Pool, actor string) (*jobs.Reconciler, error) {
	options, err := jobOptions(o, pool, telemetry.NewMetrics())
	if err != nil {
		return nil, err
	}
	return jobs.NewReconciler(options, actor)
}

func (h *Hub) startWorkers(ctx context.Context, o Options, metrics *telemetry.Metrics) error {
	options, err := jobOptions(o, h.workers, metrics)
	if err != nil {
		return err
	}
	if err := jobs.Begin(ctx, h.workers, o.Config.Journey); err != nil {
		return err
	}
	h.isSelf = options.GitLab.IsSelf
	if h.river, err = jobs.NewClient(options); err != nil {
		return err
	}
	if o.HTTPOnly {
		return nil
	}
	// The jobs outlive ctx: Stop ends them, in its own time.
	if err := h.river.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start the background jobs: %w", err)
	}
	h.working = true
	return nil
}

func (h *Hub) serve(ctx context.Context, o Options, metrics *telemetry.Metrics) error {
	if o.WorkersOnly {
		return nil
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", o.Config.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; free the address, or set PASSERELLE_LISTEN to another", o.Config.Listen, err)
	}
	h.listener = listener
	h.echo = web.New(web.Options{
		Pool: h.requests, River: h.river, Journey: o.Config.Journey, WebhookSecret: o.Config.DSWebhookSecret,
		GitLabWebhookToken: o.Config.GitLabWebhookToken, TrackingProject: o.Config.GitLabTrackingProject, IsSelf: h.isSelf,
		AdminTokens: o.Config.AdminTokens, Logger: o.Logger, Metrics: metrics, StoreTimeout: o.StoreTimeout,
	})
	h.echo.Server.Handler = h.echo
	go func() {
		err := h.echo.Server.Serve(listener)
		if !errors.Is(err, http.ErrServerClosed) {
			h.served <- err
		}
	}()
	return nil
}

// Addr is the address that the hub listens on, empty when it serves no HTTP.
func (h *Hub) Addr() string {
	if h.listener == nil {
		return ""
	}
	return h.listener.Addr().String()
}

// Failed receives the error for which HTTP cannot be served any more.
func (h *Hub) Failed() <-chan error { return h.served }

// Stop drains the hub: no more requests are accepted, those under way are
// answered, running jobs may end within the drain timeout. Whatever is left is
// done by another hub, or after the next start.
func (h *Hub) Stop() error {
	h.stop.Do(func() {
		if h.echo != nil {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := h.echo.Server.Shutdown(ctx); err != nil {
				h.stopErr = fmt.Errorf("end the requests under way: %w", err)
			}
		}
		h.stopErr = errors.Join(h.stopErr, h.stopWorkers(false))
		h.close()
	})
	return h.stopErr
}

// Kill stops the hub at once, as far as a process can do so to a part of itself:
// connections are cut and jobs are cancelled.
func (h *Hub) Kill() {
	h.stop.Do(func() {
		if h.echo != nil {
			_ = h.echo.Server.Close()
		}
		_ = h.stopWorkers(true)
		h.close()
	})
}

func (h *Hub) stopWorkers(atOnce bool) error {
	if !h.working {
		return nil
	}
	h.working = false
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	stop := h.river.Stop
	if atOnce {
		stop = h.river.StopAndCancel
	}
	if err := stop(ctx); err != nil {
		return fmt.Errorf("end the running jobs: %w", err)
	}
	return nil
}

func (h *Hub) close() {
	for _, pool := range []*pgxpool.Pool{h.workers, h.requests} {
		if pool != nil {
			pool.Close()
		}
	}
}
