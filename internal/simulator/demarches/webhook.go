package demarches

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// webhookTimeout is how long DS waits for the receiver.
	webhookTimeout = 10 * time.Second
	// webhooksAtOnce is how many DS sends at the same time.
	webhooksAtOnce = 16
)

// WebhookTrouble is how webhooks go wrong, until it is set again.
type WebhookTrouble struct {
	Lose       float64       // chance that one is never sent
	Double     float64       // chance that one is sent twice
	Delay      time.Duration // before each is sent
	Reorder    int           // holds back this many and sends them last one first; 0 or 1 for none
	LateCommit time.Duration // how long after its webhook a change of state becomes visible in the API
}

// SetWebhookTrouble replaces the trouble that webhooks meet; the zero value ends it.
// Those that were held back for reordering are sent.
func (s *Server) SetWebhookTrouble(t WebhookTrouble) { s.postman.set(t) }

// call is one webhook.
type call struct {
	url               string
	demarche, dossier int
	state             State
	updated           time.Time
}

// body is the form that DS posts, in which the date is as Ruby writes it.
func (c call) body() string {
	return url.Values{
		"procedure_id": {strconv.Itoa(c.demarche)},
		"dossier_id":   {strconv.Itoa(c.dossier)},
		"state":        {string(c.state)},
		"updated_at":   {c.updated.In(paris).Format(rubyTime)},
	}.Encode()
}

// postman sends webhooks: each once, at most so many at a time, never again.
type postman struct {
	ctx    context.Context // ends with close, and drops what is not due
	cancel context.CancelFunc
	client *http.Client
	slots  chan struct{}
	under  sync.WaitGroup

	mu      sync.Mutex
	random  *rand.Rand
	trouble WebhookTrouble
	held    []call
	closed  bool
}

func newPostman(seed uint64) *postman {
	ctx, cancel := context.WithCancel(context.Background())
	return &postman{
		ctx: ctx, cancel: cancel,
		slots:  make(chan struct{}, webhooksAtOnce),
		random: rand.New(rand.NewPCG(seed, ^seed)),
		client: &http.Client{
			Timeout:       webhookTimeout,
			Transport:     &http.Transport{MaxIdleConnsPerHost: webhooksAtOnce},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (p *postman) manners() WebhookTrouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trouble
}

func (p *postman) set(t WebhookTrouble) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble = t
	p.release()
}

// send takes a webhook to be sent after a while. It does not wait.
func (p *postman) send(c call, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || (p.trouble.Lose > 0 && p.random.Float64() < p.trouble.Lose) {
		return
	}
	batch := []call{c}
	if p.trouble.Double > 0 && p.random.Float64() < p.trouble.Double {
		batch = append(batch, c)
	}
	if p.trouble.Reorder > 1 {
		if p.held = append(p.held, batch...); len(p.held) >= p.trouble.Reorder {
			p.release()
		}
		return
	}
	after += p.trouble.Delay
	for _, c := range batch {
		p.under.Go(func() { p.deliver([]call{c}, after) })
	}
}

// release sends what was held back, the last one first.
func (p *postman) release() {
	if len(p.held) == 0 || p.closed {
		return
	}
	batch, after := p.held, p.trouble.Delay
	p.held = nil
	slices.Reverse(batch)
	p.under.Go(func() { p.deliver(batch, after) })
}

func (p *postman) deliver(batch []call, after time.Duration) {
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ctx.Done():
		if after > 0 {
			return
		}
	}
	p.slots <- struct{}{}
	defer func() { <-p.slots }()
	for _, c := range batch {
		p.post(c)
	}
}

// post sends one webhook. What becomes of it is nobody's concern, as in DS.
func (p *postman) post(c call) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, c.url, strings.NewReader(c.body()))
	if err != nil {
		return
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := p.client.Do(r)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16))
	_ = res.Body.Close()
}

func (p *postman) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	p.under.Wait()
	p.client.CloseIdleConnections()
}
