package texts

import (
	"fmt"
	"slices"
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
	Programme                      programmeData
	Organisation, Project          inert
	Kind, Infrastructure, Role     inert
	// Ministry is yes or no in the journey's language, empty when not answered.
	Ministry string
	Steps    []stepData
	// Step is the step that the onboarding stands in, nil when the journey does not
	// describe it.
	Step *stepData
}

// programmeData is whose journey it is, as its configuration words it.
type programmeData struct {
	Name, Offer, Team string
	Links             []onboarding.ProgrammeLink
}

// stepData is a step of the journey, as its configuration words it.
type stepData struct {
	Number                          int
	Title, Goal, Deliverable, RunBy string
	Tasks, Needs, Next              []string
	// Question is what its gate decides, empty for the last step. InForm tells that the
	// gate is the decision on this dossier's form, Elsewhere that the step belongs to the
	// dossier of a later form, Prerequisites that the gate stays shut while hard ones are
	// not met; NoGo is the domain's word for what a no-go leads to.
	Question                         string
	InForm, Elsewhere, Prerequisites bool
	NoGo                             string
	HostingURL                       string
}

// followData is a dossier and where its onboarding stands.
type followData struct {
	dossierData
	Stand standingData
	// Follows is the earlier dossier that this one goes on from, FollowedBy those that go
	// on from it; Candidates are the numbers of others that may belong to it.
	Follows    *linkData
	FollowedBy []linkData
	Candidates []int64
}

// linkData is another dossier; IssueURL leads to its tracking issue.
type linkData struct {
	Number   int64
	State    string
	IssueURL inert
}

func (t *Texts) follow(d *onboarding.Dossier, s onboarding.Standing, links onboarding.Links, v voice) followData {
	data := followData{dossierData: t.dossier(d, s.Step, v.line), Stand: t.standing(d, s, v)}
	linked := func(link onboarding.Link) linkData {
		return linkData{link.Number, t.words.states[link.State], inert(v.address(link.IssueURL))}
	}
	if links.Follows != nil {
		follows := linked(*links.Follows)
		data.Follows = &follows
	}
	for _, link := range links.FollowedBy[:min(len(links.FollowedBy), maxList)] {
		data.FollowedBy = append(data.FollowedBy, linked(link))
	}
	if links.Follows == nil {
		data.Candidates = links.Candidates[:min(len(links.Candidates), maxList)]
	}
	return data
}

type issueData struct {
	dossierData
	// Summary is a block quote, empty when nothing was typed.
	Summary                            inert
	Applicant, Governance, Pilot, Team emailsData
	BadEmails                          int
	// Decisive are the labels that decide.
	Decisive onboarding.Labels
}

// emailsData lists addresses as inline code; More counts those left out.
type emailsData struct {
	List []inert
	More int
}

type noteData struct {
	followData
	GroupURL, ProjectURL inert // links
	Archived, Gone       bool
	// Motivation is a block quote, empty when there is none.
	Motivation inert
	Failures   []inert
	BadEmails  int
	// BadReference tells that the form's reference is none of ours, and Unsent why DS takes
	// no message.
	BadReference bool
	Unsent       string
}

type messageData struct {
	followData
	GroupURL, ProjectURL inert
	Archived             bool
	// Motivation keeps its lines.
	Motivation inert
	// Correction is what the agents ask for, with its lines.
	Correction inert
	// Count says which reminder it is.
	Count int
	// Reference names the dossier, and NextURL leads to the next form with what is known;
	// both are empty where there is no next form.
	Reference, NextURL string
	Training           []onboarding.Training
}

type readmeData struct {
	dossierData
	GroupURL, ProjectURL inert // links
	// Branch and CIConfig are the journey's.
	Branch, CIConfig string
	// Prerequisites are what a team must have in place.
	Prerequisites []string
}

type pageData struct{ dossierData }

// buildData is what the templates of the Dockerfile and of the pipeline get: nothing
// that people typed.
type buildData struct {
	Number           int64
	Branch, CIConfig string
}

func (t *Texts) dossier(d *onboarding.Dossier, step int, neutral func(string) string) dossierData {
	request := t.journey.Request(d)
	data := dossierData{
		Number:         d.Number,
		AgentURL:       fmt.Sprintf("%s/procedures/%d/dossiers/%d", t.site.DSURL, d.Demarche, d.Number),
		ApplicantURL:   fmt.Sprintf("%s/dossiers/%d", t.site.DSURL, d.Number),
		HubURL:         t.site.PublicURL,
		Programme:      t.programme(),
		Organisation:   inert(neutral(request.Organisation)),
		Project:        inert(neutral(request.Project)),
		Kind:           inert(neutral(request.Kind)),
		Infrastructure: inert(neutral(request.Infrastructure)),
		Role:           inert(neutral(request.Role)),
	}
	t.inState(&data, d.State)
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
	for number := range t.journey.Last() {
		data.Steps = append(data.Steps, *t.step(d, number+1))
	}
	data.Step = t.step(d, step)
	return data
}

func (t *Texts) inState(data *dossierData, state onboarding.State) {
	data.State = t.words.states[state]
	data.Accepted, data.Refused = state == onboarding.Accepte, state == onboarding.Refuse
	data.SansSuite, data.Deleted = state == onboarding.SansSuite, state == onboarding.Deleted
}

func (t *Texts) programme() programmeData {
	programme := t.journey.Programme
	data := programmeData{Name: oneLine(programme.Name), Offer: oneLine(programme.Offer), Team: oneLine(programme.Team)}
	if data.Offer == "" {
		data.Offer = data.Name
	}
	for _, link := range programme.Links {
		data.Links = append(data.Links, onboarding.ProgrammeLink{Title: oneLine(link.Title), URL: link.URL})
	}
	return data
}

// step puts the configuration's words on one line each; nil when there is no such step.
func (t *Texts) step(d *onboarding.Dossier, number int) *stepData {
	step := t.journey.Step(number)
	if step == nil {
		return nil
	}
	data := &stepData{
		Number:      step.Number,
		Title:       oneLine(step.Title),
		Goal:        oneLine(step.Goal),
		Deliverable: oneLine(step.Deliverable),
		RunBy:       oneLine(step.RunBy),
		Tasks:       oneLines(step.Tasks),
		Needs:       oneLines(step.Needs),
		Next:        oneLines(step.Next),
		HostingURL:  step.HostingURL,
	}
	if form := t.journey.FormStep(d); form != 0 {
		data.InForm = form == number
		data.Elsewhere = slices.ContainsFunc(t.journey.Demarches, func(demarche onboarding.Demarche) bool {
			return form < demarche.Step && demarche.Step <= number
		})
	}
	if step.Gate != nil {
		data.Question, data.Prerequisites, data.NoGo = oneLine(step.Gate.Question), step.Gate.Prerequisites, string(step.Gate.NoGo)
	}
	return data
}

func oneLines(texts []string) []string {
	var lines []string
	for _, text := range texts {
		lines = append(lines, oneLine(text))
	}
	return lines
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func (t *Texts) issue(d *onboarding.Dossier) issueData {
	request := t.journey.Request(d)
	emails := func(audience onboarding.Audience) emailsData {
		all := request.Emails[audience]
		return emailsData{List: inertAll(all, maxList, code), More: max(len(all)-maxList, 0)}
	}
	return issueData{
		dossierData: t.dossier(d, t.journey.FormStep(d), Markdown),
		Summary:     inert(Quote(request.Summary)),
		Applicant:   emails(onboarding.AudienceApplicant),
		Governance:  emails(onboarding.AudienceGovernance),
		Pilot:       emails(onboarding.AudiencePilot),
		Team:        emails(onboarding.AudienceTeam),
		BadEmails:   request.Unusable(),
		Decisive:    t.journey.GitLab.Labels,
	}
}

func (t *Texts) note(d *onboarding.Dossier, n onboarding.Note) noteData {
	data := noteData{
		followData:   t.follow(d, n.Standing, n.Links, inMarkdown),
		GroupURL:     inert(linkTo(n.GroupURL)),
		ProjectURL:   inert(linkTo(n.ProjectURL)),
		Archived:     n.Archived,
		Gone:         n.Gone,
		Motivation:   inert(Quote(n.Motivation)),
		Failures:     inertAll(n.Failures, maxList, Markdown),
		BadEmails:    n.BadEmails,
		BadReference: n.BadReference,
		Unsent:       t.words.unreachable[n.Unsent],
	}
	t.inState(&data.dossierData, n.State)
	if data.Stand.Reason == data.Motivation {
		data.Stand.Reason = "" // it is DS's decision that stands
	}
	data.Stand.Failed = data.Stand.ByHub && len(n.Failures) > 0
	return data
}

func (t *Texts) message(d *onboarding.Dossier, key onboarding.ResourceKey, r onboarding.Record) messageData {
	standing := onboarding.Stand(t.journey, d, r)
	data := messageData{
		followData: t.follow(d, standing, r.Links, inPlain),
		GroupURL:   inert(PlainText(r.Get(onboarding.GroupKey).URL)),
		ProjectURL: inert(PlainText(r.Get(onboarding.ProjectKey).URL)),
		// It may be archived a moment later: the message does not wait for it.
		Archived:   r.Get(onboarding.ProjectKey).Done() && t.journey.PolicyOf(d).Sandbox == onboarding.SandboxArchive,
		Motivation: inert(PlainLines(d.Motivation)),
		Count:      reminderCount(key),
	}
	if !standing.Stopped {
		data.Training = t.training(d, standing.Step)
	}
	reference := t.marks.Reference(t.journey.Programme.Reference, d.Number)
	if data.NextURL = t.journey.NextForm(t.site.DSURL, d, reference); data.NextURL != "" {
		data.Reference = reference
	}
	t.correction(&data, key, r)
	return data
}

// correction is what the message asks for or, in another, what was asked for last.
func (t *Texts) correction(data *messageData, key onboarding.ResourceKey, r onboarding.Record) {
	var last time.Time
	for _, c := range r.Commands {
		if c.Verb != onboarding.VerbCorrect || c.Outcome != onboarding.Done {
			continue
		}
		if onboarding.CorrectionKey(&c) == key {
			data.Correction = inert(PlainLines(c.Argument))
			// DS shows that it waits for the applicant once the message is sent.
			data.Stand.ByApplicant, data.Stand.ByAgents, data.Stand.Correcting = true, false, true
			return
		}
		if data.Stand.Correcting && !c.At.Before(last) {
			data.Correction, last = inert(PlainLines(c.Argument)), c.At
		}
	}
}

// maxTraining bounds how many resources a message names.
const maxTraining = 6

// training picks what helps in a step, from each audience in turn.
func (t *Texts) training(d *onboarding.Dossier, step int) []onboarding.Training {
	var picked []onboarding.Training
	all := t.journey.TrainingFor(d, step)
	for len(picked) < maxTraining && len(all) > 0 {
		for _, audience := range onboarding.TrainingAudiences() {
			at := slices.IndexFunc(all, func(t onboarding.Training) bool { return t.Audience == audience })
			if at >= 0 && len(picked) < maxTraining {
				picked = append(picked, onboarding.Training{Title: oneLine(all[at].Title), URL: all[at].URL})
				all = slices.Delete(all, at, at+1)
			}
		}
	}
	return picked
}

func (t *Texts) readme(d *onboarding.Dossier, r onboarding.Record) readmeData {
	var prerequisites []string
	for _, prerequisite := range t.journey.Prerequisites {
		prerequisites = append(prerequisites, oneLine(prerequisite.Label))
	}
	return readmeData{
		dossierData:   t.dossier(d, onboarding.Stand(t.journey, d, r).Step, Markdown),
		GroupURL:      inert(linkTo(r.Get(onboarding.GroupKey).URL)),
		ProjectURL:    inert(linkTo(r.Get(onboarding.ProjectKey).URL)),
		Branch:        t.journey.GitLab.Sandbox.Branch,
		CIConfig:      t.ciConfig(),
		Prerequisites: prerequisites,
	}
}

// page leaves the escaping to html/template.
func (t *Texts) page(d *onboarding.Dossier) pageData {
	return pageData{t.dossier(d, t.journey.FormStep(d), func(s string) string { return clean(s, maxLine, false) })}
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

func codeOf(s string) string {
	if span := code(s); span != "``" {
		return span
	}
	return ""
}

func linkTo(address string) string {
	if address == "" {
		return ""
	}
	return link(address)
}
