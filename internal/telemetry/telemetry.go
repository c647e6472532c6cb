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
	// foreign (an issue that tracks no dossier), ignored (of no use here), bad_request,
	// wrong_secret, unavailable.
	Deliveries *prometheus.CounterVec
	// Calls times the calls to external services, in seconds.
	Calls *prometheus.HistogramVec
	// Jobs times the attempts at jobs, in seconds, by kind and outcome.
	Jobs *prometheus.HistogramVec
	// Holds counts how often a queue was held, by cause: throttled, outage, denied.
	Holds *prometheus.CounterVec
	// Changes counts dossiers by what a look at them brought: new, changed, known.
	Changes *prometheus.CounterVec
	// Unreadable counts dossiers that were marked as ones that DS lists and fails to
	// give, and those of them that were read later: marked, read.
	Unreadable *prometheus.CounterVec
	// Polled counts the dossiers that polls read, by form, and CatchingUp says whether
	// this process is reading one that is longer than a page.
	Polled     *prometheus.CounterVec
	CatchingUp *prometheus.GaugeVec
	// Compared counts what the comparison of a whole form looked at: equal, differing,
	// unlisted.
	Compared *prometheus.CounterVec
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
		Holds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_queue_holds_total", Help: "Times that a queue was held because of its service, by cause.",
		}, []string{"queue", "cause"}),
		Changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_dossiers_read_total", Help: "Dossiers read, by what the look at them brought.",
		}, []string{"result"}),
		Unreadable: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_dossiers_unreadable_total", Help: "Dossiers that DS lists and fails to give: marked, and read later.",
		}, []string{"change"}),
		Polled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_dossiers_polled_total", Help: "Dossiers read by polls.",
		}, []string{"demarche"}),
		CatchingUp: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "passerelle_catching_up", Help: "1 while this process reads a poll that is longer than a page.",
		}, []string{"demarche"}),
		Compared: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "passerelle_dossiers_compared_total", Help: "Dossiers compared once a day, by what came of it.",
		}, []string{"demarche", "result"}),
		Differences: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "passerelle_differences", Help: "Differences between the ledger and GitLab at the last comparison, by kind.",
		}, []string{"kind"}),
	}
	m.Registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.Deliveries, m.Calls, m.Jobs, m.Holds, m.Changes,
		m.Unreadable, m.Polled, m.CatchingUp, m.Compared, m.Differences,
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
