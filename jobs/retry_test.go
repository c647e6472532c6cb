package jobs

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"
)

func TestRetryPolicy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		policy := retryPolicy{ceiling: 30 * time.Minute}
		for failures, longest := range map[int]time.Duration{
			0: time.Second, 1: 2 * time.Second, 5: 32 * time.Second, 10: 1024 * time.Second,
			11: 30 * time.Minute, 12: 30 * time.Minute, 63: 30 * time.Minute, 64: 30 * time.Minute, 1000: 30 * time.Minute,
		} {
			job := &rivertype.JobRow{Errors: make([]rivertype.AttemptError, failures)}
			seen := map[time.Duration]bool{}
			for range 200 {
				delay := time.Until(policy.NextRetry(job))
				require.LessOrEqual(t, delay, longest, failures)
				require.GreaterOrEqual(t, delay, longest*3/4, failures)
				seen[delay] = true
			}
			require.Greater(t, len(seen), 100, "they do not all come back at once")
		}
	})

	t.Run("ASmallCeiling", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			for _, ceiling := range []time.Duration{time.Nanosecond, 50 * time.Millisecond} {
				delay := time.Until(retryPolicy{ceiling}.NextRetry(&rivertype.JobRow{}))
				require.Positive(t, delay)
				require.LessOrEqual(t, delay, ceiling)
			}
		})
	})

	// A weekend's outage discards nothing.
	t.Run("Endures", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			policy, begun := retryPolicy{ceiling: DefaultTiming().RetryCap}, time.Now()
			job := &rivertype.JobRow{}
			for range maxAttempts {
				time.Sleep(time.Until(policy.NextRetry(job))) //nolint:forbidigo // the bubble's time
				job.Errors = append(job.Errors, rivertype.AttemptError{})
			}
			require.Greater(t, time.Since(begun), 3*24*time.Hour)
		})
	})
}
