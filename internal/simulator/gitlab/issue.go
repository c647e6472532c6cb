package gitlab

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Issue is an issue of a project.
type Issue struct {
	ID           int
	IID          int
	ProjectID    int
	Title        string
	Description  string
	State        string // "opened" or "closed"
	Labels       []string
	Confidential bool
	Locked       bool
	AuthorID     int
	Author       string
	AssigneeIDs  []int
	DueDate      string
	ClosedBy     string
	CreatedAt    time.Time
	UpdatedAt    time.Time
	ClosedAt     time.Time
}

const (
	opened = "opened"
	closed = "closed"
)

type issue struct {
	Issue
	notes       []*Note
	labelEvents []LabelEvent
	stateEvents []StateEvent
	comments    int
	textAt      time.Time // when its text last changed, for search that lags
	closedByID  int
	lastEditor  int
	lastEdition time.Time
}

func (i *issue) visibleTo(user *User, p *project) bool {
	return !i.Confidential || i.AuthorID == user.ID || slices.Contains(i.AssigneeIDs, user.ID) || level(user, p) >= Planner
}

// issueInput is what a new issue is made of.
type issueInput struct {
	iid                int
	title, description string
	labels             []string
	confidential       bool
	assignees          []int
	due                string
	createdAt          time.Time
}

const (
	maxTitle       = 255
	maxDescription = 1 << 20
)

func checkIssue(title, description string) error {
	v := invalid{}
	if strings.TrimSpace(title) == "" {
		v.add("title", "can't be blank")
	} else if utf8.RuneCountInString(title) > maxTitle {
		v.add("title", "is too long (maximum is 255 characters)")
	}
	if utf8.RuneCountInString(description) > maxDescription {
		v.add("description", "is too long (maximum is 1048576 characters)")
	}
	return v.record()
}

func (s *Server) createIssue(user *User, p *project, in issueInput) (*issue, error) {
	in.title = strings.TrimSpace(in.title)
	if err := checkIssue(in.title, in.description); err != nil {
		return nil, err
	}
	if level(user, p) < Owner {
		in.iid, in.createdAt = 0, time.Time{} // silently dropped
	}
	if level(user, p) < Planner {
		in.labels, in.assignees, in.due = nil, nil, ""
	}
	if in.iid != 0 && p.byIID[in.iid] != nil {
		return nil, conflict("Duplicated issue")
	}
	now := s.now()
	if in.iid == 0 {
		in.iid = p.lastIID + 1
	}
	if in.createdAt.IsZero() {
		in.createdAt = now
	}
	description, actions := extractQuickActions(in.description)
	i := &issue{textAt: now, Issue: Issue{
		ID: s.next("issue"), IID: in.iid, ProjectID: p.ID, Title: in.title, Description: description, State: opened,
		Confidential: in.confidential, AuthorID: user.ID, Author: user.Username, AssigneeIDs: in.assignees,
		DueDate: in.due, CreatedAt: in.createdAt, UpdatedAt: now, Labels: s.ensureLabels(p, in.labels),
	}}
	if n := len(p.issues); n > 0 && in.createdAt.Before(p.issues[n-1].CreatedAt) {
		p.unordered = true
	}
	s.recordLabels(user, p, i, nil, i.Labels)
	p.issues = append(p.issues, i)
	p.byIID[i.IID] = i
	p.lastIID = max(p.lastIID, i.IID)
	p.openIssues++
	p.LastActivityAt = now
	change := s.quickActionChange(user, p, i, actions)
	state := change.state
	change.state = ""
	s.apply(user, p, i, change)
	s.recordMentions(p, i.IID, user, "", i.Title+"\n\n"+i.Description)
	s.issueEvent(user, p, i, "open", obj{})
	if state != "" {
		s.changeIssue(user, p, i, issueChange{state: state})
	}
	return i, nil
}

// issueChange is what is to become of an issue; what is nil stays.
type issueChange struct {
	title, description      *string
	state                   string // "close", "reopen" or nothing
	labels                  *[]string
	addLabels, removeLabels []string
	confidential, locked    *bool
	assignees               *[]int
	due                     *string
	updatedAt               time.Time
}

// merge adds what other changes.
func (c issueChange) merge(other issueChange) issueChange {
	for _, field := range []struct{ to, from **string }{{&c.title, &other.title}, {&c.due, &other.due}} {
		if *field.from != nil {
			*field.to = *field.from
		}
	}
	for _, field := range []struct{ to, from **bool }{{&c.confidential, &other.confidential}, {&c.locked, &other.locked}} {
		if *field.from != nil {
			*field.to = *field.from
		}
	}
	if other.state != "" {
		c.state = other.state
	}
	if other.labels != nil {
		c.labels = other.labels
	}
	if other.assignees != nil {
		c.assignees = other.assignees
	}
	c.addLabels = append(slices.Clip(c.addLabels), other.addLabels...)
	c.removeLabels = append(slices.Clip(c.removeLabels), other.removeLabels...)
	return c
}

// editIssue changes an issue by its text, whose quick actions are carried out.
func (s *Server) editIssue(user *User, p *project, i *issue, change issueChange) error {
	title, description := i.Title, i.Description
	var actions []quickAction
	if change.description != nil {
		description, actions = extractQuickActions(*change.description)
		change.description = &description
		change = change.merge(s.quickActionChange(user, p, i, actions))
	}
	if change.title != nil {
		title = strings.TrimSpace(*change.title)
		change.title = &title
	}
	if err := checkIssue(title, description); err != nil {
		return err
	}
	s.changeIssue(user, p, i, change)
	return nil
}

// changeIssue changes an issue, tells it in system notes, and sends webhooks, all
// for what is really different afterwards.
func (s *Server) changeIssue(user *User, p *project, i *issue, change issueChange) {
	if changes := s.apply(user, p, i, change); len(changes) > 0 {
		s.issueEvent(user, p, i, "update", changes)
	}
	now := s.now()
	switch {
	case change.state == "close" && i.State == opened:
		i.State, i.ClosedAt, i.ClosedBy, i.closedByID = closed, now, user.Username, user.ID
		p.openIssues--
		s.stateChanged(user, p, i, "closed", "close", obj{
			"state_id":  obj{"previous": 1, "current": 2},
			"closed_at": obj{"previous": nil, "current": hookStamp(now)},
		})
	case change.state == "reopen" && i.State == closed:
		before := i.ClosedAt
		i.State, i.ClosedAt, i.ClosedBy, i.closedByID = opened, time.Time{}, "", 0
		p.openIssues++
		s.stateChanged(user, p, i, "reopened", "reopen", obj{
			"state_id":  obj{"previous": 2, "current": 1},
			"closed_at": obj{"previous": hookStamp(before), "current": nil},
		})
	}
}

func (s *Server) stateChanged(user *User, p *project, i *issue, told, action string, changes obj) {
	s.touch(p, i, changes)
	s.recordState(user, i, told)
	s.systemNote(user, p, i, told)
	s.issueEvent(user, p, i, action, changes)
}

// touch dates a change.
func (s *Server) touch(p *project, i *issue, changes obj) {
	before := i.UpdatedAt
	i.UpdatedAt = s.now()
	p.LastActivityAt = i.UpdatedAt
	changes["updated_at"] = obj{"previous": hookStamp(before), "current": hookStamp(i.UpdatedAt)}
}

// apply makes all changes but that of the state, and returns them as webhooks do.
func (s *Server) apply(user *User, p *project, i *issue, change issueChange) obj {
	changes := obj{}
	differs := func(name string, previous, current any) {
		changes[name] = obj{"previous": previous, "current": current}
	}
	if change.title != nil && *change.title != i.Title {
		differs("title", i.Title, *change.title)
		s.systemNote(user, p, i, fmt.Sprintf("changed title from **%s** to **%s**", i.Title, *change.title))
		s.recordMentions(p, i.IID, user, i.Title, *change.title)
		i.Title, i.textAt = *change.title, s.now()
	}
	if change.description != nil && *change.description != i.Description {
		differs("description", i.Description, *change.description)
		s.systemNote(user, p, i, describeEdit(i.Description, *change.description))
		s.recordMentions(p, i.IID, user, i.Description, *change.description)
		i.Description, i.textAt = *change.description, s.now()
		i.lastEditor, i.lastEdition = user.ID, s.now()
	}
	s.applyLabels(user, p, i, change, differs)
	if change.confidential != nil && *change.confidential != i.Confidential {
		differs("confidential", i.Confidential, *change.confidential)
		i.Confidential = *change.confidential
		s.systemNote(user, p, i, map[bool]string{true: "made the issue confidential", false: "made the issue visible to everyone"}[i.Confidential])
	}
	if change.locked != nil && *change.locked != i.Locked {
		differs("discussion_locked", i.Locked, *change.locked)
		i.Locked = *change.locked
		s.systemNote(user, p, i, map[bool]string{true: "locked the discussion in this issue", false: "unlocked the discussion in this issue"}[i.Locked])
	}
	if change.assignees != nil && !slices.Equal(*change.assignees, i.AssigneeIDs) {
		previous := s.hookUsers(i.AssigneeIDs)
		i.AssigneeIDs = slices.Clone(*change.assignees)
		differs("assignees", previous, s.hookUsers(i.AssigneeIDs))
		told := "removed assignee"
		for _, id := range i.AssigneeIDs {
			told = "assigned to @" + s.users[id].Username
		}
		s.systemNote(user, p, i, told)
	}
	if change.due != nil && *change.due != i.DueDate {
		differs("due_date", orNull(i.DueDate), orNull(*change.due))
		i.DueDate = *change.due
		s.systemNote(user, p, i, "changed due date to "+i.DueDate)
	}
	if len(changes) > 0 {
		s.touch(p, i, changes)
		if !change.updatedAt.IsZero() && level(user, p) >= Owner {
			i.UpdatedAt = change.updatedAt
		}
	}
	return changes
}

func (s *Server) applyLabels(user *User, p *project, i *issue, change issueChange, differs func(string, any, any)) {
	if change.labels == nil && len(change.addLabels)+len(change.removeLabels) == 0 {
		return
	}
	wanted := i.Labels
	if change.labels != nil {
		wanted = *change.labels
	}
	wanted = append(slices.Clone(wanted), change.addLabels...)
	wanted = slices.DeleteFunc(wanted, func(name string) bool {
		return slices.ContainsFunc(change.removeLabels, func(removed string) bool { return strings.TrimSpace(removed) == name })
	})
	wanted = s.ensureLabels(p, wanted)
	if slices.Equal(wanted, i.Labels) {
		return
	}
	told := labelNote("added", wanted, i.Labels) + labelNote("removed", i.Labels, wanted)
	differs("labels", s.hookLabels(p, i.Labels), s.hookLabels(p, wanted))
	s.recordLabels(user, p, i, i.Labels, wanted)
	i.Labels = wanted
	s.systemNote(user, p, i, strings.TrimPrefix(told, " and "))
}

func labelNote(verb string, in, but []string) string {
	var names []string
	for _, name := range in {
		if !slices.Contains(but, name) {
			names = append(names, `~"`+name+`"`)
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return " and " + verb + " " + names[0] + " label"
	}
	return " and " + verb + " " + strings.Join(names, " ") + " labels"
}

// describeEdit is the system note for an edit: of one box that was ticked, or of
// anything else.
func describeEdit(before, after string) string {
	old, now := checkbox.FindAllStringSubmatch(before, -1), checkbox.FindAllStringSubmatch(after, -1)
	told := ""
	if len(old) == len(now) && checkbox.ReplaceAllString(before, "${1}${3}${4}") == checkbox.ReplaceAllString(after, "${1}${3}${4}") {
		for at := range now {
			if old[at][2] != now[at][2] {
				state := "completed"
				if now[at][2] == " " {
					state = "incomplete"
				}
				told = "marked the checklist item **" + now[at][4] + "** as " + state
			}
		}
	}
	if told == "" {
		return "changed the description"
	}
	return told
}

func (c *call) issueJSON(p *project, i *issue) any {
	s := c.server
	issues := fmt.Sprintf("%s/api/v4/projects/%d", s.url(), p.ID)
	var labels any = nonNil(i.Labels)
	if c.bool("with_labels_details", false) {
		details := []any{}
		for _, name := range i.Labels {
			if label := findLabel(p, name); label != nil { // lost when the project changed groups
				details = append(details, obj{
					"id": label.ID, "name": label.Name, "color": label.Color, "description": orNull(label.Description),
					"description_html": label.Description, "text_color": "#FFFFFF",
				})
			}
		}
		labels = details
	}
	assignees := make([]any, len(i.AssigneeIDs))
	var assignee any
	for at, id := range i.AssigneeIDs {
		assignees[at] = s.userJSON(s.users[id])
		assignee = assignees[0]
	}
	var closedBy any
	if i.closedByID != 0 {
		closedBy = s.userJSON(s.users[i.closedByID])
	}
	boxes := checkbox.FindAllStringSubmatch(i.Description, -1)
	done := 0
	for _, box := range boxes {
		if strings.EqualFold(box[2], "x") {
			done++
		}
	}
	answer := obj{
		"id": i.ID, "iid": i.IID, "project_id": p.ID, "title": i.Title, "description": i.Description, "state": i.State,
		"created_at": stamp(i.CreatedAt), "updated_at": stamp(i.UpdatedAt), "closed_at": stamp(i.ClosedAt), "closed_by": closedBy,
		"labels": labels, "milestone": nil, "assignees": assignees, "assignee": assignee, "author": s.userJSON(s.users[i.AuthorID]),
		"type": "ISSUE", "issue_type": "issue", "user_notes_count": i.comments, "merge_requests_count": 0, "upvotes": 0,
		"downvotes": 0, "due_date": orNull(i.DueDate), "confidential": i.Confidential, "discussion_locked": lockedJSON(i.Locked),
		"web_url": fmt.Sprintf("%s/%s/-/issues/%d", s.url(), p.FullPath, i.IID), "severity": "UNKNOWN",
		"time_stats":             obj{"time_estimate": 0, "total_time_spent": 0, "human_time_estimate": nil, "human_total_time_spent": nil},
		"task_completion_status": obj{"count": len(boxes), "completed_count": done}, "has_tasks": len(boxes) > 0,
		"blocking_issues_count": 0, "moved_to_id": nil, "imported": false, "imported_from": "none", "service_desk_reply_to": nil,
		"references": obj{"short": "#" + strconv.Itoa(i.IID), "relative": "#" + strconv.Itoa(i.IID), "full": p.FullPath + "#" + strconv.Itoa(i.IID)},
		"_links": obj{
			"self": fmt.Sprintf("%s/issues/%d", issues, i.IID), "notes": fmt.Sprintf("%s/issues/%d/notes", issues, i.IID),
			"project": issues, "closed_as_duplicate_of": nil,
		},
	}
	if len(boxes) > 0 {
		answer["task_status"] = fmt.Sprintf("%d of %d checklist items completed", done, len(boxes))
	}
	return answer
}

func lockedJSON(locked bool) any {
	if locked {
		return true
	}
	return nil
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// issue finds the issue that a request is about.
func (c *call) issue() (*project, *issue, error) {
	p, err := c.project()
	if err != nil {
		return nil, nil, err
	}
	iid, _ := strconv.Atoi(c.value("iid"))
	i := p.byIID[iid]
	if i == nil || !i.visibleTo(c.user, p) {
		return nil, nil, notFound("Issue")
	}
	return p, i, nil
}

// mayEdit refuses those who may not change an issue.
func mayEdit(user *User, p *project, i *issue) error {
	if level(user, p) < Planner && i.AuthorID != user.ID {
		return forbidden("")
	}
	return p.open()
}

func (c *call) postIssue() (any, error) {
	p, err := c.project()
	if err != nil {
		return nil, err
	}
	if p.Visibility == Private {
		if err := c.require(p, Guest); err != nil {
			return nil, err
		}
	}
	if err := p.open(); err != nil {
		return nil, err
	}
	if !c.has("title") {
		return nil, missing("title")
	}
	in := issueInput{
		iid: c.int("iid"), title: c.str("title"), description: c.str("description"), labels: c.list("labels"),
		confidential: c.bool("confidential", false), due: c.str("due_date"), createdAt: c.time("created_at"),
		assignees: c.assignees(),
	}
	c.bool("with_labels_details", false)
	if err := c.err(); err != nil {
		return nil, err
	}
	i, err := c.server.createIssue(c.user, p, in)
	if err != nil {
		return nil, err
	}
	return c.issueJSON(p, i), nil
}

// assignees are the users that a request names; the free edition keeps one.
func (c *call) assignees() []int {
	var ids []int
	for _, id := range append(c.ints("assignee_ids"), c.ints("assignee_id")...) {
		if c.server.users[id] != nil && len(ids) == 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

func (c *call) getIssue() (any, error) {
	p, i, err := c.issue()
	if err != nil {
		return nil, err
	}
	return c.issueJSON(p, i), nil
}

var issueAttributes = []string{
	"add_labels", "assignee_id", "assignee_ids", "confidential", "created_at", "description", "discussion_locked", "due_date",
	"labels", "milestone_id", "remove_labels", "state_event", "title", "issue_type", "updated_at",
}

func (c *call) putIssue() (any, error) {
	p, i, err := c.issue()
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(issueAttributes, c.has) {
		return nil, noneGiven(slices.Clone(issueAttributes)...)
	}
	if err := mayEdit(c.user, p, i); err != nil {
		return nil, err
	}
	change := issueChange{
		title: c.ptr("title"), description: c.ptr("description"), state: c.str("state_event"), updatedAt: c.time("updated_at"),
	}
	if level(c.user, p) >= Planner { // others may edit what they wrote, not sort it
		change.addLabels, change.removeLabels = c.list("add_labels"), c.list("remove_labels")
		change.confidential, change.locked, change.due = c.boolPtr("confidential"), c.boolPtr("discussion_locked"), c.ptr("due_date")
		if c.has("labels") {
			labels := c.list("labels")
			change.labels = &labels
		}
		if c.has("assignee_ids") || c.has("assignee_id") {
			ids := c.assignees()
			change.assignees = &ids
		}
	}
	if !slices.Contains([]string{"", "close", "reopen"}, change.state) {
		return nil, &Error{Status: http.StatusBadRequest, Body: obj{"error": "state_event does not have a valid value"}}
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	if err := c.server.editIssue(c.user, p, i, change); err != nil {
		return nil, err
	}
	return c.issueJSON(p, i), nil
}

func (c *call) deleteIssue() (any, error) {
	p, i, err := c.issue()
	if err != nil {
		return nil, err
	}
	if err := c.require(p, Owner); err != nil {
		return nil, err
	}
	if err := p.open(); err != nil {
		return nil, err
	}
	c.server.removeIssue(p, i)
	return c.noContent()
}

func (s *Server) removeIssue(p *project, i *issue) {
	if i.State == opened {
		p.openIssues--
	}
	delete(p.byIID, i.IID)
	p.issues = without(p.issues, i)
}

// Box is a box of a description that can be ticked.
type Box struct {
	Offset int // of its bracket
	Item   string
	Done   bool
}

// Boxes finds the boxes of a description, as SetBox does. Those in code are among
// them: a reader of Markdown passes over them.
func Boxes(description string) []Box {
	var list []Box
	for _, at := range checkbox.FindAllStringSubmatchIndex(description, -1) {
		list = append(list, Box{
			Offset: at[4] - 1, Item: strings.TrimSpace(description[at[8]:at[9]]),
			Done: strings.EqualFold(description[at[4]:at[5]], "x"),
		})
	}
	return list
}
