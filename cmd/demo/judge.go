package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/simulator/page"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// judgement says whether all is as it should be with one dossier, whoever filed it
// and whatever people did to it since. It is made of what the simulated services hold
// and asks the hub nothing: people's own changes in GitLab are theirs, and right.
type judgement struct {
	Number int
	State  demarches.State
	holding

	Messages int
	Wrong    lapses
}

// lapses are what is not, or not yet, as it should be, in each language.
type lapses []map[string]string

func (l *lapses) addf(fr, en string, about ...any) {
	*l = append(*l, inBoth(fmt.Sprintf(fr, about...), fmt.Sprintf(en, about...)))
}

func (l *lapses) english() []string {
	var list []string
	for _, lapse := range *l {
		list = append(list, lapse[page.English])
	}
	return list
}

// judge looks at one dossier.
func (c *critic) judge(number int) judgement { return c.judgeAll([]int{number})[0] }

// judgeAll looks at several dossiers.
func (c *critic) judgeAll(numbers []int) []judgement {
	owner := owners{}
	list := make([]judgement, len(numbers))
	held := map[int]*holding{}
	for i, number := range numbers {
		list[i].Number = number
		held[number] = &list[i].holding
		owner.add(c.marks, number)
	}
	c.scene.GitLab.Read(func(v gitlab.View) {
		for _, group := range v.Groups() {
			if number, known := owner.of(group.Description); known {
				held[number].groups = append(held[number].groups, group)
			}
		}
		for _, project := range v.Projects() {
			if number, known := owner.of(project.Description); known {
				held[number].projects = append(held[number].projects, project)
			}
		}
		for _, issue := range v.Issues(stage.TrackingProject) {
			// Whoever copies a description copies its mark.
			if number, known := owner.of(issue.Description); known && issue.Author == stage.User {
				held[number].issues = append(held[number].issues, issue)
			}
		}
		for i := range list {
			c.judgeOne(v, &list[i])
		}
	})
	return list
}

func (c *critic) judgeOne(v gitlab.View, j *judgement) {
	dossier, _ := c.scene.DS.Dossier(j.Number)
	j.State = dossier.State
	policy := c.scene.settings.Journey.Policy[onboarding.State(dossier.State)]
	var f lapses
	if len(j.groups) > 1 || len(j.projects) > 1 || len(j.issues) > 1 {
		f.addf("en double : %d groupes, %d projets, %d tickets de suivi", "doubled: %d groups, %d projects, %d tracking issues",
			len(j.groups), len(j.projects), len(j.issues))
	}
	if dossier.Presence == demarches.Present {
		if policy.Sandbox == onboarding.SandboxProvision {
			c.judgeSandbox(&f, v, j)
		}
		for _, project := range j.projects {
			if policy.Sandbox == onboarding.SandboxArchive && !project.Archived && !project.MarkedForDeletionAt.After(project.CreatedAt) {
				f.addf("le bac à sable n’est pas archivé", "the sandbox is not archived")
			}
		}
		c.judgeIssue(&f, v, j, policy)
	}
	c.judgeMessages(&f, j, dossier, policy)
	j.Wrong = f
}

func (c *critic) judgeSandbox(f *lapses, v gitlab.View, j *judgement) {
	if len(j.groups) == 0 || len(j.projects) == 0 {
		f.addf("pas encore de bac à sable : %d groupe, %d projet", "no sandbox yet: %d groups, %d projects", len(j.groups), len(j.projects))
		return
	}
	project := j.projects[0]
	if project.Archived {
		f.addf("le bac à sable est archivé", "the sandbox is archived")
	}
	if v.Commits(project.FullPath) == 0 {
		f.addf("le bac à sable est vide", "the sandbox is empty")
	}
	if len(v.Invitations(j.groups[0].FullPath)) == 0 && len(v.Members(j.groups[0].FullPath)) < 2 {
		f.addf("personne n’est invité dans le bac à sable", "nobody is invited to the sandbox")
	}
}

func (c *critic) judgeIssue(f *lapses, v gitlab.View, j *judgement, policy onboarding.Policy) {
	if len(j.issues) == 0 {
		if policy.Issue == onboarding.IssueOpen {
			f.addf("pas encore de ticket de suivi", "no tracking issue yet")
		}
		return // one that is first seen when it is turned down gets none
	}
	issue := j.issues[0]
	var ours int
	for _, note := range v.Notes(stage.TrackingProject, issue.IID) {
		switch {
		case !note.System && note.Author == stage.User:
			ours++
		case note.System && note.Author != stage.User && changesFace(note.Body):
			return // people gave it the labels and the state that it has
		}
	}
	if ours > 1 {
		f.addf("%d notes de Passerelle au lieu d’une", "%d notes of the hub instead of one", ours)
	}
	labels := c.scene.settings.Journey.GitLab.Labels
	if want := labels.States[onboarding.State(j.State)]; !slices.Contains(issue.Labels, want) {
		f.addf("il manque au ticket de suivi l’étiquette %s", "the tracking issue lacks the label %s", want)
	}
	switch closed, want := issue.State == "closed", policy.Issue == onboarding.IssueClose; {
	case closed && !want:
		f.addf("le ticket de suivi est fermé", "the tracking issue is closed")
	case want && !closed:
		f.addf("le ticket de suivi est encore ouvert", "the tracking issue is still open")
	}
}

// changesFace says whether GitLab's record of a change is about labels, or about open
// and closed.
func changesFace(body string) bool {
	return strings.Contains(body, "label") || body == "closed" || body == "reopened"
}

// judgeMessages counts the hub's messages: each at most once, and the one that this
// state of this round calls for.
func (c *critic) judgeMessages(f *lapses, j *judgement, dossier demarches.DossierView, policy onboarding.Policy) {
	decisions := 0
	for _, event := range dossier.Events {
		if event == string(demarches.Accepte) || event == string(demarches.Refuse) || event == "classe_sans_suite" {
			decisions++
		}
	}
	var sent []string
	for _, message := range c.scene.DS.Messages(j.Number) {
		if !message.Automatic && message.From == stage.Agent && strings.Contains(message.Body, fmt.Sprintf("passerelle:%d:", j.Number)) {
			sent = append(sent, message.Body)
		}
	}
	j.Messages = len(sent)
	times := func(message onboarding.Message, round int) (n int) {
		mark := c.marks.Mark(int64(j.Number), onboarding.MessageKey(message, round))
		for _, body := range sent {
			n += strings.Count(body, mark)
		}
		return n
	}
	for round := range decisions + 1 {
		for _, message := range []onboarding.Message{onboarding.MessageReceived, onboarding.MessageAccepted, onboarding.MessageRefused} {
			if n := times(message, round); n > 1 {
				*f = append(*f, inBoth(
					fmt.Sprintf("le demandeur a été prévenu %d fois : %s", n, messageName(page.French, string(message))),
					fmt.Sprintf("the applicant was told %d times: %s", n, messageName(page.English, string(message)))))
			}
		}
	}
	if dossier.Presence == demarches.Present && policy.Message != onboarding.MessageNone && times(policy.Message, decisions) == 0 {
		*f = append(*f, inBoth(
			"le demandeur n’est pas encore prévenu : "+messageName(page.French, string(policy.Message)),
			"the applicant has not been told yet: "+messageName(page.English, string(policy.Message))))
	}
}

// verdict is what there is to say of everything.
type verdict struct {
	Judgements []judgement
	// Wrong are the dossiers that are not as they should be.
	Wrong []judgement
	// Waiting are the hub's jobs that are still to be done, but for its round.
	Waiting []jobs.Job
	Ledger  string // "intact", or what is wrong
}

// Right says that all is as it should be, and that nothing is left to be done.
func (v verdict) Right() bool {
	return len(v.Wrong) == 0 && len(v.Waiting) == 0 && v.Ledger == "intact"
}

// sums counts what all dossiers have.
func (v verdict) sums() (sum counts) {
	for _, j := range v.Judgements {
		sum.Groups += len(j.groups)
		sum.Projects += len(j.projects)
		sum.Issues += len(j.issues)
		sum.Messages += j.Messages
	}
	return sum
}

// deliver looks at everything.
func (s *scene) deliver(ctx context.Context) (verdict, error) {
	var numbers []int
	for _, dossier := range s.DS.Dossiers() {
		numbers = append(numbers, dossier.Number)
	}
	v := verdict{Ledger: "intact"}
	if len(numbers) > 0 {
		v.Judgements = s.critic.judgeAll(numbers)
	}
	for _, j := range v.Judgements {
		if len(j.Wrong) > 0 {
			v.Wrong = append(v.Wrong, j)
		}
	}
	desk, err := newDesk(s.pool)
	if err != nil {
		return verdict{}, err
	}
	page, _, err := desk.List(ctx, jobs.Filter{States: unfinished(), Limit: 100})
	if err != nil {
		return verdict{}, err
	}
	for i := range page {
		if page[i].Dossier != 0 || page[i].Attempt > 1 {
			v.Waiting = append(v.Waiting, page[i])
		}
	}
	_, _, err = ledger.New(s.pool).Verify(ctx, func(broken *ledger.BrokenChain) {
		if v.Ledger == "intact" {
			v.Ledger = broken.Error()
		}
	})
	if err != nil {
		return verdict{}, fmt.Errorf("verify the ledger: %w", err)
	}
	return v, nil
}
