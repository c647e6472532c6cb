package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"time"

	gl "github.com/xanzy/go-gitlab"

	"github.com/cloud-pi-native/passerelle/connectors"
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

// DeleteNote removes a note; one that is gone already is no failure.
func (c *Client) DeleteNote(ctx context.Context, project string, iid, noteID int64) error {
	op := operation{name: "delete note", method: http.MethodDelete, subject: issueSubject(project, iid)}
	_, err := c.call(ctx, op, fmt.Sprintf("%s/%d", notesPath(project, iid), noteID), nil, nil)
	if connectors.IsNotFound(err) {
		return nil
	}
	return err
}

// FindNote looks through the notes that the token's user wrote on an issue, oldest
// first, and returns the first that match accepts.
func (c *Client) FindNote(ctx context.Context, project string, iid int64, match func(Note) bool) (Note, bool, error) {
	var found Note
	err := c.EachNote(ctx, project, iid, func(note Note) bool {
		if match(note) {
			found = note
		}
		return found.ID == 0 // the rest is younger
	})
	if err != nil {
		return Note{}, false, err
	}
	return found, found.ID != 0, nil
}

// EachNote visits the notes that the token's user wrote on an issue, oldest first,
// until visit returns false.
func (c *Client) EachNote(ctx context.Context, project string, iid int64, visit func(Note) bool) error {
	op := operation{name: "list notes", method: http.MethodGet, subject: issueSubject(project, iid)}
	user, err := c.Self(ctx)
	if err != nil {
		return err
	}
	options := &gl.ListIssueNotesOptions{OrderBy: new("created_at"), Sort: new("asc")}
	return c.pages(op, "notes", func(page gl.ListOptions) (int, *gl.Response, error) {
		options.ListOptions = page
		var answers []noteAnswer
		resp, err := c.call(ctx, op, notesPath(project, iid), options, &answers)
		if err != nil {
			return 0, nil, err
		}
		for i := range answers {
			if a := &answers[i]; a.Author.ID == user && !a.System && !visit(a.note()) {
				return 0, &gl.Response{}, nil
			}
		}
		return len(answers), resp, nil
	})
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
