package fault_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
)

// bundle is a service that counts its effects, behind an injector.
type bundle struct {
	injector *fault.Injector
	effects  atomic.Int32
	bodies   chan string
	url      string
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{injector: fault.NewInjector(1), bodies: make(chan string, 100)}
	service := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = r.Context().Err()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		b.effects.Add(1)
		b.bodies <- string(body)
		w.Header().Set("X-Service", "yes")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "made "+string(body))
	})
	throttle := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("RateLimit-Remaining", "0")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	operation := func(r *http.Request, _ []byte) string { return r.Method + " " + r.URL.Path }
	server := httptest.NewServer(b.injector.Middleware(operation, throttle, service))
	t.Cleanup(func() {
		b.injector.Close()
		server.Close()
	})
	b.url = server.URL
	return b
}

type response struct {
	status int
	header http.Header
	body   string
}

func (b *bundle) post(ctx context.Context, path, body string) (response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+path, strings.NewReader(body))
	if err != nil {
		return response{}, err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return response{}, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	return response{res.StatusCode, res.Header, string(text)}, err
}

func TestEachKind(t *testing.T) {
	t.Parallel()
	made := func(t *testing.T, r response, err error) {
		t.Helper()
		require.NoError(t, err)
		require.Equal(t, http.StatusCreated, r.status)
		require.Equal(t, "yes", r.header.Get("X-Service"))
		require.Equal(t, "made it", r.body)
	}
	cut := func(t *testing.T, _ response, err error) {
		t.Helper()
		require.Error(t, err)
		require.Truef(t, errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF), "%v", err)
	}
	html := func(status int) func(*testing.T, response, error) {
		return func(t *testing.T, r response, err error) {
			t.Helper()
			require.NoError(t, err)
			require.Equal(t, status, r.status)
			require.Equal(t, "text/html", r.header.Get("Content-Type"))
			require.Contains(t, r.body, "<h1>")
			require.NotContains(t, r.body, "made")
		}
	}
	throttled := func(t *testing.T, r response, err error) {
		t.Helper()
		require.NoError(t, err)
		require.Equal(t, http.StatusTooManyRequests, r.status)
		require.Equal(t, "0", r.header.Get("RateLimit-Remaining"))
	}
	const moment = time.Millisecond
	for _, c := range []struct {
		rule    fault.Rule
		effects int32
		check   func(*testing.T, response, error)
	}{
		{fault.Rule{Kind: fault.ResetBefore}, 0, cut},
		{fault.Rule{Kind: fault.ResetAfter}, 1, cut},
		{fault.Rule{Kind: fault.Hang, Delay: moment}, 1, made},
		{fault.Rule{Kind: fault.LateEffect, Delay: moment}, 1, made},
		{fault.Rule{Kind: fault.Slow, Delay: moment}, 1, made},
		{fault.Rule{Kind: fault.Status}, 0, html(http.StatusServiceUnavailable)},
		{fault.Rule{Kind: fault.StatusAfter, Status: http.StatusBadGateway}, 1, html(http.StatusBadGateway)},
		{fault.Rule{Kind: fault.Throttle}, 0, throttled},
	} {
		t.Run(string(c.rule.Kind), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			c.rule.Times = 1
			b.injector.Add(c.rule)

			r, err := b.post(t.Context(), "/things", "it")
			c.check(t, r, err)
			require.Equal(t, c.effects, b.effects.Load())
			require.Equal(t, map[fault.Kind]int{c.rule.Kind: 1}, b.injector.Fired())

			r, err = b.post(t.Context(), "/things", "it")
			made(t, r, err)
			require.Equal(t, map[string]int{"POST /things": 2}, b.injector.Calls())
			b.injector.ResetCalls()
			require.Empty(t, b.injector.Calls())
		})
	}
}

func TestAbandonedCalls(t *testing.T) {
	t.Parallel()

	// abandon makes a call and drops it as soon as it is ready to be dropped.
	abandon := func(t *testing.T, b *bundle, ready func(context.Context) error) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() {
			_, err := b.post(ctx, "/things", "it")
			result <- err
		}()
		require.NoError(t, ready(t.Context()))
		cancel()
		require.ErrorIs(t, <-result, context.Canceled)
	}

	t.Run("hang has had its effect", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.injector.Add(fault.Rule{Kind: fault.Hang})
		abandon(t, b, func(ctx context.Context) error { return b.injector.WaitFired(ctx, fault.Hang, 1) })
		require.EqualValues(t, 1, b.effects.Load())
	})
	t.Run("slow has no effect", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.injector.Add(fault.Rule{Kind: fault.Slow, Delay: time.Hour})
		abandon(t, b, func(ctx context.Context) error { return b.injector.WaitFired(ctx, fault.Slow, 1) })
		b.injector.Close()
		require.Zero(t, b.effects.Load())
	})
	t.Run("late effect comes all the same", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		arrived := make(chan struct{})
		b.injector.Add(fault.Rule{
			Kind: fault.LateEffect, Delay: 50 * time.Millisecond,
			Match: func(string, []byte) bool { close(arrived); return true },
		})
		abandon(t, b, func(context.Context) error { <-arrived; return nil })
		require.NoError(t, b.injector.WaitFired(t.Context(), fault.LateEffect, 1))
		require.Equal(t, "it", <-b.bodies, "with its whole body")
	})
	t.Run("close drops late effects that are not due", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		arrived := make(chan struct{})
		b.injector.Add(fault.Rule{
			Kind: fault.LateEffect, Delay: time.Hour,
			Match: func(string, []byte) bool { close(arrived); return true },
		})
		abandon(t, b, func(context.Context) error { <-arrived; return nil })
		b.injector.Close()
		require.Zero(t, b.effects.Load())
		require.Zero(t, b.injector.Fired()[fault.LateEffect])
	})
}

func TestRules(t *testing.T) {
	t.Parallel()
	status := func(t *testing.T, b *bundle, path, body string) int {
		t.Helper()
		r, err := b.post(t.Context(), path, body)
		require.NoError(t, err)
		return r.status
	}

	t.Run("operation and match", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.injector.Add(fault.Rule{
			Operation: "POST /a", Kind: fault.Status,
			Match: func(op string, body []byte) bool { return op == "POST /a" && string(body) == "x" },
		})
		require.Equal(t, 201, status(t, b, "/b", "x"))
		require.Equal(t, 201, status(t, b, "/a", "y"))
		require.Equal(t, 503, status(t, b, "/a", "x"))
	})
	t.Run("skip, times, remove, clear", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.injector.Add(fault.Rule{Kind: fault.Status, Status: 502, Skip: 1, Times: 1})
		remove := b.injector.Add(fault.Rule{Kind: fault.Status, Status: 504, Skip: 1})
		var got []int
		for range 4 {
			got = append(got, status(t, b, "/a", ""))
		}
		require.Equal(t, []int{201, 502, 504, 504}, got)
		remove()
		require.Equal(t, 201, status(t, b, "/a", ""))
		b.injector.Add(fault.Rule{Kind: fault.Throttle})
		require.Equal(t, 429, status(t, b, "/a", ""))
		b.injector.Clear()
		require.Equal(t, 201, status(t, b, "/a", ""))
	})
	t.Run("a wait that ends too early says so", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, setup(t).injector.WaitFired(ctx, fault.Hang, 1), context.Canceled)
	})
}

// The same seed gives the same faults, about as many as the probability says.
func TestProbability(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		run := func() (hits []int) {
			injector := fault.NewInjector(seed)
			defer injector.Close()
			injector.Add(fault.Rule{Kind: fault.Status, Probability: 0.5})
			handler := injector.Middleware(
				func(*http.Request, []byte) string { return "op" }, nil,
				http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			for n := range 200 {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
				if w.Code != http.StatusOK {
					hits = append(hits, n)
				}
			}
			return hits
		}
		hits := run()
		require.Equal(t, hits, run())
		require.InDelta(t, 100, len(hits), 60)
	})
}

func TestRequestLogIsBounded(t *testing.T) {
	t.Parallel()
	injector := fault.NewInjector(1)
	defer injector.Close()
	handler := injector.Middleware(
		func(r *http.Request, _ []byte) string { return r.URL.RawQuery }, nil,
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for n := range 3000 {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.RawQuery = strings.Repeat("x", n)
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	require.LessOrEqual(t, len(injector.Calls()), 1001)
}

func TestBodyTooLarge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	handler := b.injector.Middleware(
		func(*http.Request, []byte) string { return "" }, nil,
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("reached") }))
	w := httptest.NewRecorder()
	endless := io.LimitReader(zeros{}, 33<<20)
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", endless))
	require.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
