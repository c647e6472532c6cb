package fault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"time"
)

// maxBody bounds what is read of a request.
const maxBody = 32 << 20

// Middleware wraps a service. operation names a call: a route's pattern such as
// "POST /groups", or the name of a GraphQL operation. throttle writes the service's
// own 429; nil gives a bare one. Request bodies are read whole, up to 32 MiB, and
// handed on as they were.
func (i *Injector) Middleware(
	operation func(r *http.Request, body []byte) string, throttle http.HandlerFunc, next http.Handler,
) http.Handler {
	if throttle == nil {
		throttle = func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "Too Many Requests", http.StatusTooManyRequests)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := readBody(w, r)
		if err != nil {
			return
		}
		rule := i.take(operation(r, body), body)
		if rule == nil {
			next.ServeHTTP(w, r)
			return
		}
		i.afflict(rule.Rule, w, r, body, throttle, next)
	})
}

func (i *Injector) afflict(
	rule Rule, w http.ResponseWriter, r *http.Request, body []byte, throttle http.HandlerFunc, next http.Handler,
) {
	switch rule.Kind {
	case ResetBefore:
		i.strike(rule.Kind)
		reset(w)
	case ResetAfter:
		perform(next, r, body)
		i.strike(rule.Kind)
		reset(w)
	case Hang:
		answer := perform(next, r, body)
		i.strike(rule.Kind)
		if !i.hang(r.Context(), rule.Delay) {
			reset(w)
			return
		}
		answer.writeTo(w)
	case LateEffect:
		i.lateEffect(rule, w, r, body, next)
	case Slow:
		i.strike(rule.Kind)
		if !i.wait(r.Context(), rule.Delay) {
			reset(w)
			return
		}
		next.ServeHTTP(w, r)
	case Status:
		i.strike(rule.Kind)
		balancer(w, rule.Status)
	case StatusAfter:
		perform(next, r, body)
		i.strike(rule.Kind)
		balancer(w, rule.Status)
	case Throttle:
		i.strike(rule.Kind)
		throttle(w, r)
	default:
		panic(fmt.Sprintf("fault: unknown kind %q", rule.Kind))
	}
}

// lateEffect leaves the effect to a goroutine that survives the caller.
func (i *Injector) lateEffect(rule Rule, w http.ResponseWriter, r *http.Request, body []byte, next http.Handler) {
	done := make(chan *answer, 1)
	detached := detach(r, body) // before the server takes r back
	go func() {
		defer i.late.Done()
		defer close(done)
		if !i.wait(context.Background(), rule.Delay) {
			return
		}
		a := newAnswer()
		serve(next, a, detached)
		i.strike(rule.Kind)
		done <- a
	}()
	select {
	case a, ok := <-done:
		if !ok {
			reset(w)
			return
		}
		a.writeTo(w)
	case <-r.Context().Done():
		reset(w)
	}
}

// hang waits for d, or for ever if d is 0, and says whether an answer is still due.
func (i *Injector) hang(ctx context.Context, d time.Duration) bool {
	if d > 0 {
		return i.wait(ctx, d)
	}
	select {
	case <-ctx.Done():
	case <-i.ctx.Done():
	}
	return false
}

// wait says whether d went by before the caller left or the injector was closed.
func (i *Injector) wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-i.ctx.Done():
	}
	return false
}

// readBody reads the request's body and puts it back. When it returns an error it has answered.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		status := http.StatusBadRequest
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, http.StatusText(status), status)
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

// detach copies the request so that it outlives its caller and its connection.
func detach(r *http.Request, body []byte) *http.Request {
	c := r.Clone(context.WithoutCancel(r.Context()))
	c.Body = io.NopCloser(bytes.NewReader(body))
	return c
}

// perform lets the call have its effect, whether or not the caller stays, and keeps the answer back.
func perform(next http.Handler, r *http.Request, body []byte) *answer {
	a := newAnswer()
	serve(next, a, detach(r, body))
	return a
}

// serve takes a handler's abort for the end of its answer, as net/http does.
func serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	defer func() {
		//nolint:errorlint // the value that net/http compares with, too
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			panic(p)
		}
	}()
	next.ServeHTTP(w, r)
}

// reset cuts the connection with a TCP reset where there is one to cut; elsewhere
// (HTTP/2, tests without a network) the handler is aborted, which comes nearest.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	raw := conn
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		raw = t.NetConn()
	}
	if t, ok := raw.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = raw.Close()
}

// balancer answers as a load balancer in front of a service that is down.
func balancer(w http.ResponseWriter, status int) {
	if status == 0 {
		status = http.StatusServiceUnavailable
	}
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<html>\n<head><title>%[1]s</title></head>\n"+
		"<body>\n<center><h1>%[1]s</h1></center>\n<hr><center>nginx</center>\n</body>\n</html>\n", title)
}

// answer keeps what a handler said.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newAnswer() *answer { return &answer{header: http.Header{}} }

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

func (a *answer) writeTo(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	_, _ = a.body.WriteTo(w)
}
