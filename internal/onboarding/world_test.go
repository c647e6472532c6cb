package onboarding_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/deploy"
	"github.com/cloud-pi-native/passerelle/internal/config"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// example is the journey of the documented example.
func example(t require.TestingT) *onboarding.Journey {
	journey, err := config.ParseJourney("journey.example.yaml", deploy.ExampleJourney)
	require.NoError(t, err)
	return journey
}

// fate is what becomes of a call.
type fate string

const (
	succeeds   fate = "succeeds"
	lostBefore fate = "lost before it had its effect"
	lostAfter  fate = "lost after it had its effect"
	refused    fate = "refused for good"
)

// world is one dossier in DS, what exists in GitLab and DS because of it, and what
// the ledger holds: a model of what the jobs do with a plan.
type world struct {
	journey *onboarding.Journey
	dossier onboarding.Dossier
	record  onboarding.Record
	clock   int64

	issue    *onboarding.Face
	note     *onboarding.Note
	group    bool
	project  bool
	archived bool
	files    bool
	invited  map[string]bool
	messages map[string]int
	started  bool
	// notes are the answers and reminders in GitLab, by resource.
	notes  map[string]int
	status string
	shown  onboarding.Shown
}

func newWorld(journey *onboarding.Journey) *world {
	return &world{
		journey: journey,
		dossier: onboarding.Dossier{
			Number: 42, Demarche: journey.Demarches[0].Number, State: onboarding.EnConstruction, UsagerEmail: "camille@example.org",
			Answers: []onboarding.Answer{{Champ: journey.Demarches[0].Fields[onboarding.FactProject].ID, Text: "Portail"}},
		},
		record:  onboarding.Record{Revision: 1, Resources: map[onboarding.ResourceKey]onboarding.Resource{}},
		invited: map[string]bool{}, messages: map[string]int{}, notes: map[string]int{},
	}
}

// becomes is what DS says next.
func (w *world) becomes(state onboarding.State) {
	w.dossier.State = state
	w.dossier.EverInstructed = w.dossier.EverInstructed || state == onboarding.EnInstruction
	if state.Decided() {
		w.dossier.Decisions++
		w.dossier.Motivation = fmt.Sprint("motivation ", w.dossier.Decisions)
	}
	w.record.Revision++
}

func (w *world) plan() []onboarding.Action { return onboarding.Plan(w.journey, &w.dossier, w.record) }

func (w *world) now() time.Time {
	w.clock++
	return time.Unix(w.clock, 0)
}

// change changes a row of the ledger.
func (w *world) change(key onboarding.ResourceKey, f func(*onboarding.Resource)) {
	row := w.record.Resources[key]
	f(&row)
	w.record.Resources = maps.Clone(w.record.Resources)
	w.record.Resources[key] = row
}

// carryOut does what a job does with an action: intent, call, outcome.
func (w *world) carryOut(a onboarding.Action, f fate) {
	w.change(a.Resource, func(r *onboarding.Resource) { r.IntentAt, r.FailedRevision, r.Failure = w.now(), 0, "" })
	switch f {
	case lostBefore:
		return
	case refused:
		w.change(a.Resource, func(r *onboarding.Resource) { r.FailedRevision, r.Failure = w.record.Revision, "no" })
		return
	}
	exists, done := w.effect(a)
	if f == lostAfter {
		return
	}
	if !exists {
		w.change(a.Resource, func(r *onboarding.Resource) { r.IntentAt = time.Time{} })
		return
	}
	for key, applied := range done {
		w.change(key, func(r *onboarding.Resource) {
			r.DoneAt, r.Applied, r.ExternalID, r.URL = w.now(), applied, "1", "https://example.org/"+key.String()
			r.FailedRevision, r.Failure = 0, ""
		})
	}
}

// effect has the action's effect in the world. It returns whether the thing exists
// now, and what is to be recorded: what is applied, by resource.
func (w *world) effect(a onboarding.Action) (exists bool, done map[onboarding.ResourceKey]string) {
	face, _ := w.journey.Face(&w.dossier, w.record)
	done = map[onboarding.ResourceKey]string{a.Resource: a.Want}
	// create makes what is not there yet; what is there already is found by its mark.
	create := func(thing *bool) bool {
		*thing = *thing || !a.Settle
		return *thing
	}
	switch a.Kind {
	case onboarding.OpenIssue:
		switch {
		case w.issue != nil:
			return true, map[onboarding.ResourceKey]string{onboarding.IssueKey: ""} // it may look otherwise
		case a.Settle:
			return false, nil
		}
		w.issue = &onboarding.Face{Labels: face.Labels}
		return true, map[onboarding.ResourceKey]string{onboarding.IssueKey: "", onboarding.LabelsKey: a.Want}
	case onboarding.LabelIssue:
		*w.issue = face
	case onboarding.NoteIssue:
		note := onboarding.NoteFor(w.journey, &w.dossier, w.record)
		w.note = &note
	case onboarding.CreateGroup:
		return create(&w.group), done
	case onboarding.CreateProject:
		exists = create(&w.project)
		if w.archived {
			done[onboarding.ArchiveKey] = onboarding.Archived
		}
		return exists, done
	case onboarding.CommitFiles:
		return create(&w.files), done
	case onboarding.InviteMembers:
		if a.Settle {
			return false, nil
		}
		for _, invitation := range w.journey.Invitations(&w.dossier) {
			if onboarding.MembersKey(invitation.Level) == a.Resource {
				w.invited[invitation.Level] = true
			}
		}
	case onboarding.ArchiveProject:
		w.archived = w.archived || !a.Settle
		if done[onboarding.ArchiveKey] = onboarding.Active; w.archived {
			done[onboarding.ArchiveKey] = onboarding.Archived
		}
	case onboarding.UnarchiveProject:
		w.archived = false
	case onboarding.SendMessage:
		switch {
		case w.messages[a.Resource.Key] > 0 && w.record.Get(a.Resource).Open():
			return true, done
		case a.Settle:
			return false, nil
		}
		w.messages[a.Resource.Key]++
	case onboarding.StartInstruction:
		if a.Settle {
			return false, nil
		}
		w.started = true
		if w.dossier.State == onboarding.EnConstruction && a.Resource != onboarding.InstructKey {
			w.becomes(onboarding.EnInstruction)
		}
	case onboarding.AcceptDossier:
		w.becomes(onboarding.Accepte)
	case onboarding.RefuseDossier:
		w.becomes(onboarding.Refuse)
	case onboarding.ClassDossier:
		w.becomes(onboarding.SansSuite)
	case onboarding.AnswerCommand, onboarding.RemindAgents:
		switch {
		case w.notes[a.Resource.String()] > 0 && w.record.Get(a.Resource).Open():
			return true, done
		case a.Settle:
			return false, nil
		}
		w.notes[a.Resource.String()]++
	case onboarding.MarkSandbox:
		if !a.Settle {
			w.status = a.Want
		}
	case onboarding.Annotate:
		if a.Settle {
			return true, done
		}
		w.shown = onboarding.ShownOf(w.journey, &w.dossier, w.record)
	case onboarding.TagDossier, onboarding.WaiveMessage:
	}
	return true, done
}

// settle carries everything out that is planned, and what follows from it.
func (w *world) settle(t require.TestingT) {
	for steps := 0; ; steps++ {
		plan := w.plan()
		if len(plan) == 0 {
			for key, resource := range w.record.Resources {
				// What was changed and may have changed again is open, too, but for whom to invite.
				open := resource.Open() || resource.Unsure() && key.Kind != onboarding.KindMembers
				require.True(t, !open || resource.FailedRevision == w.record.Revision, "the intent for %s stays open", key)
			}
			return
		}
		require.Less(t, steps, 60, "it does not come to an end: %v", plan)
		w.check(t, plan)
		w.carryOut(plan[0], succeeds)
	}
}

// check checks what is true of every plan.
func (w *world) check(t require.TestingT, plan []onboarding.Action) {
	require.Equal(t, plan, w.plan(), "the same input has the same answer")
	planned := map[onboarding.ResourceKey]bool{}
	for _, action := range plan {
		require.False(t, planned[action.Resource], "%s is planned twice", action.Resource)
		planned[action.Resource] = true
		if w.dossier.State.TurnedDown() {
			require.False(t, action.Creates(), "%v for a dossier that is %s", action, w.dossier.State)
		}
		require.NotEqual(t, w.record.Revision, w.record.Get(action.Resource).FailedRevision, "%v failed for good", action)
		require.NotEqual(t, onboarding.ActionKind(""), action.Kind)
	}
}

// requirePolicy checks that the world is what the policy says, with nothing in doubt.
func (w *world) requirePolicy(t require.TestingT) {
	policy, state := w.journey.PolicyOf(&w.dossier), w.dossier.State
	face, _ := w.journey.Face(&w.dossier, w.record)
	if policy.Issue == onboarding.IssueOpen && !state.TurnedDown() {
		require.NotNil(t, w.issue)
	}
	if w.issue != nil {
		require.Equal(t, policy.Issue == onboarding.IssueClose, w.issue.Closed)
		require.Equal(t, face.Labels, w.issue.Labels)
	}
	if w.note != nil {
		require.Equal(t, onboarding.NoteFor(w.journey, &w.dossier, w.record), *w.note)
	}
	switch policy.Sandbox {
	case onboarding.SandboxProvision:
		require.True(t, w.group && w.project && w.files)
		require.False(t, w.archived)
		require.Len(t, w.invited, len(w.journey.Invitations(&w.dossier)))
		require.True(t, onboarding.SandboxReady(w.record))
	case onboarding.SandboxArchive:
		require.Equal(t, w.project, w.archived)
	}
	if policy.Message != onboarding.MessageNone && w.dossier.Reachable() {
		require.Equal(t, 1, w.messages[onboarding.MessageKey(policy.Message, w.dossier.Decisions).Key])
	}
	for key, count := range w.messages {
		require.LessOrEqual(t, count, 1, key)
	}
	for _, key := range []onboarding.ResourceKey{onboarding.IssueKey, onboarding.GroupKey, onboarding.ProjectKey, onboarding.LabelsKey, onboarding.NoteKey} {
		require.False(t, w.record.Get(key).Open(), "an open intent: %s", key)
	}
	require.Equal(t, w.issue != nil, w.record.Get(onboarding.IssueKey).Done())
	require.Equal(t, w.group, w.record.Get(onboarding.GroupKey).Done())
	require.Equal(t, w.project, w.record.Get(onboarding.ProjectKey).Done())
	for key, resource := range w.record.Resources {
		if key.Kind == onboarding.KindMessage {
			require.False(t, resource.Open(), "an open intent: %s", key)
			require.Equal(t, resource.Done(), w.messages[key.Key] == 1)
		}
	}
}

func kinds(plan []onboarding.Action) []onboarding.ActionKind {
	var all []onboarding.ActionKind
	for _, action := range plan {
		all = append(all, action.Kind)
	}
	return all
}

func TestPlan_States(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		state onboarding.State
		want  []onboarding.ActionKind
	}{
		{onboarding.EnConstruction, []onboarding.ActionKind{onboarding.OpenIssue, onboarding.SendMessage}},
		{onboarding.EnInstruction, []onboarding.ActionKind{onboarding.OpenIssue}},
		{onboarding.Accepte, []onboarding.ActionKind{onboarding.OpenIssue, onboarding.CreateGroup}},
		{onboarding.Refuse, []onboarding.ActionKind{onboarding.SendMessage, onboarding.Annotate}},
		{onboarding.SansSuite, []onboarding.ActionKind{onboarding.SendMessage, onboarding.Annotate}},
		{onboarding.Deleted, nil},
	} {
		t.Run(string(tt.state), func(t *testing.T) {
			t.Parallel()
			w := newWorld(example(t))
			w.becomes(tt.state)
			require.Equal(t, tt.want, kinds(w.plan()))
			w.settle(t)
			w.requirePolicy(t)
		})
	}
}

func TestPlan_Reachable(t *testing.T) {
	t.Parallel()
	for name, hide := range map[string]func(*onboarding.Dossier){
		"Archived": func(d *onboarding.Dossier) { d.Archived = true }, "Hidden": func(d *onboarding.Dossier) { d.HiddenByUsager = true },
		"AccountDeleted": func(d *onboarding.Dossier) { d.AccountDeleted = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(example(t))
			hide(&w.dossier)
			require.NotContains(t, kinds(w.plan()), onboarding.SendMessage)
			w.settle(t)
			require.Empty(t, w.messages)
		})
	}
}

func TestPlan_InstructOnReceipt(t *testing.T) {
	t.Parallel()
	journey := example(t)
	journey.DSTransitions = onboarding.InstructOnReceipt
	w := newWorld(journey)
	require.Contains(t, kinds(w.plan()), onboarding.StartInstruction)

	w.settle(t)
	require.True(t, w.started)
	w.becomes(onboarding.EnInstruction)
	w.becomes(onboarding.EnConstruction)
	require.NotContains(t, kinds(w.plan()), onboarding.StartInstruction, "an agent who went back is not overruled")

	w = newWorld(journey)
	w.dossier.EverInstructed = true
	require.NotContains(t, kinds(w.plan()), onboarding.StartInstruction, "nor is one who did it by hand and went back")

	w = newWorld(journey)
	w.dossier.AwaitCorrection = true
	require.NotContains(t, kinds(w.plan()), onboarding.StartInstruction)
}

// What a call changed whose answer was lost is set right, also when the dossier is
// back by then where it was before.
func TestPlan_BackBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, lost onboarding.ActionKind, from, to onboarding.State) *world {
		t.Helper()
		w := newWorld(example(t))
		w.becomes(onboarding.Accepte)
		w.settle(t)
		w.becomes(from)
		w.settle(t)
		w.becomes(to)
		plan := w.plan()
		at := slices.IndexFunc(plan, func(a onboarding.Action) bool { return a.Kind == lost })
		require.GreaterOrEqual(t, at, 0)
		w.carryOut(plan[at], lostAfter)
		w.becomes(from)
		w.settle(t)
		return w
	}

	t.Run("Archive", func(t *testing.T) {
		t.Parallel()
		require.False(t, run(t, onboarding.ArchiveProject, onboarding.Accepte, onboarding.Refuse).archived)
	})
	t.Run("Unarchive", func(t *testing.T) {
		t.Parallel()
		require.True(t, run(t, onboarding.UnarchiveProject, onboarding.Refuse, onboarding.Accepte).archived)
	})
	t.Run("Note", func(t *testing.T) {
		t.Parallel()
		run(t, onboarding.NoteIssue, onboarding.EnInstruction, onboarding.EnConstruction).requirePolicy(t)
	})
	t.Run("Labels", func(t *testing.T) {
		t.Parallel()
		w := run(t, onboarding.LabelIssue, onboarding.EnInstruction, onboarding.EnConstruction)
		require.Contains(t, w.issue.Labels, w.journey.GitLab.Labels.States[onboarding.EnInstruction])
	})
}
