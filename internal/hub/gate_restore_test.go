package hub_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/localpg/localpgtest"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// standings is where each onboarding stands, and decided what became of each command.
const (
	standings = "select number || ' ' || state || ' ' || waiting || ' ' || standing::text from dossiers order by number"
	decided   = `select concat_ws(' ', dossier, source, id, line, verb, step, outcome, detail, argument) from commands
		where verb not in ('relabel', 'close', 'reopen') order by 1`
	answered = "select concat_ws(' ', dossier, key, external_id) from resources where kind = 'answer' and done_at is not null order by 1"
)

// decisions is a hub's life in which agents decided in GitLab.
type decisions struct {
	backup                       []byte
	go2, again, blocked, asked   int // by what was done
	refused, overridden          int
	standings, decided, answered []string
	stock                        stock
}

// decideAll lives that life: the first half of each journey, a backup, the second.
func (r *rig) decideAll() *decisions {
	r.t.Helper()
	running := r.start()
	d := &decisions{}
	d.go2, d.again, d.blocked = r.file("Go à l’étape deux"), r.file("Non, puis oui"), r.file("Bloqué")
	d.asked, d.refused, d.overridden = r.file("À corriger"), r.file("Refusé"), r.unmet("Malgré tout")
	r.settled()
	r.orders(d.go2, "/passerelle go")
	r.orders(d.again, "/passerelle go")
	r.orders(d.again, "/passerelle no-go Le MVP ne démarre pas.")
	r.answerTo(d.blocked, r.comments(d.blocked, stage.Reporter, "/passerelle go"))
	r.orders(d.blocked, "/passerelle bloquer en attente du budget\n/passerelle statut")
	r.orders(d.overridden, "/passerelle go")
	d.backup = localpgtest.Dump(r.t, r.database)

	require.NoError(r.t, r.GitLab.AddLabel(stage.TrackingProject, r.issueOf(d.go2).IID, stage.ServiceAgent, "go"))
	r.eventually("the go is carried out", func() bool { return r.step(d.go2) == 4 })
	r.settled()
	r.orders(d.go2, "/passerelle hébergement DEM-2026-042\n/passerelle go")
	r.orders(d.again, "/passerelle go Le MVP démarre.")
	r.orders(d.blocked, "/passerelle débloquer")
	r.orders(d.blocked, "/passerelle bloquer encore")
	r.orders(d.asked, "/passerelle corriger Précisez l’hébergement.")
	r.orders(d.refused, "/passerelle no-go "+motivation)
	r.orders(d.overridden, "/passerelle go La migration de l’état est planifiée.")
	r.poll()
	r.settled()
	r.track()
	r.settled()
	require.Equal(r.t, []int{5, 4, 2, 2, 2, 3}, []int{
		r.step(d.go2), r.step(d.again), r.step(d.blocked), r.step(d.asked), r.step(d.refused), r.step(d.overridden),
	})
	d.standings, d.decided, d.answered = list(r, standings), list(r, decided), list(r, answered)
	d.stock = r.stock()
	r.sound(d.stock)
	require.NoError(r.t, running.Stop())
	return d
}

// as asserts that a new ledger knows what the lost one did: where everything stands, what
// became of each command, which answer is whose; and that nobody was told anything twice.
func (r *rig) as(d *decisions) {
	r.t.Helper()
	r.settled()
	r.track()
	r.reconcile(jobs.Scope{All: true})
	r.settled()
	require.Equal(r.t, d.decided, list(r, decided))
	require.Equal(r.t, d.answered, list(r, answered))
	require.Equal(r.t, d.standings, list(r, standings))
	r.sound(d.stock)
	require.Empty(r.t, r.differences())
	require.ElementsMatch(r.t, []string{"étape::5", "état::accepté"}, r.issueOf(d.go2).Labels)
	require.Equal(r.t, []string{"production"}, r.project(r.groupOf(d.go2)+"/bac-a-sable").Topics)

	// It goes on from there.
	r.orders(d.again, "/passerelle go")
	require.Equal(r.t, 5, r.step(d.again))
	r.orders(d.blocked, "/passerelle débloquer\n/passerelle go")
	require.Equal(r.t, "accepte", r.dossierState(d.blocked))
	require.NoError(r.t, r.DS.Edit(d.asked, demarches.ConsoleAccessAnswers("À corriger")))
	r.poll()
	r.settled()
	r.orders(d.asked, "/passerelle go")
	require.Equal(r.t, "accepte", r.dossierState(d.asked))
	want := d.stock
	want.Groups, want.Projects, want.Commits, want.Invitations = want.Groups+2, want.Projects+2, want.Commits+2, want.Invitations+8
	want.Notes, want.Messages = want.Notes+6, want.Messages+3
	r.sound(want)
}

// Yesterday's backup: what was decided after it is read off the answers.
func TestGateRestore_Backup(t *testing.T) {
	t.Parallel()
	lost := setup(t)
	d := lost.decideAll()
	r := lost.on(localpgtest.Restore(t, d.backup))
	r.hooks = count(r, "select count(*) from deliveries where source = 'demarches'")
	require.NoError(t, ledger.New(r.pool).BeginAnew(r.ctx))
	r.expire()
	r.startPolled()
	r.as(d)
}

// Nothing is left of the ledger.
func TestGateRestore_Nothing(t *testing.T) {
	t.Parallel()
	lost := setup(t)
	d := lost.decideAll()
	r := lost.anew()
	r.config.Journey.Demarches[0].Import = onboarding.ImportAll
	r.startPolled()
	r.as(d)
}

// Of commands that nobody answered before the ledger was lost nothing is known: they are
// decided, once.
func TestGateRestore_Unanswered(t *testing.T) {
	t.Parallel()
	lost := setup(t)
	running := lost.start()
	number := lost.file("Portail des agents")
	lost.settled()
	require.NoError(t, running.Stop())
	lost.comments(number, stage.ServiceAgent, "/passerelle go")
	r := lost.anew()
	r.config.Journey.Demarches[0].Import = onboarding.ImportAll
	r.startPolled()
	r.eventually("it is accepted", func() bool { return r.dossierState(number) == "accepte" })
	r.sound(withAnswers(accepted(1), 1))
}
