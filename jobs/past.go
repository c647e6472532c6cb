package jobs

import (
	"context"
	"time"

	"github.com/cloud-pi-native/passerelle/connectors"
	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// past knows what stood in GitLab when it was first asked, by the marks. A ledger that
// was lost made its things before that; listing them anew for each of thousands of
// dossiers would take hours.
type past struct {
	turn   chan struct{} // holds one token while somebody lists
	byMark map[string]int64
	// listed tells that all were, until how far a listing came that broke off.
	listed bool
	until  time.Time
}

func newPast() *past { return &past{turn: make(chan struct{}, 1), byMark: map[string]int64{}} }

// note notes the marks in a text of ours; of two things with one mark, the lower number.
func (p *past) note(text string, id int64) {
	for _, mark := range onboarding.MarksIn(text) {
		if known, twice := p.byMark[mark]; !twice || id < known {
			p.byMark[mark] = id
		}
	}
}

// find returns the number of what bears the mark, 0 for nothing. The first call lists.
func (p *past) find(ctx context.Context, mark string, list func(context.Context) error) (int64, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if !p.listed {
		if err := list(ctx); err != nil {
			return 0, err
		}
		p.listed = true
	}
	return p.byMark[mark], nil
}

// pastIssue finds the dossier's issue among those that the hub opened. It is read anew:
// somebody may have deleted it since it was listed.
func (c *crew) pastIssue(ctx context.Context, dossier int64) (gitlab.Issue, bool, error) {
	p := c.pastIssues
	iid, err := p.find(ctx, c.Marks.Mark(dossier, onboarding.IssueKey), func(ctx context.Context) error {
		return c.GitLab.EachIssue(ctx, c.TrackingProject, p.until, func(issue gitlab.Issue) {
			p.note(issue.Description, issue.IID)
			p.until = issue.CreatedAt.Add(-time.Second)
		})
	})
	if err != nil || iid == 0 {
		return gitlab.Issue{}, false, err
	}
	issue, err := c.GitLab.Issue(ctx, c.TrackingProject, iid)
	if connectors.IsNotFound(err) {
		return gitlab.Issue{}, false, nil
	}
	return issue, err == nil, err
}

// pastGroup finds the dossier's group wherever it stands below the root group and
// whatever it is called by now.
func (c *crew) pastGroup(ctx context.Context, dossier int64) (gitlab.Group, bool, error) {
	id, err := c.pastGroups.find(ctx, c.Marks.Mark(dossier, onboarding.GroupKey), func(ctx context.Context) error {
		return c.GitLab.EachGroup(ctx, c.RootGroup, func(group gitlab.Group) {
			if !group.Deleting {
				c.pastGroups.note(group.Description, group.ID)
			}
		})
	})
	if err != nil || id == 0 {
		return gitlab.Group{}, false, err
	}
	group, err := c.GitLab.GroupByID(ctx, id)
	if connectors.IsNotFound(err) {
		return gitlab.Group{}, false, nil
	}
	return group, err == nil && !group.Deleting, err
}

// pastProject finds the dossier's project in the same way.
func (c *crew) pastProject(ctx context.Context, dossier int64) (gitlab.Project, bool, error) {
	id, err := c.pastProjects.find(ctx, c.Marks.Mark(dossier, onboarding.ProjectKey), func(ctx context.Context) error {
		self, err := c.GitLab.Self(ctx)
		if err != nil {
			return err
		}
		return c.GitLab.EachProject(ctx, c.RootGroup, func(project gitlab.Project) {
			if project.Creator == self && !project.Deleting {
				c.pastProjects.note(project.Description, project.ID)
			}
		})
	})
	if err != nil || id == 0 {
		return gitlab.Project{}, false, err
	}
	project, err := c.GitLab.ProjectByID(ctx, id)
	if connectors.IsNotFound(err) {
		return gitlab.Project{}, false, nil
	}
	return project, err == nil && !project.Deleting, err
}
