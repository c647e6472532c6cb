package hub_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// compare has the hub compare all dossiers now, and waits until that is done and what
// differs is looked at.
func (r *rig) compare() {
	r.t.Helper()
	client, err := jobs.NewClient(jobs.Options{Pool: r.pool, InsertOnly: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(r.t, err)
	inserted, err := client.Insert(r.ctx, jobs.CompareDossiers{Demarche: stage.Form}, nil)
	require.NoError(r.t, err)
	require.False(r.t, inserted.UniqueSkippedAsDuplicate)
	r.settled()
}

// A change that DS commits late, behind where polls begin, is found by comparing; what
// is equal is not read again, and our own messages are no difference.
func TestComparison(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.startPolled()
	number := r.file("Portail des agents")
	r.accept(number)
	equal := r.file("Un autre")
	r.settled()
	r.poll()                         // our messages move the dates
	r.clock.advance(2 * time.Second) // they have whole seconds
	require.NoError(t, r.DS.Edit(equal, demarches.Answers{demarches.FieldServices: 12}, demarches.VisibleAfter(time.Hour)))
	unseen := r.file("Jamais vu", demarches.WithoutWebhook(), demarches.VisibleAfter(time.Hour))
	r.clock.advance(30 * time.Minute)
	r.file("Plus récent", demarches.WithoutWebhook())
	r.poll()
	r.clock.advance(31 * time.Minute)
	r.poll()
	r.settled()
	require.NotContains(t, r.kinds(equal), "dossier_edited", "it slipped through")
	require.Empty(t, r.kinds(unseen))

	r.DS.Faults().ResetCalls()
	r.compare()
	require.Equal(t, 1, r.DS.Faults().Calls()["Headings"])
	require.Equal(t, 2, r.DS.Faults().Calls()["Dossier"])
	require.Contains(t, r.kinds(equal), "dossier_edited")
	require.Contains(t, r.kinds(unseen), "dossier_seen")

	r.poll() // a message went to the one that was not seen
	r.DS.Faults().ResetCalls()
	r.compare()
	require.Equal(t, map[string]int{"Headings": 1}, calls(r.DS.Faults()))
	require.Zero(t, count(r, "select count(*) from listed_dossiers"))
}

// It is due once a day, whoever polls, however often hubs start.
func TestComparisonIsDaily(t *testing.T) {
	t.Parallel()
	r := setup(t)
	compared := func() int {
		return count(r, "select count(*) from river_job where kind = 'compare_dossiers'")
	}
	for range 2 {
		require.NoError(t, r.startPolled().Stop())
	}
	r.start()
	r.startPolled()
	r.poll()
	require.Zero(t, compared())

	r.exec("update cursors set compared_at = compared_at - interval '23 hours'")
	r.poll()
	require.Zero(t, compared())
	r.exec("update cursors set compared_at = compared_at - interval '2 hours'")
	r.poll()
	r.settled()
	require.Equal(t, 1, compared())
	r.poll()
	r.settled()
	require.Equal(t, 1, compared())
	require.Equal(t, map[string]int{"Headings": 1}, func() map[string]int {
		all := calls(r.DS.Faults())
		delete(all, "Changes")
		return all
	}())
}

// It goes on at the page where it stood.
func TestComparisonByPages(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.backlog(250)
	r.startPolled()
	r.clock.advance(time.Hour)
	r.file("Plus récent", demarches.WithoutWebhook())
	r.poll()
	r.DS.Faults().ResetCalls()
	r.DS.Faults().Add(fault.Rule{Operation: "Headings", Kind: fault.Status, Skip: 1, Times: 1})
	r.compare()
	require.Equal(t, map[string]int{"Headings": 3 + 1}, calls(r.DS.Faults()))

	// What the ledger lost of it is found again.
	r.exec("delete from dossiers where number in (select number from dossiers order by number limit 2)")
	r.exec("update dossiers set state = 'en_instruction' where number = (select min(number) from dossiers)")
	r.DS.Faults().ResetCalls()
	r.compare()
	require.Equal(t, map[string]int{"Headings": 3, "Dossier": 3}, calls(r.DS.Faults()))
}

// What the token may not see any more leaves no pile of failed jobs.
func TestComparisonOfWhatIsHidden(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.startPolled()
	number := r.file("Portail des agents")
	r.settled()
	r.poll()
	r.quietly(r.DS.Expire(number))
	r.DS.Spoil(demarches.Spoil{Operation: "Dossier", Code: "unauthorized", Times: 1})
	r.compare()
	r.sound(stock{Issues: 1, Notes: 1, Messages: 1})
	r.DS.Faults().ResetCalls()
	r.compare()
	require.Equal(t, map[string]int{"Headings": 1, "Dossier": 1}, calls(r.DS.Faults()))
}

// What is older than the import, and was never seen, is not taken up by comparing.
func TestComparisonRespectsImport(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		choice onboarding.Import
		reads  int
	}{
		"none": {onboarding.ImportNone, 0},
		"from": {onboarding.Import("from " + time.Now().Add(-24*time.Hour).Format(time.DateOnly)), 1},
		"all":  {onboarding.ImportAll, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.storeOnly()
			r.config.Journey.Demarches[0].Import = tt.choice
			r.clock.advance(-72 * time.Hour)
			r.file("Ancien", demarches.WithoutWebhook())
			r.clock.advance(48 * time.Hour)
			r.clock.advance(23 * time.Hour)
			r.file("Récent", demarches.WithoutWebhook())
			r.clock.advance(time.Hour)
			r.startPolled()
			r.clock.advance(time.Hour)
			r.file("Nouveau", demarches.WithoutWebhook())
			r.poll()
			r.exec("delete from dossiers") // as if polling had missed them
			r.DS.Faults().ResetCalls()
			r.compare()
			require.Equal(t, tt.reads, r.DS.Faults().Calls()["Dossier"])
		})
	}
}

// A dossier that expires is in no list for weeks: that it is not listed changes nothing,
// and costs a read a day. When it is deleted for good, dated back, that is seen.
func TestExpiry(t *testing.T) {
	t.Parallel()
	for _, later := range []string{"restored", "purged"} {
		t.Run(later, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.startPolled()
			number := r.file("Portail des agents")
			r.settled()
			r.poll()
			r.quietly(r.DS.Expire(number))
			r.poll()
			kinds := r.kinds(number)
			for range 3 {
				r.DS.Faults().ResetCalls()
				r.compare()
				require.Equal(t, map[string]int{"Headings": 1, "Dossier": 1}, calls(r.DS.Faults()))
			}
			require.Equal(t, kinds, r.kinds(number))
			require.Equal(t, "opened", r.issueOf(number).State)

			// Three weeks of polling pass.
			r.exec("update cursors set swept_at = swept_at + interval '21 days', compared_at = compared_at + interval '21 days'")
			if later == "restored" {
				r.quietly(r.DS.Restore(number))
				r.poll()
				r.sound(stock{Issues: 1, Notes: 1, Messages: 1})
				require.Equal(t, kinds, r.kinds(number))
				require.Zero(t, count(r, "select count(*) from dossiers where missing_since is not null"))
				r.accept(number)
				r.sound(accepted(1))
				return
			}
			r.quietly(r.DS.Purge(number))
			r.poll()
			r.sound(stock{Issues: 1, Closed: 1, Notes: 1, Messages: 1})
			require.Contains(t, r.kinds(number), "dossier_deleted")
			r.DS.Faults().ResetCalls()
			r.compare()
			require.Equal(t, map[string]int{"Headings": 1}, calls(r.DS.Faults()))
		})
	}
}

// Out of sight and back, decided before and after, with and without webhooks, while the
// hub is there and while it is not: it ends where the last state says.
func TestOutOfSight(t *testing.T) {
	t.Parallel()
	type act = func(*demarches.Server, int) error
	var (
		trash   = func(ds *demarches.Server, n int) error { return ds.Delete(n) }
		restore = func(ds *demarches.Server, n int) error { return ds.Restore(n) }
		purge   = func(ds *demarches.Server, n int) error { return ds.Purge(n) }
		expire  = func(ds *demarches.Server, n int) error { return ds.Expire(n) }
		begin   = func(ds *demarches.Server, n int) error { return ds.StartInstruction(n) }
		accept  = func(ds *demarches.Server, n int) error { return ds.Accept(n, "") }
		reopen  = func(ds *demarches.Server, n int) error { return ds.BackToInstruction(n) }
		refuse  = func(ds *demarches.Server, n int) error { return ds.Refuse(n, motivation) }
	)
	filed := stock{Issues: 1, Notes: 1, Messages: 1}
	closed := stock{Issues: 1, Closed: 1, Notes: 1, Messages: 1}
	acceptedAndClosed := accepted(1)
	acceptedAndClosed.Closed = 1
	for name, tt := range map[string]struct {
		before []act
		acts   []act
		want   stock
		// away is what there is when the hub saw nothing of what came and went.
		away *stock
	}{
		"trashed, restored":           {acts: []act{trash, restore}, want: filed},
		"trashed, purged":             {acts: []act{trash, purge}, want: closed},
		"expired, restored":           {acts: []act{expire, restore}, want: filed},
		"expired, purged":             {acts: []act{expire, purge}, want: closed},
		"trashed, restored, accepted": {acts: []act{trash, restore, begin, accept}, want: accepted(1)},
		"expired, restored, accepted": {acts: []act{expire, restore, begin, accept}, want: accepted(1)},
		"accepted, trashed, restored": {before: []act{begin, accept}, acts: []act{trash, restore}, want: accepted(1)},
		"accepted, trashed, purged":   {before: []act{begin, accept}, acts: []act{trash, purge}, want: acceptedAndClosed},
		"accepted, expired, purged":   {before: []act{begin, accept}, acts: []act{expire, purge}, want: acceptedAndClosed},
		"accepted, restored, refused": {before: []act{begin, accept}, acts: []act{trash, restore, reopen, refuse}, want: stock{Groups: 1, Projects: 1, Archived: 1, Commits: 1, Invitations: 4, Issues: 1, Closed: 1, Notes: 1, Messages: 3}},
		"refused, restored, accepted": {before: []act{begin, refuse}, acts: []act{expire, restore, reopen, accept}, want: stock{Groups: 1, Projects: 1, Commits: 1, Invitations: 4, Issues: 1, Notes: 1, Messages: 3}},
		"refused, accepted, purged": {
			before: []act{begin, refuse, trash}, acts: []act{restore, reopen, accept, trash, purge}, want: stock{Groups: 1, Projects: 1, Commits: 1, Invitations: 4, Issues: 1, Closed: 1, Notes: 1, Messages: 3},
			away: &stock{Issues: 1, Closed: 1, Notes: 1, Messages: 2},
		},
	} {
		for _, how := range []string{"polled", "told", "away"} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				r := setup(t)
				r.timing.AskAgain = time.Millisecond
				running := r.startPolled()
				number := r.file("Portail des agents")
				r.settled()
				look := func() {
					r.poll()
					r.settled()
					r.compare()
				}
				do := func(acts []act, how string) {
					for _, act := range acts {
						r.clock.advance(time.Hour)
						before := r.state(number)
						require.NoError(t, act(r.DS, number))
						switch after := r.state(number); {
						case how == "away":
							continue
						case after != before:
							r.hooks++
						case how == "told":
							r.hook(r.address, hookFor(number, onboarding.State(after), r.updated(number)))
							r.hooks++
						}
						r.settled()
						if how == "polled" {
							look()
						}
					}
				}
				do(tt.before, "told")
				if how == "away" {
					require.NoError(t, running.Stop())
					r.SendTo("")
				}
				do(tt.acts, how)
				if how == "away" {
					r.startPolled()
				}
				look()
				look()
				want := tt.want
				if how == "away" && tt.away != nil {
					want = *tt.away
				}
				r.sound(want)
				if view, _ := r.DS.Dossier(number); view.Presence == demarches.Purged {
					require.Equal(t, "supprime", list(r, "select state from dossiers")[0])
					require.Contains(t, r.kinds(number), "dossier_deleted")
				}
			})
		}
	}
}

func (r *rig) state(number int) demarches.State {
	view, _ := r.DS.Dossier(number)
	return view.State
}
