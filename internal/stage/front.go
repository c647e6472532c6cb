package stage

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// front is where a simulated service is served: its API, and its pages once there
// are any.
type front struct{ handler atomic.Pointer[http.Handler] }

func newFront(api http.Handler) *front {
	f := &front{}
	f.handler.Store(&api)
	return f
}

// ServeHTTP passes to what is there now.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*f.handler.Load()).ServeHTTP(w, r)
}

// Mount serves these in place of the APIs alone, which they are to pass on to; nil
// for a service that is not there.
func (s *Stage) Mount(ds, gitlab http.Handler) {
	if ds != nil {
		s.dsFront.handler.Store(&ds)
	}
	if gitlab != nil {
		s.gitlabFront.handler.Store(&gitlab)
	}
}

// Serve serves one more handler until Close. port is tried first, and any other is
// taken if that one is not free.
func (s *Stage) Serve(ctx context.Context, port int, handler http.Handler) (string, error) {
	listener, err := listenAt(ctx, s.host, port)
	if err != nil && port != 0 {
		listener, err = listenAt(ctx, s.host, 0)
	}
	if err != nil {
		return "", err
	}
	return s.serveOn(listener, handler), nil
}

// ServeAt is Serve on this port and no other.
func (s *Stage) ServeAt(ctx context.Context, port int, handler http.Handler) (string, error) {
	listener, err := listenAt(ctx, s.host, port)
	if err != nil {
		return "", err
	}
	return s.serveOn(listener, handler), nil
}

func (s *Stage) serveOn(listener net.Listener, handler http.Handler) (address string) {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // faults on demand panic and hijack
	}
	s.servers = append(s.servers, server)
	go func() { _ = server.Serve(listener) }()
	return "http://" + reachable(listener.Addr())
}

func listenAt(ctx context.Context, host string, port int) (net.Listener, error) {
	var settings net.ListenConfig
	listener, err := settings.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("serve a simulated service: %w", err)
	}
	return listener, nil
}

// reachable is an address as this machine calls it: who listens everywhere is here,
// too.
func reachable(address net.Addr) string {
	if tcp, ok := address.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return address.String()
}
