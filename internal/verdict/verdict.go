// Package verdict judges, once everything is settled, whether the simulated services
// and the hub's database hold what DS's last word on each dossier calls for, and one
// of each. It asks the hub nothing; it knows the hub's key, to tell its marks.
package verdict

import (
	"fmt"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// Kind is a kind of lapse.
type Kind string

// The kinds of lapses.
const (
	// Doubled is what there are two of, or what the applicant was told twice.
	Doubled Kind = "doubled"
	// Missing is what the dossier's last state calls for and is not there.
	Missing Kind = "missing"
	// Wrong is what is there and is not as it must be, or must not be there.
	Wrong Kind = "wrong"
	// Loose is what the hub has not brought to an end in its own books.
	Loose Kind = "loose"
)

// Lapse is one thing that is not as it must be.
type Lapse struct {
	// Dossier is the dossier's number, 0 for what belongs to none.
	Dossier int
	Kind    Kind
	What    string
}

// String is the lapse in one line.
func (l Lapse) String() string {
	if l.Dossier == 0 {
		return fmt.Sprintf("%s: %s", l.Kind, l.What)
	}
	return fmt.Sprintf("dossier %d: %s: %s", l.Dossier, l.Kind, l.What)
}

// Judge knows what must be.
type Judge struct {
	DS      *demarches.Server
	GitLab  *gitlab.Server
	Journey *onboarding.Journey
	Marks   onboarding.Marks
	// EverHidden says whether a dossier was ever in DS's bin: what was tried then
	// failed for good, and rightly.
	EverHidden func(number int) bool
}

// Stock counts what the services hold because of the hub.
type Stock struct{ Groups, Projects, Issues, Notes, Messages int }

// Total is all of it.
func (s Stock) Total() int { return s.Groups + s.Projects + s.Issues + s.Notes + s.Messages }

// Services judges what DS and GitLab hold.
func (j *Judge) Services() (Stock, []Lapse) {
	dossiers := j.DS.Dossiers()
	c := &census{judge: j, owners: map[string]int{}, of: map[int]*holding{}}
	for i := range dossiers {
		c.expect(dossiers[i].Number)
	}
	j.GitLab.Read(func(v gitlab.View) {
		c.take(v)
		for i := range dossiers {
			t := trial{judge: j, view: v, dossier: &dossiers[i], held: c.of[dossiers[i].Number], census: c}
			t.run()
		}
	})
	return c.stock, c.lapses
}

// census finds whose each thing is, by its mark.
type census struct {
	judge  *Judge
	owners map[string]int // by mark
	of     map[int]*holding
	stock  Stock
	lapses []Lapse
}

// holding is what GitLab holds for one dossier.
type holding struct {
	groups   []gitlab.Group
	projects []gitlab.Project
	issues   []gitlab.Issue
}

func (c *census) expect(number int) {
	c.of[number] = &holding{}
	for _, key := range []onboarding.ResourceKey{onboarding.GroupKey, onboarding.ProjectKey, onboarding.IssueKey} {
		c.owners[c.judge.Marks.Mark(int64(number), key)] = number
	}
}

func (c *census) addf(dossier int, kind Kind, format string, args ...any) {
	c.lapses = append(c.lapses, Lapse{dossier, kind, fmt.Sprintf(format, args...)})
}

func (c *census) owner(what, description string) *holding {
	for _, mark := range onboarding.MarksIn(description) {
		if number, known := c.owners[mark]; known {
			return c.of[number]
		}
	}
	c.addf(0, Wrong, "%s belongs to no dossier", what)
	return &holding{}
}

func (c *census) take(v gitlab.View) {
	for _, group := range v.Groups() {
		if strings.HasPrefix(group.FullPath, stage.RootGroup+"/") {
			c.stock.Groups++
			held := c.owner("the group "+group.FullPath, group.Description)
			held.groups = append(held.groups, group)
		}
	}
	for _, project := range v.Projects() {
		if project.FullPath != stage.TrackingProject {
			c.stock.Projects++
			held := c.owner("the project "+project.FullPath, project.Description)
			held.projects = append(held.projects, project)
		}
	}
	for _, issue := range v.Issues(stage.TrackingProject) {
		c.stock.Issues++
		held := c.owner(fmt.Sprintf("issue %d of %s", issue.IID, stage.TrackingProject), issue.Description)
		held.issues = append(held.issues, issue)
	}
	if n := len(v.QuickActions()); n > 0 {
		c.addf(0, Wrong, "GitLab took %d commands out of the hub's texts", n)
	}
	if n := len(v.Mentions()); n > 0 {
		c.addf(0, Wrong, "GitLab found %d mentions in the hub's texts", n)
	}
}
