package jobs

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/tidwall/gjson"

	"github.com/cloud-pi-native/passerelle/internal/telemetry"
)

// observer times every attempt at a job and logs those that failed.
type observer struct {
	river.MiddlewareDefaults

	metrics *telemetry.Metrics
	logger  *slog.Logger
}

// Work runs the job and tells what became of it.
func (o *observer) Work(ctx context.Context, job *rivertype.JobRow, next func(context.Context) error) error {
	begun := time.Now()
	err := next(ctx)
	outcome := outcomeOf(err)
	o.metrics.Jobs.WithLabelValues(job.Kind, outcome).Observe(time.Since(begun).Seconds())
	attributes := []any{"job", job.ID, "kind", job.Kind, "dossier", gjson.GetBytes(job.EncodedArgs, "dossier").Int(), "attempt", job.Attempt}
	switch outcome {
	case "failed":
		o.logger.ErrorContext(ctx, "job failed for good: mend the cause and replay it", append(attributes, "error", errors.Unwrap(err))...) // without a word of the library's
	case "retried":
		o.logger.WarnContext(ctx, "job will be tried again", append(attributes, "error", err)...)
	default:
		o.logger.DebugContext(ctx, "job "+outcome, attributes...)
	}
	return err
}

func outcomeOf(err error) string {
	var (
		cancelled *rivertype.JobCancelError
		snoozed   *rivertype.JobSnoozeError
	)
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &cancelled):
		return "failed"
	case errors.As(err, &snoozed):
		return "put off"
	default:
		return "retried"
	}
}

// quieter lets River's own warnings and errors through, except that observer tells
// of failed jobs, with more about them.
func quieter(logger *slog.Logger) *slog.Logger {
	return slog.New(&minLevel{Handler: logger.Handler(), level: slog.LevelWarn})
}

type minLevel struct {
	slog.Handler

	level slog.Level
}

// Enabled reports whether records of that level are of interest.
func (m *minLevel) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= m.level && m.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the level.
func (m *minLevel) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &minLevel{Handler: m.Handler.WithAttrs(attrs), level: m.level}
}

// WithGroup keeps the level.
func (m *minLevel) WithGroup(name string) slog.Handler {
	return &minLevel{Handler: m.Handler.WithGroup(name), level: m.level}
}
