package demarches

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// limiter counts each token's requests in the minute under way, by the clock's minutes.
type limiter struct {
	limit int // 0 for none

	mu     sync.Mutex
	minute time.Time
	counts map[string]int // of this minute: no larger than the requests in it
}

func newLimiter(limit int) *limiter { return &limiter{limit: limit, counts: map[string]int{}} }

// allow counts a request and says whether it is still within the limit.
func (l *limiter) allow(token string, now time.Time) bool {
	if l.limit <= 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if minute := now.Truncate(time.Minute); !minute.Equal(l.minute) {
		l.minute = minute
		clear(l.counts)
	}
	l.counts[token]++
	return l.counts[token] <= l.limit
}

// throttled answers as DS does: plain text, and no Retry-After.
func (s *Server) throttled(w http.ResponseWriter, _ *http.Request) {
	reset := s.clock().Truncate(time.Minute).Add(time.Minute)
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("RateLimit-Remaining", "0")
	w.Header().Set("RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = w.Write([]byte("Throttled\n"))
}
