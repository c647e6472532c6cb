package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"time"

	gl "github.com/xanzy/go-gitlab"
)

// Discussion is a thread of comments on an issue. A comment that nobody has answered
// is one, too, and so is each of GitLab's own notes.
type Discussion struct {
	ID string
	// Notes are in order: the first is what the others answer.
	Notes []DiscussionNote
}

// DiscussionNote is a comment, and who wrote it.
type DiscussionNote struct {
	ID       int64
	AuthorID int64
	// AuthorName is the author's username.
	AuthorName string
	Body       string
	// System tells GitLab's own notes, which nobody wrote.
	System               bool
	CreatedAt, UpdatedAt time.Time
}

type discussionAnswer struct {
	ID    string `json:"id"`
	Notes []struct {
		ID     int64 `json:"id"`
		Author struct {
			ID       int64  `json:"id"`
			Username string `json:"username"`
		} `json:"author"`
		Body      string    `json:"body"`
		System    bool      `json:"system"`
		CreatedAt time.Time `json:"created_at"`
		UpdatedAt time.Time `json:"updated_at"`
	} `json:"notes"`
}

func (a *discussionAnswer) discussion() Discussion {
	read := Discussion{ID: a.ID, Notes: make([]DiscussionNote, 0, len(a.Notes))}
	for i := range a.Notes {
		n := &a.Notes[i]
		read.Notes = append(read.Notes, DiscussionNote{
			ID: n.ID, AuthorID: n.Author.ID, AuthorName: n.Author.Username, Body: n.Body, System: n.System,
			CreatedAt: n.CreatedAt, UpdatedAt: n.UpdatedAt,
		})
	}
	return read
}

// Discussions reads everything that was said on an issue, by anybody.
func (c *Client) Discussions(ctx context.Context, project string, iid int64) ([]Discussion, error) {
	op := operation{name: "list discussions", method: http.MethodGet, subject: issueSubject(project, iid)}
	answers, err := readAll[discussionAnswer](ctx, c, op, "discussions", discussionsPath(project, iid))
	if err != nil {
		return nil, err
	}
	read := make([]Discussion, 0, len(answers))
	for i := range answers {
		if answers[i].ID == "" {
			return nil, c.unreadable(op, nil)
		}
		read = append(read, answers[i].discussion())
	}
	return read, nil
}

// Reply answers in a discussion; the answer to a single comment makes a thread of
// it. GitLab executes quick actions found in the body.
func (c *Client) Reply(ctx context.Context, project string, iid int64, discussion, body string) (Note, error) {
	op := operation{name: "reply", method: http.MethodPost, subject: issueSubject(project, iid)}
	path := fmt.Sprintf("%s/%s/notes", discussionsPath(project, iid), gl.PathEscape(discussion))
	return c.note(ctx, op, path, &gl.AddIssueDiscussionNoteOptions{Body: new(body)})
}

// readAll reads a list to its end.
func readAll[T any](ctx context.Context, c *Client, op operation, what, path string) ([]T, error) {
	var all []T
	err := c.pages(op, what, func(page gl.ListOptions) (int, *gl.Response, error) {
		var answers []T
		resp, err := c.call(ctx, op, path, &page, &answers)
		if err != nil {
			return 0, nil, err
		}
		all = append(all, answers...)
		return len(answers), resp, nil
	})
	return all, err
}

func discussionsPath(project string, iid int64) string {
	return fmt.Sprintf("%s/%d/discussions", issuesPath(project), iid)
}
