package hub_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloud-pi-native/passerelle/internal/simulator/fault"
)

// A service that asks us to wait has its queue held, whoever wants to call it; the
// other service's goes on, and no attempt is spent.
func TestThrottled(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		queue, call string
		putOff      []string // the jobs that wait
		meanwhile   stock    // what is done while they do
	}{
		"GitLab": {"gitlab", postIssue, []string{"open_tracking_issue", "open_tracking_issue"}, stock{Messages: 2}},
		"DS":     {"demarches", sendMessage, []string{"sync_dossier", "write_back", "write_back"}, stock{Issues: 1, Notes: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			r.timing.RetryCap = time.Hour // who is held does not look again meanwhile
			r.startPolled()
			r.lose(tt.call, fault.Rule{Kind: fault.Throttle, Times: 1})
			r.file("Portail des agents")
			r.eventually("the queue is held", func() bool { return count(r, "select count(*) from queue_holds") == 1 })
			require.Equal(t, []string{tt.queue + " hub"}, list(r, "select queue || ' ' || author from queue_holds"))
			require.Equal(t, 1, count(r, "select count(*) from queue_holds where until < clock_timestamp() + interval '61 seconds'"))

			r.exec("update queue_holds set until = clock_timestamp() + interval '1 hour'")
			r.file("Un autre")
			r.eventually("the others wait, too", func() bool {
				require.LessOrEqual(t, r.GitLab.Faults().Calls()[postIssue], 1, "calls to GitLab")
				require.Less(t, r.DS.Faults().Calls()["Dossier"], 3, "calls to DS")
				return count(r, "select count(*) from river_job where state = 'scheduled'") == len(tt.putOff) &&
					count(r, "select count(*) from river_job where state in ('available', 'running')") == 0
			})
			require.ElementsMatch(t, tt.putOff, list(r, "select kind::text from river_job where state = 'scheduled'"))
			require.Equal(t, tt.meanwhile, r.stock())

			r.unhold()
			r.sound(stock{Issues: 2, Notes: 2, Messages: 2})
			require.Zero(t, count(r, "select count(*) from river_job where attempt > 1 or array_length(errors, 1) > 0"), "attempts spent")
		})
	}
}
