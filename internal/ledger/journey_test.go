package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
)

// noon is a time that the tests count from.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// stand sets where a dossier stands, minutes after noon.
func (b *testBundle) stand(t require.TestingT, number int64, step int32, waiting onboarding.Party, minutes int) {
	require.NoError(t, b.SetStanding(b.ctx, SetStandingParams{
		Number: number, Step: step, Waiting: string(waiting), At: noon.Add(time.Duration(minutes) * time.Minute), Standing: []byte("{}"),
	}))
}

// spell is a period of a dossier's, in minutes after noon; until is -1 while it is open.
type spell struct {
	step         int32
	waiting      string
	since, until int
}

func (b *testBundle) spells(t require.TestingT, number int64) (spells []spell) {
	rows, err := b.pool.Query(b.ctx, "select step, waiting, since, until from spells where dossier = $1 order by since", number)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var s spell
		var since time.Time
		var until *time.Time
		require.NoError(t, rows.Scan(&s.step, &s.waiting, &since, &until))
		s.since, s.until = int(since.Sub(noon).Minutes()), -1
		if until != nil {
			s.until = int(until.Sub(noon).Minutes())
		}
		spells = append(spells, s)
	}
	require.NoError(t, rows.Err())
	return spells
}

func TestSetStanding(t *testing.T) {
	t.Parallel()

	t.Run("SetsTheDossier", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.dossier(42)
		follows, wake := int64(41), noon
		require.NoError(t, b.SetStanding(b.ctx, SetStandingParams{
			Number: 42, Step: 3, Waiting: "agents", At: noon, Standing: []byte(`{"step": 3}`), Follows: &follows, Candidate: "c", WakeAt: &wake,
		}))
		d, err := b.Dossier(b.ctx, 42)
		require.NoError(t, err)
		require.JSONEq(t, `{"step": 3}`, string(d.Standing))
		require.Equal(t, int32(3), d.Step)
		require.Equal(t, "agents", *d.Waiting)
		require.Equal(t, int64(41), *d.Follows)
		require.Equal(t, "c", d.Candidate)
		require.True(t, noon.Equal(*d.WakeAt))
	})

	t.Run("AnUnknownDossierHasNoSpell", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.stand(t, 42, 1, "agents", 0)
		require.Empty(t, b.spells(t, 42))
	})

	t.Run("SpellsFollowEachOther", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.dossier(42)
		b.stand(t, 42, 1, "agents", 0)
		b.stand(t, 42, 1, "agents", 10) // nothing changed
		b.stand(t, 42, 1, "applicant", 20)
		b.stand(t, 42, 2, "applicant", 30)
		require.Equal(t, []spell{{1, "agents", 0, 20}, {1, "applicant", 20, 30}, {2, "applicant", 30, -1}}, b.spells(t, 42))
	})

	t.Run("ASpellOfNoLengthIsNone", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.dossier(42)
		b.stand(t, 42, 1, "agents", 0)
		b.stand(t, 42, 1, "hub", 20)
		b.stand(t, 42, 2, "agents", 20)
		require.Equal(t, []spell{{1, "agents", 0, 20}, {2, "agents", 20, -1}}, b.spells(t, 42), "another takes its place")
		b.stand(t, 42, 2, "hub", 30)
		b.stand(t, 42, 2, "agents", 30)
		require.Equal(t, []spell{{1, "agents", 0, 20}, {2, "agents", 20, -1}}, b.spells(t, 42), "the one before it goes on")
		b.stand(t, 42, 2, "hub", 10)
		require.Equal(t, []spell{{1, "agents", 0, 20}, {2, "hub", 20, -1}}, b.spells(t, 42), "time does not run backwards")
	})
}

// Whatever happens to a dossier, its spells cover the time since the first without gaps
// or overlaps, no two that touch are alike, and the last one, which is open, is where it
// stands.
func TestSetStanding_SpellsCoverTheTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number := int64(0)
	rapid.Check(t, func(t *rapid.T) {
		number++
		_, err := b.InsertDossier(b.ctx, InsertDossierParams{Number: number, Snapshot: []byte("{}"), FiledAt: noon, UpdatedAt: noon, FetchStartedAt: noon})
		require.NoError(t, err)
		steps, parties := rapid.Int32Range(1, 2), rapid.SampledFrom([]onboarding.Party{"agents", "applicant"})
		elapsed := rapid.IntRange(-1, 2)
		at, latest := 0, 0
		var step int32
		var waiting onboarding.Party
		for range rapid.IntRange(1, 12).Draw(t, "changes") {
			step, waiting = steps.Draw(t, "step"), parties.Draw(t, "waiting")
			b.stand(t, number, step, waiting, at)
			latest = max(latest, at)
			at = max(0, at+elapsed.Draw(t, "elapsed"))
		}
		spells := b.spells(t, number)
		require.NotEmpty(t, spells)
		require.Zero(t, spells[0].since)
		for i := 1; i < len(spells); i++ {
			before, s := spells[i-1], spells[i]
			require.Equal(t, before.until, s.since, "contiguous: %v", spells)
			require.Less(t, before.since, before.until, "each lasts: %v", spells)
			require.NotEqual(t, spell{step: before.step, waiting: before.waiting}, spell{step: s.step, waiting: s.waiting}, "%v", spells)
		}
		last := spells[len(spells)-1]
		require.Equal(t, spell{step, string(waiting), last.since, -1}, last)
		require.LessOrEqual(t, last.since, latest)
	})
}

func TestWake(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for number := range int64(4) {
		b.dossier(number + 1)
	}
	wake := func(number int64, at *time.Time) {
		require.NoError(t, b.SetWake(b.ctx, SetWakeParams{Number: number, WakeAt: at}))
	}
	awake := func(count int32) []int64 {
		numbers, err := b.Awake(b.ctx, AwakeParams{Now: noon, Count: count})
		require.NoError(t, err)
		return numbers
	}
	before, earlier, after := noon.Add(-time.Minute), noon.Add(-time.Hour), noon.Add(time.Minute)
	wake(1, &noon)
	wake(2, &after)
	wake(3, &before)
	wake(4, &earlier)
	require.Equal(t, []int64{4, 3, 1}, awake(10), "the oldest first")
	require.Equal(t, []int64{4, 3}, awake(2))
	wake(4, nil)
	wake(3, &after)
	require.Equal(t, []int64{1}, awake(10))
}

func TestCommands(t *testing.T) {
	t.Parallel()
	b := setup(t)
	early := onboarding.Command{
		Source: onboarding.FromNote, ID: 12, Line: 1, Verb: onboarding.VerbGo, Argument: "fine", At: noon, Author: 3, Step: 2,
		Outcome: onboarding.RefusedUnmet, Detail: "a b",
	}
	late := onboarding.Command{Source: onboarding.FromLabel, ID: 5, Verb: onboarding.VerbBlock, At: noon.Add(time.Minute), Outcome: onboarding.Done}
	insert := func(dossier int64, c onboarding.Command) int64 {
		n, err := b.InsertCommand(b.ctx, NewInsertCommand(dossier, &c))
		require.NoError(t, err)
		return n
	}
	require.Equal(t, int64(1), insert(42, late))
	require.Equal(t, int64(1), insert(42, early))
	require.Equal(t, int64(1), insert(43, late), "of another dossier")
	again := early
	again.Outcome = onboarding.Done
	require.Zero(t, insert(42, again), "carried out once")

	rows, err := b.Commands(b.ctx, []int64{42, 43, 44})
	require.NoError(t, err)
	for i := range rows {
		require.WithinDuration(t, time.Now(), rows[i].CarriedOutAt, time.Hour)
	}
	commands := CommandsOf(rows)
	require.Len(t, commands, 2)
	for _, of := range commands {
		for i := range of {
			of[i].At = of[i].At.UTC()
		}
	}
	require.Equal(t, []onboarding.Command{early, late}, commands[42], "by when they were given")
	require.Equal(t, []onboarding.Command{late}, commands[43])
}

func TestGates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gate := RecordGateParams{Dossier: 42, Step: 2, Decision: "go", At: noon, ByDs: true}
	require.NoError(t, b.RecordGate(b.ctx, gate))
	gate.Reason = "twice"
	require.NoError(t, b.RecordGate(b.ctx, gate))
	gate.Decision, gate.Overrides = "no_go", []string{"x"}
	require.NoError(t, b.RecordGate(b.ctx, gate))
	gate.Decision = "maybe"
	require.Error(t, b.RecordGate(b.ctx, gate))
	var gates, overridden int
	require.NoError(t, b.pool.QueryRow(b.ctx, "select count(*), count(*) filter (where cardinality(overrides) > 0) from gates").Scan(&gates, &overridden))
	require.Equal(t, []int{2, 1}, []int{gates, overridden})
}

func TestLinks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	// Two forms, 7 and 8, and dossiers of one applicant and project, filed in the order of
	// their numbers.
	for number := range int64(7) {
		b.dossier(number + 1)
		b.exec("update dossiers set candidate = 'c', filed_at = $2, demarche = 7 where number = $1", number+1, noon.Add(time.Duration(number)*time.Hour))
	}
	b.exec("update dossiers set demarche = 8 where number in (5, 6)")
	b.exec("update dossiers set follows = 2, state = 'en_instruction' where number = 6")
	b.exec("update dossiers set deleted_at = now() where number = 3")
	b.exec("update dossiers set candidate = '' where number = 7")
	b.exec("update dossiers set filed_at = $1 where number = 4", noon.Add(-time.Hour))
	for number, url := range map[int64]string{2: "https://gitlab/2", 6: "https://gitlab/6"} {
		b.exec("insert into resources (dossier, system, kind, key, url) values ($1, 'gitlab', 'issue', '', $2), ($1, 'gitlab', 'note', '', 'no')", number, url)
	}
	b.dossier(9) // of form 7, with no candidate, like 7
	rows, err := b.Links(b.ctx, []int64{1, 2, 5, 6, 7, 9})
	require.NoError(t, err)
	links := LinksOf(rows)
	require.Equal(t, map[int64]onboarding.Links{
		2: {FollowedBy: []onboarding.Link{{Number: 6, State: onboarding.EnInstruction, IssueURL: "https://gitlab/6"}}},
		5: {Candidates: []int64{1, 2, 4}},
		6: {Follows: &onboarding.Link{Number: 2, State: onboarding.Accepte, IssueURL: "https://gitlab/2"}},
	}, links)

	b.exec("update resources set gone_at = now() where dossier = 2")
	rows, err = b.Links(b.ctx, []int64{6})
	require.NoError(t, err)
	require.Empty(t, LinksOf(rows)[6].Follows.IssueURL, "it is gone")

	rows, err = b.Links(b.ctx, []int64{4})
	require.NoError(t, err)
	require.Empty(t, rows, "5 and 6 came later")

	numbers, err := b.Earlier(b.ctx, EarlierParams{Numbers: []int64{1, 3, 5, 99}, Demarches: []int64{7}})
	require.NoError(t, err)
	require.Equal(t, []int64{1}, numbers, "3 is deleted, 5 of another form")
}

func TestTracking(t *testing.T) {
	t.Parallel()
	b := setup(t)
	begun, err := b.Tracking(b.ctx)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), begun, time.Hour, "what is older than the installation was not read")
	later := begun.Add(time.Minute)
	require.NoError(t, b.AdvanceTracking(b.ctx, later))
	require.NoError(t, b.AdvanceTracking(b.ctx, begun))
	newest, err := b.Tracking(b.ctx)
	require.NoError(t, err)
	require.True(t, later.Equal(newest), "never backwards")

	b.exec(`insert into resources (dossier, system, kind, key, external_id, done_at, gone_at) values
		(1, 'gitlab', 'issue', '', '11', now(), null), (2, 'gitlab', 'issue', '', '12', now(), null),
		(3, 'gitlab', 'issue', '', '12', now(), now()), (4, 'gitlab', 'issue', '', '', null, null), (5, 'gitlab', 'project', '', '11', now(), null)`)
	dossier, err := b.TrackedBy(b.ctx, "12")
	require.NoError(t, err)
	require.Equal(t, int64(2), dossier)
}
