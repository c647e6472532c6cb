package gitlab

import (
	"context"
	"fmt"
	"net/http"

	gl "github.com/xanzy/go-gitlab"
)

// Project is a project.
type Project struct {
	ID int64
	// Path is the full path. GitLab redirects from the paths that a project had
	// before, so it may not be the one asked for.
	Path          string
	Description   string
	URL           string
	DefaultBranch string
	// Archived projects refuse writes.
	Archived bool
	// Empty tells that the repository has no commit.
	Empty bool
	// Deleting tells that the project is marked for deletion.
	Deleting bool
	// Visibility is "private", "internal" or "public".
	Visibility string
	// Creator is the number of the user who created it. A fork, or an import, bears its
	// original's description and has a creator of its own.
	Creator int64
	Topics  []string
}

type projectAnswer struct {
	ID                  int64   `json:"id"`
	PathWithNamespace   string  `json:"path_with_namespace"`
	Description         string  `json:"description"`
	WebURL              string  `json:"web_url"`
	DefaultBranch       string  `json:"default_branch"`
	Archived            bool    `json:"archived"`
	EmptyRepo           bool    `json:"empty_repo"`
	MarkedForDeletionAt *string `json:"marked_for_deletion_at"`
	MarkedForDeletionOn *string `json:"marked_for_deletion_on"`
	Visibility          string  `json:"visibility"`
	CreatorID           int64   `json:"creator_id"`

	Topics []string `json:"topics"`
}

func (a *projectAnswer) project() Project {
	return Project{
		ID:            a.ID,
		Path:          a.PathWithNamespace,
		Description:   a.Description,
		URL:           a.WebURL,
		DefaultBranch: a.DefaultBranch,
		Archived:      a.Archived,
		Empty:         a.EmptyRepo,
		Deleting:      a.MarkedForDeletionAt != nil || a.MarkedForDeletionOn != nil,
		Visibility:    a.Visibility,
		Creator:       a.CreatorID,
		Topics:        a.Topics,
	}
}

// Project reads a project by its full path.
func (c *Client) Project(ctx context.Context, fullPath string) (Project, error) {
	op := operation{name: "read project", method: http.MethodGet, subject: "project " + fullPath}
	return c.project(ctx, op, "projects/"+gl.PathEscape(fullPath), nil)
}

// ProjectByID reads a project by its number, which it keeps when it is renamed or moved.
func (c *Client) ProjectByID(ctx context.Context, id int64) (Project, error) {
	op := operation{name: "read project", method: http.MethodGet, subject: fmt.Sprintf("project %d", id)}
	return c.project(ctx, op, fmt.Sprintf("projects/%d", id), nil)
}

// EachProject visits the projects below a group, at any depth, by number.
func (c *Client) EachProject(ctx context.Context, group string, visit func(Project)) error {
	op := operation{name: "list projects", method: http.MethodGet, subject: "group " + group}
	options := &gl.ListGroupProjectsOptions{
		IncludeSubGroups: new(true), WithShared: new(false), OrderBy: new("id"), Sort: new("asc"),
	}
	return c.pages(op, "projects", func(page gl.ListOptions) (int, *gl.Response, error) {
		options.ListOptions = page
		var answers []projectAnswer
		resp, err := c.call(ctx, op, "groups/"+gl.PathEscape(group)+"/projects", options, &answers)
		if err != nil {
			return 0, nil, err
		}
		for i := range answers {
			visit(answers[i].project())
		}
		return len(answers), resp, nil
	})
}

// NewProject is a project to create.
type NewProject struct {
	// NamespaceID is the group that it goes into.
	NamespaceID int64
	// Name is what people read; Path is the last part of the address.
	Name, Path    string
	Description   string
	DefaultBranch string
	// CIConfigPath is where the pipeline's definition stands, GitLab's default
	// when empty.
	CIConfigPath string
	Topics       []string
}

// CreateProject creates a private project with an empty repository. IsTaken tells
// a failure because of the name or the path.
func (c *Client) CreateProject(ctx context.Context, p NewProject) (Project, error) {
	op := operation{name: "create project", method: http.MethodPost, subject: "project " + p.Path}
	options := &gl.CreateProjectOptions{
		Name:                 new(p.Name),
		Path:                 new(p.Path),
		NamespaceID:          new(int(p.NamespaceID)),
		Description:          new(p.Description),
		Visibility:           new(gl.PrivateVisibility),
		InitializeWithReadme: new(false),
	}
	if p.DefaultBranch != "" {
		options.DefaultBranch = new(p.DefaultBranch)
	}
	if p.CIConfigPath != "" {
		options.CIConfigPath = new(p.CIConfigPath)
	}
	if len(p.Topics) > 0 {
		options.Topics = &p.Topics
	}
	return c.project(ctx, op, "projects", options)
}

// ProjectChange is a change to a project: what is nil stays as it is.
type ProjectChange struct {
	Description *string
	// Topics replace those that the project has.
	Topics []string
}

// ChangeProject changes a project in one call.
func (c *Client) ChangeProject(ctx context.Context, id int64, ch ProjectChange) (Project, error) {
	op := operation{name: "change project", method: http.MethodPut, subject: fmt.Sprintf("project %d", id)}
	options := &gl.EditProjectOptions{Description: ch.Description}
	if ch.Topics != nil {
		options.Topics = &ch.Topics
	}
	return c.project(ctx, op, fmt.Sprintf("projects/%d", id), options)
}

// ArchiveProject makes a project read-only. On an archived one it does nothing.
func (c *Client) ArchiveProject(ctx context.Context, id int64) error {
	op := operation{name: "archive project", method: http.MethodPost, subject: fmt.Sprintf("project %d", id)}
	_, err := c.project(ctx, op, fmt.Sprintf("projects/%d/archive", id), nil)
	return err
}

// UnarchiveProject makes a project writable again. On one that is not archived it
// does nothing.
func (c *Client) UnarchiveProject(ctx context.Context, id int64) error {
	op := operation{name: "unarchive project", method: http.MethodPost, subject: fmt.Sprintf("project %d", id)}
	_, err := c.project(ctx, op, fmt.Sprintf("projects/%d/unarchive", id), nil)
	return err
}

// project makes a call that answers with a project.
func (c *Client) project(ctx context.Context, op operation, path string, options any) (Project, error) {
	var answer projectAnswer
	if _, err := c.call(ctx, op, path, options, &answer); err != nil {
		return Project{}, err
	}
	if answer.ID == 0 {
		return Project{}, c.unreadable(op, nil)
	}
	return answer.project(), nil
}
