package demarches

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Forms returns the forms of the démarches that are open, in the order in which they
// were given.
func (s *Server) Forms() []Form {
	forms := make([]Form, 0, len(s.demarches))
	for _, d := range s.options.Demarches {
		forms = append(forms, d.Form)
	}
	return forms
}

// Problems says in French what File would find wrong with answers, by stable id.
func (s *Server) Problems(demarche int, answers Answers) map[int]string {
	m := s.demarches[demarche]
	if m == nil {
		return nil
	}
	_, err := s.check(m.form.Fields, answers, false)
	if invalid, ok := err.(*InvalidAnswersError); ok { //nolint:errorlint // check wraps nothing
		return invalid.Problems
	}
	return nil
}

// Filter says which dossiers a list is of; what is empty is not asked.
type Filter struct {
	Demarche int
	State    State
	Email    string // of the account that filed
	// Binned is for those in the bin or expired, which are left out otherwise.
	Binned bool
	// Archived is for those put aside, which are left out otherwise.
	Archived bool
	// Everything leaves nothing out but what is purged.
	Everything bool
}

// Listing is one page of a list, the newest first.
type Listing struct {
	Dossiers []DossierView
	Total    int
	// States counts those that the filter lets through in every state.
	States map[State]int
}

// List returns the dossiers from offset on, at most limit.
func (s *Server) List(f Filter, offset, limit int) Listing {
	s.mu.RLock()
	defer s.mu.RUnlock()
	listing := Listing{States: map[State]int{}}
	var numbers []int
	for number, e := range s.dossiers {
		if d := e.current; f.lets(d) {
			listing.States[d.state]++
			if f.State == "" || f.State == d.state {
				numbers = append(numbers, number)
			}
		}
	}
	slices.SortFunc(numbers, func(a, b int) int { return b - a })
	listing.Total = len(numbers)
	numbers = numbers[min(max(offset, 0), len(numbers)):]
	for _, number := range numbers[:min(limit, len(numbers))] {
		listing.Dossiers = append(listing.Dossiers, s.dossiers[number].current.view())
	}
	return listing
}

// lets says whether a dossier is of the list, whatever its state.
func (f Filter) lets(d *dossier) bool {
	presence := d.presence()
	switch {
	case presence == Purged,
		f.Demarche != 0 && f.Demarche != d.demarche.form.Number,
		f.Email != "" && !strings.EqualFold(f.Email, d.email):
		return false
	case f.Email != "" && !d.hiddenByUser.IsZero() && d.state.ended():
		return false // removed from the applicant's list
	case f.Everything:
		return true
	}
	return f.Binned == (presence != Present) && (f.Binned || f.Archived == d.archived)
}

// Accounts returns the addresses that filed, the latest first, at most limit.
func (s *Server) Accounts(limit int) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var accounts []string
	for _, number := range slices.Backward(slices.Sorted(maps.Keys(s.dossiers))) {
		if len(accounts) == limit {
			break
		}
		if d := s.dossiers[number].current; d.presence() != Purged && !slices.Contains(accounts, d.email) {
			accounts = append(accounts, d.email)
		}
	}
	return accounts
}

// Treatment is one step of a dossier's history.
type Treatment struct {
	Event      string // in the words of TraitementEvent
	State      State
	At         time.Time
	Agent      string
	Motivation string
}

// History returns the steps of a dossier, oldest first.
func (s *Server) History(number int) []Treatment {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.dossiers[number]
	if e == nil {
		return nil
	}
	history := make([]Treatment, 0, len(e.current.treatments))
	for _, t := range e.current.treatments {
		history = append(history, Treatment{t.event, t.state, t.at, t.email, t.motivation})
	}
	return history
}

// FileLink is where a joined file is downloaded.
type FileLink struct {
	Filename string
	Path     string
	Size     int
}

// FileLinks returns the files of a dossier's answers and annotations by stable id.
func (s *Server) FileLinks(number int) map[int][]FileLink {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.dossiers[number]
	if e == nil {
		return nil
	}
	links := map[int][]FileLink{}
	for _, answers := range []Answers{e.current.answers, e.current.annotations} {
		for id, value := range answers {
			files, _ := value.([]*file)
			for _, f := range files {
				links[id] = append(links[id], FileLink{f.Filename, f.path(), len(f.Content)})
			}
		}
	}
	return links
}

// AgentOf returns the agent who acts for a dossier when nobody else is named.
func (s *Server) AgentOf(number int) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e := s.dossiers[number]; e != nil {
		return e.current.group.agents[0].email
	}
	return ""
}
