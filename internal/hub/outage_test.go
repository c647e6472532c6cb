package hub_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/hub"
	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
	"github.com/cloud-pi-native/passerelle/internal/simulator/gitlab"
)

// A service that fails three dossiers in a row is down: its queue is held on every
// replica and probed, by one job at a time, until it answers. No attempt is spent
// meanwhile, the other service's work goes on, and everything is done in the end.
func TestOutage(t *testing.T) {
	t.Parallel()
	const dossiers = 12
	r := setup(t)
	log := &lines{}
	logged := func(o *hubOptions) { o.Logger = slog.New(log) }
	hubs := []*hub.Hub{r.start(logged), r.start(logged)}
	mend := r.GitLab.Faults().Add(fault.Rule{Kind: fault.Status, Status: http.StatusBadGateway})
	for i := range dossiers {
		r.SendTo(base(hubs[i%2]))
		r.file(fmt.Sprintf("Projet %d", i))
	}
	r.eventually("GitLab is probed in vain", func() bool {
		return count(r, "select count(*) from queue_holds where author = 'hub: outage' and queue = 'gitlab' and probes >= 5") == 1
	})
	r.eventually("DS's work goes on", func() bool { return r.stock().Messages == dossiers })
	require.Equal(t, 1, log.count("its queue is held"), "one line, however many jobs meet it: %v", log.all())

	// Every replica can have found it down by itself, and calls under way then fail
	// like the third; from then on, each probe is one call.
	begun, probes := r.GitLab.Faults().Calls()[postIssue], count(r, "select probes from queue_holds")
	r.eventually("it is probed on", func() bool { return count(r, "select probes from queue_holds") >= probes+5 })
	made, probed := r.GitLab.Faults().Calls()[postIssue]-begun, count(r, "select probes from queue_holds")-probes
	require.LessOrEqual(t, made, probed+1, "calls of probes alone")
	spent := count(r, "select coalesce(max(attempt), 0) from river_job where queue = 'gitlab'")
	require.LessOrEqual(t, spent, 4)

	mend()
	r.sound(stock{Issues: dossiers, Notes: dossiers, Messages: dossiers})
	require.Zero(t, count(r, "select count(*) from queue_holds"))
	r.eventually("it is told once", func() bool { return log.count("available again") == 1 })
	require.LessOrEqual(t, count(r, "select coalesce(max(attempt), 0) from river_job where queue = 'gitlab'"), spent+1)
}

// One dossier that the service always fails on is no outage: the others are served.
func TestOneBadDossierIsNoOutage(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	bad, good := r.file("Projet maudit"), r.file("Un autre")
	r.settled()
	mend := r.GitLab.Faults().Add(fault.Rule{
		Operation: postGroup, Kind: fault.Status, Status: http.StatusInternalServerError,
		Match: func(_ string, body []byte) bool { return strings.Contains(string(body), "maudit") },
	})
	r.accept(bad)
	r.eventually("it fails again and again", func() bool {
		return count(r, "select count(*) from river_job where kind = 'provision_sandbox' and array_length(errors, 1) > 5") == 1
	})
	r.accept(good)
	r.eventually("the other one has its sandbox", func() bool { return r.stock().Projects == 1 })
	require.Zero(t, count(r, "select count(*) from queue_holds"))
	mend()
	r.sound(accepted(2))
}

// What answers in a service's place, as an ingress with nothing behind it or a page that
// tells of maintenance, is an outage, too: nothing fails for good.
func TestOutageThatAnswers(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusFound, http.StatusNotFound, http.StatusForbidden} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.start()
			mend := []func(){
				r.GitLab.Faults().Add(fault.Rule{Kind: fault.Status, Status: status}),
				r.DS.Faults().Add(fault.Rule{Operation: sendMessage, Kind: fault.Status, Status: status}),
			}
			for i := range 4 {
				r.file(fmt.Sprintf("Projet %d", i))
			}
			r.eventually("both queues are held", func() bool { return count(r, "select count(*) from queue_holds where probes > 1") == 2 })
			for _, mend := range mend {
				mend()
			}
			r.sound(stock{Issues: 4, Notes: 4, Messages: 4})
		})
	}
}

// A probe that fails by our own checks, without a call, says nothing of the service.
func TestProbeWithoutACall(t *testing.T) {
	t.Parallel()
	r := setup(t)
	log := &lines{}
	r.start(func(o *hubOptions) { o.Logger = slog.New(log) })
	good, bad := r.file("Projet témoin"), r.file("!!!")
	r.settled()
	r.accept(good)
	r.settled() // the root group is known now
	r.exec("insert into queue_holds (queue, author, reason, until, probes) values ('gitlab', 'hub: outage', 'down', clock_timestamp() + interval '1 hour', 3)")
	mend := r.GitLab.Faults().Add(fault.Rule{Kind: fault.Status, Status: http.StatusBadGateway})
	r.accept(bad)
	r.eventually("its sandbox waits", func() bool {
		return count(r, "select count(*) from river_job where kind = 'provision_sandbox' and (metadata->>'snoozes')::int > 0") == 1
	})
	r.exec("update river_job set state = 'scheduled', scheduled_at = clock_timestamp() + interval '1 hour' where kind = 'update_tracking_issue' and state in ('available', 'scheduled', 'retryable')")
	r.exec("update queue_holds set until = clock_timestamp()")
	r.eventually("it is refused", func() bool {
		return count(r, "select count(*) from river_job where kind = 'provision_sandbox' and state = 'cancelled'") == 1
	})
	require.Equal(t, 1, count(r, "select count(*) from queue_holds where probes >= 3"), "GitLab was not asked")
	require.Zero(t, log.count("available again"))
	mend()
	r.settledUnheld()
}

// One throttling is told once, however many jobs of however many hubs meet it.
func TestThrottlingIsToldOnce(t *testing.T) {
	t.Parallel()
	const dossiers = 24
	r := setup(t)
	r.timing.RetryCap = time.Hour // who is held does not look again meanwhile
	log := &lines{}
	logged := func(o *hubOptions) { o.Logger = slog.New(log) }
	hubs := []*hub.Hub{r.start(logged), r.start(logged), r.start(logged)}
	mend := r.GitLab.Faults().Add(fault.Rule{Operation: postIssue, Kind: fault.Throttle})
	for i := range dossiers {
		r.SendTo(base(hubs[i%len(hubs)]))
		r.file(fmt.Sprintf("Projet %d", i))
	}
	r.eventually("all wait", func() bool {
		return count(r, "select count(*) from river_job where kind = 'open_tracking_issue' and (metadata->>'snoozes')::int > 0") == dossiers
	})
	require.Positive(t, r.GitLab.Faults().Calls()[postIssue]) // how many are under way when it is told is chance
	require.Equal(t, 1, log.count("asked us to wait"))
	mend()
	r.settledUnheld()
	r.sound(stock{Issues: dossiers, Notes: dossiers, Messages: dossiers})
}

// A probe whose hub dies does not keep the queue held: another job probes later.
func TestProbeDies(t *testing.T) {
	t.Parallel()
	r := setup(t)
	first := r.start()
	r.file("Portail des agents")
	r.settled()
	first.Kill()
	r.exec("insert into queue_holds (queue, author, reason, until, probes) values ('gitlab', 'hub: outage', 'down', clock_timestamp() + interval '400 milliseconds', 3)")
	r.start()
	r.file("Un autre")
	r.sound(stock{Issues: 2, Notes: 2, Messages: 2})
	require.Zero(t, count(r, "select count(*) from queue_holds"))
}

// A weekend without GitLab: jobs are put off and put off again, and none is discarded.
// What an administrator holds stays held when GitLab is back.
func TestAdministratorsHold(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.start()
	r.holdQueue("gitlab", http.StatusOK)
	mend := r.DS.Faults().Add(fault.Rule{Operation: sendMessage, Kind: fault.Status})
	for i := range 4 {
		r.file(fmt.Sprintf("Projet %d", i))
	}
	r.eventually("DS is found down", func() bool { return count(r, "select count(*) from queue_holds where author = 'hub: outage'") == 1 })
	mend()
	r.eventually("DS is found back", func() bool { return r.stock().Messages == 4 })
	require.Equal(t, []string{"gitlab admin:admin"}, list(r, "select queue || ' ' || author from queue_holds"))
	require.Zero(t, r.stock().Issues)

	status, answer := r.admin(http.MethodGet, "/holds", "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, answer, "GitLab is being upgraded")
	status, answer = r.admin(http.MethodDelete, "/holds/gitlab", `{"reason": "the upgrade is over"}`)
	require.Equal(t, http.StatusOK, status, answer)
	r.sound(stock{Issues: 4, Notes: 4, Messages: 4})
	require.Equal(t, []string{"queue_held admin:admin", "queue_released admin:admin"},
		list(r, "select kind || ' ' || actor from ledger_entries where chain = 0 order by seq"))
}

func (r *rig) holdQueue(queue string, want int) {
	r.t.Helper()
	status, answer := r.admin(http.MethodPut, "/holds/"+queue, `{"reason": "GitLab is being upgraded"}`)
	require.Equal(r.t, want, status, answer)
}

// A token that is not accepted any more is nobody's fault: nothing fails for good, and
// all goes on when the token is accepted again.
func TestRevokedToken(t *testing.T) {
	t.Parallel()
	r := setup(t)
	log := &lines{}
	r.startPolled(func(o *hubOptions) { o.Logger = slog.New(log) })
	number := r.file("Portail des agents")
	r.settled()
	r.GitLab.RevokeToken(r.config.GitLabToken)
	r.accept(number)
	r.eventually("the queue is held at once", func() bool { return count(r, "select count(*) from queue_holds") == 1 })
	require.Contains(t, list(r, "select reason from queue_holds")[0], "PASSERELLE_GITLAB_TOKEN")
	r.eventually("it is told once", func() bool { return log.count("PASSERELLE_GITLAB_TOKEN") == 1 })

	r.GitLab.AddToken("passerelle", gitlab.Token{Value: r.config.GitLabToken})
	r.sound(accepted(1))
}

// The end of an hour's throttling is anybody's to see, also when who was throttled died.
func TestHoldOutlivesItsHub(t *testing.T) {
	t.Parallel()
	r := setup(t)
	first := r.start()
	r.lose(postIssue, fault.Rule{Kind: fault.Throttle, Times: 1})
	r.file("Portail des agents")
	r.eventually("the queue is held", func() bool { return count(r, "select count(*) from queue_holds") == 1 })
	first.Kill()
	r.exec("update queue_holds set until = clock_timestamp() + interval '300 milliseconds'")
	r.expire()
	r.start()
	r.sound(stock{Issues: 1, Notes: 1, Messages: 1})
	require.Equal(t, 2, r.GitLab.Faults().Calls()[postIssue])
}

// lines keeps what a hub logs.
type lines struct {
	slog.Handler

	mu  sync.Mutex
	got []string
}

func (l *lines) Enabled(context.Context, slog.Level) bool { return true }

func (l *lines) Handle(_ context.Context, record slog.Record) error {
	text := record.Message
	record.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, text)
	return nil
}

func (l *lines) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *lines) WithGroup(string) slog.Handler      { return l }

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.got)
}

// count is how many lines hold a text.
func (l *lines) count(text string) int {
	n := 0
	for _, line := range l.all() {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}
