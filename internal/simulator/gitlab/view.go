package gitlab

import (
	"context"
	"slices"
)

// View reads the state at one moment. It is only good within the function that
// it was given to, which must not call the Server's own methods.
type View struct{ s *Server }

// WaitFor waits until done says so, looking again after each change.
func (s *Server) WaitFor(ctx context.Context, done func(View) bool) error {
	for {
		var ok bool
		var changed <-chan struct{}
		s.Read(func(v View) { ok, changed = done(v), s.changed })
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Read looks at the state at one moment.
func (s *Server) Read(look func(View)) {
	_ = s.read(func() error {
		look(View{s})
		return nil
	})
}

func snapshot[T any](s *Server, read func(View) T) (answer T) {
	s.Read(func(v View) { answer = read(v) })
	return answer
}

// Groups are all groups, in order of creation.
func (v View) Groups() []Group {
	var list []Group
	for _, g := range v.s.groupList {
		if g.Kind == kindGroup {
			list = append(list, g.Group)
		}
	}
	return list
}

// Group finds a group by its full path.
func (v View) Group(path string) (Group, bool) {
	if g, ok := v.s.paths[routeKey(path)].(*group); ok && g.Kind == kindGroup {
		return g.Group, true
	}
	return Group{}, false
}

// Projects are all projects, in order of creation.
func (v View) Projects() []Project {
	list := make([]Project, len(v.s.projectList))
	for at, p := range v.s.projectList {
		list[at] = p.Project
	}
	return list
}

// Project finds a project by its full path.
func (v View) Project(path string) (Project, bool) {
	if p := v.project(path); p != nil {
		return p.Project, true
	}
	return Project{}, false
}

func (v View) project(path string) *project {
	p, _ := v.s.paths[routeKey(path)].(*project)
	return p
}

func (v View) issue(projectPath string, iid int) *issue {
	if p := v.project(projectPath); p != nil {
		return p.byIID[iid]
	}
	return nil
}

// IssueCount is how many issues a project has, open or closed.
func (v View) IssueCount(projectPath string) int {
	if p := v.project(projectPath); p != nil {
		return len(p.issues)
	}
	return 0
}

// Issues are those of a project, in order of creation.
func (v View) Issues(projectPath string) []Issue {
	p := v.project(projectPath)
	if p == nil {
		return nil
	}
	list := make([]Issue, len(p.issues))
	for at, i := range p.issues {
		list[at] = i.Issue
	}
	return list
}

// Issue finds an issue by its project and number.
func (v View) Issue(projectPath string, iid int) (Issue, bool) {
	if i := v.issue(projectPath, iid); i != nil {
		return i.Issue, true
	}
	return Issue{}, false
}

// Notes are those of an issue, GitLab's own included, oldest first.
func (v View) Notes(projectPath string, iid int) []Note {
	i := v.issue(projectPath, iid)
	if i == nil {
		return nil
	}
	list := make([]Note, len(i.notes))
	for at, n := range i.notes {
		list[at] = *n
	}
	return list
}

// Files are those of a project's default branch, by path.
func (v View) Files(projectPath string) map[string]string {
	files := map[string]string{}
	if p := v.project(projectPath); p != nil {
		for path, f := range p.repository.tree(p.DefaultBranch) {
			files[path] = string(f.content)
		}
	}
	return files
}

// Commits is how many commits a project's default branch has.
func (v View) Commits(projectPath string) int {
	n := 0
	if p := v.project(projectPath); p != nil {
		for m := p.repository.at(p.DefaultBranch); m != nil; m = p.repository.commits[m.parent] {
			n++
		}
	}
	return n
}

func (v View) source(path string) source {
	in, _ := v.s.paths[routeKey(path)].(source)
	return in
}

// Members are the direct members of a group or project.
func (v View) Members(path string) []Member {
	if in := v.source(path); in != nil {
		return in.direct().snapshot()
	}
	return nil
}

// Invitations are the pending invitations to a group or project.
func (v View) Invitations(path string) []Invitation {
	var list []Invitation
	if in := v.source(path); in != nil {
		for _, i := range *in.invited() {
			list = append(list, *i)
		}
	}
	return list
}

// Labels are the labels that a group or project has of its own, by name.
func (v View) Labels(path string) []Label {
	var list []Label
	if in, ok := v.s.paths[routeKey(path)].(labelled); ok {
		for _, l := range in.ownLabels().sorted() {
			list = append(list, *l)
		}
	}
	return list
}

// Hooks are the webhooks of a project.
func (v View) Hooks(projectPath string) []Hook {
	var list []Hook
	if p := v.project(projectPath); p != nil {
		for _, h := range p.hooks {
			list = append(list, h.Hook)
		}
	}
	return list
}

// Mentions are all @names that were notified, in order.
func (v View) Mentions() []Mention { return slices.Clone(v.s.mentions) }

// QuickActions are all commands that were found in texts, in order.
func (v View) QuickActions() []QuickAction { return slices.Clone(v.s.quickActions) }

// The same for one look, each under its own lock.

// Groups is View.Groups.
func (s *Server) Groups() []Group { return snapshot(s, View.Groups) }

// Projects is View.Projects.
func (s *Server) Projects() []Project { return snapshot(s, View.Projects) }

// Issues is View.Issues.
func (s *Server) Issues(projectPath string) []Issue {
	return snapshot(s, func(v View) []Issue { return v.Issues(projectPath) })
}

// Notes is View.Notes.
func (s *Server) Notes(projectPath string, iid int) []Note {
	return snapshot(s, func(v View) []Note { return v.Notes(projectPath, iid) })
}

// Files is View.Files.
func (s *Server) Files(projectPath string) map[string]string {
	return snapshot(s, func(v View) map[string]string { return v.Files(projectPath) })
}

// Members is View.Members.
func (s *Server) Members(path string) []Member {
	return snapshot(s, func(v View) []Member { return v.Members(path) })
}

// Invitations is View.Invitations.
func (s *Server) Invitations(path string) []Invitation {
	return snapshot(s, func(v View) []Invitation { return v.Invitations(path) })
}

// Labels is View.Labels.
func (s *Server) Labels(path string) []Label {
	return snapshot(s, func(v View) []Label { return v.Labels(path) })
}

// Mentions is View.Mentions.
func (s *Server) Mentions() []Mention { return snapshot(s, View.Mentions) }

// QuickActions is View.QuickActions.
func (s *Server) QuickActions() []QuickAction { return snapshot(s, View.QuickActions) }
