package gitlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	savedAs = "simulated GitLab"
	// savedVersion is raised when what is saved changes its meaning.
	savedVersion = 1
)

// saved is everything that a GitLab holds, as it is written: what refers to
// something else does so by number, and contents of files stand once.
type saved struct {
	Kind         string
	Version      int
	Users        []User
	Tokens       []Token
	Groups       []savedGroup
	Projects     []savedProject
	Blobs        map[string][]byte
	MovedGroups  map[string]int // what left a path
	MovedProject map[string]int
	Mentions     []Mention
	QuickActions []QuickAction
	Last         map[string]int
}

type savedGroup struct {
	Group

	Children    []int
	Projects    []int
	Members     []Member
	Invitations []Invitation
	Labels      []Label
}

type savedProject struct {
	Project

	Members     []Member
	Invitations []Invitation
	Labels      []Label
	Issues      []savedIssue
	LastIID     int
	Unordered   bool
	Hooks       []Hook
	Branches    map[string]string
	Commits     []savedCommit
}

type savedIssue struct {
	Issue

	Notes       []Note
	LabelEvents []LabelEvent
	StateEvents []StateEvent
	Comments    int
	TextAt      time.Time
	ClosedByID  int
	LastEditor  int
	LastEdition time.Time
}

type savedCommit struct {
	ID, Parent               string
	Message                  string
	AuthorName, AuthorEmail  string
	Committer, CommitterMail string
	At                       time.Time
	Files                    map[string]savedFile
}

type savedFile struct {
	Blob       string
	Executable bool
	LastCommit string
}

// Save writes everything that this GitLab holds, as of one moment. Webhooks on
// their way, the limits' counters and the Options are no part of it.
func (s *Server) Save(w io.Writer) error {
	var all *saved
	_ = s.read(func() error {
		all = s.pack()
		return nil
	})
	if err := json.NewEncoder(w).Encode(all); err != nil { //nolint:musttag // fields go by their names; a renamed one is refused as unknown, see savedVersion
		return fmt.Errorf("gitlab: save: %w", err)
	}
	return nil
}

// values copies what pointers point at.
func values[T any](list []*T) []T {
	if list == nil {
		return nil
	}
	copied := make([]T, len(list))
	for at, item := range list {
		copied[at] = *item
	}
	return copied
}

// pointers is the reverse of values.
func pointers[T any](list []T) []*T {
	if list == nil {
		return nil
	}
	copied := make([]*T, len(list))
	for at := range list {
		item := list[at]
		copied[at] = &item
	}
	return copied
}

func (s *state) pack() *saved {
	all := &saved{
		Kind: savedAs, Version: savedVersion, Blobs: map[string][]byte{}, MovedGroups: map[string]int{}, MovedProject: map[string]int{},
		Mentions: slices.Clone(s.mentions), QuickActions: slices.Clone(s.quickActions), Last: maps.Clone(s.last),
	}
	for _, id := range slices.Sorted(maps.Keys(s.users)) {
		all.Users = append(all.Users, *s.users[id])
	}
	for _, token := range s.tokens {
		all.Tokens = append(all.Tokens, *token)
	}
	slices.SortFunc(all.Tokens, func(a, b Token) int { return a.ID - b.ID })
	for _, g := range s.groupList {
		packed := savedGroup{
			Group: g.Group, Members: g.members.snapshot(), Invitations: values(g.invitations), Labels: values(g.labels.sorted()),
		}
		for _, child := range g.children {
			packed.Children = append(packed.Children, child.ID)
		}
		for _, p := range g.projects {
			packed.Projects = append(packed.Projects, p.ID)
		}
		all.Groups = append(all.Groups, packed)
	}
	for _, p := range s.projectList {
		all.Projects = append(all.Projects, p.pack(all.Blobs))
	}
	for path, in := range s.moved {
		switch in := in.(type) {
		case *group:
			if s.groups[in.ID] == in {
				all.MovedGroups[path] = in.ID
			}
		case *project:
			if s.projects[in.ID] == in {
				all.MovedProject[path] = in.ID
			}
		}
	}
	return all
}

func (p *project) pack(blobs map[string][]byte) savedProject {
	packed := savedProject{
		Project: p.Project, Members: p.members.snapshot(), Invitations: values(p.invitations), Labels: values(p.labels.sorted()),
		LastIID: p.lastIID, Unordered: p.unordered, Branches: maps.Clone(p.repository.branches),
	}
	for _, i := range p.issues {
		packed.Issues = append(packed.Issues, savedIssue{
			Issue: i.Issue, Notes: values(i.notes), LabelEvents: slices.Clone(i.labelEvents), StateEvents: slices.Clone(i.stateEvents), Comments: i.comments, TextAt: i.textAt, ClosedByID: i.closedByID,
			LastEditor: i.lastEditor, LastEdition: i.lastEdition,
		})
	}
	for _, h := range p.hooks {
		packed.Hooks = append(packed.Hooks, h.Hook)
	}
	for _, id := range slices.Sorted(maps.Keys(p.repository.commits)) {
		c := p.repository.commits[id]
		files := make(map[string]savedFile, len(c.files))
		for path, f := range c.files {
			blob := f.blob()
			blobs[blob] = f.content
			files[path] = savedFile{Blob: blob, Executable: f.executable, LastCommit: f.lastCommit}
		}
		packed.Commits = append(packed.Commits, savedCommit{
			ID: c.id, Parent: c.parent, Message: c.message, AuthorName: c.authorName, AuthorEmail: c.authorEmail,
			Committer: c.committer, CommitterMail: c.committerMail, At: c.at, Files: files,
		})
	}
	return packed
}

// Load replaces everything that this GitLab holds by what Save wrote; after an
// error, nothing has changed. The user and token of the Options are there
// afterwards in any case.
func (s *Server) Load(r io.Reader) error {
	decoder := json.NewDecoder(r)
	var raw json.RawMessage
	if err := decoder.Decode(&raw); err != nil {
		return fmt.Errorf("gitlab: load: no saved GitLab, or one that was cut off: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("gitlab: load: something follows the saved GitLab")
	}
	var head struct {
		Kind    string
		Version int
	}
	if err := json.Unmarshal(raw, &head); err != nil || head.Kind != savedAs { //nolint:musttag // fields go by their names; a renamed one is refused as unknown, see savedVersion
		return errors.New("gitlab: load: this is no saved GitLab")
	}
	if head.Version != savedVersion {
		return fmt.Errorf("gitlab: load: saved as version %d, and this program reads version %d: use the program that saved it, or start anew",
			head.Version, savedVersion)
	}
	var all saved
	strict := json.NewDecoder(strings.NewReader(string(raw)))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&all); err != nil { //nolint:musttag // fields go by their names; a renamed one is refused as unknown, see savedVersion
		return fmt.Errorf("gitlab: load: %w", err)
	}
	loaded, err := all.unpack()
	if err != nil {
		return fmt.Errorf("gitlab: load: the saved GitLab contradicts itself: %w", err)
	}
	return s.update(func() error {
		s.state = *loaded
		if s.options.Token != "" && s.tokens[s.options.Token] == nil {
			user := s.usernames[strings.ToLower(s.options.Username)]
			if user == nil {
				user = s.addUser(s.options.Username, s.options.Admin)
			}
			s.addToken(user, Token{Value: s.options.Token})
		}
		return nil
	})
}

// unpacker builds a state, and keeps the first thing that is wrong with it.
type unpacker struct {
	state

	err error
}

func (u *unpacker) check(ok bool, format string, args ...any) bool {
	if !ok && u.err == nil {
		u.err = fmt.Errorf(format, args...)
	}
	return ok
}

func (all *saved) unpack() (*state, error) {
	u := &unpacker{state: newState()}
	for kind, n := range all.Last {
		u.check(n >= u.last[kind], "the last %s cannot be number %d", kind, n)
		u.last[kind] = n
	}
	u.mentions, u.quickActions = all.Mentions, all.QuickActions
	u.unpackUsers(all)
	for at := range all.Groups {
		u.unpackGroup(&all.Groups[at])
	}
	for at := range all.Projects {
		u.unpackProject(&all.Projects[at], all.Blobs)
	}
	for at := range all.Groups {
		u.place(&all.Groups[at])
	}
	for _, g := range u.groupList {
		u.check(g.ParentID == 0 || g.parent != nil, "group %d is in no group", g.ID)
	}
	for _, p := range u.projectList {
		u.check(p.group != nil, "project %d is in no group", p.ID)
	}
	if u.err != nil {
		return nil, u.err
	}
	for _, user := range u.users {
		home, ok := u.paths[routeKey(user.Username)].(*group)
		u.check(ok && home.Kind == kindUser && home.OwnerID == user.ID, "user %d has no namespace", user.ID)
	}
	u.checkPaths()
	for path, id := range all.MovedGroups {
		if u.check(u.groups[id] != nil, "group %d does not exist", id) {
			u.moved[path] = u.groups[id]
		}
	}
	for path, id := range all.MovedProject {
		if u.check(u.projects[id] != nil, "project %d does not exist", id) {
			u.moved[path] = u.projects[id]
		}
	}
	return &u.state, u.err
}

func (u *unpacker) unpackUsers(all *saved) {
	for _, user := range pointers(all.Users) {
		name, email := strings.ToLower(user.Username), strings.ToLower(user.Email)
		u.check(user.ID > 0 && user.ID <= u.last["user"] && u.users[user.ID] == nil && u.usernames[name] == nil && u.emails[email] == nil,
			"user %d is there twice, or out of order", user.ID)
		u.users[user.ID], u.usernames[name], u.emails[email] = user, user, user
	}
	u.check(u.usernames["root"] != nil, "there is no root")
	for _, token := range pointers(all.Tokens) {
		u.check(u.users[token.UserID] != nil && u.tokens[token.Value] == nil && token.Value != "", "token %d is nobody's, or there twice", token.ID)
		u.tokens[token.Value] = token
	}
}

func (u *unpacker) members(in string, list []Member) members {
	unpacked := members{}
	for _, m := range pointers(list) {
		u.check(u.users[m.UserID] != nil && unpacked[m.UserID] == nil, "%s: member %d is nobody, or there twice", in, m.UserID)
		unpacked[m.UserID] = m
	}
	return unpacked
}

func (u *unpacker) labels(in string, list []Label) labels {
	unpacked := labels{}
	for _, l := range pointers(list) {
		u.check(l.Name != "" && unpacked[l.Name] == nil, "%s: label %d is there twice, or has no name", in, l.ID)
		unpacked[l.Name] = l
	}
	return unpacked
}

func (u *unpacker) unpackGroup(packed *savedGroup) {
	in := fmt.Sprintf("group %d", packed.ID)
	g := &group{
		Group: packed.Group, childNames: map[string]*group{}, projectNames: map[string]*project{},
		members: u.members(in, packed.Members), invitations: pointers(packed.Invitations), labels: u.labels(in, packed.Labels),
	}
	u.check(g.ID > 0 && g.ID <= u.last["namespace"] && u.groups[g.ID] == nil, "%s is there twice, or out of order", in)
	u.check(g.Kind == kindGroup || g.Kind == kindUser && u.users[g.OwnerID] != nil, "%s is no group", in)
	u.groups[g.ID] = g
	u.groupList = append(u.groupList, g)
	u.take(g.FullPath, g)
}

func (u *unpacker) take(path string, in any) {
	u.check(path != "" && u.paths[routeKey(path)] == nil, "two have the path %q", path)
	u.paths[routeKey(path)] = in
}

// place puts what a group holds into it, in order.
func (u *unpacker) place(packed *savedGroup) {
	g := u.groups[packed.ID]
	for _, id := range packed.Children {
		child := u.groups[id]
		if u.check(child != nil && child != g && child.parent == nil && child.ParentID == g.ID, "group %d is not in group %d", id, g.ID) {
			child.parent = g
			g.children = append(g.children, child)
			u.check(g.childNames[child.Name] == nil, "two groups in group %d have one name", g.ID)
			g.childNames[child.Name] = child
		}
	}
	for _, id := range packed.Projects {
		p := u.projects[id]
		if u.check(p != nil && p.group == nil && p.NamespaceID == g.ID, "project %d is not in group %d", id, g.ID) {
			p.group = g
			g.projects = append(g.projects, p)
			u.check(g.projectNames[p.Name] == nil, "two projects in group %d have one name", g.ID)
			g.projectNames[p.Name] = p
		}
	}
}

// checkPaths holds the full paths against the tree; no group is within itself then,
// because a path is longer than those on the way to it.
func (u *unpacker) checkPaths() {
	for _, g := range u.groupList {
		u.check(g.FullPath == joinPath(g.parent, g.Path), "group %d has the path %q", g.ID, g.FullPath)
	}
	for _, p := range u.projectList {
		u.check(p.FullPath == joinPath(p.group, p.Path), "project %d has the path %q", p.ID, p.FullPath)
	}
}

func (u *unpacker) unpackProject(packed *savedProject, blobs map[string][]byte) {
	in := fmt.Sprintf("project %d", packed.ID)
	p := &project{
		Project: packed.Project, members: u.members(in, packed.Members), invitations: pointers(packed.Invitations),
		labels: u.labels(in, packed.Labels), byIID: map[int]*issue{}, lastIID: packed.LastIID, unordered: packed.Unordered,
	}
	u.check(p.ID > 0 && p.ID <= u.last["project"] && u.projects[p.ID] == nil, "%s is there twice, or out of order", in)
	u.projects[p.ID] = p
	u.projectList = append(u.projectList, p)
	u.take(p.FullPath, p)
	for at := range packed.Issues {
		u.unpackIssue(p, &packed.Issues[at])
	}
	for _, h := range packed.Hooks {
		u.check(u.hooks[h.ID] == nil && h.ID > 0 && h.ID <= u.last["hook"], "hook %d is there twice, or out of order", h.ID)
		u.hooks[h.ID] = &hook{Hook: h, project: p}
		p.hooks = append(p.hooks, u.hooks[h.ID])
	}
	u.unpackRepository(p, packed, blobs)
}

func (u *unpacker) unpackIssue(p *project, packed *savedIssue) {
	i := &issue{
		Issue: packed.Issue, notes: pointers(packed.Notes), labelEvents: packed.LabelEvents, stateEvents: packed.StateEvents, comments: packed.Comments, textAt: packed.TextAt,
		closedByID: packed.ClosedByID, lastEditor: packed.LastEditor, lastEdition: packed.LastEdition,
	}
	in := fmt.Sprintf("issue %d of project %d", i.IID, p.ID)
	u.check(i.ID > 0 && i.ID <= u.last["issue"] && i.IID > 0 && i.IID <= p.lastIID && p.byIID[i.IID] == nil && i.ProjectID == p.ID, "%s is there twice, or out of order", in)
	u.check(i.State == opened || i.State == closed, "%s is neither open nor closed", in)
	u.check(u.users[i.AuthorID] != nil && (i.closedByID == 0 || u.users[i.closedByID] != nil), "%s is nobody's", in)
	for _, id := range i.AssigneeIDs {
		u.check(u.users[id] != nil, "%s is assigned to nobody", in)
	}
	for _, n := range i.notes {
		u.check(u.users[n.AuthorID] != nil && n.ID > 0 && n.ID <= u.last["note"], "%s: note %d is nobody's, or out of order", in, n.ID)
	}
	for _, e := range i.labelEvents {
		u.check(u.users[e.UserID] != nil && e.ID > 0 && e.ID <= u.last["label event"], "%s: label event %d is nobody's, or out of order", in, e.ID)
	}
	for _, e := range i.stateEvents {
		u.check(u.users[e.UserID] != nil && e.ID > 0 && e.ID <= u.last["state event"], "%s: state event %d is nobody's, or out of order", in, e.ID)
	}
	p.issues = append(p.issues, i)
	p.byIID[i.IID] = i
	if i.State == opened {
		p.openIssues++
	}
}

func (u *unpacker) unpackRepository(p *project, packed *savedProject, blobs map[string][]byte) {
	if packed.Branches == nil {
		u.check(len(packed.Commits) == 0, "project %d has commits and no branch", p.ID)
		return
	}
	p.repository = repository{branches: packed.Branches, commits: map[string]*commit{}}
	for _, c := range packed.Commits {
		u.check(len(c.ID) == 40 && p.repository.commits[c.ID] == nil, "project %d: commit %q is there twice", p.ID, c.ID)
		files := make(map[string]file, len(c.Files))
		for path, f := range c.Files {
			content, ok := blobs[f.Blob]
			u.check(ok && hash("blob", content) == f.Blob, "project %d: %q has lost its content", p.ID, path)
			files[path] = file{content: content, executable: f.Executable, lastCommit: f.LastCommit}
		}
		p.repository.commits[c.ID] = &commit{
			id: c.ID, parent: c.Parent, message: c.Message, authorName: c.AuthorName, authorEmail: c.AuthorEmail,
			committer: c.Committer, committerMail: c.CommitterMail, at: c.At, files: files,
		}
	}
	for name, id := range packed.Branches {
		u.check(p.repository.commits[id] != nil, "project %d: branch %q leads nowhere", p.ID, name)
	}
	for _, c := range p.repository.commits {
		u.check(c.parent == "" || p.repository.commits[c.parent] != nil, "project %d: commit %s has lost its parent", p.ID, c.id)
	}
	u.checkHistory(p)
}

// checkHistory refuses commits that are their own ancestors.
func (u *unpacker) checkHistory(p *project) {
	seen := map[string]int{}
	walk := 0
	for id := range p.repository.commits {
		walk++
		for c := p.repository.commits[id]; c != nil && seen[c.id] == 0; c = p.repository.commits[c.parent] {
			seen[c.id] = walk
			if parent := c.parent; parent != "" && seen[parent] == walk {
				u.check(false, "project %d: commit %s is its own ancestor", p.ID, c.id)
				return
			}
		}
	}
}
