package gitlab

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// DefaultLimits are the limits that recent versions of GitLab have by default.
func DefaultLimits() map[string]int {
	return map[string]int{
		"POST /projects/:id/issues": 300,
		"GET /projects/:id":         400,
		"GET /groups/:id":           400,
		"GET /groups":               200,
	}
}

// limiter counts requests per user, operation and minute.
type limiter struct {
	mu     sync.Mutex
	limits map[string]int
	start  time.Time
	counts map[limitKey]int
}

type limitKey struct {
	operation, resource string
	user                int
}

// SetLimits replaces the limits; nil lifts them all.
func (s *Server) SetLimits(perMinute map[string]int) {
	s.limiter.mu.Lock()
	defer s.limiter.mu.Unlock()
	s.limiter.limits = perMinute
	s.limiter.counts = nil
}

// allow counts a request, and refuses it with 429 when it is one too many.
func (l *limiter) allow(c *call, operation string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit, ok := l.limits[operation]
	if !ok {
		return nil
	}
	now := c.server.now()
	if start := now.Truncate(time.Minute); !start.Equal(l.start) || l.counts == nil {
		l.start, l.counts = start, map[limitKey]int{}
	}
	key := limitKey{operation: operation, user: c.user.ID}
	if operation == "POST /projects/:id/issues" {
		key.resource = c.request.PathValue("id")
	}
	l.counts[key]++
	reset := l.start.Add(time.Minute)
	c.header.Set("RateLimit-Limit", strconv.Itoa(limit))
	c.header.Set("RateLimit-Observed", strconv.Itoa(l.counts[key]))
	c.header.Set("RateLimit-Remaining", strconv.Itoa(max(limit-l.counts[key], 0)))
	c.header.Set("RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	if l.counts[key] <= limit {
		return nil
	}
	header := c.header.Clone()
	header.Set("Retry-After", strconv.Itoa(max(int(reset.Sub(now).Seconds()), 1)))
	return &Error{Status: http.StatusTooManyRequests, Body: raw{"text/plain", []byte("Retry later\n")}, header: header}
}

// throttled is the same refusal, for the fault injector.
func (s *Server) throttled(w http.ResponseWriter, _ *http.Request) {
	const pause = 2 * time.Second
	header := w.Header()
	header.Set("Content-Type", "text/plain")
	header.Set("Retry-After", strconv.Itoa(int(pause.Seconds())))
	header.Set("RateLimit-Limit", "60")
	header.Set("RateLimit-Observed", "61")
	header.Set("RateLimit-Remaining", "0")
	header.Set("RateLimit-Reset", strconv.FormatInt(s.now().Add(pause).Unix(), 10))
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = w.Write([]byte("Retry later\n"))
}
