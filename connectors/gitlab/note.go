package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"time"

	gl "github.com/xanzy/go-gitlab"
)

// Note is a comment on an issue.
type Note struct {
	ID        int64
	Body      string
	CreatedAt time.Time
}

type noteAnswer struct {
	ID        int64     `json:"id"`
	Body      string    `json:"body"`
	CreatedAt time.Time `json:"created_at"`
	System    bool      `json:"system"`
	Author    struct {
		ID int64 `json:"id"`
	} `json:"author"`
}

func (a *noteAnswer) note() Note { return Note{ID: a.ID, Body: a.Body, CreatedAt: a.CreatedAt} }

// AddNote comments on an issue. GitLab executes quick actions found in the body; a
// body of nothing else makes no note, which counts as a failure here.
func (c *Client) AddNote(ctx context.Context, project string, iid int64, body string) (Note, error) {
	op := operation{name: "add note", method: http.MethodPost, subject: issueSubject(project, iid)}
	return c.note(ctx, op, notesPath(project, iid), &gl.CreateIssueNoteOptions{Body: new(body)})
}

// EditNote replaces the body of a note.
func (c *Client) EditNote(ctx context.Context, project string, iid, noteID int64, body string) error {
	op := operation{name: "edit note", method: http.MethodPut, subject: issueSubject(project, iid)}
	path := fmt.Sprintf("%s/%d", notesPath(project, iid), noteID)
	_, err := c.note(ctx, op, path, &gl.UpdateIssueNoteOptions{Body: new(body)})
	return err
}

// FindNote looks through the notes that the token's user wrote on an issue, oldest
// first, and returns the first that match accepts.
func (c *Client) FindNote(ctx context.Context, project string, iid int64, match func(Note) bool) (Note, bool, error) {
	op := operation{name: "list notes", method: http.MethodGet, subject: issueSubject(project, iid)}
	user, err := c.currentUser(ctx)
	if err != nil {
		return Note{}, false, err
	}
	options := &gl.ListIssueNotesOptions{OrderBy: new("created_at"), Sort: new("asc")}
	var found Note
	err = c.pages(op, "notes", func(page gl.ListOptions) (int, *gl.Response, error) {
		options.ListOptions = page
		var answers []noteAnswer
		resp, err := c.call(ctx, op, notesPath(project, iid), options, &answers)
		if err != nil {
			return 0, nil, err
		}
		for i := range answers {
			a := &answers[i]
			if found.ID == 0 && a.Author.ID == user && !a.System && match(a.note()) {
				found = a.note()
			}
		}
		if found.ID != 0 {
			return 0, &gl.Response{}, nil // the rest is younger
		}
		return len(answers), resp, nil
	})
	if err != nil {
		return Note{}, false, err
	}
	return found, found.ID != 0, nil
}

// note makes a call that answers with a note.
func (c *Client) note(ctx context.Context, op operation, path string, options any) (Note, error) {
	var answer noteAnswer
	if _, err := c.call(ctx, op, path, options, &answer); err != nil {
		return Note{}, err
	}
	if answer.ID == 0 {
		return Note{}, c.unreadable(op, nil)
	}
	return answer.note(), nil
}

func notesPath(project string, iid int64) string {
	return fmt.Sprintf("%s/%d/notes", issuesPath(project), iid)
}
