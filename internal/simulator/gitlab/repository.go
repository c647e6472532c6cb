package gitlab

import (
	"cmp"
	"crypto/sha1" // git's own identifiers
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// repository is a project's git: branches that point at commits, each with all
// its files. Commits never change, so they may share files.
type repository struct {
	branches map[string]string // name to commit
	commits  map[string]*commit
}

type commit struct {
	id, parent               string
	message                  string
	authorName, authorEmail  string
	committer, committerMail string
	at                       time.Time
	files                    map[string]file
}

type file struct {
	content    []byte
	executable bool
	lastCommit string
}

func hash(kind string, content []byte) string {
	sum := sha1.Sum(append([]byte(fmt.Sprintf("%s %d\x00", kind, len(content))), content...))
	return hex.EncodeToString(sum[:])
}

func (f file) blob() string { return hash("blob", f.content) }

func (f file) mode() string {
	if f.executable {
		return "100755"
	}
	return "100644"
}

// at finds the commit that a branch, an id or the beginning of one names.
func (r *repository) at(ref string) *commit {
	if id, ok := r.branches[strings.TrimPrefix(ref, "refs/heads/")]; ok {
		return r.commits[id]
	}
	if found := r.commits[ref]; found != nil {
		return found
	}
	if len(ref) >= 7 {
		for id, found := range r.commits {
			if strings.HasPrefix(id, ref) {
				return found
			}
		}
	}
	return nil
}

// tree is the files at a branch or commit.
func (r *repository) tree(ref string) map[string]file {
	if found := r.at(ref); found != nil {
		return found.files
	}
	return nil
}

// ref is what a request asks for, or the default branch.
func (c *call) ref(p *project, parameter string) string {
	ref := c.str(parameter)
	if ref == "" || ref == "HEAD" {
		return p.DefaultBranch
	}
	return ref
}

func (c *call) listTree() (any, error) {
	p, err := c.project()
	if err != nil {
		return nil, err
	}
	files := p.repository.tree(c.ref(p, "ref"))
	if files == nil {
		return nil, notFound("Tree")
	}
	under := strings.Trim(c.str("path"), "/")
	if under != "" {
		under += "/"
	}
	recursive := c.bool("recursive", false)
	entries := map[string]obj{}
	for path, f := range files {
		inside, ok := strings.CutPrefix(path, under)
		if !ok {
			continue
		}
		parts := strings.Split(inside, "/")
		for depth := 1; depth < len(parts) && (recursive || depth == 1); depth++ {
			directory := under + strings.Join(parts[:depth], "/")
			entries[directory] = obj{"id": hash("tree", []byte(directory)), "name": parts[depth-1], "type": "tree", "path": directory, "mode": "040000"}
		}
		if recursive || len(parts) == 1 {
			entries[path] = obj{"id": f.blob(), "name": parts[len(parts)-1], "type": "blob", "path": path, "mode": f.mode()}
		}
	}
	if under != "" && len(entries) == 0 {
		return nil, notFound("invalid revision or path Tree")
	}
	list := slices.SortedFunc(maps.Values(entries), func(a, b obj) int {
		return cmp.Or(strings.Compare(b["type"].(string), a["type"].(string)), strings.Compare(a["path"].(string), b["path"].(string)))
	})
	return paged(c, list, func(entry obj) any { return entry })
}

func (c *call) branchJSON(p *project, name string) any {
	return obj{
		"name": name, "merged": false, "protected": name == p.DefaultBranch, "default": name == p.DefaultBranch,
		"developers_can_push": false, "developers_can_merge": false, "can_push": mayPush(c.user, p, name) == nil,
		"web_url": c.server.url() + "/" + p.FullPath + "/-/tree/" + name,
		"commit":  c.commitJSON(p, p.repository.at(name)),
	}
}

func (c *call) listBranches() (any, error) {
	p, err := c.project()
	if err != nil {
		return nil, err
	}
	search := strings.ToLower(c.str("search"))
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(p.repository.branches)), func(name string) bool { return !contains(search, name) })
	return paged(c, names, func(name string) any { return c.branchJSON(p, name) })
}

func (c *call) getBranch() (any, error) {
	p, err := c.project()
	if err != nil {
		return nil, err
	}
	if _, ok := p.repository.branches[c.value("branch")]; !ok {
		return nil, notFound("Branch")
	}
	return c.branchJSON(p, c.value("branch")), nil
}

func (c *call) postBranch() (any, error) {
	p, err := c.writable()
	if err != nil {
		return nil, err
	}
	name, from := c.str("branch"), p.repository.at(c.str("ref"))
	switch _, exists := p.repository.branches[name]; {
	case name == "" || c.str("ref") == "":
		return nil, missing("branch", "ref")
	case exists:
		return nil, badRequest("Branch already exists")
	case from == nil:
		return nil, badRequest("Invalid reference name: " + c.str("ref"))
	}
	p.repository.branches[name] = from.id
	return c.branchJSON(p, name), nil
}

func (c *call) deleteBranch() (any, error) {
	p, err := c.writable()
	if err != nil {
		return nil, err
	}
	name := c.value("branch")
	if _, ok := p.repository.branches[name]; !ok {
		return nil, notFound("Branch")
	}
	if name == p.DefaultBranch {
		return nil, refuse(405, "Cannot remove HEAD branch")
	}
	delete(p.repository.branches, name)
	return c.noContent()
}
