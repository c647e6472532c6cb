package gitlab

import "time"

// LabelChange is a label event as people read it.
type LabelChange struct {
	ID            int
	Author, Label string // the label's name is empty once it is deleted
	Added         bool
	At            time.Time
}

// LabelEvents are those of an issue, oldest first.
func (v View) LabelEvents(projectPath string, iid int) []LabelChange {
	p, i := v.project(projectPath), v.issue(projectPath, iid)
	if p == nil || i == nil {
		return nil
	}
	list := make([]LabelChange, len(i.labelEvents))
	for at, e := range i.labelEvents {
		list[at] = LabelChange{ID: e.ID, Author: v.s.users[e.UserID].Username, Added: e.Action == "add", At: e.At}
		if label := labelNumbered(p, e.LabelID); label != nil {
			list[at].Label = label.Name
		}
	}
	return list
}
