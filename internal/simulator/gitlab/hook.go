package gitlab

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// A hook is switched off for a time after failedShort failures in a row, longer
// with each more, and for good after failedLong.
const (
	failedShort = 4
	failedLong  = 40
	firstOff    = time.Minute
	longestOff  = 24 * time.Hour
)

// Hook is a project's webhook.
type Hook struct {
	ID            int
	UUID          string
	URL           string
	Name          string
	Description   string
	Token         string
	Events        []string // names of the events that it is sent for
	Verify        bool
	Failures      int // in a row
	DisabledUntil time.Time
	CreatedAt     time.Time
}

type hook struct {
	Hook
	project *project
}

// hookEvents are the events of a project hook, with what they are by default.
var hookEvents = []struct {
	name    string
	enabled bool
}{
	{"push_events", true},
	{"issues_events", false},
	{"confidential_issues_events", false},
	{"note_events", false},
	{"confidential_note_events", false},
	{"merge_requests_events", false},
	{"tag_push_events", false},
	{"job_events", false},
	{"pipeline_events", false},
	{"wiki_page_events", false},
	{"deployment_events", false},
	{"feature_flag_events", false},
	{"releases_events", false},
	{"milestone_events", false},
	{"emoji_events", false},
	{"resource_access_token_events", false},
}

func (h *hook) alertStatus(now time.Time) string {
	switch {
	case h.Failures >= failedLong:
		return "disabled"
	case h.DisabledUntil.After(now):
		return "temporarily_disabled"
	}
	return "executable"
}

// settle counts how a delivery ended.
func (h *hook) settle(ok bool, now time.Time) {
	if ok {
		h.Failures, h.DisabledUntil = 0, time.Time{}
		return
	}
	h.Failures++
	if h.Failures >= failedShort {
		off := firstOff << min(h.Failures-failedShort, 20)
		h.DisabledUntil = now.Add(min(off, longestOff))
	}
}

func (c *call) hookJSON(h *hook) any {
	now := c.server.now()
	var until any
	if h.DisabledUntil.After(now) {
		until = stamp(h.DisabledUntil)
	}
	answer := obj{
		"id": h.ID, "url": h.URL, "name": orNull(h.Name), "description": orNull(h.Description), "created_at": stamp(h.CreatedAt),
		"project_id": h.project.ID, "enable_ssl_verification": h.Verify, "alert_status": h.alertStatus(now),
		"disabled_until": until, "url_variables": []any{}, "custom_headers": []any{}, "push_events_branch_filter": nil,
		"branch_filter_strategy": "wildcard", "custom_webhook_template": nil, "repository_update_events": false,
	}
	for _, event := range hookEvents {
		answer[event.name] = slices.Contains(h.Events, event.name)
	}
	return answer
}

// SetHook makes a project's webhook of that name what it is to be, or adds it. It is
// switched on.
func (s *Server) SetHook(projectPath string, wanted Hook) error {
	return s.actOnProject(projectPath, "", func(_ *User, p *project) error {
		at := slices.IndexFunc(p.hooks, func(h *hook) bool { return h.Name == wanted.Name })
		if at >= 0 {
			wanted.ID, wanted.UUID, wanted.CreatedAt = p.hooks[at].ID, p.hooks[at].UUID, p.hooks[at].CreatedAt
			p.hooks[at].Hook = wanted
			return nil
		}
		s.addHook(p, wanted)
		return nil
	})
}

func (s *Server) addHook(p *project, made Hook) *hook {
	made.ID, made.CreatedAt = s.next("hook"), s.now()
	made.UUID = s.uuid("hook", made.ID)
	h := &hook{Hook: made, project: p}
	s.hooks[h.ID] = h
	p.hooks = append(slices.Clip(p.hooks), h)
	return h
}

func (c *call) listHooks() (any, error) {
	p, err := c.projectFor(Maintainer)
	if err != nil {
		return nil, err
	}
	return paged(c, p.hooks, c.hookJSON)
}

func (c *call) hook() (*hook, error) {
	p, err := c.projectFor(Maintainer)
	if err != nil {
		return nil, err
	}
	id, _ := strconv.Atoi(c.value("hook_id"))
	h := c.server.hooks[id]
	if h == nil || h.project != p {
		return nil, notFound("")
	}
	return h, nil
}

func (c *call) getHook() (any, error) {
	h, err := c.hook()
	if err != nil {
		return nil, err
	}
	return c.hookJSON(h), nil
}

// readHook takes over what the request says of a hook.
func (c *call) readHook(h *Hook) error {
	for name, field := range map[string]*string{"url": &h.URL, "token": &h.Token, "name": &h.Name, "description": &h.Description} {
		if c.has(name) {
			*field = c.str(name)
		}
	}
	h.Verify = c.bool("enable_ssl_verification", h.Verify)
	var events []string
	for _, event := range hookEvents {
		if c.bool(event.name, slices.Contains(h.Events, event.name)) {
			events = append(events, event.name)
		}
	}
	h.Events = events
	if err := c.err(); err != nil {
		return err
	}
	if address, err := url.Parse(h.URL); err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
		return refuse(http.StatusUnprocessableEntity, "Invalid url given")
	}
	return nil
}

func (c *call) postHook() (any, error) {
	p, err := c.projectFor(Maintainer)
	if err != nil {
		return nil, err
	}
	if !c.has("url") {
		return nil, missing("url")
	}
	made := Hook{Verify: true}
	for _, event := range hookEvents {
		if event.enabled {
			made.Events = append(made.Events, event.name)
		}
	}
	if err := c.readHook(&made); err != nil {
		return nil, err
	}
	return c.hookJSON(c.server.addHook(p, made)), nil
}

func (c *call) putHook() (any, error) {
	h, err := c.hook()
	if err != nil {
		return nil, err
	}
	changed := h.Hook
	if err := c.readHook(&changed); err != nil {
		return nil, err
	}
	h.Hook = changed
	return c.hookJSON(h), nil
}

func (c *call) deleteHook() (any, error) {
	h, err := c.hook()
	if err != nil {
		return nil, err
	}
	delete(c.server.hooks, h.ID)
	h.project.hooks = without(h.project.hooks, h)
	return c.noContent()
}

// testHook sends a hook an event from the project's last issue, also when it is
// switched off: when that works, it is on again.
func (c *call) testHook() (any, error) {
	h, err := c.hook()
	if err != nil {
		return nil, err
	}
	p := h.project
	if len(p.issues) == 0 {
		return nil, refuse(http.StatusUnprocessableEntity, "Ensure the project has issues.")
	}
	i := p.issues[len(p.issues)-1]
	switch trigger := c.value("trigger"); trigger {
	case "issues_events", "confidential_issues_events":
		c.server.post(h, "Issue Hook", c.server.issuePayload(c.user, p, i, "", obj{}), c.server.nextUUID())
	case "note_events", "confidential_note_events":
		if len(i.notes) == 0 {
			return nil, refuse(http.StatusUnprocessableEntity, "Ensure the project has notes.")
		}
		c.server.post(h, "Note Hook", c.server.notePayload(c.user, p, i, i.notes[len(i.notes)-1], "create"), c.server.nextUUID())
	default:
		return nil, &Error{Status: http.StatusBadRequest, Body: obj{"error": "trigger does not have a valid value"}}
	}
	return obj{"message": "201 Created"}, nil
}

// uuid makes the identifiers of hooks and events: unique, and the same in each run.
func (s *Server) uuid(kind string, n int) string {
	h := hash(kind, []byte(strconv.Itoa(n)))
	return fmt.Sprintf("%s-%s-4%s-8%s-%s", h[:8], h[8:12], h[13:16], h[17:20], h[20:32])
}

func (s *Server) nextUUID() string { return s.uuid("event", s.next("event")) }
