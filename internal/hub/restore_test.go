package hub_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/ledger"
	"github.com/cloud-pi-native/passerelle/internal/localpg/localpgtest"
	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/stage"
	"github.com/cloud-pi-native/passerelle/jobs"
)

// holdings is what a ledger holds of dossiers and of what exists because of them. The
// commit of the hello world is not among it: it bears no mark.
const holdings = `select concat_ws(' ', dossier, kind, key, applied, done_at is not null, gone_at is not null,
		case when kind <> 'files' then external_id || ' ' || url || ' ' || path end)
	from resources where intent_at is not null or done_at is not null
	union all select concat_ws(' ', number, state, step, fingerprint, deleted_at is null) from dossiers order by 1`

// past is a hub's life of which a backup was taken in the middle.
type past struct {
	backup []byte
	// accepted and refused are the dossiers by where they stand at the end.
	accepted, refused []int
	// reinstated was refused after the backup, and accepted again when no hub saw it.
	reinstated int
	holdings   []string
	stock      stock
}

// live lives that life: a backup with calls under way, then acceptances, refusals, an
// archived sandbox, a renamed group, new dossiers; then the database is lost.
func (r *rig) live() *past {
	r.t.Helper()
	r.timing.CallTimeout = 20 * time.Second
	running := r.start()
	filed, sandbox, turned := r.file("Déposé"), r.file("Bac à sable"), r.file("Archivé ensuite")
	reinstated, renamed, underWay := r.file("Repris"), r.file("Renommé"), r.file("En cours")
	r.settled()
	for _, number := range []int{sandbox, turned, reinstated, renamed} {
		r.accept(number)
	}
	r.settled()

	// One call has had its effect, another has not, and neither was answered.
	r.GitLab.Faults().Add(fault.Rule{Operation: postGroup, Kind: fault.Hang, Delay: 3 * time.Second, Times: 1})
	r.GitLab.Faults().Add(fault.Rule{Operation: postIssue, Kind: fault.Slow, Delay: 3 * time.Second, Times: 1})
	r.DS.Faults().Add(fault.Rule{Operation: sendMessage, Kind: fault.Hang, Delay: 3 * time.Second, Times: 1})
	asked := r.file("Demandé")
	require.NoError(r.t, r.GitLab.Faults().WaitFired(r.ctx, fault.Slow, 1))
	require.NoError(r.t, r.DS.Faults().WaitFired(r.ctx, fault.Hang, 1))
	r.accept(underWay)
	require.NoError(r.t, r.GitLab.Faults().WaitFired(r.ctx, fault.Hang, 1))
	p := &past{backup: localpgtest.Dump(r.t, r.database), reinstated: reinstated}

	r.settled()
	r.accept(filed)
	r.turnDown(turned)
	r.turnDown(reinstated)
	late, dismissed := r.file("Après la sauvegarde"), r.file("Refusé après la sauvegarde")
	r.settled()
	r.accept(late)
	r.refuse(dismissed)
	r.settled()
	r.quietly(r.GitLab.MoveProject(r.groupOf(renamed)+"/bac-a-sable", stage.User, "essais"))
	r.quietly(r.GitLab.MoveGroup(r.groupOf(renamed), stage.User, "sous-un-autre-nom"))
	r.verify()
	require.Empty(r.t, r.differences())
	p.accepted, p.refused = []int{filed, sandbox, renamed, underWay, late, asked}, []int{turned, dismissed}
	p.stock = stock{Groups: 7, Projects: 7, Archived: 2, Commits: 7, Invitations: 28, Issues: 9, Closed: 3, Notes: 8, Messages: 19}
	r.accept(asked)
	p.stock.Groups, p.stock.Projects, p.stock.Commits, p.stock.Invitations = 8, 8, 8, 32
	p.stock.Notes, p.stock.Messages = 9, 20
	r.sound(p.stock)
	p.holdings = list(r, holdings)
	require.NoError(r.t, running.Stop())
	return p
}

// restore is a new database with the backup in it.
func (r *rig) restore(p *past) *rig {
	r.t.Helper()
	other := r.on(localpgtest.Restore(r.t, p.backup))
	other.hooks = count(other, "select count(*) from deliveries where source = 'demarches'")
	return other
}

// regained asserts that a new ledger holds what the lost one did, and that there is
// still one of each; and that it goes on from there.
func (r *rig) regained(p *past) {
	r.t.Helper()
	r.settled()
	r.reconcile(jobs.Scope{All: true})
	r.sound(p.stock)
	require.Equal(r.t, p.holdings, list(r, holdings))
	require.Empty(r.t, r.differences())

	// What the lost hub did meanwhile is known again: so this goes on from there.
	r.act(r.DS.BackToInstruction(p.reinstated))
	r.act(r.DS.Accept(p.reinstated, ""))
	p.stock.Archived, p.stock.Closed, p.stock.Messages = p.stock.Archived-1, p.stock.Closed-1, p.stock.Messages+1
	r.sound(p.stock)
	for _, number := range p.accepted {
		r.turnDown(number)
	}
	p.stock.Archived += len(p.accepted)
	p.stock.Closed += len(p.accepted)
	p.stock.Messages += len(p.accepted)
	r.sound(p.stock)
	for _, number := range p.refused {
		r.act(r.DS.BackToInstruction(number))
		r.act(r.DS.Accept(number, ""))
	}
	r.settled()
	p.stock.Archived--                           // one had a sandbox
	p.stock.Groups, p.stock.Projects = 9, 9      // the other gets its own
	p.stock.Commits, p.stock.Invitations = 9, 36 //
	p.stock.Closed -= len(p.refused)             //
	p.stock.Messages += len(p.refused)           //
	p.stock.Notes = len(p.accepted) + len(p.refused) + 1
	r.sound(p.stock)
	require.Empty(r.t, r.differences())
}

// Yesterday's backup, restored for good, and brought up to date from DS and GitLab.
func TestRestore_Backup(t *testing.T) {
	t.Parallel()
	lost := setup(t)
	p := lost.live()
	r := lost.restore(p)
	require.NotEmpty(t, list(r, openIntents), "calls were under way")
	require.NoError(t, ledger.New(r.pool).BeginAnew(r.ctx)) // as passerelle ledger restored does
	r.expire()
	r.startPolled()
	r.regained(p)
}

// A wholly lost database: everything is taken up anew, and found by its mark.
func TestRestore_Nothing(t *testing.T) {
	t.Parallel()
	lost := setup(t)
	p := lost.live()
	r := lost.anew()
	r.config.Journey.Demarches[0].Import = onboarding.ImportAll
	// Who was invited into a sandbox that is archived shows once it is taken up again.
	p.holdings = slices.DeleteFunc(p.holdings, func(row string) bool {
		return strings.HasPrefix(row, "1003 members ") || strings.HasPrefix(row, "1004 members ")
	})
	r.startPolled()
	r.regained(p)
}

// What was archived by the lost hub, and is wanted again since nobody saw it, is taken
// up again.
func TestRestore_ReinstatedUnseen(t *testing.T) {
	t.Parallel()
	lost := setup(t)
	p := lost.live()
	r := lost.restore(p)
	r.quietly(r.DS.BackToInstruction(p.reinstated))
	r.quietly(r.DS.Accept(p.reinstated, ""))
	require.NoError(t, ledger.New(r.pool).BeginAnew(r.ctx))
	r.expire()
	r.startPolled()
	r.settled()
	require.True(t, r.project(r.groupOf(p.reinstated)+"/bac-a-sable").Archived, "the backup says that it is not")
	r.verify()
	require.False(t, r.project(r.groupOf(p.reinstated)+"/bac-a-sable").Archived)
	require.Equal(t, "opened", r.issueOf(p.reinstated).State)
	p.stock.Archived, p.stock.Closed, p.stock.Messages = p.stock.Archived-1, p.stock.Closed-1, p.stock.Messages+1
	r.sound(p.stock)
	r.reconcile(jobs.Scope{All: true}) // the messages of rounds that are over
	require.Empty(t, r.differences())
}
