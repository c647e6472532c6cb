package hub_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/stage"
)

func TestLostWebhooks(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.startPolled()
	number := r.file("Portail des agents", demarches.WithoutWebhook())
	r.poll()
	r.sound(stock{Issues: 1, Notes: 1, Messages: 1})

	r.quietly(r.DS.StartInstruction(number, demarches.WithoutWebhook()))
	r.quietly(r.DS.Accept(number, "", demarches.WithoutWebhook()))
	r.poll()
	r.sound(accepted(1))
	require.Zero(t, count(r, "select count(*) from deliveries where source = 'demarches'"))
	require.Zero(t, r.DS.Faults().Calls()["Dossier"], "a page holds all that is needed")
}

// DS dates a change before it shows it, so that one can appear behind others that a poll
// has read by then.
func TestLateCommit(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.startPolled()
	edited := r.file("Portail des agents")
	r.settled()
	r.clock.advance(time.Minute)
	r.quietly(r.DS.Edit(edited, demarches.Answers{demarches.FieldProjectName: "Portail des usagers"}, demarches.VisibleAfter(5*time.Minute)))
	filed := r.file("Un projet montré tard", demarches.WithoutWebhook(), demarches.VisibleAfter(5*time.Minute))
	r.clock.advance(time.Minute)
	r.file("Un projet montré aussitôt", demarches.WithoutWebhook())
	r.poll()
	r.sound(stock{Issues: 2, Notes: 2, Messages: 2})
	require.Empty(t, r.kinds(filed), "DS shows it already")

	r.clock.advance(5 * time.Minute)
	r.poll()
	r.sound(stock{Issues: 3, Notes: 3, Messages: 3})
	require.Contains(t, r.kinds(edited), "dossier_edited")
}

// DS sends no webhook when an applicant edits an answer.
func TestEditWithoutWebhook(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.startPolled()
	number := r.file("Portail des agents")
	r.settled()
	r.quietly(r.DS.Edit(number, demarches.Answers{demarches.FieldProjectName: "Portail des usagers"}))
	r.poll()
	r.settled()
	require.Contains(t, r.kinds(number), "dossier_edited")
	r.accept(number)
	r.sound(accepted(1))
	require.Equal(t, "embarquement/direction-du-numerique-portail-des-usagers", r.groupOf(number))
}

// All that happened while the hub was away for a week is found at its next start.
func TestWeekOfDowntime(t *testing.T) {
	t.Parallel()
	r := setup(t)
	first := r.startPolled()
	was := map[string]int{}
	for _, name := range []string{"accepté", "refusé", "repris", "modifié", "supprimé"} {
		was[name] = r.file("Projet " + name)
	}
	r.settled()
	r.accept(was["repris"])
	before := accepted(1)
	before.Issues, before.Notes, before.Messages = 5, 5, 6
	r.sound(before)
	require.NoError(t, first.Stop())
	r.SendTo("")

	day := func() { r.clock.advance(24 * time.Hour) }
	day()
	r.quietly(r.DS.StartInstruction(was["accepté"]))
	r.quietly(r.DS.StartInstruction(was["refusé"]))
	day()
	r.quietly(r.DS.Refuse(was["refusé"], motivation))
	r.quietly(r.DS.Delete(was["supprimé"]))
	day()
	r.quietly(r.DS.Accept(was["accepté"], ""))
	r.quietly(r.DS.Edit(was["modifié"], demarches.Answers{demarches.FieldServices: 12}))
	r.quietly(r.DS.Purge(was["supprimé"]))
	day()
	r.quietly(r.DS.BackToInstruction(was["repris"]))
	r.quietly(r.DS.Refuse(was["repris"], motivation))
	day()
	unseen := r.file("Projet nouveau", demarches.WithoutWebhook())
	brief := r.file("Projet éphémère", demarches.WithoutWebhook())
	r.quietly(r.DS.Delete(brief))
	day()
	r.quietly(r.DS.Purge(brief))
	day()

	r.startPolled()
	r.sound(stock{
		Groups: 2, Projects: 2, Archived: 1, Commits: 2, Invitations: 8,
		Issues: 6, Closed: 3, Notes: 6, Messages: 6 + 4,
	})
	require.Equal(t, []string{"received", "accepted 1"}, r.sent(was["accepté"]))
	require.Equal(t, []string{"received", "refused 1"}, r.sent(was["refusé"]))
	require.Equal(t, []string{"received", "accepted 1", "refused 2"}, r.sent(was["repris"]))
	require.Equal(t, []string{"received"}, r.sent(unseen))
	require.Contains(t, r.kinds(was["modifié"]), "dossier_edited")
	require.Contains(t, r.kinds(was["supprimé"]), "dossier_deleted")
	require.Empty(t, r.kinds(brief))
}

// storeOnly is a journey of one form, in which a filed dossier leads to nothing.
func (r *rig) storeOnly() {
	r.config.Journey.Policy[onboarding.EnConstruction] = onboarding.Policy{
		Issue: onboarding.IssueClose, Sandbox: onboarding.SandboxKeep, Message: onboarding.MessageNone,
	}
	r.oneForm()
	r.config.Journey.Demarches[0].Annotations = nil
}

// oneForm is a journey with the console-access form alone, where the requests that a
// poll costs are counted.
func (r *rig) oneForm() { r.config.Journey.Demarches = r.config.Journey.Demarches[:1] }

// A catch-up reads pages of a hundred, and nothing else.
func TestCatchUpByPages(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.timing.CallTimeout = time.Minute // a busy machine is no reason to ask for less
	r.storeOnly()
	require.NoError(t, r.startPolled().Stop())
	for i := range 250 {
		r.file(fmt.Sprintf("Projet %d", i), demarches.WithoutWebhook())
	}
	r.DS.Faults().ResetCalls()
	// The second page fails once: the catch-up goes on where it stood.
	r.DS.Faults().Add(fault.Rule{Operation: "Changes", Kind: fault.Status, Skip: 1, Times: 1})
	r.startPolled()
	r.sound(stock{})
	require.Equal(t, map[string]int{"Changes": 2 + 2, "Newest": 1}, calls(r.DS.Faults()))
	require.Equal(t, 250, count(r, "select count(*) from dossiers"))
	require.Equal(t, []string{"dossier_seen 250", "eligibility_assessed 250"},
		list(r, "select kind || ' ' || count(*) from ledger_entries group by kind order by kind"))

	// The next poll begins a little before the newest date seen, not at the beginning.
	r.clock.advance(time.Hour)
	r.file("Projet 250", demarches.WithoutWebhook())
	r.poll()
	r.clock.advance(time.Hour)
	r.file("Projet 251", demarches.WithoutWebhook())
	r.DS.Faults().ResetCalls()
	r.poll()
	require.Equal(t, map[string]int{"Changes": 1}, calls(r.DS.Faults()))
	require.Equal(t, 252, count(r, "select count(*) from dossiers"))
}

// A poll that finds nothing new writes nothing: not to DS, not to GitLab, not to the
// ledger. The hub's own messages, which move DS's dates, are nothing new.
func TestPollOfNothingNew(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.startPolled()
	number := r.file("Portail des agents")
	r.accept(number)
	r.file("Un autre")
	r.settled()
	stocked := r.stock()
	entries := count(r, "select count(*) from ledger_entries")
	r.GitLab.Faults().ResetCalls()
	r.DS.Faults().ResetCalls()

	r.poll()
	r.sound(stocked)
	require.Equal(t, map[string]int{"Changes": 1}, calls(r.DS.Faults()))
	require.Empty(t, calls(r.GitLab.Faults()))
	require.Equal(t, entries, count(r, "select count(*) from ledger_entries"))

	// By now the dates are known, too: not one row is written.
	rows := list(r, "select number || ' ' || xmin from dossiers order by number")
	r.poll()
	r.sound(stocked)
	require.Equal(t, rows, list(r, "select number || ' ' || xmin from dossiers order by number"))
	require.Equal(t, map[string]int{"Changes": 2}, calls(r.DS.Faults()))
}

// What was there before the hub is left alone, or taken up, as the journey says.
func TestImport(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		choice onboarding.Import
		want   stock
	}{
		"none": {onboarding.ImportNone, stock{}},
		"all":  {onboarding.ImportAll, accepted(1)},
		"from": {onboarding.Import("from " + time.Now().Add(48*time.Hour).Format(time.DateOnly)), stock{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.config.Journey.Demarches[0].Import = tt.choice
			r.clock.advance(-time.Hour)
			number := r.file("Portail des agents", demarches.WithoutWebhook())
			r.quietly(r.DS.StartInstruction(number, demarches.WithoutWebhook()))
			r.quietly(r.DS.Accept(number, "", demarches.WithoutWebhook()))
			r.startPolled()
			tt.want.Messages /= 2 // no receipt: it was never seen as filed
			r.sound(tt.want)
		})
	}
}

// A dossier that a poll reads while a webhook has it read is still dealt with once.
func TestPollAndWebhookAtOnce(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.startPolled()
	for i := range 5 {
		number := r.file(fmt.Sprintf("Projet %d", i))
		r.poll()
		r.accept(number)
		r.poll()
	}
	r.settled()
	want := accepted(5)
	want.Messages = r.stock().Messages // a receipt is sent if it was seen as filed
	r.sound(want)
}

// What ended before the hub's work began leads to nothing, whenever it is seen; what is
// decided anew is dealt with as any other.
func TestImportOfThePast(t *testing.T) {
	t.Parallel()
	for name, choice := range map[string]onboarding.Import{
		"none": onboarding.ImportNone, "from": onboarding.Import("from " + time.Now().Add(-24*time.Hour).Format(time.DateOnly)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.config.Journey.Demarches[0].Import = choice
			r.clock.advance(-72 * time.Hour)
			var old []int
			for i := range 3 {
				number := r.file(fmt.Sprintf("Ancien projet %d", i), demarches.WithoutWebhook())
				r.quietly(r.DS.StartInstruction(number, demarches.WithoutWebhook()))
				r.quietly(r.DS.Accept(number, "", demarches.WithoutWebhook()))
				old = append(old, number)
			}
			r.clock.advance(72 * time.Hour)
			running := r.startPolled()
			r.sound(stock{})

			// Somebody writes a message, or a webhook tells of it: it is seen, and that is all.
			r.quietly(r.DS.WriteMessage(old[0], "Bonjour, où en est mon projet ?"))
			require.Equal(t, http.StatusNoContent, r.hook(base(running), hookFor(old[1], onboarding.Accepte, r.updated(old[1]))))
			r.hooks++
			r.settled()
			r.poll()
			r.sound(stock{})
			require.Equal(t, []string{"dossier_seen", "eligibility_assessed", "gate_decided"}, r.kinds(old[0]))
			require.Equal(t, []string{"dossier_seen", "eligibility_assessed", "gate_decided"}, r.kinds(old[1]))

			// Gone back on, it is open again; and what was decided while nobody looked counts.
			r.clock.advance(time.Minute)
			r.act(r.DS.BackToInstruction(old[0]))
			r.settled()
			r.sound(stock{Issues: 1, Notes: 1})
			r.quietly(r.DS.BackToInstruction(old[2], demarches.WithoutWebhook()))
			r.quietly(r.DS.Accept(old[2], "", demarches.WithoutWebhook()))
			r.act(r.DS.Accept(old[0], ""))
			r.poll()
			want := accepted(2)
			want.Messages = 2
			r.sound(want)
			require.Equal(t, []string{"accepted 2"}, r.sent(old[2]))

			// The date stays the one of the first start.
			from := list(r, "select import_from::text from cursors")
			require.NoError(t, running.Stop())
			r.startPolled()
			r.quietly(r.DS.WriteMessage(old[1], "Bonjour"))
			r.poll()
			r.sound(want)
			require.Equal(t, from, list(r, "select import_from::text from cursors"))
		})
	}
}

// Our messages move the dates of what a catch-up has read, behind what it has not: it ends
// where the changes ended when it began.
func TestCatchUpDoesNotFollowItself(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.oneForm()
	r.config.Journey.Policy[onboarding.EnConstruction] = onboarding.Policy{
		Issue: onboarding.IssueClose, Sandbox: onboarding.SandboxKeep, Message: onboarding.MessageReceived,
	}
	require.NoError(t, r.startPolled().Stop())
	for i := range 120 {
		r.file(fmt.Sprintf("Projet %d", i), demarches.WithoutWebhook())
	}
	r.clock.advance(time.Minute)
	r.DS.Faults().ResetCalls()
	r.DS.Faults().Add(fault.Rule{Operation: "Changes", Kind: fault.Status, Times: 1, Match: func(string, []byte) bool {
		// The second page comes when all of the first have their message.
		return r.DS.Faults().Calls()["Changes"] == 2 && r.DS.WaitFor(r.ctx, func(v demarches.View) bool {
			sent := 0
			for _, dossier := range v.Dossiers() {
				for _, message := range v.Messages(dossier.Number) {
					if message.From == stage.Agent {
						sent++
					}
				}
			}
			return sent == 100
		}) == nil
	}})
	r.timing.CallTimeout = time.Minute
	r.startPolled()
	r.sound(stock{Messages: 120})
	require.Equal(t, 3, r.DS.Faults().Calls()["Changes"], "one of them failed")
	require.Equal(t, 120, count(r, "select count(*) from dossiers"))
}

// A catch-up that is longer than a page says where it stands, and when it is over.
func TestCatchUpTellsItsProgress(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.backlog(150)
	logged := &logs{}
	running := r.startPolled(func(o *hubOptions) { o.Logger = slog.New(slog.NewTextHandler(logged, nil)) })
	require.Equal(t, 1, strings.Count(logged.String(), `msg="catching up" demarche=12345 done=100 per_second=`))
	require.Contains(t, logged.String(), `msg="caught up" demarche=12345 done=150 per_second=`)
	metrics := r.get(base(running) + "/metrics")
	require.Contains(t, metrics, `passerelle_dossiers_polled_total{demarche="12345"} 150`)
	require.Contains(t, metrics, `passerelle_catching_up{demarche="12345"} 0`)
}

// A cursor from before that date was kept has none: what was dealt with then still is.
func TestImportBeforeTheDateWasKept(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.exec("insert into cursors (demarche, newest, swept_at) values (12345, now() - interval '1 day', now() - interval '1 day')")
	r.clock.advance(-time.Hour)
	number := r.file("Portail des agents", demarches.WithoutWebhook())
	r.quietly(r.DS.StartInstruction(number, demarches.WithoutWebhook()))
	r.quietly(r.DS.Accept(number, "", demarches.WithoutWebhook()))
	r.startPolled()
	want := accepted(1)
	want.Messages = 1
	r.sound(want)
}

// A date to come, from a service whose clock was wrong for a moment, does not hide what
// is dated before it.
func TestDateToCome(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.timing.DatesAhead = 5 * time.Minute
	r.startPolled()
	first := r.file("Portail des agents", demarches.WithoutWebhook())
	r.poll()
	r.clock.advance(72 * time.Hour)
	r.quietly(r.DS.StartInstruction(first, demarches.WithoutWebhook()))
	r.poll()
	r.clock.advance(-72 * time.Hour)
	r.file("Un autre", demarches.WithoutWebhook())
	r.poll()
	require.Equal(t, 2, count(r, "select count(*) from dossiers"))
}
