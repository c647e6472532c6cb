package pages

import (
	"net/http"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

// projectHead is what stands above each page of a project.
type projectHead struct {
	gitlab.Project

	Above                   []gitlab.Group
	OpenIssues, Issues      int
	Commits, Hooks, Members int
	Tab                     string
}

func (v *visit) project(p gitlab.Project, rest string) {
	kind, argument, _ := strings.Cut(rest, "/")
	head := projectHead{Project: p, Tab: kind}
	v.gitlab.Read(func(view gitlab.View) {
		head.Above = view.Above(p.FullPath)
		head.OpenIssues, head.Issues = view.OpenIssues(p.FullPath), view.IssueCount(p.FullPath)
		head.Commits = view.Commits(p.FullPath)
		head.Hooks, head.Members = len(view.Hooks(p.FullPath)), len(view.Members(p.FullPath))
	})
	switch kind {
	case "", "tree":
		v.tree(head, argument)
	case "blob":
		v.blob(head, argument)
	case "raw":
		v.raw(head, argument)
	case "commits":
		v.commits(head, argument)
	case "commit":
		v.commit(head, argument)
	case "issues":
		v.issues(head, argument)
	case "labels":
		v.labels(head)
	case "project_members":
		v.members(p.FullPath, p.Name, "project-members", head)
	case "hooks":
		v.hooks(head)
	default:
		v.notFound()
	}
}

// labels lists the labels of a project, those of its groups included.
func (v *visit) labels(head projectHead) {
	d := struct {
		Head   projectHead
		Labels []gitlab.Label
		Total  int
	}{Head: head}
	v.gitlab.Read(func(view gitlab.View) { d.Labels = view.UsableLabels(head.FullPath) })
	d.Total = len(d.Labels)
	d.Labels = cut(d.Labels, v)
	v.show(http.StatusOK, "labels", v.T("Étiquettes", "Labels")+" · "+head.Name, d)
}

// maxDeliveries is how many webhooks are shown.
const maxDeliveries = 50

// hooks shows where webhooks go, and the latest of them.
func (v *visit) hooks(head projectHead) {
	d := struct {
		Head       projectHead
		Hooks      []gitlab.Hook
		Deliveries []gitlab.Delivery
	}{Head: head}
	mine := map[int]bool{}
	v.gitlab.Read(func(view gitlab.View) { d.Hooks = view.Hooks(head.FullPath) })
	for _, h := range d.Hooks {
		mine[h.ID] = true
	}
	past := v.gitlab.Deliveries()
	for at := len(past) - 1; at >= 0 && len(d.Deliveries) < maxDeliveries; at-- {
		if mine[past[at].HookID] {
			d.Deliveries = append(d.Deliveries, past[at])
		}
	}
	v.show(http.StatusOK, "hooks", "Webhooks · "+head.Name, d)
}
