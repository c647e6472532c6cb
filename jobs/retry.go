package jobs

import (
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// maxAttempts, with a cap of half an hour between two, is more than three days: a
// weekend's outage discards nothing.
const maxAttempts = 200

// retryPolicy doubles the delay from one attempt to the next, from one second up to
// a ceiling, and spreads it by a quarter.
type retryPolicy struct{ ceiling time.Duration }

// NextRetry returns when the job that just failed is tried again.
func (p retryPolicy) NextRetry(job *rivertype.JobRow) time.Time {
	delay := p.ceiling
	if attempt := len(job.Errors); attempt < 12 {
		delay = min(delay, time.Second<<attempt)
	}
	return time.Now().Add(delay - time.Duration(rand.Int64N(int64(delay/4)+1)))
}
