package texts

import (
	"fmt"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// IssueTitle is the title of the dossier's tracking issue. GitLab takes 255 characters.
func (t *Texts) IssueTitle(d *onboarding.Dossier) string {
	request := t.journey.Request(d)
	parts := []string{fmt.Sprintf(t.words.issueTitle, d.Number)}
	for _, part := range []string{Title(request.Organisation), Title(request.Project)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return cutTitle(strings.Join(parts, " · "))
}

// cutTitle counts what the joiners add.
func cutTitle(title string) string {
	const most = 255
	if runes := []rune(title); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return title
}

// IssueDescription is the Markdown of the dossier's tracking issue, signed.
func (t *Texts) IssueDescription(d *onboarding.Dossier) string {
	return t.render("issue", t.issue(d)) + t.comment(d, onboarding.IssueKey)
}

// Note is the Markdown of the hub's one note on the tracking issue, signed.
func (t *Texts) Note(d *onboarding.Dossier, n onboarding.Note) string {
	return t.render("note", t.note(d, n)) + t.comment(d, onboarding.NoteKey)
}

// comment holds the mark. It stands outside of the templates: one that replaces ours
// cannot lose it.
func (t *Texts) comment(d *onboarding.Dossier, key onboarding.ResourceKey) string {
	return hidden(t.marks.Mark(d.Number, key))
}

// hidden is what GitLab does not show.
func hidden(text string) string { return "\n<!-- " + text + " -->\n" }
