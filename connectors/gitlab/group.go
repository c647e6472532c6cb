package gitlab

import (
	"context"
	"net/http"
	"strconv"

	gl "github.com/xanzy/go-gitlab"
)

// Group is a group, or a group within another.
type Group struct {
	ID int64
	// Path is the full path. GitLab redirects from the paths that a group had
	// before, so it may not be the one asked for.
	Path        string
	Description string
	URL         string
	Archived    bool
	// Deleting tells that the group is marked for deletion.
	Deleting bool
	// Visibility is "private", "internal" or "public".
	Visibility string
}

type groupAnswer struct {
	ID                  int64   `json:"id"`
	FullPath            string  `json:"full_path"`
	Description         string  `json:"description"`
	WebURL              string  `json:"web_url"`
	Archived            bool    `json:"archived"`
	MarkedForDeletionOn *string `json:"marked_for_deletion_on"`
	Visibility          string  `json:"visibility"`
}

func (a *groupAnswer) group() Group {
	return Group{
		ID:          a.ID,
		Path:        a.FullPath,
		Description: a.Description,
		URL:         a.WebURL,
		Archived:    a.Archived,
		Deleting:    a.MarkedForDeletionOn != nil,
		Visibility:  a.Visibility,
	}
}

// Group reads a group by its full path.
func (c *Client) Group(ctx context.Context, fullPath string) (Group, error) {
	return c.readGroup(ctx, fullPath)
}

// GroupByID reads a group by its number, which it keeps when it is renamed or moved.
func (c *Client) GroupByID(ctx context.Context, id int64) (Group, error) {
	return c.readGroup(ctx, strconv.FormatInt(id, 10))
}

func (c *Client) readGroup(ctx context.Context, reference string) (Group, error) {
	op := operation{name: "read group", method: http.MethodGet, subject: "group " + reference}
	var answer groupAnswer
	// Without this GitLab adds up to 100 projects.
	options := &gl.GetGroupOptions{WithProjects: new(false)}
	if _, err := c.call(ctx, op, "groups/"+gl.PathEscape(reference), options, &answer); err != nil {
		return Group{}, err
	}
	if answer.ID == 0 {
		return Group{}, c.unreadable(op, nil)
	}
	return answer.group(), nil
}

// EachGroup visits the groups directly below a group, by number.
func (c *Client) EachGroup(ctx context.Context, parent string, visit func(Group)) error {
	op := operation{name: "list groups", method: http.MethodGet, subject: "group " + parent}
	options := &gl.ListSubGroupsOptions{OrderBy: new("id"), Sort: new("asc")}
	return c.pages(op, "groups", func(page gl.ListOptions) (int, *gl.Response, error) {
		options.ListOptions = page
		var answers []groupAnswer
		resp, err := c.call(ctx, op, "groups/"+gl.PathEscape(parent)+"/subgroups", options, &answers)
		if err != nil {
			return 0, nil, err
		}
		for i := range answers {
			visit(answers[i].group())
		}
		return len(answers), resp, nil
	})
}

// NewGroup is a group to create.
type NewGroup struct {
	// ParentID is the group that it goes into, 0 for the top.
	ParentID int64
	// Name is what people read; Path is the last part of the address.
	Name, Path  string
	Description string
}

// CreateGroup creates a private group in which maintainers may create projects and
// groups. IsTaken tells a failure because of the name or the path.
func (c *Client) CreateGroup(ctx context.Context, g NewGroup) (Group, error) {
	op := operation{name: "create group", method: http.MethodPost, subject: "group " + g.Path}
	options := &gl.CreateGroupOptions{
		Name:                  new(g.Name),
		Path:                  new(g.Path),
		Description:           new(g.Description),
		Visibility:            new(gl.PrivateVisibility),
		ProjectCreationLevel:  new(gl.MaintainerProjectCreation),
		SubGroupCreationLevel: new(gl.MaintainerSubGroupCreationLevelValue),
	}
	if g.ParentID != 0 {
		options.ParentID = new(int(g.ParentID))
	}
	var answer groupAnswer
	if _, err := c.call(ctx, op, "groups", options, &answer); err != nil {
		return Group{}, err
	}
	if answer.ID == 0 {
		return Group{}, c.unreadable(op, nil)
	}
	return answer.group(), nil
}
