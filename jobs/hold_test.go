package jobs

import (
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Who is held does not look again before the hold's time nor before a nap is over, and
// the longer the hold lasted, the more the jobs that gathered are spread.
func TestPutOff(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		timing := DefaultTiming()
		timing.RetryCap = time.Duration(rapid.Int64Range(int64(10*time.Millisecond), int64(time.Hour)).Draw(t, "cap"))
		c := &crew{Options: Options{Timing: timing}}
		wait := time.Duration(rapid.Int64Range(-int64(time.Hour), int64(24*time.Hour)).Draw(t, "wait"))
		spread := time.Duration(rapid.Int64Range(0, int64(10*time.Hour)).Draw(t, "spread"))

		var snooze *rivertype.JobSnoozeError
		require.ErrorAs(t, c.putOff(wait, spread), &snooze)
		nap := timing.longestNap()
		require.GreaterOrEqual(t, snooze.Duration, max(0, min(wait, nap)))
		require.LessOrEqual(t, snooze.Duration, max(0, min(wait, nap))+min(max(spread, time.Second), nap))
		require.LessOrEqual(t, snooze.Duration, 10*time.Minute)
	})
}

// After a weekend's outage a thousand jobs do not come back within the same second.
func TestPutOffSpreads(t *testing.T) {
	t.Parallel()
	c := &crew{Options: Options{Timing: DefaultTiming()}}
	bySecond := map[time.Duration]int{}
	for range 1000 {
		var snooze *rivertype.JobSnoozeError
		require.ErrorAs(t, c.putOff(time.Minute, 60*time.Hour/10), &snooze)
		bySecond[snooze.Duration.Truncate(time.Second)]++
	}
	for _, together := range bySecond {
		require.Less(t, together, 20)
	}
}

// Probes come less and less often, and never stop coming.
func TestProbePause(t *testing.T) {
	t.Parallel()
	timing := DefaultTiming()
	require.Equal(t, 15*time.Second, timing.probePause(0))
	for failed := range int32(10_000) {
		require.GreaterOrEqual(t, timing.probePause(failed+1), timing.probePause(failed))
		require.LessOrEqual(t, timing.probePause(failed), 5*time.Minute)
	}
}

// Three dossiers in a row make an outage; one that fails three times does not, and an
// answer in between begins the count anew.
func TestOutages(t *testing.T) {
	t.Parallel()
	o := newOutages()
	require.Equal(t, 1, o.failed(QueueGitLab, "dossier 1"))
	require.Equal(t, 1, o.failed(QueueGitLab, "dossier 1"))
	require.Equal(t, 2, o.failed(QueueGitLab, "dossier 2"))
	require.Equal(t, 1, o.failed(QueueDemarches, "dossier 3"))
	o.over(QueueGitLab)
	require.Equal(t, 1, o.failed(QueueGitLab, "dossier 3"))
	require.Equal(t, 2, o.failed(QueueDemarches, "dossier 4"))
	require.Equal(t, 3, o.failed(QueueDemarches, "dossier 5"))
}
