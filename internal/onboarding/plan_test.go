package onboarding_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// anyJourney is the example's, with another policy that makes sense.
func anyJourney(t *rapid.T) *onboarding.Journey {
	journey := example(t)
	journey.DSTransitions = rapid.SampledFrom([]onboarding.DSTransitions{onboarding.TransitionsNone, onboarding.InstructOnReceipt}).Draw(t, "transitions")
	journey.Policy = map[onboarding.State]onboarding.Policy{}
	for _, state := range onboarding.States() {
		policy := onboarding.Policy{
			Issue:   rapid.SampledFrom([]onboarding.IssuePolicy{onboarding.IssueOpen, onboarding.IssueClose}).Draw(t, "issue"),
			Sandbox: rapid.SampledFrom([]onboarding.SandboxPolicy{onboarding.SandboxArchive, onboarding.SandboxKeep}).Draw(t, "sandbox"),
			Message: rapid.SampledFrom([]onboarding.Message{onboarding.MessageNone, onboarding.MessageReceived, onboarding.MessageRefused}).Draw(t, "message"),
		}
		if state == onboarding.Accepte && rapid.Bool().Draw(t, "provision") {
			policy.Sandbox, policy.Message = onboarding.SandboxProvision, onboarding.MessageAccepted
		}
		journey.Policy[state] = policy
	}
	require.Empty(t, journey.Validate())
	return journey
}

func anyState(t *rapid.T) onboarding.State {
	return rapid.SampledFrom(onboarding.States()).Draw(t, "state")
}

// history lets DS say this and that while calls succeed, fail and get lost.
func history(t *rapid.T, w *world) {
	for range rapid.IntRange(0, 12).Draw(t, "events") {
		plan := w.plan()
		w.check(t, plan)
		if len(plan) == 0 || rapid.IntRange(0, 2).Draw(t, "DS speaks") == 0 {
			w.becomes(anyState(t))
			continue
		}
		action := rapid.SampledFrom(plan).Draw(t, "action")
		w.carryOut(action, rapid.SampledFrom([]fate{succeeds, succeeds, succeeds, lostBefore, lostAfter, refused}).Draw(t, "fate"))
	}
}

// Whatever happened before, once everything is carried out the world is what the
// policy says of the last state, nothing is in doubt, and nothing is left to do.
func TestPlan_EndsWhereTheLastStateSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(anyJourney(t))
		history(t, w)
		w.becomes(anyState(t))
		w.settle(t)
		w.requirePolicy(t)
		require.Empty(t, w.plan())

		// Looking again, or another revision that says the same, changes nothing.
		w.record.Revision++
		require.Empty(t, w.plan())
	})
}

// The order in which the same jobs run, and that in which states were seen, do not
// matter to where it ends.
func TestPlan_OrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		journey := anyJourney(t)
		final := anyState(t)
		var ends []*world
		for range 2 {
			w := newWorld(journey)
			history(t, w)
			w.becomes(final)
			w.dossier.Decisions, w.dossier.Motivation = 20, "same"
			for steps := 0; ; steps++ {
				plan := w.plan()
				if len(plan) == 0 {
					break
				}
				require.Less(t, steps, 60)
				w.carryOut(rapid.SampledFrom(plan).Draw(t, "order"), succeeds)
			}
			ends = append(ends, w)
		}
		a, b := ends[0], ends[1]
		if a.issue != nil && b.issue != nil {
			require.Equal(t, a.issue, b.issue)
		}
		if a.project && b.project && journey.Policy[final].Sandbox != onboarding.SandboxKeep {
			require.Equal(t, a.archived, b.archived)
		}
		if journey.Policy[final].Sandbox == onboarding.SandboxProvision {
			require.Equal(t, a.invited, b.invited)
		}
	})
}

// The plan is a function of the dossier and the record: not of the order in which the
// record's rows, the journey's maps or the answers came about.
func TestPlan_IsAFunction(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(anyJourney(t))
		history(t, w)
		before := maps.Clone(w.record.Resources)
		dossier := w.dossier
		plan := w.plan()
		keys := slices.Collect(maps.Keys(before))
		for range 5 {
			shuffled := map[onboarding.ResourceKey]onboarding.Resource{}
			for _, key := range rapid.Permutation(keys).Draw(t, "rows") {
				shuffled[key] = before[key]
			}
			require.Equal(t, plan, onboarding.Plan(w.journey, &w.dossier, onboarding.Record{Revision: w.record.Revision, Resources: shuffled}))
		}
		require.Equal(t, before, w.record.Resources, "the record is not changed")
		require.Equal(t, dossier, w.dossier)
	})
}

// Nothing is planned on what failed for good until DS says something new.
func TestPlan_Failures(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(anyJourney(t))
		history(t, w)
		for steps := 0; ; steps++ {
			plan := w.plan()
			if len(plan) == 0 {
				break
			}
			require.Less(t, steps, 20)
			w.check(t, plan)
			w.carryOut(plan[0], refused)
		}
		w.record.Revision++
		w.settle(t)
		w.requirePolicy(t)
	})
}

// What ended before the hub's work began leads to nothing, as long as nothing was made
// for it; otherwise that date changes nothing.
func TestPlan_EndedBefore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(anyJourney(t))
		if rapid.Bool().Draw(t, "known") {
			history(t, w)
		} else {
			w.becomes(anyState(t))
		}
		untouched := true
		for _, resource := range w.record.Resources {
			untouched = untouched && resource.IntentAt.IsZero() && resource.DoneAt.IsZero()
		}
		from := time.Unix(rapid.Int64Range(1000, 2000).Draw(t, "from"), rapid.Int64Range(0, 1e9-1).Draw(t, "fraction"))
		w.dossier.EndedAt = time.Unix(rapid.Int64Range(1000, 2000).Draw(t, "ended"), 0)
		without := w.plan()
		w.record.ImportFrom = from
		ended := w.dossier.State.Decided() || w.dossier.State == onboarding.Deleted
		if ended && untouched && w.dossier.EndedAt.Unix() < from.Unix() {
			require.Empty(t, w.plan())
			return
		}
		require.Equal(t, without, w.plan())

		w.record.ImportFrom, w.dossier.EndedAt = time.Time{}, time.Time{}
		without = w.plan()
		w.record.ImportFrom = from
		require.Equal(t, without, w.plan(), "a snapshot from before that date was read")
	})
}

func TestSort(t *testing.T) {
	t.Parallel()
	w := newWorld(example(t))
	w.becomes(onboarding.Accepte)
	w.settle(t)
	w.becomes(onboarding.Refuse)
	works := onboarding.Sort(w.plan(), 7)

	var sorted []onboarding.Action
	for _, work := range works {
		require.NotEmpty(t, work.Actions)
		for _, action := range work.Actions {
			require.Equal(t, work.Job, action.Kind.Job())
		}
		sorted = append(sorted, work.Actions...)
	}
	require.ElementsMatch(t, w.plan(), sorted)
	require.Equal(t, works, onboarding.Sort(w.plan(), 7), "the same plan has the same keys")
	for i, other := range onboarding.Sort(w.plan(), 8) {
		require.NotEqual(t, works[i].Key, other.Key, "another revision has others")
	}
	require.Equal(t, []onboarding.Job{onboarding.UpdateTrackingIssue, onboarding.ArchiveSandbox, onboarding.WriteBack}, []onboarding.Job{works[0].Job, works[1].Job, works[2].Job})
}
