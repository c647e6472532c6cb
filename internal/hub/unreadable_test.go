package hub_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/onboarding"
	"github.com/cloud-pi-native/passerelle/internal/simulator/demarches"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
)

// backlog files so many forms while no hub runs, and forgets the calls by then.
func (r *rig) backlog(count int) []int {
	r.t.Helper()
	r.storeOnly()
	r.timing.CallTimeout = time.Minute // a busy machine is no reason to ask for less
	require.NoError(r.t, r.startPolled().Stop())
	var numbers []int
	for i := range count {
		numbers = append(numbers, r.file(fmt.Sprintf("Projet %d", i), demarches.WithoutWebhook()))
	}
	r.DS.Faults().ResetCalls()
	return numbers
}

// marked waits until so many dossiers are marked as unreadable.
func (r *rig) marked(dossiers int) {
	r.t.Helper()
	r.eventually("dossiers are marked", func() bool { return count(r, "select count(*) from unreadable_dossiers") == dossiers })
}

// tryAgain lets the time pass after which what could not be read is tried again.
func (r *rig) tryAgain(number int) {
	r.t.Helper()
	tries := r.tries(number)
	r.eventually("it waits to be tried again", func() bool {
		return count(r, "select count(*) from river_job where state = 'scheduled' and args->>'dossier' = $1::text", fmt.Sprint(number)) == 1
	})
	r.unhold()
	r.eventually("it is tried again", func() bool { return r.tries(number) != tries })
}

func (r *rig) tries(number int) int {
	r.t.Helper()
	return count(r, "select coalesce(max(tries), 0) from unreadable_dossiers where number = $1", number)
}

// sizes notes how many dossiers each page asks for.
type sizes struct {
	mu    sync.Mutex
	asked []int
}

func sizeOf(body []byte) int {
	var request struct {
		Variables struct {
			First        int
			WithDossiers bool
		}
	}
	_ = json.Unmarshal(body, &request)
	if !request.Variables.WithDossiers {
		return 0
	}
	return request.Variables.First
}

// over is a condition for calls that ask for more than so many dossiers.
func (s *sizes) over(limit int) func(string, []byte) bool {
	return func(_ string, body []byte) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		size := sizeOf(body)
		if size > 0 {
			s.asked = append(s.asked, size)
		}
		return size > limit
	}
}

func TestUnreadableDossier(t *testing.T) {
	t.Parallel()
	r := setup(t)
	numbers := r.backlog(120)
	bad := []int{numbers[20], numbers[21], numbers[80]}
	var mend []func()
	for _, number := range bad {
		mend = append(mend, r.DS.Garble(number))
	}
	logged := &logs{}
	r.startPolled(func(o *hubOptions) { o.Logger = slog.New(slog.NewTextHandler(logged, nil)) })
	require.Equal(t, 117, count(r, "select count(*) from dossiers"))
	r.marked(3)
	first := calls(r.DS.Faults())
	require.LessOrEqual(t, first["Changes"], 50)
	require.LessOrEqual(t, first["Headings"], 10)
	for _, number := range bad {
		require.Equal(t, []string{"dossier_unreadable"}, r.kinds(number))
		require.Equal(t, 1, strings.Count(logged.String(), fmt.Sprintf("dossier=%d ", number)), "one warning")
	}
	require.Equal(t, []string{"Démarches Simplifiées: Cannot return null for non-nullable field Dossier.usager"},
		list(r, "select distinct data::jsonb->>'error' from ledger_entries where kind = 'dossier_unreadable'"))

	// Each later poll begins ten minutes before the newest, and meets them again: they
	// are stepped over, at little cost.
	for range 3 {
		r.DS.Faults().ResetCalls()
		r.poll()
		require.Equal(t, map[string]int{"Changes": 2 + 1, "Headings": 1, "Newest": 1}, calls(r.DS.Faults()))
	}
	r.marked(3)

	// Each is tried again by itself, alone; nothing is said twice.
	r.DS.Faults().ResetCalls()
	r.tryAgain(bad[0])
	r.eventually("each is tried again", func() bool { return r.DS.Faults().Calls()["Dossier"] == 3 })
	r.eventually("to be tried again", func() bool { return count(r, "select count(*) from river_job where state = 'scheduled'") == 3 })
	require.Equal(t, []string{"dossier_unreadable"}, r.kinds(bad[0]))
	for i := range bad {
		mend[i]()
	}
	r.unhold()
	r.sound(stock{})
	r.marked(0)
	require.Equal(t, []string{"dossier_unreadable", "dossier_readable", "dossier_seen", "eligibility_assessed"}, r.kinds(bad[0]))
	require.Equal(t, 120, count(r, "select count(*) from dossiers"))
	require.Equal(t, map[string]int{"Dossier": 6}, calls(r.DS.Faults()))
}

// One that is the newest of all is met by every poll for ever; the others cost nothing.
func TestUnreadableForEver(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.backlog(3)
	r.clock.advance(time.Hour)
	number := r.file("Illisible", demarches.WithoutWebhook())
	r.DS.Garble(number)
	r.startPolled()
	r.marked(1)
	for range 3 {
		r.clock.advance(time.Hour)
		r.DS.Faults().ResetCalls()
		r.poll()
		require.Equal(t, map[string]int{"Changes": 1, "Headings": 1}, calls(r.DS.Faults()))
	}
	// Once it is older, a poll is as before.
	r.file("Lisible", demarches.WithoutWebhook())
	r.poll()
	r.DS.Faults().ResetCalls()
	r.poll()
	require.Equal(t, map[string]int{"Changes": 1}, calls(r.DS.Faults()))
	require.Equal(t, 4, count(r, "select count(*) from dossiers"))

	// Another change is another chance.
	require.NoError(t, r.DS.Edit(number, demarches.Answers{demarches.FieldServices: 3}))
	r.poll()
	require.Equal(t, 2, r.tries(number))
	require.Equal(t, []string{"dossier_unreadable"}, r.kinds(number))
}

// A page that takes DS too long is read in smaller ones, and its dossiers are not to
// blame. How small is remembered when something else goes wrong in between.
func TestSlowPages(t *testing.T) {
	t.Parallel()
	for name, slow := range map[string]fault.Rule{
		"load balancer gives up": {Kind: fault.Status, Status: http.StatusGatewayTimeout},
		"no answer":              {Kind: fault.Hang},
		"internal error":         {Kind: fault.StatusAfter, Status: http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.backlog(110)
			if slow.Kind == fault.Hang {
				r.timing.CallTimeout = 4 * time.Second
			}
			asked := &sizes{}
			slow.Operation, slow.Match = "Changes", asked.over(12)
			// The second page that gets through is lost for another reason.
			r.DS.Faults().Add(fault.Rule{Operation: "Changes", Kind: fault.Status, Skip: 4, Times: 1})
			r.DS.Faults().Add(slow)
			r.startPolled()
			r.eventually("all is read", func() bool { return count(r, "select count(*) from dossiers") == 110 })
			r.sound(stock{})
			r.marked(0)
			if slow.Kind == fault.Hang {
				require.Equal(t, []int{100, 50, 25}, firsts(asked)[:3])
				return
			}
			require.Equal(t, append([]int{100, 50, 25, 12, 24}, slices.Repeat([]int{12}, 8)...), firsts(asked)[:13], "what is too many is not tried each time")
			require.Equal(t, 2, calls(r.DS.Faults())["Headings"], "once for each attempt, to see that DS is alive")
		})
	}
}

// firsts are the sizes in the order in which they were asked for.
func firsts(s *sizes) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// A service that answers nothing at all is no page's fault: nothing is marked, and
// pages stay as large as they were.
func TestServiceDownIsNoPagesFault(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.backlog(3)
			asked := &sizes{}
			r.DS.Faults().Add(fault.Rule{Operation: "Changes", Kind: fault.Status, Status: status, Times: 3, Match: asked.over(0)})
			r.DS.Faults().Add(fault.Rule{Operation: "Headings", Kind: fault.Status, Status: status, Times: 3})
			r.startPolled()
			r.sound(stock{})
			r.marked(0)
			require.Equal(t, []int{100, 100, 100}, firsts(asked))
			require.Equal(t, map[string]int{"Changes": 4, "Headings": 3}, calls(r.DS.Faults()))
			require.Equal(t, 3, count(r, "select count(*) from dossiers"))
		})
	}
}

// A refusal that concerns the whole token halves nothing.
func TestRefusalIsNoPagesFault(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]fault.Rule{
		"down": {Kind: fault.Status}, "forbidden": {Kind: fault.Status, Status: http.StatusForbidden},
		"cut off": {Kind: fault.ResetBefore}, "throttled": {Kind: fault.Throttle},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.backlog(3)
			rule.Operation, rule.Times = "Changes", 1
			r.DS.Faults().Add(rule)
			r.start()
			r.eventually("the poll", func() bool { r.unhold(); return count(r, "select count(*) from dossiers") == 3 })
			require.Zero(t, calls(r.DS.Faults())["Headings"])
			r.marked(0)
		})
	}
}

// A webhook for a dossier that DS fails to give leaves no failed job: it is tried again.
func TestWebhookOfUnreadable(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.startPolled()
	number := r.file("Illisible", demarches.WithoutWebhook())
	mend := r.DS.Garble(number)
	for range 2 {
		require.Equal(t, http.StatusNoContent, r.hook(r.address, hookFor(number, onboarding.EnConstruction, r.updated(number))))
		r.hooks++
	}
	r.eventually("the webhooks are answered for", func() bool { return count(r, "select count(*) from deliveries where outcome = 'unreadable'") == 2 })
	require.Zero(t, count(r, "select count(*) from river_job where state in ('cancelled', 'discarded', 'retryable')"))
	require.Equal(t, 1, count(r, "select count(*) from river_job where state = 'scheduled'"))
	require.Equal(t, []string{"dossier_unreadable"}, r.kinds(number))

	// Other trouble on the way changes nothing in what was told.
	r.DS.Faults().Add(fault.Rule{Operation: "Dossier", Kind: fault.Status, Status: http.StatusBadGateway, Times: 1})
	r.tryAgain(number)
	r.tryAgain(number)
	require.Equal(t, []string{"dossier_unreadable"}, r.kinds(number))
	mend()
	r.eventually("to be tried again", func() bool { return count(r, "select count(*) from river_job where state = 'scheduled'") == 1 })
	r.unhold()
	r.sound(stock{Issues: 1, Notes: 1, Messages: 1})
	require.Equal(t, []string{"dossier_unreadable", "dossier_readable", "dossier_seen"}, r.kinds(number)[:3])
}

// What goes out of sight while it cannot be read is not asked for any more; what comes
// back is found again.
func TestUnreadableThatGoes(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.startPolled()
	number := r.file("Illisible", demarches.WithoutWebhook())
	mend := r.DS.Garble(number)
	r.poll()
	r.marked(1)
	require.NoError(t, r.DS.Delete(number))
	r.unhold()
	r.marked(0)
	r.sound(stock{})
	require.Equal(t, []string{"dossier_unreadable", "dossier_not_visible"}, r.kinds(number))

	mend()
	require.NoError(t, r.DS.Restore(number))
	r.poll()
	r.sound(stock{Issues: 1, Notes: 1, Messages: 1})
}
