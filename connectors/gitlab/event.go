package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// LabelEvent is a label that somebody put on an issue or took off it.
type LabelEvent struct {
	ID       int64
	AuthorID int64
	// Label is the label's name, empty when the label was deleted since.
	Label string
	// Added tells a label that was put on from one that was taken off.
	Added bool
	At    time.Time
}

// LabelEvents reads what became of an issue's labels, oldest first.
func (c *Client) LabelEvents(ctx context.Context, project string, iid int64) ([]LabelEvent, error) {
	op := operation{name: "list label events", method: http.MethodGet, subject: issueSubject(project, iid)}
	type answer struct {
		event
		Action string `json:"action"`
		Label  *struct {
			Name string `json:"name"`
		} `json:"label"`
	}
	path := fmt.Sprintf("%s/%d/resource_label_events", issuesPath(project), iid)
	answers, err := readAll[answer](ctx, c, op, "label events", path)
	if err != nil {
		return nil, err
	}
	events := make([]LabelEvent, 0, len(answers))
	for _, a := range answers {
		if a.ID == 0 || a.Action != "add" && a.Action != "remove" {
			return nil, c.unreadable(op, nil)
		}
		read := LabelEvent{ID: a.ID, AuthorID: a.User.ID, Added: a.Action == "add", At: a.CreatedAt}
		if a.Label != nil {
			read.Label = a.Label.Name
		}
		events = append(events, read)
	}
	return events, nil
}

// StateEvent is an issue that somebody closed or opened again.
type StateEvent struct {
	ID       int64
	AuthorID int64
	// State is "closed" or "reopened".
	State string
	At    time.Time
}

// StateEvents reads when an issue was closed and opened again, oldest first.
func (c *Client) StateEvents(ctx context.Context, project string, iid int64) ([]StateEvent, error) {
	op := operation{name: "list state events", method: http.MethodGet, subject: issueSubject(project, iid)}
	type answer struct {
		event
		State string `json:"state"`
	}
	path := fmt.Sprintf("%s/%d/resource_state_events", issuesPath(project), iid)
	answers, err := readAll[answer](ctx, c, op, "state events", path)
	if err != nil {
		return nil, err
	}
	events := make([]StateEvent, 0, len(answers))
	for _, a := range answers {
		if a.ID == 0 || a.State == "" {
			return nil, c.unreadable(op, nil)
		}
		events = append(events, StateEvent{ID: a.ID, AuthorID: a.User.ID, State: a.State, At: a.CreatedAt})
	}
	return events, nil
}

// event is what GitLab says of every kind of event. The user is null when the
// account is gone.
type event struct {
	ID   int64 `json:"id"`
	User struct {
		ID int64 `json:"id"`
	} `json:"user"`
	CreatedAt time.Time `json:"created_at"`
}
