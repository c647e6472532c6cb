package demarches

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
)

// Options say what a simulated DS holds at its start.
type Options struct {
	// Token is accepted for everything. Tokens adds others.
	Token  string
	Tokens []Token
	// Demarches are the forms that can be filed.
	Demarches []Demarche
	// WebhookURL is where changes of démarches without an address of their own are
	// told. Empty for nowhere.
	WebhookURL string
	// RateLimit is the number of requests that a token may make in a minute; the
	// real service allows 400. 0 for no limit.
	RateLimit int
	// FirstNumber is the number of the first dossier; 1001 if 0.
	FirstNumber int
	// Clock tells the time of everything but the duration of waits; time.Now if nil.
	Clock func() time.Time
	// Seed makes the chances of faults and webhook trouble repeatable.
	Seed uint64
}

// Token is a means of access to the API.
type Token struct {
	Value      string
	ReadOnly   bool
	Expired    bool  // answered 401
	OutsideNet bool  // answered 403, as from a network that the token does not allow
	Demarches  []int // that it opens; all if empty
}

// Demarche is a form that is open, and those who deal with what is filed.
type Demarche struct {
	Form       Form
	State      string  // brouillon, publiee, close, depubliee; publiee if empty
	Groups     []Group // the first receives what is filed; one default group if empty
	Labels     []string
	WebhookURL string // Options.WebhookURL if empty
}

// Group is a group of agents.
type Group struct {
	Label  string
	Agents []string // e-mail addresses
}

// DefaultAgent is the agent of a démarche for which none is named.
const DefaultAgent = "agent@dinum.example"

// Server is a simulated DS. Create it with New, and Close it.
type Server struct {
	options Options
	clock   func() time.Time
	faults  *fault.Injector
	handler http.Handler
	limiter *limiter
	queries *queries
	spoils  spoils
	garbled sync.Map // the numbers of dossiers that cannot be given whole
	postman *postman
	shelf   shelf
	opened  time.Time
	serials map[string]*atomic.Int64

	mu        sync.RWMutex
	tokens    map[string]Token
	demarches map[int]*demarche
	dossiers  map[int]*entry
	agents    map[string]*profile
	labels    map[int]*label
	late      []*dossier    // versions that are not visible yet
	changed   chan struct{} // closed, and replaced, at each change
	versions  int64
}

// entry is a dossier as it is, and as the API shows it.
type entry struct {
	current *dossier
	visible *dossier // nil while its filing is not visible
	due     map[int64]time.Time
}

// demarche is a démarche with its dossiers in each of the API's orders.
type demarche struct {
	form    Form
	state   string
	groups  []*group
	labels  []*label
	webhook string
	opened  time.Time

	byDeposit, byUpdate timeline
	trash, deleted      timeline
}

type group struct {
	number int
	label  string
	agents []*profile
}

type profile struct {
	number int
	email  string
}

type label struct {
	number   int
	name     string
	demarche *demarche
}

// New returns a simulated DS. It panics on options that contradict themselves.
func New(o Options) *Server {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.FirstNumber == 0 {
		o.FirstNumber = 1001
	}
	s := &Server{
		options:   o,
		clock:     o.Clock,
		faults:    fault.NewInjector(o.Seed),
		limiter:   newLimiter(o.RateLimit),
		queries:   newQueries(),
		postman:   newPostman(o.Seed),
		shelf:     shelf{files: map[string]*file{}},
		serials:   map[string]*atomic.Int64{},
		tokens:    map[string]Token{},
		demarches: map[int]*demarche{},
		dossiers:  map[int]*entry{},
		agents:    map[string]*profile{},
		labels:    map[int]*label{},
		changed:   make(chan struct{}),
	}
	for _, kind := range []string{"dossier", "message", "treatment", "file", "row", "agent", "group", "label"} {
		s.serials[kind] = new(atomic.Int64)
	}
	s.serials["dossier"].Store(int64(o.FirstNumber) - 1)
	s.opened = s.now()
	if o.Token != "" {
		s.tokens[o.Token] = Token{Value: o.Token}
	}
	for _, t := range o.Tokens {
		s.tokens[t.Value] = t
	}
	for _, d := range o.Demarches {
		s.open(d)
	}
	schema() // now rather than at the first call
	s.handler = s.routes()
	return s
}

func (s *Server) open(o Demarche) {
	if _, twice := s.demarches[o.Form.Number]; twice {
		panic(fmt.Sprintf("demarches: démarche %d is there twice", o.Form.Number))
	}
	d := &demarche{form: o.Form, state: o.State, webhook: o.WebhookURL, opened: s.opened}
	if d.state == "" {
		d.state = "publiee"
	}
	if d.webhook == "" {
		d.webhook = s.options.WebhookURL
	}
	if len(o.Groups) == 0 {
		o.Groups = []Group{{Label: "défaut", Agents: []string{DefaultAgent}}}
	}
	for _, g := range o.Groups {
		made := &group{number: s.serial("group"), label: g.Label}
		for _, email := range g.Agents {
			if s.agents[email] == nil {
				s.agents[email] = &profile{number: s.serial("agent"), email: email}
			}
			made.agents = append(made.agents, s.agents[email])
		}
		if len(made.agents) == 0 {
			panic(fmt.Sprintf("demarches: group %q has no agents", g.Label))
		}
		d.groups = append(d.groups, made)
	}
	for _, name := range slices.Concat(o.Labels, o.Form.Labels) {
		l := &label{number: s.serial("label"), name: name, demarche: d}
		d.labels = append(d.labels, l)
		s.labels[l.number] = l
	}
	s.demarches[o.Form.Number] = d
}

// ServeHTTP serves the API at /api/v2/graphql, and the files that it names.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Faults is the injector in front of the API. A call's operation is its GraphQL
// operation's name, and that of its first root field if it has none.
func (s *Server) Faults() *fault.Injector { return s.faults }

// SetWebhookURL changes where a démarche's changes are told; empty for nowhere.
func (s *Server) SetWebhookURL(demarche int, url string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.demarches[demarche]
	if d == nil {
		return ErrNotFound
	}
	d.webhook = url
	return nil
}

// AddToken adds a token, or replaces the one of the same value.
func (s *Server) AddToken(t Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[t.Value] = t
}

// RevokeToken forgets a token.
func (s *Server) RevokeToken(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, value)
}

// Close waits for the webhooks under way, drops those that are not due, and ends
// what faults keep waiting.
func (s *Server) Close() {
	s.faults.Close()
	s.postman.close()
}

// now is the time as DS's database keeps it.
func (s *Server) now() time.Time { return s.clock().Truncate(time.Microsecond) }

// serial returns the next number of its kind.
func (s *Server) serial(kind string) int { return int(s.serials[kind].Add(1)) }

// rlock locks for reading, after showing what has become visible.
func (s *Server) rlock() {
	s.mu.RLock()
	if len(s.late) == 0 {
		return
	}
	s.mu.RUnlock()
	s.settle()
	s.mu.RLock()
}

// settle shows the versions whose time has come.
func (s *Server) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.late = slices.DeleteFunc(s.late, func(d *dossier) bool {
		e := s.dossiers[d.number]
		if e.due[d.version].After(now) {
			return false
		}
		delete(e.due, d.version)
		if e.visible == nil || e.visible.version < d.version {
			s.show(e, d)
		}
		return true
	})
}

// commit makes d the dossier's state, visible to the API after a while. What is
// committed later and visible at once shows what came before with it.
func (s *Server) commit(d *dossier, after time.Duration) {
	s.versions++
	d.version = s.versions
	e := s.dossiers[d.number]
	if e == nil {
		e = &entry{due: map[int64]time.Time{}}
		s.dossiers[d.number] = e
	}
	e.current = d
	if after <= 0 {
		s.show(e, d)
		return
	}
	e.due[d.version] = s.now().Add(after)
	s.late = append(s.late, d)
	s.broadcast()
	time.AfterFunc(after, s.settle)
}

func (s *Server) show(e *entry, d *dossier) {
	if old := e.visible; old != nil {
		old.demarche.unlist(old)
	}
	e.visible = d
	d.demarche.list(d)
	s.broadcast()
}

func (s *Server) broadcast() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (m *demarche) list(d *dossier) {
	switch d.presence() {
	case Present:
		m.byDeposit.add(keyAt(d.deposited, d.number))
		m.byUpdate.add(keyAt(d.updated, d.number))
	case Trashed:
		m.trash.add(keyAt(d.hidden(), d.number))
	case Purged:
		m.deleted.add(keyAt(d.hidden(), d.number))
	case Expired:
	}
}

func (m *demarche) unlist(d *dossier) {
	switch d.presence() {
	case Present:
		m.byDeposit.remove(keyAt(d.deposited, d.number))
		m.byUpdate.remove(keyAt(d.updated, d.number))
	case Trashed:
		m.trash.remove(keyAt(d.hidden(), d.number))
	case Purged:
		m.deleted.remove(keyAt(d.hidden(), d.number))
	case Expired:
	}
}
