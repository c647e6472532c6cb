package gitlab

import (
	"regexp"
	"slices"
	"strings"
)

// Mention is an @name in a text, which GitLab notifies.
type Mention struct {
	Project  string
	IssueIID int
	By       string // who wrote the text
	Name     string // without the @
	Known    bool   // a user, a group, or all: somebody was notified
}

var mention = regexp.MustCompile(`(^|[^\w\\])@([A-Za-z0-9_.][\w.-]*(?:/[\w.-]+)*)`)

// mentioned lists the names that a text mentions.
func mentioned(text string) []string {
	var names []string
	for _, match := range mention.FindAllStringSubmatch(plain(text), -1) {
		if name := strings.TrimRight(match[2], ".-"); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// recordMentions notes those whom a new text mentions and the old one did not.
func (s *Server) recordMentions(p *project, iid int, by *User, old, text string) {
	if !strings.ContainsAny(text, "@&") {
		return
	}
	before := mentioned(old)
	for _, name := range mentioned(text) {
		if slices.Contains(before, name) {
			continue
		}
		_, routed := s.paths[routeKey(name)].(*group)
		s.mentions = append(s.mentions, Mention{
			Project: p.FullPath, IssueIID: iid, By: by.Username, Name: name,
			Known: name == "all" || routed || s.usernames[strings.ToLower(name)] != nil,
		})
	}
}
