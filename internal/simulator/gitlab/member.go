package gitlab

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Member is a user's membership of a group or project.
type Member struct {
	UserID      int
	Username    string
	AccessLevel int
	CreatedAt   time.Time
	ExpiresAt   time.Time
}

// members are those of one group or project, by user.
type members map[int]*Member

func (m members) add(user *User, accessLevel int, now time.Time) *Member {
	m[user.ID] = &Member{UserID: user.ID, Username: user.Username, AccessLevel: accessLevel, CreatedAt: now}
	return m[user.ID]
}

func (m members) sorted() []*Member {
	list := make([]*Member, 0, len(m))
	for _, member := range m {
		list = append(list, member)
	}
	slices.SortFunc(list, func(a, b *Member) int { return cmp.Compare(a.UserID, b.UserID) })
	return list
}

func (m members) snapshot() []Member {
	var list []Member
	for _, member := range m.sorted() {
		list = append(list, *member)
	}
	return list
}

// source is what has members: a group or a project.
type source interface {
	membership(*User) int
	direct() members
	above() *group
	invited() *[]*Invitation
	open() error
}

func (g *group) direct() members           { return g.members }
func (g *group) above() *group             { return g.parent }
func (g *group) invited() *[]*Invitation   { return &g.invitations }
func (g *group) open() error               { return nil }
func (p *project) direct() members         { return p.members }
func (p *project) above() *group           { return p.group }
func (p *project) invited() *[]*Invitation { return &p.invitations }
func managers(in source) (accessLevel int) {
	if _, isGroup := in.(*group); isGroup {
		return Owner
	}
	return Maintainer
}

// inherited are the members from above, each with the highest level.
func inherited(in source) members {
	all := members{}
	for g := in.above(); g != nil; g = g.parent {
		for id, m := range g.members {
			if all[id] == nil || all[id].AccessLevel < m.AccessLevel {
				all[id] = m
			}
		}
	}
	return all
}

func (s *Server) memberJSON(m *Member) any {
	o := s.userJSON(s.users[m.UserID])
	o["access_level"] = m.AccessLevel
	o["created_at"] = stamp(m.CreatedAt)
	o["expires_at"] = day(m.ExpiresAt)
	o["membership_state"] = "active"
	return o
}

// source finds the group or project of a request, by its route.
func (c *call) source() (source, error) {
	if strings.HasPrefix(c.request.URL.Path, "/api/v4/groups/") {
		return asSource(c.group())
	}
	return asSource(c.project())
}

func asSource[T source](in T, err error) (source, error) { return in, err }

// managed finds the request's group or project for those who manage its members.
func (c *call) managed() (source, error) {
	in, err := c.source()
	if err != nil {
		return nil, err
	}
	if err := c.require(in, managers(in)); err != nil {
		return nil, err
	}
	return in, in.open()
}

func (c *call) listMembers() (any, error)    { return c.answerMembers(false) }
func (c *call) listAllMembers() (any, error) { return c.answerMembers(true) }

func (c *call) answerMembers(all bool) (any, error) {
	in, err := c.source()
	if err != nil {
		return nil, err
	}
	from := in.direct()
	if all {
		from = inherited(in)
		for id, m := range in.direct() {
			if from[id] == nil || from[id].AccessLevel < m.AccessLevel {
				from[id] = m
			}
		}
	}
	query, ids := strings.ToLower(c.str("query")), c.ints("user_ids")
	var found []*Member
	for _, m := range from.sorted() {
		user := c.server.users[m.UserID]
		if contains(query, user.Username, user.Name) && (ids == nil || slices.Contains(ids, m.UserID)) {
			found = append(found, m)
		}
	}
	return paged(c, found, c.server.memberJSON)
}

// member finds the membership that a request is about.
func (c *call) member(in source, all bool) (*Member, error) {
	id, _ := strconv.Atoi(c.value("user_id"))
	m := in.direct()[id]
	if all {
		if above := inherited(in)[id]; m == nil || above != nil && above.AccessLevel > m.AccessLevel {
			m = above
		}
	}
	if m == nil {
		return nil, notFound("")
	}
	return m, nil
}

func (c *call) getMember() (any, error)    { return c.answerMember(false) }
func (c *call) getAnyMember() (any, error) { return c.answerMember(true) }

func (c *call) answerMember(all bool) (any, error) {
	in, err := c.source()
	if err != nil {
		return nil, err
	}
	m, err := c.member(in, all)
	if err != nil {
		return nil, err
	}
	return c.server.memberJSON(m), nil
}

func (c *call) accessLevel() (int, error) {
	if !c.has("access_level") {
		return 0, missing("access_level")
	}
	accessLevel := c.int("access_level")
	if err := c.err(); err != nil {
		return 0, err
	}
	if !validAccess(accessLevel) {
		return 0, &Error{Status: http.StatusBadRequest, Body: obj{"error": "access_level does not have a valid value"}}
	}
	return accessLevel, nil
}

// checkInherited refuses a membership that is lower than the one from above.
func (s *Server) checkInherited(in source, user *User, accessLevel int) string {
	for g := in.above(); g != nil; g = g.parent {
		if m := g.members[user.ID]; m != nil && m.AccessLevel > accessLevel {
			name := map[int]string{Guest: "Guest", Planner: "Planner", Reporter: "Reporter", Developer: "Developer", Maintainer: "Maintainer", Owner: "Owner"}
			return fmt.Sprintf("should be greater than or equal to %s inherited membership from group %s", name[m.AccessLevel], g.Name)
		}
	}
	return ""
}

func (s *Server) addMember(in source, user *User, accessLevel int) (*Member, error) {
	if in.direct()[user.ID] != nil {
		return nil, conflict("Member already exists")
	}
	if message := s.checkInherited(in, user, accessLevel); message != "" {
		return nil, badRequest(obj{"access_level": []string{message}})
	}
	return in.direct().add(user, accessLevel, s.now()), nil
}

func (c *call) postMember() (any, error) {
	in, err := c.managed()
	if err != nil {
		return nil, err
	}
	ids := c.list("user_id")
	if username := strings.ToLower(c.str("username")); len(ids) == 0 && username != "" {
		if user := c.server.usernames[username]; user != nil {
			ids = []string{strconv.Itoa(user.ID)}
		} else {
			return nil, notFound("User")
		}
	}
	if len(ids) == 0 {
		return nil, noneGiven("user_id", "username")
	}
	accessLevel, err := c.accessLevel()
	if err != nil {
		return nil, err
	}
	expires := c.time("expires_at")
	if err := c.err(); err != nil {
		return nil, err
	}
	var added *Member
	refused := obj{}
	for _, id := range ids {
		n, _ := strconv.Atoi(id)
		user := c.server.users[n]
		if user == nil {
			if len(ids) == 1 {
				return nil, notFound("User")
			}
			refused[id] = "User not found"
			continue
		}
		m, err := c.server.addMember(in, user, accessLevel)
		switch {
		case err != nil && len(ids) == 1:
			return nil, err
		case err != nil:
			refused[user.Username] = "User already exists in source"
		default:
			m.ExpiresAt = expires
			added = m
		}
	}
	if len(ids) > 1 {
		if len(refused) > 0 {
			return obj{"status": "error", "message": refused}, nil
		}
		return obj{"status": "success"}, nil
	}
	return c.server.memberJSON(added), nil
}

func (c *call) putMember() (any, error) {
	in, err := c.managed()
	if err != nil {
		return nil, err
	}
	m, err := c.member(in, false)
	if err != nil {
		return nil, err
	}
	accessLevel, err := c.accessLevel()
	if err != nil {
		return nil, err
	}
	if message := c.server.checkInherited(in, c.server.users[m.UserID], accessLevel); message != "" {
		return nil, badRequest(obj{"access_level": []string{message}})
	}
	changed := *m
	changed.AccessLevel = accessLevel
	if c.has("expires_at") {
		changed.ExpiresAt = c.time("expires_at")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	*m = changed
	return c.server.memberJSON(m), nil
}

func (c *call) deleteMember() (any, error) {
	in, err := c.source()
	if err != nil {
		return nil, err
	}
	m, err := c.member(in, false)
	if err != nil {
		return nil, err
	}
	if m.UserID != c.user.ID { // anyone may leave
		if err := c.require(in, managers(in)); err != nil {
			return nil, err
		}
	}
	if err := in.open(); err != nil {
		return nil, err
	}
	owners := 0
	for _, other := range in.direct() {
		if other.AccessLevel == Owner {
			owners++
		}
	}
	if _, isGroup := in.(*group); isGroup && in.above() == nil && m.AccessLevel == Owner && owners == 1 {
		return nil, forbidden("The group needs an owner")
	}
	delete(in.direct(), m.UserID)
	return c.noContent()
}
