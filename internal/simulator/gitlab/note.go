package gitlab

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Note is a comment on an issue, or GitLab's own record of a change to it.
type Note struct {
	ID        int
	ProjectID int
	IssueIID  int
	Body      string
	AuthorID  int
	Author    string
	System    bool
	Internal  bool
	Thread    int  // the note that it answers: the first of the discussion; 0 for that one itself
	Threaded  bool // whether it is part of a thread, be it as the first
	CreatedAt time.Time
	UpdatedAt time.Time
}

func (s *Server) addNote(user *User, p *project, i *issue, n Note) *Note {
	n.ID, n.ProjectID, n.IssueIID, n.AuthorID, n.Author = s.next("note"), p.ID, i.IID, user.ID, user.Username
	if n.CreatedAt.IsZero() {
		n.CreatedAt = s.now()
	}
	n.UpdatedAt = n.CreatedAt
	i.notes = append(i.notes, &n)
	if at := slices.IndexFunc(i.notes, func(first *Note) bool { return first.ID == n.Thread }); at >= 0 {
		i.notes[at].Threaded = true
	}
	return &n
}

func (s *Server) systemNote(user *User, p *project, i *issue, body string) {
	s.addNote(user, p, i, Note{Body: body, System: true})
}

func checkNote(body string) error {
	if strings.TrimSpace(body) == "" {
		return badRequest(`400 Bad request - Note {:note=>["can't be blank"]}`)
	}
	if utf8.RuneCountInString(body) > maxDescription {
		return badRequest(`400 Bad request - Note {:note=>["is too long (maximum is 1048576 characters)"]}`)
	}
	return nil
}

// comment posts a text on an issue and carries out its quick actions. The note is
// nil when nothing but commands was in it; those are returned.
func (s *Server) comment(user *User, p *project, i *issue, n Note) (*Note, []quickAction, error) {
	if err := p.open(); err != nil {
		return nil, nil, err
	}
	if i.Locked && level(user, p) < Guest {
		return nil, nil, forbidden("")
	}
	if err := checkNote(n.Body); err != nil {
		return nil, nil, err
	}
	if level(user, p) < Owner {
		n.CreatedAt = time.Time{}
	}
	rest, actions := extractQuickActions(n.Body)
	if rest == "" {
		s.changeIssue(user, p, i, s.quickActionChange(user, p, i, actions))
		return nil, actions, nil
	}
	n.Body = rest
	added := s.addNote(user, p, i, n)
	i.comments++
	i.UpdatedAt = s.now()
	p.LastActivityAt = i.UpdatedAt
	s.recordMentions(p, i.IID, user, "", rest)
	s.noteEvent(user, p, i, added, "create")
	s.changeIssue(user, p, i, s.quickActionChange(user, p, i, actions))
	return added, actions, nil
}

func (c *call) noteJSON(p *project, i *issue, n *Note) any {
	return obj{
		"id": n.ID, "type": n.kind(), "body": n.Body, "attachment": nil, "author": c.server.userJSON(c.server.users[n.AuthorID]),
		"created_at": stamp(n.CreatedAt), "updated_at": stamp(n.UpdatedAt), "system": n.System, "noteable_id": i.ID,
		"noteable_type": "Issue", "project_id": p.ID, "resolvable": false, "confidential": n.Internal, "internal": n.Internal,
		"noteable_iid": i.IID, "imported": false, "imported_from": "none", "commands_changes": obj{},
	}
}

func (c *call) listNotes() (any, error) {
	p, i, err := c.issue()
	if err != nil {
		return nil, err
	}
	filter := c.str("activity_filter")
	var found []*Note
	for _, n := range i.notes {
		if n.Internal && level(c.user, p) < Planner ||
			filter == "only_comments" && n.System || filter == "only_activity" && !n.System {
			continue
		}
		found = append(found, n)
	}
	order := func(a, b *Note) int { return a.CreatedAt.Compare(b.CreatedAt) }
	if c.str("order_by") == "updated_at" {
		order = func(a, b *Note) int { return a.UpdatedAt.Compare(b.UpdatedAt) }
	}
	sortBy(found, order, func(a, b *Note) int { return a.ID - b.ID }, c.str("sort") != "asc")
	return paged(c, found, func(n *Note) any { return c.noteJSON(p, i, n) })
}

func (c *call) note(i *issue, p *project) (*Note, error) {
	id, _ := strconv.Atoi(c.value("note_id"))
	at := slices.IndexFunc(i.notes, func(n *Note) bool { return n.ID == id })
	if at < 0 || i.notes[at].Internal && level(c.user, p) < Planner {
		return nil, notFound("Note")
	}
	return i.notes[at], nil
}

func (c *call) getNote() (any, error) {
	p, i, err := c.issue()
	if err != nil {
		return nil, err
	}
	n, err := c.note(i, p)
	if err != nil {
		return nil, err
	}
	return c.noteJSON(p, i, n), nil
}

func (c *call) postNote() (any, error) {
	p, i, err := c.issue()
	if err != nil {
		return nil, err
	}
	if !c.has("body") {
		return nil, missing("body")
	}
	n := Note{Body: c.str("body"), Internal: c.bool("internal", c.bool("confidential", false)), CreatedAt: c.time("created_at")}
	if err := c.err(); err != nil {
		return nil, err
	}
	if n.Internal {
		if err := c.require(p, Planner); err != nil {
			return nil, err
		}
	}
	added, actions, err := c.server.comment(c.user, p, i, n)
	if err != nil {
		return nil, err
	}
	if added == nil {
		c.status = http.StatusAccepted
		names := make([]string, len(actions))
		for at, action := range actions {
			names[at] = action.command
		}
		return obj{"commands_changes": obj{}, "summary": []string{fmt.Sprintf("Commands applied: %s.", strings.Join(names, ", "))}}, nil
	}
	return c.noteJSON(p, i, added), nil
}

// ownNote finds a note for those who may change it.
func (c *call) ownNote() (*project, *issue, *Note, error) {
	p, i, err := c.issue()
	if err != nil {
		return nil, nil, nil, err
	}
	n, err := c.note(i, p)
	if err != nil {
		return nil, nil, nil, err
	}
	return p, i, n, mayEditNote(c.user, p, n)
}

func mayEditNote(user *User, p *project, n *Note) error {
	if n.System || n.AuthorID != user.ID && level(user, p) < Maintainer {
		return forbidden("")
	}
	return p.open()
}

// editNote changes a comment and carries out its quick actions.
func (s *Server) editNote(user *User, p *project, i *issue, n *Note, body string) error {
	if err := mayEditNote(user, p, n); err != nil {
		return err
	}
	if err := checkNote(body); err != nil {
		return err
	}
	rest, actions := extractQuickActions(body)
	if before := n.Body; rest != "" && rest != before {
		n.Body, n.UpdatedAt = rest, s.now()
		i.UpdatedAt = n.UpdatedAt
		s.recordMentions(p, i.IID, user, before, rest)
		s.noteEvent(user, p, i, n, "update")
	}
	s.changeIssue(user, p, i, s.quickActionChange(user, p, i, actions))
	return nil
}

func (c *call) putNote() (any, error) {
	p, i, n, err := c.ownNote()
	if err != nil {
		return nil, err
	}
	if !c.has("body") {
		return nil, missing("body")
	}
	body := c.str("body")
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := c.server.editNote(c.user, p, i, n, body); err != nil {
		return nil, err
	}
	return c.noteJSON(p, i, n), nil
}

func (c *call) deleteNote() (any, error) {
	_, i, n, err := c.ownNote()
	if err != nil {
		return nil, err
	}
	i.notes = without(i.notes, n)
	i.comments--
	return c.noContent()
}
