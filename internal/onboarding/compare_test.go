package onboarding_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// When things happen in these tests: the ledger began, something was recorded, the look
// began, something was recorded meanwhile, it is now.
var (
	ledgerBegan = time.Unix(1000, 0)
	recorded    = time.Unix(2000, 0)
	lookBegan   = time.Unix(3000, 0)
	meanwhile   = time.Unix(3500, 0)
	corrected   = time.Unix(4000, 0)
)

func comparedKeys() []onboarding.ResourceKey {
	return []onboarding.ResourceKey{onboarding.GroupKey, onboarding.ProjectKey, onboarding.IssueKey, onboarding.NoteKey}
}

// anyThing is something in GitLab; a note has neither path nor address nor state.
func anyThing(t *rapid.T, kind onboarding.ResourceKind, id int64) onboarding.Thing {
	thing := onboarding.Thing{ID: id, Marked: rapid.IntRange(0, 3).Draw(t, "marked") > 0}
	if kind == onboarding.KindNote {
		return thing
	}
	thing.URL = fmt.Sprintf("https://example.org/%s/%d", kind, rapid.IntRange(1, 2).Draw(t, "url"))
	thing.Closed = kind != onboarding.KindGroup && rapid.Bool().Draw(t, "closed")
	if kind != onboarding.KindIssue {
		thing.Path = fmt.Sprintf("%s-%d", kind, rapid.IntRange(1, 2).Draw(t, "path"))
		thing.Visibility = rapid.SampledFrom([]string{"private", "public"}).Draw(t, "visibility")
		thing.Deleting = rapid.IntRange(0, 4).Draw(t, "deleting") == 0
		thing.Empty = rapid.Bool().Draw(t, "empty")
	} else {
		thing.Labels = rapid.SliceOfN(rapid.SampledFrom([]string{"à nous", "étape::2", "état::accepté"}), 0, 2).Draw(t, "labels")
	}
	return thing
}

// anyRow is what the ledger can hold of something.
func anyRow(t *rapid.T, kind onboarding.ResourceKind) (row onboarding.Resource, held bool) {
	row = onboarding.Resource{
		ExternalID: strconv.Itoa(rapid.IntRange(1, 4).Draw(t, "known")), IntentAt: recorded, DoneAt: recorded,
	}
	if kind == onboarding.KindGroup || kind == onboarding.KindProject {
		row.Path = fmt.Sprintf("%s-%d", kind, rapid.IntRange(1, 2).Draw(t, "row's path"))
	}
	if kind != onboarding.KindNote {
		row.URL = fmt.Sprintf("https://example.org/%s/%d", kind, rapid.IntRange(1, 2).Draw(t, "row's url"))
	}
	switch rapid.IntRange(0, 8).Draw(t, "row") {
	case 0, 1:
		return onboarding.Resource{}, false
	case 2:
		return onboarding.Resource{IntentAt: recorded}, true
	case 3:
		row.IntentAt = meanwhile // a call is under way
	case 4:
		row.IntentAt, row.DoneAt = meanwhile, meanwhile
	case 5:
		row.GoneAt = recorded
	case 6:
		row.IntentAt, row.DoneAt = time.Unix(500, 0), time.Unix(500, 0) // from a backup
	default: // as it should be
	}
	return row, true
}

// agreement is a world in which the ledger and GitLab may hold anything.
type agreement struct {
	*world

	sight onboarding.Sight
}

func anyAgreement(t *rapid.T) *agreement {
	a := &agreement{world: newWorld(example(t)), sight: onboarding.Sight{Begun: lookBegan, Things: map[onboarding.ResourceKind][]onboarding.Thing{}}}
	a.becomes(anyState(t))
	for _, key := range comparedKeys() {
		if row, held := anyRow(t, key.Kind); held {
			a.record.Resources[key] = row
		}
		things := []onboarding.Thing{}
		for _, id := range rapid.SliceOfNDistinct(rapid.Int64Range(1, 4), 0, 3, rapid.ID[int64]).Draw(t, "things") {
			things = append(things, anyThing(t, key.Kind, id))
		}
		a.sight.Things[key.Kind] = things
	}
	for _, key := range []onboarding.ResourceKey{onboarding.ArchiveKey, onboarding.LabelsKey} {
		if row, held := anyRow(t, key.Kind); held {
			row.GoneAt = time.Time{} // it is a property, which nobody deletes
			row.Applied = rapid.SampledFrom([]string{"", onboarding.Archived, onboarding.Active}).Draw(t, "applied")
			a.record.Resources[key] = row
		}
	}
	return a
}

func (a *agreement) compare() []onboarding.Difference {
	return onboarding.Compare(a.journey, &a.dossier, a.record, a.sight, ledgerBegan)
}

// dealWith does in GitLab and in the ledger what the differences call for.
func (a *agreement) dealWith(differences []onboarding.Difference) {
	for _, d := range differences {
		things := a.sight.Things[d.Resource.Kind]
		at := slices.IndexFunc(things, func(thing onboarding.Thing) bool { return thing.ID == d.Thing.ID })
		switch d.Remedy {
		case onboarding.ToClose, onboarding.ToArchive:
			things[at].Closed = true
		case onboarding.ToDelete:
			a.sight.Things[d.Resource.Kind] = slices.Delete(things, at, at+1)
		}
	}
	a.record = onboarding.Correct(a.record, differences, corrected)
	a.sight.Begun = corrected
}

// Once it was dealt with, what is left is for people.
func TestCompare_Converges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := anyAgreement(t)
		for range 3 { // what was being made, and then its notes, show only then
			a.dealWith(a.compare())
		}
		for _, d := range a.compare() {
			if d.Remedy == onboarding.ToRedo {
				continue // the plan writes it, see below
			}
			require.Equal(t, onboarding.ToList, d.Remedy, "%+v", d)
		}
	})
}

// What is written anew is planned, and nothing is planned on what somebody deleted.
func TestCompare_Plan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := anyAgreement(t)
		differences := a.compare()
		a.record = onboarding.Correct(a.record, differences, corrected)
		planned := map[onboarding.ResourceKey]bool{}
		for _, action := range a.plan() {
			planned[action.Resource] = true
		}
		gone := func(key onboarding.ResourceKey) bool { return a.record.Get(key).Gone() }
		for _, d := range differences {
			if d.Remedy == onboarding.ToRedo && !gone(onboarding.IssueKey) && !gone(d.Resource) {
				require.True(t, planned[d.Resource], "%+v", d)
			}
		}
		for key := range planned {
			require.False(t, gone(key), key)
			switch key.Kind {
			case onboarding.KindLabels, onboarding.KindNote:
				require.False(t, gone(onboarding.IssueKey), key)
			case onboarding.KindProject, onboarding.KindFiles, onboarding.KindMembers, onboarding.KindArchive:
				require.False(t, gone(onboarding.GroupKey) || gone(onboarding.ProjectKey), key)
			}
		}
		// Asked for, it is made again.
		a.record = onboarding.Correct(a.record, onboarding.Renewals(a.record), corrected)
		require.Empty(t, onboarding.Renewals(a.record))
		for _, key := range comparedKeys() {
			require.False(t, gone(key))
		}
	})
}

// The lowest number of ours stays. Nothing is closed that does not bear our mark, unless
// the ledger knows it; and nothing while something of the kind is being made.
func TestCompare_ClosesOnlyDuplicates(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := anyAgreement(t)
		for _, d := range a.compare() {
			row := a.record.Get(d.Resource)
			require.False(t, row.Unsure() || row.DoneAt.After(lookBegan), "it is being made: %+v", d)
			if d.Remedy != onboarding.ToClose && d.Remedy != onboarding.ToArchive && d.Remedy != onboarding.ToDelete {
				continue
			}
			require.True(t, d.Thing.Marked || strconv.FormatInt(d.Thing.ID, 10) == row.ExternalID, "%+v", d)
			require.Greater(t, d.Thing.ID, d.Keep)
			stays := slices.IndexFunc(a.sight.Things[d.Resource.Kind], func(thing onboarding.Thing) bool { return thing.ID == d.Keep && !thing.Deleting })
			require.GreaterOrEqual(t, stays, 0)
		}
	})
}

// The answer is a function of what there is, not of the order in which GitLab lists it.
func TestCompare_IsAFunction(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := anyAgreement(t)
		differences := a.compare()
		for _, key := range comparedKeys() {
			a.sight.Things[key.Kind] = rapid.Permutation(a.sight.Things[key.Kind]).Draw(t, "order")
		}
		require.Equal(t, differences, a.compare())
	})
}

// Where GitLab shows what the ledger says, they do not differ.
func TestCompare_Agrees(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(anyJourney(t))
		history(t, w)
		w.becomes(anyState(t))
		w.settle(t)
		a := &agreement{world: w, sight: onboarding.Sight{Begun: time.Unix(w.clock+1, 0), Things: map[onboarding.ResourceKind][]onboarding.Thing{}}}
		for _, key := range comparedKeys() {
			a.sight.Things[key.Kind] = []onboarding.Thing{}
			if row := w.record.Get(key); row.Done() {
				thing := onboarding.Thing{ID: 1, URL: row.URL, Marked: true, Visibility: "private"}
				if key == onboarding.ProjectKey {
					thing.Closed = w.archived
				}
				if key == onboarding.IssueKey {
					thing.Closed, thing.Labels = w.issue.Closed, w.issue.Labels
				}
				a.sight.Things[key.Kind] = append(a.sight.Things[key.Kind], thing)
			}
		}
		a.sight.Access = map[string]int{}
		for _, invitation := range w.journey.Invitations(&w.dossier) {
			a.sight.Access[invitation.Level] = len(invitation.Emails)
		}
		require.Empty(t, onboarding.Compare(a.journey, &a.dossier, a.record, a.sight, time.Unix(0, 0)))
	})
}

// What was written before a backup may have been overwritten since: it is written anew
// where it differs. Else people changed it, who are not overruled.
func TestCompare_Restored(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		began time.Time
		want  []string
	}{
		"people":      {time.Unix(0, 0), []string{"state archive list", "labels labels list", "state labels list"}},
		"restoration": {corrected, []string{"state archive follow", "labels labels redo", "state labels redo", "state note redo"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(example(t))
			w.becomes(onboarding.Accepte)
			w.settle(t)
			sight := onboarding.Sight{Begun: corrected, Things: map[onboarding.ResourceKind][]onboarding.Thing{}}
			for _, key := range comparedKeys() {
				sight.Things[key.Kind] = []onboarding.Thing{{
					ID: 1, URL: w.record.Get(key).URL, Marked: true, Visibility: "private", Closed: true, Labels: []string{"à nous"},
				}}
			}
			var found []string
			for _, d := range onboarding.Compare(w.journey, &w.dossier, w.record, sight, tt.began) {
				found = append(found, fmt.Sprintf("%s %s %s", d.Kind, d.Resource, d.Remedy))
			}
			require.Equal(t, tt.want, found)
		})
	}
}

// People are told how many have which access, and not who.
func TestCompare_Members(t *testing.T) {
	t.Parallel()
	w := newWorld(example(t))
	w.becomes(onboarding.Accepte)
	w.settle(t)
	group := onboarding.Thing{ID: 1, URL: w.record.Get(onboarding.GroupKey).URL, Marked: true, Visibility: "private"}
	sight := onboarding.Sight{
		Begun: corrected, Things: map[onboarding.ResourceKind][]onboarding.Thing{onboarding.KindGroup: {group}},
		Access: map[string]int{"developer": 2, "owner": 1, "": 3},
	}
	invited := w.journey.Invitations(&w.dossier)
	require.Len(t, invited, 1)
	differences := onboarding.Compare(w.journey, &w.dossier, w.record, sight, time.Unix(0, 0))
	require.Len(t, differences, 1)
	require.Equal(t, onboarding.DiffMembers, differences[0].Kind)
	require.Equal(t, invited[0].Level+" 1", differences[0].Ledger)
	require.Equal(t, "owner 1, developer 2", differences[0].GitLab)
}

// What is asked for is planned, however long ago the dossier ended; from when on dossiers
// are ours is not forgotten over a difference.
func TestCorrect_BeforeTheImport(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	gone := onboarding.Record{ImportFrom: began, Resources: map[onboarding.ResourceKey]onboarding.Resource{
		onboarding.IssueKey: {IntentAt: began, DoneAt: began, ExternalID: "4"},
	}}
	noted := onboarding.Correct(gone, []onboarding.Difference{{
		Kind: onboarding.DiffGone, Resource: onboarding.IssueKey, Remedy: onboarding.ToRecord,
	}}, began)
	require.Equal(t, began, noted.ImportFrom)
	journey := example(t)
	dossier := &onboarding.Dossier{Number: 1, State: onboarding.Accepte, EndedAt: began.AddDate(0, -1, 0), Decisions: 1}
	require.Empty(t, onboarding.Plan(journey, dossier, noted))
	asked := onboarding.Correct(noted, onboarding.Renewals(noted), began)
	require.NotEmpty(t, onboarding.Plan(journey, dossier, asked))
}
