package jobs

import (
	"context"
	"strconv"

	"github.com/riverqueue/river"

	"github.com/cloud-pi-native/passerelle/connectors/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// OpenTrackingIssue opens the issue in which the service team follows a dossier.
type OpenTrackingIssue struct{ ActionArgs }

// Kind is River's name of the job.
func (OpenTrackingIssue) Kind() string { return string(onboarding.OpenTrackingIssue) }

// InsertOpts puts the job on GitLab's queue.
func (OpenTrackingIssue) InsertOpts() river.InsertOpts { return onceOpts(QueueGitLab) }

func (c *crew) openTrackingIssue(ctx context.Context, t *task) (outcome, error) {
	d := &t.dossier
	if t.look {
		issue, found, err := c.findIssue(ctx, t)
		if err != nil {
			return outcome{}, err
		}
		if found {
			// What it looks like is brought up to date by the next plan.
			return outcome{
				changes: []change{issueChange(issue)}, facts: []ledger.Fact{t.issueOpened(issue, true)}, takenUp: issue.IID,
			}, nil
		}
	}
	if t.action.Settle {
		return t.notThere(), nil
	}
	face, _ := c.Journey.Face(d, t.record)
	issue, err := c.GitLab.OpenIssue(ctx, c.TrackingProject, gitlab.NewIssue{
		Title:        c.Texts.IssueTitle(d),
		Description:  c.Texts.IssueDescription(d),
		Labels:       face.Labels,
		Confidential: true,
	})
	if err != nil {
		return outcome{}, err
	}
	return outcome{
		changes: []change{issueChange(issue), {key: onboarding.LabelsKey, applied: t.action.Want}},
		facts:   []ledger.Fact{t.issueOpened(issue, false)},
	}, nil
}

// findIssue looks for the dossier's issue among those that the hub opened. A ledger that
// was lost may have opened it long before the first intent that this one knows of.
func (c *crew) findIssue(ctx context.Context, t *task) (gitlab.Issue, bool, error) {
	if t.lost {
		if issue, found, err := c.pastIssue(ctx, t.dossier.Number); err != nil || found || t.since.IsZero() {
			return issue, found, err
		}
	}
	return c.GitLab.FindIssue(ctx, c.TrackingProject, t.since, func(issue gitlab.Issue) bool {
		return c.Marks.In(issue.Description, t.dossier.Number, onboarding.IssueKey)
	})
}

func issueChange(issue gitlab.Issue) change {
	return change{key: onboarding.IssueKey, externalID: strconv.FormatInt(issue.IID, 10), url: issue.URL}
}

func (t *task) issueOpened(issue gitlab.Issue, adopted bool) ledger.Fact {
	return t.fact(ledger.IssueOpened, map[string]any{"id": issue.IID, "url": issue.URL, "adopted": adopted})
}

// notThere is the outcome of having looked for something in vain that is not
// wanted any more.
func (t *task) notThere() outcome {
	return outcome{absent: true, facts: []ledger.Fact{
		t.fact(ledger.IntentDropped, map[string]any{"action": t.action.Kind, "resource": t.action.Resource.String()}),
	}}
}
