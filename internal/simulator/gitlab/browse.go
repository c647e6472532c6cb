package gitlab

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// Part is which part of a list is asked for: the first Limit from From on.
type Part struct{ From, Limit int }

func part[T any](list []T, of Part) []T {
	from := min(max(of.From, 0), len(list))
	return list[from:min(from+max(of.Limit, 0), len(list))]
}

// Users are all accounts, by number.
func (v View) Users() []User {
	list := make([]User, 0, len(v.s.users))
	for _, id := range slices.Sorted(maps.Keys(v.s.users)) {
		list = append(list, *v.s.users[id])
	}
	return list
}

// User finds an account by its name.
func (v View) User(username string) (User, bool) {
	if user := v.s.usernames[strings.ToLower(username)]; user != nil {
		return *user, true
	}
	return User{}, false
}

// Namespace finds a group, or the personal namespace of a user, by its full path.
func (v View) Namespace(path string) (Group, bool) {
	if g, ok := v.s.paths[routeKey(path)].(*group); ok {
		return g.Group, true
	}
	return Group{}, false
}

// MovedTo is where the group or project that has left a path is now, or nothing.
func (v View) MovedTo(path string) string {
	switch in := v.s.movedFrom(path).(type) {
	case *group:
		return in.FullPath
	case *project:
		return in.FullPath
	}
	return ""
}

// Above are the groups on the way to a group or project, the outermost first.
func (v View) Above(path string) []Group {
	var list []Group
	if in := v.source(path); in != nil {
		for g := in.above(); g != nil; g = g.parent {
			list = append(list, g.Group)
		}
	}
	slices.Reverse(list)
	return list
}

// Counts is how many groups and projects a group holds directly.
func (v View) Counts(groupPath string) (groups, projects int) {
	if g, ok := v.s.paths[routeKey(groupPath)].(*group); ok {
		return len(g.children), len(g.projects)
	}
	return 0, 0
}

// FindGroups are the groups whose path or name contains a text, by path, and how
// many there are. Those in a group, or at the top when in is empty, are asked for
// with an empty text.
func (v View) FindGroups(in, search string, of Part) ([]Group, int) {
	from, search := v.s.groupList, strings.ToLower(search)
	if g, ok := v.s.paths[routeKey(in)].(*group); ok {
		from = g.children
	} else if in != "" {
		return nil, 0
	}
	var found []*group
	for _, g := range from {
		if g.Kind == kindGroup && contains(search, g.Name, g.FullPath) && (in != "" || search != "" || g.parent == nil) {
			found = append(found, g)
		}
	}
	slices.SortFunc(found, func(a, b *group) int { return strings.Compare(routeKey(a.FullPath), routeKey(b.FullPath)) })
	list := []Group{}
	for _, g := range part(found, of) {
		list = append(list, g.Group)
	}
	return list, len(found)
}

// FindProjects are the projects, of one namespace unless in is empty, whose path,
// name or description contains a text; the most recently active first; and how many
// there are.
func (v View) FindProjects(in, search string, of Part) ([]Project, int) {
	from, search := v.s.projectList, strings.ToLower(search)
	if g, ok := v.s.paths[routeKey(in)].(*group); ok {
		from = g.projects
	} else if in != "" {
		return nil, 0
	}
	var found []*project
	for _, p := range from {
		if contains(search, p.Name, p.FullPath, p.Description) {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b *project) int {
		return cmp.Or(b.LastActivityAt.Compare(a.LastActivityAt), cmp.Compare(b.ID, a.ID))
	})
	list := []Project{}
	for _, p := range part(found, of) {
		list = append(list, p.Project)
	}
	return list, len(found)
}

// OpenIssues is how many issues of a project are open.
func (v View) OpenIssues(projectPath string) int {
	if p := v.project(projectPath); p != nil {
		return p.openIssues
	}
	return 0
}

// IssueQuery is which issues of a project are asked for.
type IssueQuery struct {
	State  string // "opened", "closed", or nothing for all
	Label  string
	Search string
	Part
}

// FindIssues are the issues that a query asks for, the latest first, and how many
// there are.
func (v View) FindIssues(projectPath string, q IssueQuery) ([]Issue, int) {
	p := v.project(projectPath)
	if p == nil {
		return nil, 0
	}
	search := strings.ToLower(q.Search)
	var found []*issue
	for _, i := range slices.Backward(p.issues) {
		if (q.State == "" || i.State == q.State) && (q.Label == "" || slices.Contains(i.Labels, q.Label)) &&
			contains(search, i.Title, i.Description) {
			found = append(found, i)
		}
	}
	list := []Issue{}
	for _, i := range part(found, q.Part) {
		list = append(list, i.Issue)
	}
	return list, len(found)
}

// Comments is how many comments an issue has, GitLab's own notes left out.
func (v View) Comments(projectPath string, iid int) int {
	if i := v.issue(projectPath, iid); i != nil {
		return i.comments
	}
	return 0
}

// FindLabel finds a label that can be put on the issues of a project, its groups'
// included.
func (v View) FindLabel(projectPath, name string) (Label, bool) {
	if p := v.project(projectPath); p != nil {
		if l := findLabel(p, name); l != nil {
			return *l, true
		}
	}
	return Label{}, false
}

// UsableLabels are the labels that can be put on the issues of a project, its
// groups' included, by name.
func (v View) UsableLabels(projectPath string) []Label {
	p := v.project(projectPath)
	if p == nil {
		return nil
	}
	all := maps.Clone(p.labels)
	for g := p.group; g != nil; g = g.parent {
		for name, l := range g.labels {
			if all[name] == nil {
				all[name] = l
			}
		}
	}
	var list []Label
	for _, l := range all.sorted() {
		list = append(list, *l)
	}
	return list
}

// InheritedMembers are those that a group or project has from the groups above it.
func (v View) InheritedMembers(path string) []Member {
	if in := v.source(path); in != nil {
		return inherited(in).snapshot()
	}
	return nil
}

// File is a file as one commit has it.
type File struct {
	Path       string
	Content    []byte
	Executable bool
	LastCommit string // the id of the commit that last changed it
}

// Commit is a commit of a project.
type Commit struct {
	ID          string
	Parent      string
	Message     string
	AuthorName  string
	AuthorEmail string
	At          time.Time
}

// Title is the first line of a commit's message.
func (c Commit) Title() string {
	title, _, _ := strings.Cut(c.Message, "\n")
	return title
}

// Change is what a commit did to one file: Before and After are nil for a file that
// was not there.
type Change struct{ Before, After *File }

func (c *commit) shown() Commit {
	return Commit{ID: c.id, Parent: c.parent, Message: c.message, AuthorName: c.authorName, AuthorEmail: c.authorEmail, At: c.at}
}

func (f file) shown(path string) File {
	return File{Path: path, Content: f.content, Executable: f.executable, LastCommit: f.lastCommit}
}

func (v View) commit(projectPath, ref string) *commit {
	if p := v.project(projectPath); p != nil {
		return p.repository.at(ref)
	}
	return nil
}

// Branches are the names of a project's branches.
func (v View) Branches(projectPath string) []string {
	if p := v.project(projectPath); p != nil {
		return slices.Sorted(maps.Keys(p.repository.branches))
	}
	return nil
}

// Tree are the files at a branch or commit, by path, and that commit.
func (v View) Tree(projectPath, ref string) ([]File, Commit, bool) {
	at := v.commit(projectPath, ref)
	if at == nil {
		return nil, Commit{}, false
	}
	list := make([]File, 0, len(at.files))
	for _, path := range slices.Sorted(maps.Keys(at.files)) {
		list = append(list, at.files[path].shown(path))
	}
	return list, at.shown(), true
}

// File is one file at a branch or commit.
func (v View) File(projectPath, ref, path string) (File, bool) {
	if at := v.commit(projectPath, ref); at != nil {
		if f, ok := at.files[path]; ok {
			return f.shown(path), true
		}
	}
	return File{}, false
}

// Log are the commits that lead to a branch or commit, the latest first, and how
// many there are.
func (v View) Log(projectPath, ref string, of Part) ([]Commit, int) {
	p := v.project(projectPath)
	if p == nil {
		return nil, 0
	}
	list, n := []Commit{}, 0
	for at := p.repository.at(ref); at != nil; at = p.repository.commits[at.parent] {
		if n >= of.From && len(list) < of.Limit {
			list = append(list, at.shown())
		}
		n++
	}
	return list, n
}

// Commit is one commit, and what it changed, by path.
func (v View) Commit(projectPath, ref string) (Commit, []Change, bool) {
	at := v.commit(projectPath, ref)
	if at == nil {
		return Commit{}, nil, false
	}
	var before map[string]file
	if parent := v.project(projectPath).repository.commits[at.parent]; parent != nil {
		before = parent.files
	}
	paths := maps.Clone(at.files)
	maps.Copy(paths, before)
	var changes []Change
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		was, had := before[path]
		is, has := at.files[path]
		if had && has && was.lastCommit == is.lastCommit {
			continue
		}
		var change Change
		if had {
			f := was.shown(path)
			change.Before = &f
		}
		if has {
			f := is.shown(path)
			change.After = &f
		}
		changes = append(changes, change)
	}
	return at.shown(), changes, true
}
