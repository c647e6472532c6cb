package verdict

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

// trial judges one dossier.
type trial struct {
	judge   *Judge
	view    gitlab.View
	dossier *demarches.DossierView
	held    *holding
	census  *census
	// record holds what agents decided in GitLab, as the hub's answers tell, and standing
	// where the onboarding stands then.
	record   onboarding.Record
	standing onboarding.Standing
}

func (t *trial) addf(kind Kind, format string, args ...any) {
	t.census.addf(t.dossier.Number, kind, format, args...)
}

// state is the state by which the journey's policy goes.
func (t *trial) state() onboarding.State {
	if t.dossier.Presence == demarches.Purged {
		return onboarding.Deleted
	}
	return onboarding.State(t.dossier.State)
}

// seen says that the hub can know the dossier's last state: what DS hides went out of
// sight in a state that it may never have shown.
func (t *trial) seen() bool { return t.dossier.Presence == demarches.Present }

func (t *trial) policy() onboarding.Policy { return t.judge.Journey.PolicyOf(t.reading()) }

func (t *trial) run() {
	t.judgeAnswers()
	t.standing = onboarding.Stand(t.judge.Journey, t.reading(), t.record)
	if t.seen() && t.standing.Waiting == onboarding.PartyHub {
		t.addf(Missing, "what was decided in GitLab is not done in DS, where it is %s", t.dossier.State)
	}
	t.judgeIssue()
	t.judgeSandbox()
	t.judgeMessages()
}

func (t *trial) count(what string, got int, must bool) bool {
	switch {
	case got > 1:
		t.addf(Doubled, "%s: %d of them", what, got)
	case got == 0 && must:
		t.addf(Missing, "no %s", what)
	}
	return got > 0
}

func (t *trial) judgeIssue() {
	// One that is first seen when it is turned down gets none.
	must := t.seen() && t.policy().Issue == onboarding.IssueOpen
	if !t.count("tracking issue", len(t.held.issues), must) {
		return
	}
	issue := t.held.issues[0]
	if !issue.Confidential || issue.Locked || len(issue.AssigneeIDs) > 0 || issue.DueDate != "" {
		t.addf(Wrong, "the tracking issue is not confidential, or somebody changed what the hub does not")
	}
	var notes []string
	for _, note := range t.view.Notes(stage.TrackingProject, issue.IID) {
		if !note.System && note.Author == stage.User && t.judge.Marks.In(note.Body, int64(t.dossier.Number), onboarding.NoteKey) {
			notes = append(notes, note.Body)
		}
	}
	t.census.stock.Notes += len(notes)
	t.judgeNote(notes)
	if !t.seen() && t.dossier.Presence != demarches.Purged {
		return
	}
	face, _ := t.judge.Journey.Face(t.reading(), t.record)
	if got, want := slices.Sorted(slices.Values(issue.Labels)), slices.Sorted(slices.Values(face.Labels)); !slices.Equal(got, want) {
		t.addf(Wrong, "the tracking issue's labels are %q, not %q", got, want)
	}
	if closed := issue.State == "closed"; closed != face.Closed {
		t.addf(Wrong, "the tracking issue is %s", issue.State)
	}
}

// judgeNote looks at the hub's one note: it tells where the sandbox is, and the reason
// that the agents gave.
func (t *trial) judgeNote(notes []string) {
	state := t.state()
	leads := state == onboarding.Accepte && len(t.held.projects) > 0
	if !t.count("note of the hub", len(notes), t.seen()) || !t.seen() {
		return
	}
	if leads && !strings.Contains(notes[0], t.held.projects[0].FullPath) {
		t.addf(Wrong, "the note does not lead to the sandbox")
	}
	if state.Decided() && !strings.Contains(notes[0], t.dossier.Motivation) {
		t.addf(Wrong, "the note does not give the reason")
	}
}

func (t *trial) judgeSandbox() {
	provision := t.seen() && t.policy().Sandbox == onboarding.SandboxProvision
	decisions := t.decisions()
	if !slices.Contains(decisions, onboarding.Accepte) {
		if n := len(t.held.groups) + len(t.held.projects); n > 0 {
			t.addf(Wrong, "a sandbox, and no acceptance")
		}
		return
	}
	if t.count("group", len(t.held.groups), provision) {
		t.judgeGroup(t.held.groups[0], provision)
	}
	if !t.count("sandbox project", len(t.held.projects), provision) {
		return
	}
	project := t.held.projects[0]
	archive := t.seen() && t.policy().Sandbox == onboarding.SandboxArchive
	// Who goes back on a decision leaves the sandbox as the hub last saw a reason for.
	accepted := slices.Index(decisions, onboarding.Accepte)
	turnedDown := slices.ContainsFunc(decisions[accepted:], onboarding.State.TurnedDown)
	switch {
	case archive && !project.Archived:
		t.addf(Wrong, "the sandbox is not archived")
	case project.Archived && (provision || !turnedDown):
		t.addf(Wrong, "the sandbox is archived")
	}
	if project.Visibility != gitlab.Private {
		t.addf(Wrong, "the sandbox is %s", project.Visibility)
	}
	t.count("commit in the sandbox", t.view.Commits(project.FullPath), provision)
}

func (t *trial) judgeGroup(group gitlab.Group, provision bool) {
	if group.Visibility != gitlab.Private {
		t.addf(Wrong, "the group is %s", group.Visibility)
	}
	invited := map[string]int{}
	for _, invitation := range t.view.Invitations(group.FullPath) {
		invited[invitation.Email]++
	}
	for _, times := range invited { // whom is not told: it is personal
		if times > 1 {
			t.addf(Doubled, "%d invitations of the same person", times)
		}
	}
	if !provision {
		return
	}
	for _, invitation := range t.judge.Journey.Invitations(t.reading()) {
		for _, email := range invitation.Emails {
			if invited[email] == 0 {
				t.addf(Missing, "somebody is not invited as %s", invitation.Level)
			}
		}
	}
}

// decisions are the agents' decisions, in order: they count the rounds.
func (t *trial) decisions() []onboarding.State {
	var list []onboarding.State
	for _, event := range t.dossier.Events {
		switch event {
		case "accepte":
			list = append(list, onboarding.Accepte)
		case "refuse":
			list = append(list, onboarding.Refuse)
		case "classe_sans_suite":
			list = append(list, onboarding.SansSuite)
		}
	}
	return list
}

// judgeMessages knows that each round has at most one message, of its own kind, and
// the round of the last state exactly one: a decision that DS took back before it
// was seen calls for none.
func (t *trial) judgeMessages() {
	number := t.dossier.Number
	allowed := map[string]onboarding.ResourceKey{}
	allow := func(message onboarding.Message, round int) {
		key := onboarding.MessageKey(message, round)
		allowed[t.judge.Marks.Mark(int64(number), key)] = key
	}
	allow(onboarding.MessageReceived, 0)
	decisions := t.decisions()
	for i, decision := range decisions {
		decided := *t.reading()
		decided.State = decision
		if message := t.judge.Journey.PolicyOf(&decided).Message; message != onboarding.MessageNone {
			allow(message, i+1)
		}
	}
	for _, key := range t.gateMessages() {
		allowed[t.judge.Marks.Mark(int64(number), key)] = key
	}
	told := map[onboarding.ResourceKey]int{}
	for _, message := range t.judge.DS.Messages(number) {
		if message.Automatic || message.From != stage.Agent {
			continue
		}
		t.census.stock.Messages++
		marks := onboarding.MarksIn(message.Body)
		if len(marks) != 1 || allowed[marks[0]] == (onboarding.ResourceKey{}) {
			t.addf(Wrong, "a message that no decision called for")
			continue
		}
		told[allowed[marks[0]]]++
	}
	for _, key := range slices.SortedFunc(maps.Keys(told), func(a, b onboarding.ResourceKey) int { return strings.Compare(a.Key, b.Key) }) {
		if told[key] > 1 {
			t.addf(Doubled, "%d messages %q", told[key], key.Key)
		}
	}
	wanted := t.policy().Message
	if !t.seen() || !t.reading().Reachable() || wanted == onboarding.MessageNone {
		return
	}
	if key := t.mainMessage(wanted, len(decisions)); told[key] == 0 {
		t.addf(Missing, "no message %q", key.Key)
	}
}

// reading is the dossier as far as the journey's questions here go.
func (t *trial) reading() *onboarding.Dossier {
	d := &onboarding.Dossier{
		Number: int64(t.dossier.Number), Demarche: int64(t.dossier.Demarche), State: t.state(), Archived: t.dossier.Archived,
		HiddenByUsager: t.dossier.HiddenByApplicant, AccountDeleted: t.dossier.AccountDeleted, UsagerEmail: t.dossier.Email,
	}
	d.AwaitCorrection, d.Motivation = t.dossier.CorrectionPending, t.dossier.Motivation
	for i, event := range t.dossier.Events {
		at := t.dossier.EventsAt[i].Truncate(time.Second) // as the API tells it
		if strings.HasPrefix(event, "repasse_en_") {
			d.ReopenedAt = at
		}
		if onboarding.State(t.dossier.State).Decided() {
			d.EndedAt = at
		}
	}
	for id, answer := range t.dossier.Answers {
		switch given := answer.(type) {
		case string:
			d.Answers = append(d.Answers, onboarding.Answer{Champ: demarches.ChampID(id), Text: given})
		case bool:
			d.Answers = append(d.Answers, onboarding.Answer{Champ: demarches.ChampID(id), Checked: &given})
		}
	}
	return d
}
