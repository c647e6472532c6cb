// Package telemetry is how the hub tells what it does: metrics for Prometheus and
// structured logs. Neither holds personal data.
package telemetry

import (
	"io"
	"log/slog"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics are the hub's own metrics.
type Metrics struct {
	Registry *prometheus.Registry

	// Deliveries counts webhooks by what became of them: stored, unknown_demarche,
	// bad_request, wrong_secret, unavailable.
	Deliveries *prometheus.CounterVec
	// Calls times the calls to external services, in seconds.
	Calls *prometheus.HistogramVec
	// Jobs times the attempts at jobs, in seconds, by kind and outcome.
	Jobs *prometheus.HistogramVec
	// Throttled counts how often a service asked us to wait.
	Throttled *prometheus.CounterVec
	// Changes counts dossiers by what a look at them brought: new, changed, known.
	Changes *prometheus.CounterVec
	// Differences is in how many things the last comparison found the ledger and GitLab
	// to differ, by kind.
	Differences *prometheus.GaugeVec
}

// NewMetrics registers the hub's metrics, and those of its process, in a registry
// of their own.
func NewMetrics() *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		Deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_deliveries_total", Help: "Webhooks received, by what became of them.",
		}, []string{"source", "outcome"}),
		Calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "passerelle_service_call_seconds", Help: "Calls to external services; status 0 is no answer.",
			Buckets: []float64{.005, .02, .1, .5, 2, 10, 30},
		}, []string{"service", "call", "status"}),
		Jobs: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "passerelle_job_seconds", Help: "Attempts at jobs, by kind and outcome.",
			Buckets: []float64{.005, .02, .1, .5, 2, 10, 60},
		}, []string{"kind", "outcome"}),
		Throttled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_throttled_total", Help: "Times that a service asked us to wait.",
		}, []string{"queue"}),
		Changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_dossiers_read_total", Help: "Dossiers read, by what the look at them brought.",
		}, []string{"result"}),
		Differences: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "passerelle_differences", Help: "Differences between the ledger and GitLab at the last comparison, by kind.",
		}, []string{"kind"}),
	}
	m.Registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.Deliveries, m.Calls, m.Jobs, m.Throttled, m.Changes, m.Differences,
	)
	return m
}

// Call returns the function that a connector reports its calls to.
func (m *Metrics) Call(service string) func(call string, status int, d time.Duration) {
	return func(call string, status int, d time.Duration) {
		m.Calls.WithLabelValues(service, call, strconv.Itoa(status)).Observe(d.Seconds())
	}
}

// NewLogger returns a logger that writes to w, as text or as JSON.
func NewLogger(w io.Writer, level slog.Level, format string) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
