package pages

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
)

// act does to an issue what a form asks for, in the name of who acts. The simulator
// checks rights, carries out quick actions and sends webhooks.
func (v *visit) act(head projectHead, iid int, act string) {
	form := v.r.PostForm
	at, project := link(head.FullPath, "-/issues", strconv.Itoa(iid)), head.FullPath
	var kept draft
	var err error
	anchor, done := "", ""
	switch act {
	case "box":
		offset, item, tick, ok := parseBox(form.Get("box"))
		if !ok {
			v.fail(http.StatusBadRequest, v.T("Ce formulaire ne dit pas quelle case est en cause.", "This form does not say which box it is about."))
			return
		}
		err = v.gitlab.SetBox(project, iid, v.Me, offset, item, tick)
		anchor = "#box-" + strconv.Itoa(offset)
	case "add_label":
		kept.Label = form.Get("label")
		if kept.Problem = v.badLabel(kept.Label); kept.Problem != "" {
			kept.Field = "new-label"
			v.issue(head, iid, http.StatusUnprocessableEntity, kept)
			return
		}
		err = v.gitlab.ChangeLabels(project, iid, v.Me, []string{strings.TrimSpace(kept.Label)}, nil)
	case "remove_label":
		err = v.gitlab.ChangeLabels(project, iid, v.Me, nil, []string{form.Get("label")})
	case "close":
		err = v.gitlab.CloseIssue(project, iid, v.Me)
	case "reopen":
		err = v.gitlab.ReopenIssue(project, iid, v.Me)
	case "comment":
		kept.Comment = unix(form.Get("comment"))
		anchor, done, err = v.comment(head, iid, kept.Comment, form.Get("then"))
		if anchor != "" {
			kept.Comment = ""
		}
		if done == "" && err == nil {
			kept.Field, kept.Problem = "comment", v.T("Écrivez un commentaire.", "Write a comment.")
			v.issue(head, iid, http.StatusUnprocessableEntity, kept)
			return
		}
	case "reply":
		kept.ReplyTo, _ = strconv.Atoi(form.Get("note"))
		kept.Reply = unix(form.Get("reply"))
		if strings.TrimSpace(kept.Reply) == "" {
			kept.Field, kept.Problem = replyField(kept.ReplyTo), v.T("Écrivez une réponse.", "Write a reply.")
			v.issue(head, iid, http.StatusUnprocessableEntity, kept)
			return
		}
		anchor, done, err = v.say(head, iid, func() error { return v.gitlab.Reply(project, iid, kept.ReplyTo, v.Me, kept.Reply) })
	case "edit":
		kept = draft{Editing: true, Title: form.Get("title"), Description: unix(form.Get("description"))}
		if kept.Field, kept.Problem = v.badIssue(kept.Title, kept.Description); kept.Problem != "" {
			kept.Field = "edit-" + kept.Field
			v.issue(head, iid, http.StatusUnprocessableEntity, kept)
			return
		}
		err = v.edit(head, iid, kept, form.Get("mark"))
	default:
		v.notFound()
		return
	}
	if err != nil {
		status, message := v.why(err, head.Archived)
		kept.Problem, kept.Field = message, fieldOf(act, status)
		if act == "reply" && status == http.StatusBadRequest {
			kept.Field = replyField(kept.ReplyTo)
		}
		v.issue(head, iid, status, kept)
		return
	}
	page.Redirect(v.w, v.r, at+anchor, done)
}

// fieldOf is the field that GitLab refuses, if it is one field that is to blame.
func fieldOf(act string, status int) string {
	switch {
	case status == http.StatusConflict && act == "edit":
		return "edit-description"
	case status != http.StatusBadRequest && status != http.StatusUnprocessableEntity:
	case act == "comment":
		return "comment"
	case act == "add_label":
		return "new-label"
	}
	return ""
}

const (
	maxTitle       = 255
	maxLabel       = 255
	maxDescription = 1 << 20
)

// badLabel says what is wrong with the name of a label.
func (v *visit) badLabel(name string) string {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return v.T("Écrivez le nom de l’étiquette.", "Write the name of the label.")
	case strings.Contains(name, ","):
		return v.T("Le nom d’une étiquette ne contient pas de virgule.", "The name of a label has no comma.")
	case utf8.RuneCountInString(name) > maxLabel:
		return fmt.Sprintf(v.T("Le nom d’une étiquette a au plus %d caractères.", "The name of a label has at most %d characters."), maxLabel)
	}
	return ""
}

// badIssue says what is wrong with the title or the description of an issue.
func (v *visit) badIssue(title, description string) (field, problem string) {
	switch {
	case strings.TrimSpace(title) == "":
		return "title", v.T("Écrivez un titre.", "Write a title.")
	case utf8.RuneCountInString(title) > maxTitle:
		return "title", fmt.Sprintf(v.T("Un titre a au plus %d caractères.", "A title has at most %d characters."), maxTitle)
	case utf8.RuneCountInString(description) > maxDescription:
		return "description", fmt.Sprintf(v.T("Une description a au plus %d caractères.", "A description has at most %d characters."), maxDescription)
	}
	return "", ""
}

// comment posts a comment, then closes or reopens the issue when asked to: with
// nothing written, it does the latter alone.
func (v *visit) comment(head projectHead, iid int, text, then string) (anchor, done string, err error) {
	if strings.TrimSpace(text) != "" {
		anchor, done, err = v.say(head, iid, func() error { return v.gitlab.Comment(head.FullPath, iid, v.Me, text) })
		if err != nil {
			return "", "", err
		}
	}
	switch then {
	case "close":
		done, err = v.T("Ticket fermé.", "Issue closed."), v.gitlab.CloseIssue(head.FullPath, iid, v.Me)
	case "reopen":
		done, err = v.T("Ticket rouvert.", "Issue reopened."), v.gitlab.ReopenIssue(head.FullPath, iid, v.Me)
	}
	return anchor, done, err
}

// say posts a text, and tells where it stands, if it was more than commands.
func (v *visit) say(head projectHead, iid int, post func() error) (anchor, done string, err error) {
	before := v.lastComment(head.FullPath, iid)
	if err := post(); err != nil {
		return "", "", err
	}
	if last := v.lastComment(head.FullPath, iid); last != before {
		return "#note_" + strconv.Itoa(last), v.T("Commentaire publié.", "Comment published."), nil
	}
	return "", v.T("Commandes exécutées.", "Commands carried out."), nil
}

// replyField is the field for a reply to a comment.
func replyField(note int) string { return "reply-" + strconv.Itoa(note) }

// lastComment is the number of the latest comment.
func (v *visit) lastComment(project string, iid int) (last int) {
	for _, n := range v.gitlab.Notes(project, iid) {
		if !n.System {
			last = max(last, n.ID)
		}
	}
	return last
}

// edit replaces title and description, unless the latter is no longer what the form
// was filled from.
func (v *visit) edit(head projectHead, iid int, wanted draft, from string) error {
	var i gitlab.Issue
	v.gitlab.Read(func(view gitlab.View) { i, _ = view.Issue(head.FullPath, iid) })
	if unix(i.Description) != wanted.Description {
		if mark(i.Description) != from {
			return &gitlab.Error{Status: http.StatusConflict}
		}
		if err := v.gitlab.EditDescription(head.FullPath, iid, v.Me, wanted.Description); err != nil {
			return err
		}
	}
	if i.Title != wanted.Title {
		return v.gitlab.EditTitle(head.FullPath, iid, v.Me, wanted.Title)
	}
	return nil
}
