// Package texts writes what people read: issues, notes, messages and the sandbox's
// files, from templates that a journey can replace. It does no input or output.
package texts

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

//go:embed templates
var builtIn embed.FS

// The templates, and the file of templates/<language>/ that each stands in. Those of
// files are the sandbox's; a page's values are escaped as HTML.
var files = map[string]string{
	"issue":              "issue.md",
	"note":               "note.md",
	"answer":             "answer.md",
	"reminder":           "reminder.md",
	"message_received":   "message_received.txt",
	"message_accepted":   "message_accepted.txt",
	"message_refused":    "message_refused.txt",
	"message_qualified":  "message_qualified.txt",
	"message_step":       "message_step.txt",
	"message_no_go":      "message_no_go.txt",
	"message_correction": "message_correction.txt",
	"message_reminder":   "message_reminder.txt",
	"readme":             "readme.md",
	"page":               "page.html",
	"dockerfile":         "dockerfile.txt",
	"ci":                 "ci.yml",
}

// parts are what several templates of a kind say alike, by the ending of their files: each
// can say {{template "standing" .}}, and so can those that replace them.
var parts = map[string]string{".md": "parts.md", ".txt": "parts.txt"}

// TemplateNames lists the templates that a journey can replace.
func TemplateNames() []string { return slices.Sorted(maps.Keys(files)) }

// Site says where links lead.
type Site struct {
	// DSURL is DS's address: agents read <DSURL>/procedures/<démarche>/dossiers/<number>,
	// applicants <DSURL>/dossiers/<number>.
	DSURL string
	// PublicURL is the hub's own address.
	PublicURL string
}

// Texts writes the texts of one journey.
type Texts struct {
	journey *onboarding.Journey
	marks   onboarding.Marks
	site    Site
	words   *words
	// builtIn and replaced hold the templates by name.
	builtIn, replaced map[string]executor
}

type executor interface {
	Execute(w io.Writer, data any) error
}

// New parses the built-in templates of the journey's language and those that replace some
// of them, and renders the latter with samples. It returns every problem, with the name of
// the template and the line.
func New(j *onboarding.Journey, marks onboarding.Marks, site Site) (*Texts, error) {
	t := &Texts{
		journey:  j,
		marks:    marks,
		site:     Site{DSURL: strings.TrimRight(site.DSURL, "/"), PublicURL: strings.TrimRight(site.PublicURL, "/")},
		words:    vocabulary[j.Language],
		builtIn:  map[string]executor{},
		replaced: map[string]executor{},
	}
	if t.words == nil {
		return nil, fmt.Errorf("language: %q is not known: write %s",
			j.Language, strings.Join(slices.Sorted(maps.Keys(vocabulary)), " or "))
	}
	for name, file := range files {
		text, err := builtIn.ReadFile(path.Join("templates", j.Language, file))
		if err != nil {
			return nil, err
		}
		if t.builtIn[name], err = t.parse(name, string(text)); err != nil {
			return nil, err
		}
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(j.Templates)) {
		if files[name] == "" {
			problems = append(problems, fmt.Errorf("templates: there is none named %q: write one of %s",
				name, strings.Join(TemplateNames(), ", ")))
			continue
		}
		replacement, err := t.parse(name, j.Templates[name])
		if err == nil {
			err = t.try(name, replacement)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("templates: %s: %w", name, err))
			continue
		}
		t.replaced[name] = replacement
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return t, nil
}

func (t *Texts) parse(name, text string) (executor, error) {
	kind := path.Ext(files[name])
	if kind == ".html" {
		return htmltemplate.New(name).Parse(text)
	}
	parsed := template.New(name)
	if parts[kind] != "" {
		common, err := builtIn.ReadFile(path.Join("templates", t.journey.Language, parts[kind]))
		if err != nil {
			return nil, err
		}
		if _, err := parsed.New(parts[kind]).Parse(string(common)); err != nil {
			return nil, err
		}
	}
	return parsed.Parse(text)
}

// try renders a template with samples of what it can get.
func (t *Texts) try(name string, tried executor) error {
	for _, sample := range t.samples(name) {
		if err := tried.Execute(io.Discard, sample); err != nil {
			return err
		}
	}
	return nil
}

// render renders the template of that name. A replacement that fails on this data,
// though it did not on the samples, gives way to the built-in one.
func (t *Texts) render(name string, data any) string {
	var out strings.Builder
	if replacement := t.replaced[name]; replacement != nil {
		if err := replacement.Execute(&out, data); err == nil {
			return tidy(out.String())
		}
		out.Reset()
	}
	if err := t.builtIn[name].Execute(&out, data); err != nil {
		panic(err) // a test tries each with whatever it can get
	}
	return tidy(out.String())
}

var emptyLines = regexp.MustCompile(`\n[ \t]*(\n[ \t]*)+\n`)

// tidy lets templates be laid out freely: at most one empty line in a row, none at the
// ends.
func tidy(text string) string {
	return strings.Trim(emptyLines.ReplaceAllString(text, "\n\n"), "\n") + "\n"
}
