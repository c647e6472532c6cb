package main

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// counts are what the simulated services hold for the samples. Nothing of it comes
// from the hub.
type counts struct {
	Groups   int `json:"groups"`
	Projects int `json:"projects"`
	Issues   int `json:"issues"`
	Messages int `json:"messages"`
}

// holding is what GitLab holds for one sample.
type holding struct {
	groups   []gitlab.Group
	projects []gitlab.Project
	issues   []gitlab.Issue
}

// census is everything that GitLab holds for the samples, and what is wrong with it
// as a whole: what belongs to no sample, or twice to one.
type census struct {
	counts

	of map[int]*holding // by dossier
	// tracking is the id of the tracking project.
	tracking int
	wrong    findings
}

// owners finds whose a thing is, by the marks in its description.
type owners map[string]int

func newOwners(marks onboarding.Marks, samples []*sample) owners {
	o := owners{}
	for _, s := range samples {
		o.add(marks, s.number)
	}
	return o
}

func (o owners) add(marks onboarding.Marks, number int) {
	for _, key := range []onboarding.ResourceKey{onboarding.GroupKey, onboarding.ProjectKey, onboarding.IssueKey} {
		o[marks.Mark(int64(number), key)] = number
	}
}

var markLike = regexp.MustCompile(`passerelle:\d+:[0-9a-f]{32}`)

func (o owners) of(description string) (number int, known bool) {
	for _, mark := range markLike.FindAllString(description, -1) {
		if number, known = o[mark]; known {
			return number, true
		}
	}
	return 0, false
}

// takeCensus counts. strangers are the groups that others have below the root group.
func (c *critic) takeCensus(samples []*sample, strangers []gitlab.Group) *census {
	counted := &census{of: map[int]*holding{}}
	for _, s := range samples {
		counted.of[s.number] = &holding{}
		counted.Messages += len(c.sent(s))
	}
	owner := newOwners(c.marks, samples)
	for _, dossier := range c.scene.DS.Dossiers() {
		owner.add(c.marks, dossier.Number) // those that people filed
	}
	// mine returns nil for what belongs to a dossier that is no sample, and for what
	// people made: theirs is the hub's only if it bears a mark.
	mine := func(what, description string, byHub bool) *holding {
		number, known := owner.of(description)
		switch {
		case !known && byHub:
			counted.wrong.addf("%s belongs to no dossier", what)
			return &holding{}
		case !known:
			return nil
		}
		return counted.of[number]
	}
	foreign := func(full string) bool {
		return slices.ContainsFunc(strangers, func(g gitlab.Group) bool { return g.FullPath == full })
	}
	c.scene.GitLab.Read(func(v gitlab.View) {
		account, _ := v.User(stage.User)
		for _, group := range v.Groups() {
			if strings.HasPrefix(group.FullPath, stage.RootGroup+"/") && !foreign(group.FullPath) {
				if held := mine("the group "+group.FullPath, group.Description, ownedByHub(v, group)); held != nil {
					counted.Groups++
					held.groups = append(held.groups, group)
				}
			}
		}
		for _, project := range v.Projects() {
			switch {
			case project.FullPath == stage.TrackingProject:
				counted.tracking = project.ID
			case foreign(path.Dir(project.FullPath)):
				counted.wrong.addf("the project %s stands in a stranger's group", project.FullPath)
			default:
				if held := mine("the project "+project.FullPath, project.Description, project.CreatorID == account.ID); held != nil {
					counted.Projects++
					held.projects = append(held.projects, project)
				}
			}
		}
		for _, issue := range v.Issues(stage.TrackingProject) {
			if held := mine(fmt.Sprintf("issue %d of %s", issue.IID, stage.TrackingProject), issue.Description, issue.Author == stage.User); held != nil {
				counted.Issues++
				held.issues = append(held.issues, issue)
			}
		}
		for _, stranger := range strangers {
			now, _ := v.Group(stranger.FullPath)
			if now != stranger || len(v.Invitations(stranger.FullPath)) > 0 || len(v.Members(stranger.FullPath)) != 1 {
				counted.wrong.addf("the stranger's group %s is not what it was", stranger.FullPath)
			}
		}
	})
	for _, s := range samples {
		if held := counted.of[s.number]; len(held.groups) > 1 || len(held.projects) > 1 || len(held.issues) > 1 {
			counted.wrong.addf("dossier %d has %d groups, %d projects and %d issues", s.number, len(held.groups), len(held.projects), len(held.issues))
		}
	}
	return counted
}

// ownedByHub says whether the hub's account is a member of this very group: of groups
// that it makes inside others it is no member, but their marks tell whose they are.
func ownedByHub(v gitlab.View, group gitlab.Group) bool {
	return slices.ContainsFunc(v.Members(group.FullPath), func(m gitlab.Member) bool { return m.Username == stage.User })
}
