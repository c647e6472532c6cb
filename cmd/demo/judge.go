package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
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
		followed := c.followed(v)
		for i := range list {
			c.judgeOne(v, &list[i], followed[list[i].Number])
		}
	})
	return list
}

// followed says which dossiers another goes on from: the one that an agent named, else
// the one of its form's reference.
func (c *critic) followed(v gitlab.View) map[int]bool {
	owner, follows := owners{}, map[int]int{}
	for _, dossier := range c.scene.DS.Dossiers() {
		if dossier.Demarche != stage.Form {
			continue
		}
		owner.add(c.marks, dossier.Number)
		reference, _ := dossier.Answers[demarches.FieldPrequalification].(string)
		if earlier, ours := c.marks.ReadReference(c.scene.settings.Journey.Programme.Reference, reference); ours {
			follows[dossier.Number] = int(earlier)
		}
	}
	for _, issue := range v.Issues(stage.TrackingProject) {
		if number, known := owner.of(issue.Description); known && issue.Author == stage.User {
			if earlier := c.joined(v.Notes(stage.TrackingProject, issue.IID), number); earlier != 0 {
				follows[number] = earlier
			}
		}
	}
	numbers := map[int]bool{}
	for _, earlier := range follows {
		numbers[earlier] = true
	}
	return numbers
}

// joined is the dossier that agents joined this one to, 0 for none: the last command to
// do so that was answered as carried out.
func (c *critic) joined(notes []gitlab.Note, number int) (earlier int) {
	for _, note := range notes {
		for _, command := range onboarding.ParseCommands(note.Body) {
			if command.Verb != onboarding.VerbJoin || note.System || note.Author == stage.User {
				continue
			}
			key := onboarding.AnswerKey(fmt.Sprintf("%s %d", onboarding.FromNote, note.ID))
			done := slices.ContainsFunc(notes, func(answer gitlab.Note) bool {
				return answer.Author == stage.User && c.marks.In(answer.Body, int64(number), key) &&
					slices.ContainsFunc(onboarding.ReadTrace(answer.Body), func(past onboarding.Command) bool {
						return past.Line == command.Line && past.Outcome == onboarding.Done
					})
			})
			if named, err := strconv.Atoi(command.Argument); err == nil && done {
				earlier = named
			}
		}
	}
	return earlier
}

func (c *critic) judgeOne(v gitlab.View, j *judgement, followed bool) {
	dossier, _ := c.scene.DS.Dossier(j.Number)
	j.State = dossier.State
	policy := c.scene.settings.Journey.PolicyOf(&onboarding.Dossier{
		Demarche: int64(dossier.Demarche), State: onboarding.State(dossier.State),
	})
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
		c.judgeIssue(&f, v, j, policy, followed)
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

// judgeIssue looks at the tracking issue. That of a dossier that another goes on from is
// closed.
func (c *critic) judgeIssue(f *lapses, v gitlab.View, j *judgement, policy onboarding.Policy, followed bool) {
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
		case c.isNote(note, j.Number):
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
	goesOn := followed && j.State == demarches.Accepte
	switch closed, want := issue.State == "closed", policy.Issue == onboarding.IssueClose || goesOn; {
	case closed && !want:
		f.addf("le ticket de suivi est fermé", "the tracking issue is closed")
	case want && !closed:
		f.addf("le ticket de suivi est encore ouvert", "the tracking issue is still open")
	}
}

// isNote says whether a note is the one that the hub keeps current; its answers and
// reminders are others.
func (c *critic) isNote(note gitlab.Note, number int) bool {
	return !note.System && note.Author == stage.User && c.marks.In(note.Body, int64(number), onboarding.NoteKey)
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
	keys := c.messageKeys(decisions)
	for _, key := range keys {
		if n := c.times(sent, j.Number, key); n > 1 {
			*f = append(*f, inBoth(
				fmt.Sprintf("le demandeur a été prévenu %d fois : %s", n, messageName(page.French, key.Key)),
				fmt.Sprintf("the applicant was told %d times: %s", n, messageName(page.English, key.Key))))
		}
	}
	if !reachable(dossier) || policy.Message == onboarding.MessageNone {
		return
	}
	// Who comes to a later gate at once is told of that, and not of the ones before.
	told := slices.ContainsFunc(keys, func(key onboarding.ResourceKey) bool {
		later := onboarding.MessageOf(key) == onboarding.MessageStep || onboarding.MessageOf(key) == onboarding.MessageNoGo
		wanted := key == onboarding.MessageKey(policy.Message, decisions) || later && j.State == demarches.Accepte
		return wanted && c.times(sent, j.Number, key) > 0
	})
	if !told {
		*f = append(*f, inBoth(
			"le demandeur n’est pas encore prévenu : "+messageName(page.French, string(policy.Message)),
			"the applicant has not been told yet: "+messageName(page.English, string(policy.Message))))
	}
}

// reachable says whether DS takes messages to the applicant.
func reachable(d demarches.DossierView) bool {
	return d.Presence == demarches.Present && !d.Archived && !d.HiddenByApplicant && !d.AccountDeleted
}

// times counts how often a message was sent.
func (c *critic) times(sent []string, number int, key onboarding.ResourceKey) (n int) {
	mark := c.marks.Mark(int64(number), key)
	for _, body := range sent {
		n += strings.Count(body, mark)
	}
	return n
}

// messageKeys lists the messages that there can be in so many rounds of decisions, but
// for those whose keys only the hub knows: corrections and reminders.
func (c *critic) messageKeys(rounds int) []onboarding.ResourceKey {
	keys := []onboarding.ResourceKey{onboarding.MessageKey(onboarding.MessageReceived, 0)}
	add := func(format string, message onboarding.Message, of int) {
		keys = append(keys, onboarding.ResourceKey{System: onboarding.InDemarches, Kind: onboarding.KindMessage, Key: fmt.Sprintf(format, message, of)})
	}
	for round := range rounds {
		for _, message := range []onboarding.Message{onboarding.MessageAccepted, onboarding.MessageRefused, onboarding.MessageQualified} {
			add("%s %d", message, round+1)
		}
	}
	for step := range c.scene.settings.Journey.Last() {
		add("%s %d", onboarding.MessageStep, step+1)
		add("%s %d", onboarding.MessageNoGo, step+1)
	}
	return keys
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
