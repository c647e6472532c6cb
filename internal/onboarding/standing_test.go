package onboarding_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// prerequisites gives the dossier the answers of one to whom these prerequisites are met.
func (w *world) prerequisites(met func(id string) bool) {
	form := w.journey.Demarche(w.dossier.Demarche)
	w.dossier.Answers = slices.DeleteFunc(w.dossier.Answers, func(a onboarding.Answer) bool { return a.Checked != nil })
	for id, field := range form.Prerequisites {
		yes := met(id)
		w.dossier.Answers = append(w.dossier.Answers, onboarding.Answer{Champ: field.ID, Label: field.Label, Checked: &yes})
	}
}

// commands is an agent who does something in GitLab, as the hub takes it.
func (w *world) command(verb onboarding.Verb, argument string) onboarding.Command {
	w.clock++
	return onboarding.Command{
		Source: onboarding.FromNote, ID: w.clock, Verb: verb, Argument: argument, At: time.Unix(w.clock, 0), Author: 7,
	}
}

func (w *world) orders(verb onboarding.Verb, argument string) onboarding.Command {
	command := w.command(verb, argument)
	w.record.Shown = map[int]time.Time{w.standing().Step: command.At.Add(-time.Second)}
	decided := onboarding.Decide(w.journey, &w.dossier, w.record, command, true)
	w.record.Commands = append(slices.Clone(w.record.Commands), decided)
	return decided
}

func (w *world) standing() onboarding.Standing {
	return onboarding.Stand(w.journey, &w.dossier, w.record)
}

func anyVerb(t *rapid.T) onboarding.Verb {
	return rapid.SampledFrom([]onboarding.Verb{
		onboarding.VerbGo, onboarding.VerbGo, onboarding.VerbGo, onboarding.VerbNoGo, onboarding.VerbBlock, onboarding.VerbUnblock,
		onboarding.VerbCorrect, onboarding.VerbHosting, onboarding.VerbJoin, onboarding.VerbStatus, onboarding.VerbHelp, onboarding.VerbUnknown,
	}).Draw(t, "verb")
}

// story lets DS and agents say this and that, and calls succeed and get lost.
func story(t *rapid.T, w *world) {
	for range rapid.IntRange(0, 15).Draw(t, "events") {
		switch plan := w.plan(); rapid.IntRange(0, 3).Draw(t, "who") {
		case 0:
			before := w.dossier.State
			w.clock++
			w.becomes(anyState(t))
			back := before.Decided() && !w.dossier.State.Decided() ||
				before != onboarding.EnConstruction && w.dossier.State == onboarding.EnConstruction
			if back {
				w.dossier.ReopenedAt = time.Unix(w.clock, 0)
			}
			if w.dossier.State.Decided() {
				w.dossier.EndedAt = time.Unix(w.clock, 0)
			}
		case 1:
			missing := rapid.Bool().Draw(t, "missing")
			w.prerequisites(func(id string) bool { return !missing || id != "stateless" })
		case 2:
			w.orders(anyVerb(t), rapid.SampledFrom([]string{"", "parce que", "1000"}).Draw(t, "argument"))
		default:
			if len(plan) > 0 {
				w.check(t, plan)
				w.carryOut(rapid.SampledFrom(plan).Draw(t, "action"), rapid.SampledFrom([]fate{succeeds, succeeds, lostBefore, lostAfter}).Draw(t, "fate"))
			}
		}
	}
}

// Where an onboarding stands is a function of the set of commands, not of the order in
// which the hub learned of them.
func TestStand_OrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(example(t))
		story(t, w)
		want := w.standing()
		for range 3 {
			record := w.record
			record.Commands = rapid.Permutation(w.record.Commands).Draw(t, "order")
			require.Equal(t, want, onboarding.Stand(w.journey, &w.dossier, record))
		}
	})
}

// No step is skipped: each gate before the step was passed, by an acceptance in DS or by
// a go that was carried out, and where hard prerequisites were unmet by an override on
// record.
func TestStand_NoStepIsSkipped(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(example(t))
		story(t, w)
		standing, form := w.standing(), w.journey.FormStep(&w.dossier)
		require.GreaterOrEqual(t, standing.Step, form)
		require.LessOrEqual(t, standing.Step, w.journey.Last())
		require.Len(t, standing.Passes, standing.Step-form)
		for i, pass := range standing.Passes {
			require.Equal(t, form+i, pass.Step)
			given := slices.ContainsFunc(w.record.Commands, func(c onboarding.Command) bool {
				return c.Verb == onboarding.VerbGo && c.Outcome == onboarding.Done && c.Step == pass.Step
			})
			require.True(t, given || pass.ByDS)
			require.True(t, !pass.ByDS || w.dossier.State == onboarding.Accepte)
			if pass.ByDS {
				require.NotContains(t, pass.Overrides, "", "an acceptance is an override of what is unmet")
			}
			if pass.Step == form {
				require.Equal(t, standing.Unmet, pass.Overrides)
			}
		}
		if w.dossier.State.TurnedDown() {
			require.True(t, standing.Stopped)
			require.Equal(t, form, standing.Step)
		}
	})
}

// Whatever agents and DS decided, in whatever order, once everything is carried out the
// world is what both say, and nothing is left to do.
func TestPlan_EndsWhereTheDecisionsSay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(example(t))
		story(t, w)
		terminal := w.dossier.State.Decided()
		state := w.dossier.State
		w.settle(t)
		if terminal {
			require.Equal(t, state, w.dossier.State, "a final decision in DS is never changed")
		}
		require.NotEqual(t, onboarding.PartyHub, w.standing().Waiting, "what was decided in GitLab is in DS")
		face, _ := w.journey.Face(&w.dossier, w.record)
		if w.issue != nil {
			require.Equal(t, face, *w.issue)
			for i := range w.record.Commands {
				if key := onboarding.AnswerKey(w.record.Commands[i].Key()); w.record.Commands[i].Outcome != onboarding.Ignored {
					require.Equal(t, 1, w.notes[key.String()], "%s is answered once", key)
				}
			}
		}
		for key, n := range w.messages {
			require.LessOrEqual(t, n, 1, key)
		}
		w.record.Revision++
		require.Empty(t, w.plan())
	})
}

func TestDecide(t *testing.T) {
	t.Parallel()
	ready := func(t *testing.T) *world {
		t.Helper()
		w := newWorld(example(t))
		w.prerequisites(func(string) bool { return true })
		return w
	}

	t.Run("GoAcceptsByWayOfTheInstruction", func(t *testing.T) {
		t.Parallel()
		w := ready(t)
		require.Equal(t, onboarding.Done, w.orders(onboarding.VerbGo, "").Outcome)
		require.Contains(t, kinds(w.plan()), onboarding.StartInstruction)
		require.Equal(t, onboarding.PartyHub, w.standing().Waiting)
		w.settle(t)
		require.Equal(t, onboarding.Accepte, w.dossier.State)
		require.Equal(t, 3, w.standing().Step)
		require.Equal(t, 1, w.messages["accepted 1"])
	})
	t.Run("NoGoRefusesWithTheReason", func(t *testing.T) {
		t.Parallel()
		w := ready(t)
		require.Equal(t, onboarding.RefusedArgument, w.orders(onboarding.VerbNoGo, "").Outcome)
		require.Equal(t, onboarding.Done, w.orders(onboarding.VerbNoGo, "hors périmètre").Outcome)
		require.Equal(t, "hors périmètre", onboarding.Motivation(w.journey, &w.dossier, w.record))
		w.settle(t)
		require.Equal(t, onboarding.Refuse, w.dossier.State)
		require.Equal(t, onboarding.RefusedDecided, w.orders(onboarding.VerbGo, "").Outcome, "DS has the last word")
	})
	t.Run("AHardGate", func(t *testing.T) {
		t.Parallel()
		w := ready(t)
		w.prerequisites(func(id string) bool { return id != "stateless" })
		refused := w.orders(onboarding.VerbGo, "")
		require.Equal(t, onboarding.RefusedUnmet, refused.Outcome)
		require.Equal(t, "stateless", refused.Detail)
		require.NotContains(t, kinds(w.plan()), onboarding.StartInstruction)
		require.Equal(t, onboarding.Done, w.orders(onboarding.VerbGo, "une migration est planifiée").Outcome)
		w.settle(t)
		require.Equal(t, []string{"stateless"}, w.standing().Passes[0].Overrides)
		require.Equal(t, "une migration est planifiée", w.standing().Passes[0].Reason)
	})
	t.Run("WhoeverGoesBackInDSUndoesTheGo", func(t *testing.T) {
		t.Parallel()
		w := ready(t)
		w.orders(onboarding.VerbGo, "")
		w.settle(t)
		w.clock++
		w.dossier.ReopenedAt = time.Unix(w.clock, 0)
		w.becomes(onboarding.EnInstruction)
		w.settle(t)
		require.Equal(t, onboarding.EnInstruction, w.dossier.State, "it is not accepted again")
		require.Equal(t, onboarding.Undecided, w.standing().Decision)
		require.Equal(t, onboarding.Done, w.orders(onboarding.VerbGo, "").Outcome)
		w.settle(t)
		require.Equal(t, onboarding.Accepte, w.dossier.State)
	})
	t.Run("ABlockHoldsTheDecision", func(t *testing.T) {
		t.Parallel()
		w := ready(t)
		require.Equal(t, onboarding.RefusedAlready, w.orders(onboarding.VerbUnblock, "").Outcome)
		require.Equal(t, onboarding.Done, w.orders(onboarding.VerbBlock, "budget").Outcome)
		require.Equal(t, onboarding.RefusedBlocked, w.orders(onboarding.VerbGo, "").Outcome)
		face, _ := w.journey.Face(&w.dossier, w.record)
		require.Contains(t, face.Labels, w.journey.GitLab.Labels.Blocked)
		require.Equal(t, onboarding.Done, w.orders(onboarding.VerbUnblock, "").Outcome)
		require.Equal(t, onboarding.Done, w.orders(onboarding.VerbGo, "").Outcome)
	})
	t.Run("LaterGates", func(t *testing.T) {
		t.Parallel()
		w := ready(t)
		w.becomes(onboarding.Accepte)
		w.settle(t)
		require.Equal(t, onboarding.RefusedStep, w.orders(onboarding.VerbHosting, "REF-1").Outcome)
		require.Equal(t, onboarding.Done, w.orders(onboarding.VerbNoGo, "les tests échouent").Outcome)
		w.settle(t)
		require.Equal(t, 1, w.messages["no_go 3 "+w.record.Commands[1].Key()])
		require.Equal(t, onboarding.Done, w.orders(onboarding.VerbNoGo, "toujours").Outcome, "another reason, after another try")
		w.settle(t)
		require.Len(t, w.messages, 3)
		require.Equal(t, onboarding.Done, w.orders(onboarding.VerbGo, "").Outcome)
		w.settle(t)
		require.Equal(t, 4, w.standing().Step)
		require.Equal(t, 1, w.messages["step 4"])
		require.Equal(t, onboarding.Done, w.orders(onboarding.VerbHosting, "REF-1").Outcome)
		require.Empty(t, w.status)
		require.Equal(t, onboarding.Done, w.orders(onboarding.VerbGo, "").Outcome)
		w.settle(t)
		require.Equal(t, onboarding.Permanent, w.status)
		require.True(t, w.standing().Ended)
		require.Equal(t, "REF-1", w.standing().Hosting)
		require.Equal(t, onboarding.RefusedStep, w.orders(onboarding.VerbGo, "").Outcome)
	})
	t.Run("BeforeTheIssueShowedTheStep", func(t *testing.T) {
		t.Parallel()
		w := ready(t)
		w.becomes(onboarding.Accepte)
		early := w.command(onboarding.VerbGo, "")
		require.Equal(t, onboarding.RefusedEarlier, onboarding.Decide(w.journey, &w.dossier, w.record, early, true).Outcome)
		w.record.Shown = map[int]time.Time{3: early.At}
		require.Equal(t, onboarding.RefusedEarlier, onboarding.Decide(w.journey, &w.dossier, w.record, early, true).Outcome)
		require.Equal(t, onboarding.Done, w.orders(onboarding.VerbGo, "").Outcome)
	})
	t.Run("WhatChangedSinceTheGo", func(t *testing.T) {
		t.Parallel()
		w := ready(t)
		require.Equal(t, onboarding.Done, w.orders(onboarding.VerbGo, "").Outcome)
		w.prerequisites(func(id string) bool { return id != "stateless" })
		w.record.Revision++
		w.settle(t)
		require.Equal(t, onboarding.EnConstruction, w.dossier.State, "what was not overridden keeps the gate shut")
		require.Equal(t, onboarding.Undecided, w.standing().Decision)
		w.prerequisites(func(string) bool { return true })
		w.record.Revision++
		w.settle(t)
		require.Equal(t, onboarding.Accepte, w.dossier.State)
	})
	t.Run("WhatDSRefuses", func(t *testing.T) {
		t.Parallel()
		w := ready(t)
		w.settle(t)
		w.orders(onboarding.VerbGo, "")
		plan := w.plan()
		at := slices.IndexFunc(plan, func(a onboarding.Action) bool { return a.Kind == onboarding.StartInstruction })
		w.carryOut(plan[at], refused)
		require.Equal(t, onboarding.PartyAgents, w.standing().Waiting)
		require.NotEmpty(t, onboarding.NoteFor(w.journey, &w.dossier, w.record).Failures)
		require.Equal(t, onboarding.Done, w.orders(onboarding.VerbGo, "").Outcome, "it may be tried again")
		w.settle(t)
		require.Equal(t, onboarding.Accepte, w.dossier.State)
	})
	t.Run("Rights", func(t *testing.T) {
		t.Parallel()
		w := ready(t)
		require.Equal(t, onboarding.RefusedRights, onboarding.Decide(w.journey, &w.dossier, w.record, w.command(onboarding.VerbGo, ""), false).Outcome)
	})
	t.Run("TheFirstFormLeadsToTheSecond", func(t *testing.T) {
		t.Parallel()
		w := newWorld(example(t))
		w.dossier.Demarche = w.journey.Demarches[1].Number
		require.Equal(t, 1, w.standing().Step)
		require.Equal(t, onboarding.Done, w.orders(onboarding.VerbGo, "").Outcome)
		w.settle(t)
		require.Equal(t, 2, w.standing().Step)
		require.Equal(t, onboarding.PartyApplicant, w.standing().Waiting)
		require.Equal(t, 1, w.messages["qualified 1"])
		require.False(t, w.group, "no sandbox")
		require.Equal(t, onboarding.RefusedElsewhere, w.orders(onboarding.VerbGo, "").Outcome)
		w.record.Links.FollowedBy = []onboarding.Link{{Number: 43}}
		require.True(t, w.standing().Continued)
		face, _ := w.journey.Face(&w.dossier, w.record)
		require.True(t, face.Closed)
	})
}
