package hub_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
)

func TestSameWebhookTwice(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	number := r.file("Portail des agents", demarches.WebhookTwice())
	r.act(r.DS.StartInstruction(number, demarches.WebhookTwice()))
	r.act(r.DS.Accept(number, "", demarches.WebhookTwice()))
	r.hooks = 6
	r.settled()
	want := accepted(1)
	want.Messages = len(r.messages(number)) // the receipt is sent when it was seen as filed
	r.sound(want)
	require.Equal(t, "accepted 1", r.sent(number)[want.Messages-1])
}

// However many webhooks come for one dossier, it is read a few times: once for those
// that came before the look began, and once for those that came during it.
func TestManyWebhooks(t *testing.T) {
	t.Parallel()
	for name, webhooks := range map[string]int{"ten": 10, "a hundred": 100} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.timing.CallTimeout = time.Minute // the first look lasts
			running := r.startPolled()
			number := r.file("Portail des agents", demarches.WithoutWebhook())

			// The first look lasts until all have come.
			looking, all := make(chan struct{}), make(chan struct{})
			look, came := sync.OnceFunc(func() { close(looking) }), sync.OnceFunc(func() { close(all) })
			t.Cleanup(came) // so that a failure does not hang
			remove := r.DS.Faults().Add(fault.Rule{Operation: "Dossier", Kind: fault.Status, Times: 1, Match: func(string, []byte) bool {
				look()
				<-all
				return true
			}})
			defer remove()
			require.Equal(t, http.StatusNoContent, r.hook(base(running), hookFor(number, onboarding.EnConstruction, r.updated(number))))
			r.received("a look at the dossier", looking)
			var group sync.WaitGroup
			turn := make(chan struct{}, 10) // ten at once
			for range webhooks - 1 {
				group.Go(func() {
					turn <- struct{}{}
					defer func() { <-turn }()
					if status := r.hook(base(running), hookFor(number, onboarding.EnConstruction, r.updated(number))); status != http.StatusNoContent {
						t.Errorf("HTTP %d", status)
					}
				})
			}
			group.Wait()
			came()

			r.hooks = webhooks
			r.sound(stock{Issues: 1, Notes: 1, Messages: 1})
			require.Equal(t, webhooks, count(r, "select count(*) from deliveries where source = 'demarches'"))
			require.LessOrEqual(t, r.DS.Faults().Calls()["Dossier"], 4, "looks at the dossier")
			require.Equal(t, []string{"dossier_seen"}, onlyOfDS(r.kinds(number)))
		})
	}
}

func onlyOfDS(kinds []string) []string {
	var theirs []string
	for _, kind := range kinds {
		if kind == "dossier_seen" || kind == "state_changed" || kind == "dossier_edited" {
			theirs = append(theirs, kind)
		}
	}
	return theirs
}

// A webhook that comes when the dossier was read, and before that is stored, leads to
// another look: the first may not have seen what it tells of, whatever its date says.
func TestWebhookDuringALook(t *testing.T) {
	t.Parallel()
	r := setup(t)
	running := r.startPolled()
	number := r.file("Portail des agents")
	r.settled()
	r.clock.advance(2 * time.Second) // DS's dates have whole seconds
	looks := r.DS.Faults().Calls()["Dossier"]

	// Nobody can store what is read of it until this ends.
	tx, err := r.pool.Begin(r.ctx)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(r.ctx)) }()
	_, err = tx.Exec(r.ctx, "select from dossiers where number = $1 for update", number)
	require.NoError(t, err)
	r.act(r.DS.StartInstruction(number))
	r.eventually("what was read is about to be stored", func() bool {
		return r.DS.Faults().Calls()["Dossier"] > looks &&
			count(r, "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == 1
	})
	seen := r.updated(number)
	r.quietly(r.DS.Accept(number, "", demarches.WithoutWebhook()))
	// Two changes can bear the same date.
	require.Equal(t, http.StatusNoContent, r.hook(base(running), hookFor(number, onboarding.Accepte, seen)))
	r.hooks++
	require.NoError(t, tx.Rollback(r.ctx))

	r.eventually("the acceptance is seen", func() bool {
		require.Empty(t, list(r, "select outcome from deliveries where state = 'accepte' and outcome <> 'looked'"))
		return count(r, "select count(*) from dossiers where state = 'accepte'") == 1
	})
	r.sound(accepted(1))
}

// What a webhook says of the state is not believed, so that their order is nothing.
func TestWebhooksOutOfOrder(t *testing.T) {
	t.Parallel()
	r := setup(t)
	running := r.start()
	r.DS.SetWebhookTrouble(demarches.WebhookTrouble{Reorder: 4})
	number := r.file("Portail des agents")
	r.accept(number)
	r.turnDown(number) // the fifth is held back
	r.hooks = 4
	r.sound(stock{Messages: 1})
	require.Equal(t, []string{"refused 2"}, r.sent(number))

	r.DS.SetWebhookTrouble(demarches.WebhookTrouble{})
	r.hooks = 5
	for _, state := range onboarding.States() {
		require.Equal(t, http.StatusNoContent, r.hook(base(running), hookFor(number, state, r.clock.now().Add(-time.Hour))))
		r.hooks++
	}
	r.sound(stock{Messages: 1})
}

// A webhook can come before the API shows what it tells of: the hub asks again.
func TestBehindTheWebhook(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	number := r.file("Portail des agents")
	r.settled()

	r.clock.advance(2 * time.Second) // DS's dates have whole seconds
	r.act(r.DS.StartInstruction(number, demarches.VisibleAfter(time.Hour)))
	r.eventually("DS is asked again", func() bool { return count(r, "select max(asks) from deliveries") >= 2 })
	require.Equal(t, []string{"étape::2", "état::déposé"}, r.issueOf(number).Labels)
	r.clock.advance(time.Hour)
	r.sound(stock{Issues: 1, Notes: 1, Messages: 1})
	require.Equal(t, []string{"étape::2", "état::en instruction"}, r.issueOf(number).Labels)

	unseen := r.file("Pas encore là", demarches.VisibleAfter(time.Hour))
	r.hooks++
	r.eventually("DS is asked again", func() bool {
		return count(r, "select coalesce(max(asks), 0) from deliveries where dossier = $1", unseen) >= 2
	})
	r.clock.advance(time.Hour)
	r.sound(stock{Issues: 2, Notes: 2, Messages: 2})
}

// It does not ask for ever: polling finds what comes even later.
func TestTooFarBehindTheWebhook(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.timing.AskAgain = time.Millisecond
	r.startPolled()
	number := r.file("Portail des agents")
	r.settled()
	r.clock.advance(2 * time.Second)
	r.act(r.DS.StartInstruction(number, demarches.VisibleAfter(time.Hour)))
	unseen := r.file("Pas encore là", demarches.VisibleAfter(time.Hour))
	r.hooks++
	r.settled()
	require.Equal(t, []string{"behind"}, list(r, "select outcome from deliveries where state = 'en_instruction'"))
	require.Equal(t, []string{"not_visible"}, list(r, "select outcome from deliveries where dossier = $1", unseen))

	r.clock.advance(time.Hour)
	r.poll()
	r.sound(stock{Issues: 2, Notes: 2, Messages: 2})
	require.Equal(t, []string{"étape::2", "état::en instruction"}, r.issueOf(number).Labels)
}

// A date far in the future is no reason to wait for it.
func TestWebhookFromTheFuture(t *testing.T) {
	t.Parallel()
	r := setup(t)
	running := r.start()
	number := r.file("Portail des agents", demarches.WithoutWebhook())
	require.Equal(t, http.StatusNoContent, r.hook(base(running), hookFor(number, onboarding.Accepte, time.Now().Add(24*time.Hour))))
	r.hooks++
	r.sound(stock{Issues: 1, Notes: 1, Messages: 1})
	require.Equal(t, []string{"looked"}, list(r, "select outcome from deliveries where source = 'demarches'"))
}

// A forged webhook makes the hub look, and nothing else.
func TestForgedWebhook(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.timing.AskAgain = time.Millisecond
	running := r.start()
	number := r.file("Portail des agents")
	r.settled()
	for _, form := range []map[string]string{
		{"state": "accepte"}, {"state": "supprime"}, {"state": "/close"}, {"updated_at": "hier"}, {"dossier_id": "999999"},
	} {
		hook := hookFor(number, onboarding.EnConstruction, r.updated(number))
		for name, value := range form {
			hook.Set(name, value)
		}
		require.Equal(t, http.StatusNoContent, r.hook(base(running), hook))
		r.hooks++
	}
	r.sound(stock{Issues: 1, Notes: 1, Messages: 1})
}

// Webhooks come all through start-up and shutdown. Each is refused, or stored and
// answered for: 2xx is never said in vain.
func TestWebhooksThroughRestarts(t *testing.T) {
	t.Parallel()
	r := setup(t)
	first := r.start()
	r.config.Listen = first.Addr() // from now on
	address := base(first)
	var numbers []int
	for range 4 {
		numbers = append(numbers, r.file("Portail des agents", demarches.WithoutWebhook()))
	}

	var stored, refused atomic.Int64
	enough := make(chan struct{})
	var senders sync.WaitGroup
	for _, number := range numbers {
		senders.Go(func() {
			for {
				select {
				case <-enough:
					return
				default:
				}
				if r.hook(address, hookFor(number, onboarding.EnConstruction, r.updated(number)))/100 == 2 {
					stored.Add(1)
				} else {
					refused.Add(1)
				}
			}
		})
	}
	more := func(n *atomic.Int64) {
		from := n.Load()
		r.eventually("webhooks come", func() bool { return n.Load() >= from+5 })
	}
	running := first
	for range 3 {
		more(&stored)
		require.NoError(t, running.Stop())
		more(&refused)
		running = r.start()
	}
	more(&stored)
	close(enough)
	senders.Wait()

	r.hooks = int(stored.Load())
	r.sound(stock{Issues: 4, Notes: 4, Messages: 4})
	require.Equal(t, int(stored.Load()), count(r, "select count(*) from deliveries where source = 'demarches' and settled_at is not null"))
}

// An unknown form's dossier is none of ours, even when somebody names ours with it.
func TestDossierOfAnotherForm(t *testing.T) {
	t.Parallel()
	r := setup(t)
	running := r.start(func(o *hubOptions) {
		journey := *o.Config.Journey
		journey.Demarches = append([]onboarding.Demarche{{Number: 999, Step: 1, Import: onboarding.ImportNone}}, journey.Demarches...)
		journey.Demarches[1].Number = 998
		config := *o.Config
		config.Journey = &journey
		o.Config = &config
	})
	number := r.file("Portail des agents", demarches.WithoutWebhook())
	hook := hookFor(number, onboarding.Accepte, r.clock.now())
	require.Equal(t, http.StatusUnprocessableEntity, r.hook(base(running), hook))
	hook.Set("procedure_id", "999")
	require.Equal(t, http.StatusNoContent, r.hook(base(running), hook))
	r.eventually("it is looked at", func() bool { return count(r, "select count(*) from deliveries where outcome = 'other_demarche'") == 1 })
	require.Equal(t, stock{}, r.stock())
	require.Zero(t, count(r, "select count(*) from dossiers"))
}

// A webhook that brings nothing new enqueues nothing that is done already.
func TestNothingNewEnqueuesNothing(t *testing.T) {
	t.Parallel()
	r := setup(t)
	running := r.startPolled()
	number := r.file("Portail des agents")
	r.settled()
	const done = "select count(*) from river_job where kind in ('open_tracking_issue', 'write_back')"
	before := count(r, done)
	require.Equal(t, http.StatusNoContent, r.hook(base(running), hookFor(number, onboarding.EnConstruction, r.updated(number))))
	r.hooks++
	r.settled()
	require.Equal(t, before, count(r, done))
}
