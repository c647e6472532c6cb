package hub_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/hub"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
)

// Two hubs on one database do the work of one: webhooks go to either.
func TestTwoHubs(t *testing.T) {
	t.Parallel()
	r := setup(t)
	hubs := []*hub.Hub{r.start(), r.start()}
	var numbers []int
	for i := range 6 {
		r.SendTo(base(hubs[i%2]))
		numbers = append(numbers, r.file(fmt.Sprintf("Projet %d", i)))
	}
	r.sound(stock{Issues: 6, Notes: 6, Messages: 6})
	for i, number := range numbers {
		// Each of the two gets one of the two webhooks, at about the same time.
		r.SendTo(base(hubs[i%2]))
		r.act(r.DS.StartInstruction(number))
		r.SendTo(base(hubs[(i+1)%2]))
		r.act(r.DS.Accept(number, ""))
	}
	r.sound(accepted(6))
	for _, number := range numbers {
		require.Equal(t, []string{"received", "accepted 1"}, r.sent(number))
	}
	// River elects the replica that enqueues periodic jobs in its own time.
	r.eventually("the poll at start", func() bool { return r.polls() > 0 })
	require.Equal(t, []string{"12345 1", "12346 1"},
		list(r, "select concat_ws(' ', args->>'demarche', count(*)) from river_job where kind = 'poll_demarche' group by args->>'demarche' order by 1"), "once across replicas")
}

// While one hub acts for a dossier, no other does.
func TestOneHandPerDossier(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.timing.CallTimeout = time.Minute
	r.start()
	r.start()
	const dossiers = 4
	var numbers []int
	for i := range dossiers {
		numbers = append(numbers, r.file(fmt.Sprintf("Projet %d", i)))
	}
	r.settled()
	// GitLab answers nobody until it is told to.
	struck, answer := make(chan struct{}, dossiers), make(chan struct{})
	release := sync.OnceFunc(func() { close(answer) })
	t.Cleanup(release) // so that a failure does not hang
	r.lose(postGroup, fault.Rule{Kind: fault.Status, Match: func(string, []byte) bool {
		struck <- struct{}{}
		<-answer
		return false
	}})
	for _, number := range numbers {
		r.accept(number)
	}
	r.received("a group is being made", struck)
	r.eventually("the others are, too", func() bool {
		return count(r, "select count(*) from resources where kind = 'group' and intent_at is not null") == dossiers
	})
	sent := r.DS.Faults().Calls()[sendMessage]
	for _, number := range numbers {
		r.turnDown(number)
	}
	r.eventually("all that follows from it was tried", func() bool {
		require.Equal(t, sent, r.DS.Faults().Calls()[sendMessage], "messages, while a hub is acting for each dossier")
		return count(r, "select count(*) from river_job where kind = 'write_back' and state in ('available', 'scheduled') and (metadata->>'snoozes')::int > 0") == dossiers
	})
	release()
	r.sound(stock{Groups: 4, Issues: 4, Closed: 4, Notes: 4, Messages: 8})
}

// One hub is killed while it makes sandboxes; another takes them over, and a third
// comes in the place of the first.
func TestKilledDuringProvisioning(t *testing.T) {
	t.Parallel()
	for _, call := range []string{postGroup, postProject, postCommit, postInvitation, sendMessage} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			r := setup(t).lossy()
			r.timing.CallTimeout = 2 * lossDelay
			victim := r.start()
			var numbers []int
			for i := range 3 {
				numbers = append(numbers, r.file(fmt.Sprintf("Projet %d", i)))
			}
			r.settled()
			rule, struck := once(fault.Rule{Kind: fault.LateEffect, Delay: lossDelay})
			r.lose(call, rule)
			for _, number := range numbers {
				r.accept(number)
			}
			r.received("the call", struck)
			r.delivered()
			victim.Kill()
			r.start()
			r.sound(accepted(3))
			r.start()
			r.sound(accepted(3))
		})
	}
}

// An orderly restart in the middle of provisioning lets the call under way end, and
// goes on from there.
func TestRestartDuringProvisioning(t *testing.T) {
	t.Parallel()
	for _, call := range []string{postGroup, postProject, postCommit, postInvitation} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			first := r.start()
			number := r.file("Portail des agents")
			r.settled()
			rule, struck := once(fault.Rule{Kind: fault.Slow, Delay: lossDelay})
			r.lose(call, rule)
			r.accept(number)
			r.received("the call", struck)
			require.NoError(t, first.Stop())
			require.Zero(t, count(r, "select count(*) from leases"), "given back")
			require.Zero(t, count(r, "select count(*) from river_job where state = 'running'"))
			r.start()
			r.sound(accepted(1))
		})
	}
}
