package gitlab

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// commitInput is what a new commit is made of.
type commitInput struct {
	branch, startBranch     string
	message                 string
	authorName, authorEmail string
	force                   bool
	actions                 []commitAction
}

// commitAction is what a commit does to one file.
type commitAction struct {
	action           string // create, update, delete, move or chmod
	path, previous   string
	content          []byte
	keepContent      bool // a move without content
	lastCommit       string
	executable       bool
	changeExecutable bool
}

// mayPush refuses those who may not push to a branch: the default one is
// protected, once it exists.
func mayPush(user *User, p *project, branch string) error {
	needed := Developer
	if !p.EmptyRepository && branch == p.DefaultBranch {
		needed = Maintainer
	}
	if level(user, p) < needed {
		return forbidden("You are not allowed to push into this branch")
	}
	return nil
}

// commit makes one commit of several actions, or none at all.
func (s *Server) commit(user *User, p *project, in commitInput) (*commit, error) {
	if err := p.open(); err != nil {
		return nil, err
	}
	if err := mayPush(user, p, in.branch); err != nil {
		return nil, err
	}
	r := &p.repository
	parent := r.at(in.branch)
	_, exists := r.branches[in.branch]
	switch {
	case in.startBranch != "" && in.startBranch != in.branch && exists && !in.force:
		return nil, badRequest(fmt.Sprintf("A branch called '%s' already exists. Switch to that branch in order to make changes", in.branch))
	case in.startBranch != "" && in.startBranch != in.branch:
		if parent = r.at(in.startBranch); parent == nil {
			return nil, badRequest(fmt.Sprintf("Cannot find start_branch '%s'", in.startBranch))
		}
	case !exists && !p.EmptyRepository:
		return nil, badRequest("You can only create or edit files when you are on a branch")
	}
	files := map[string]file{}
	if parent != nil {
		files = maps.Clone(parent.files)
	}
	made := &commit{
		message: in.message, authorName: cmp.Or(in.authorName, user.Name), authorEmail: cmp.Or(in.authorEmail, user.Email),
		committer: user.Name, committerMail: user.Email, at: s.now(), files: files,
	}
	if parent != nil {
		made.parent = parent.id
	}
	s.last["commit"]++
	made.id = hash("commit", fmt.Appendf(nil, "%d %d %s %s", p.ID, s.last["commit"], made.parent, in.message))
	for _, action := range in.actions {
		if err := made.apply(action); err != nil {
			return nil, err
		}
	}
	if r.branches == nil {
		r.branches, r.commits = map[string]string{}, map[string]*commit{}
	}
	r.commits[made.id] = made
	r.branches[in.branch] = made.id
	if p.EmptyRepository {
		p.EmptyRepository = false
		p.DefaultBranch = in.branch
	}
	p.LastActivityAt = made.at
	return made, nil
}

func (c *commit) apply(action commitAction) error {
	at := action.path
	if clean := path.Clean(at); at == "" || clean != at || strings.HasPrefix(at, "/") || strings.HasPrefix(at, "../") || at == ".." ||
		at == ".git" || strings.HasPrefix(at, ".git/") {
		return badRequest("Path cannot include directory traversal")
	}
	if !utf8.ValidString(at) {
		return badRequest("Path must be valid UTF-8")
	}
	old, exists := c.files[at]
	stale := func(f file) bool { return action.lastCommit != "" && action.lastCommit != f.lastCommit }
	const changed = "You are attempting to %s a file that has changed since you started editing it."
	switch action.action {
	case "create":
		if exists {
			return badRequest("A file with this name already exists")
		}
		for other := range c.files {
			if strings.HasPrefix(other, at+"/") {
				return badRequest("A directory with this name already exists")
			}
			if strings.HasPrefix(at, other+"/") {
				return badRequest("A file with this name already exists")
			}
		}
		c.files[at] = file{content: action.content, executable: action.executable, lastCommit: c.id}
	case "update":
		if !exists {
			return badRequest("A file with this name doesn't exist")
		}
		if stale(old) {
			return badRequest(fmt.Sprintf(changed, "update"))
		}
		if action.changeExecutable {
			old.executable = action.executable
		}
		c.files[at] = file{content: action.content, executable: old.executable, lastCommit: c.id}
	case "delete":
		if !exists {
			return badRequest("A file with this name doesn't exist")
		}
		if stale(old) {
			return badRequest(fmt.Sprintf(changed, "delete"))
		}
		delete(c.files, at)
	case "move":
		previous, had := c.files[action.previous]
		switch {
		case action.previous == "":
			return badRequest("You must provide a previous path")
		case !had:
			return badRequest("A file with this name doesn't exist")
		case exists:
			return badRequest("A file with this name already exists")
		case stale(previous):
			return badRequest(fmt.Sprintf(changed, "move"))
		}
		delete(c.files, action.previous)
		if !action.keepContent {
			previous.content = action.content
		}
		previous.lastCommit = c.id
		c.files[at] = previous
	case "chmod":
		if !exists {
			return badRequest("A file with this name doesn't exist")
		}
		old.executable, old.lastCommit = action.executable, c.id
		c.files[at] = old
	default:
		return &Error{Status: http.StatusBadRequest, Body: obj{"error": "actions[action] does not have a valid value"}}
	}
	return nil
}

// commitActions reads the actions of a request.
func (c *call) commitActions() ([]commitAction, error) {
	items, ok := c.values["actions"].([]any)
	if !ok || len(items) == 0 {
		return nil, missing("actions")
	}
	actions := make([]commitAction, len(items))
	for at, item := range items {
		values, ok := item.(obj)
		if !ok {
			return nil, invalidParams("actions")
		}
		fields := &params{values: values}
		action, err := fields.commitAction(fields.str("action"), fields.str("file_path"))
		if err != nil {
			return nil, err
		}
		if action.path == "" {
			return nil, missing(fmt.Sprintf("actions[%d][file_path]", at))
		}
		actions[at] = action
	}
	return actions, nil
}

func (p *params) commitAction(action, path string) (commitAction, error) {
	a := commitAction{
		action: action, path: path, previous: p.str("previous_path"), content: []byte(p.str("content")),
		keepContent: !p.has("content"), lastCommit: p.str("last_commit_id"),
		executable: p.bool("execute_filemode", false), changeExecutable: p.has("execute_filemode"),
	}
	switch encoding := p.str("encoding"); encoding {
	case "", "text":
	case "base64":
		decoded, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(a.content)))
		if err != nil {
			return a, badRequest("Invalid base64")
		}
		a.content = decoded
	default:
		return a, &Error{Status: http.StatusBadRequest, Body: obj{"error": "encoding does not have a valid value"}}
	}
	return a, p.err()
}

func (c *call) commitJSON(p *project, m *commit) any {
	title, _, _ := strings.Cut(m.message, "\n")
	parents := []string{}
	if m.parent != "" {
		parents = append(parents, m.parent)
	}
	return obj{
		"id": m.id, "short_id": m.id[:8], "created_at": stamp(m.at), "parent_ids": parents, "title": title, "message": m.message,
		"author_name": m.authorName, "author_email": m.authorEmail, "authored_date": stamp(m.at),
		"committer_name": m.committer, "committer_email": m.committerMail, "committed_date": stamp(m.at),
		"trailers": obj{}, "extended_trailers": obj{}, "web_url": c.server.url() + "/" + p.FullPath + "/-/commit/" + m.id,
		"status": nil, "project_id": p.ID, "last_pipeline": nil,
		"stats": obj{"additions": 0, "deletions": 0, "total": 0},
	}
}

func (c *call) postCommit() (any, error) {
	p, err := c.writable()
	if err != nil {
		return nil, err
	}
	var absent []string
	for _, name := range []string{"branch", "commit_message"} {
		if c.str(name) == "" {
			absent = append(absent, name)
		}
	}
	if absent != nil {
		return nil, missing(absent...)
	}
	actions, err := c.commitActions()
	if err != nil {
		return nil, err
	}
	return c.make(p, actions)
}

// make commits on the branch of the request.
func (c *call) make(p *project, actions []commitAction) (any, error) {
	in := commitInput{
		branch: c.str("branch"), startBranch: c.str("start_branch"), message: c.str("commit_message"),
		authorName: c.str("author_name"), authorEmail: c.str("author_email"), force: c.bool("force", false), actions: actions,
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	made, err := c.server.commit(c.user, p, in)
	if err != nil {
		return nil, err
	}
	return c.commitJSON(p, made), nil
}

func (c *call) listCommits() (any, error) {
	p, err := c.project()
	if err != nil {
		return nil, err
	}
	from := p.repository.at(c.ref(p, "ref_name"))
	if from == nil {
		return nil, notFound("Repository or Commit")
	}
	path := c.str("path")
	var found []*commit
	for m := from; m != nil; m = p.repository.commits[m.parent] {
		if path == "" || m.touches(p.repository.commits[m.parent], path) {
			found = append(found, m)
		}
	}
	return paged(c, found, func(m *commit) any { return c.commitJSON(p, m) })
}

// touches says whether a commit changed a file or what is in a directory.
func (c *commit) touches(parent *commit, path string) bool {
	within := func(at string) bool { return at == path || strings.HasPrefix(at, strings.TrimSuffix(path, "/")+"/") }
	for at, f := range c.files {
		if within(at) && f.lastCommit == c.id {
			return true
		}
	}
	return parent != nil && slices.ContainsFunc(slices.Collect(maps.Keys(parent.files)), func(at string) bool {
		_, still := c.files[at]
		return within(at) && !still
	})
}

func (c *call) getCommit() (any, error) {
	p, err := c.project()
	if err != nil {
		return nil, err
	}
	m := p.repository.at(c.value("sha"))
	if m == nil {
		return nil, notFound("Commit")
	}
	return c.commitJSON(p, m), nil
}
