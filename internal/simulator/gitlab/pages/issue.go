package pages

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"html/template"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
)

// maxNotes is how many notes of an issue are shown at once.
const maxNotes = 100

// chip is a label on an issue. GitLab draws a::b in two parts only where that makes
// labels exclude each other, which the free edition does not.
type chip struct{ Name, Color string }

func chipOf(view gitlab.View, project, name string) chip {
	if label, ok := view.FindLabel(project, name); ok {
		return chip{name, label.Color}
	}
	return chip{name, "#6e7480"}
}

// issueRow is an issue in a list.
type issueRow struct {
	gitlab.Issue

	Chips       []chip
	Comments    int
	Boxes, Done int
}

func issueRowOf(view gitlab.View, project string, i gitlab.Issue) issueRow {
	row := issueRow{Issue: i, Comments: view.Comments(project, i.IID)}
	for _, name := range i.Labels {
		row.Chips = append(row.Chips, chipOf(view, project, name))
	}
	for _, box := range gitlab.Boxes(i.Description) {
		row.Boxes++
		if box.Done {
			row.Done++
		}
	}
	return row
}

// issues finds the page, or the act, that follows /-/issues.
func (v *visit) issues(head projectHead, argument string) {
	head.Tab = "issues"
	number, act, _ := strings.Cut(argument, "/")
	switch {
	case argument == "" && v.r.Method == http.MethodPost:
		v.openIssue(head)
		return
	case argument == "":
		v.listIssues(head)
		return
	case argument == "new":
		v.newIssue(head, http.StatusOK, draft{Title: v.r.PostForm.Get("title"), Description: unix(v.r.PostForm.Get("description"))})
		return
	}
	iid, err := strconv.Atoi(number)
	if err != nil {
		v.notFound()
		return
	}
	if act != "" {
		if v.posted() {
			v.act(head, iid, act)
		}
		return
	}
	v.issue(head, iid, http.StatusOK, draft{})
}

func (v *visit) listIssues(head projectHead) {
	query := v.r.URL.Query()
	d := struct {
		Head         projectHead
		State, Label string
		Chip         chip
		Issues       []issueRow
		Total        int
	}{Head: head, State: query.Get("state"), Label: query.Get("label_name[]")}
	d.Label = cmp.Or(d.Label, query.Get("label_name"))
	wanted := gitlab.IssueQuery{State: d.State, Label: d.Label, Search: v.Query(), Part: v.part()}
	switch d.State {
	case "closed":
	case "all":
		wanted.State = ""
	default:
		d.State, wanted.State = "opened", "opened"
	}
	v.gitlab.Read(func(view gitlab.View) {
		var found []gitlab.Issue
		found, d.Total = view.FindIssues(head.FullPath, wanted)
		for _, i := range found {
			d.Issues = append(d.Issues, issueRowOf(view, head.FullPath, i))
		}
		d.Chip = chipOf(view, head.FullPath, d.Label)
	})
	v.show(http.StatusOK, "issues", v.T("Tickets", "Issues")+" · "+head.Name, d)
}

func (v *visit) newIssue(head projectHead, status int, kept draft) {
	v.show(status, "new-issue", v.T("Nouveau ticket", "New issue")+" · "+head.Name, struct {
		Head  projectHead
		Draft draft
	}{head, kept})
}

func (v *visit) openIssue(head projectHead) {
	kept := draft{Title: v.r.PostForm.Get("title"), Description: unix(v.r.PostForm.Get("description"))}
	if kept.Field, kept.Problem = v.badIssue(kept.Title, kept.Description); kept.Problem != "" {
		v.newIssue(head, http.StatusUnprocessableEntity, kept)
		return
	}
	made, err := v.gitlab.OpenIssue(head.FullPath, v.Me, kept.Title, kept.Description)
	if err != nil {
		var status int
		status, kept.Problem = v.why(err, head.Archived)
		v.newIssue(head, status, kept)
		return
	}
	page.Redirect(v.w, v.r, link(head.FullPath, "-/issues", strconv.Itoa(made.IID)), "")
}

// unix makes the ends of lines, which browsers send as CRLF, what they were.
func unix(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// draft is what stays in the forms of an issue after an act that was refused.
type draft struct {
	Problem string
	// Field is the id of the field that the problem is with; "" if it is with none.
	Field              string
	Comment            string
	ReplyTo            int // the comment that Reply answers
	Reply              string
	Label              string // a new one, or one of those offered
	Editing            bool
	Title, Description string
}

// At is the problem with a field.
func (d draft) At(field string) string {
	if d.Field != field {
		return ""
	}
	return d.Problem
}

// noteRow is a note as it is shown, with what answers it.
type noteRow struct {
	gitlab.Note

	HTML    template.HTML
	Replies []noteRow
}

// threads puts answers under what they answer. One whose first note is not shown
// stands by itself.
func threads(rows []noteRow) []noteRow {
	var list []noteRow
	at := map[int]int{}
	for _, row := range rows {
		if first, ok := at[row.Thread]; ok {
			list[first].Replies = append(list[first].Replies, row)
			continue
		}
		at[row.ID] = len(list)
		list = append(list, row)
	}
	return list
}

func (v *visit) issue(head projectHead, iid, status int, kept draft) {
	d := struct {
		Head    projectHead
		Issue   issueRow
		Draft   draft
		Mark    string
		HTML    template.HTML
		Notes   []noteRow
		Older   int
		Choices []gitlab.Label
		Assigns []string
		// Level is that of who acts, in the project; 0 for who is no member.
		Level int
		// NewLabel is what was written as a new label.
		NewLabel string
	}{Head: head, Draft: kept, NewLabel: kept.Label}
	if head.Archived {
		d.Draft.Field = "" // there are no fields
	}
	var ok bool
	var notes []gitlab.Note
	v.gitlab.Read(func(view gitlab.View) {
		var i gitlab.Issue
		if i, ok = view.Issue(head.FullPath, iid); !ok {
			return
		}
		d.Issue = issueRowOf(view, head.FullPath, i)
		notes = view.Notes(head.FullPath, iid)
		if d.Older = max(len(notes)-maxNotes, 0); v.r.URL.Query().Has("notes") {
			d.Older = 0
		}
		notes = notes[d.Older:]
		for _, label := range view.UsableLabels(head.FullPath) {
			if !slices.Contains(i.Labels, label.Name) && len(d.Choices) < maxChoices {
				d.Choices = append(d.Choices, label)
				if label.Name == kept.Label {
					d.NewLabel = ""
				}
			}
		}
		for _, member := range slices.Concat(view.Members(head.FullPath), view.InheritedMembers(head.FullPath)) {
			if member.Username == v.Me {
				d.Level = max(d.Level, member.AccessLevel)
			}
		}
		for _, user := range view.Users() {
			if slices.Contains(i.AssigneeIDs, user.ID) {
				d.Assigns = append(d.Assigns, user.Username)
			}
		}
		for _, n := range notes {
			if n.System {
				d.Notes = append(d.Notes, noteRow{Note: n, HTML: v.systemNote(view, head.FullPath, n.Body)})
			}
		}
	})
	if !ok {
		v.notFound()
		return
	}
	base := "/" + path.Join(head.FullPath, "-/blob", head.DefaultBranch)
	boxes := map[int]gitlab.Box{}
	for _, box := range gitlab.Boxes(d.Issue.Description) {
		boxes[box.Offset] = box
	}
	d.HTML = text{base: base, boxes: boxes}.html(d.Issue.Description)
	d.Mark = mark(d.Issue.Description)
	rows, told := make([]noteRow, 0, len(notes)), d.Notes
	for _, n := range notes {
		if n.System {
			rows, told = append(rows, told[0]), told[1:]
		} else {
			rows = append(rows, noteRow{Note: n, HTML: text{base: base}.html(n.Body)})
		}
	}
	d.Notes = threads(rows)
	if !kept.Editing {
		d.Draft.Title, d.Draft.Description = d.Issue.Title, d.Issue.Description
	}
	v.show(status, "issue", fmt.Sprintf("%s (#%d) · %s", d.Issue.Title, iid, head.Name), d)
}

// mark tells one description from another.
func mark(description string) string {
	sum := sha256.Sum256([]byte(description))
	return hex.EncodeToString(sum[:8])
}

var (
	labelNote  = regexp.MustCompile(`^(?:added|removed) ~"`)
	labelEnd   = regexp.MustCompile(`"(?: ~"| label)`)
	boldInNote = regexp.MustCompile(`\*\*(.*?)\*\*`)
)

// inFrench says what GitLab's notes tell.
var inFrench = []struct{ en, fr string }{
	{"closed", "a fermé le ticket"},
	{"reopened", "a rouvert le ticket"},
	{"changed the description", "a modifié la description"},
	{"changed title from ", "a changé le titre : de "},
	{"marked the checklist item ", "a mis à jour la tâche "},
	{" as completed", " : faite"},
	{" as incomplete", " : à faire"},
	{" and removed ", " et a retiré "},
	{"added ", "a ajouté "},
	{"removed assignee", "a retiré l’assignation"},
	{"removed ", "a retiré "},
	{"assigned to ", "a assigné le ticket à "},
	{"made the issue confidential", "a rendu le ticket confidentiel"},
	{"made the issue visible to everyone", "a rendu le ticket visible de tous"},
	{"unlocked the discussion in this issue", "a déverrouillé la discussion"},
	{"locked the discussion in this issue", "a verrouillé la discussion"},
	{"changed due date to ", "a fixé l’échéance au "},
}

// systemNote shows what GitLab noted by itself: labels as labels, in the reader's
// language. What people wrote in it, titles and boxes, stays as it is.
func (v *visit) systemNote(view gitlab.View, project, body string) template.HTML {
	var kept []string
	keep := func(markup string) string {
		kept = append(kept, markup)
		return "\x00" + strconv.Itoa(len(kept)-1) + "\x00"
	}
	told := strings.ReplaceAll(body, "\x00", "")
	if labelNote.MatchString(told) {
		told = eachLabel(told, func(name string) bool {
			_, ok := view.FindLabel(project, name)
			return ok
		}, func(name string) string {
			return keep(string(page.Body(templates, "chip", chipOf(view, project, name))))
		})
	}
	told = html.EscapeString(told)
	told = boldInNote.ReplaceAllStringFunc(told, func(found string) string {
		return keep("<strong>" + boldInNote.FindStringSubmatch(found)[1] + "</strong>")
	})
	if v.Lang == page.French {
		for _, phrase := range inFrench {
			told = strings.ReplaceAll(told, phrase.en, phrase.fr)
		}
		told = strings.ReplaceAll(strings.TrimSuffix(strings.TrimSuffix(told, " labels"), " label"), " to \x00", " à \x00")
		told = strings.ReplaceAll(strings.ReplaceAll(told, " labels et ", " et "), " label et ", " et ")
	}
	for at, markup := range kept {
		told = strings.ReplaceAll(told, "\x00"+strconv.Itoa(at)+"\x00", markup)
	}
	return template.HTML(told)
}

// eachLabel replaces each ~"label" of a note. A label may itself hold quotes: it ends
// at the first that makes a known name, or else at the first that can end one.
func eachLabel(note string, known func(string) bool, with func(string) string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(note, `~"`)
		b.WriteString(before)
		ends := labelEnd.FindAllStringIndex(rest, maxChoices)
		if !found || len(ends) == 0 {
			b.WriteString(note[len(before):])
			return b.String()
		}
		end := ends[0][0]
		for _, at := range ends {
			if known(rest[:at[0]]) {
				end = at[0]
				break
			}
		}
		b.WriteString(with(rest[:end]))
		note = rest[end+1:]
	}
}
