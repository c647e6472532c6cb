package texts

import (
	"fmt"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// GroupDescription is the description of the dossier's group, signed. GitLab takes 500
// characters.
func (t *Texts) GroupDescription(d *onboarding.Dossier) string {
	return t.description(t.words.group, d, onboarding.GroupKey)
}

// ProjectDescription is the description of the dossier's sandbox project, signed. A
// permanent one is that of a product in production.
func (t *Texts) ProjectDescription(d *onboarding.Dossier, permanent bool) string {
	if permanent {
		return t.description(t.words.permanent, d, onboarding.ProjectKey)
	}
	return t.description(t.words.project, d, onboarding.ProjectKey)
}

func (t *Texts) description(format string, d *onboarding.Dossier, key onboarding.ResourceKey) string {
	project := inertLine(clean(t.journey.Request(d).Project, maxName, false), true)
	if project == "" {
		project = t.words.unnamed
	}
	return fmt.Sprintf(format, d.Number, project, t.marks.Mark(d.Number, key), t.programme().Name)
}

// File is one file of the sandbox.
type File struct{ Path, Content string }

// SandboxFiles are the files of the sandbox's first commit: a hello world that builds
// on the platform.
func (t *Texts) SandboxFiles(d *onboarding.Dossier, r onboarding.Record) []File {
	return []File{
		{Path: "README.md", Content: t.render("readme", t.readme(d, r))},
		{Path: "index.html", Content: t.render("page", t.page(d))},
		{Path: "Dockerfile", Content: t.render("dockerfile", t.build(d))},
		{Path: ".dockerignore", Content: "*\n!index.html\n"},
		{Path: t.ciConfig(), Content: t.render("ci", t.build(d))},
	}
}

// CommitMessage is the message of the sandbox's first commit. It holds nothing that
// people typed: GitLab looks for references, and for issues to close, there too.
func (t *Texts) CommitMessage(d *onboarding.Dossier) string {
	return fmt.Sprintf(t.words.commit, d.Number)
}
