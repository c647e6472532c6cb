package pages

import (
	"net/http"
	"strconv"
	"strings"

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
		name := strings.TrimSpace(form.Get("label"))
		if name == "" || strings.Contains(name, ",") || len(name) > 255 {
			v.issue(head, iid, http.StatusUnprocessableEntity, draft{Problem: v.T("Choisissez une étiquette, ou écrivez-en une, sans virgule.", "Choose a label, or write one, without a comma.")})
			return
		}
		err = v.gitlab.ChangeLabels(project, iid, v.Me, []string{name}, nil)
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
			v.issue(head, iid, http.StatusUnprocessableEntity, draft{Problem: v.T("Écrivez un commentaire.", "Write a comment.")})
			return
		}
	case "edit":
		kept = draft{Editing: true, Title: form.Get("title"), Description: unix(form.Get("description"))}
		err = v.edit(head, iid, kept, form.Get("mark"))
	default:
		v.notFound()
		return
	}
	if err != nil {
		status, message := v.why(err, head.Archived)
		kept.Problem = message
		v.issue(head, iid, status, kept)
		return
	}
	page.Redirect(v.w, v.r, at+anchor, done)
}

// comment posts a comment, then closes or reopens the issue when asked to: with
// nothing written, it does the latter alone.
func (v *visit) comment(head projectHead, iid int, text, then string) (anchor, done string, err error) {
	if strings.TrimSpace(text) != "" {
		before := v.lastComment(head.FullPath, iid)
		if err := v.gitlab.Comment(head.FullPath, iid, v.Me, text); err != nil {
			return "", "", err
		}
		if last := v.lastComment(head.FullPath, iid); last != before {
			anchor, done = "#note_"+strconv.Itoa(last), v.T("Commentaire publié.", "Comment published.")
		} else {
			done = v.T("Commandes exécutées.", "Commands carried out.")
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
