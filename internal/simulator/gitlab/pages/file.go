package pages

import (
	"bytes"
	"html/template"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

const (
	// maxShown and maxLines bound the files that are shown; larger ones are offered
	// as they are.
	maxShown = 512 << 10
	maxLines = 5000
	// around is how many unchanged lines a difference shows.
	around = 3
)

// resolve parts what follows /-/blob/ into a branch or commit, and a path. Branches
// may have slashes in their names: the longest that fits is meant.
func resolve(view gitlab.View, head projectHead, argument string) (ref, file string) {
	if argument == "" {
		return head.DefaultBranch, ""
	}
	for _, branch := range view.Branches(head.FullPath) {
		if rest, ok := strings.CutPrefix(argument+"/", branch+"/"); ok && len(branch) > len(ref) {
			ref, file = branch, rest
		}
	}
	if ref == "" {
		ref, file, _ = strings.Cut(argument, "/")
		if ref == "HEAD" {
			ref = head.DefaultBranch
		}
	}
	return ref, strings.Trim(file, "/")
}

// entry is a file or directory in a list.
type entry struct {
	Name, Path string
	Directory  bool
	Last       gitlab.Commit
}

// crumb is one directory on the way to a file.
type crumb struct{ Name, Path string }

func crumbs(file string) (list []crumb) {
	at := ""
	for name := range strings.SplitSeq(file, "/") {
		if name != "" {
			at = path.Join(at, name)
			list = append(list, crumb{name, at})
		}
	}
	return list
}

func (v *visit) tree(head projectHead, argument string) {
	head.Tab = "tree"
	d := struct {
		Head       projectHead
		Ref, Dir   string
		Crumbs     []crumb
		Branches   []string
		Entries    []entry
		Last       gitlab.Commit
		ReadmePath string
		Readme     template.HTML
	}{Head: head}
	found := true
	var readme gitlab.File
	v.gitlab.Read(func(view gitlab.View) {
		d.Ref, d.Dir = resolve(view, head, argument)
		d.Branches = view.Branches(head.FullPath)
		files, last, ok := view.Tree(head.FullPath, d.Ref)
		if !ok {
			found = head.EmptyRepository && argument == ""
			return
		}
		d.Last = last
		d.Entries = list(view, head.FullPath, files, d.Dir)
		found = d.Dir == "" || len(d.Entries) > 0
		for _, e := range d.Entries {
			if !e.Directory && strings.EqualFold(e.Name, "README.md") {
				readme, _ = view.File(head.FullPath, d.Ref, e.Path)
			}
		}
	})
	if !found {
		v.notFound()
		return
	}
	d.Crumbs = crumbs(d.Dir)
	if readme.Path != "" {
		d.ReadmePath = readme.Path
		d.Readme = text{base: "/" + path.Join(head.FullPath, "-/blob", d.Ref, d.Dir)}.html(string(readme.Content))
	}
	v.show(http.StatusOK, "tree", path.Join(head.Name, d.Dir), d)
}

// list is what a directory holds, directories first.
func list(view gitlab.View, project string, files []gitlab.File, dir string) []entry {
	under := ""
	if dir != "" {
		under = dir + "/"
	}
	byName := map[string]*entry{}
	var all []*entry
	for _, f := range files {
		inside, ok := strings.CutPrefix(f.Path, under)
		if !ok {
			continue
		}
		name, _, isDir := strings.Cut(inside, "/")
		last, _, _ := view.Commit(project, f.LastCommit)
		if old := byName[name]; old != nil {
			if last.At.After(old.Last.At) {
				old.Last = last
			}
			continue
		}
		byName[name] = &entry{Name: name, Path: under + name, Directory: isDir, Last: last}
		all = append(all, byName[name])
	}
	slices.SortStableFunc(all, func(a, b *entry) int {
		switch {
		case a.Directory == b.Directory:
			return strings.Compare(a.Name, b.Name)
		case a.Directory:
			return -1
		}
		return 1
	})
	entries := make([]entry, len(all))
	for at, e := range all {
		entries[at] = *e
	}
	return entries
}

// readable says whether a file can be shown as text.
func readable(content []byte) bool {
	return len(content) <= maxShown && utf8.Valid(content) && !bytes.ContainsRune(content, 0) && bytes.Count(content, []byte("\n")) <= maxLines
}

// lines parts a text, without an empty line at its end.
func lines(content []byte) []string {
	text := strings.TrimSuffix(strings.ReplaceAll(string(content), "\r\n", "\n"), "\n")
	return strings.Split(text, "\n")
}

func (v *visit) blob(head projectHead, argument string) {
	head.Tab = "tree"
	d := struct {
		Head     projectHead
		Ref      string
		File     gitlab.File
		Crumbs   []crumb
		Last     gitlab.Commit
		Markdown bool
		Rendered template.HTML
		Lines    []string
	}{Head: head}
	var ok, isDir bool
	v.gitlab.Read(func(view gitlab.View) {
		var file string
		d.Ref, file = resolve(view, head, argument)
		if d.File, ok = view.File(head.FullPath, d.Ref, file); ok {
			d.Last, _, _ = view.Commit(head.FullPath, d.File.LastCommit)
			return
		}
		files, _, _ := view.Tree(head.FullPath, d.Ref)
		isDir = slices.ContainsFunc(files, func(f gitlab.File) bool { return strings.HasPrefix(f.Path, file+"/") })
	})
	switch {
	case isDir:
		http.Redirect(v.w, v.r, link(head.FullPath, "-/tree", argument), http.StatusFound)
		return
	case !ok:
		v.notFound()
		return
	}
	d.Crumbs = crumbs(d.File.Path)
	switch strings.ToLower(path.Ext(d.File.Path)) {
	case ".md", ".markdown":
		d.Markdown = true
	}
	switch {
	case !readable(d.File.Content):
	case d.Markdown && !v.r.URL.Query().Has("plain"):
		d.Rendered = text{base: "/" + path.Join(head.FullPath, "-/blob", d.Ref, path.Dir(d.File.Path))}.html(string(d.File.Content))
	default:
		d.Lines = lines(d.File.Content)
	}
	v.show(http.StatusOK, "blob", d.File.Path+" · "+head.Name, d)
}

// raw answers a file as it is: always as text, so that no browser runs it.
func (v *visit) raw(head projectHead, argument string) {
	var file gitlab.File
	var ok bool
	v.gitlab.Read(func(view gitlab.View) {
		ref, path := resolve(view, head, argument)
		file, ok = view.File(head.FullPath, ref, path)
	})
	if !ok {
		v.notFound()
		return
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	if !utf8.Valid(file.Content) {
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", "attachment")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	_, _ = v.w.Write(file.Content)
}

func (v *visit) commits(head projectHead, argument string) {
	d := struct {
		Head    projectHead
		Ref     string
		Commits []gitlab.Commit
		Total   int
	}{Head: head}
	v.gitlab.Read(func(view gitlab.View) {
		d.Ref, _ = resolve(view, head, argument)
		d.Commits, d.Total = view.Log(head.FullPath, d.Ref, v.part())
	})
	if d.Total == 0 && argument != "" {
		v.notFound()
		return
	}
	v.show(http.StatusOK, "commits", v.T("Commits", "Commits")+" · "+head.Name, d)
}

// difference is what a commit did to one file.
type difference struct {
	Path, Kind string // "added", "removed" or "changed"
	Lines      []diffLine
	Unshown    bool
}

type diffLine struct {
	Sign string // "+", "-", " ", or "…" for what is left out
	Text string
}

func (v *visit) commit(head projectHead, sha string) {
	head.Tab = "commits"
	d := struct {
		Head        projectHead
		Commit      gitlab.Commit
		Differences []difference
		More        int
	}{Head: head}
	var changes []gitlab.Change
	var ok bool
	v.gitlab.Read(func(view gitlab.View) { d.Commit, changes, ok = view.Commit(head.FullPath, sha) })
	if !ok || strings.Contains(sha, "/") {
		v.notFound()
		return
	}
	d.More = max(len(changes)-perPage, 0)
	for _, change := range changes[:len(changes)-d.More] {
		d.Differences = append(d.Differences, differ(change))
	}
	v.show(http.StatusOK, "commit", d.Commit.Title()+" · "+head.Name, d)
}

// differ shows the lines between the first and the last that differ, as gone and as
// new: enough to see what a commit was about.
func differ(change gitlab.Change) difference {
	d := difference{Kind: "changed"}
	var before, after []byte
	if change.Before != nil {
		d.Path, before = change.Before.Path, change.Before.Content
	} else {
		d.Kind = "added"
	}
	if change.After != nil {
		d.Path, after = change.After.Path, change.After.Content
	} else {
		d.Kind = "removed"
	}
	if !readable(before) || !readable(after) {
		d.Unshown = true
		return d
	}
	var old, now []string
	if change.Before != nil {
		old = lines(before)
	}
	if change.After != nil {
		now = lines(after)
	}
	first := 0
	for first < min(len(old), len(now)) && old[first] == now[first] {
		first++
	}
	last := 0
	for last < min(len(old), len(now))-first && old[len(old)-1-last] == now[len(now)-1-last] {
		last++
	}
	add := func(sign string, list []string) {
		for _, line := range list {
			d.Lines = append(d.Lines, diffLine{sign, line})
		}
	}
	if first > around {
		d.Lines = append(d.Lines, diffLine{Sign: "…"})
	}
	add(" ", now[max(first-around, 0):min(first, len(now))])
	add("-", old[first:len(old)-last])
	add("+", now[first:len(now)-last])
	end := len(now) - last
	add(" ", now[end:min(end+around, len(now))])
	if last > around {
		d.Lines = append(d.Lines, diffLine{Sign: "…"})
	}
	return d
}
