package jobs

import (
	"context"
	"sync"
	"time"
)

// turns orders the jobs of this process that want the same lease, so that they
// need not come back later for what is free in a moment. Between processes the
// lease in the database decides.
type turns struct {
	mu     sync.Mutex
	queues map[turn]*turnQueue
}

type turn struct {
	dossier int64
	purpose purpose
}

type turnQueue struct {
	taken chan struct{} // holds one token while somebody has the turn
	users int           // those who have it or wait for it
}

func newTurns() *turns { return &turns{queues: map[turn]*turnQueue{}} }

// take waits for the turn, at most patience. It reports whether it got it; if so,
// done must be called.
func (t *turns) take(ctx context.Context, key turn, patience time.Duration) (done func(), ok bool) {
	t.mu.Lock()
	queue := t.queues[key]
	if queue == nil {
		queue = &turnQueue{taken: make(chan struct{}, 1)}
		t.queues[key] = queue
	}
	queue.users++
	t.mu.Unlock()

	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if queue.users--; queue.users == 0 {
			delete(t.queues, key)
		}
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case queue.taken <- struct{}{}:
		return func() { <-queue.taken; leave() }, true
	case <-timer.C:
	case <-ctx.Done():
	}
	leave()
	return nil, false
}
