package pages

import (
	"net/http"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

// maxInside is how many of the groups and projects inside a group the tree shows.
const maxInside = 8

// groupRow is a group in a list, with the beginning of what is inside.
type groupRow struct {
	gitlab.Group

	Groups, Projects int
	InGroups         []groupRow
	InProjects       []projectRow
	More             int
}

type projectRow struct {
	gitlab.Project

	OpenIssues int
}

func rowOf(view gitlab.View, p gitlab.Project) projectRow {
	return projectRow{Project: p, OpenIssues: view.OpenIssues(p.FullPath)}
}

// groupRowOf also reads what is inside, down to a depth.
func groupRowOf(view gitlab.View, g gitlab.Group, depth int) groupRow {
	row := groupRow{Group: g}
	row.Groups, row.Projects = view.Counts(g.FullPath)
	if depth == 0 {
		return row
	}
	groups, _ := view.FindGroups(g.FullPath, "", gitlab.Part{Limit: maxInside})
	for _, child := range groups {
		row.InGroups = append(row.InGroups, groupRowOf(view, child, depth-1))
	}
	projects, _ := view.FindProjects(g.FullPath, "", gitlab.Part{Limit: maxInside - len(groups)})
	for _, p := range projects {
		row.InProjects = append(row.InProjects, rowOf(view, p))
	}
	row.More = row.Groups + row.Projects - len(groups) - len(projects)
	return row
}

// exploreGroups shows the tree of groups from the top, or those that are searched.
func (v *visit) exploreGroups() {
	var d struct {
		Groups []groupRow
		Total  int
	}
	v.gitlab.Read(func(view gitlab.View) {
		groups, total := view.FindGroups("", v.Query(), v.part())
		d.Total = total
		for _, g := range groups {
			d.Groups = append(d.Groups, groupRowOf(view, g, 2))
		}
	})
	v.show(http.StatusOK, "groups", v.T("Groupes", "Groups"), d)
}

func (v *visit) exploreProjects() {
	var d struct {
		Projects []projectRow
		Total    int
	}
	v.gitlab.Read(func(view gitlab.View) {
		projects, total := view.FindProjects("", v.Query(), v.part())
		d.Total = total
		for _, p := range projects {
			d.Projects = append(d.Projects, rowOf(view, p))
		}
	})
	v.show(http.StatusOK, "projects", v.T("Projets", "Projects"), d)
}

// place shows what has a path, or leads to where it went.
func (v *visit) place(at, rest string) {
	var (
		project gitlab.Project
		group   gitlab.Group
		moved   string
		isP, ok bool
	)
	v.gitlab.Read(func(view gitlab.View) {
		if project, isP = view.Project(at); !isP {
			if group, ok = view.Namespace(at); !ok {
				moved = view.MovedTo(at)
			}
		}
	})
	switch {
	case isP:
		v.project(project, rest)
	case ok:
		v.group(group, rest)
	case moved != "" && v.r.Method != http.MethodPost:
		to := link(moved)
		if rest != "" {
			to = link(moved, "-", rest)
		}
		if query := v.r.URL.RawQuery; query != "" {
			to += "?" + query
		}
		http.Redirect(v.w, v.r, to, http.StatusMovedPermanently)
	default:
		v.notFound()
	}
}

// groupHead is what stands above each page of a group.
type groupHead struct {
	gitlab.Group

	Above []gitlab.Group
	Tab   string
}

// Personal says whether this is the namespace of a user.
func (g groupHead) Personal() bool { return g.Kind == "user" }

func (v *visit) group(g gitlab.Group, rest string) {
	head := groupHead{Group: g, Tab: rest}
	v.gitlab.Read(func(view gitlab.View) { head.Above = view.Above(g.FullPath) })
	switch rest {
	case "":
		v.groupContent(head)
	case "group_members":
		v.members(g.FullPath, g.Name, "group-members", head)
	default:
		v.notFound()
	}
}

// groupContent lists the groups, then the projects inside, in pages that span both.
func (v *visit) groupContent(head groupHead) {
	d := struct {
		Head     groupHead
		Groups   []groupRow
		Projects []projectRow
		Total    int
	}{Head: head}
	v.gitlab.Read(func(view gitlab.View) {
		of := v.part()
		groups, nGroups := view.FindGroups(head.FullPath, v.Query(), of)
		rest := gitlab.Part{From: max(of.From-nGroups, 0), Limit: of.Limit - len(groups)}
		projects, nProjects := view.FindProjects(head.FullPath, v.Query(), rest)
		d.Total = nGroups + nProjects
		for _, g := range groups {
			d.Groups = append(d.Groups, groupRowOf(view, g, 0))
		}
		for _, p := range projects {
			d.Projects = append(d.Projects, rowOf(view, p))
		}
	})
	v.show(http.StatusOK, "group", head.Name, d)
}

// members shows who belongs to a group or project, and who is invited.
func (v *visit) members(path, name, template string, head any) {
	d := struct {
		Head              any
		Direct, Inherited []gitlab.Member
		Invited           []gitlab.Invitation
		Total             int
	}{Head: head}
	v.gitlab.Read(func(view gitlab.View) {
		d.Direct, d.Inherited, d.Invited = view.Members(path), view.InheritedMembers(path), view.Invitations(path)
	})
	d.Total = max(len(d.Direct), len(d.Inherited), len(d.Invited))
	d.Direct, d.Inherited, d.Invited = cut(d.Direct, v), cut(d.Inherited, v), cut(d.Invited, v)
	v.show(http.StatusOK, template, v.T("Membres", "Members")+" · "+name, d)
}

// cut is this page's part of a list.
func cut[T any](list []T, v *visit) []T {
	of := v.part()
	from := min(of.From, len(list))
	return list[from:min(from+of.Limit, len(list))]
}
