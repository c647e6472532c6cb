package gitlab

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
)

// Server is a simulated GitLab. It is an http.Handler, safe for concurrent use.
type Server struct {
	options Options
	faults  *fault.Injector
	handler http.Handler
	address atomic.Pointer[string]
	limiter limiter
	courier *courier

	mu      sync.RWMutex
	changed chan struct{} // closed, and replaced, by each change
	state
}

// New makes a GitLab that holds nothing but its administrator, "root", and the
// user of Options.Token.
func New(options Options) *Server {
	s := &Server{
		options: options.withDefaults(),
		faults:  fault.NewInjector(options.FaultSeed),
		changed: make(chan struct{}),
		state:   newState(),
	}
	s.limiter.limits = options.Limits
	s.courier = newCourier(s)
	s.addUser("root", true)
	if options.Token != "" {
		s.addToken(s.addUser(s.options.Username, options.Admin), Token{Value: options.Token})
	}
	base := strings.TrimRight(s.options.BasePath, "/")
	if options.ExternalURL != "" {
		address := strings.TrimRight(options.ExternalURL, "/")
		s.address.Store(&address)
	}
	mux, operations := s.routes()
	operation := func(r *http.Request, _ []byte) string {
		_, pattern := mux.Handler(r)
		if name, ok := operations[pattern]; ok {
			return name
		}
		return r.Method + " *"
	}
	s.handler = http.StripPrefix(base, s.faults.Middleware(operation, s.throttled, mux))
	return s
}

// ServeHTTP serves the REST API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.address.Load() == nil {
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		address := scheme + "://" + r.Host + strings.TrimRight(s.options.BasePath, "/")
		s.address.CompareAndSwap(nil, &address)
	}
	s.handler.ServeHTTP(w, r)
}

// Faults puts faults between GitLab and its clients. Operations are named by
// method and route, such as "POST /projects/:id/issues".
func (s *Server) Faults() *fault.Injector { return s.faults }

// Close stops pending webhooks and faults, and waits for them to end.
func (s *Server) Close() {
	s.faults.Close()
	s.courier.close()
}

// url is GitLab's own address, without a slash at its end.
func (s *Server) url() string {
	if address := s.address.Load(); address != nil {
		return *address
	}
	return "http://gitlab.invalid"
}

// now has the precision of the API, so that what it shows can be compared.
func (s *Server) now() time.Time { return s.options.Now().UTC().Truncate(time.Millisecond) }

// update changes the state, and wakes those who wait for a change.
func (s *Server) update(change func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := change()
	close(s.changed)
	s.changed = make(chan struct{})
	return err
}

func (s *Server) read(look func() error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return look()
}

// stamp is a time as the API writes it.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func day(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.DateOnly)
}

// orNull is an empty text as the API writes it.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
