package texts

import (
	"fmt"
	"strings"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// maxList bounds how many addresses or failures are listed.
const maxList = 30

// dossierData is what every template but those of the build gets. What people typed is
// inert for the place where the template puts it: Markdown, plain text or HTML.
type dossierData struct {
	Number int64
	// State is the state's name in the journey's language; Accepted and so on tell it
	// to templates.
	State                                 string
	Accepted, Refused, SansSuite, Deleted bool
	// FiledOn is the day of filing, empty when it is not known.
	FiledOn string
	// AgentURL and ApplicantURL lead to the dossier in DS, HubURL to the hub.
	AgentURL, ApplicantURL, HubURL string
	Organisation, Project          inert
	Kind, Infrastructure, Role     inert
	// Ministry is yes or no in the journey's language, empty when not answered.
	Ministry string
	Steps    []stepData
	// Step is the step that the dossier stands in, nil when the journey does not
	// describe it.
	Step *stepData
}

// stepData is a step of the journey, as its configuration words it.
type stepData struct {
	Number                    int
	Title, Deliverable, RunBy string
	Tasks                     []string
}

type issueData struct {
	dossierData
	// Summary is a block quote, empty when nothing was typed.
	Summary                inert
	Applicant, Pilot, Team emailsData
	BadEmails              int
}

// emailsData lists addresses as inline code; More counts those left out.
type emailsData struct {
	List []inert
	More int
}

type noteData struct {
	dossierData
	GroupURL, ProjectURL inert // links
	Archived, Gone       bool
	// Motivation is a block quote, empty when there is none.
	Motivation inert
	Failures   []inert
	BadEmails  int
}

type messageData struct {
	dossierData
	GroupURL, ProjectURL inert
	Archived             bool
	// Motivation keeps its lines.
	Motivation inert
}

type readmeData struct {
	dossierData
	GroupURL, ProjectURL inert // links
	// Branch and CIConfig are the journey's.
	Branch, CIConfig string
}

type pageData struct{ dossierData }

// buildData is what the templates of the Dockerfile and of the pipeline get: nothing
// that people typed.
type buildData struct {
	Number           int64
	Branch, CIConfig string
}

func (t *Texts) dossier(d *onboarding.Dossier, neutral func(string) string) dossierData {
	request := t.journey.Request(d)
	data := dossierData{
		Number:         d.Number,
		State:          t.words.states[d.State],
		Accepted:       d.State == onboarding.Accepte,
		Refused:        d.State == onboarding.Refuse,
		SansSuite:      d.State == onboarding.SansSuite,
		Deleted:        d.State == onboarding.Deleted,
		AgentURL:       fmt.Sprintf("%s/procedures/%d/dossiers/%d", t.site.DSURL, d.Demarche, d.Number),
		ApplicantURL:   fmt.Sprintf("%s/dossiers/%d", t.site.DSURL, d.Number),
		HubURL:         t.site.PublicURL,
		Organisation:   inert(neutral(request.Organisation)),
		Project:        inert(neutral(request.Project)),
		Kind:           inert(neutral(request.Kind)),
		Infrastructure: inert(neutral(request.Infrastructure)),
		Role:           inert(neutral(request.Role)),
	}
	if data.Project == "" {
		data.Project = inert(t.words.unnamed)
	}
	if !d.FiledAt.IsZero() {
		data.FiledOn = t.words.day(d.FiledAt)
	}
	if request.Ministry != nil {
		data.Ministry = t.words.no
		if *request.Ministry {
			data.Ministry = t.words.yes
		}
	}
	for _, step := range t.journey.Steps {
		data.Steps = append(data.Steps, stepOf(step))
		if step.Number == t.journey.StepOf(d) {
			current := stepOf(step)
			data.Step = &current
		}
	}
	return data
}

// stepOf puts the configuration's words on one line each.
func stepOf(step onboarding.Step) stepData {
	data := stepData{
		Number:      step.Number,
		Title:       oneLine(step.Title),
		Deliverable: oneLine(step.Deliverable),
		RunBy:       oneLine(step.RunBy),
	}
	for _, task := range step.Tasks {
		data.Tasks = append(data.Tasks, oneLine(task))
	}
	return data
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func (t *Texts) issue(d *onboarding.Dossier) issueData {
	request := t.journey.Request(d)
	emails := func(audience onboarding.Audience) emailsData {
		all := request.Emails[audience]
		return emailsData{List: inertAll(all, maxList, code), More: max(len(all)-maxList, 0)}
	}
	return issueData{
		dossierData: t.dossier(d, Markdown),
		Summary:     inert(Quote(request.Summary)),
		Applicant:   emails(onboarding.AudienceApplicant),
		Pilot:       emails(onboarding.AudiencePilot),
		Team:        emails(onboarding.AudienceTeam),
		BadEmails:   request.Unusable(),
	}
}

func (t *Texts) note(d *onboarding.Dossier, n onboarding.Note) noteData {
	data := noteData{
		dossierData: t.dossier(d, Markdown),
		GroupURL:    inert(linkTo(n.GroupURL)),
		ProjectURL:  inert(linkTo(n.ProjectURL)),
		Archived:    n.Archived,
		Gone:        n.Gone,
		Motivation:  inert(Quote(n.Motivation)),
		Failures:    inertAll(n.Failures, maxList, Markdown),
		BadEmails:   n.BadEmails,
	}
	data.State = t.words.states[n.State]
	return data
}

func (t *Texts) message(d *onboarding.Dossier, r onboarding.Record) messageData {
	return messageData{
		dossierData: t.dossier(d, PlainText),
		GroupURL:    inert(PlainText(r.Get(onboarding.GroupKey).URL)),
		ProjectURL:  inert(PlainText(r.Get(onboarding.ProjectKey).URL)),
		Archived:    r.Get(onboarding.ArchiveKey).Applied == onboarding.Archived,
		Motivation:  inert(PlainLines(d.Motivation)),
	}
}

func (t *Texts) readme(d *onboarding.Dossier, r onboarding.Record) readmeData {
	return readmeData{
		dossierData: t.dossier(d, Markdown),
		GroupURL:    inert(linkTo(r.Get(onboarding.GroupKey).URL)),
		ProjectURL:  inert(linkTo(r.Get(onboarding.ProjectKey).URL)),
		Branch:      t.journey.GitLab.Sandbox.Branch,
		CIConfig:    t.ciConfig(),
	}
}

// page leaves the escaping to html/template.
func (t *Texts) page(d *onboarding.Dossier) pageData {
	return pageData{t.dossier(d, func(s string) string { return clean(s, maxLine, false) })}
}

func (t *Texts) build(d *onboarding.Dossier) buildData {
	return buildData{Number: d.Number, Branch: t.journey.GitLab.Sandbox.Branch, CIConfig: t.ciConfig()}
}

func (t *Texts) ciConfig() string {
	if path := t.journey.GitLab.Sandbox.CIConfig; path != "" {
		return path
	}
	return ".gitlab-ci-dso.yml"
}

func linkTo(address string) string {
	if address == "" {
		return ""
	}
	return link(address)
}

// samples returns data for a template: of a dossier that says and has everything, and
// of empty ones in every state.
func (t *Texts) samples(name string) []any {
	full := onboarding.Record{Resources: map[onboarding.ResourceKey]onboarding.Resource{
		onboarding.GroupKey:   {URL: "https://gitlab.example.org/groups/g", DoneAt: time.Unix(1, 0)},
		onboarding.ProjectKey: {URL: "https://gitlab.example.org/g/p", DoneAt: time.Unix(1, 0)},
		onboarding.ArchiveKey: {Applied: onboarding.Archived},
	}}
	var samples []any
	for _, state := range onboarding.States() {
		rich := t.sampleDossier(state)
		poor := &onboarding.Dossier{Number: 1, State: state}
		switch name {
		case "issue":
			samples = append(samples, t.issue(rich), t.issue(poor))
		case "note":
			samples = append(samples, t.note(poor, onboarding.Note{State: state}), t.note(rich, onboarding.Note{
				State: state, GroupURL: "https://gitlab.example.org/groups/g", ProjectURL: "https://gitlab.example.org/g/p",
				Archived: true, Motivation: "a\nb", Failures: []string{"a", "b"}, BadEmails: 2,
			}), t.note(poor, onboarding.Note{State: state, Gone: true}))
		case "readme":
			samples = append(samples, t.readme(rich, full), t.readme(poor, onboarding.Record{}))
		case "page":
			samples = append(samples, t.page(rich), t.page(poor))
		case "dockerfile", "ci":
			samples = append(samples, t.build(rich))
		default:
			samples = append(samples, t.message(rich, full), t.message(poor, onboarding.Record{}))
		}
	}
	return samples
}

// sampleDossier answers every field of the journey's first form.
func (t *Texts) sampleDossier(state onboarding.State) *onboarding.Dossier {
	d := &onboarding.Dossier{
		Number: 1, State: state, FiledAt: time.Unix(1, 0), Motivation: "a\nb", UsagerEmail: "a@example.org",
	}
	if len(t.journey.Demarches) == 0 {
		return d
	}
	d.Demarche = t.journey.Demarches[0].Number
	yes := true
	for fact, field := range t.journey.Demarches[0].Fields {
		answer := onboarding.Answer{Champ: field.ID, Label: field.Label, Text: string(fact)}
		switch fact {
		case onboarding.FactMinistry:
			answer.Checked = &yes
		case onboarding.FactPilotEmails, onboarding.FactTeamEmails:
			answer.Text = "a@example.org b@example.org nobody"
		default: // a text
		}
		d.Answers = append(d.Answers, answer)
	}
	return d
}
