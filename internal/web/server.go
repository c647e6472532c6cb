// Package web is the hub's HTTP side: webhooks, the admin API, health and metrics.
package web

import (
	"cmp"
	"crypto/sha256"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/telemetry"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// Options are what the HTTP side works with.
type Options struct {
	Pool          *pgxpool.Pool
	River         *jobs.Client
	Journey       *onboarding.Journey
	WebhookSecret string
	// GitLabWebhookToken is the secret of the webhook of TrackingProject; none is
	// taken when it is empty.
	GitLabWebhookToken string
	// TrackingProject is the full path of the project with the tracking issues.
	TrackingProject string
	// IsSelf reports whether a user of GitLab's is the hub itself; nil knows of none.
	IsSelf func(user int64) bool
	// StoreTimeout bounds the storing of a delivery; DefaultStoreTimeout when 0.
	StoreTimeout time.Duration
	AdminTokens  []config.AdminToken
	Logger       *slog.Logger
	Metrics      *telemetry.Metrics
}

// New returns the HTTP side, ready to be served.
func New(o Options) *echo.Echo {
	o.StoreTimeout = cmp.Or(o.StoreTimeout, DefaultStoreTimeout)
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard)
	e.HTTPErrorHandler = answerError(o.Logger)
	e.Server.ReadHeaderTimeout = 5 * time.Second
	e.Server.ReadTimeout = 15 * time.Second
	e.Server.WriteTimeout = 30 * time.Second
	e.Server.IdleTimeout = 2 * time.Minute
	e.Server.MaxHeaderBytes = 16 << 10
	e.Use(identify(o.Logger))

	hooks := &webhooks{Options: o, secret: sha256.Sum256([]byte(o.WebhookSecret))}
	e.POST("/webhooks/demarches/:secret", hooks.demarches)
	tracking := &trackingWebhooks{Options: o, token: sha256.Sum256([]byte(o.GitLabWebhookToken))}
	e.POST("/webhooks/gitlab", tracking.gitlab)

	health := &health{pool: o.Pool}
	e.GET("/healthz", health.alive)
	e.GET("/readyz", health.ready)
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(o.Metrics.Registry, promhttp.HandlerOpts{})))

	if len(o.AdminTokens) > 0 {
		admin := &admin{desk: &jobs.Desk{Pool: o.Pool, River: o.River}, tokens: o.AdminTokens}
		api := e.Group("/admin/api/v1")
		api.GET("/jobs", admin.listJobs, admin.require(config.Viewer))
		api.GET("/jobs/:id", admin.showJob, admin.require(config.Viewer))
		api.POST("/jobs/:id/replay", admin.replayJob, admin.require(config.Operator))
		api.GET("/holds", admin.listHolds, admin.require(config.Viewer))
		api.PUT("/holds/:queue", admin.hold, admin.require(config.Operator))
		api.DELETE("/holds/:queue", admin.lift, admin.require(config.Operator))
	}
	return e
}

// identify gives each request an id and a panic an answer, and logs what was
// refused. It logs routes, never paths: a webhook's path holds its secret.
func identify(logger *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			id := uuid.NewString()
			c.Response().Header().Set(echo.HeaderXRequestID, id)
			defer func() {
				if r := recover(); r != nil {
					logger.ErrorContext(c.Request().Context(), "a request panicked", "request", id, "route", c.Path(), "panic", r)
					err = newProblem(http.StatusInternalServerError, "", "something went wrong inside the hub; its log says what, under this request's id")
				}
			}()
			begun := time.Now()
			err = next(c)
			if err != nil {
				c.Error(err)
			}
			level := slog.LevelDebug
			if c.Response().Status >= 400 {
				level = slog.LevelInfo
			}
			if logger.Enabled(c.Request().Context(), level) {
				logger.Log(c.Request().Context(), level, "request", "request", id, "method", c.Request().Method,
					"route", c.Path(), "status", c.Response().Status, "ms", time.Since(begun).Milliseconds())
			}
			return nil
		}
	}
}
