package gitlab

import (
	"fmt"
	"slices"
	"strings"
)

// The acts of people. Each names who acts; nobody stands for the administrator,
// "root". They obey the rules that the API obeys, and send the same webhooks.

// act does something as a user, who must exist.
func (s *Server) act(username string, do func(*User) error) error {
	return s.update(func() error {
		if username == "" {
			username = "root"
		}
		user := s.usernames[strings.ToLower(username)]
		if user == nil {
			return notFound("User")
		}
		return do(user)
	})
}

// actOnProject does something to a project that the user can see.
func (s *Server) actOnProject(path, username string, do func(*User, *project) error) error {
	return s.act(username, func(user *User) error {
		p, _ := s.paths[routeKey(path)].(*project)
		if p == nil || !p.visibleTo(user) {
			return notFound("Project")
		}
		return do(user, p)
	})
}

// actOnIssue does something to an issue that the user can see.
func (s *Server) actOnIssue(path string, iid int, username string, do func(*User, *project, *issue) error) error {
	return s.actOnProject(path, username, func(user *User, p *project) error {
		i := p.byIID[iid]
		if i == nil || !i.visibleTo(user, p) {
			return notFound("Issue")
		}
		return do(user, p, i)
	})
}

// CreateGroup makes a private group, and those on the way to it, with its owners
// as its only members: "root" when none is named.
func (s *Server) CreateGroup(fullPath string, owners ...string) (made Group, err error) {
	err = s.act("", func(root *User) error {
		g, err := s.ensureGroup(root, fullPath)
		if err != nil {
			return err
		}
		for _, owner := range owners {
			user := s.usernames[strings.ToLower(owner)]
			if user == nil {
				return notFound("User")
			}
			g.members.add(user, Owner, s.now())
		}
		if len(owners) > 0 && !slices.ContainsFunc(owners, func(owner string) bool { return strings.EqualFold(owner, root.Username) }) {
			delete(g.members, root.ID)
		}
		made = g.Group
		return nil
	})
	return made, err
}

func (s *Server) ensureGroup(root *User, fullPath string) (*group, error) {
	var g *group
	for path := range strings.SplitSeq(fullPath, "/") {
		full := joinPath(g, path)
		next, ok := s.paths[routeKey(full)].(*group)
		if ok && strings.EqualFold(full, fullPath) {
			return nil, (invalid{"path": {"has already been taken"}}).inspected("Failed to save group", s.options.NewHashErrors)
		}
		if !ok {
			var err error
			if next, err = s.createGroup(root, Group{Name: path, Path: path}, g); err != nil {
				return nil, err
			}
		}
		g = next
	}
	return g, nil
}

// AddGroupMember adds a user to a group, or changes the user's level there.
func (s *Server) AddGroupMember(groupPath, username string, accessLevel int) error {
	return s.addTo(groupPath, username, accessLevel)
}

// AddProjectMember adds a user to a project, or changes the user's level there.
func (s *Server) AddProjectMember(projectPath, username string, accessLevel int) error {
	return s.addTo(projectPath, username, accessLevel)
}

func (s *Server) addTo(path, username string, accessLevel int) error {
	return s.act(username, func(user *User) error {
		in, ok := s.paths[routeKey(path)].(source)
		if !ok {
			return notFound("")
		}
		if !validAccess(accessLevel) {
			return badRequest(fmt.Sprintf("no access level %d", accessLevel))
		}
		in.direct().add(user, accessLevel, s.now())
		return nil
	})
}

// RemoveMember takes a user out of a group or project.
func (s *Server) RemoveMember(path, username string) error {
	return s.act(username, func(user *User) error {
		in, ok := s.paths[routeKey(path)].(source)
		if !ok || in.direct()[user.ID] == nil {
			return notFound("")
		}
		delete(in.direct(), user.ID)
		return nil
	})
}

// CreateProject makes an empty project in a group that exists, with owners.
func (s *Server) CreateProject(fullPath string, owners ...string) (made Project, err error) {
	err = s.act("", func(root *User) error {
		at := strings.LastIndex(fullPath, "/")
		if at < 0 {
			return badRequest(obj{"namespace": []string{"is not valid"}})
		}
		in, _ := s.paths[routeKey(fullPath[:at])].(*group)
		p, err := s.createProject(root, Project{Path: fullPath[at+1:]}, in)
		if err != nil {
			return err
		}
		for _, owner := range owners {
			user := s.usernames[strings.ToLower(owner)]
			if user == nil {
				return notFound("User")
			}
			p.members.add(user, Owner, s.now())
		}
		made = p.Project
		return nil
	})
	return made, err
}

// CommitFiles puts files on a project's default branch, in one commit.
func (s *Server) CommitFiles(projectPath, username, message string, files map[string]string) error {
	return s.actOnProject(projectPath, username, func(user *User, p *project) error {
		in := commitInput{branch: p.DefaultBranch, message: message}
		existing := p.repository.tree(p.DefaultBranch)
		for path, content := range files {
			action := "create"
			if _, ok := existing[path]; ok {
				action = "update"
			}
			in.actions = append(in.actions, commitAction{action: action, path: path, content: []byte(content)})
		}
		_, err := s.commit(user, p, in)
		return err
	})
}

// ArchiveProject archives a project, or brings it back.
func (s *Server) ArchiveProject(projectPath, username string, archived bool) error {
	return s.actOnProject(projectPath, username, func(user *User, p *project) error {
		if err := require(user, p, Owner); err != nil {
			return err
		}
		p.Archived = archived
		p.UpdatedAt = s.now()
		return nil
	})
}

// MoveProject gives a project another path within its group.
func (s *Server) MoveProject(projectPath, username, newPath string) error {
	return s.actOnProject(projectPath, username, func(user *User, p *project) error {
		if err := require(user, p, Owner); err != nil {
			return err
		}
		changed := p.Project
		changed.Path = newPath
		if err := s.checkProject(p, changed, p.group); err != nil {
			return err
		}
		s.replaceProject(p, changed)
		return nil
	})
}

// MoveGroup gives a group another path within its parent.
func (s *Server) MoveGroup(groupPath, username, newPath string) error {
	return s.actOnGroup(groupPath, username, func(g *group) error {
		changed := g.Group
		changed.Path = newPath
		if err := s.checkGroup(g, changed, g.parent); err != nil {
			return err
		}
		g.Path = newPath
		s.reroute(g)
		return nil
	})
}

// SetVisibility changes who sees a group.
func (s *Server) SetVisibility(groupPath, username, visibility string) error {
	return s.actOnGroup(groupPath, username, func(g *group) error {
		changed := g.Group
		changed.Visibility = visibility
		if err := s.checkGroup(g, changed, g.parent); err != nil {
			return err
		}
		g.Visibility = visibility
		return nil
	})
}

func (s *Server) actOnGroup(path, username string, do func(*group) error) error {
	return s.act(username, func(user *User) error {
		g, _ := s.paths[routeKey(path)].(*group)
		if g == nil || g.Kind != kindGroup || !g.visibleTo(user) {
			return notFound("Group")
		}
		if err := require(user, g, Owner); err != nil {
			return err
		}
		return do(g)
	})
}

// DeleteProject marks a project for deletion.
func (s *Server) DeleteProject(projectPath, username string) error {
	return s.actOnProject(projectPath, username, func(user *User, p *project) error {
		if err := require(user, p, Owner); err != nil {
			return err
		}
		return s.markProject(p)
	})
}

// PurgeProject removes a project for good, marked or not.
func (s *Server) PurgeProject(projectPath string) error {
	return s.actOnProject(projectPath, "", func(_ *User, p *project) error {
		s.removeProject(p)
		return nil
	})
}

// DeleteGroup marks a group for deletion.
func (s *Server) DeleteGroup(groupPath, username string) error {
	return s.actOnGroup(groupPath, username, s.markGroup)
}

// PurgeGroup removes a group and all inside it for good, marked or not.
func (s *Server) PurgeGroup(groupPath string) error {
	return s.actOnGroup(groupPath, "", func(g *group) error {
		s.removeGroup(g)
		return nil
	})
}

// OpenIssue makes an issue.
func (s *Server) OpenIssue(projectPath, username, title, description string, labels ...string) (made Issue, err error) {
	err = s.actOnProject(projectPath, username, func(user *User, p *project) error {
		if err := require(user, p, Guest); err != nil {
			return err
		}
		if err := p.open(); err != nil {
			return err
		}
		i, err := s.createIssue(user, p, issueInput{title: title, description: description, labels: labels})
		if err == nil {
			made = i.Issue
		}
		return err
	})
	return made, err
}

// SkipIssues has a project number its next issue behind iid, as if those up to it had
// been deleted.
func (s *Server) SkipIssues(projectPath string, iid int) error {
	return s.actOnProject(projectPath, "", func(_ *User, p *project) error {
		p.lastIID = max(p.lastIID, iid)
		return nil
	})
}

// Comment posts a note; quick actions in it are carried out.
func (s *Server) Comment(projectPath string, iid int, username, text string) error {
	return s.actOnIssue(projectPath, iid, username, func(user *User, p *project, i *issue) error {
		if err := require(user, p, Guest); err != nil {
			return err
		}
		_, _, err := s.comment(user, p, i, Note{Body: text})
		return err
	})
}

// Reply answers a comment, in its thread; quick actions are carried out.
func (s *Server) Reply(projectPath string, iid, noteID int, username, text string) error {
	return s.actOnIssue(projectPath, iid, username, func(user *User, p *project, i *issue) error {
		if err := require(user, p, Guest); err != nil {
			return err
		}
		at := slices.IndexFunc(i.notes, func(n *Note) bool { return n.ID == noteID })
		if at < 0 || i.notes[at].Internal && level(user, p) < Planner {
			return notFound("Note")
		}
		reply, err := replyTo(i.notes[at])
		if err != nil {
			return err
		}
		reply.Body = text
		_, _, err = s.comment(user, p, i, reply)
		return err
	})
}

// edit changes an issue as its author or somebody with the right to.
func (s *Server) edit(projectPath string, iid int, username string, needed int, change func(*issue) (issueChange, error)) error {
	return s.actOnIssue(projectPath, iid, username, func(user *User, p *project, i *issue) error {
		if err := mayEdit(user, p, i); err != nil {
			return err
		}
		if err := require(user, p, needed); err != nil {
			return err
		}
		wanted, err := change(i)
		if err != nil {
			return err
		}
		return s.editIssue(user, p, i, wanted)
	})
}

// SetLabels replaces the labels of an issue.
func (s *Server) SetLabels(projectPath string, iid int, username string, labels ...string) error {
	return s.edit(projectPath, iid, username, Planner, func(*issue) (issueChange, error) {
		return issueChange{labels: &labels}, nil
	})
}

// ChangeLabels adds labels to an issue and takes others off.
func (s *Server) ChangeLabels(projectPath string, iid int, username string, add, remove []string) error {
	return s.edit(projectPath, iid, username, Planner, func(*issue) (issueChange, error) {
		return issueChange{addLabels: add, removeLabels: remove}, nil
	})
}

// AddLabel puts a label on an issue.
func (s *Server) AddLabel(projectPath string, iid int, username, label string) error {
	return s.ChangeLabels(projectPath, iid, username, []string{label}, nil)
}

// RemoveLabel takes a label off an issue.
func (s *Server) RemoveLabel(projectPath string, iid int, username, label string) error {
	return s.ChangeLabels(projectPath, iid, username, nil, []string{label})
}

// CloseIssue closes an issue.
func (s *Server) CloseIssue(projectPath string, iid int, username string) error {
	return s.edit(projectPath, iid, username, 0, func(*issue) (issueChange, error) {
		return issueChange{state: "close"}, nil
	})
}

// ReopenIssue opens an issue again.
func (s *Server) ReopenIssue(projectPath string, iid int, username string) error {
	return s.edit(projectPath, iid, username, 0, func(*issue) (issueChange, error) {
		return issueChange{state: "reopen"}, nil
	})
}

// EditTitle changes the title of an issue.
func (s *Server) EditTitle(projectPath string, iid int, username, title string) error {
	return s.edit(projectPath, iid, username, 0, func(*issue) (issueChange, error) {
		return issueChange{title: &title}, nil
	})
}

// EditDescription changes the description of an issue; quick actions in it are
// carried out.
func (s *Server) EditDescription(projectPath string, iid int, username, description string) error {
	return s.edit(projectPath, iid, username, 0, func(*issue) (issueChange, error) {
		return issueChange{description: &description}, nil
	})
}

// TickBox ticks the first box of the description whose text contains item and
// which is not ticked yet.
func (s *Server) TickBox(projectPath string, iid int, username, item string) error {
	return s.setBox(projectPath, iid, username, item, " ", "x")
}

// UntickBox is the reverse of TickBox.
func (s *Server) UntickBox(projectPath string, iid int, username, item string) error {
	return s.setBox(projectPath, iid, username, item, "xX", " ")
}

func (s *Server) setBox(projectPath string, iid int, username, item, from, to string) error {
	return s.edit(projectPath, iid, username, 0, func(i *issue) (issueChange, error) {
		for _, at := range checkbox.FindAllStringSubmatchIndex(i.Description, -1) {
			if strings.Contains(i.Description[at[8]:at[9]], item) && strings.Contains(from, i.Description[at[4]:at[5]]) {
				description := i.Description[:at[4]] + to + i.Description[at[5]:]
				return issueChange{description: &description}, nil
			}
		}
		return issueChange{}, refuse(422, "no such box: "+item)
	})
}

// SetBox ticks or unticks the box whose bracket stands at an offset of the
// description, provided that its text is still item: others edit, too.
func (s *Server) SetBox(projectPath string, iid int, username string, offset int, item string, done bool) error {
	return s.edit(projectPath, iid, username, 0, func(i *issue) (issueChange, error) {
		for _, at := range checkbox.FindAllStringSubmatchIndex(i.Description, -1) {
			if at[4] != offset+1 || strings.TrimSpace(i.Description[at[8]:at[9]]) != strings.TrimSpace(item) {
				continue
			}
			mark := " "
			if done {
				mark = "x"
			}
			description := i.Description[:at[4]] + mark + i.Description[at[5]:]
			return issueChange{description: &description}, nil
		}
		return issueChange{}, conflict("The description has changed since: look at it again")
	})
}

// DeleteIssue removes an issue for good.
func (s *Server) DeleteIssue(projectPath string, iid int, username string) error {
	return s.actOnIssue(projectPath, iid, username, func(user *User, p *project, i *issue) error {
		if err := require(user, p, Owner); err != nil {
			return err
		}
		s.removeIssue(p, i)
		return nil
	})
}

// EditNote changes a comment.
func (s *Server) EditNote(projectPath string, iid, noteID int, username, text string) error {
	return s.actOnIssue(projectPath, iid, username, func(user *User, p *project, i *issue) error {
		at := slices.IndexFunc(i.notes, func(n *Note) bool { return n.ID == noteID && !n.System })
		if at < 0 {
			return notFound("Note")
		}
		return s.editNote(user, p, i, i.notes[at], text)
	})
}
