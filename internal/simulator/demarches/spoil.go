package demarches

import (
	"net/http"
	"slices"
	"sync"
)

// Spoil makes the API itself fail, with one of its codes: timeout and invalid_null
// come beside the data, after the operation's effect; not_found, unauthorized,
// bad_request (each with HTTP 200), graphql_parse_failed (400) and
// internal_server_error (500) come in its place, without effect.
type Spoil struct {
	Operation string // as with faults; empty for every one
	Code      string
	Times     int // 0 for ever
}

func (s Spoil) beside() bool { return s.Code == "timeout" || s.Code == "invalid_null" }

func (s Spoil) status() int {
	switch s.Code {
	case "internal_server_error":
		return http.StatusInternalServerError
	case "graphql_parse_failed":
		return http.StatusBadRequest
	}
	return http.StatusOK
}

func (s Spoil) message() string {
	switch s.Code {
	case "timeout":
		return "Timeout on Query.dossier"
	case "invalid_null":
		return "Cannot return null for non-nullable field Dossier.usager"
	case "not_found":
		return "Dossier not found"
	case "unauthorized":
		return unauthorized("Dossier").Error()
	case "internal_server_error":
		return "Internal Server Error"
	}
	return s.Code
}

// Spoil adds a way in which the API fails. The function it returns takes it away.
func (s *Server) Spoil(spoil Spoil) (remove func()) { return s.spoils.add(spoil) }

// Garble lets the API fail with invalid_null wherever it is to give that dossier's
// account, whatever page it is on; the rest of it can be read. The function that it
// returns mends it.
func (s *Server) Garble(number int) (mend func()) {
	s.garbled.Store(number, true)
	return func() { s.garbled.Delete(number) }
}

// spoils are the failures in force.
type spoils struct {
	mu   sync.Mutex
	list []*Spoil
}

func (l *spoils) add(spoil Spoil) (remove func()) {
	added := &spoil
	drop := func(s *Spoil) bool { return s == added }
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, added)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.list = slices.DeleteFunc(l.list, drop)
	}
}

func (l *spoils) take(operation string) (Spoil, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, s := range l.list {
		if s.Operation != "" && s.Operation != operation {
			continue
		}
		found := *s
		if s.Times == 1 {
			l.list = slices.Delete(l.list, i, i+1)
		} else if s.Times > 1 {
			s.Times--
		}
		return found, true
	}
	return Spoil{}, false
}
