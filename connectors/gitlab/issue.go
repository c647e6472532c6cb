package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"time"

	gl "github.com/xanzy/go-gitlab"

	"github.com/cloud-pi-native/passerelle/connectors"
)

// Bounds on listings: 100 is the most that GitLab gives in a page.
const (
	pageSize = 100
	maxPages = 1000
)

// Issue is an issue of a project.
type Issue struct {
	// IID is the number that people see, unique in the project.
	IID int64
	ID  int64
	URL string
	// State is "opened" or "closed".
	State       string
	Labels      []string
	Description string
	CreatedAt   time.Time
	// UpdatedAt is when it, or a note on it, was last changed.
	UpdatedAt time.Time
	// Notes counts the comments on it.
	Notes int
}

type issueAnswer struct {
	IID         int64     `json:"iid"`
	ID          int64     `json:"id"`
	WebURL      string    `json:"web_url"`
	State       string    `json:"state"`
	Labels      []string  `json:"labels"`
	Description string    `json:"description"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	Notes       int       `json:"user_notes_count"`
}

func (a *issueAnswer) issue() Issue {
	return Issue{
		IID:         a.IID,
		ID:          a.ID,
		URL:         a.WebURL,
		State:       a.State,
		Labels:      a.Labels,
		Description: a.Description,
		CreatedAt:   a.CreatedAt,
		UpdatedAt:   a.UpdatedAt,
		Notes:       a.Notes,
	}
}

// NewIssue is an issue to open. GitLab executes quick actions found in its
// description.
type NewIssue struct {
	Title, Description string
	Labels             []string
	Confidential       bool
}

// OpenIssue opens an issue in a project, named by full path or id. Titles are not
// unique: a repeated call opens another.
func (c *Client) OpenIssue(ctx context.Context, project string, n NewIssue) (Issue, error) {
	op := operation{name: "open issue", method: http.MethodPost, subject: "project " + project}
	options := &gl.CreateIssueOptions{
		Title:        new(n.Title),
		Description:  new(n.Description),
		Confidential: new(n.Confidential),
		Labels:       labels(n.Labels),
	}
	return c.issue(ctx, op, issuesPath(project), options)
}

// Issue reads an issue by its number in the project.
func (c *Client) Issue(ctx context.Context, project string, iid int64) (Issue, error) {
	op := operation{name: "read issue", method: http.MethodGet, subject: issueSubject(project, iid)}
	return c.issue(ctx, op, fmt.Sprintf("%s/%d", issuesPath(project), iid), nil)
}

// FindIssue looks through the issues that the token's user has opened in a project
// since createdAfter (all, when zero) and returns the one with the lowest number
// that match accepts. It lists instead of searching: GitLab's search can lag.
func (c *Client) FindIssue(ctx context.Context, project string, createdAfter time.Time, match func(Issue) bool) (Issue, bool, error) {
	var found Issue
	err := c.EachIssue(ctx, project, createdAfter, func(issue Issue) {
		if (found.IID == 0 || issue.IID < found.IID) && match(issue) {
			found = issue
		}
	})
	if err != nil {
		return Issue{}, false, err
	}
	return found, found.IID != 0, nil
}

// EachIssue visits every issue of the project that our token's user opened after a
// time, oldest first; the zero time stands for all of them.
func (c *Client) EachIssue(ctx context.Context, project string, createdAfter time.Time, visit func(Issue)) error {
	op := operation{name: "list issues", method: http.MethodGet, subject: "project " + project}
	user, err := c.Self(ctx)
	if err != nil {
		return err
	}
	options := &gl.ListProjectIssuesOptions{
		AuthorID: new(int(user)),
		Scope:    new("all"),
		State:    new("all"),
		OrderBy:  new("created_at"),
		Sort:     new("asc"),
	}
	if !createdAfter.IsZero() {
		options.CreatedAfter = new(createdAfter.UTC())
	}
	return c.pages(op, "issues", func(page gl.ListOptions) (int, *gl.Response, error) {
		options.ListOptions = page
		var answers []issueAnswer
		resp, err := c.call(ctx, op, issuesPath(project), options, &answers)
		if err != nil {
			return 0, nil, err
		}
		for i := range answers {
			visit(answers[i].issue())
		}
		return len(answers), resp, nil
	})
}

// EachIssueUpdated visits every issue of the project that was changed after a time, by
// anybody, the oldest change first; the zero time stands for all of them. One can come
// twice. Each page begins at the date of the last issue of the one before: what is changed
// meanwhile moves to the end, and would shift pages that are counted.
func (c *Client) EachIssueUpdated(ctx context.Context, project string, updatedAfter time.Time, visit func(Issue)) error {
	op := operation{name: "list issues", method: http.MethodGet, subject: "project " + project}
	options := &gl.ListProjectIssuesOptions{Scope: new("all"), State: new("all"), OrderBy: new("updated_at"), Sort: new("asc")}
	return c.pages(op, "issues", func(page gl.ListOptions) (int, *gl.Response, error) {
		options.ListOptions = gl.ListOptions{Page: max(options.Page, 1), PerPage: page.PerPage}
		if !updatedAfter.IsZero() {
			options.UpdatedAfter = new(updatedAfter.UTC())
		}
		var answers []issueAnswer
		_, err := c.call(ctx, op, issuesPath(project), options, &answers)
		if err != nil {
			return 0, nil, err
		}
		for i := range answers {
			visit(answers[i].issue())
		}
		if options.Page++; len(answers) > 0 {
			// The parameter has whole seconds.
			if last := answers[len(answers)-1].UpdatedAt.Truncate(time.Second); last.After(updatedAfter) {
				updatedAfter, options.Page = last, 1
			}
		}
		return len(answers), &gl.Response{}, nil
	})
}

// IssueChange is a change to an issue that leaves its description alone, because
// people edit that.
type IssueChange struct {
	AddLabels, RemoveLabels []string
	// StateEvent is "close", "reopen", or empty.
	StateEvent string
}

// ChangeIssue changes an issue in one call.
func (c *Client) ChangeIssue(ctx context.Context, project string, iid int64, ch IssueChange) (Issue, error) {
	op := operation{name: "change issue", method: http.MethodPut, subject: issueSubject(project, iid)}
	options := &gl.UpdateIssueOptions{
		AddLabels:    labels(ch.AddLabels),
		RemoveLabels: labels(ch.RemoveLabels),
	}
	if ch.StateEvent != "" {
		options.StateEvent = new(ch.StateEvent)
	}
	return c.issue(ctx, op, fmt.Sprintf("%s/%d", issuesPath(project), iid), options)
}

// issue makes a call that answers with an issue.
func (c *Client) issue(ctx context.Context, op operation, path string, options any) (Issue, error) {
	var answer issueAnswer
	if _, err := c.call(ctx, op, path, options, &answer); err != nil {
		return Issue{}, err
	}
	if answer.IID == 0 {
		return Issue{}, c.unreadable(op, nil)
	}
	return answer.issue(), nil
}

// pages calls list for each page, until one is the last. When there are more than
// are read, it fails: what was not found may be in the rest.
func (c *Client) pages(op operation, what string, list func(gl.ListOptions) (int, *gl.Response, error)) error {
	for page := 1; page <= maxPages; page++ {
		n, resp, err := list(gl.ListOptions{Page: page, PerPage: pageSize})
		if err != nil {
			return err
		}
		// Proxies have been seen to drop X-Next-Page, so a full page is followed
		// even without it.
		if resp.NextPage == 0 && n < pageSize {
			return nil
		}
	}
	return c.fail(op, connectors.Permanent, fmt.Sprintf("more than %d %s to look through", maxPages*pageSize, what))
}

func issuesPath(project string) string { return "projects/" + gl.PathEscape(project) + "/issues" }

func issueSubject(project string, iid int64) string { return fmt.Sprintf("issue %s#%d", project, iid) }

// labels is nil for none, so that the parameter is left out.
func labels(names []string) *gl.LabelOptions {
	if len(names) == 0 {
		return nil
	}
	return (*gl.LabelOptions)(&names)
}
