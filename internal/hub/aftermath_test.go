package hub_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/hub"
	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
)

// The wait for a late effect counts from the call: it can begin long after its intent,
// behind a slow look-up.
func TestLateEffectOfASlowBeginning(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.timing.CallTimeout, r.timing.EffectMargin = 2*time.Second, 1500*time.Millisecond
	r.start()
	r.DS.Faults().Add(fault.Rule{Operation: "Instructeurs", Kind: fault.Slow, Delay: 1900 * time.Millisecond, Times: 1})
	r.DS.Faults().Add(fault.Rule{Operation: sendMessage, Kind: fault.LateEffect, Delay: 3200 * time.Millisecond, Times: 1})
	number := r.file("Portail des agents")
	require.NoError(t, r.DS.Faults().WaitFired(r.ctx, fault.LateEffect, 1))
	r.settled()
	require.Len(t, r.messages(number), 1)
}

// What was refused for good stays visible as a failed job, though a later action of the
// same job only stumbled and was tried again.
func TestRefusalIsNotForgotten(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	number := r.file("Portail des agents")
	r.settled()
	r.GitLab.Faults().Add(fault.Rule{Operation: postInvitation, Kind: fault.Status, Status: http.StatusUnprocessableEntity, Times: 1})
	r.GitLab.Faults().Add(fault.Rule{Operation: postInvitation, Kind: fault.Status, Times: 1})
	r.accept(number)
	r.settled()
	require.Equal(t, []string{"provision_sandbox"}, list(r, "select kind::text from river_job where state = 'cancelled'"))
	require.Contains(t, r.kinds(number), "action_failed")
	require.Equal(t, 2, count(r, "select count(*) from resources where kind = 'members' and done_at is not null"), "the other levels")

	r.replayJob(count(r, "select id from river_job where state = 'cancelled'"), http.StatusAccepted)
	r.sound(accepted(1))
}

// DS lists a deletion for good under the date on which the dossier went out of sight,
// which can be weeks ago by then.
func TestDeletedForGoodLongAfter(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.startPolled()
	number := r.file("Supprimé")
	r.settled()
	r.quietly(r.DS.Delete(number))
	r.poll()
	require.Contains(t, r.kinds(number), "dossier_trashed")
	r.clock.advance(20 * 24 * time.Hour)
	r.file("Autre")
	r.settled()
	r.poll()
	r.quietly(r.DS.Purge(number))
	r.poll()
	r.settled()
	require.Contains(t, r.kinds(number), "dossier_deleted")
	require.Equal(t, "closed", r.issueOf(number).State)
}

// A read that began before a deletion was seen, and is answered after it, does not
// bring the dossier back.
func TestStaleReadAfterDeletion(t *testing.T) {
	t.Parallel()
	r := setup(t)
	running := r.startPolled()
	number := r.file("Supprimé")
	r.settled()
	// The read holds an answer of before the deletion until the poll has seen that.
	rule, read := once(fault.Rule{Operation: "Dossier", Kind: fault.Hang, Delay: 2 * time.Second})
	r.DS.Faults().Add(rule)
	r.quietly(r.DS.Edit(number, demarches.Answers{demarches.FieldProjectName: "Autre nom"}))
	require.Equal(t, http.StatusNoContent, r.hook(base(running), hookFor(number, "en_construction", r.updated(number))))
	r.received("the read", read)
	require.NoError(t, r.DS.Faults().WaitFired(r.ctx, fault.Hang, 1))
	r.quietly(r.DS.Delete(number))
	r.quietly(r.DS.Purge(number))
	r.poll()
	require.Contains(t, r.kinds(number), "dossier_deleted")
	r.settled()
	require.NotContains(t, r.kinds(number), "dossier_restored")
	require.Equal(t, "closed", r.issueOf(number).State)
}

// A database restored from a backup knows nothing of what was made since. Once it is
// told so, nothing is made twice: the marks suffice.
func TestRestoredFromBackup(t *testing.T) {
	t.Parallel()
	r := setup(t)
	first := r.start()
	number := r.file("Portail des agents")
	r.settled()
	r.accept(number)
	r.sound(accepted(1))
	require.NoError(t, first.Stop())

	backup := r.anew() // from before the dossier was filed
	backup.exec("update installation set began_at = '2020-01-01'")
	backup.exec("insert into cursors (demarche, newest, swept_at) values (12345, now() - interval '1 day', now() - interval '1 day')")
	require.NoError(t, ledger.New(backup.pool).BeginAnew(r.ctx)) // as passerelle ledger restored does
	backup.startPolled()
	backup.settled()
	require.Equal(t, accepted(1), backup.stock())
}

// A hub that ends while it looks for what a lost ledger may have made leaves an intent
// that says nothing of how old that is: the next one looks as far back.
func TestLostLedgerThenACrash(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*hub.Hub){
		"killed":  func(h *hub.Hub) { h.Kill() },
		"stopped": func(h *hub.Hub) { _ = h.Stop() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.clock.advance(-2 * time.Hour)
			first := r.start()
			number := r.file("Portail des agents")
			r.settled()
			require.NoError(t, first.Stop())
			r.clock.advance(2 * time.Hour)

			other := r.anew()
			other.config.Journey.Demarches[0].Import = onboarding.ImportAll
			other.timing.DrainTimeout = 100 * time.Millisecond
			other.GitLab.Faults().Add(fault.Rule{Operation: "GET /projects/:id/issues", Kind: fault.Hang, Times: 1})
			second := other.start()
			require.NoError(t, other.GitLab.Faults().WaitFired(other.ctx, fault.Hang, 1))
			end(second)
			other.expire()
			other.start()
			other.eventually("its issue is known", func() bool {
				return count(other, "select count(*) from resources where kind = 'issue' and done_at is not null and dossier = $1", number) == 1
			})
			require.Equal(t, 1, other.stock().Issues)
		})
	}
}
