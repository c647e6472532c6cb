package gitlab

import (
	"slices"
	"time"
)

// LabelEvent is a label that came onto an issue, or went.
type LabelEvent struct {
	ID      int
	UserID  int
	LabelID int
	Action  string // "add" or "remove"
	At      time.Time
}

// StateEvent is an issue that was closed, or opened again.
type StateEvent struct {
	ID     int
	UserID int
	State  string // "closed" or "reopened"
	At     time.Time
}

// recordLabels keeps what became of an issue's labels.
func (s *Server) recordLabels(user *User, p *project, i *issue, before, after []string) {
	record := func(action string, in, but []string) {
		for _, name := range in {
			if label := findLabel(p, name); label != nil && !slices.Contains(but, name) {
				i.labelEvents = append(i.labelEvents, LabelEvent{s.next("label event"), user.ID, label.ID, action, s.now()})
			}
		}
	}
	record("add", after, before)
	record("remove", before, after)
}

func (s *Server) recordState(user *User, i *issue, state string) {
	i.stateEvents = append(i.stateEvents, StateEvent{s.next("state event"), user.ID, state, s.now()})
}

func (c *call) listLabelEvents() (any, error) {
	p, i, err := c.issue()
	if err != nil {
		return nil, err
	}
	return paged(c, i.labelEvents, func(e LabelEvent) any {
		var label any // null once the label is deleted
		if l := labelNumbered(p, e.LabelID); l != nil {
			label = obj{"id": l.ID, "name": l.Name, "color": l.Color, "description": orNull(l.Description)}
		}
		return obj{
			"id": e.ID, "user": c.server.userJSON(c.server.users[e.UserID]), "created_at": stamp(e.At), "resource_type": "Issue",
			"resource_id": i.ID, "label": label, "action": e.Action,
		}
	})
}

func (c *call) listStateEvents() (any, error) {
	_, i, err := c.issue()
	if err != nil {
		return nil, err
	}
	return paged(c, i.stateEvents, func(e StateEvent) any {
		return obj{
			"id": e.ID, "user": c.server.userJSON(c.server.users[e.UserID]), "created_at": stamp(e.At), "resource_type": "Issue",
			"resource_id": i.ID, "state": e.State,
		}
	})
}
