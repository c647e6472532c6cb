package gitlab

// Access levels of members.
const (
	Guest      = 10
	Planner    = 15
	Reporter   = 20
	Developer  = 30
	Maintainer = 40
	Owner      = 50
)

// Visibilities of groups and projects.
const (
	Private  = "private"
	Internal = "internal"
	Public   = "public"
)

func validAccess(level int) bool {
	switch level {
	case 5, Guest, Planner, Reporter, Developer, Maintainer, Owner:
		return true
	}
	return false
}

func openness(visibility string) int {
	switch visibility {
	case Public:
		return 20
	case Internal:
		return 10
	case Private:
		return 0
	}
	return -1
}

// membership is the user's highest level in a group and those above it, without
// what administrators may do anyway.
func (g *group) membership(user *User) int {
	level := 0
	for ; g != nil; g = g.parent {
		if g.OwnerID == user.ID {
			level = Owner
		}
		if m := g.members[user.ID]; m != nil {
			level = max(level, m.AccessLevel)
		}
	}
	return level
}

func (p *project) membership(user *User) int {
	level := p.group.membership(user)
	if m := p.members[user.ID]; m != nil {
		level = max(level, m.AccessLevel)
	}
	return level
}

// level is what the user may do: administrators are owners everywhere.
func level(user *User, in interface{ membership(*User) int }) int {
	if user.Admin {
		return Owner
	}
	return in.membership(user)
}

func (g *group) visibleTo(user *User) bool {
	if g.Visibility != Private || user.Admin || g.membership(user) > 0 {
		return true
	}
	// Members of what is inside see the way that leads there.
	return g.holdsMember(user)
}

func (g *group) holdsMember(user *User) bool {
	for _, p := range g.projects {
		if p.members[user.ID] != nil {
			return true
		}
	}
	for _, child := range g.children {
		if child.members[user.ID] != nil || child.holdsMember(user) {
			return true
		}
	}
	return false
}

func (p *project) visibleTo(user *User) bool {
	return p.Visibility != Private || user.Admin || p.membership(user) > 0
}

// require refuses those below a level.
func (c *call) require(in interface{ membership(*User) int }, needed int) error {
	return require(c.user, in, needed)
}

func require(user *User, in interface{ membership(*User) int }, needed int) error {
	if level(user, in) < needed {
		return forbidden("")
	}
	return nil
}
