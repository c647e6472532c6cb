package gitlab

import "strings"

// state is everything that this GitLab holds. Lists are in order of creation;
// maps serve look-ups, so that nothing is scanned to find one thing.
type state struct {
	users       map[int]*User
	usernames   map[string]*User // lower case
	emails      map[string]*User // lower case
	tokens      map[string]*Token
	groups      map[int]*group
	groupList   []*group
	projects    map[int]*project
	projectList []*project
	paths       map[string]any // lower-case full path to *group or *project
	moved       map[string]any // the same, for paths that were left
	hooks       map[int]*hook

	mentions     []Mention
	quickActions []QuickAction
	last         map[string]int
}

func newState() state {
	return state{
		users:     map[int]*User{},
		usernames: map[string]*User{},
		emails:    map[string]*User{},
		tokens:    map[string]*Token{},
		groups:    map[int]*group{},
		projects:  map[int]*project{},
		paths:     map[string]any{},
		moved:     map[string]any{},
		hooks:     map[int]*hook{},
		last: map[string]int{
			// Apart from each other, so that one kind's id does not pass for another's.
			"user": 0, "token": 50, "namespace": 100, "project": 1_000_000,
			"issue": 2_000_000, "note": 3_000_000, "label": 4_000_000, "hook": 5_000, "invitation": 6_000,
			"label event": 7_000_000, "state event": 8_000_000,
		},
	}
}

func (s *state) next(kind string) int {
	s.last[kind]++
	return s.last[kind]
}

func routeKey(path string) string { return strings.ToLower(path) }
