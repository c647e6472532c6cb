package gitlab

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// hookStamp is a time as webhooks write it, unlike the API.
func hookStamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func (s *Server) hookUser(u *User) obj {
	return obj{"id": u.ID, "name": u.Name, "username": u.Username, "avatar_url": nil, "email": "[REDACTED]"}
}

func (s *Server) hookUsers(ids []int) []any {
	users := make([]any, len(ids))
	for at, id := range ids {
		users[at] = s.hookUser(s.users[id])
	}
	return users
}

func (s *Server) hookLabels(p *project, names []string) []any {
	list := []any{}
	for _, name := range names {
		label := findLabel(p, name)
		if label == nil {
			continue // taken away since
		}
		entry := obj{
			"id": label.ID, "title": label.Name, "color": label.Color, "created_at": hookStamp(label.CreatedAt),
			"updated_at": hookStamp(label.CreatedAt), "template": false, "description": orNull(label.Description),
			"project_id": p.ID, "type": "ProjectLabel", "group_id": nil,
		}
		if p.labels[name] == nil {
			entry["type"], entry["project_id"] = "GroupLabel", nil
		}
		list = append(list, entry)
	}
	return list
}

func (s *Server) hookProject(p *project) obj {
	web := s.url() + "/" + p.FullPath
	return obj{
		"id": p.ID, "name": p.Name, "description": p.Description, "web_url": web, "avatar_url": nil,
		"git_ssh_url": "git@gitlab.invalid:" + p.FullPath + ".git", "git_http_url": web + ".git", "namespace": p.group.Name,
		"visibility_level": openness(p.Visibility), "path_with_namespace": p.FullPath, "default_branch": p.DefaultBranch,
		"ci_config_path": p.CIConfigPath, "homepage": web, "url": "git@gitlab.invalid:" + p.FullPath + ".git",
		"ssh_url": "git@gitlab.invalid:" + p.FullPath + ".git", "http_url": web + ".git",
	}
}

func (s *Server) hookRepository(p *project) obj {
	return obj{
		"name": p.Name, "url": "git@gitlab.invalid:" + p.FullPath + ".git", "description": p.Description, "homepage": s.url() + "/" + p.FullPath,
	}
}

func (s *Server) hookIssue(p *project, i *issue) obj {
	var assignee any
	if len(i.AssigneeIDs) > 0 {
		assignee = i.AssigneeIDs[0]
	}
	ids := i.AssigneeIDs
	if ids == nil {
		ids = []int{}
	}
	return obj{
		"id": i.ID, "iid": i.IID, "title": i.Title, "description": i.Description, "project_id": p.ID, "author_id": i.AuthorID,
		"assignee_id": assignee, "assignee_ids": ids, "confidential": i.Confidential, "discussion_locked": lockedJSON(i.Locked),
		"created_at": hookStamp(i.CreatedAt), "updated_at": hookStamp(i.UpdatedAt), "closed_at": hookStamp(i.ClosedAt),
		"due_date": orNull(i.DueDate), "state": i.State, "state_id": map[string]int{opened: 1, closed: 2}[i.State],
		"labels": s.hookLabels(p, i.Labels), "url": fmt.Sprintf("%s/%s/-/issues/%d", s.url(), p.FullPath, i.IID),
		"last_edited_at": hookStamp(i.lastEdition), "last_edited_by_id": orNil(i.lastEditor), "milestone_id": nil,
		"moved_to_id": nil, "duplicated_to_id": nil, "relative_position": nil, "time_estimate": 0, "total_time_spent": 0,
		"time_change": 0, "human_total_time_spent": nil, "human_time_change": nil, "human_time_estimate": nil,
		"weight": nil, "health_status": nil, "type": "Issue", "severity": "unknown", "customer_relations_contacts": []any{},
	}
}

func (s *Server) issuePayload(user *User, p *project, i *issue, action string, changes obj) obj {
	attributes := s.hookIssue(p, i)
	if action != "" {
		attributes["action"] = action
	}
	payload := obj{
		"object_kind": "issue", "event_type": confidentially(i, "issue"), "user": s.hookUser(user), "project": s.hookProject(p),
		"object_attributes": attributes, "labels": attributes["labels"], "changes": changes, "repository": s.hookRepository(p),
	}
	if len(i.AssigneeIDs) > 0 {
		payload["assignees"] = s.hookUsers(i.AssigneeIDs)
	}
	return payload
}

func (s *Server) notePayload(user *User, p *project, i *issue, n *Note, action string) obj {
	return obj{
		"object_kind": "note", "event_type": confidentially(i, "note"), "user": s.hookUser(user), "project_id": p.ID,
		"project": s.hookProject(p), "repository": s.hookRepository(p), "issue": s.hookIssue(p, i),
		"object_attributes": obj{
			"id": n.ID, "note": n.Body, "description": n.Body, "noteable_type": "Issue", "noteable_id": i.ID, "author_id": n.AuthorID,
			"project_id": p.ID, "system": n.System, "internal": n.Internal, "action": action, "attachment": nil, "commit_id": nil,
			"discussion_id": n.DiscussionID(), "line_code": nil, "type": n.kind(), "st_diff": nil,
			"created_at": hookStamp(n.CreatedAt), "updated_at": hookStamp(n.UpdatedAt),
			"url": fmt.Sprintf("%s/%s/-/issues/%d#note_%d", s.url(), p.FullPath, i.IID, n.ID),
		},
	}
}

func confidentially(i *issue, kind string) string {
	if i.Confidential {
		return "confidential_" + kind
	}
	return kind
}

// issueEvent sends a change of an issue to the hooks of its project.
func (s *Server) issueEvent(user *User, p *project, i *issue, action string, changes obj) {
	event, name := "issues_events", "Issue Hook"
	if i.Confidential {
		event, name = "confidential_issues_events", "Confidential Issue Hook"
	}
	s.send(p, event, name, func() obj { return s.issuePayload(user, p, i, action, changes) })
}

// noteEvent sends a comment to the hooks of its project.
func (s *Server) noteEvent(user *User, p *project, i *issue, n *Note, action string) {
	event, name := "note_events", "Note Hook"
	if i.Confidential || n.Internal {
		event, name = "confidential_note_events", "Confidential Note Hook"
	}
	s.send(p, event, name, func() obj { return s.notePayload(user, p, i, n, action) })
}

func (s *Server) send(p *project, event, name string, payload func() obj) {
	var body obj
	uuid := ""
	for _, h := range p.hooks {
		if !slices.Contains(h.Events, event) || h.alertStatus(s.now()) != "executable" {
			continue
		}
		if body == nil {
			body, uuid = payload(), s.nextUUID()
		}
		s.post(h, name, body, uuid)
	}
}

// post hands one webhook to the courier.
func (s *Server) post(h *hook, name string, payload obj, event string) {
	body, err := json.Marshal(payload)
	if err != nil {
		panic("gitlab: webhook payload: " + err.Error())
	}
	s.courier.send(Delivery{
		HookID: h.ID, URL: h.URL, Token: h.Token, Event: name, Body: body, Instance: s.url(), HookUUID: h.UUID, EventUUID: event,
		IdempotencyKey: s.uuid("delivery", s.next("delivery")), Project: h.project.FullPath,
		Kind: strings.TrimPrefix(payload["object_kind"].(string), "confidential_"),
	})
}
