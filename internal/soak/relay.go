package main

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// What befalls a webhook on its way.
const (
	loseChance   = 0.2
	doubleChance = 0.1
	lateChance   = 0.4
	veryLate     = 0.1
)

// relay stands between DS, GitLab and the hubs. Both are answered at once, and never send
// again; what is late overtakes nothing, so webhooks come out of order.
type relay struct {
	ctx    context.Context // ends with close
	cancel context.CancelFunc
	hubs   []*process
	under  sync.WaitGroup
	client *http.Client

	mu     sync.Mutex
	random *rand.Rand
	post   post
}

// post counts webhooks.
type post struct{ sent, lost, doubled, refused int }

func newRelay(random *rand.Rand, hubs []*process) *relay {
	r := &relay{random: random, hubs: hubs, client: &http.Client{Timeout: 10 * time.Second}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// webhook is one that is on its way.
type webhook struct {
	path   string
	header http.Header
	body   []byte
}

// ServeHTTP takes a webhook.
func (r *relay) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(io.LimitReader(request.Body, 1<<20))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.pass(webhook{request.URL.Path, request.Header.Clone(), body})
	w.WriteHeader(http.StatusNoContent)
}

func (r *relay) pass(hook webhook) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.post.sent++
	if r.random.Float64() < loseChance {
		r.post.lost++
		return
	}
	copies := 1
	if r.random.Float64() < doubleChance {
		r.post.doubled++
		copies = 2
	}
	for range copies {
		after, hub := r.delay(), r.hubs[r.random.IntN(len(r.hubs))]
		r.under.Go(func() { r.deliver(hub, hook, after) })
	}
}

func (r *relay) delay() time.Duration {
	switch x := r.random.Float64(); {
	case x < veryLate:
		return time.Duration(r.random.Int64N(int64(15 * time.Second)))
	case x < lateChance:
		return time.Duration(r.random.Int64N(int64(2 * time.Second)))
	}
	return 0
}

func (r *relay) deliver(hub *process, hook webhook, after time.Duration) {
	select {
	case <-time.After(after):
	case <-r.ctx.Done():
		return
	}
	request, err := http.NewRequestWithContext(r.ctx, http.MethodPost, hub.address()+hook.path, bytes.NewReader(hook.body))
	if err != nil {
		return
	}
	request.Header = hook.header
	response, err := r.client.Do(request)
	if err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	if err != nil || response.StatusCode/100 != 2 {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.post.refused++
	}
}

// counts are those so far.
func (r *relay) counts() post {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.post
}

func (r *relay) close() {
	r.cancel()
	r.under.Wait()
	r.client.CloseIdleConnections()
}
