package gitlab

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// Delivery is one webhook for one hook.
type Delivery struct {
	HookID         int
	URL            string
	Token          string
	Project        string
	Kind           string // "issue" or "note"
	Event          string // X-Gitlab-Event
	Body           []byte
	Instance       string
	HookUUID       string
	EventUUID      string // shared by all hooks of one event
	IdempotencyKey string // shared by all attempts
	Attempt        int    // from 1
	Status         int    // of the answer; 0 for none
	Error          string
}

// Dispatch says after which delays the copies of a webhook leave. One zero is the
// ordinary case; two entries double the webhook, none loses it, and different
// delays let later ones overtake it.
type Dispatch func(Delivery) []time.Duration

// maxDeliveries is how many past deliveries are remembered.
const maxDeliveries = 1000

// courier sends webhooks: those of one hook that leave at once in their order,
// one after the other.
type courier struct {
	server *Server
	ctx    context.Context
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	dispatch Dispatch
	queues   map[int][]Delivery // with an entry while a goroutine works on it
	pending  int
	idle     chan struct{} // closed when nothing is pending
	past     []Delivery
}

func newCourier(s *Server) *courier {
	ctx, cancel := context.WithCancel(context.Background())
	idle := make(chan struct{})
	close(idle)
	return &courier{server: s, ctx: ctx, cancel: cancel, dispatch: s.options.Dispatch, queues: map[int][]Delivery{}, idle: idle}
}

// SetDispatch decides when webhooks leave from now on; nil for at once.
func (s *Server) SetDispatch(dispatch Dispatch) {
	s.courier.mu.Lock()
	defer s.courier.mu.Unlock()
	s.courier.dispatch = dispatch
}

// Deliveries are the latest webhooks sent, attempt by attempt, oldest first.
func (s *Server) Deliveries() []Delivery {
	s.courier.mu.Lock()
	defer s.courier.mu.Unlock()
	return append([]Delivery(nil), s.courier.past...)
}

// WaitDelivered waits until no webhook is on its way.
func (s *Server) WaitDelivered(ctx context.Context) error {
	for {
		s.courier.mu.Lock()
		pending, idle := s.courier.pending, s.courier.idle
		s.courier.mu.Unlock()
		if pending == 0 {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (c *courier) send(d Delivery) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d.Attempt = 1
	delays := []time.Duration{0}
	if c.dispatch != nil {
		delays = c.dispatch(d)
	}
	for _, delay := range delays {
		c.plan(d, delay)
	}
}

// plan sends d after a delay, under c.mu.
func (c *courier) plan(d Delivery, delay time.Duration) {
	if c.closed {
		return
	}
	if c.pending == 0 {
		c.idle = make(chan struct{})
	}
	c.pending++
	if delay > 0 {
		c.wait.Go(func() {
			timer := time.NewTimer(delay)
			defer timer.Stop()
			select {
			case <-timer.C:
				c.deliver(d)
			case <-c.ctx.Done():
				c.done()
			}
		})
		return
	}
	queue, working := c.queues[d.HookID]
	c.queues[d.HookID] = append(queue, d)
	if !working {
		c.wait.Go(func() { c.work(d.HookID) })
	}
}

// work sends what is queued for one hook.
func (c *courier) work(hookID int) {
	for {
		c.mu.Lock()
		queue := c.queues[hookID]
		if len(queue) == 0 {
			delete(c.queues, hookID)
			c.mu.Unlock()
			return
		}
		d := queue[0]
		c.queues[hookID] = queue[1:]
		c.mu.Unlock()
		c.deliver(d)
	}
}

func (c *courier) done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settled()
}

// settled counts one webhook less, under c.mu.
func (c *courier) settled() {
	if c.pending--; c.pending == 0 {
		close(c.idle)
	}
}

func (c *courier) deliver(d Delivery) {
	d.Status, d.Error = c.post(d)
	ok := d.Status >= 200 && d.Status < 300
	if c.ctx.Err() == nil {
		_ = c.server.update(func() error {
			if h := c.server.hooks[d.HookID]; h != nil {
				h.settle(ok, c.server.now())
			}
			return nil
		})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.past) >= maxDeliveries {
		c.past = c.past[1:]
	}
	c.past = append(c.past, d)
	if retries := c.server.options.WebhookRetries; !ok && d.Attempt <= len(retries) {
		again := d
		again.Attempt++
		again.Status, again.Error = 0, ""
		c.plan(again, retries[d.Attempt-1])
	}
	c.settled()
}

func (c *courier) post(d Delivery) (int, string) {
	r, err := http.NewRequestWithContext(c.ctx, http.MethodPost, d.URL, bytes.NewReader(d.Body))
	if err != nil {
		return 0, err.Error()
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "GitLab/" + c.server.options.Version, "X-Gitlab-Event": d.Event,
		"X-Gitlab-Token": d.Token, "X-Gitlab-Instance": d.Instance, "X-Gitlab-Webhook-UUID": d.HookUUID,
		"X-Gitlab-Event-UUID": d.EventUUID, "Idempotency-Key": d.IdempotencyKey,
	} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	answer, err := c.server.options.WebhookClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16))
	return answer.StatusCode, ""
}

func (c *courier) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.wait.Wait()
}
