package gitlab

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// QuickAction is a command that GitLab found in a text and took out of it.
type QuickAction struct {
	Project  string
	IssueIID int
	By       string
	Command  string // as written, without the slash, in lower case
	Args     string
	Executed bool // false when its author may not, or the simulator does not go so far
}

var quickActionLine = regexp.MustCompile(`(?m)^ {0,3}/([A-Za-z_]+)(?:[ \t]([^\n]*))?$`)

// quickActionNames are the commands of GitLab: all are taken out of texts, also
// those that do nothing here.
var quickActionNames = words(`add_child add_contacts add_email add_parent approve assign assign_reviewer award
	board_move blocked_by blocks cc checkin_reminder child_epic clear_health_status clear_weight clone close
	confidential convert_to_ticket copy_metadata create_merge_request done draft due duplicate epic estimate
	estimate_time health_status invite_email iteration label labels link lock merge milestone move open page
	parent_epic promote promote_to promote_to_incident publish react ready reassign reassign_reviewer rebase
	relabel relate remove_child remove_child_epic remove_contacts remove_due_date remove_email remove_epic
	remove_estimate remove_iteration remove_label remove_milestone remove_parent remove_parent_epic
	remove_time_spent remove_zoom reopen request_review set_parent severity shrug spend spend_time spent
	submit_review subscribe tableflip tag target_branch timeline title todo type unapprove unassign
	unassign_reviewer unlabel unlink unlock unsubscribe weight zoom`)

type quickAction struct{ command, args string }

// extractQuickActions takes the commands out of a text.
func extractQuickActions(text string) (rest string, found []quickAction) {
	if !strings.Contains(text, "/") {
		return text, nil
	}
	normal := normalize(text)
	visible := maskQuotes(maskCode(normal))
	var kept strings.Builder
	last := 0
	for _, at := range quickActionLine.FindAllStringSubmatchIndex(visible, -1) {
		command := strings.ToLower(visible[at[2]:at[3]])
		if !quickActionNames[command] {
			continue
		}
		action := quickAction{command: command}
		if at[4] >= 0 {
			action.args = strings.TrimSpace(normal[at[4]:at[5]])
		}
		found = append(found, action)
		kept.WriteString(normal[last:at[0]])
		last = min(at[1]+1, len(normal)) // with the end of its line
	}
	if found == nil {
		return text, nil
	}
	kept.WriteString(normal[last:])
	return strings.TrimSpace(kept.String()), found
}

// quickActionChange turns commands into a change of the issue, as far as the user
// may make it, and records them.
func (s *Server) quickActionChange(user *User, p *project, i *issue, found []quickAction) issueChange {
	var change issueChange
	sorts := level(user, p) >= Planner
	edits := sorts || i.AuthorID == user.ID
	yes, no := true, false
	none := ""
	current := &labelEdit{}
	for _, action := range found {
		var executed bool
		switch action.command {
		case "close":
			if executed = edits; executed {
				change.state = "close"
			}
		case "reopen", "open":
			if executed = edits; executed {
				change.state = "reopen"
			}
		case "title":
			if executed = edits && action.args != ""; executed {
				change.title = &action.args
			}
		case "confidential":
			if executed = sorts; executed {
				change.confidential = &yes
			}
		case "lock", "unlock":
			if executed = sorts; executed {
				change.locked = map[string]*bool{"lock": &yes, "unlock": &no}[action.command]
			}
		case "assign", "reassign":
			assignees := s.usersNamed(user, action.args)
			if executed = sorts && len(assignees) > 0; executed {
				change.assignees = &assignees
			}
		case "unassign":
			if executed = sorts; executed {
				change.assignees = &[]int{}
			}
		case "label", "labels", "relabel":
			names := existingLabels(p, action.args)
			if executed = sorts && len(names) > 0; executed {
				if action.command == "relabel" {
					current.clear()
				}
				current.add(names)
			}
		case "unlabel", "remove_label":
			if executed = sorts; executed {
				if action.args == "" {
					current.clear()
				}
				current.remove(existingLabels(p, action.args))
			}
		case "due":
			date, ok := s.dueDate(action.args)
			if executed = sorts && ok; executed {
				change.due = &date
			}
		case "remove_due_date":
			if executed = sorts; executed {
				change.due = &none
			}
		default:
			executed = action.command == "cc"
		}
		s.quickActions = append(s.quickActions, QuickAction{
			Project: p.FullPath, IssueIID: i.IID, By: user.Username, Command: action.command, Args: action.args, Executed: executed,
		})
	}
	change.labels, change.addLabels, change.removeLabels = current.set, current.added, current.removed
	return change
}

// labelEdit is what a series of commands does to the labels of an issue.
type labelEdit struct {
	set            *[]string
	added, removed []string
}

func (e *labelEdit) clear() { e.set, e.added, e.removed = &[]string{}, nil, nil }

func (e *labelEdit) add(names []string) {
	e.added = append(e.added, names...)
	e.removed = slices.DeleteFunc(e.removed, func(name string) bool { return slices.Contains(names, name) })
}

func (e *labelEdit) remove(names []string) {
	e.removed = append(e.removed, names...)
	e.added = slices.DeleteFunc(e.added, func(name string) bool { return slices.Contains(names, name) })
}

var labelReference = regexp.MustCompile(`~?"([^"]+)"|~?([^\s,~"]+)`)

func existingLabels(p *project, args string) []string {
	var names []string
	for _, match := range labelReference.FindAllStringSubmatch(args, -1) {
		name := match[1] + match[2]
		if findLabel(p, name) != nil {
			names = append(names, name)
		}
	}
	return names
}

func (s *Server) usersNamed(self *User, args string) []int {
	var ids []int
	for _, name := range strings.FieldsFunc(args, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' }) {
		name = strings.ToLower(strings.TrimPrefix(name, "@"))
		if user := s.usernames[name]; user != nil {
			ids = append(ids, user.ID)
		} else if name == "me" {
			ids = append(ids, self.ID)
		}
	}
	return ids
}

func (s *Server) dueDate(args string) (string, bool) {
	args = strings.TrimSpace(strings.TrimPrefix(args, "in "))
	switch args {
	case "today":
		return s.now().Format(time.DateOnly), true
	case "tomorrow":
		return s.now().AddDate(0, 0, 1).Format(time.DateOnly), true
	}
	_, err := time.Parse(time.DateOnly, args)
	return args, err == nil
}
